"""Generators of measured quantities: gaussian, diurnal, static, brownian, markov, and the sum of several.

They keep the rules of `generators`. A number that comes out of a formula is brought to the parameter's type by its
`Form`: rounded to a whole number within its range, or written with so many decimals. Every draw of N(0, 1) is one draw
of the stream through the inverse of the distribution, so that tick n never needs more than draw n.

What a write does: `brownian` goes on from the written number, brought into its band first; `markov` from the written
state, from its initial one where the text is no state; the others go on as if nothing had been.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from cpescript.device.generators import Chain, Function
from cpescript.kernel import draws
from cpescript.kernel.time import DAY, HOUR, SECOND

_NORMAL = NormalDist()
_RANGES = {"int": (-(1 << 31), (1 << 31) - 1), "unsignedInt": (0, (1 << 32) - 1)}


def normal(stream: int, n: int) -> float:
    """Return the n-th draw of a stream as one of N(0, 1)."""
    # 52 bits and a half: never 0 or 1, where the inverse is infinite.
    return _NORMAL.inv_cdf(((draws.draw(stream, n) >> 12) + 0.5) * 2.0**-52)


@dataclass(frozen=True, slots=True)
class Form:
    """How a number is written: as a value of type `target`; `decimals` is for texts."""

    target: str
    decimals: int

    def text(self, number: float) -> str:
        bounds = _RANGES.get(self.target)
        if bounds is None:
            return f"{number:.{self.decimals}f}"
        return str(round(min(max(number, bounds[0]), bounds[1])))


def number_of(text: str) -> float | None:
    """Return the number that a written text is, None where it is none that can be gone on from."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class Quantity(Function):
    """A function of the tick that is a number: what can be part of a sum."""

    __slots__ = ()
    drawn = True
    form: Form

    def number(self, tick: int, instant: int, stream: int) -> float:
        raise NotImplementedError

    def at(self, tick: int, instant: int, stream: int) -> str:
        return self.form.text(self.number(tick, instant, stream))


@dataclass(frozen=True, slots=True)
class Gaussian(Quantity):
    """mean + stddev * N(0, 1)."""

    kind = "gaussian"
    form: Form
    mean: float
    stddev: float

    def number(self, tick: int, instant: int, stream: int) -> float:
        return self.mean + self.stddev * normal(stream, tick)


@dataclass(frozen=True, slots=True)
class Diurnal(Quantity):
    """baseline + amplitude * sin(2 pi (hour - peak_hour + 6) / 24) + noise_stddev * N(0, 1); the hour is that of UTC,
    with its fraction."""

    kind = "diurnal"
    form: Form
    baseline: float
    amplitude: float
    peak_hour: float
    noise: float

    def number(self, tick: int, instant: int, stream: int) -> float:
        hour = instant % DAY / HOUR
        wave = math.sin(2 * math.pi * (hour - self.peak_hour + 6) / 24)
        noise = self.noise * normal(stream, tick) if self.noise else 0.0
        return self.baseline + self.amplitude * wave + noise


@dataclass(frozen=True, slots=True)
class Constant(Quantity):
    """Always the same number: the foot of a sum."""

    kind = "static"
    form: Form
    value: float

    def number(self, tick: int, instant: int, stream: int) -> float:
        return self.value


@dataclass(frozen=True, slots=True)
class Static(Function):
    """Always the same text: what somebody writes is undone at the next tick."""

    kind = "static"
    value: str

    def at(self, tick: int, instant: int, stream: int) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Brownian(Chain):
    """A random walk that its mean draws back:
    next = now + drift dt + volatility sqrt(dt) N(0, 1) + mean_reversion (mean - now) dt, kept within [low, high].

    dt is the interval, in seconds. `start` None goes on from the declared value.
    """

    kind = "brownian"
    form: Form
    start: float | None
    drift: float
    volatility: float
    reversion: float
    mean: float
    low: float
    high: float

    def begin(self, declared: str) -> float:
        number = self.start if self.start is not None else number_of(declared)
        return self._within(self.mean if number is None else number)

    def resume(self, written: str) -> float:
        number = number_of(written)
        return self._within(self.mean if number is None else number)

    def _within(self, number: float) -> float:
        return min(max(number, self.low), self.high)

    def advance(self, state: Any, tick: int, count: int, stream: int) -> float:
        number: float = state
        dt = self.interval / SECOND
        drift, pull, spread = self.drift * dt, self.reversion * dt, self.volatility * math.sqrt(dt)
        for n in range(tick + 1, tick + count + 1):
            noise = spread * normal(stream, n) if spread else 0.0
            number = self._within(number + drift + noise + pull * (self.mean - number))
        return number

    def number(self, state: Any, tick: int, instant: int, stream: int) -> float:
        found: float = state
        return found

    def text(self, state: Any, tick: int, instant: int, stream: int) -> str:
        return self.form.text(state)


@dataclass(frozen=True, slots=True)
class Markov(Chain):
    """Goes from state to state; `rows` holds, for each state, the running sums of the chances of all next ones."""

    kind = "markov"
    states: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    initial: int | None

    def begin(self, declared: str) -> int:
        if self.initial is not None:
            return self.initial
        return self.states.index(declared) if declared in self.states else 0

    def resume(self, written: str) -> int:
        return self.states.index(written) if written in self.states else self.initial or 0

    def advance(self, state: Any, tick: int, count: int, stream: int) -> int:
        index: int = state
        last = len(self.states) - 1
        for n in range(tick + 1, tick + count + 1):
            chance = draws.unit(stream, n)
            index = next((at for at, sum_ in enumerate(self.rows[index]) if chance < sum_), last)
        return index

    def text(self, state: Any, tick: int, instant: int, stream: int) -> str:
        index: int = state
        return self.states[index]


@dataclass(frozen=True, slots=True)
class Composite(Chain):
    """The sum of its parts. Part k draws from a stream of its own, as it would alone under the name `<path>#k`."""

    kind = "composite"
    form: Form
    parts: tuple[Quantity | Brownian, ...]
    keys: tuple[int, ...]

    def begin(self, declared: str) -> tuple[Any, ...]:
        return tuple(part.begin("") if isinstance(part, Brownian) else None for part in self.parts)

    def resume(self, written: str) -> None:
        return None

    def advance(self, state: Any, tick: int, count: int, stream: int) -> tuple[Any, ...]:
        return tuple(
            part.advance(each, tick, count, stream ^ key) if isinstance(part, Brownian) else None
            for part, each, key in zip(self.parts, state, self.keys, strict=True)
        )

    def text(self, state: Any, tick: int, instant: int, stream: int) -> str:
        total = 0.0
        for part, each, key in zip(self.parts, state, self.keys, strict=True):
            if isinstance(part, Brownian):
                total += part.number(each, tick, instant, stream ^ key)
            else:
                total += part.number(tick, instant, stream ^ key)
        return self.form.text(total)
