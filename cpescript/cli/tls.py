"""`cpescript tls new-ca|client|server`: certificates for a lab, signed by a CA that nobody else trusts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from cpescript.cli.exits import OK
from cpescript.cli.page import Command
from cpescript.results import BAD_USAGE

_FOLDER = click.Path(file_okay=False, path_type=Path)
_EXITS = {OK: "made", BAD_USAGE: "not made; the message says why"}


def _days(least: int, text: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    return click.option("--days", default=825, show_default=True, type=click.IntRange(least, 36_500), help=text)


@click.group()
def command() -> None:
    """Make certificates for a lab: a CA, devices, servers. Needs the extra 'tls'."""


@command.command(
    "new-ca", cls=Command, examples=(("cpescript tls new-ca lab", "lab/ca.pem and lab/ca.key"),), exits=_EXITS
)
@click.argument("folder", type=_FOLDER)
@click.option("--name", default="cpescript test CA", show_default=True, metavar="TEXT", help="Its subject.")
@_days(1, "How long it is good.")
def new_ca(folder: Path, name: str, days: int) -> int:
    """Make a CA in FOLDER: ca.pem to be trusted, ca.key to sign with. There must be none yet."""
    from cpescript.transport import authority

    return _made(lambda: authority.new(folder, name, days))


@command.command(
    "client",
    cls=Command,
    examples=(("cpescript tls client lab HG000001 HG000002", "lab/HG000001.pem and lab/HG000002.pem"),),
    exits=_EXITS,
)
@click.argument("folder", type=_FOLDER)
@click.argument("serials", nargs=-1, required=True, metavar="SERIAL...")
@_days(-3650, "How long they are good; negative: expired.")
def client(folder: Path, serials: tuple[str, ...], days: int) -> int:
    """Make the client certificates of devices by the CA in FOLDER: SERIAL.pem, with the key in it.

    'cpescript run --tls-client-certs FOLDER' makes by itself what is not there.
    """
    from cpescript.transport import authority

    return _made(*(lambda serial=serial: authority.client(folder, serial, days) for serial in serials))


@command.command(
    "server",
    cls=Command,
    examples=(
        ("cpescript tls server lab acs.lab.example 192.0.2.7", "lab/acs.lab.example.pem"),
        ("cpescript tls server lab localhost --days -1", "one that has expired, to see what devices do"),
    ),
    exits=_EXITS,
)
@click.argument("folder", type=_FOLDER)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_days(-3650, "How long it is good; negative: expired.")
def server(folder: Path, names: tuple[str, ...], days: int) -> int:
    """Make the certificate of a server by the CA in FOLDER, for host names and addresses: FIRST-NAME.pem, with the key
    in it."""
    from cpescript.transport import authority

    return _made(lambda: authority.server(folder, names, days))


def _made(*makers: Callable[[], Path]) -> int:
    """Make files and say where they are; return the exit status."""
    from cpescript.transport.tls import TlsProblem

    try:
        for make in makers:
            click.echo(str(make()))
    except TlsProblem as error:
        click.echo(f"error: {error}", err=True)
        return BAD_USAGE
    return OK
