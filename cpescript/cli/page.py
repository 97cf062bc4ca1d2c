"""Help that reads like a page: purpose, usage, options by group, examples, exit statuses. And commands found lazily."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from cpescript.cli.exits import MEANINGS

WIDEST = 100
"""Longer lines tire the eye; narrower terminals get what they have."""


class Option(click.Option):
    """An option that stands under a heading of its own in the help."""

    def __init__(self, *args: Any, group: str = "Options", **more: Any) -> None:
        super().__init__(*args, **more)
        self.group = group


class Command(click.Command):
    """A command with examples and exit statuses in its help.

    `examples` are (command line, what it does) pairs; `exits` maps a status to what it means for this command, or is a
    sequence of statuses that mean what they always do.
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[tuple[str, str]] = (),
        exits: Mapping[int, str] | Sequence[int] = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.examples = examples
        self.exits = exits if isinstance(exits, Mapping) else {status: MEANINGS[status] for status in exits}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
        for title in sorted(groups, key=lambda title: title == "Options"):  # --help and its like come last
            with formatter.section(title):
                formatter.write_dl(groups[title])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                for line, purpose in self.examples:
                    # Written as it stands: a command line that is broken over lines cannot be copied.
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
                    formatter.write(f"{'':>{formatter.current_indent + 4}}{purpose}\n")
        if self.exits:
            with formatter.section("Exit status"):
                formatter.write_dl([(str(status), meaning) for status, meaning in self.exits.items()])


class Group(click.Group):
    """A group whose commands are imported when they are asked for.

    `lazy` maps a name to (module, one line of help), so that `--help` and `--version` import no command at all; each
    module holds its command as `command`.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.lazy:
            return None
        command = import_module(self.lazy[name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.lazy and not args[0].startswith("-"):
            from cpescript.diagnostics import did_you_mean

            remedy = did_you_mean(args[0], self.lazy, f"one of {', '.join(self.lazy)}")
            raise click.UsageError(f"no command is called '{args[0]}': {remedy}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, purpose) for name, (_, purpose) in self.lazy.items()])


def settings() -> dict[str, Any]:
    """Return the settings of every command's context: `-h` too, and a width that reads well."""
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    return {"help_option_names": ["-h", "--help"], "max_content_width": width, "terminal_width": width}
