"""Does a message match? Kinds, settings and paths; `where` is asked of the message's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cpescript.pattern.values import same_text


class MessageView(Protocol):
    """A decoded message, of whatever protocol, as a claim sees it."""

    @property
    def kind(self) -> str: ...

    @property
    def paths(self) -> Sequence[str]:
        """The parameter names that the message asks for, sets or reports."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Name to value text, where the message carries values."""

    def field(self, name: str) -> Any:
        """Return an element by its snake-case name. Raises KeyError where the message has none of that name."""

    def type_of(self, path: str) -> str | None:
        """The XSD type that the message itself gives the value, without prefix."""


Parts = tuple[str | None, ...]
"""A parameter path with its expressions worked out: text, or None for any instance."""


def fits(parts: Parts, partial: bool, path: str) -> bool:
    """Whether the concrete `path` is what the pattern names: the same leaf, or at or below a partial path."""
    words = path.split(".")
    if words[-1] == "":
        words.pop()
        if not partial:
            return False
    if len(words) < len(parts) or (not partial and len(words) != len(parts)):
        return False
    return all(part is None or part == word for part, word in zip(parts, words, strict=False))


def covers(parts: Parts, partial: bool, asked: str) -> bool:
    """Whether a request for `asked` (leaf or partial path, empty for the root) asks for what the pattern names.

    `GPV Device.A.B` is met by `Device.A.B`, `Device.A.` and the empty path; `GPV Device.A.` by any request at or below
    it, or above it.
    """
    if asked == "" or asked.endswith("."):
        words = asked.split(".")[:-1]
        shared = min(len(words), len(parts))
        agree = all(part is None or part == word for part, word in zip(parts[:shared], words[:shared], strict=True))
        return agree and (len(words) <= len(parts) or partial)
    return fits(parts, partial, asked)


def setting_met(message: MessageView, parts: Parts, partial: bool, expected: Any, has_value: bool) -> bool:
    """Whether the message meets one `PATH` or `PATH = value` of a pattern."""
    if has_value:
        return any(
            fits(parts, partial, name) and same_text(value, message.type_of(name), expected)
            for name, value in message.settings.items()
        )
    return any(covers(parts, partial, name) for name in message.paths)


_SHOWN = ("file_type", "url", "command_key", "fault_code", "fault_string", "events", "object_name", "status",
          "instance_number", "delay_seconds")  # fmt: skip


def brief(kind: str, message: MessageView | None, limit: int = 160) -> str:
    """Return one line about a message: its kind, then settings or paths, then its telling fields."""
    if message is None:
        return kind
    words = []
    settings = dict(message.settings) if kind != "Inform" else {}
    if settings:
        words = [f"{name}={value}" for name, value in list(settings.items())[:4]]
        more = len(settings) - 4
    elif kind != "Inform":
        words = list(message.paths[:4])
        more = len(message.paths) - 4
    else:
        more = 0
    if more > 0:
        words.append(f"… {more} more")
    for name in _SHOWN:
        try:
            value = message.field(name)
        except KeyError:
            continue
        if value in ("", None, ()):
            continue
        if name == "events":
            words.insert(0, ", ".join(value))
        else:
            words.append(f"{name}={value}")
    line = " ".join([kind, *words])
    return line if len(line) <= limit else line[: limit - 1] + "…"
