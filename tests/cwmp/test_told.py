"""What the sender of an Inform says of it is what was sent."""

import pytest

from cpescript.cwmp.codec import decode
from cpescript.cwmp.inform import Told
from tests.cwmp.world import MS, SSID, World


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


def test_no_inform_tells_what_is_hidden():
    world = World(inform_parameters={"2 PERIODIC": (f"{MS}Password", SSID)})
    device = world.device().device
    assert {f"{MS}Password", f"{MS}ConnectionRequestPassword"} <= device.schema.hidden
    device.set_attributes(f"{MS}ConnectionRequestPassword", 2)
    device.agent.inform()
    world.run(0)
    told = dict(world.last_inform().settings)
    assert (told[f"{MS}Password"], told[SSID]) == ("", "home")
    device.write(f"{MS}ConnectionRequestPassword", "open sesame", "device")
    world.run(0)
    told = dict(world.last_inform().settings)
    assert told[f"{MS}ConnectionRequestPassword"] == ""
    assert not any(b"sesame" in record.body or b"secret" in record.body for record in world.records if record.body)
