"""What `as` keeps: whose it is, and where it can be asked for."""

import pytest


def test_the_answer_to_a_call_without_devices_serves_everywhere(play):
    world = play(
        """
        spawn 2 of hg100 as fleet
        acs call nightly() as r
        note "{r.status} {r.body.of}"
        for each d in fleet:
            note "{d.index}: {r.status}"
        set Device.DeviceInfo.ProvisioningCode = "{r.status}" on fleet
        on first Download of fleet:
            note "first {r.status}"
        wait 1m
        check each fleet online
        """
    )
    world.at(5, 2, "Download").run()
    assert world.problems == []
    assert [text for _, text in world.executor.notes] == ["200 all", "1: 200", "2: 200", "first 200"]


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("acs call nightly() on fleet[{}] as r", "status"),
        ("check Download on any fleet[{}] within 1m as r", "url"),
    ],
)
def test_what_one_device_said_is_not_anothers(play, statement, field):
    def told(asked, devices):
        world = play(
            f"""
            spawn 3 of hg100 as fleet
            {statement.format(asked)}
            for each d in fleet[{devices}]:
                note "{{r.{field}}}"
            check elapsed < 1h
            """
        ).at(5, 1, "Download", url=200)
        verdict = world.run()
        return verdict, [text for _, text in world.executor.notes]

    assert told("1..2", "1") == (("passed", ""), ["200"])
    assert told("1..2", "3") == (("error", "nothing has been kept under that name yet for this device"), [])
    # Of one device there is one message: everybody may name it.
    assert told("1", "1..2") == (("passed", ""), ["200", "200"])
    assert told("1", "3") == (("passed", ""), ["200"])
