"""How devices prove to the ACS who they are: Basic and Digest (TR-069 3.4.5, RFC 7616, RFC 7617).

An Inform without a right proof is answered by 401; the rest of its session is known by the cookie. A nonce is drawn
from the seed, lives for an hour, and each of its counts is good once, so that a proof cannot be replayed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

from cpescript.acs.rules import Authentication, fill
from cpescript.cwmp.digest import (
    Credentials,
    basic_challenge,
    digest_challenge,
    parse_authorization,
    verify,
)
from cpescript.cwmp.http import HttpRequest, HttpResponse
from cpescript.kernel import draws
from cpescript.kernel.time import HOUR

NONCE_LIFE = HOUR
MAX_NONCES = 65_536
"""Nonces that are remembered at once: a burst of a whole large fleet, and some 10 MiB at most."""
MAX_AUTHORIZATION = 4_096


class Authenticator:
    """Challenges, and judges proofs, as a policy's `authentication:` has it."""

    def __init__(self, rules: Authentication, seed: int) -> None:
        self.required = rules.scheme != "none"
        self._rules = rules
        self._stream = draws.stream(seed, "acs:nonce")
        self._drawn = 0
        self._nonces: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """Nonce to (until when it lives, the highest count that was used), oldest first."""

    def challenge(self, now: int) -> HttpResponse:
        """Return the 401 that asks for a proof."""
        if self._rules.scheme == "basic":
            value = basic_challenge(self._rules.realm)
        else:
            value = digest_challenge(self._rules.realm, self._nonce(now))
        return HttpResponse(401, (("WWW-Authenticate", value),))

    def admits(self, header: str, request: HttpRequest, names: Mapping[str, str], now: int) -> bool:
        """Whether an Authorization value proves the device whose identity is in `names` (A10–A13)."""
        if not header.isascii() or len(header) > MAX_AUTHORIZATION:
            return False
        proof = parse_authorization(header)
        if proof is None or proof.scheme != self._rules.scheme or not proof.made_for(request.path):
            return False
        known = any(
            verify(proof, username, password, request.method, self._rules.realm)
            for username, password in self._accounts(names)
        )
        # The count is used up only by who knows the password: a stranger cannot spoil a nonce.
        return known and (proof.scheme == "basic" or self._use(proof, now))

    def _accounts(self, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        yield from self._rules.users.items()
        if self._rules.device is not None:
            username, password = self._rules.device
            yield fill(username, names), fill(password, names)

    def _nonce(self, now: int) -> str:
        while self._nonces:
            oldest = next(iter(self._nonces))
            if len(self._nonces) < MAX_NONCES and self._nonces[oldest][0] > now:
                break
            del self._nonces[oldest]
        self._drawn += 1
        nonce = f"{draws.draw(self._stream, 2 * self._drawn):016x}{draws.draw(self._stream, 2 * self._drawn + 1):016x}"
        self._nonces[nonce] = (now + NONCE_LIFE, -1)
        return nonce

    def _use(self, proof: Credentials, now: int) -> bool:
        """Whether the nonce is alive and this count of it is new; notes that it was used."""
        until, used = self._nonces.get(proof.nonce, (0, 0))
        # Without qop there is no count: the nonce is good once.
        if until <= now or proof.count <= used:
            return False
        self._nonces[proof.nonce] = (until, max(proof.count, 0))
        return True
