"""Values for a scenario's parameters: `--param NAME=VALUE` and the YAML file of `--params`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from cpescript.cli.files import read

MOST = 1 << 20
"""Characters of a params file: a table of test data is kept as CSV or JSON beside the scenario, not here."""


def given(words: Iterable[str]) -> dict[str, str]:
    """Return the values of the `NAME=VALUE` words of `--param`. Raises UsageError for a shapeless or doubled one."""
    from cpescript.language.params import parse_assignments

    found, bag = parse_assignments(words)
    if bag.failed:
        shown = bag.sources["--param"].split("\n")
        raise click.UsageError(
            "; ".join(f"--param {shown[item.span.line - 1]}: {item.message}, {item.remedy}" for item in bag)
        )
    return found


def from_file(path: Path | None) -> dict[str, Any]:
    """Return what a params file holds: a mapping of names to values.

    A plain value stays the text it is, so that `2.10`, `02:00` and `1h` mean what they mean on the command line; only
    inside lists and maps are numbers and truth values told apart. Raises ClickException.
    """
    if path is None:
        return {}
    import yaml

    text = read(path)
    if len(text) > MOST:
        raise click.ClickException(f"'{path}' is too large for parameters: at most 1 MiB")
    loader = None
    try:
        loader = _loader()(text)
        root = loader.get_single_node()
        if root is None:
            return {}
        if not isinstance(root, yaml.MappingNode):
            raise click.ClickException(f"{path}:1:1: parameters are lines of 'name: value'")
        found: dict[str, Any] = {}
        for key, value in root.value:
            name, mark = str(key.value), key.start_mark
            if name in found:
                raise click.ClickException(f"{path}:{mark.line + 1}:{mark.column + 1}: {name} is given twice")
            scalar = isinstance(value, yaml.ScalarNode)
            found[name] = value.value if scalar else loader.construct_object(value, deep=True)
        return found
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(path)
        raise click.ClickException(f"{place}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise click.ClickException(f"{path}: {error}") from None
    except RecursionError:
        raise click.ClickException(f"{path}: nested too deeply") from None
    finally:
        if loader is not None:
            loader.dispose()


def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML without its surprises: no `02:00` that is 120, no `010` that is 8, no aliases that multiply."""

        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                event: Any = self.peek_event()  # type: ignore[no-untyped-call]
                mark = event.start_mark
                raise yaml.composer.ComposerError(None, None, "an alias is of no use in parameters", mark)
            return super().compose_node(parent, index)

    for name, pattern, first in (
        ("bool", r"true|false", "tf"),
        ("null", r"null", "n"),
        ("int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
        ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
    ):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(f"(?:{pattern})\\Z"), list(first))
    return Loader
