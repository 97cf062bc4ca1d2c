"""For whom virtual time waits between a challenge and its answer, and for whom no more."""

from __future__ import annotations

from cpescript.transport.challenges import MOST_UNANSWERED, Challenges


def test_time_waits_until_the_call_is_let_in() -> None:
    challenges = Challenges()
    assert not challenges
    assert challenges.put("/1-a", 12.0)
    assert challenges.put("/2-b", 12.0)
    challenges.met("/1-a")
    assert challenges, "another caller has not come back yet"
    challenges.met("/2-b")
    assert not challenges
    assert challenges.put("/1-a", 13.0), "and the next time again"


def test_more_challenges_prolong_nothing() -> None:
    challenges = Challenges()
    assert challenges.put("/1-a", 12.0)
    assert not challenges.put("/1-a", 99.0)
    assert not challenges.give_up(11.9)
    assert challenges
    assert challenges.give_up(12.0)
    assert not challenges


def test_who_was_waited_for_in_vain_is_not_waited_for_until_a_call_is_let_in() -> None:
    challenges = Challenges()
    challenges.put("/1-a", 12.0)
    challenges.give_up(12.0)
    assert not challenges.put("/1-a", 99.0)
    assert challenges.put("/2-b", 14.0), "that is no fault of another device's callers"
    challenges.met("/2-b")
    assert not challenges.put("/1-a", 99.0)
    challenges.met("/1-a")
    assert challenges.put("/1-a", 99.0)


def test_a_flood_over_all_devices_is_waited_for_so_many_times() -> None:
    challenges = Challenges()
    held = 0
    for number in range(1000):
        held += challenges.put(f"/{number}-x", float(number))
        challenges.give_up(float(number))
    assert held == MOST_UNANSWERED
    assert not challenges
    challenges.met("/1-x")
    assert challenges.put("/999-x", 2000.0)
