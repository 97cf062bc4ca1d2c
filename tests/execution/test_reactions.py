"""Handlers: when they fire, for whom, how long they last, and what becomes of their own claims."""

import pytest

from tests.execution.scripted import Said

END = "check each fleet online\n"


def test_every_and_first_are_per_device(play):
    text = "spawn 2 of hg100 as fleet\non {} Download of fleet:\n    reboot device\nwait 1m\n" + END
    for which, expected in (("every", [1, 2, 1]), ("first", [1, 2])):
        world = play(text.format(which)).at(5, 1, "Download").at(6, 2, "Download").at(7, 1, "Download")
        world.run()
        assert [device for _, _, device in world.log] == expected


def test_a_handler_fires_for_its_devices_and_its_whole_pattern(play):
    world = play(
        """
        spawn 2 of hg100 as fleet
        on every SPV Device.ManagementServer.PeriodicInformInterval = 300,
            Device.ManagementServer.PeriodicInformEnable = true of fleet[1]:
            reboot device
        wait 1m
        check each fleet online
        """
    )
    half = {"Device.ManagementServer.PeriodicInformInterval": "300"}
    whole = {**half, "Device.ManagementServer.PeriodicInformEnable": "true"}
    world.at(1, 1, "SetParameterValues", half).at(2, 2, "SetParameterValues", whole)
    world.at(3, 1, "SetParameterValues", whole)
    world.run()
    assert world.log == [(3, "reboot", 1)]


def test_a_handler_lasts_to_the_end_of_its_block(play):
    world = play(
        """
        spawn 1 of hg100 as fleet
        if true:
            on every Download of fleet:
                reboot device
            wait 10s
        wait 1m
        check each fleet online
        """
    )
    world.at(5, 1, "Download").at(15, 1, "Download").run()
    assert world.log == [(5, "reboot", 1)]
    assert world.vacuous == []


def test_a_handler_that_never_fired_is_vacuous(play):
    text = "spawn 1 of hg100 as fleet\non {} of fleet:\n    {}\nwait 1m\n" + END
    for message, step in (("every Download", "reboot device"), ("first SPV Device.WiFi.", "answer nothing")):
        world = play(text.format(message, step))
        world.run()
        assert world.vacuous == [f"line 2: 'on {message} of fleet:' never fired"]


def test_a_handlers_where_is_asked_at_each_event(play):
    world = play(
        "spawn 1 of hg100 as fleet\non every Download of fleet where updating:\n    reboot device\nwait 1m\n" + END
    )
    world.at(5, 1, "Download").state(6, 1, "updating").at(7, 1, "Download").state(8, 1, "updating", on=False)
    world.at(9, 1, "Download").run()
    assert world.log == [(7, "reboot", 1)]


def test_a_handler_knows_what_came_and_goes_on_beside_the_scenario(play):
    world = play(
        """
        spawn 1 of hg100 as fleet
        on every Download of fleet:
            wait 10s
            note "{device.index} {message.url}"
            reboot device
        wait 8s
        factory-reset fleet
        wait 1m
        check each fleet online
        """
    )
    world.at(5, 1, "Download", url="a").at(6, 1, "Download", url="b").run()
    assert [text for _, text in world.executor.notes] == ["1 a", "1 b"]
    assert world.log == [(8, "factory-reset", 1), (15, "reboot", 1), (16, "reboot", 1)]


def test_what_misses_or_breaks_in_a_handler_counts(play):
    text = "spawn 1 of hg100 as fleet\non first Download of fleet:\n    reboot device\n    {}\nwait 10m\n"
    missed = play(text.format("check Reboot on device within 1m")).at(5, 1, "Download")
    assert missed.run() == ("failed", "line 4: 0 of 1 device met it within 1m")
    broken = play(text.format("wait until device registered within 1m")).at(5, 1, "Download")
    assert broken.run()[0] == "error"
    met = play(text.format("check Reboot on device within 1m")).at(5, 1, "Download").at(20, 1, "Reboot")
    assert met.run() == ("passed", "")


@pytest.mark.parametrize(
    ("steps", "answers"),
    [
        (["answer fault 9001"], ["fault"]),
        (["answer after 20s"], ["after"]),
        (["answer nothing"], ["nothing"]),
        (["drop connection"], ["drop"]),
        (["answer after 20s", 'answer fault 9002 "later"'], ["after", "fault"]),
        (["reboot device", "answer nothing"], ["nothing"]),
        (["if device.index == 1:", "    answer nothing"], ["nothing"]),
        (["if device.index == 2:", "    answer nothing"], []),
    ],
)
def test_what_a_handler_answers(play, steps, answers):
    body = "".join(f"    {step}\n" for step in steps)
    world = play(f"spawn 1 of hg100 as fleet\non every SPV Device.WiFi. of fleet:\n{body}wait 1m\n{END}")
    world.executor.start()
    world.kernel.run(until=10**9)
    (ask,) = world.asked[1]
    assert [kind for kind, _ in ask(1, Said("SetParameterValues", {"Device.WiFi.Radio.1.Channel": "1"}))] == answers
    assert list(ask(1, Said("Download"))) == []


def test_a_claim_of_a_handler_sees_what_comes_while_the_scenario_waits(play):
    def verdict(message, *later, early=True):
        world = play(
            f"""
            spawn 1 of hg100 as fleet
            on first Download of fleet:
                check {message} on device within 1m
            background "looks back to the beginning":
                check Inform on fleet within 9m
            wait 10m
            check each fleet online
            """
        )
        world.state(0, 1, "online").at(5, 1, "Download").at(6, 1, "Inform" if early else "Upload").at(500, 1, "Inform")
        for second, kind in later:
            world.at(second, 1, kind)
        return world.run()[0]

    assert verdict("Reboot", (20, "Reboot")) == "passed"
    assert verdict("Reboot", (5, "Reboot")) == "passed"
    # What it reacts to is over: only another of the kind counts.
    assert verdict("Download", (20, "Download")) == "passed"
    assert verdict("Download") == "failed"
    assert verdict("Download", early=False) == "failed"


VERSION = "Device.DeviceInfo.SoftwareVersion"


@pytest.mark.parametrize("reaction", ["reboot device", "answer nothing"])
def test_a_handlers_where_reads_the_devices_own_values_at_each_event(play, reaction):
    world = play(
        f"""
        spawn 1 of hg100 as fleet
        on every SPV Device.WiFi. of fleet where {VERSION} == "2.0":
            {reaction}
            note "fired"
        wait 1m
        check each fleet online
        """
    )
    asked = Said("SetParameterValues", {"Device.WiFi.Radio.1.Channel": "1"})
    world.value(0, 1, VERSION, "1.0").value(10, 1, VERSION, "2.0").value(20, 1, VERSION, "3.0")
    for second in (5, 15, 25):
        if reaction == "answer nothing":
            world.kernel.at(second * 10**9, world._author, lambda _: world.asked[1][0](1, asked))
        else:
            world.at(second, 1, "SetParameterValues", asked.settings)
    world.run()
    assert [t // 10**9 for t, _ in world.executor.notes] == [15]


def test_answers_of_all_are_given_by_devices_that_are_made_later(play):
    world = play(
        """
        on every SPV Device.WiFi. of all:
            answer nothing
        wait 10s
        spawn 2 of hg100 as fleet
        wait 1m
        check each fleet online
        """
    )
    world.executor.start()
    world.kernel.run(until=11 * 10**9)
    assert list(world.asked) == [1, 2]
    world.kernel.run()
    assert list(world.asked.values()) == [[], []]


def test_a_handler_draws_its_devices_once(play):
    text = """
        spawn 20 of hg100 as fleet
        on every SPV Device.WiFi. of 5 of fleet:
            answer nothing
        wait 1m
        check each fleet online
        """
    world = play(text)
    world.executor.start()
    world.kernel.run(until=10**9)
    asked = Said("SetParameterValues", {"Device.WiFi.Radio.1.Channel": "1"})
    assert len(world.asked) == 5
    for device, (ask,) in world.asked.items():
        assert [kind for kind, _ in ask(device, asked)] == ["nothing"]


def test_the_newer_of_two_handlers_is_asked_for_its_answer_and_both_react(play):
    world = play(
        """
        spawn 1 of hg100 as fleet
        on every Download of fleet:
            note "old"
        on every Download of fleet:
            note "new"
        wait 1m
        check each fleet online
        """
    )
    world.at(5, 1, "Download").run()
    assert [text for _, text in world.executor.notes] == ["old", "new"]
