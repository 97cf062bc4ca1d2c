"""HTTP authentication without HTTP: Basic and Digest, both ends, as used by devices, the ACS and listeners.

Digest is MD5 with qop=auth, as TR-069 3.4.5 asks, or without qop as RFC 2069 had it. What later servers ask is known
too: SHA-256, the `-sess` variants, qop=auth-int. Nonces, counters and the decision which nonces are fresh stay with the
caller.

Sources: RFC 7616 (Digest), RFC 2617 3.2.2.1 (without qop), RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import md5, sha256
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

Scheme = Literal["basic", "digest"]

_PARAMETER = re.compile(r'\s*([A-Za-z0-9!#$%&\'*+.^_`|~-]+)\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s,"]*))\s*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")
# A word that no `=` follows.
_SCHEME = re.compile(r"[\s,]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*(?:,|$)|\s+(?![\s=]))")


def _md5(octets: bytes) -> str:
    return md5(octets, usedforsecurity=False).hexdigest()


def _sha256(octets: bytes) -> str:
    return sha256(octets).hexdigest()


_ALGORITHMS: Mapping[str, Callable[[bytes], str]] = {
    "md5": _md5,
    "md5-sess": _md5,
    "sha-256": _sha256,
    "sha-256-sess": _sha256,
}


class Challenge(NamedTuple):
    """What a server asks for in WWW-Authenticate."""

    scheme: Scheme
    realm: str = ""
    nonce: str = ""
    qop: str = ""
    """`auth` where that is offered, else `auth-int`; empty for a challenge without qop."""
    opaque: str | None = None
    algorithm: str | None = None
    stale: bool = False


def _parameters(text: str, position: int = 0) -> tuple[dict[str, str], int]:
    """Return the parameters from `position` on, by names in lower case, and where they end."""
    found: dict[str, str] = {}
    while (match := _PARAMETER.match(text, position)) is not None and match.end() > position:
        name, quoted, plain = match.groups()
        if quoted is None:
            quoted = plain
        elif "\\" in quoted:
            quoted = _ESCAPED.sub(r"\1", quoted)
        found.setdefault(name.lower(), quoted)
        position = match.end()
    return found, position


def _challenges(headers: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the scheme and the parameters of each challenge; a line may hold several (RFC 9110, 11.6.1).

    A challenge begins where, at the start or after a comma, a word stands that no `=` follows: commas part
    parameters, too. What makes no sense ends its line.
    """
    for header in headers:
        position = 0
        while (begun := _SCHEME.match(header, position)) is not None:
            fields, position = _parameters(header, begun.end())
            yield begun[1], fields


_NONCE = 'nonce="'
_KNOWN: dict[tuple[str, str], Challenge] = {}
"""Challenges by what stands before and after their nonce: those of one server are alike but for that."""
_MOST_KNOWN = 64
_LONGEST_KNOWN = 1024


def parse_challenge(headers: Iterable[str]) -> Challenge | None:
    """Return the strongest challenge among WWW-Authenticate values that can be answered, None where there is none.

    Digest goes before Basic, and among Digests the one that the server named first (RFC 7616, 3.7). One with another
    algorithm than those above, or with qops but neither `auth` nor `auth-int`, cannot be answered.
    """
    values = tuple(headers)
    if len(values) != 1 or len(values[0]) > _LONGEST_KNOWN:
        return _strongest(values)
    before, _, rest = values[0].partition(_NONCE)
    nonce, _, after = rest.partition('"')
    known = _KNOWN.get((before, after))
    if known is not None and "\\" not in nonce:
        return Challenge("digest", known.realm, nonce, known.qop, known.opaque, known.algorithm, known.stale)
    challenge = _strongest(values)
    # With another nonce in its place, would it be the same challenge but for that?
    probe = _strongest([f'{before}{_NONCE}another"{after}'])
    if challenge is not None and probe == challenge._replace(nonce="another"):
        if len(_KNOWN) >= _MOST_KNOWN:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[before, after] = challenge
    return challenge


def _strongest(headers: Iterable[str]) -> Challenge | None:
    basic = None
    for scheme, fields in _challenges(headers):
        if scheme.lower() == "basic":
            basic = Challenge("basic", fields.get("realm", ""))
        elif scheme.lower() == "digest" and "nonce" in fields:
            qop = _chosen_qop(fields.get("qop", ""))
            if fields.get("algorithm", "MD5").lower() in _ALGORITHMS and qop is not None:
                return Challenge(
                    "digest",
                    fields.get("realm", ""),
                    fields["nonce"],
                    qop,
                    fields.get("opaque"),
                    fields.get("algorithm"),
                    fields.get("stale", "").lower() == "true",
                )
    return basic


@lru_cache(maxsize=64)
def _chosen_qop(offered: str) -> str | None:
    """Return which of the offered qops is answered, empty where none is offered, None where none can be."""
    qops = [word.strip().lower() for word in offered.split(",") if word.strip()]
    return next((known for known in ("auth", "auth-int") if known in qops), None) if qops else ""


def unanswerable(headers: Iterable[str]) -> str:
    """Say why none of these WWW-Authenticate values can be answered."""
    reasons = []
    for scheme, fields in _challenges(headers):
        if scheme.lower() != "digest":
            reasons.append(f"the scheme {scheme[:40]!r} is not known")
        elif "nonce" not in fields:
            reasons.append("a Digest without nonce")
        elif fields.get("algorithm", "MD5").lower() not in _ALGORITHMS:
            reasons.append(f"the Digest algorithm {fields['algorithm'][:40]!r} is not known")
        else:
            reasons.append(f"no qop of {fields.get('qop', '')[:40]!r} is known")
    return "; ".join(reasons[:3]) or "no WWW-Authenticate"


def next_nonce(header: str) -> str | None:
    """Return the nonce that an Authentication-Info value says to use from now on (RFC 7616, 3.5), None for none."""
    return _parameters(header)[0].get("nextnonce")


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def basic_challenge(realm: str) -> str:
    """Return the WWW-Authenticate value of a Basic challenge."""
    return f"Basic realm={_quoted(realm)}"


def digest_challenge(realm: str, nonce: str, opaque: str | None = None, stale: bool = False) -> str:
    """Return the WWW-Authenticate value of a Digest challenge: MD5, qop=auth (TR-069 3.4.5)."""
    text = f'Digest realm={_quoted(realm)}, nonce={_quoted(nonce)}, qop="auth", algorithm=MD5'
    if opaque is not None:
        text += f", opaque={_quoted(opaque)}"
    return text + (", stale=true" if stale else "")


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
    body: bytes = b"",
) -> str:
    """Return the `response` of a Digest (RFC 7616 3.4.1), without qop that of RFC 2069; `body` counts for auth-int.

    Raises KeyError for an algorithm that is not known.
    """
    named = (algorithm or "MD5").lower()
    of = _ALGORITHMS[named]
    secret = of(f"{username}:{realm}:{password}".encode())
    if named.endswith("-sess"):
        secret = of(f"{secret}:{nonce}:{cnonce}".encode())
    asked = f"{method}:{uri}:{of(body)}" if qop == "auth-int" else f"{method}:{uri}"
    request = of(asked.encode())
    text = f"{secret}:{nonce}:{nc}:{cnonce}:{qop}:{request}" if qop else f"{secret}:{nonce}:{request}"
    return of(text.encode())


def authorization(
    challenge: Challenge,
    username: str,
    password: str,
    method: str,
    uri: str,
    count: int = 1,
    cnonce: str = "",
    body: bytes = b"",
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
        body=body,
    )
    text = (
        f"Digest username={_quoted(username)}, realm={_quoted(challenge.realm)}, nonce={_quoted(challenge.nonce)},"
        f' uri={_quoted(uri)}, response="{response}"'
    )
    if challenge.algorithm is not None:
        text += f", algorithm={challenge.algorithm}"
    if challenge.qop:
        text += f", qop={challenge.qop}, nc={nc}, cnonce={_quoted(cnonce)}"
    elif (challenge.algorithm or "").lower().endswith("-sess"):
        text += f", cnonce={_quoted(cnonce)}"
    if challenge.opaque is not None:
        text += f", opaque={_quoted(challenge.opaque)}"
    return text


@lru_cache(maxsize=4096)
def _hashed(of: Callable[[bytes], str], *parts: str) -> str:
    """Return the hash of parts with colons between: A1 and A2 of RFC 7616 (3.4.2, 3.4.3) stay the same for long."""
    return of(":".join(parts).encode())


class Proof:
    """The answers to one challenge, request after request (an authentication session: RFC 7616, 3.3).

    Where the challenge asks for `auth`, what is alike in all answers is worked out once, and the same text comes out as
    from `authorization` (a test compares them).
    """

    __slots__ = ("_after", "_asked", "_before", "_between", "_hash", "_secret", "_uri", "challenge", "login", "used")

    def __init__(self, challenge: Challenge, username: str, password: str, used: int = 0) -> None:
        self.challenge = challenge
        self.login = username, password
        self.used = used
        """How often the nonce was used."""
        named = (challenge.algorithm or "MD5").lower()
        self._hash = _ALGORITHMS[named] if challenge.qop == "auth" and not named.endswith("-sess") else None
        self._uri = ""

    def renewed(self, nonce: str) -> Proof:
        """Return the proof that goes on with another nonce."""
        return Proof(self.challenge._replace(nonce=nonce), *self.login)

    def answer(self, method: str, uri: str, cnonce: str, body: bytes = b"") -> str:
        """Return the Authorization value of the next request. `cnonce` has neither quotes nor backslashes."""
        self.used += 1
        if self._hash is None:
            return authorization(self.challenge, *self.login, method, uri, self.used, cnonce, body)
        if uri != self._uri:
            self._prepare(self._hash, method, uri)
        nc = f"{self.used:08x}"
        response = self._hash(f"{self._secret}:{nc}:{cnonce}:auth:{self._asked}".encode())
        return f'{self._before}{response}{self._between}{nc}, cnonce="{cnonce}"{self._after}'

    def _prepare(self, of: Callable[[bytes], str], method: str, uri: str) -> None:
        challenge, (username, password) = self.challenge, self.login
        realm, nonce, algorithm, opaque = challenge.realm, challenge.nonce, challenge.algorithm, challenge.opaque
        self._uri = uri
        # Some thousands are kept, and how long its realm is the server says.
        hashed = _hashed if len(realm) <= _LONGEST_KNOWN else _hashed.__wrapped__
        self._secret = f"{hashed(of, username, realm, password)}:{nonce}"
        self._asked = _hashed(of, method, uri)
        self._before = (
            f"Digest username={_quoted(username)}, realm={_quoted(realm)}, nonce={_quoted(nonce)}, "
            f'uri={_quoted(uri)}, response="'
        )
        self._between = f'"{f", algorithm={algorithm}" if algorithm is not None else ""}, qop=auth, nc='
        self._after = f", opaque={_quoted(opaque)}" if opaque is not None else ""


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

    def made_for(self, target: str) -> bool:
        """Whether this proves anything for that request target (RFC 7616, 3.4.6): Basic does for any, and a caller that
        hands over no target asks for none."""
        uri = (self.fields or {}).get("uri", "")
        if self.scheme == "basic" or not target or uri == target:
            return True
        try:
            parts = urlsplit(uri)
        except ValueError:
            return False
        return bool(parts.netloc) and target == (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def parse_authorization(header: str) -> Credentials | None:
    """Return what an Authorization value holds, None for a scheme that is unknown or a value that makes no sense."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            username, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except ValueError:
            # No base64, or what it says is no UTF-8; a text that is not even ASCII is neither of these by name.
            return None
        return Credentials("basic", username, password) if colon else None
    if scheme.lower() == "digest":
        fields, _ = _parameters(rest)
        if {"username", "realm", "nonce", "uri", "response"} <= fields.keys():
            return Credentials("digest", fields["username"], fields=fields)
    return None


def verify(
    credentials: Credentials,
    username: str,
    password: str,
    method: str,
    realm: str | None = None,
    body: bytes | None = None,
) -> bool:
    """Whether the client knows the password. Freshness of the nonce is the caller's to judge.

    The realm is compared where it is given. An algorithm that is not known is never right, nor is a qop other than
    `auth` and, where the body is given, `auth-int`.
    """
    if credentials.scheme == "basic":
        same = hmac.compare_digest(credentials.username.encode(), username.encode())
        return hmac.compare_digest(credentials.password.encode(), password.encode()) and same
    fields = credentials.fields or {}
    qop, algorithm = fields.get("qop", ""), fields.get("algorithm")
    if qop not in (("", "auth") if body is None else ("", "auth", "auth-int")) or (
        algorithm is not None and algorithm.lower() not in _ALGORITHMS
    ):
        return False
    # A wrong user name takes as long as a wrong password: how long it takes tells neither.
    known = hmac.compare_digest(credentials.username.encode(), username.encode())
    same_realm = realm is None or fields["realm"] == realm
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
        body=body or b"",
    )
    return hmac.compare_digest(expected.encode(), fields["response"].lower().encode()) and known and same_realm
