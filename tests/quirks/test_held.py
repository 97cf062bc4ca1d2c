"""The quirks that a run's devices have, and how they go on in a later run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cpescript.kernel.time import SECOND, Duration
from cpescript.quirks.catalogue import QuirkError
from cpescript.quirks.held import HeldQuirks
from tests.cwmp.world import World

BOOT_AGAIN = ("bootstrap-every-boot", {})


class Fleet(World):
    """A world whose device is born with quirks."""

    def __init__(self, *born: tuple[str, dict[str, Any]]) -> None:
        super().__init__()
        self.quirks = HeldQuirks()
        self.one = self.device().device
        for name, arguments in born:
            self.quirks.born_with(self.one, name, arguments)

    def names(self) -> list[str]:
        return [entry["name"] for entry in self.quirks.saved(self.one)]

    def kept(self) -> Any:
        return json.loads(json.dumps(self.quirks.saved(self.one)))

    def quirk_facts(self) -> list[tuple[str, str]]:
        return [(record.kind, record.data["name"]) for record in self.records if record.kind.startswith("quirk-")]


def test_one_of_a_name_and_the_later_holds() -> None:
    world = Fleet()
    world.quirks.inject(world.one, "abort-midway", {"times": 1})
    world.quirks.inject(world.one, "abort-midway", {"times": 5})
    [entry] = world.kept()
    assert entry == {"name": "abort-midway", "arguments": {"times": 5}}
    assert len(world.one.agent.hooks["session-flow"]) == 1


def test_arguments_that_do_not_fit_leave_the_former_one() -> None:
    world = Fleet()
    world.quirks.inject(world.one, "abort-midway", {})
    with pytest.raises(QuirkError):
        world.quirks.inject(world.one, "abort-midway", {"times": "many"})
    assert world.names() == ["abort-midway"]


def test_what_was_counted_goes_on_to_be_counted() -> None:
    world, later = Fleet(), Fleet()
    world.quirks.inject(world.one, "abort-midway", {"times": 3})
    world.one.agent.inform()
    world.run(1)
    later.quirks.restore(later.one, world.kept())
    assert later.kept() == [{"name": "abort-midway", "arguments": {"times": 3}, "counted": {"done": 1}}]
    assert later.quirk_facts() == [("quirk-declared", "abort-midway")], "nobody promises that it shows again"


def test_what_is_left_of_its_time_is_left() -> None:
    world, later = Fleet(), Fleet()
    world.quirks.inject(world.one, "slow-cpe", {"pause": Duration(SECOND)}, 60 * SECOND)
    world.run(20)
    later.quirks.restore(later.one, world.kept())
    later.run(39)
    assert later.names() == ["slow-cpe"]
    later.run(1)
    assert later.names() == []


def test_one_that_was_taken_away_does_not_come_back_by_birth() -> None:
    world, later = Fleet(BOOT_AGAIN), Fleet(BOOT_AGAIN)
    world.quirks.clear(world.one)
    later.quirks.restore(later.one, world.kept())
    assert (later.names(), later.one.agent.hooks) == ([], None)
    assert later.quirk_facts()[-1] == ("quirk-removed", "bootstrap-every-boot")


def test_one_of_birth_goes_on_and_is_told_once() -> None:
    world = Fleet(("abort-midway", {"times": 2}))
    later = Fleet(("abort-midway", {"times": 2}))
    world.one.agent.inform()
    world.run(1)
    later.quirks.restore(later.one, world.kept())
    assert later.kept() == world.kept()
    assert len(later.one.agent.hooks["session-flow"]) == 1
    assert later.quirk_facts() == [("quirk-declared", "abort-midway")]


def test_under_another_profile_only_what_was_injected_is_kept() -> None:
    world, later = Fleet(BOOT_AGAIN), Fleet(("goes-silent", {}))
    world.quirks.inject(world.one, "tc-never", {})
    later.quirks.restore(later.one, world.kept(), same_profile=False)
    assert later.names() == ["goes-silent", "tc-never"]


def test_what_this_run_gives_holds() -> None:
    world, later = Fleet(), Fleet()
    world.quirks.inject(world.one, "abort-midway", {"times": 9})
    later.quirks.inject(later.one, "abort-midway", {"times": 2})
    later.quirks.restore(later.one, world.kept())
    assert [entry["arguments"] for entry in later.kept()] == [{"times": 2}]


@pytest.mark.parametrize(
    "entry", [{"name": "no-such-quirk", "arguments": {}}, {"name": "abort-midway", "arguments": {"often": 1}}]
)
def test_what_the_catalogue_has_no_more_is_left_out(entry: dict[str, Any]) -> None:
    later = Fleet()
    later.quirks.restore(later.one, [entry])
    assert later.names() == []
