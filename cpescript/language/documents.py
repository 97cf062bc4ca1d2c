"""Checks hand-written messages: the templates of `send` and `answer with`, as soon as their names are known."""

from __future__ import annotations

from typing import Any

from cpescript.diagnostics import Bag
from cpescript.language import timeline as tl
from cpescript.language.context import Context, folder
from cpescript.pattern import expression as px
from cpescript.pattern.walking import walk


def template(name: Any, context: Context, bag: Bag) -> None:
    """Report a template that is not there or not in order, once each. A name that is not known yet is left alone."""
    if not isinstance(name, px.Literal_) or not isinstance(name.value, str):
        return
    path = folder(name.span) / name.value
    if str(path) in context.templates:
        return
    context.templates.add(str(path))
    if not path.is_file():
        message = f"there is no template at '{name.value}'"
        bag.error(name.span, "missing-file", message, "the path is relative to this file")
        return
    from cpescript.templates import load_template  # a template engine, which few scenarios need

    _, problems = load_template(path)
    bag.extend(problems)
    if not problems.failed:
        context.data.add(str(path))


def templates(steps: Any, context: Context, bag: Bag) -> None:
    """Check the templates of steps whose params have values."""
    for step in walk(steps):
        if isinstance(step, (tl.Act, tl.Answer)):
            template(step.arguments.get("file"), context, bag)
