"""What the sender of an Inform says of it is what was sent."""

import pytest

from cpescript.cwmp.codec import decode
from cpescript.cwmp.inform import Told
from tests.cwmp.world import World


def test_a_told_inform_equals_the_decoded_one():
    world = World()
    device = world.device()
    device.inform("3 SCHEDULED")
    world.run(600)
    told = [record for record in world.records if record.kind == "Inform"]
    assert len(told) > 1
    for record in told:
        message = record.message
        assert isinstance(message, Told)
        decoded = decode(record.body)
        assert message == decoded
        assert decoded == message
        assert message.field("events") == decoded.field("events") == message.events
        assert message.settings == decoded.settings
        assert message.type_of("Device.DeviceInfo.SoftwareVersion") == decoded.type_of(
            "Device.DeviceInfo.SoftwareVersion"
        )
        with pytest.raises(KeyError):
            message.field("no_such_field")
