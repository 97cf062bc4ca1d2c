"""Sessions by plain calls."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest

from cpescript.cwmp.http import Failure, HttpRequest, HttpResponse
from cpescript.kernel.queue import Kernel, Owner
from cpescript.transport.base import Interrupted, RealLimitReached, Watch
from cpescript.transport.loopback import LOOK_EVERY, Loopback
from tests.transport.scripted_wire import Talk

POST = HttpRequest((), b"<a/>")
EMPTY = HttpRequest((), b"")


class Acs:
    """Answers with what it was asked, and notes who asked."""

    def __init__(self) -> None:
        self.peers: list[Hashable] = []

    def handle(self, request: HttpRequest, peer: Hashable) -> HttpResponse | Failure:
        self.peers.append(peer)
        return "cut" if request.body == b"cut" else HttpResponse(200, (), request.body)


def test_a_session_runs_inline() -> None:
    kernel, acs = Kernel(), Acs()
    wire = Loopback(acs.handle, kernel)
    talk = Talk("", POST, EMPTY)
    wire.open(talk)
    assert talk.log == [(200, b"<a/>"), (200, b""), "over"]


def test_a_failure_reaches_the_session() -> None:
    talk = Talk("", HttpRequest((), b"cut"), POST)
    Loopback(Acs().handle, Kernel()).open(talk)
    assert talk.log == ["cut"]


def test_a_session_that_waits_goes_on_at_its_instant_as_the_same_peer() -> None:
    kernel, acs = Kernel(), Acs()
    wire = Loopback(acs.handle, kernel)
    log: list[Any] = []
    first = Talk("", POST, 20, EMPTY, log=log)
    second = Talk("", POST, number=2, log=log)
    kernel.at(5, first.device, wire.open, first)
    kernel.at(7, second.device, wire.open, second)
    wire.drive(kernel)
    assert log == [(200, b"<a/>"), (200, b"<a/>"), "over", (200, b""), "over"]
    assert kernel.now == 20
    assert acs.peers == [1, 2, 1]


def test_drive_ends_when_the_kernel_is_stopped() -> None:
    kernel = Kernel()
    wire = Loopback(Acs().handle, kernel)
    kernel.at(1, Owner(0), lambda _: kernel.stop())
    kernel.at(2, Owner(0), print)
    wire.drive(kernel)
    assert (kernel.now, kernel.pending) == (1, 1)


def _endless(kernel: Kernel) -> None:
    owner = Owner(0)

    def again(_: object) -> None:
        kernel.at(kernel.now + 1, owner, again)

    again(None)


def test_an_interrupt_is_seen_after_so_many_events() -> None:
    kernel = Kernel()
    _endless(kernel)
    wire = Loopback(Acs().handle, kernel, Watch(60.0, iter([False, False, True]).__next__))
    with pytest.raises(Interrupted):
        wire.drive(kernel)
    assert kernel.events == 2 * LOOK_EVERY


def test_the_real_limit_ends_an_endless_run_and_counts_driven_time_only() -> None:
    kernel = Kernel()
    _endless(kernel)
    watch = Watch(0.05)
    with pytest.raises(RealLimitReached):
        Loopback(Acs().handle, kernel, watch).drive(kernel)
    left = watch.left
    watch.pause()
    assert watch.left == left <= 0
