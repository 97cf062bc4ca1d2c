"""`cpescript record`: a trace of real devices and their ACS."""

from __future__ import annotations

import asyncio
import signal
import ssl
from datetime import UTC, datetime
from pathlib import Path

import click

from cpescript.cli.exits import OK
from cpescript.cli.files import READABLE, writable
from cpescript.cli.page import Command
from cpescript.masking import without_password
from cpescript.results import BAD_USAGE


@click.command(
    cls=Command,
    examples=(
        ("cpescript record --acs http://192.0.2.7:7547/ --trace lab.jsonl", "give devices this machine as their ACS"),
        (
            "cpescript record --listen 198.51.100.9:7547 --acs https://acs.example/cwmp --trace lab.jsonl",
            "on the network",
        ),
    ),
    exits={OK: "ended by Ctrl-C or SIGTERM", BAD_USAGE: "a URL that is none, or a port that is taken"},
)
@click.option(
    "--listen", default="127.0.0.1:7547", show_default=True, metavar="HOST:PORT", help="Where devices come to."
)
@click.option("--acs", required=True, metavar="URL", help="Where their ACS is.")
@click.option("--trace", "trace", required=True, type=writable, metavar="FILE", help="What is written, as JSON Lines.")
@click.option(
    "--relay-connection-requests",
    "relay",
    is_flag=True,
    help="Rewrite ConnectionRequestURL in Informs, so that the ACS's calls come through here.",
)
@click.option(
    "--relay-ports",
    "ports",
    type=click.IntRange(0, 10_000),
    default=0,
    show_default=True,
    metavar="N",
    help="Further ports for that, one for each device whose path another one has.",
)
@click.option(
    "--tls-certificate", type=READABLE, metavar="FILE", help="Serve https with it: PEM, its key in it or apart."
)
@click.option("--tls-key", type=READABLE, metavar="FILE", help="The key of --tls-certificate.")
@click.option("--tls-ca", type=READABLE, metavar="FILE", help="Certificates that the ACS's may be signed by.")
def command(
    listen: str,
    acs: str,
    trace: Path,
    relay: bool,
    ports: int,
    tls_certificate: Path | None,
    tls_key: Path | None,
    tls_ca: Path | None,
) -> int:
    """Write a trace of real devices and their ACS, standing between them.

    It serves until Ctrl-C. Passwords, cookies and Authorization headers are masked in the trace. The devices' ACS URL
    must lead here, with the path that the ACS has.
    """
    from cpescript import __version__
    from cpescript.kernel.trace import Writer
    from cpescript.transport.recorder import Recorder, record

    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"'{listen}' is not HOST:PORT", param_hint="--listen")
    if not acs.startswith(("http://", "https://")):
        raise click.BadParameter(f"'{acs}' is no URL of an ACS", param_hint="--acs")
    try:
        inwards = _serving(tls_certificate, tls_key)
        outwards = ssl.create_default_context(cafile=str(tls_ca)) if tls_ca is not None else None
    except (OSError, ssl.SSLError) as error:
        raise click.ClickException(f"the certificates cannot be read: {error}") from None
    with trace.open("wb") as file:
        writer = Writer("recorded", file)
        writer.header(
            {
                "version": __version__,
                "digest": "",
                "case": {},
                "params": {},
                "seed": 0,
                "clock": "real",
                "start": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "acs": "external",
            }
        )
        recorder = Recorder(acs, writer, relay=relay, ports=ports, say=lambda text: click.echo(text), tls=outwards)

        async def serve() -> None:
            over = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, over.set)
            scheme, theirs = "http" if inwards is None else "https", without_password(acs)
            await record(
                recorder,
                host.strip("[]") or "0.0.0.0",
                int(port),
                lambda found: click.echo(f"devices at {scheme}://{host or '0.0.0.0'}:{found}/, their ACS at {theirs}"),
                over,
                inwards,
            )

        try:
            asyncio.run(serve())
        except OSError as error:
            raise click.ClickException(f"{listen} cannot be had: {error.strerror or error}") from None
    click.echo(f"{trace}: {recorder.messages} messages of {recorder.devices} devices")
    return OK


def _serving(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
