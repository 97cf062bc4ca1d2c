"""Listeners by device: who is told, and in which order."""

from cpescript.judge.listeners import Listeners


class Told:
    def heard(self, record):
        """What a listener is: a method of somebody."""


def test_they_are_told_in_the_order_in_which_they_asked_whatever_they_asked_for():
    listeners, (a, b, c, d) = Listeners(), [Told() for _ in range(4)]
    assert not listeners
    listeners.add(a.heard, 7)
    listeners.add(b.heard)
    listeners.add(c.heard, 7)
    listeners.add(d.heard, 8)
    listeners.add(a.heard, 7)
    assert list(listeners.of(7)) == [a.heard, b.heard, c.heard]
    assert list(listeners.of(8)) == [b.heard, d.heard]
    assert list(listeners.of(9)) == [b.heard]
    assert list(listeners.of(0)) == [b.heard], "what is of no device"


def test_who_leaves_is_told_no_more_and_the_others_are():
    listeners, (a, b) = Listeners(), [Told() for _ in range(2)]
    listeners.add(a.heard, 7)
    listeners.add(b.heard)
    listeners.remove(a.heard)
    assert list(listeners.of(7)) == [a.heard, b.heard], "it had not asked for all"
    listeners.remove(a.heard, 7)
    assert list(listeners.of(7)) == [b.heard]
    listeners.remove(b.heard)
    listeners.remove(b.heard)
    assert not listeners
