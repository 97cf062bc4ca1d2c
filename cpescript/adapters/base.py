"""What every adapter offers: prepare the ACS for a run, and pass orders on to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cpescript.acs.orders import DeviceKey, Order, OrderResult
from cpescript.kernel.time import DEFAULT_START, Instant

View = Mapping[str, tuple[str, str] | None]
"""What an ACS believes of one device: path to (value text, XSD type without prefix, empty where it does not say); None
for a parameter that it does not know."""
Answered = Callable[[Sequence[View]], None]
Jobs = Callable[[Any, Callable[[Any], None]], None]
"""Runs a coroutine on the wire's loop, and calls back with its result, or with the AdapterError that it raised."""
RunNow = Callable[[Any], Any]
"""Runs a coroutine to its end before or after the wire's loop runs, and returns what it returns."""


def belief(told: Any) -> tuple[str, str] | None:
    """Return a parameter of a `View` as JSON has it: a pair, or null. Raises TypeError, ValueError."""
    if told is None:
        return None
    text, kind = told
    return str(text), str(kind)


class AdapterError(Exception):
    """The adapter cannot do what it is for: the ACS's north side is unreachable, refuses, or answers nonsense.

    Says nothing about what the ACS owes its devices, so a run ends in *error*. The text is for the user.
    """


@dataclass(frozen=True, slots=True)
class Setup:
    """What a scenario wants of its ACS before it begins."""

    policy_text: str | None = None
    """The policy file's text, None for the default policy."""
    policy_name: str = "default"
    """What diagnostics call the policy: its file."""
    defects: tuple[str, ...] = ()
    firmware: Mapping[str, int] = field(default_factory=dict)
    """Declared firmware images: version to size in octets."""
    start: Instant = DEFAULT_START
    """The calendar instant of virtual time 0."""
    seed: int = 0
    file_base_url: str = "http://files.example/"
    """Where firmware images are fetched: this and the version and `.bin`."""
    beliefs: bool = False
    """Whether the scenario will ask what the ACS believes: one of ours remembers no values otherwise."""
    orders: bool = True
    """Whether the scenario gives orders: without any nobody need be there to carry them out."""

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object that the north side of `cpescript acs serve` takes (`acs.build.build_from_json`)."""
        return {
            "policy": self.policy_text,
            "policy_name": self.policy_name,
            "defects": list(self.defects),
            "firmware": dict(self.firmware),
            "start": int(self.start),
            "seed": self.seed,
            "file_base_url": self.file_base_url,
            "beliefs": self.beliefs,
        }


class Adapter(Protocol):
    """How `acs …` statements reach the ACS under test."""

    name: str
    verbs: frozenset[str]
    """The verbs that this adapter can pass on; a scenario with another is an error before it runs."""
    beliefs: bool
    """Whether it can be asked what the ACS believes (`acs sees …`)."""
    calls: Mapping[str, tuple[str, ...]] | None
    """What `acs call` can name, each with the inputs that it takes; None: only the ACS knows."""
    secrets: Sequence[str]
    """Texts that must not show in any output: passwords, tokens."""

    def prepare(self, setup: Setup) -> None:
        """Make the ACS ready for a scenario, its memory empty. Raises AdapterError."""

    def submit(self, orders: Sequence[Order], done: Callable[[list[OrderResult]], None]) -> None:
        """Pass orders on; `done` is called with their results, at once or later. Raises AdapterError."""

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
        """Ask what the ACS believes of these devices' parameters; `done` gets one view per device, in their order, at
        once or later. Asking changes nothing on the wire between the ACS and its devices. Raises AdapterError."""

    def close(self) -> None:
        """Let go of whatever the adapter holds."""
