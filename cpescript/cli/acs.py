"""`cpescript acs serve|defects`: the reference ACS on real HTTP, and its deliberate defects."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cpescript.cli.exits import OK
from cpescript.cli.files import READABLE
from cpescript.cli.page import Command
from cpescript.cli.values import defect
from cpescript.results import BAD_USAGE

if TYPE_CHECKING:
    from cpescript.transport.xmpp_caller import XmppAccount


@click.group()
def command() -> None:
    """Serve the reference ACS, list its deliberate defects."""


@command.command(
    "serve",
    cls=Command,
    examples=(
        ("cpescript acs serve", "on this machine only"),
        ("cpescript acs serve --policy rollout.yaml --defect no-retry", "another policy, and wrong on purpose"),
        (
            "cpescript run periodic_inform --acs http://127.0.0.1:7547/ --adapter cpescript --north http://127.0.0.1:7557/",
            "from another terminal: drive it",
        ),
    ),
    exits={OK: "ended by Ctrl-C or SIGTERM", BAD_USAGE: "a policy with mistakes, or a port that is taken"},
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where devices reach it.")
@click.option("--port", default=7547, show_default=True, type=click.IntRange(0, 65535), help="Port for devices.")
@click.option(
    "--north-port",
    default=7557,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port for orders; on loopback only.",
)
@click.option("--policy", type=READABLE, metavar="FILE", help="Replaces or extends the default policy.")
@click.option(
    "--defect", "defects", type=defect, multiple=True, metavar="NAME", help="Be wrong on purpose. Repeatable."
)
@click.option("--tls-cert", type=READABLE, metavar="FILE", help="Speak HTTPS with this certificate, PEM.")
@click.option("--tls-key", type=READABLE, metavar="FILE", help="Its key, where that is not in the same file.")
@click.option("--tls-client-ca", type=READABLE, metavar="FILE", help="Devices must show a certificate of this CA.")
@click.option("--call-ca", type=READABLE, metavar="FILE", help="Devices that are called by HTTPS have one of this CA.")
@click.option("--xmpp", metavar="JID", help="Call devices by XMPP too, as this account; needs the extra 'xmpp'.")
@click.option("--xmpp-server", metavar="HOST:PORT", help="Its server; else as the DNS says.")
@click.option("--xmpp-plain", is_flag=True, help="Its server speaks no TLS.")
def serve(
    host: str,
    port: int,
    north_port: int,
    policy: Path | None,
    defects: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    call_ca: Path | None,
    xmpp: str | None,
    xmpp_server: str | None,
    xmpp_plain: bool,
) -> int:
    """Serve the reference ACS over HTTP until Ctrl-C or SIGTERM. Port 0 takes a free one and says which.

    It is the same ACS as the embedded one. Once a run drives it, its clock is advanced through the north side by that
    run. The password of --xmpp is taken from the environment, CPESCRIPT_XMPP_PASSWORD.
    """
    from cpescript.transport.acs_service import serve as serve_acs
    from cpescript.transport.tls import TlsProblem, client_context, server_context

    if tls_cert is None and (tls_key or tls_client_ca):
        raise click.UsageError("--tls-key and --tls-client-ca go with --tls-cert")
    try:
        tls = server_context(tls_cert, tls_key, tls_client_ca) if tls_cert is not None else None
        trusts = client_context(call_ca) if call_ca is not None else None
        account = _account(xmpp, xmpp_server, tls=not xmpp_plain) if xmpp is not None else None
        serve_acs(
            port, north_port, policy, defects, host=host, announce=click.echo, tls=tls, trusts=trusts, xmpp=account
        )
    except (ValueError, TlsProblem) as error:
        click.echo(str(error), err=True)
        return BAD_USAGE
    except OSError as error:
        remedy = "--host, --port and --north-port say where; port 0 is any that is free"
        raise click.ClickException(f"it cannot listen: {error.strerror or error}; {remedy}") from None
    return OK


def _account(jid: str, server: str | None, *, tls: bool) -> XmppAccount:
    """Return as whom devices are called by XMPP. Raises UsageError."""
    from cpescript.transport.xmpp import MISSING
    from cpescript.transport.xmpp_caller import XmppAccount

    if MISSING:
        raise click.UsageError(MISSING)
    user, at, domain = jid.partition("@")
    if not (user and at and domain.partition("/")[0]):
        raise click.UsageError(f"--xmpp takes an address, name@domain or name@domain/resource, not '{jid}'")
    host, _, port = (server or "").rpartition(":")
    if server is not None and not (host and port.isdecimal() and 0 < int(port) < 65_536):
        raise click.UsageError(f"--xmpp-server takes HOST:PORT, not '{server}'")
    password = os.environ.get("CPESCRIPT_XMPP_PASSWORD")
    if not password:
        raise click.UsageError("--xmpp needs a password: export CPESCRIPT_XMPP_PASSWORD=…")
    account = XmppAccount(jid, password, tls=tls)
    return account._replace(host=host.strip("[]"), port=int(port)) if server is not None else account


@command.command("defects", cls=Command, examples=(("cpescript run firmware_rollout --defect no-retry", "use one"),))
@click.option("--json", "as_json", is_flag=True, help="A list of {name, summary, breaks, caught_by}.")
def defects(as_json: bool) -> int:
    """List the deliberate defects of the reference ACS: what each does, what it breaks, which scenario catches it."""
    from cpescript.acs.defects import catalogue

    known = list(catalogue().values())
    if as_json:
        rows = [
            {"name": one.name, "summary": one.summary, "breaks": one.breaks, "caught_by": one.caught_by}
            for one in known
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return OK
    for one in known:
        click.echo(f"{one.name}\n    {one.summary}\n    breaks: {one.breaks}\n    caught by: {one.caught_by}\n")
    return OK
