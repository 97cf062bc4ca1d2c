"""A certificate authority for tests, in a folder: `ca.pem`, `ca.key`, and what it signs. Needs the extra `tls`.

Keys are P-256 and are written for their owner only; nothing here is meant to guard anything but a lab.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cpescript.transport.tls import TlsProblem

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    MISSING = "certificates are made by the package 'cryptography': pip install 'cpescript[tls]'"
else:
    MISSING = ""

CERTIFICATE, KEY = "ca.pem", "ca.key"
DAYS = 825
"""How long a certificate is good: the most that clients take of a server's."""
_EARLIER = datetime.timedelta(hours=1)
"""How far back a certificate is dated: clocks of a lab differ."""


def is_one(folder: Path) -> bool:
    """Whether the folder holds a test CA."""
    return (folder / CERTIFICATE).is_file() and (folder / KEY).is_file()


def new(folder: Path, name: str = "cpescript test CA", days: int = DAYS) -> Path:
    """Make a CA in a folder; return its certificate's file. Raises TlsProblem where there is one already."""
    _need()
    if (folder / CERTIFICATE).exists() or (folder / KEY).exists():
        raise TlsProblem(f"{folder} has a CA already")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TlsProblem(f"{folder} cannot be made: {error}") from None
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(subject, subject, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / KEY, _key_octets(key))
    _write(folder / CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM), private=False)
    return folder / CERTIFICATE


def client(folder: Path, serial: str, days: int = DAYS) -> Path:
    """Make the certificate of a device, with its key in the same file `SERIAL.pem`. Raises TlsProblem."""
    _need()
    return _sign(folder, f"{serial}.pem", serial, (), days, ExtendedKeyUsageOID.CLIENT_AUTH)


def server(folder: Path, names: Sequence[str], days: int = DAYS) -> Path:
    """Make the certificate of a server for host names and addresses, with its key in the file `FIRST.pem`.

    A negative number of days makes one that has expired. Raises TlsProblem.
    """
    _need()
    return _sign(folder, f"{names[0].replace(':', '_')}.pem", names[0], names, days, ExtendedKeyUsageOID.SERVER_AUTH)


def _sign(
    folder: Path, file: str, subject: str, names: Sequence[str], days: int, purpose: x509.ObjectIdentifier
) -> Path:
    if "/" in file or file in (CERTIFICATE, KEY):
        raise TlsProblem(f"'{subject}' is no name for a certificate")
    try:
        issuer = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        signer = serialization.load_pem_private_key((folder / KEY).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise TlsProblem(f"{folder} has no test CA that can be used: {error}") from None
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TlsProblem(f"{folder / KEY} is no key that 'cpescript tls new-ca' made")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(subject), issuer.subject, key.public_key(), days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
    octets = builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    _write(folder / file, octets + _key_octets(key))
    return folder / file


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    begins = min(datetime.datetime.now(datetime.UTC), ends) - _EARLIER
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _name(text: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    except ValueError as error:
        raise TlsProblem(f"'{text}' is no name for a certificate: {error}") from None


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError as error:
        raise TlsProblem(f"'{name}' is no host name: {error}") from None


def _key_octets(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, octets: bytes, *, private: bool = True) -> None:
    """Write a file that is not there half: devices of another process may look for it."""
    half = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644), "wb") as file:
            file.write(octets)
        half.replace(path)
    except OSError as error:
        raise TlsProblem(f"{path} cannot be written: {error}") from None


def _need() -> None:
    if MISSING:
        raise TlsProblem(MISSING)
