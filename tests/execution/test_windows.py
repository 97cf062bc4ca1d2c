"""Windows: which messages a claim may look back to, when its deadline is, and who may use a message."""


def test_an_answer_in_the_instant_of_the_action_is_not_lost(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        reboot cpe
        expect InformResponse on cpe within 1m
        """
    )
    world.on("reboot", 1, "InformResponse")
    assert world.run() == ("passed", "")


def test_the_window_opens_at_the_last_action_not_at_the_claim(play):
    world = play(
        """
        spawn 2 of hg100 as fleet
        reboot fleet
        wait until each fleet registered within 1h
        expect InformResponse on each fleet within 1m
        """
    )
    world.at(5, 1, "InformResponse").at(6, 2, "InformResponse")
    world.state(600, 1, "registered").state(600, 2, "registered")
    assert world.run()[0] == "passed"


def test_what_came_before_the_last_action_does_not_count(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        wait 10s
        reboot cpe
        expect InformResponse on cpe within 1m
        """
    )
    world.at(5, 1, "InformResponse")
    verdict, reason = world.run()
    assert verdict == "failed"
    assert reason == "line 4: 0 of 1 device met it within 1m"
    assert world.claims[4].misses[0].actual == "no InformResponse came"
    assert world.claims[4].closed == 70 * 10**9


def test_a_plain_wait_moves_the_window_to_its_end(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        wait 10s
        expect InformResponse on cpe within 1m
        """
    )
    world.at(9, 1, "InformResponse")
    assert world.run()[0] == "failed"
    world = play("spawn 1 of hg100 as cpe\nwait 10s\nexpect InformResponse on cpe within 1m\n")
    world.at(10, 1, "InformResponse")
    assert world.run()[0] == "passed"


def test_a_message_at_the_deadline_counts_and_one_after_it_does_not(play):
    text = "spawn 1 of hg100 as cpe\nexpect InformResponse on cpe within 1m\n"
    assert play(text).at(60, 1, "InformResponse").run()[0] == "passed"
    assert play(text).at(60.001, 1, "InformResponse").run()[0] == "failed"


def test_one_message_satisfies_one_expect_of_a_block(play):
    text = """
        spawn 1 of hg100 as cpe
        expect Download on cpe within 1m
        expect Download on cpe within 1m
        """
    world = play(text).at(4, 1, "Download")
    verdict, _ = world.run()
    assert verdict == "failed"
    assert world.claims[3].hint == "seen at 00:00:04, taken by line 2"
    assert play(text).at(4, 1, "Download").at(5, 1, "Download").run()[0] == "passed"


def test_settings_may_come_in_several_messages(play):
    text = """
        spawn 1 of hg100 as cpe
        expect SPV Device.ManagementServer.PeriodicInformInterval = 300,
            Device.ManagementServer.PeriodicInformEnable = true on cpe within 1m
        """
    interval = {"Device.ManagementServer.PeriodicInformInterval": "300"}
    enable = {"Device.ManagementServer.PeriodicInformEnable": "1"}
    world = play(text).at(1, 1, "SetParameterValues", interval).at(2, 1, "SetParameterValues", enable)
    assert world.run()[0] == "passed"
    assert play(text).at(1, 1, "SetParameterValues", interval).run()[0] == "failed"
    assert play(text).at(1, 1, "SetParameterValues", {**interval, **enable}).run()[0] == "passed"


def test_a_near_miss_is_shown(play):
    world = play(
        """
        spawn 1 of hg100 as cpe
        expect SPV Device.ManagementServer.PeriodicInformInterval = 300 on cpe within 1m
        """
    ).at(2, 1, "SetParameterValues", {"Device.ManagementServer.PeriodicInformInterval": "600"})
    world.run()
    miss = world.claims[2].misses[0]
    assert miss.expected == "SPV Device.ManagementServer.PeriodicInformInterval = 300"
    assert miss.actual == "SetParameterValues Device.ManagementServer.PeriodicInformInterval=600 at 00:00:02"


def test_since_opens_the_window_and_starts_the_deadline(play):
    text = """
        spawn 1 of hg100 as cpe
        expect ConnectionRequest on cpe within 1m as cr
        wait 20s
        expect Inform on cpe within 30s since cr
        """
    assert play(text).at(1, 1, "ConnectionRequest").at(10, 1, "Inform").run()[0] == "passed"
    assert play(text).at(1, 1, "ConnectionRequest").at(32, 1, "Inform").run()[0] == "failed"


def test_in_order_wants_the_messages_in_their_order(play):
    text = """
        spawn 1 of hg100 as cpe
        expect in order on cpe within 1m:
            Download where file_type == "1 Firmware Upgrade Image"
            TransferCompleteResponse
        """
    good = play(text).at(1, 1, "Download", file_type="1 Firmware Upgrade Image").at(2, 1, "TransferCompleteResponse")
    assert good.run()[0] == "passed"
    bad = play(text).at(2, 1, "Download", file_type="1 Firmware Upgrade Image").at(1, 1, "TransferCompleteResponse")
    assert bad.run()[0] == "failed"
    miss = bad.claims[2].misses[0]
    assert miss.expected == "TransferCompleteResponse (after 1 of 2 were met)"
    assert miss.actual == "TransferCompleteResponse came at 00:00:01, before its turn"


def test_in_any_order_and_one_of(play):
    text = """
        spawn 1 of hg100 as cpe
        expect {} on cpe within 1m:
            Download
            Reboot
        """
    both = lambda kind: play(text.format(kind)).at(2, 1, "Download").at(1, 1, "Reboot")  # noqa: E731
    one = lambda kind: play(text.format(kind)).at(1, 1, "Reboot")  # noqa: E731
    assert both("in any order").run()[0] == "passed"
    assert one("in any order").run()[0] == "failed"
    assert one("one of").run()[0] == "passed"


def test_counts_in_a_window_are_judged_when_it_closes(play):
    text = "spawn 1 of hg100 as cpe\nexpect {} Download on cpe within 1m\n"
    two = lambda words: play(text.format(words)).at(1, 1, "Download").at(30, 1, "Download")  # noqa: E731
    exactly = two("exactly 2")
    assert exactly.run()[0] == "passed"
    assert exactly.kernel.now == 60 * 10**9
    at_least = two("at least 2")
    assert at_least.run()[0] == "passed"
    assert at_least.kernel.now == 30 * 10**9
    assert two("at most 1").run()[0] == "failed"
    assert two("exactly 3").run()[0] == "failed"


def test_counts_without_a_window_are_since_the_start_and_on_the_spot(play):
    text = """
        spawn 1 of hg100 as cpe
        wait 1m
        reboot cpe
        wait 1m
        check exactly 2 Download on cpe
        """
    world = play(text).at(1, 1, "Download").at(70, 1, "Download").at(150, 1, "Download")
    assert world.run()[0] == "passed"
    assert play(text).at(1, 1, "Download").run()[0] == "failed"


def test_for_must_hold_all_through(play):
    text = "spawn 1 of hg100 as cpe\nexpect no SPV on cpe for 1h\n"
    assert play(text).run()[0] == "passed"
    broken = play(text).at(1800, 1, "SetParameterValues")
    assert broken.run()[0] == "failed"
    assert broken.kernel.now == 1800 * 10**9
    assert broken.claims[2].misses[0].actual == "SetParameterValues came at 00:30:00"


def test_a_steady_state_within_a_time(play):
    text = (
        'spawn 1 of hg100 as cpe\nexpect cpe online within 1m\nwait until each cpe online for 10m within 1h\nfail ""\n'
    )
    world = play(text).state(1, 1, "online").state(300, 1, "online", on=False).state(400, 1, "online")
    assert world.run()[0] == "failed"
    assert world.kernel.now == 1000 * 10**9


def test_unless_makes_a_device_miss_at_once(play):
    text = """
        spawn 2 of hg100 as fleet
        expect Download on each fleet within 1h unless Fault
        """
    world = play(text).at(1, 1, "Download").at(2, 2, "Fault")
    assert world.run()[0] == "failed"
    assert world.kernel.now == 2 * 10**9
    assert world.claims[2].misses[0].actual == "Fault came first"
    assert world.claims[2].met == 1


def test_quantifiers(play):
    text = "spawn 10 of hg100 as fleet\nexpect Download on {} fleet within 1m\n"

    def some(quantifier, count):
        world = play(text.format(quantifier))
        for device in range(1, count + 1):
            world.at(device, device, "Download")
        return world.run()[0]

    assert [some("each", count) for count in (9, 10)] == ["failed", "passed"]
    assert [some("any", count) for count in (0, 1)] == ["failed", "passed"]
    assert [some("at least 95% of", count) for count in (9, 10)] == ["failed", "passed"]
    assert [some("at least 3 of", count) for count in (2, 3)] == ["failed", "passed"]
    assert [some("at most 3 of", count) for count in (3, 4)] == ["passed", "failed"]
    assert [some("exactly 3 of", count) for count in (2, 3, 4)] == ["failed", "passed", "failed"]


def test_a_later_claim_of_a_block_may_name_what_an_earlier_one_kept(play):
    text = """
        spawn 2 of hg100 as fleet
        expect in order on each fleet within 1h:
            Download as dl
            TransferComplete where command_key == dl.command_key
        """
    world = play(text).at(1, 1, "Download", command_key="a").at(2, 2, "Download", command_key="b")
    world.at(3, 1, "TransferComplete", command_key="b").at(4, 1, "TransferComplete", command_key="a")
    world.at(5, 2, "TransferComplete", command_key="b")
    assert world.run()[0] == "passed"
    world = play(text).at(1, 1, "Download", command_key="a").at(2, 2, "Download", command_key="b")
    world.at(3, 1, "TransferComplete", command_key="b").at(5, 2, "TransferComplete", command_key="b")
    assert world.run()[0] == "failed"
    assert [miss.device for miss in world.claims[2].misses] == ["fleet[1]"]


def test_what_had_to_be_forgotten_makes_a_miss_inconclusive(play, monkeypatch):
    monkeypatch.setattr("cpescript.judge.probes.MOST_NOTED", 10)
    text = "spawn 1 of hg100 as cpe\nexpect at least {} Inform on cpe within 1h\n"

    def informs(wanted):
        world = play(text.format(wanted))
        for second in range(1, 31):
            world.at(second, 1, "Inform")
        return world.run()

    assert informs(5)[0] == "passed"
    verdict, reason = informs(31)
    assert verdict == "inconclusive"
    assert "forgotten" in reason


def test_since_across_devices_counts_from_what_was_kept_of_each(play):
    """What was kept meets no claim that counts from it, nor does what came before it from the same device."""
    text = """
        spawn 2 of hg100 as fleet
        expect ConnectionRequest on each fleet within 1m as cr
        wait 1m
        expect Inform across fleet within 30s since cr
        """
    asked = play(text).at(1, 1, "ConnectionRequest").at(5, 2, "Inform").at(10, 2, "ConnectionRequest")
    assert asked.run()[0] == "failed", "the only Inform came before that device was asked"
    asked = play(text).at(1, 1, "ConnectionRequest").at(5, 1, "Inform").at(10, 2, "ConnectionRequest")
    assert asked.run()[0] == "passed"
    asked = play(text).at(1, 1, "ConnectionRequest").at(10, 2, "ConnectionRequest").at(35, 1, "Inform")
    assert asked.run()[0] == "failed", "34 s behind the request of that device"
    itself = text.replace("expect Inform across", "expect ConnectionRequest across")
    asked = play(itself).at(1, 1, "ConnectionRequest").at(10, 2, "ConnectionRequest")
    assert asked.run()[0] == "failed"


def test_since_across_devices_of_which_one_has_nothing_kept(play):
    text = """
        spawn 2 of hg100 as fleet
        expect ConnectionRequest on fleet[1] within 1m as cr
        expect at least 2 Inform across fleet within 30s since cr
        """
    assert play(text).at(1, 1, "ConnectionRequest").at(5, 1, "Inform").at(6, 2, "Inform").run()[0] == "passed"
    assert play(text).at(2, 1, "ConnectionRequest").at(1, 2, "Inform").at(6, 1, "Inform").run()[0] == "failed"
