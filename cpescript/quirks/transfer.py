"""Quirks of transfers: how a Download or Upload ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from cpescript.cwmp.hooks import Ending, Hook, Point
from cpescript.cwmp.rpcs import FAULTS
from cpescript.quirks.catalogue import CPE_FAULTS, Range, quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device


class _TransferQuirk(Hook):
    points: frozenset[Point] = frozenset({"transfer"})


@quirk(
    "transfer-fault",
    "a transfer is accepted and ends in a TransferComplete with that fault, nothing applied; so many times (0: always)",
    "holds it for failed, keeps the reason, and tries again a bounded number of times",
)
class TransferFault(_TransferQuirk):
    code: Annotated[int, CPE_FAULTS]
    times: Annotated[int, Range(0)] = 1

    def __post_init__(self) -> None:
        self.done = 0

    def transfer(self, device: Device, request: Mapping[str, Any], ending: Ending) -> Ending:
        if self.times and self.done >= self.times:
            return ending
        self.done += 1
        self.fired(device)
        return replace(
            ending, fault_code=self.code, fault_string=FAULTS.get(self.code, "Vendor specific fault"), apply=False
        )


@quirk(
    "tc-never",
    "a transfer is carried out, and no TransferComplete ever follows",
    "stops waiting at some time and looks at SoftwareVersion",
)
class TransferCompleteNever(_TransferQuirk):
    def transfer(self, device: Device, request: Mapping[str, Any], ending: Ending) -> Ending:
        self.fired(device)
        return replace(ending, report=False)


@quirk(
    "upgrade-noop",
    "an upgrade is reported as a success, and SoftwareVersion is what it was",
    "does not count it as a success, and does not flash for ever",
)
class UpgradeNoop(_TransferQuirk):
    def transfer(self, device: Device, request: Mapping[str, Any], ending: Ending) -> Ending:
        if ending.fault_code:
            return ending
        self.fired(device)
        return replace(ending, apply=False)


@quirk(
    "tc-twice",
    "each TransferComplete is sent twice",
    "answers both, and acts once",
    "derived",
)
class TransferCompleteTwice(_TransferQuirk):
    def transfer(self, device: Device, request: Mapping[str, Any], ending: Ending) -> Ending:
        self.fired(device)
        return replace(ending, before=((ending.fault_code, ending.fault_string),))


@quirk(
    "tc-fault-then-success",
    "a TransferComplete with that fault is sent before the one that says how it really went",
    "lets the last one count",
)
class TransferCompleteFaultFirst(_TransferQuirk):
    code: Annotated[int, CPE_FAULTS] = 9017

    def transfer(self, device: Device, request: Mapping[str, Any], ending: Ending) -> Ending:
        self.fired(device)
        return replace(ending, before=((self.code, FAULTS.get(self.code, "Vendor specific fault")),))


@quirk(
    "tc-wrong-faultcode",
    "whatever goes wrong with a transfer is told as that fault, without words",
    "holds it for failed all the same",
)
class TransferCompleteWrongCode(_TransferQuirk):
    code: int = 9001

    def transfer(self, device: Device, request: Mapping[str, Any], ending: Ending) -> Ending:
        if not ending.fault_code or ending.fault_code == self.code:
            return ending
        self.fired(device)
        return replace(ending, fault_code=self.code, fault_string="")
