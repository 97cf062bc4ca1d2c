"""TLS towards an ACS: one context per client certificate, and plain words for why a handshake failed.

A context is some 100 KiB and a fleet may have a certificate a device, so only those used last are kept.
"""

from __future__ import annotations

import re
import ssl
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from cpescript.transport.options import DEFAULT, WireOptions

CONTEXTS_KEPT = 256
"""Contexts with a client certificate of their own: as many as sessions share a wire by default, and some."""
_LEAST = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_SERIAL = re.compile(r"(?!\.)[\w.@+ -]{1,64}", re.ASCII)
"""Serial numbers that are names of files and of nothing else."""

_WORDS = (
    (re.compile(r"hostname mismatch|ip address mismatch|doesn't match|not valid for", re.I), "host name mismatch"),
    (re.compile(r"certificate[ _]has[ _]expired|alert[ _]certificate[ _]expired", re.I), "certificate has expired"),
    (re.compile(r"not yet valid", re.I), "certificate is not yet valid"),
    (re.compile(r"self[- ]signed certificate|unable to get (local )?issuer", re.I), "certificate of an unknown CA"),
    (re.compile(r"alert[ _](unknown[ _]ca|bad[ _]certificate)", re.I), "the ACS refuses the client certificate"),
    (
        re.compile(r"certificate[ _]required|alert[ _]handshake[ _]failure", re.I),
        "the ACS refuses the handshake: it may want a client certificate",
    ),
    (
        re.compile(r"unsupported[ _]protocol|alert[ _]protocol[ _]version|version[ _]too[ _]low", re.I),
        "no protocol version in common (TLS 1.2 or later is asked for)",
    ),
    (re.compile(r"inappropriate[ _]fallback", re.I), "a downgrade to an older TLS than both sides speak"),
    (re.compile(r"wrong[ _]version[ _]number|http[ _]request|record[ _]layer", re.I), "the ACS does not speak TLS"),
    (re.compile(r"unexpected[ _]eof|eof occurred", re.I), "the ACS closed the connection in the handshake"),
)


class TlsProblem(Exception):
    """A certificate or key of ours that cannot be used; the text says which and why."""


def words(problem: BaseException) -> str:
    """Return why TLS failed: `certificate has expired`, `host name mismatch`, …; else what OpenSSL says."""
    if isinstance(problem, TlsProblem):
        return str(problem)
    text = str(problem)
    if isinstance(problem, ssl.SSLCertVerificationError):
        text = problem.verify_message or text
    for pattern, meaning in _WORDS:
        if pattern.search(text):
            return meaning
    if isinstance(problem, ConnectionError):
        return "the ACS closed the connection in the handshake"
    return text.removeprefix("[SSL] ")[:200]


class Who(NamedTuple):
    """A device, as far as TLS is about it: certificates of a folder go by serial number, those of a scenario by
    the device's number, for a device may get another serial number later."""

    serial: str
    number: int = 0


NOBODY = Who("")
"""Where no TLS asks who it is."""


class Contexts:
    """TLS contexts for a fleet. Raises TlsProblem where the CA file or the folder cannot be used."""

    def __init__(self, options: WireOptions = DEFAULT) -> None:
        self._options = options
        self._common: ssl.SSLContext | None = None
        self._own: OrderedDict[Path, ssl.SSLContext] = OrderedDict()
        self._named: dict[int, Path] = {}
        if options.tls_ca is not None:
            self._common = self._make()
        folder = options.tls_client_certs
        if folder is not None and not folder.is_dir():
            raise TlsProblem(f"{folder} is no folder with client certificates")

    def show(self, number: int, file: Path) -> None:
        """Have a device show that certificate, PEM with its key, whatever the folder has. Raises TlsProblem where the
        file cannot be used."""
        self._with(file)
        self._named[number] = file

    def shows(self, number: int) -> bool:
        """Whether the device of a number may have a certificate of its own to show."""
        return number in self._named or self._options.tls_client_certs is not None

    def of(self, who: Who) -> ssl.SSLContext:
        """Return the context of a device. A device without a certificate shows none. Raises TlsProblem."""
        file = self._named.get(who.number) or self._certificate(who.serial)
        if file is None:
            if self._common is None:
                self._common = self._make()
            return self._common
        return self._with(file)

    def _with(self, file: Path) -> ssl.SSLContext:
        known = self._own.get(file)
        if known is not None:
            self._own.move_to_end(file)
            return known
        context = self._make()
        try:
            context.load_cert_chain(file)
        except (OSError, ValueError) as error:
            raise TlsProblem(f"client certificate {file}: {error}") from None
        self._own[file] = context
        if len(self._own) > CONTEXTS_KEPT:
            self._own.popitem(last=False)
        return context

    def _certificate(self, serial: str) -> Path | None:
        folder = self._options.tls_client_certs
        if folder is None or not _SERIAL.fullmatch(serial):
            return None
        file = folder / f"{serial}.pem"
        if file.is_file():
            return file
        from cpescript.transport import authority

        return authority.client(folder, serial) if authority.is_one(folder) else None

    def _make(self) -> ssl.SSLContext:
        options = self._options
        context = client_context(options.tls_ca)
        context.minimum_version = _LEAST[options.tls_least]
        if options.tls_insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def client_context(ca: Path | None) -> ssl.SSLContext:
    """Return a context that trusts the certificates of a file, None for those that this machine trusts; TLS 1.2 and
    later. Raises TlsProblem."""
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        raise TlsProblem(f"{ca} has no certificates to trust: {error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def server_context(certificate: Path, key: Path | None = None, client_ca: Path | None = None) -> ssl.SSLContext:
    """Return the context of an ACS of ours: TLS 1.2 and later; with `client_ca`, devices must show a certificate of
    it. Raises TlsProblem."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        raise TlsProblem(f"{certificate}: {error}") from None
    return context
