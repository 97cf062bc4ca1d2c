"""`cpescript load`: an ACS under a load that does not wait for it."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

import click

from cpescript.cli import Drawn
from cpescript.cli.exits import FAILED, OK, UNJUDGED
from cpescript.cli.files import locate, show, writable, write
from cpescript.cli.interrupts import Interrupts
from cpescript.cli.page import Command
from cpescript.cli.values import duration
from cpescript.cli.wire import wire_of, wire_options
from cpescript.results import BAD_USAGE, INTERRUPTED

IN_FLIGHT = 1000
"""Sessions at once: more than this is a queue in the ACS, and its times say so."""
REAL_LIMIT = 24 * 3600.0


@click.command(
    cls=Command,
    examples=(
        ("cpescript load hg100 --acs http://127.0.0.1:7547/ --count 1000 --rate 50 --for 5m", "50 sessions a second"),
        (
            "cpescript load hg100 --acs staging --count 5000 --rate 200 --for 10m --report-json load.json",
            "and for a program",
        ),
    ),
    exits={
        OK: "every session was served",
        FAILED: "some sessions failed, or the rate was not reached",
        BAD_USAGE: "bad usage; nothing was sent",
        UNJUDGED: "the ACS could not be reached, or the simulator was the limit",
        INTERRUPTED: "interrupted; what was measured is shown",
    },
)
@click.argument("profile")
@click.option("--acs", required=True, metavar="ACS", help="The ACS's URL, or a target named in cpescript.toml.")
@click.option("--count", type=click.IntRange(1, 1_000_000), default=100, show_default=True, help="Devices.")
@click.option("--rate", type=click.FloatRange(0.001, 100_000), required=True, metavar="R", help="Sessions a second.")
@click.option("--for", "for_", type=duration, required=True, metavar="D", help="How long sessions are begun.")
@click.option(
    "--arrivals",
    type=click.Choice(("poisson", "even")),
    default="poisson",
    show_default=True,
    help="At random as a large fleet's are, or like a metronome.",
)
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), metavar="N", help="Root of all chance.")
@click.option("--in-flight", type=click.IntRange(1), default=IN_FLIGHT, show_default=True, help="Sessions at once.")
@click.option("--serial-prefix", default="", metavar="TEXT", help="Put before every serial number.")
@click.option("--adapter", metavar="NAME", help="As for 'run': to have the devices deleted at the end.")
@click.option("--north", metavar="URL", help="As for 'run'.")
@click.option("--keep", is_flag=True, help="Leave the devices in the ACS.")
@wire_options
@click.option(
    "--yes", is_flag=True, help="Go ahead with more than ten devices towards an ACS that is not on this machine."
)
@click.option("--report-json", type=writable, metavar="FILE", help="JSON, for programs.")
def command(**given: Any) -> int:
    """Put an ACS under a load that does not wait for it, and measure.

    Sessions begin at a rate that the ACS's speed does not change.

    PROFILE is a file, or the name of one that ships. Times are real ones, counted from the instant at which a session
    was to begin: what waits in a queue is seen.
    """
    from cpescript.device.profile import load as load_profile
    from cpescript.language.catalogue import quirk_refusal
    from cpescript.report.load import render
    from cpescript.runner.config import ConfigError, with_target
    from cpescript.runner.load import LoadOptions, load
    from cpescript.runner.options import EMBEDDED, RunOptions
    from cpescript.runner.target import Refused

    found, bag = load_profile(locate("profiles", given["profile"]), quirk_refusal)
    show([bag])
    if found is None or bag.failed:
        return BAD_USAGE
    if given["acs"] == EMBEDDED:
        raise click.BadParameter("the embedded ACS is no measure of anything: give the URL of one", param_hint="--acs")
    seed = given["seed"] if given["seed"] is not None else secrets.randbits(32)
    Drawn.seed = seed
    with Interrupts() as interrupted:
        try:
            run = with_target(
                RunOptions(
                    scenarios=(),
                    acs=given["acs"],
                    adapter=given["adapter"],
                    north=given["north"],
                    wire=wire_of(given),
                    environment=dict(os.environ),
                    serial_prefix=given["serial_prefix"],
                    yes=given["yes"],
                    keep=given["keep"],
                    in_flight=given["in_flight"],
                    real_limit_s=REAL_LIMIT,
                    interrupted=interrupted,
                )
            )
            result = load(
                LoadOptions(
                    profile=found,
                    run=run,
                    count=given["count"],
                    rate=given["rate"],
                    duration=int(given["for_"]),
                    arrivals=given["arrivals"],
                    seed=seed,
                )
            )
        except (Refused, ConfigError) as error:
            click.echo(f"error: {error.message}" + (f"\n   = {error.remedy}" if error.remedy else ""), err=True)
            return BAD_USAGE
        stopped = interrupted()
    click.echo(render(result.as_json()), nl=False)
    report: Path | None = given["report_json"]
    if report is not None:
        write(report, json.dumps(result.as_json(), indent=2, ensure_ascii=False) + "\n")
    if stopped:
        return INTERRUPTED
    if not result.done or result.limit.startswith("the simulator"):
        return UNJUDGED
    return OK if result.limit.startswith("neither") else FAILED
