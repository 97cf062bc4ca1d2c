"""Quirks of the data model: what becomes of a value that the ACS sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cpescript.cwmp.hooks import Hook, Point
from cpescript.quirks.catalogue import Range, quirk

if TYPE_CHECKING:
    from cpescript.device.device import Device


class _ModelQuirk(Hook):
    points: frozenset[Point] = frozenset({"data-model"})


@quirk(
    "spv-acked-not-applied",
    "SetParameterValues is answered with Status 0, and the value stays what it was; `path` names one parameter or "
    "object, empty all",
    "reads back what matters and bounds its retries",
)
class SpvAckedNotApplied(_ModelQuirk):
    path: str = ""

    def data_model(self, device: Device, path: str, value: str) -> str | None:
        if self.path and path != self.path and not (self.path.endswith(".") and path.startswith(self.path)):
            return value
        self.fired(device)
        return None


@quirk(
    "interval-clamped",
    "a PeriodicInformInterval below the device's minimum is accepted and silently raised to it",
    "reads back and lives with the value; does not set it again for ever",
)
class IntervalClamped(_ModelQuirk):
    minimum: Annotated[int, Range(1)] = 60

    def data_model(self, device: Device, path: str, value: str) -> str | None:
        periodic = device.schema.periodic
        if periodic is None or path != periodic.interval or int(value) >= self.minimum:
            return value
        self.fired(device)
        return str(self.minimum)
