"""Connection requests: when the ACS calls a device, when it calls again, and when it lets it be (TR-069 3.2.2).

1. An order for a device with a ConnectionRequestURL calls it at once; while a call is out, further orders join it.
2. A call has succeeded when a session of the device begins, not when the device says 200.
3. A call that fails, or is not followed by a session in time, is made again after a while, a few times; after that
   the work waits for the next session. A device that refuses the credentials is not called again.
4. A device in a session is not called: the session itself takes the work. If it dies, the call follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cpescript.acs.orders import DeviceKey
from cpescript.acs.records import DeviceRecord

if TYPE_CHECKING:
    from cpescript.acs.server import Acs

OK = "ok"
UNAUTHORIZED = "unauthorized"
"""Outcomes of a connection request: 200 or 204, the second 401. Any other word (`busy` for 503, `refused`, `timeout`,
`error`) is a failure that may pass."""


class ConnectionRequest(NamedTuple):
    """A call that the host of the ACS is to make with these credentials: GET on an http `url`, Digest where it is asked
    for (3.2.2); signed datagrams to a `udp://host:port` (Annex G); a stanza to an `xmpp:JID` (Annex K)."""

    url: str
    username: str
    password: str
    device_key: DeviceKey


class Connections:
    """Decides on calls and puts them into the ACS's outbox."""

    def __init__(self, acs: Acs) -> None:
        self._acs = acs
        self._made = 0

    def wake(self, record: DeviceRecord) -> None:
        """Call a device that has work, unless it is being called or in a session already."""
        work = record.work
        if work is None or work.call or not record.url or not self._acs.work.waits(record):
            return
        if self._acs.sessions.of(record.key, self._acs.now) is not None:
            self._acs.at(self._acs.now + self._acs.policy.session_idle, self._look_again, record)
        else:
            work.calls = 0
            self._call(record)

    def demand(self, record: DeviceRecord) -> None:
        """Call a device whether it has work or not (`acs connect`)."""
        work = record.begin_work()
        if not work.call:
            work.calls = 0
            self._call(record)

    def answered(self, key: DeviceKey, outcome: str) -> None:
        """Take note of how a call went."""
        record = self._acs.records.get(key)
        work = record.work if record is not None else None
        if record is None or work is None or not work.call:
            return  # The session has begun, or the device was forgotten, while the call was still out.
        settings = self._acs.policy.connection_requests
        if outcome == OK:
            self._acs.at(self._acs.now + settings.answer_within, self._unanswered, (record, work.call))
        elif outcome == UNAUTHORIZED:
            self._stop(record)
        else:
            self._fail(record)

    def moved(self, record: DeviceRecord) -> None:
        """A device says where it is reached now: calls that nobody has made yet go there."""
        outbox, address = self._acs.outbox, _address(record)
        outbox[:] = [each._replace(url=address) if each.device_key == record.key else each for each in outbox]

    def session_began(self, record: DeviceRecord) -> None:
        """A session of the device has begun: whatever call was out has done its work."""
        if record.work is not None:
            record.work.call = record.work.calls = 0
            record.tidy()

    def _call(self, record: DeviceRecord) -> None:
        self._made += 1
        work = record.begin_work()
        work.call = self._made
        work.calls += 1
        username, password = self._acs.credentials(record)
        request = ConnectionRequest(_address(record), username, password, record.key)
        requests = self._acs.decisions.calls(request)
        self._acs.outbox.extend(requests)
        if not requests:
            self._stop(record)

    def _fail(self, record: DeviceRecord) -> None:
        settings = self._acs.policy.connection_requests
        work = record.begin_work()
        if work.calls > settings.retries:
            if not self._acs.decisions.keeps_orders(record):
                self._acs.work.drop_orders(record)
            self._stop(record)
        else:
            self._acs.at(self._acs.now + settings.retry_after, self._again, (record, work.call))

    def _stop(self, record: DeviceRecord) -> None:
        record.begin_work().call = 0
        record.tidy()

    def _again(self, argument: tuple[DeviceRecord, int]) -> None:
        record, call = argument
        if self._out(record, call):
            self._call(record)

    def _unanswered(self, argument: tuple[DeviceRecord, int]) -> None:
        record, call = argument
        if self._out(record, call):
            self._fail(record)

    def _out(self, record: DeviceRecord, call: int) -> bool:
        """Whether that call is still the one that the ACS waits for."""
        return record.work is not None and record.work.call == call and self._acs.records.get(record.key) is record

    def _look_again(self, record: DeviceRecord) -> None:
        if self._acs.records.get(record.key) is record:
            self.wake(record)


def _address(record: DeviceRecord) -> str:
    """Where a device is called: one that says where datagrams or stanzas reach it says so because nothing else does."""
    return record.reached or record.url
