"""Checks hand-written messages: the templates of `send` and `answer with`, where their names are known beforehand."""

from __future__ import annotations

from typing import Any

from cpescript.diagnostics import Bag
from cpescript.language import timeline as tl
from cpescript.language.context import Context, folder
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk
from cpescript.templates import load_template


def templates(steps: Any, context: Context, bag: Bag) -> None:
    """Report templates that are not there or not in order, each once, at the statement that names it first."""
    seen: set[str] = set()
    for step in walk(steps):
        name = step.arguments.get("file") if isinstance(step, (tl.Act, tl.Answer)) else None
        if not isinstance(name, px.Literal_) or not isinstance(name.value, str):
            continue
        path = folder(name.span) / name.value
        if str(path) in seen:
            continue
        seen.add(str(path))
        if not path.is_file():
            message = f"there is no template at '{name.value}'"
            bag.error(name.span, "missing-file", message, "the path is relative to this file")
            continue
        _, problems = load_template(path)
        bag.extend(problems)
        if not problems.failed:
            context.data.add(str(path))
