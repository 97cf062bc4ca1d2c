"""The command line. One file a command; this one finds them and keeps a promise.

The promise: a mistake of the user, of a file, of the ACS or of the environment is answered with where, what and how to
mend it. Anything else that is raised is our bug, and is printed as such with version and seed, exit status 4.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from cpescript import __version__
from cpescript.cli.page import Group, settings
from cpescript.results import BAD_USAGE, INTERNAL, INTERRUPTED

COMMANDS = {
    "run": ("cpescript.cli.run", "Run scenarios against an ACS and judge what it did."),
    "explore": ("cpescript.cli.explore", "Run a scenario under many seeds, and find the smallest fleet that fails."),
    "check": ("cpescript.cli.check", "Find every mistake in scenarios without running them."),
    "plan": ("cpescript.cli.plan", "Show what a scenario will do, and when, without doing it."),
    "fmt": ("cpescript.cli.fmt", "Write scenarios in the one layout."),
    "new": ("cpescript.cli.new", "Write a commented scenario to start from."),
    "profile": ("cpescript.cli.profile", "Check, show or import device profiles."),
    "lsp": ("cpescript.cli.lsp", "Serve an editor: mistakes as you type, completion, hover, renaming."),
    "load": ("cpescript.cli.load", "Put an ACS under a load that does not wait for it, and measure."),
    "record": ("cpescript.cli.record", "Write a trace of real devices and their ACS, standing between them."),
    "draft": ("cpescript.cli.draft", "Make a profile and a scenario of a trace."),
    "judge": ("cpescript.cli.judge", "Judge a saved trace or a recording without an ACS."),
    "diff": ("cpescript.cli.diff", "Say what an ACS does differently since."),
    "tls": ("cpescript.cli.tls", "Make certificates for a lab: a CA, devices, servers."),
    "acs": ("cpescript.cli.acs", "Serve the reference ACS, list its deliberate defects."),
}


@click.group(cls=Group, lazy=COMMANDS, context_settings=settings(), epilog="cpescript COMMAND --help says more.")
@click.version_option(__version__, prog_name="cpescript", message="%(prog)s %(version)s")
def group() -> None:
    """Test an ACS with simulated devices: a scenario says what happens to a fleet and what the ACS owes it, cpescript
    runs it on a virtual clock and judges.

    \b
    cpescript run firmware_rollout          a scenario that ships, on the embedded ACS
    cpescript new my_first.cpes             a scenario of your own to start from
    """


class Drawn:
    """The seed of the run at hand, for the message about a bug. One process is one command."""

    seed: int | None = None


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_status(list(arguments) if arguments is not None else None))


def _status(arguments: list[str] | None) -> int:
    try:
        status = group.main(arguments, prog_name="cpescript", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        return BAD_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): say nothing more, to it or at exit, as click does before us.
        sys.stdout = None
        return 1
    except Exception:
        click.echo(bug_report(), err=True)
        return INTERNAL


def bug_report() -> str:
    """Return what is printed about the exception being handled: it is ours, and this is what we need to know.

    It is meant to be handed on, so no parameter's value is in it: which of them are secret may not be known yet.
    """
    import platform
    import traceback

    from cpescript.masking import command_line

    seed = "none yet" if Drawn.seed is None else str(Drawn.seed)
    return (
        f"{traceback.format_exc()}\n"
        "This is a bug in cpescript, not in your scenario and not in your ACS.\n"
        "Please report it with the lines above and these:\n"
        f"  version {__version__}, Python {platform.python_version()}, {platform.system()}\n"
        f"  seed {seed}\n"
        f"  command {command_line(['cpescript', *sys.argv[1:]])}"
    )
