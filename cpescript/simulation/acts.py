"""What devices do of themselves: the verbs of `language.timeline.Act`, and what a device does for each.

A row says who is asked and nothing more: behaviour that is new belongs into the device and its agent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import xmpp_account
from cpescript.cwmp.nat import missing
from cpescript.device.device import Device
from cpescript.execution.world import RefusedError
from cpescript.pattern.values import text
from cpescript.transport.tls import TlsProblem
from cpescript.transport.xmpp import XmppProblem

if TYPE_CHECKING:
    from cpescript.simulation.engine import Simulation


def _set(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    for path, value in arguments["settings"]:
        if device.leaf(path) is None:
            raise KeyError(f"it has no parameter {path}")
        device.write(path, text(value), by="device")
    device.agent.set_by_hand({path: device.get(path) for path, _ in arguments["settings"]})


def _add(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    device.add_object(arguments["path"])


def _delete(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    device.delete_object(arguments["path"])


def _serial(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    device.set_serial(text(arguments["value"]))
    simulation.named = True


def _transport(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    """Say how a device is reached. Raises RefusedError where it lacks what that needs."""
    _TRANSPORTS[arguments["name"]](simulation, device, arguments.get("arguments", {}))


def _nat(simulation: Simulation, device: Device, given: Mapping[str, Any]) -> None:
    speaks = bool(given.get("stun", False))
    if speaks and (path := missing(device)):
        raise RefusedError(f"{device.schema.name} has no {path}, where its address outside would stand")
    kept = given.get("binding")
    if kept is not None and not speaks:
        raise RefusedError("only who speaks STUN has a binding to keep: 'transport nat(stun: true, binding: …)'")
    if kept is not None and simulation.nats.exchange is not None:
        raise RefusedError("how long a NAT keeps a binding can be said of one that is played: with the embedded ACS")
    simulation.nats.add(device, speaks=speaks, kept=kept)


def _tls(simulation: Simulation, device: Device, given: Mapping[str, Any]) -> None:
    if simulation.tls is None:
        raise RefusedError("the embedded ACS speaks no TLS: 'transport tls' is for an ACS of yours (--acs https://…)")
    if not device.agent.acs_url.lower().startswith("https:"):
        raise RefusedError(f"its ACS is at {device.agent.acs_url}, which 'transport tls' does not reach: that is https")
    if "client_cert" in given:
        try:
            simulation.tls(device.number, given["client_cert"])
        except TlsProblem as problem:
            raise RefusedError(str(problem)) from None


def _xmpp(simulation: Simulation, device: Device, given: Mapping[str, Any]) -> None:
    if path := xmpp_account.missing(device):
        raise RefusedError(f"{device.schema.name} has no {path}, so it speaks no XMPP")
    if simulation.xmpp is None:
        raise RefusedError("the embedded ACS speaks no XMPP: 'transport xmpp' is for an ACS of yours (--acs URL)")
    try:
        simulation.xmpp(device)
    except XmppProblem as problem:
        raise RefusedError(str(problem)) from None


_TRANSPORTS: dict[str, Callable[[Simulation, Device, Mapping[str, Any]], None]] = {
    "nat": _nat,
    "tls": _tls,
    "xmpp": _xmpp,
}


def _label(simulation: Simulation, device: Device, arguments: Mapping[str, Any]) -> None:
    device.labels = {**(device.labels or {}), arguments["name"]: arguments["value"]}


ACTS: dict[str, Callable[[Simulation, Device, Mapping[str, Any]], object]] = {
    "stop": lambda simulation, device, arguments: device.agent.stop(bool(arguments.get("abruptly", False))),
    "reboot": lambda simulation, device, arguments: device.agent.reboot(),
    "factory-reset": lambda simulation, device, arguments: device.agent.factory_reset(),
    "power-on": lambda simulation, device, arguments: device.agent.power_on(first=False),
    "power-off": lambda simulation, device, arguments: device.agent.power_off(abruptly=True),
    "power-cycle": lambda simulation, device, arguments: device.agent.power_cycle(int(arguments["duration"])),
    "inform": lambda simulation, device, arguments: device.agent.inform(arguments.get("event") or "2 PERIODIC"),
    "set": _set,
    "add": _add,
    "delete": _delete,
    "label": _label,
    "serial": _serial,
    "transport": _transport,
    "inject-quirk": lambda simulation, device, arguments: simulation.quirks.inject(
        device, arguments["name"], arguments.get("arguments", {}), arguments.get("duration")
    ),
    "remove-quirk": lambda simulation, device, arguments: simulation.quirks.remove(device, arguments["name"]),
    "send": lambda simulation, device, arguments: device.agent.send(arguments["body"]),
    "clear": lambda simulation, device, arguments: simulation.quirks.clear(device),
}
QUEUED = frozenset({"stop", "reboot", "factory-reset", "power-on", "power-off", "power-cycle", "inform", "send"})
"""Acts that are events on the device's own timeline; the others change it where they stand."""
