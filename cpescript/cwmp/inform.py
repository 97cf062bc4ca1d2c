"""What a device says in its Inform: identity, events, and the parameters that each event calls for.

Which parameters those are is worked out once for each (schema, events), and so is everything in the envelope that does
not change from one Inform to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cpescript.cwmp.codec import InformTemplate, decode
from cpescript.cwmp.message import Message
from cpescript.cwmp.rpcs import NAMESPACES
from cpescript.kernel.time import SECOND, format_instant

if TYPE_CHECKING:
    from cpescript.cwmp.events import Events
    from cpescript.cwmp.session import Session
    from cpescript.device.schema import Schema

DEFAULT_VERSION = "1.2"

_SUPPORTED = {
    "1.3": "1.0,1.1,1.2,1.3",
    "1.4": "1.0,1.1,1.2,1.3,1.4",
}
"""What SupportedCWMPVersions says; the header came with CWMP 1.3 (TR-069 3.7.4)."""

Parameters = tuple[tuple[str, str], ...]
"""Names with their XSD types."""


def cwmp_version(schema: Schema) -> str:
    """Return the CWMP version that the profile says its devices speak, `1.0` to `1.4`."""
    return str(schema.extension.get("cwmp_version", DEFAULT_VERSION))


@lru_cache(maxsize=256)
def namespace_version(schema: Schema) -> str:
    """Return the namespace version of that CWMP version: 1.2, 1.3 and 1.4 share one (TR-069 3.7.4)."""
    version = cwmp_version(schema)
    return version if version in NAMESPACES else DEFAULT_VERSION


def version_below(version: str) -> str | None:
    """Return the namespace version before that one, None where there is none."""
    older = [each for each in NAMESPACES if each < version]
    return older[-1] if older else None


def build(session: Session) -> bytes:
    """Return the Inform of a session as its device stands now."""
    agent, device = session.agent, session.device
    host = device.host
    names, template, open_book = _prepared(device.schema, session.events, session.version)
    if session.changed:
        names = tuple(dict.fromkeys(names + session.changed))
        template, open_book = None, False
    try:
        if template is None:
            raise KeyError
        values = device.get_all(names) if open_book else [device.shown(name) for name in names]
    except KeyError:
        # Not what the profile alone says: a changed parameter more, or an instance that is gone.
        leaves = [leaf for name in names if (leaf := device.leaf(name)) is not None]
        template = _template(tuple((leaf.path, leaf.type) for leaf in leaves), device.schema, session.version)
        values = [device.get(leaf.path) if open_book else device.shown(leaf.path) for leaf in leaves]
    now = format_instant(host.start + host.kernel.now)
    return template.render("1", device.device_id, session.events, now, agent.retry_count, values)


class Told(Message):
    """An Inform as its own sender knows it: the events at once, everything else by decoding what was sent.

    Most claims on Informs ask for the events alone, and decoding costs more than the rest of a session. It is equal to
    the decoded message (a test compares them).
    """

    __slots__ = ("_body", "_events", "_message")

    def __init__(self, events: Events, body: bytes) -> None:
        self.kind = "Inform"
        self._events = events
        self._body = body
        self._message: Message | None = None

    @property
    def _decoded(self) -> Message:
        if self._message is None:
            self._message = decode(self._body)
        return self._message

    def field(self, name: str) -> Any:
        if name != "events":
            return self._decoded.field(name)
        events = self._events
        return (events[0].code,) if len(events) == 1 else tuple([event.code for event in events])

    @property
    def fields(self) -> Mapping[str, Any]:  # type: ignore[override]
        return self._decoded.fields

    @property
    def id(self) -> str | None:  # type: ignore[override]
        return self._decoded.id

    @property
    def version(self) -> str:  # type: ignore[override]
        return self._decoded.version

    @property
    def headers(self) -> Mapping[str, str]:  # type: ignore[override]
        return self._decoded.headers


@lru_cache(maxsize=1024)
def _prepared(schema: Schema, events: Events, version: str) -> tuple[tuple[str, ...], InformTemplate | None, bool]:
    """Return the parameters of an Inform with these events, its template, and whether none of them is hidden.

    Forced parameters come first, then those that the profile lists for each event, each once.
    """
    names = dict.fromkeys(schema.forced_inform)
    for event in events:
        names.update(dict.fromkeys(schema.inform_parameters.get(event.code, ())))
    template = _template(tuple((name, schema.type_of(name) or "string") for name in names), schema, version)
    return tuple(names), template, not any(schema.hides(name) for name in names)


@lru_cache(maxsize=256)
def _template(parameters: Parameters, schema: Schema, version: str) -> InformTemplate:
    return InformTemplate(parameters, version, _headers(schema))


def _headers(schema: Schema) -> Mapping[str, str]:
    """Return the headers of an Inform: the versions, and how long the ACS may take a session for alive (3.7.2.4)."""
    headers = {}
    supported = _SUPPORTED.get(cwmp_version(schema))
    if supported:
        headers["SupportedCWMPVersions"] = supported
        timeout = schema.extension.get("session_timeout")
        if isinstance(timeout, int):
            headers["SessionTimeout"] = str(timeout // SECOND)
    return headers
