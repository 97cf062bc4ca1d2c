"""The quirks that the devices of a run have: given by a profile or a scenario, taken away, and kept between runs.

Each is told to the trace: `quirk-declared` where nobody has promised that it will show (it comes with the profile, or
from an earlier run), `quirk-injected` and `quirk-removed` where a scenario asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cpescript.cwmp.hooks import Hook
from cpescript.cwmp.kept import packed_fields, unpacked_fields
from cpescript.device.device import Device
from cpescript.quirks.catalogue import QuirkError, catalogue
from cpescript.quirks.declared import arguments_of


class _Held(NamedTuple):
    """A quirk that a device has: until when (virtual nanoseconds, None: until removed), and whether it was born so."""

    hook: Hook
    until: int | None
    born: bool


class HeldQuirks:
    """All quirks of a run's devices. A device has one of a name at most; a later one takes the place of the former."""

    def __init__(self) -> None:
        self._of: dict[int, dict[str, _Held]] = {}

    def born_with(self, device: Device, name: str, arguments: Mapping[str, Any]) -> None:
        """Give a device a quirk of its profile, its arguments as the profile has them. Raises QuirkError."""
        self._hold(device, name, catalogue()[name].make(arguments_of(name, arguments)), None, born=True)
        device.host.trace.fact(device, "quirk-declared", name=name)

    def inject(self, device: Device, name: str, arguments: Mapping[str, Any], duration: int | None = None) -> None:
        """Let a device misbehave, for `duration` nanoseconds or until removed.

        Raises KeyError for no quirk of the catalogue, QuirkError for arguments that do not fit.
        """
        hook = catalogue()[name].make(arguments)
        self.remove(device, name)
        self._hold(device, name, hook, duration)
        device.host.trace.fact(device, "quirk-injected", name=name)

    def remove(self, device: Device, name: str, hook: Hook | None = None) -> bool:
        """End a quirk; with `hook`, only if it is still that one. Returns whether there was one."""
        known = self._of.get(device.number, {})
        if name not in known or (hook is not None and known[name].hook is not hook):
            return False
        device.agent.remove_hook(known.pop(name).hook)
        device.host.trace.fact(device, "quirk-removed", name=name)
        return True

    def clear(self, device: Device) -> bool:
        """End all quirks of a device; return whether there were any."""
        ended = [self.remove(device, name) for name in list(self._of.get(device.number, {}))]
        return bool(ended)

    def _hold(self, device: Device, name: str, hook: Hook, duration: int | None, born: bool = False) -> None:
        kernel = device.host.kernel
        until = None if duration is None else kernel.now + duration
        self._of.setdefault(device.number, {})[name] = _Held(hook, until, born)
        device.agent.add_hook(hook)
        if until is not None:
            kernel.at(until, device, lambda _: self.remove(device, name, hook))

    # --- kept between runs ----------------------------------------------------------------------------------------

    def saved(self, device: Device) -> list[dict[str, Any]]:
        """Return what `restore` takes, as JSON holds it: the quirks with what they have counted, in their order."""
        kept = []
        for name, held in self._of.get(device.number, {}).items():
            entry: dict[str, Any] = {"name": name, "arguments": packed_fields(_arguments(name, held.hook))}
            counted = _counted(name, held.hook)
            if counted:
                entry["counted"] = packed_fields(counted)
            if held.until is not None:
                entry["left"] = held.until - device.host.kernel.now
            if held.born:
                entry["born"] = True
            kept.append(entry)
        return kept

    def restore(self, device: Device, saved: Iterable[Mapping[str, Any]], *, same_profile: bool = True) -> None:
        """Let a device that was just made have the quirks of an earlier run, with what they had counted by then.

        What a scenario gives it in this run holds. What was born with a device of another profile is left out, and so
        is what the catalogue has no more.
        """
        known = self._of.get(device.number, {})
        given = {name for name, held in known.items() if not held.born}
        entries = [entry for entry in saved if entry["name"] not in given and (same_profile or not entry.get("born"))]
        if same_profile:
            # One that it was born with, and that was taken from it, stays away.
            for name in sorted(set(known) - given - {entry["name"] for entry in entries}):
                self.remove(device, name)
        for entry in entries:
            name = entry["name"]
            try:
                hook = _made(name, entry)
            except QuirkError:
                continue
            former = known.pop(name, None)
            if former is not None:
                device.agent.remove_hook(former.hook)
            self._hold(device, name, hook, entry.get("left"), bool(entry.get("born")))
            if former is None and not entry.get("born"):
                device.host.trace.fact(device, "quirk-declared", name=name)


def _arguments(name: str, hook: Hook) -> dict[str, Any]:
    return {parameter.name: getattr(hook, parameter.name) for parameter in catalogue()[name].parameters}


def _counted(name: str, hook: Hook) -> dict[str, Any]:
    """Return what of a hook differs from a new one: what it has counted or seen."""
    new = vars(catalogue()[name].make(_arguments(name, hook)))
    return {key: value for key, value in vars(hook).items() if value != new[key]}


def _made(name: str, entry: Mapping[str, Any]) -> Hook:
    """Return the hook of a saved entry. Raises QuirkError where the catalogue has none that takes its arguments."""
    quirk = catalogue().get(name)
    if quirk is None:
        raise QuirkError(f"no quirk is called {name!r}")
    hook = quirk.make(unpacked_fields(entry["arguments"]))
    for key, value in unpacked_fields(entry.get("counted", {})).items():
        setattr(hook, key, value)
    return hook
