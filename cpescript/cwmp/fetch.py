"""What a device asks of its host when a file is really carried: one HTTP exchange out, and what came of it.

The transfer core decides what to fetch and what the result means; the host's wire carries it. `declared` answers for
the images that a scenario declares, where there is no wire: the same header that a file server would send (see
`cwmp.image`), so that device and judge see the same either way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from cpescript.cwmp import image

HEAD = 64 * 1024
"""Octets of a fetched file that its device gets to see: image headers of the field stand in the first few KiB."""

Method = Literal["GET", "PUT", "POST"]
FetchFailure = Literal["", "timeout", "cut", "http", "tls", "refused", "too-large"]
"""Empty where the exchange was completed, whatever its status; else as `http.Failure`."""


_BROKEN_OFF = frozenset({"cut", "too-large"})
"""Failures that come only where a file server was reached."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """An exchange that a device wants: GET a file, or PUT or POST `body`. No credentials: empty texts.

    `offered_size` is the FileSize that the ACS named, 0 for unknown: the wire may refuse to read much more.
    """

    method: Method
    url: str
    username: str = ""
    password: str = ""
    body: bytes | None = None
    offered_size: int = 0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of it: `status` is None with a `failure` before any; `size` and `sha256` (hex) are of the whole body.
    With a `failure` and a status the file had begun to come.

    `head` holds the body's first `HEAD` octets.
    """

    failure: FetchFailure = ""
    status: int | None = None
    size: int = 0
    sha256: str = ""
    head: bytes = b""
    reason: str = ""
    """Why it failed, in a few words, where more is known than `failure` says."""

    @property
    def why(self) -> str:
        """What a fault's text says of a failure: its kind, and the reason where one is known."""
        return f"{self.failure}: {self.reason}" if self.reason else self.failure

    @property
    def fault(self) -> int:
        """What a failure is to CWMP (A.5.1): the server was not reached, or the file did not come whole."""
        return 9017 if self.status is not None or self.failure in _BROKEN_OFF else 9015

    @property
    def ok(self) -> bool:
        """Whether the exchange was completed with a status of success."""
        return not self.failure and self.status is not None and 200 <= self.status < 300


Done = Callable[[Fetched], None]


def declared(fetch: Fetch, firmware: Mapping[str, int]) -> Fetched:
    """Answer for a file server that holds the declared images (version to size in octets) and takes every upload.

    A URL that names no declared version is answered 404 where any is declared; where none is, it brings the version
    that it names itself.
    """
    if fetch.method != "GET":
        body = fetch.body or b""
        return Fetched("", 201, len(body), hashlib.sha256(body).hexdigest())
    version = image.named_version(fetch.url, firmware)
    if firmware and version not in firmware:
        return Fetched("", 404)
    head = image.header(version)
    size = max(firmware.get(version, fetch.offered_size), len(head))
    return Fetched("", 200, size, image.sha256(version, size), head)
