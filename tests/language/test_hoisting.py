"""Where each `sometimes` opens: as far up in its block as its names allow."""

from __future__ import annotations

import pytest
from lab import codes, timeline

DEFINES = "define lab():\n    spawn 1 of hg100 as side\ndefine again(who):\n    reboot who\n"


def opened(body: str) -> str:
    """Return the order in which the lines of a scenario run, each by its first letter; S for the `sometimes`."""
    steps = timeline(f'{DEFINES}scenario "x":\n' + "".join(f"    {line}\n" for line in body.split("\n"))).body
    return "".join("S" if step.source.startswith("sometimes") else step.source[0] for step in steps)


SPAWN = "spawn 2 of hg100 as fleet\n"


@pytest.mark.parametrize(
    ("body", "order"),
    [
        (SPAWN + "wait 1h\nsometimes any fleet offline", "sSw"),
        (SPAWN + "wait 1h\nsometimes any fleet offline\nwait 2h", "sSww"),
        (SPAWN + "wait 1h\nsometimes Download", "sSw"),
        (SPAWN + "wait 1h\nsometimes count(Inform) > 3", "sSw"),
        (SPAWN + "wait 1h\nsometimes elapsed > 1h", "Ssw"),
        # Behind the last spawn of its devices, behind another's where it is about all.
        (SPAWN + "wait 1h\nspawn 1 of hg100 as side\nreboot fleet\nsometimes Download on fleet", "sSwsr"),
        (SPAWN + "wait 1h\nspawn 1 of hg100 as side\nreboot fleet\nsometimes Download", "swsSr"),
        (SPAWN + "do lab()\nreboot fleet\nsometimes Download on fleet", "sSdr"),
        (SPAWN + "do lab()\nreboot fleet\nsometimes Download on side", "sdSr"),
        (SPAWN + "do again(fleet)\nreboot fleet\nsometimes Download on all", "sSdr"),
        # Behind a `let` or an `as` that it names.
        (SPAWN + "wait 1h\nlet one = fleet[1]\nreboot fleet\nsometimes Download on one", "swlSr"),
        (
            SPAWN + "expect Download on fleet within 1h as dl\nreboot fleet\n"
            "sometimes TransferComplete where command_key == dl.command_key on fleet",
            "seSr",
        ),
        # In the order written beside what opens in the same instant; other invariants stay where they stand.
        (SPAWN + "never Fault on fleet\nwait 1h\nsometimes Download\nalways registered on fleet\nwait 1h", "snSwaw"),
        # What a system believes was not asked before.
        (SPAWN + "wait 1h\nsometimes acs sees Device.DeviceInfo.UpTime > 3 on fleet\nwait 1h", "swSw"),
    ],
)
def test_it_opens_as_far_up_as_its_names_allow(body: str, order: str) -> None:
    assert opened(body) == order


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (SPAWN + "wait 1h\nsometimes any fleet offline\n", []),
        (SPAWN + "sometimes any fleet offline\n", ["idle"]),
        (SPAWN + "wait 1h\nlet one = fleet[1]\nsometimes any one offline\n", ["idle"]),
        (SPAWN + 'wait 1h\nlet one = fleet[1]\nsometimes any one offline\nnote "over"\n', ["idle"]),
        (SPAWN + "repeat 3:\n    wait 1h\n    sometimes any fleet offline\n", []),
        (SPAWN + "repeat 3:\n    sometimes any fleet offline\n", ["idle"]),
        (SPAWN + "parallel:\n    wait 1h\n    sometimes any fleet offline\n", ["idle"]),
    ],
)
def test_one_that_has_nothing_to_look_at_is_idle(body: str, found: list[str]) -> None:
    assert codes(body) == found
