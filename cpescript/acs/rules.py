"""What a policy says, as frozen data: rules, campaigns, authentication, connection requests. Read by `policy.py`.

An `Action` has the arguments of an order (`orders.py`), with two differences: texts may hold `{names}`, and a path that
begins with a dot stands below the device's own root (`.DeviceInfo.` is `Device.DeviceInfo.` on one device and
`InternetGatewayDevice.DeviceInfo.` on another).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cpescript.kernel.time import HOUR, MINUTE, SECOND, Duration, TimeOfDay
from cpescript.regular import regular

DEVICE_NAMES = ("oui", "product_class", "serial", "secret")
"""Names that a text of a rule may hold: the device's identity, and a secret of its own (by the seed)."""

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def placeholders(text: str) -> list[str]:
    """Return the names that a text holds in braces, in order. Raises ValueError for a brace that is neither."""
    names = [match[1] for match in _PLACEHOLDER.finditer(text) if match[1]]
    rest = _PLACEHOLDER.sub("", text)
    if "{" in rest or "}" in rest:
        raise ValueError("a brace stands for itself only when it is doubled")
    return names


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with each `{name}` replaced by its value, `{{` and `}}` by single braces."""
    if "{" not in text and "}" not in text:
        return text
    return _PLACEHOLDER.sub(lambda match: values[match[1]] if match[1] else match[0][0], text)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that an ACS does to a device. `verb` is an order's verb, or tag, untag (`arguments` {"tag"})."""

    verb: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "is": lambda a, b: a == b,
    "is_not": lambda a, b: a != b,
    "below": lambda a, b: a < b,
    "above": lambda a, b: a > b,
    "one_of": lambda a, b: a in b,
    "matches": lambda a, b: regular(b).fullmatch(a) is not None,
}
"""How a parameter of an Inform is compared: as a number where both sides are whole numbers, else as text."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path` as reported by the Inform; a parameter that it does not report makes the rule not apply."""

    path: str
    test: str
    value: Any


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule applies: everything that is given must hold; of several values one is enough."""

    event: tuple[str, ...] = ()
    oui: tuple[str, ...] = ()
    product_class: tuple[str, ...] = ()
    serial: str | None = None
    """A regular expression over the whole serial number."""
    tag: tuple[str, ...] = ()
    parameter_key: Literal["changed"] | None = None
    """The device reports another ParameterKey than this ACS gave it: somebody else configured it (A.3.2.1)."""
    parameters: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """`first`: once for each device until it bootstraps again or is forgotten; `every`: each time it applies."""

    name: str
    when: Condition
    then: tuple[Action, ...]
    repeat: Literal["every", "first"] = "every"


InputType = Literal["text", "int", "bool"]


@dataclass(frozen=True, slots=True)
class Input:
    """A named value that a call takes; required where `default` is None."""

    type: InputType
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """When a campaign may begin with a device: for so long after the call, or between two times of day (UTC)."""

    lasting: Duration | None = None
    opens: TimeOfDay | None = None
    closes: TimeOfDay | None = None


_FIVE_SECONDS, _HALF_MINUTE = Duration(5 * SECOND), Duration(30 * SECOND)
_TEN_MINUTES, _HOUR = Duration(10 * MINUTE), Duration(HOUR)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A named call. With `firmware` an upgrade, verified by reading `verify`; else the actions of `then`.

    `retries` counts further tries of a device after the first, each `retry_after` a failed one. A transfer whose
    TransferComplete has not come within `timeout` counts as failed.
    """

    name: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    firmware: str | None = None
    file_type: str = "1 Firmware Upgrade Image"
    then: tuple[Action, ...] = ()
    concurrency: int = 1_000_000
    window: Window | None = None
    retries: int = 0
    retry_after: Duration = _TEN_MINUTES
    timeout: Duration = _HOUR
    verify: str | None = ".DeviceInfo.SoftwareVersion"


@dataclass(frozen=True, slots=True)
class Authentication:
    """How devices prove who they are. `users` are good for any device; `device` are texts with `{names}`."""

    scheme: Literal["none", "basic", "digest"] = "none"
    realm: str = "cpescript"
    users: Mapping[str, str] = field(default_factory=dict)
    device: tuple[str, str] | None = None
    """(username, password) that only the device with that identity may use."""


@dataclass(frozen=True, slots=True)
class ConnectionRequests:
    """A connection request counts when its Inform comes within `answer_within` (3.2.2); else it is made again
    `retry_after` later, `retries` times; after that the order waits for the next session."""

    answer_within: Duration = _HALF_MINUTE
    retry_after: Duration = _HALF_MINUTE
    retries: int = 3
    timeout: Duration = _FIVE_SECONDS
    """Real time that an HTTP exchange with a device may take."""


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    rules: tuple[Rule, ...] = ()
    campaigns: Mapping[str, Campaign] = field(default_factory=dict)
    authentication: Authentication = Authentication()
    connection_requests: ConnectionRequests = ConnectionRequests()
    parameter_key: str = "cpescript"
    """The ParameterKey that goes with every change (A.3.2.1), at most 32 characters."""
    session_idle: Duration = _HALF_MINUTE
    """How long an open session may be silent before it is dropped (3.7.2.4: at least 30 s)."""


PROVISION = Action(
    "set",
    {
        "settings": (
            (".ManagementServer.PeriodicInformInterval", "300", "unsignedInt"),
            (".ManagementServer.ConnectionRequestUsername", "{oui}-{serial}", "string"),
            (".ManagementServer.ConnectionRequestPassword", "{secret}", "string"),
        )
    },
)

DEFAULT_POLICY = Policy(
    "default",
    rules=(
        Rule("bootstrap", Condition(event=("0 BOOTSTRAP",)), (PROVISION,)),
        Rule("stray", Condition(parameter_key="changed"), (PROVISION,), "first"),
    ),
)
"""Provision a device when it bootstraps, and once more if somebody else configures it; else leave it alone."""
