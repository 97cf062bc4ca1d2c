"""How a fleet reaches its ACS, besides the URL: plain data, so that a command line can fill it in without a socket."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

TlsVersion = Literal["1.2", "1.3"]
ConnectionsKept = Literal["profile", "kept", "shared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireOptions:
    """What holds for every device of a run."""

    tls_ca: Path | None = None
    """Certificates that an ACS's may be signed by, PEM; None: those that this machine trusts."""
    tls_insecure: bool = False
    """Check neither the ACS's certificate nor its name."""
    tls_least: TlsVersion = "1.2"
    tls_client_certs: Path | None = None
    """A folder with `SERIAL.pem` for each device, certificate and key; where it holds a test CA too (`cpescript tls
    new-ca`), a certificate that is missing is made."""
    proxy: str | None = None
    """URL of an HTTP proxy, `http://[user:password@]host:port`."""
    connections: ConnectionsKept = "profile"
    """What becomes of a connection after its session: as the device's profile says; `kept`: each device keeps its own,
    unless it is of those that close it after each POST; `shared`: all devices share what is open."""
    answers_held: int = 256
    """MiB of answers that are not whole yet, over all sessions: 32 of the largest (`Limits.body`), or 1.3 for each of
    200. A session that needs more fails."""
    source_addresses: tuple[str, ...] = ()
    """Addresses of this machine that connections are made from, in turn; empty: as the routing table says."""
    listen: tuple[str, int] = ("127.0.0.1", 0)
    """Address and port at which the fleet takes connection requests; port 0: any that is free."""
    listen_tls: Path | None = None
    """Certificate and key, PEM, where connection requests are taken by HTTPS."""


DEFAULT = WireOptions()
