"""The options of how a fleet reaches its ACS over the network, the same for each command that does so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce
from ipaddress import ip_address
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import click

from cpescript.cli.files import READABLE
from cpescript.cli.page import Option
from cpescript.transport.options import DEFAULT, ConnectionsKept, WireOptions

_option = partial(click.option, cls=Option, group="The wire to an ACS on the network")

_OPTIONS = (
    _option("--tls-ca", type=READABLE, metavar="FILE", help="Certificates that the ACS's may be signed by, PEM."),
    _option(
        "--tls-insecure", is_flag=True, help="Check neither the ACS's certificate nor its name; the report says so."
    ),
    _option(
        "--tls-client-certs",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="Client certificates by serial number, SERIAL.pem with its key; made where DIR holds a test CA.",
    ),
    _option("--proxy", metavar="URL", help="Reach the ACS through an HTTP proxy: http://[user:password@]host:port."),
    _option(
        "--connections",
        type=click.Choice(get_args(ConnectionsKept)),
        default=DEFAULT.connections,
        show_default=True,
        help="After a session: as the profile says; kept for the device's next one; or shared by all devices.",
    ),
    _option(
        "--source-address",
        "source_addresses",
        multiple=True,
        metavar="ADDRESS",
        help="Connect from this address of this machine. Repeatable: in turn.",
    ),
    _option(
        "--answers-held",
        type=click.IntRange(1),
        default=DEFAULT.answers_held,
        show_default=True,
        metavar="MIB",
        help="Memory for answers that are not whole yet, of all sessions together; one that needs more fails.",
    ),
    _option(
        "--listen",
        callback=lambda _, parameter, value: _listen(value),
        metavar="ADDRESS[:PORT]",
        help="Take connection requests at this address of this machine; any free port of loopback if not given.",
    ),
    _option(
        "--listen-tls", type=READABLE, metavar="FILE", help="Take them by HTTPS: certificate and key in one file, PEM."
    ),
)


def wire_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


def wire_of(given: Mapping[str, Any]) -> WireOptions:
    """Return what a command line says of the wire."""
    return WireOptions(
        tls_ca=given["tls_ca"],
        tls_insecure=given["tls_insecure"],
        tls_client_certs=given["tls_client_certs"],
        proxy=given["proxy"],
        connections=given["connections"],
        source_addresses=given["source_addresses"],
        answers_held=given["answers_held"],
        listen=given["listen"],
        listen_tls=given["listen_tls"],
    )


def _listen(value: str | None) -> tuple[str, int]:
    """Return address and port of `ADDRESS[:PORT]`, an IPv6 address in brackets. Raises BadParameter."""
    if value is None:
        return DEFAULT.listen
    try:
        parts = urlsplit(f"//{value}")
        address, port = ip_address(parts.hostname or ""), parts.port or 0
    except ValueError:
        example = "write 192.0.2.7:7547, or [2001:db8::7]:7547"
        raise click.BadParameter(f"'{value}' is no ADDRESS[:PORT]: {example}") from None
    if address.is_unspecified or parts.path or parts.username is not None:
        raise click.BadParameter(f"'{value}' is no address that an ACS could call: name one of this machine's")
    return str(address), port
