"""What an ACS believes: the parameter values that devices have told it, or that it has set and they have confirmed.

Off unless somebody is going to ask: values of a hundred thousand devices are a hundred megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cpescript.acs.orders import DeviceKey
from cpescript.cwmp.message import Message


class Beliefs:
    """The last known values, by device and path. A value without a type came in an Inform that was read in haste."""

    def __init__(self) -> None:
        self._known: dict[DeviceKey, dict[str, tuple[str, str]]] = {}

    def informed(self, key: DeviceKey, values: Mapping[str, str], events: Iterable[str]) -> None:
        """An Inform came. A device that was reset has forgotten what it was told, and so have we."""
        known = {} if "0 BOOTSTRAP" in events else self._known.get(key, {})
        for path, value in values.items():
            known[path] = (value, known.get(path, ("", ""))[1])
        self._known[key] = known

    def told(self, key: DeviceKey, values: Iterable[Any]) -> None:
        """The device has answered with these values (`ParameterValue`), or confirmed that they are set."""
        known = self._known.setdefault(key, {})
        for each in values:
            known[each.name] = (each.value, each.type or "")

    def answered(self, key: DeviceKey, verb: str, asked: Iterable[Any], message: Message) -> None:
        """A task of that verb was done: `asked` are the values of a `set`."""
        if verb == "get":
            self.told(key, message.fields.get("parameter_list", ()))
        elif verb == "set":
            self.told(key, asked)

    def gone(self, key: DeviceKey, path: str) -> None:
        """An instance was deleted, and all below it."""
        known = self._known.get(key, {})
        for name in [name for name in known if name.startswith(path)]:
            del known[name]

    def forget(self, key: DeviceKey) -> None:
        """Nothing is known of the device any more."""
        self._known.pop(key, None)

    def view(self, key: DeviceKey, paths: Iterable[str]) -> dict[str, tuple[str, str] | None]:
        """Return (value, type) for each path, None where nothing is known."""
        known = self._known.get(key, {})
        return {path: known.get(path) for path in paths}
