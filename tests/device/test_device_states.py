"""The table of states and how devices enter and leave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cpescript.device.states import STATES
from tests.device.pretend import Pretend, schema_of


def test_the_adjectives_of_the_language() -> None:
    assert list(STATES) == [
        "registered",
        "online",
        "offline",
        "in session",
        "rebooting",
        "downloading",
        "updating",
        "faulted",
        "subscribed",
    ]


def test_bits_are_apart_except_for_the_complement() -> None:
    bits = [state.bit for state in STATES.values() if not state.complement]
    assert len(set(bits)) == len(bits)
    assert all(bit & (bit - 1) == 0 for bit in bits)
    assert STATES["offline"].bit == STATES["online"].bit


def test_only_changes_are_announced(world: Pretend, tmp_path: Path) -> None:
    device = world.device(schema_of(tmp_path))
    device.enter("online")
    device.enter("online")
    device.enter("in session")
    device.leave("in session")
    device.leave("in session")
    assert world.facts == [
        ("state", {"state": "online", "on": True}),
        ("session", {"state": "in session", "on": True}),
        ("session", {"state": "in session", "on": False}),
    ]


def test_offline_is_where_online_is_not(world: Pretend, tmp_path: Path) -> None:
    device = world.device(schema_of(tmp_path))
    assert device.is_in("offline")
    device.leave("offline")
    assert device.is_in("online")
    device.enter("offline")
    assert not device.is_in("online")
    assert [data for _, data in world.facts] == [{"state": "online", "on": True}, {"state": "online", "on": False}]
    assert device.state == 0


def test_unknown_state(world: Pretend, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        world.device(schema_of(tmp_path)).enter("asleep")
