"""Diagnostics: asked for by DiagnosticsState, run after the session, told by 8 DIAGNOSTICS COMPLETE (TR-181, TR-143).

    Requested → (the session ends) → runs for `duration`, still Requested → Complete, or an error; results are there

1. A diagnostic is every writable `…DiagnosticsState`, and whatever else the profile's `diagnostics` block declares.
2. One that the device starts of itself (`set … on T`) runs as well, and tells nobody: the event is for tests that the
   ACS asked for (TR-069, Table 7).
3. A write to another writable parameter of its object makes the state None, whatever it was; one that is asked for or
   runs ends with it, without an event. So does `Canceled`. `Requested` again starts it anew.
4. Nothing of a run outlives a reboot: the state is None then.
5. Results are the profile's (`x-cpescript: {diagnostics: …}`) where it has any, else plausible ones of `RESULTS`, drawn
   by the seed. Only what the data model has is written; rows replace those of the run before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cpescript.cwmp import events
from cpescript.cwmp.message import Event
from cpescript.device.blocks import Diagnostic
from cpescript.kernel import draws
from cpescript.kernel.time import SECOND, format_seconds

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent
    from cpescript.device.device import Device
    from cpescript.device.schema import Schema

STATE = "DiagnosticsState"
NONE, CANCELED = "None", "Canceled"

_COMPLETE = Event(events.DIAGNOSTICS_COMPLETE)


class Run(NamedTuple):
    """A diagnostic that was asked for, by the ACS if `told`; `number` tells it from a later run of the same one."""

    diagnostic: Diagnostic
    number: int
    told: bool
    begun: bool = False


@lru_cache(maxsize=256)
def known(schema: Schema) -> Mapping[str, Diagnostic]:
    """Return the diagnostics of a profile by the path of their state."""
    found = {
        path: Diagnostic(path)
        for path, leaf in schema.leaves.items()
        if path.endswith(f".{STATE}") and leaf.writable and leaf.type == "string"
    }
    found.update({diagnostic.state_path: diagnostic for diagnostic in schema.diagnostics})
    return found


def _object(diagnostic: Diagnostic) -> str:
    return diagnostic.state_path.rpartition(".")[0] + "."


# --- What is set --------------------------------------------------------------------------------------------------


def refuses(device: Device, path: str, value: str) -> bool:
    """Whether an ACS may not set a parameter to that value, for it is a state that only the device enters."""
    diagnostic = known(device.schema).get(path)
    return diagnostic is not None and value not in (diagnostic.trigger, NONE, CANCELED)


def written(agent: CwmpAgent, paths: Mapping[str, str], by_acs: bool = True) -> None:
    """Take up what was just set, by path: runs that are asked for, cancelled, or whose arguments have changed."""
    diagnostics = known(agent.device.schema)
    if not diagnostics:
        return
    for state_path, spoiled in diagnostics.items():
        prefix = _object(spoiled)
        if state_path not in paths and any(path.startswith(prefix) for path in paths):
            _spoil(agent, spoiled)
    for path, value in paths.items():
        diagnostic = diagnostics.get(path)
        if diagnostic is None:
            continue
        _drop_of(agent, diagnostic)
        if value == diagnostic.trigger:
            work = agent.work()
            work.drawn += 1
            work.diagnoses = (*work.diagnoses, Run(diagnostic, work.drawn, by_acs))
        elif value == CANCELED:
            agent.device.write(path, NONE, "device")
    if agent.session is None:
        begin(agent)


def _drop(agent: CwmpAgent, run: Run) -> None:
    work = agent.work()
    work.diagnoses = tuple(other for other in work.diagnoses if other.number != run.number)


def _drop_of(agent: CwmpAgent, diagnostic: Diagnostic) -> None:
    work = agent.idle_work()
    for run in work.diagnoses if work is not None else ():
        if run.diagnostic.state_path == diagnostic.state_path:
            _drop(agent, run)


def _abort(agent: CwmpAgent, run: Run) -> None:
    _drop(agent, run)
    agent.device.write(run.diagnostic.state_path, NONE, "device")


def _spoil(agent: CwmpAgent, diagnostic: Diagnostic) -> None:
    """End a diagnostic whose arguments have changed; what it found before no longer belongs to them."""
    _drop_of(agent, diagnostic)
    if agent.device.get(diagnostic.state_path) != NONE:
        agent.device.write(diagnostic.state_path, NONE, "device")


# --- How it goes --------------------------------------------------------------------------------------------------


def begin(agent: CwmpAgent) -> None:
    """Start what was asked for: the session in which it was is over."""
    work = agent.idle_work()
    if work is None or not work.diagnoses:
        return
    device, kernel = agent.device, agent.device.host.kernel
    for run in work.diagnoses:
        if not run.begun:
            declared = _declared(device, run.diagnostic).get("duration", run.diagnostic.duration)
            kernel.at(kernel.now + declared, device, _ended, (agent, run.number))
    work.diagnoses = tuple(run if run.begun else run._replace(begun=True) for run in work.diagnoses)


def forget(agent: CwmpAgent) -> None:
    """End all runs without a word: the device reboots."""
    work = agent.idle_work()
    for run in work.diagnoses if work is not None else ():
        _abort(agent, run)


def reset(device: Device) -> None:
    """Have no state speak of a run that is no more: the device goes on from an earlier life."""
    for path, diagnostic in known(device.schema).items():
        if device.get(path) == diagnostic.trigger:
            device.write(path, NONE, "device")


def _ended(what: tuple[CwmpAgent, int]) -> None:
    agent, number = what
    run = next((each for each in agent.work().diagnoses if each.number == number), None)
    if run is None or not agent.up:
        return
    _drop(agent, run)
    device, diagnostic = agent.device, run.diagnostic
    declared = _declared(device, diagnostic)
    outcome = _error(device, _object(diagnostic), declared) or diagnostic.complete
    if outcome == diagnostic.complete:
        _write_results(agent, run, declared)
    device.write(diagnostic.state_path, outcome, "device")
    if run.told:
        agent.tell(_COMPLETE)
        agent.wake()


def _declared(device: Device, diagnostic: Diagnostic) -> Mapping[str, Any]:
    """Return what `x-cpescript` says of a diagnostic, by the path of its object."""
    block: Any = device.schema.extension.get("diagnostics") or {}
    return block.get(_object(diagnostic)) or {}


def _error(device: Device, prefix: str, declared: Mapping[str, Any]) -> str:
    """Return the error state that a run ends in, empty for none: the one declared, if its arguments are as declared."""
    for path, value in (declared.get("when") or {}).items():
        if device.leaf(prefix + path) is None or device.get(prefix + path) != value:
            return ""
    return str(declared.get("error", ""))


# --- Results ------------------------------------------------------------------------------------------------------


class Measured:
    """What a result is worked out from: the diagnostic's arguments, the clock, and chance."""

    def __init__(self, agent: CwmpAgent, prefix: str, number: int) -> None:
        self._device = agent.device
        self._prefix = prefix
        self._stream = agent.stream(f"diagnosis:{number}")
        self._draws = 0

    def argument(self, name: str, otherwise: int) -> int:
        """Return a numeric argument, `otherwise` where there is none."""
        text = self.text(name)
        return int(text) if text.isdecimal() else otherwise

    def text(self, name: str) -> str:
        path = self._prefix + name
        return self._device.get(path) if self._device.leaf(path) is not None else ""

    def between(self, low: int, high: int) -> int:
        """Draw a whole number, both ends included."""
        self._draws += 1
        return draws.between(self._stream, self._draws, low, high)

    def instant(self, before: int) -> str:
        """Return the time of day so many nanoseconds ago, with microseconds (TR-143 4.3)."""
        host = self._device.host
        seconds, rest = divmod(host.start + max(0, host.kernel.now - before), SECOND)
        return f"{format_seconds(seconds)[:-1]}.{rest // 1000:06}Z"


Values = dict[str, str]
Rows = dict[str, list[Values]]
"""Rows of a result by the name of their table."""


def _times(measured: Measured, low: int, high: int) -> tuple[int, int, int]:
    """Draw (average, shortest, longest) in milliseconds."""
    shortest = measured.between(low, (low + high) // 2)
    longest = measured.between(shortest, high)
    return (shortest + longest) // 2, shortest, longest


def _ping(measured: Measured) -> tuple[Values, Rows]:
    repetitions = measured.argument("NumberOfRepetitions", 3)
    average, shortest, longest = _times(measured, 4, 40)
    return {
        "SuccessCount": str(repetitions),
        "FailureCount": "0",
        "AverageResponseTime": str(average),
        "MinimumResponseTime": str(shortest),
        "MaximumResponseTime": str(longest),
        "AverageResponseTimeDetailed": str(average * 1000),
        "MinimumResponseTimeDetailed": str(shortest * 1000),
        "MaximumResponseTimeDetailed": str(longest * 1000),
        "IPAddressUsed": "198.51.100.1",
    }, {}


def _trace_route(measured: Measured) -> tuple[Values, Rows]:
    hops = min(measured.between(3, 9), measured.argument("MaxHopCount", 30))
    tries = measured.argument("NumberOfTries", 3)
    rows, total = [], 0
    for hop in range(1, hops + 1):
        total += measured.between(1, 8)
        times = ",".join(str(total + measured.between(0, 3)) for _ in range(tries))
        address = f"198.51.100.{hop}"
        # TR-181 and TR-098 spell the same things differently; what the model lacks is not written.
        rows.append(
            {
                "Host": address,
                "HostAddress": address,
                "RTTimes": times,
                "ErrorCode": "0",
                "HopHost": address,
                "HopHostAddress": address,
                "HopRTTimes": times,
                "HopErrorCode": "0",
            }
        )
    return {"ResponseTime": str(total), "IPAddressUsed": f"198.51.100.{hops}"}, {"RouteHops.": rows}


def _throughput(measured: Measured, octets: int, name: str) -> tuple[Values, Rows]:
    took = octets * 8 * SECOND // (measured.between(20, 200) * 1_000_000)
    return {
        "ROMTime": measured.instant(took + 40_000_000),
        "TCPOpenRequestTime": measured.instant(took + 60_000_000),
        "TCPOpenResponseTime": measured.instant(took + 50_000_000),
        "BOMTime": measured.instant(took),
        "EOMTime": measured.instant(0),
        name: str(octets),
        "TotalBytesReceived": str(octets + octets // 20 if name == "TestBytesReceived" else octets // 50),
        "TotalBytesSent": str(octets + octets // 20 if name != "TestBytesReceived" else octets // 50),
        "PeriodOfFullLoading": str(took // 1000),
        "IPAddressUsed": "198.51.100.1",
    }, {}


def _download(measured: Measured) -> tuple[Values, Rows]:
    return _throughput(measured, measured.between(2, 20) * 1_000_000, "TestBytesReceived")


def _upload(measured: Measured) -> tuple[Values, Rows]:
    octets = measured.argument("TestFileLength", 1_000_000)
    return _throughput(measured, octets, "TestBytesSent")


def _ns_lookup(measured: Measured) -> tuple[Values, Rows]:
    repetitions = measured.argument("NumberOfRepetitions", 1)
    server, name = measured.text("DNSServer") or "198.51.100.53", measured.text("HostName")
    rows = [
        {
            "Status": "Success",
            "AnswerType": "NonAuthoritative",
            "HostNameReturned": name,
            "IPAddresses": f"203.0.113.{measured.between(1, 254)}",
            "DNSServerIP": server,
            "ResponseTime": str(measured.between(2, 30)),
        }
        for _ in range(repetitions)
    ]
    return {"SuccessCount": str(repetitions)}, {"Result.": rows}


def _wifi_scan(measured: Measured) -> tuple[Values, Rows]:
    rows = []
    for _ in range(measured.between(2, 8)):
        channel = measured.between(1, 13)
        mac = measured.between(0, (1 << 24) - 1).to_bytes(3, "big").hex(":").upper()
        rows.append(
            {
                "Radio": measured.text("Radio"),
                "SSID": f"neighbour-{measured.between(100, 999)}",
                "BSSID": f"02:00:5E:{mac}",
                "Mode": "Infrastructure",
                "Channel": str(channel),
                "SignalStrength": str(-measured.between(40, 92)),
                "SecurityModeEnabled": "WPA2",
                "EncryptionMode": "AES",
                "OperatingFrequencyBand": "2.4GHz",
                "OperatingChannelBandwidth": "20MHz",
                "BeaconPeriod": "100",
                "Noise": str(-measured.between(90, 98)),
                "DTIMPeriod": "2",
            }
        )
    return {}, {"Result.": rows}


RESULTS: Mapping[str, Callable[[Measured], tuple[Values, Rows]]] = {
    "IPPing": _ping,
    "IPPingDiagnostics": _ping,
    "TraceRoute": _trace_route,
    "TraceRouteDiagnostics": _trace_route,
    "DownloadDiagnostics": _download,
    "UploadDiagnostics": _upload,
    "NSLookupDiagnostics": _ns_lookup,
    "NeighboringWiFiDiagnostic": _wifi_scan,
}
"""The last name of a diagnostic's object, as TR-181 and TR-098 have it, to what it measures if nobody declares it."""

MOST_ROWS = 100
"""Rows that a run leaves behind at most: NumberOfRepetitions is the ACS's to choose."""


def _write_results(agent: CwmpAgent, run: Run, declared: Mapping[str, Any]) -> None:
    """Write values and rows; what the profile declares goes before what is measured."""
    device, diagnostic = agent.device, run.diagnostic
    prefix = _object(diagnostic)
    measured = Measured(agent, prefix, run.number)
    measure = RESULTS.get(prefix[:-1].rpartition(".")[2])
    values, rows = measure(measured) if measure is not None else ({}, {})
    for name, value in (declared.get("results") or {}).items():
        values[name] = str(measured.between(*value)) if isinstance(value, tuple) else str(value)
    if diagnostic.count_path is not None:
        # The profile has the rows standing there; their number is all that a run changes.
        rows = {}
        values = {name: value for name, value in values.items() if prefix + name != diagnostic.count_path}
        device.write(diagnostic.count_path, str(diagnostic.result_count), "device")
    for name, new in rows.items():
        _replace_rows(device, prefix + name, new[:MOST_ROWS])
    for path, value in _present(device, prefix, values):
        device.write(path, value, "device")


def _replace_rows(device: Device, table: str, rows: list[Values]) -> None:
    if table not in device.schema.tables:
        return
    for number in device.instances(table):
        device.delete_object(f"{table}{number}.", "device")
    for row in rows:
        number = device.add_object(table, "device")
        for path, value in _present(device, f"{table}{number}.", row):
            device.write(path, value, "device")


def _present(device: Device, prefix: str, values: Values) -> Iterator[tuple[str, str]]:
    return ((prefix + name, value) for name, value in values.items() if device.leaf(prefix + name) is not None)
