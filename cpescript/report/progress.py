"""The progress display of a long run: virtual time, sessions, devices by state, claims. Only on a terminal.

The engine reports as often as it likes; the display draws a few times a second and no more. No thread draws behind the
run's back: what costs nothing to call is called from the run itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from cpescript.kernel.time import format_clock
from cpescript.report.explain import counted
from cpescript.results import Snapshot

if TYPE_CHECKING:
    from rich.live import Live

INTERVAL = 0.25
"""Real seconds between two drawings: as fast as an eye reads, too slow to cost anything."""


def lines(snapshot: Snapshot, seconds: float) -> tuple[str, ...]:
    """Return what the display shows: `seconds` is the real time that the run has taken."""
    states = ", ".join(f"{count:,} {state}" for state, count in snapshot.states.items() if count)
    missed = f", {snapshot.claims_missed} missed" if snapshot.claims_missed else ""
    return (
        f"{snapshot.title}",
        f"  {format_clock(snapshot.t // 1_000_000_000 * 1_000_000_000)} virtual, {seconds:.0f} s real, "
        f"{counted(snapshot.sessions, 'session')}",
        f"  {counted(snapshot.devices, 'device')}{': ' + states if states else ''}",
        f"  claims: {snapshot.claims_open} open, {snapshot.claims_met} met{missed}",
        *((f"  {snapshot.statement.strip()}",) if snapshot.statement else ()),
    )


class Progress:
    """Draws snapshots on `stream` while a run goes on; does nothing at all where that is not a terminal.

    `clock` gives real seconds, monotonic. Use it as a context manager, so that the terminal is left as it was found.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float], *, colour: bool = True) -> None:
        self._stream = stream
        self._clock = clock
        self._colour = colour
        self._began = clock()
        self._drawn: float | None = None
        self._live: Live | None = None
        self.enabled = stream.isatty()

    def update(self, snapshot: Snapshot) -> None:
        """Take note of how far the run is; draw if the last drawing is old enough."""
        if not self.enabled:
            return
        now = self._clock()
        if self._drawn is not None and now - self._drawn < INTERVAL:
            return
        self._drawn = now
        self._draw(snapshot, now - self._began)

    def clear(self) -> None:
        """Take the display off the screen, to make room for lines that stay; the next update draws it anew."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def _draw(self, snapshot: Snapshot, seconds: float) -> None:
        from rich.console import Console  # late: only a terminal pays for rich
        from rich.live import Live
        from rich.text import Text

        if self._live is None:
            console = Console(file=self._stream, force_terminal=True, no_color=not self._colour)
            self._live = Live(
                console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._live.start()
        self._live.update(Text("\n".join(lines(snapshot, seconds)), no_wrap=True, overflow="ellipsis"), refresh=True)
