"""Hover: what stands under the cursor, in a few lines of Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from cpescript.diagnostics import Span
from cpescript.language.catalogue import Schema
from cpescript.language.symbols import Declaration
from cpescript.language.tokens import Token
from cpescript.lsp import clauses
from cpescript.lsp.analysis import Analysis


def hover(analysis: Analysis, line: int, column: int) -> tuple[str, Span] | None:
    """Return (Markdown, the span it is about) for a place (from 1), None where there is nothing to say."""
    token = analysis.token_at(line, column)
    if token is None:
        return None
    declaration = analysis.declaration_at(line, column)
    if declaration is not None:
        text = "\n\n".join(_declared(declaration))
    elif token.kind == "PATH":
        text = "\n\n".join(_parameter(analysis, token.text))
    elif token.kind == "KIND":
        text = "\n\n".join(_message(analysis, token.text))
    elif token.kind == "WORD":
        text = "\n\n".join(_word(analysis, token))
    else:
        text = ""
    span = Span(analysis.file, token.line, token.column, token.end_line, token.end_column)
    return (text, span) if text else None


_KINDS = {
    "case": "case of the matrix",
    "devices": "devices",
    "capture": "kept message",
    "result": "result of a call",
    "define": "procedure",
    "system": "system",
}


def _declared(declaration: Declaration) -> Iterator[str]:
    kind = _KINDS.get(declaration.kind, declaration.kind)
    if declaration.signature:
        yield f"{kind} `{declaration.signature}`"
    elif declaration.schema is not None:
        yield f"cohort `{declaration.name}` of `{getattr(declaration.schema, 'name', '?')}`"
    elif declaration.message is not None:
        yield f"{kind} `{declaration.name}`: {declaration.message.name}"
        yield _fields(declaration.message.fields.items())
    else:
        type_ = f": {declaration.type}" if declaration.type not in ("any", "devices") else ""
        yield f"{kind} `{declaration.name}`{type_}"
    if declaration.doc:
        yield declaration.doc
    yield f"line {declaration.span.line}"


def _parameter(analysis: Analysis, path: str) -> Iterator[str]:
    """Type, access and default in each profile in use that has it, and where the standard speaks of it."""
    yield f"`{path}`"
    found = False
    for schema in analysis.symbols.schemas:
        if schema.path_exists(path):
            found = True
            yield f"{getattr(schema, 'name', '?')}: {_shape(schema, path)}"
    if not found:
        yield "no profile of this scenario has it" if analysis.symbols.schemas else ""
    clause = clauses.of_parameter(path)
    if clause:
        yield clause


def _shape(schema: Schema, path: str) -> str:
    if path.endswith("."):
        return "object"
    leaf = getattr(schema, "leaves", {}).get(path)
    type_ = schema.type_of(path) or "string"
    if leaf is None:
        return f"{type_}, of an instance yet to be made"
    access = "writable" if leaf.writable else "read-only"
    moves = ", moves by itself" if leaf.generator is not None else ""
    default = f", `{leaf.default}`" if leaf.default else ""
    return f"{type_}, {access}{default}{moves}"


def _message(analysis: Analysis, word: str) -> Iterator[str]:
    known = analysis.catalogue.messages.get(word)
    if known is None:
        return
    who = "asked of a device" if known.asked else ""
    yield f"**{known.name}**{f' ({who})' if who else ''}"
    clause = clauses.of_message(known.name)
    if clause:
        yield clause
    if known.fields:
        yield _fields(known.fields.items())


def _fields(fields: object) -> str:
    assert hasattr(fields, "__iter__")
    return "fields: " + ", ".join(f"`{name}` {type_}" for name, type_ in fields)


def _word(analysis: Analysis, token: Token) -> Iterator[str]:
    quirk = _quirk(token.text)
    if quirk is not None:
        yield from quirk
        return
    state = _state(token.text)
    if state:
        yield state


def _quirk(name: str) -> list[str] | None:
    from cpescript.quirks import catalogue

    known = catalogue().get(name)
    if known is None:
        return None
    arguments = ", ".join(
        f"`{each.name}: {each.takes}`" + ("" if each.required else f" = {each.default}") for each in known.parameters
    )
    lines = [f"quirk **{name}**", known.summary, f"A good ACS {known.good_acs}."]
    return [*lines, f"takes {arguments}"] if arguments else lines


def _state(name: str) -> str:
    from cpescript.device.states import STATES

    state = STATES.get(name)
    return f"state **{name}**: {state.meaning}" if state is not None else ""
