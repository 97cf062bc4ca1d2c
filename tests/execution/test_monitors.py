"""always, never, sometimes."""


def test_at_most_of_all_in_a_state(play):
    text = """
        spawn 3 of hg100 as fleet
        always at most 1 of all updating
        wait 1h
        """
    world = play(text)
    world.state(1, 1, "updating").state(5, 1, "updating", on=False).state(6, 2, "updating")
    assert world.run()[0] == "passed"
    world = play(text)
    world.state(1, 1, "updating").state(5, 3, "updating").state(9, 1, "updating", on=False)
    assert world.run() == ("failed", "line 2: broken once, first at 00:00:05 by fleet[3]: 2 of 3 were updating")


def test_never_a_message_where_the_device_is_so(play):
    text = """
        spawn 2 of hg100 as fleet
        never Download on fleet where Device.DeviceInfo.SoftwareVersion == "2.1.0"
        wait 1h
        """
    world = play(text)
    for device in (1, 2):
        world.value(0, device, "Device.DeviceInfo.SoftwareVersion", "2.0.0")
    world.at(1, 1, "Download").value(2, 1, "Device.DeviceInfo.SoftwareVersion", "2.1.0").at(3, 2, "Download")
    assert world.run()[0] == "passed"
    world = play(text)
    world.value(0, 1, "Device.DeviceInfo.SoftwareVersion", "2.1.0").at(60, 1, "Download")
    assert world.run() == ("failed", "line 2: broken once, first at 00:01:00 by fleet[1]: Download came at 00:01:00")


def test_an_invariant_ends_with_its_block(play):
    text = """
        spawn 1 of hg100 as cpe
        if true:
            never Reboot on cpe
            wait 1m
        wait 1h
        expect cpe online
        """
    world = play(text).state(0, 1, "online").at(120, 1, "Reboot")
    assert world.run()[0] == "passed"
    assert play(text).state(0, 1, "online").at(30, 1, "Reboot").run()[0] == "failed"


def test_until_ends_an_invariant(play):
    text = """
        spawn 1 of hg100 as cpe
        never Reboot on cpe until Download
        wait 1h
        expect cpe online
        """
    world = play(text).state(0, 1, "online").at(10, 1, "Download").at(20, 1, "Reboot")
    assert world.run()[0] == "passed"
    assert play(text).state(0, 1, "online").at(5, 1, "Reboot").at(10, 1, "Download").run()[0] == "failed"


def test_sometimes_must_come_true_once(play):
    text = "spawn 2 of hg100 as fleet\nsometimes any fleet faulted\nwait 1h\n"
    assert play(text).state(1, 2, "faulted").state(2, 2, "faulted", on=False).run()[0] == "passed"
    verdict, reason = play(text).run()
    assert (verdict, reason) == ("failed", "line 2: it never came true")


def test_every_device_that_breaks_a_rule_is_named(play):
    world = play("spawn 3 of hg100 as fleet\nnever any fleet faulted\nwait 1h\n")
    world.state(1, 1, "faulted").state(2, 3, "faulted")
    assert world.run()[0] == "failed"
    assert [miss.device for miss in world.claims[2].misses] == ["fleet[1]", "fleet[3]"]


def test_a_figure_across_the_fleet(play):
    text = "spawn 2 of hg100 as fleet\nalways count(Download) <= 2 across fleet\nwait 1h\n"
    assert play(text).at(1, 1, "Download").at(2, 2, "Download").run()[0] == "passed"
    world = play(text).at(1, 1, "Download").at(2, 2, "Download").at(3, 1, "Download")
    assert world.run()[0] == "failed"
