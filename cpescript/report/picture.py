"""Where things stand in the pictures of the HTML report: swim lanes of the timeline, ladders of messages.

Pure geometry: numbers in, shapes out, in SVG user units (one is a CSS pixel at full size). The template draws them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cpescript.kernel.time import DAY, HOUR, MILLISECOND, MINUTE, SECOND, format_clock, format_duration
from cpescript.report.explain import counted, readable
from cpescript.results import Lane, LaneBar, MessageLine

WIDTH = 1080
GUTTER = 168
"""The column of lane titles."""
ROW = 24
BAR = 16
STRIP = 9
"""Below the bars of a lane that has marks."""
LANES_SHOWN = 40
"""More lanes than this are a wall, not a picture; the rest is counted below it."""
ROWS_APART = 30
"""Up to so many statements have a row each; more share rows."""
LETTER = 6.1
"""Width of a letter of the labels: 11 px of a common sans serif."""

_STEPS = (
    *(step * MILLISECOND for step in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(step * SECOND for step in (1, 2, 5, 10, 15, 30)),
    *(step * MINUTE for step in (1, 2, 5, 10, 15, 30)),
    *(step * HOUR for step in (1, 2, 3, 6, 12)),
    *(step * DAY for step in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
)


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """`text` is what fits beside or inside it, at `text_x` (`anchor` as SVG has it); `title` says all."""

    x: float
    y: float
    width: float
    kind: str
    title: str
    text: str
    text_x: float
    anchor: str
    inside: bool


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class LaneShape:
    title: str
    y: float
    height: float
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Swim:
    """The swim-lane picture."""

    width: float
    height: float
    axis_y: float
    ticks: tuple[Tick, ...]
    lanes: tuple[LaneShape, ...]
    more: str
    described: str


def swim(lanes: Sequence[Lane], virtual_ns: int) -> Swim | None:
    """Return the picture of `lanes` over the run's virtual time, or None where there is nothing to draw."""
    if not lanes:
        return None
    ends = [bar.end if bar.end is not None else bar.start for lane in lanes for bar in lane.bars]
    span = max(virtual_ns, *ends, *(t for lane in lanes for t, _ in lane.marks), 1)
    scale = (WIDTH - GUTTER - 12) / span
    y, shapes = 30.0, []
    for lane in lanes[:LANES_SHOWN]:
        shape = _lane(lane, y, span, scale)
        shapes.append(shape)
        y += shape.height + 6
    hidden = len(lanes) - len(shapes)
    return Swim(
        width=WIDTH,
        height=y + 6,
        axis_y=22,
        ticks=_ticks(span, scale),
        lanes=tuple(shapes),
        more=f"and {counted(hidden, 'lane')} more" if hidden else "",
        described=f"{counted(len(lanes), 'lane')} over {readable(span)} of virtual time: "
        + ", ".join(lane.title for lane in lanes[:LANES_SHOWN]),
    )


def _x(t: int, scale: float) -> float:
    return round(GUTTER + t * scale, 1)


def _ticks(span: int, scale: float) -> tuple[Tick, ...]:
    step = _STEPS[min(bisect_left(_STEPS, span / 9), len(_STEPS) - 1)]
    return tuple(Tick(_x(t, scale), format_duration(t)) for t in range(0, span + 1, step))


def _lane(lane: Lane, y: float, span: int, scale: float) -> LaneShape:
    """Bars that overlap go to rows of their own; a bar's label counts as part of it, so that labels never cross.

    A device is in several states at once, most of them for seconds: `online` has the first row to itself and all
    others share a second one, so that every device is two rows high and looks like the next. Statements stand one below
    the other, in the order of time, as long as they are few.
    """
    rows: list[float] = []
    bars: list[Bar] = []
    apart = len(lane.bars) <= ROWS_APART
    for bar in sorted(lane.bars, key=lambda bar: _order(bar, span)):
        shape = _bar(bar, span, scale)
        state = bar.kind == "state"
        left, right = extent(shape)
        if not state and apart:
            row = len(rows)
        elif not state:
            row = next((row for row, taken in enumerate(rows) if left >= taken), len(rows))
        elif bar.label == "online":
            row = 0
        else:
            row, shape = 1, replace(shape, kind="state brief")
        rows += [0] * (row + 1 - len(rows))
        rows[row] = max(rows[row], right + (0 if state else 8))
        bars.append(replace(shape, y=y + row * ROW + (ROW - BAR) / 2))
    height = max(1, len(rows)) * ROW + (STRIP if lane.marks else 0)
    return LaneShape(
        title=_fit(lane.title, GUTTER - 16),
        y=y,
        height=height,
        bars=tuple(bars),
        marks=tuple(Mark(_x(t, scale), y + height - STRIP, f"{format_clock(t)} {kind}") for t, kind in lane.marks),
    )


def _order(bar: LaneBar, span: int) -> tuple[int, bool, int]:
    """By when they began; of one instant, what was done at once comes before what went on, and the longest first."""
    end = bar.end if bar.end is not None else span
    return bar.start, end > bar.start, -end


def extent(bar: Bar) -> tuple[float, float]:
    """Return where a bar and its label begin and end."""
    width = len(bar.text) * LETTER
    left = bar.text_x if bar.anchor == "start" else bar.text_x - width
    return (min(bar.x, left), max(bar.x + bar.width, left + width)) if bar.text else (bar.x, bar.x + bar.width)


def _bar(bar: LaneBar, span: int, scale: float) -> Bar:
    end = bar.end if bar.end is not None else span
    x = _x(bar.start, scale)
    width = max(3.0, round((end - bar.start) * scale, 1))
    till = format_clock(end) if bar.end is not None else "the end"
    line = f"line {bar.line}: " if bar.line else ""
    title = f"{line}{bar.label} ({format_clock(bar.start)} to {till})"
    inside = len(bar.label) * LETTER <= width - 10
    room_right = WIDTH - (x + width) - 8
    if bar.kind == "state" and not inside:
        text, text_x, anchor = "", x, "start"  # states follow each other without a gap: no room beside them
    elif inside:
        text, text_x, anchor = bar.label, x + 6, "start"
    elif room_right >= min(len(bar.label), 24) * LETTER:
        text, text_x, anchor = _fit(bar.label, room_right), x + width + 5, "start"
    elif width >= 60:
        text, text_x, anchor, inside = _fit(bar.label, width - 10), x + 6, "start", True
    else:
        text, text_x, anchor = _fit(bar.label, x - GUTTER - 5), x - 5, "end"
    return Bar(x, 0, width, bar.kind, title, text, round(text_x, 1), anchor, inside)


def _fit(text: str, width: float) -> str:
    room = int(width / LETTER)
    return text if len(text) <= room else text[: max(0, room - 1)].rstrip() + "…" if room > 2 else ""


LADDER_WIDTH = 760
DEVICE_X = 210
ACS_X = 690
RUNG = 40
PAUSE = 26


@dataclass(frozen=True, slots=True)
class Rung:
    """One message: an arrow from `x1` to `x2` at `y`, or a note on the device's line for what is local."""

    y: float
    clock: str
    direction: str
    x1: float
    x2: float
    kind: str
    brief: str
    status: str
    bad: bool
    title: str


@dataclass(frozen=True, slots=True)
class Pause:
    """A session begins (`label` names it) after a while of silence (`gap`, empty at the top)."""

    y: float
    label: str
    gap: str


@dataclass(frozen=True, slots=True)
class Ladder:
    width: float
    height: float
    device_x: float
    acs_x: float
    rungs: tuple[Rung, ...]
    pauses: tuple[Pause, ...]
    end: str
    described: str


def ladder(messages: Sequence[MessageLine], device: str, decided: int) -> Ladder:
    """Return the ladder diagram of a device's last messages, ended by the instant at which its miss was `decided`."""
    y, rungs, pauses = 52.0, [], []
    last: MessageLine | None = None
    for message in messages:
        if last is None or message.session != last.session:
            gap = f"{readable(message.t - last.t)} later" if last is not None and message.t > last.t else ""
            pauses.append(Pause(y, f"session {message.session}" if message.session else "", gap))
            y += PAUSE
        out = message.direction == "to-acs"
        brief = message.brief.removeprefix(message.kind).strip()
        rungs.append(
            Rung(
                y=y + 20,
                clock=format_clock(message.t),
                direction=message.direction,
                x1=DEVICE_X if out else ACS_X,
                x2=ACS_X if out else DEVICE_X,
                kind=message.kind,
                brief=_fit(brief, ACS_X - DEVICE_X - 28 - (len(message.kind) + 2) * 7.2),
                status=str(message.status) if message.status is not None else "",
                bad=message.status is not None and message.status >= 400,
                title=f"{format_clock(message.t)} {message.brief or message.kind}",
            )
        )
        y += RUNG
        last = message
    return Ladder(
        width=LADDER_WIDTH,
        height=y + 44,
        device_x=DEVICE_X,
        acs_x=ACS_X,
        rungs=tuple(rungs),
        pauses=tuple(pauses),
        end=format_clock(decided),
        described=f"The last {counted(len(messages), 'message')} between {device} and the ACS: "
        + "; ".join(rung.title for rung in rungs),
    )
