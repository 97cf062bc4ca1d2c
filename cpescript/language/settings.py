"""The settings of a scenario: what each line must hold, and the values of one case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from cpescript.diagnostics import Bag, Span, did_you_mean
from cpescript.kernel.time import Duration, Instant, Size, TimeOfDay
from cpescript.language import tree
from cpescript.language.context import Context, folder
from cpescript.language.expressions import Expressions
from cpescript.language.folding import Folder
from cpescript.language.scope import Place
from cpescript.language.timeline import DEFAULT_LIMIT, DEFAULT_PATIENCE
from cpescript.pattern import expression as px

Clock = Literal["virtual", "scaled", "real"]
CLOCKS = ("virtual", "scaled", "real")

TYPES: Mapping[str, str] = {
    "seed": "int",
    "limit": "duration",
    "starts at": "instant",
    "zone": "text",
    "patience": "duration",
    "policy": "text",
}
"""Setting with one value to its type."""

MANY = frozenset({"firmware"})
"""Settings that may stand more than once."""


class Settings:
    """One scenario's settings, checked; `case` gives their values for one case."""

    def __init__(self, expressions: Expressions, place: Place) -> None:
        self.expressions = expressions
        self.bag = expressions.bag
        self.place = place
        self.lines: dict[str, tree.SettingLine] = {}
        self.firmware: list[tuple[Any, Any]] = []
        self.values: dict[str, Any] = {}
        """Setting to its resolved expression."""
        self.condition: Any = None

    def add(self, node: tree.SettingLine) -> None:
        known = self.lines.get(node.word)
        if known is not None and node.word not in MANY:
            self.bag.error(
                node.span, "doubled", f"'{node.word}' stands in line {known.span.line} already", "once is enough"
            )
            return
        self.lines[node.word] = node
        if node.word in TYPES:
            if node.word == "starts at" and isinstance(getattr(node.values[0], "value", None), TimeOfDay):
                moment = node.values[0].value
                self.bag.error(
                    node.values[0].span,
                    "wrong-type",
                    "'starts at' is an instant",
                    f"with its day: 2026-01-01T{moment}Z",
                )
                return
            self.values[node.word] = self.expressions.value(
                node.values[0], self.place, TYPES[node.word], f"'{node.word}'"
            )
        elif node.word == "firmware":
            version = self.expressions.value(node.values[0], self.place, "text", "a firmware version")
            self.firmware.append(
                (version, self.expressions.value(node.values[1], self.place, "size", "a firmware's size"))
            )
        elif node.word == "clock":
            self._clock(node)
        elif node.word == "skip":
            self.values["skip"] = node.values[0]
            if node.values[1] is not None:
                self.condition = self.expressions.value(node.values[1], self.place, "bool", "what follows 'if'")
        elif node.word == "expected to fail":
            self.values["expected to fail"] = node.values[0]

    def _clock(self, node: tree.SettingLine) -> None:
        word, factor = node.values
        if word.text not in CLOCKS:
            self.bag.error(
                word.span,
                "unknown-clock",
                f"no clock is called '{word.text}'",
                did_you_mean(word.text, CLOCKS, "virtual, scaled 60x or real"),
            )
        elif word.text == "scaled" and factor is None:
            self.bag.error(word.span, "no-factor", "how many times faster than real time?", "write 'clock scaled 60x'")
        elif word.text != "scaled" and factor is not None:
            self.bag.error(factor.span, "no-factor", f"'clock {word.text}' has no factor", "take it out")
        elif factor is not None and not 0 < factor.value <= 1_000_000:
            self.bag.error(factor.span, "bad-number", "a clock runs from just above 0x to 1000000x")
        if word.text == "real" and "starts at" in self.lines:
            self._no_start(self.lines["starts at"].span)

    def _no_start(self, span: Span) -> None:
        self.bag.error(span, "real-clock", "a real clock starts now", "take 'starts at' out, or use 'clock virtual'")

    def finish(self) -> None:
        """Check what only all lines together show."""
        clock = self.lines.get("clock")
        if clock is not None and clock.values[0].text == "real" and "starts at" in self.lines:
            self._no_start(self.lines["starts at"].span)

    # --- one case ----------------------------------------------------------------------------------------------------

    def case(self, folding: Folder, context: Context, bag: Bag) -> dict[str, Any]:
        """Return the fields of a `Timeline` that settings decide, for the values that `folding` knows."""

        def value(name: str, default: Any) -> Any:
            if name not in self.values:
                return default
            found = folding.value(self.values[name], f"'{name}'")
            return default if found is None else found

        clock: Clock = "virtual"
        scale = 1.0
        if "clock" in self.lines and self.lines["clock"].values[0].text in CLOCKS:
            word, factor = self.lines["clock"].values
            clock, scale = word.text, factor.value if factor is not None else 1.0
        limit = Duration(value("limit", DEFAULT_LIMIT))
        if limit <= 0:
            bag.error(self.lines["limit"].span, "bad-number", "the limit is longer than nothing")
        start = value("starts at", None)
        return {
            "tags": self.tags(),
            "seed": value("seed", None),
            "limit": limit,
            "clock": clock,
            "scale": scale,
            "starts_at": Instant(start) if start is not None else None,
            "zone": self._zone(value("zone", "UTC"), bag),
            "patience": Duration(value("patience", DEFAULT_PATIENCE)),
            "policy": self._policy(value("policy", None), context, bag),
            "firmware": self._firmware(folding, bag),
            "skip": self._reason("skip") if self.skips(folding) else None,
            "expected_to_fail": self._reason("expected to fail"),
        }

    def skips(self, folding: Folder) -> bool:
        """Whether the case of these values is skipped."""
        if "skip" not in self.values:
            return False
        return self.condition is None or bool(folding.value(self.condition, "what follows 'if'"))

    def tags(self) -> tuple[str, ...]:
        found: list[str] = []
        if "tags" in self.lines:
            for word in self.lines["tags"].values[0]:
                if word.text not in found:
                    found.append(word.text)
        return tuple(found)

    def _reason(self, name: str) -> str | None:
        node = self.values.get(name)
        return str(node.value) if isinstance(node, px.Literal_) else None

    def _zone(self, name: str, bag: Bag) -> str:
        if name == "UTC":
            return name
        from zoneinfo import ZoneInfo, available_timezones

        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            bag.error(
                self.values["zone"].span,
                "unknown-zone",
                f"no zone is called '{name}'",
                did_you_mean(name, available_timezones(), 'as in "Europe/Berlin"'),
            )
            return "UTC"
        return name

    def _policy(self, name: str | None, context: Context, bag: Bag) -> str | None:
        if name is None:
            return None
        span = self.lines["policy"].span
        path = folder(span) / name
        if not path.is_file():
            bag.error(
                self.values["policy"].span,
                "missing-file",
                f"there is no policy at '{name}'",
                "the path is relative to this file",
            )
            return None
        context.data.add(str(path))
        return str(Path(path).resolve())

    def _firmware(self, folding: Folder, bag: Bag) -> dict[str, Size]:
        found: dict[str, Size] = {}
        for version, size in self.firmware:
            name, octets = folding.value(version, "a firmware version"), folding.value(size, "a firmware's size")
            if name is None or octets is None:
                continue
            if name in found:
                bag.error(version.span, "doubled", f'firmware "{name}" is declared twice', "once is enough")
            if octets < 1:
                bag.error(size.span, "bad-number", "an image has at least one octet")
            found[str(name)] = Size(octets)
        return found
