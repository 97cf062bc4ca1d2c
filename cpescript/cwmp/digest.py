"""HTTP authentication without HTTP: Basic and Digest, both ends, as used by devices, the ACS and listeners.

Digest is MD5 (or MD5-sess) with qop=auth, as TR-069 3.4.5 asks, or without qop as RFC 2069 had it. Nonces, counters and
the decision which nonces are fresh stay with the caller.

Sources: RFC 7616 (Digest), RFC 2617 3.2.2.1 (without qop), RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import Literal

Scheme = Literal["basic", "digest"]

_PARAMETER = re.compile(r'\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)')
_ALGORITHMS = frozenset({"md5", "md5-sess"})


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for in WWW-Authenticate."""

    scheme: Scheme
    realm: str = ""
    nonce: str = ""
    qop: str = ""
    """`auth`, or empty for a challenge without qop."""
    opaque: str | None = None
    algorithm: str | None = None
    stale: bool = False


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while (match := _PARAMETER.match(text, position)) is not None and match.end() > position:
        value = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        found.setdefault(match[1].lower(), value)
        position = match.end()
    return found


def parse_challenge(headers: Iterable[str]) -> Challenge | None:
    """Return the strongest challenge among WWW-Authenticate values that can be answered, None where there is none.

    Digest goes before Basic. A Digest with an algorithm other than MD5, or with qops but without `auth`, cannot be
    answered.
    """
    basic = None
    for header in headers:
        scheme, _, rest = header.strip().partition(" ")
        fields = _parameters(rest)
        if scheme.lower() == "basic":
            basic = Challenge("basic", fields.get("realm", ""))
        elif scheme.lower() == "digest" and "nonce" in fields:
            qops = [word.strip().lower() for word in fields.get("qop", "").split(",") if word.strip()]
            if fields.get("algorithm", "MD5").lower() in _ALGORITHMS and (not qops or "auth" in qops):
                return Challenge(
                    "digest",
                    fields.get("realm", ""),
                    fields["nonce"],
                    "auth" if qops else "",
                    fields.get("opaque"),
                    fields.get("algorithm"),
                    fields.get("stale", "").lower() == "true",
                )
    return basic


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def basic_challenge(realm: str) -> str:
    """Return the WWW-Authenticate value of a Basic challenge."""
    return f"Basic realm={_quoted(realm)}"


def digest_challenge(realm: str, nonce: str, opaque: str | None = None, stale: bool = False) -> str:
    """Return the WWW-Authenticate value of a Digest challenge: MD5, qop=auth (TR-069 3.4.5)."""
    text = f'Digest realm={_quoted(realm)}, nonce={_quoted(nonce)}, qop="auth", algorithm=MD5'
    if opaque is not None:
        text += f", opaque={_quoted(opaque)}"
    return text + (", stale=true" if stale else "")


def _hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def digest_response(
    username: str,
    password: str,
    realm: str,
    nonce: str,
    method: str,
    uri: str,
    *,
    qop: str = "auth",
    nc: str = "00000001",
    cnonce: str = "",
    algorithm: str | None = None,
) -> str:
    """Return the `response` of a Digest (RFC 7616 3.4.1), without qop that of RFC 2069."""
    secret = _hash(f"{username}:{realm}:{password}")
    if algorithm is not None and algorithm.lower() == "md5-sess":
        secret = _hash(f"{secret}:{nonce}:{cnonce}")
    request = _hash(f"{method}:{uri}")
    return _hash(f"{secret}:{nonce}:{nc}:{cnonce}:{qop}:{request}" if qop else f"{secret}:{nonce}:{request}")


def authorization(
    challenge: Challenge, username: str, password: str, method: str, uri: str, count: int = 1, cnonce: str = ""
) -> str:
    """Return the Authorization value that answers a challenge; `count` is how often its nonce has been used, from 1."""
    if challenge.scheme == "basic":
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    nc = f"{count:08x}"
    response = digest_response(
        username,
        password,
        challenge.realm,
        challenge.nonce,
        method,
        uri,
        qop=challenge.qop,
        nc=nc,
        cnonce=cnonce,
        algorithm=challenge.algorithm,
    )
    text = (
        f"Digest username={_quoted(username)}, realm={_quoted(challenge.realm)}, nonce={_quoted(challenge.nonce)},"
        f' uri={_quoted(uri)}, response="{response}"'
    )
    if challenge.algorithm is not None:
        text += f", algorithm={challenge.algorithm}"
    if challenge.qop:
        text += f", qop={challenge.qop}, nc={nc}, cnonce={_quoted(cnonce)}"
    if challenge.opaque is not None:
        text += f", opaque={_quoted(challenge.opaque)}"
    return text


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client sent in Authorization: for Basic the password itself, for Digest the fields of its proof."""

    scheme: Scheme
    username: str
    password: str = ""
    fields: Mapping[str, str] | None = None

    @property
    def nonce(self) -> str:
        return (self.fields or {}).get("nonce", "")

    @property
    def count(self) -> int:
        """The nonce count, 0 where the client sent none or no hexadecimal number."""
        text = (self.fields or {}).get("nc", "")
        return int(text, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,8}", text) else 0


def parse_authorization(header: str) -> Credentials | None:
    """Return what an Authorization value holds, None for a scheme that is unknown or a value that makes no sense."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            username, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return Credentials("basic", username, password) if colon else None
    if scheme.lower() == "digest":
        fields = _parameters(rest)
        if {"username", "realm", "nonce", "uri", "response"} <= fields.keys():
            return Credentials("digest", fields["username"], fields=fields)
    return None


def verify(credentials: Credentials, username: str, password: str, method: str, realm: str | None = None) -> bool:
    """Whether the client knows the password. Freshness of the nonce is the caller's to judge.

    The realm is compared where it is given. An algorithm other than MD5 and MD5-sess, or a qop other than `auth`, is
    never right.
    """
    if credentials.scheme == "basic":
        same = hmac.compare_digest(credentials.username.encode(), username.encode())
        return hmac.compare_digest(credentials.password.encode(), password.encode()) and same
    fields = credentials.fields or {}
    qop, algorithm = fields.get("qop", ""), fields.get("algorithm")
    if qop not in ("", "auth") or (algorithm is not None and algorithm.lower() not in _ALGORITHMS):
        return False
    known = hmac.compare_digest(credentials.username.encode(), username.encode())
    if not known or (realm is not None and fields["realm"] != realm):
        return False
    expected = digest_response(
        username,
        password,
        fields["realm"],
        fields["nonce"],
        method,
        fields["uri"],
        qop=qop,
        nc=fields.get("nc", ""),
        cnonce=fields.get("cnonce", ""),
        algorithm=algorithm,
    )
    return hmac.compare_digest(expected.encode(), fields["response"].lower().encode())
