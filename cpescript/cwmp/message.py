"""CWMP messages as values: what a SOAP body says, whoever sent it.

A `Message` is never changed once made: decoded ones are shared between sessions. Lists are tuples, numbers and booleans
are int and bool, everything else is text. An element that was absent has no field; one whose text does not fit its type
keeps the text, so that whoever answers can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cpescript.cwmp.rpcs import DERIVED, MESSAGES


class ParameterValue(NamedTuple):
    """A parameter with its value as text and its XSD type without prefix (`string`, `unsignedInt`)."""

    name: str
    value: str
    type: str = "string"


class ParameterInfo(NamedTuple):
    name: str
    writable: bool


class ParameterAttributes(NamedTuple):
    name: str
    notification: int
    access_list: tuple[str, ...] = ()


class ParameterAttributesSetting(NamedTuple):
    name: str
    notification_change: bool
    notification: int
    access_list_change: bool = False
    access_list: tuple[str, ...] = ()


class ParameterFault(NamedTuple):
    """One bad parameter of a SetParameterValues: fault code 9003 and 9005 to 9008."""

    name: str
    code: int
    string: str = ""


class Event(NamedTuple):
    """An event of an Inform. Only `M …` codes carry a CommandKey (TR-069 3.7.1.5)."""

    code: str
    command_key: str = ""


class QueuedTransfer(NamedTuple):
    """`state`: 1 not yet started, 2 in progress, 3 completed, finishing cleanup (A.4.1.1)."""

    command_key: str
    state: int


class AnyQueuedTransfer(NamedTuple):
    command_key: str
    state: int
    is_download: bool
    file_type: str
    file_size: int
    target_file_name: str


class TimeWindow(NamedTuple):
    window_start: int
    window_end: int
    window_mode: str
    user_message: str
    max_retries: int


class Argument(NamedTuple):
    name: str
    value: str


class Option(NamedTuple):
    option_name: str
    voucher_sn: int
    state: int
    mode: int
    start_date: str
    expiration_date: str | None = None
    is_transferable: int = 0


class InstallOperation(NamedTuple):
    url: str
    uuid: str | None = None
    username: str | None = None
    password: str | None = None
    execution_env_ref: str | None = None


class UpdateOperation(NamedTuple):
    uuid: str | None = None
    version: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = None


class UninstallOperation(NamedTuple):
    uuid: str
    version: str | None = None
    execution_env_ref: str | None = None


class OperationResult(NamedTuple):
    uuid: str
    deployment_unit_ref: str
    version: str
    current_state: str
    resolved: bool
    execution_unit_ref_list: str
    start_time: str
    complete_time: str
    fault_code: int = 0
    fault_string: str = ""


class AutonomousOperationResult(NamedTuple):
    uuid: str
    deployment_unit_ref: str
    version: str
    current_state: str
    resolved: bool
    execution_unit_ref_list: str
    start_time: str
    complete_time: str
    fault_code: int = 0
    fault_string: str = ""
    operation_performed: str = ""


CLASSES: Mapping[str, Any] = {
    "EventStruct": Event,
    "ParameterValueStruct": ParameterValue,
    "ParameterInfoStruct": ParameterInfo,
    "ParameterAttributeStruct": ParameterAttributes,
    "SetParameterAttributesStruct": ParameterAttributesSetting,
    "SetParameterValuesFault": ParameterFault,
    "QueuedTransferStruct": QueuedTransfer,
    "AllQueuedTransferStruct": AnyQueuedTransfer,
    "TimeWindowStruct": TimeWindow,
    "ArgStruct": Argument,
    "OptionStruct": Option,
    "InstallOpStruct": InstallOperation,
    "UpdateOpStruct": UpdateOperation,
    "UninstallOpStruct": UninstallOperation,
    "OpResultStruct": OperationResult,
    "AutonOpResultStruct": AutonomousOperationResult,
}
"""The class of each structure in `rpcs.STRUCTURES` that is not flattened; members in the order of its elements."""

_NO_HEADERS: Mapping[str, str] = {}


class Message:
    """A message: `kind` (`GetParameterValues`), `id` (cwmp:ID, None where absent), `fields`, namespace `version`.

    `headers` holds the other CWMP header elements by name: HoldRequests, SessionTimeout, SupportedCWMPVersions,
    UseCWMPVersion (TR-069 3.5).
    """

    __slots__ = ("fields", "headers", "id", "kind", "version")

    def __init__(
        self,
        kind: str,
        fields: Mapping[str, Any],
        id: str | None = None,
        version: str = "1.2",
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        self.kind = kind
        self.fields = fields
        self.id = id
        self.version = version
        self.headers = headers

    def __repr__(self) -> str:
        return f"Message({self.kind!r}, {dict(self.fields)!r}, id={self.id!r}, version={self.version!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return (self.kind, self.id, self.version, dict(self.fields), dict(self.headers)) == (
            other.kind,
            other.id,
            other.version,
            dict(other.fields),
            dict(other.headers),
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def hold_requests(self) -> bool:
        """Whether the ACS asks the CPE to hold its own requests; absent means no (TR-069 3.5)."""
        return self.headers.get("HoldRequests", "").strip() in ("1", "true")

    @property
    def events(self) -> tuple[str, ...]:
        """The event codes of an Inform, in order."""
        return tuple(event.code for event in self.fields.get("event", ()))

    @property
    def paths(self) -> tuple[str, ...]:
        """The parameter or object names that the message asks for, sets or reports."""
        known = MESSAGES.get(self.kind)
        found = self.fields.get(known.paths) if known is not None and known.paths else None
        if found is None:
            return ()
        if isinstance(found, str):
            return (found,)
        return tuple(item if isinstance(item, str) else item.name for item in found)

    @property
    def settings(self) -> Mapping[str, str]:
        """Name to value text, where the message carries values; of a name that comes twice, the last."""
        return {item.name: item.value for item in self._values()}

    def type_of(self, path: str) -> str | None:
        """Return the XSD type (without prefix) that the message gives the value of `path`, None where it has none."""
        for item in self._values():
            if item.name == path:
                return item.type
        return None

    def field(self, name: str) -> Any:
        """Return an element by its snake-case name. Raises KeyError where the message has none of that name."""
        derived = _DERIVED.get(name)
        return derived(self) if derived is not None and name in DERIVED.get(self.kind, ()) else self.fields[name]

    def _values(self) -> tuple[ParameterValue, ...]:
        found = self.fields.get("parameter_list", ())
        return found if found and isinstance(found[0], ParameterValue) else ()


_DERIVED: Mapping[str, Callable[[Message], tuple[Any, ...]]] = {
    "events": lambda message: message.events,
    "states": lambda message: tuple(result.current_state for result in message.fields.get("results", ())),
    "fault_codes": lambda message: tuple(result.fault_code for result in message.fields.get("results", ())),
}
"""How the fields of `rpcs.DERIVED` are worked out."""


def fault(
    code: int,
    string: str,
    id: str | None = None,
    version: str = "1.2",
    parameter_faults: tuple[ParameterFault, ...] = (),
) -> Message:
    """Return a Fault message (A.5); `string` is cut at 256 characters, as FaultString is."""
    fields: dict[str, Any] = {"fault_code": code, "fault_string": string[:256]}
    if parameter_faults:
        fields["parameter_faults"] = parameter_faults
    return Message("Fault", fields, id, version)
