"""A case from its text to its result, with simulated devices and the embedded ACS."""

import json
import re
import socket
import threading

import pytest

from cpescript.acs.server import Acs
from cpescript.diagnostics import Bag
from cpescript.recording.reading import read
from cpescript.recording.rejudge import judge_trace
from cpescript.report import html
from cpescript.transport.acs_service import AcsService
from tests.adapters.serving import on_a_loop

INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
CHANNEL = "Device.WiFi.Radio.1.Channel"


def only(result):
    (scenario,) = result.scenarios
    return scenario


def notes(scenario):
    return [text for _, text in scenario.notes]


def boots(tmp_path, play, text, **options):
    """Return the instant in seconds at which each device first told of itself, and the result."""
    trace = tmp_path / "trace.jsonl"
    result = play(text, trace=trace, **options)
    first = {}
    for line in trace.read_text().splitlines():
        record = json.loads(line)
        if record.get("kind") == "Inform":
            first.setdefault(record["device"], record["t"] / 1e9)
    return first, result


def test_a_fleet_that_is_spawned_over_a_time_boots_evenly_by_the_seed(tmp_path, play):
    text = "spawn 10 of hg100 as fleet over 10m\nexpect InformResponse on each fleet within 15m\n"
    first, result = boots(tmp_path, play, text)
    assert only(result).verdict == "passed"
    assert all(60 * index <= first[f"fleet[{index + 1}]"] < 60 * index + 61 for index in range(10))
    assert len({round(second % 60) for second in first.values()}) > 5
    assert boots(tmp_path, play, text)[0] == first
    assert boots(tmp_path, play, text, seed=2)[0] != first


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (f'answer fault 9007 "no" for {INTERVAL}', "9003 Invalid arguments"),
        ('answer fault 9002 "no"', "9002 no"),
    ],
)
def test_a_fault_that_a_handler_answers_reaches_the_acs(play, answer, outcome):
    scenario = only(
        play(
            f"""
            spawn 1 of hg100 as cpe
            wait 1m
            on first SPV {INTERVAL} of cpe:
                {answer}
            acs set {INTERVAL} = 600 on cpe
            expect Fault on cpe within 5m as bad
            note "{{bad.fault_code}} {{bad.fault_string}}"
            """
        )
    )
    assert scenario.verdict == "passed", scenario.reason
    assert notes(scenario) == [outcome]


def test_of_two_handlers_that_match_the_newer_answers(play):
    scenario = only(
        play(
            f"""
            spawn 1 of hg100 as cpe
            wait 1m
            on every SPV {INTERVAL} of cpe:
                answer fault 9001 "older"
            on every SPV {INTERVAL} of cpe:
                answer fault 9002 "newer"
            acs set {INTERVAL} = 600 on cpe
            expect Fault on cpe within 5m as bad
            note "{{bad.fault_code}}"
            """
        )
    )
    assert notes(scenario) == ["9002"]


def test_an_answer_may_come_late_or_never(play):
    text = """
        spawn 1 of hg100 as cpe
        wait 1m
        on first SPV {} of cpe:
            {}
        acs set {} = 600 on cpe
        expect {} on cpe within 5m
        note "{{elapsed}}"
        """

    def ended(answer, claim):
        scenario = only(play(text.format(INTERVAL, answer, INTERVAL, claim)))
        assert scenario.verdict == "passed", scenario.reason
        return notes(scenario)

    assert ended("answer after 20s", "SetParameterValuesResponse") == ["1m20s"]
    assert ended("drop connection", 'SessionEnd where outcome == "cut"') == ["1m"]
    assert ended("answer nothing", 'SessionEnd where outcome != "done"') != ["1m"]


def test_quirks_last_as_long_as_they_are_said_to(play):
    text = """
        spawn 1 of hg100 as cpe
        wait 1m
        {}
        repeat 3:
            wait 10m
            inform cpe
            wait 1m
        check at least 1 Inform on cpe
        """

    def shown(steps, name="bom"):
        indented = steps.replace("\n", "\n        ")
        scenario = only(play(text.format(indented)))
        assert scenario.verdict == "passed", scenario.reason
        return scenario.quirks.get(name, 0)

    always = shown("inject quirk bom() on cpe")
    session = always // 3
    assert session > 0
    assert shown("inject quirk bom() on cpe for 12m") == session
    assert shown("inject quirk bom() on cpe\nremove quirk bom from cpe") == 0
    assert shown("inject quirk bom() on cpe\ninject quirk bom() on cpe") == always, "made anew, not made twice"
    # The end of the first injection is not the end of the second.
    assert shown("inject quirk bom() on cpe for 5m\ninject quirk bom() on cpe") == always
    both = "inject quirk soapaction-missing() on cpe\ninject quirk bom() on cpe\nclear cpe"
    assert (shown(both), shown(both, "soapaction-missing")) == (0, 0)


def test_a_quirk_that_never_showed_is_vacuous(play):
    text = """
        spawn 1 of hg100 as cpe
        inject quirk transfer-fault(code: 9018) on cpe
        expect InformResponse on cpe within 1m
        """
    scenario = only(play(text))
    assert (scenario.verdict, scenario.vacuous) == ("passed", ("quirk 'transfer-fault' never showed on the wire",))
    assert only(play(text, strict=True)).verdict == "inconclusive"


def test_a_scenario_that_claims_nothing_is_vacuous(play):
    scenario = only(play("spawn 1 of hg100 as cpe\nwait 1m\n"))
    assert (scenario.verdict, scenario.vacuous) == ("passed", ("the scenario claims nothing",))
    broken = only(play("spawn 1 of hg100 as cpe\ndelete Device.NAT.PortMapping.9. on cpe\n"))
    assert broken.verdict == "error"
    assert broken.vacuous == ()


def test_values_of_devices_that_are_spawned_later_are_known(play):
    scenario = only(
        play(
            f"""
            spawn 1 of hg100 as early
            expect {INTERVAL} >= 1 on early
            spawn 1 of hg100 as late
            always {INTERVAL} >= 1 on all
            wait 1m
            spawn 1 of hg100 as last
            set {CHANNEL} = 11 on last
            expect {CHANNEL} == 11 on last within 1m
            """
        )
    )
    assert scenario.verdict == "passed", scenario.reason


def test_a_generated_value_is_looked_at_whenever_it_moves(play):
    scenario = only(
        play(
            """
            spawn 1 of hg100 as cpe
            expect InformResponse on cpe within 1m
            expect Device.DeviceInfo.UpTime > 100 on cpe within 5m
            """
        )
    )
    assert scenario.verdict == "passed", scenario.reason
    assert 100 <= scenario.virtual_ns / 1e9 <= 110


def test_cases_that_are_skipped_or_expected_to_fail(play):
    result = play(
        """
        scenario "skipped":
            skip "no time"
            spawn 1 of hg100 as cpe
            expect Download on cpe within 1m

        scenario "known":
            expected to fail "since ever"
            spawn 1 of hg100 as cpe
            expect Download on cpe within 1m

        scenario "mended":
            expected to fail "since ever"
            spawn 1 of hg100 as cpe
            expect InformResponse on cpe within 1m
        """
    )
    assert [each.verdict for each in result.scenarios] == ["skipped", "xfailed", "xpassed"]
    assert result.scenarios[0].sessions == 0
    assert result.scenarios[1].reason == "expected to fail: since ever"
    assert result.exit_status == 1


def test_sometimes_is_settled_within_its_own_scenario_only(play):
    body = """
            spawn 1 of hg100 as cpe
            sometimes any cpe rebooting
            wait 1m
            if n == 1:
                reboot cpe
            wait 10m
        """
    result = play(
        f"""
        scenario "both" for n in [1, 2]:{body}
        scenario "never" for n in [3, 4]:{body}
        """
    )
    assert [each.verdict for each in result.scenarios] == ["passed", "passed", "failed", "failed"]
    assert result.scenarios[1].claims[0].message == "it came true in another case"


def test_sometimes_of_a_shared_procedure_is_settled_per_scenario(play):
    result = play(
        """
        define watched(devices, again):
            sometimes any devices rebooting
            wait 1m
            if again == 1:
                reboot devices
            wait 10m

        scenario "does":
            spawn 1 of hg100 as cpe
            do watched(cpe, again: 1)

        scenario "does not":
            spawn 1 of hg100 as cpe
            do watched(cpe, again: 0)
        """
    )
    assert [each.verdict for each in result.scenarios] == ["passed", "failed"]


def test_the_seed_of_the_command_is_stronger(play):
    text = "seed 5\nspawn 1 of hg100 as cpe\nexpect InformResponse on cpe within 1m\n"
    assert only(play(text, seed=None)).seed == 5
    assert only(play(text, seed=9)).seed == 9
    assert "--seed 9" in only(play(text, seed=9)).rerun


def test_a_secret_is_masked_in_all_that_is_told(play):
    scenario = only(
        play(
            """
            secret param key = "none"
            param open = "seen"
            spawn 1 of hg100 as cpe
            expect InformResponse where "{key}" != "{open}" on cpe within 1m
            """,
            params={"key": "hush hush"},
            rerun="--param 'key=hush hush'",
        )
    )
    assert scenario.params == {"key": "***", "open": "seen"}
    assert "hush" not in scenario.rerun
    assert "--param key='***'" in scenario.rerun


def test_the_picture_shows_those_who_missed_first_and_what_was_still_so(play):
    scenario = only(
        play(
            """
            spawn 20 of hg100 as fleet
            wait 1m
            power off fleet[20]
            wait 1s
            check fleet[20] online within 1m
            """
        )
    )
    timeline, first, *rest = scenario.lanes
    assert (timeline.title, first.title) == ("timeline", "fleet[20]")
    assert len(rest) == 11
    (online,) = [bar for bar in first.bars if bar.label == "online"]
    assert (online.start, online.end) == (0, 60 * 10**9)
    assert [[bar.end for bar in lane.bars if bar.label == "online"] for lane in rest] == [[None]] * 11


def test_the_picture_has_what_was_done_at_once_in_the_order_of_time(play):
    scenario = only(
        play(
            """
            spawn 2 of hg100 as fleet over 1m
            wait until each fleet registered within 5m
            reboot fleet over 1m
            wait 10m
            acs set Device.WiFi.SSID.1.SSID = "Attic" on fleet
            expect SPV Device.WiFi.SSID.1.SSID = "Attic" on each fleet within 10m
            """
        )
    )
    bars = scenario.lanes[0].bars
    assert [bar.line for bar in bars] == [2, 3, 4, 5, 6]
    assert [bar.label.split()[0] for bar in bars] == ["wait", "reboot", "wait", "acs", "expect"]
    assert bars[1].start == bars[1].end


@pytest.mark.parametrize("ending", ["cut", "http"])
def test_a_session_that_failed_says_so_in_the_evidence_and_in_the_remarks(play, ending):
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while (got := connection.recv(65536)) and not got.endswith(b"Envelope>"):
                    pass
                if ending == "http":
                    connection.sendall(refusal)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        acs = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        text = "spawn 1 of hg100 as fleet\nexpect Download on fleet within 1s\n"
        scenario = only(play(text, acs=acs, patience_ns=10**7, real_limit_s=30))
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    [claim] = scenario.claims
    last = claim.misses[0].messages[-1]
    assert (last.direction, last.kind) == ("local", "SessionEnd")
    assert last.brief.startswith(f"SessionEnd {ending}")
    assert not any("left in the ACS" in remark for remark in scenario.remarks)


def test_claims_of_a_library_stand_with_their_file(play, tmp_path):
    (tmp_path / "home.cpes").write_text("define online(devices):\n    expect Download on each devices within 1m\n")
    text = """
        use "home.cpes"
        scenario "it":
            spawn 1 of hg100 as fleet
            check InformResponse on fleet within 1m
            do online(fleet)
        """
    result = play(text)
    assert only(result).reason.startswith("home.cpes:2: ")
    assert re.findall(r'<td class="num place">(.*?)</td>', html.render(result)) == ["case.cpes:4", "home.cpes:2"]
    alone = play("spawn 1 of hg100 as fleet\nexpect Download on fleet within 1m\n")
    assert only(alone).reason.startswith("line 2: ")
    assert '<td class="num place">2</td>' in html.render(alone)


def test_an_acs_on_loopback_needs_no_yes(play):
    text = "spawn 6 of hg100 as fleet\nspawn 6 of hg100 as more\nexpect InformResponse on each more within 1m\n"
    assert "say --yes" in only(play(text, acs="http://192.0.2.1:7547/")).reason
    near = only(play(text, acs="http://127.0.0.1:1/", patience_ns=10**7, real_limit_s=30))
    assert near.reason.startswith("no connection to")


def test_an_acs_that_nobody_could_connect_to_owes_nothing(play, tmp_path):
    text = "spawn 2 of hg100 as fleet\nexpect InformResponse on each fleet within 1m\n"
    trace = tmp_path / "trace.jsonl"
    result = play(text, acs="http://lab:hunter22@127.0.0.1:1/", patience_ns=10**7, trace=trace)
    one = only(result)
    assert (result.exit_status, one.verdict, one.claims[0].verdict) == (3, "error", "inconclusive")
    assert one.reason == "no connection to http://lab:***@127.0.0.1:1/ ever stood: refused"
    assert not any("left in the ACS" in remark for remark in one.remarks)
    judged = judge_trace([tmp_path / "case.cpes"], read(trace), {}, False, Bag()).results
    assert [(each.verdict, each.reason, each.claims[0].verdict) for each in judged] == [
        ("error", one.reason, "inconclusive")
    ]


def test_one_connection_is_enough_for_a_miss_to_count(play):
    text = "spawn 1 of hg100 as fleet\nexpect Download on each fleet within 1m\n"
    listener = socket.create_server(("127.0.0.1", 0))

    def busy_once():
        connection, _ = listener.accept()
        listener.close()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=busy_once)
    thread.start()
    one = only(play(text, acs=f"http://127.0.0.1:{listener.getsockname()[1]}/", patience_ns=10**7))
    thread.join()
    assert (one.verdict, one.problems) == ("failed", ())
    assert "refused" in one.latencies[0].errors


def test_the_cases_of_a_matrix_end_as_each_of_them_ends(play):
    result = play(
        """
        scenario "n" for n in [1, 2, 3]:
            spawn n of hg100 as fleet
            expect exactly 2 of fleet online within 1m
        """
    )
    assert [(each.title, each.verdict) for each in result.scenarios] == [
        ("n [n=1]", "failed"),
        ("n [n=2]", "passed"),
        ("n [n=3]", "failed"),
    ]


def test_an_acs_that_is_served_wrong_is_found_wrong_and_said_to_be(play):
    wrong = ["wrong-interval"]
    service = AcsService(Acs(defects=wrong), wrong)

    async def start(stack):
        return await service.start("127.0.0.1", 0, 0, stack)

    text = f"spawn 1 of hg100 as cpe\nexpect SPV {INTERVAL} = 300 on cpe within 1m\n"
    with on_a_loop(start) as (port, north):
        there = {"acs": f"http://127.0.0.1:{port}/", "north": f"http://127.0.0.1:{north}"}
        one, told = only(play(text, **there)), only(play(text, **there, defects=("wrong-interval", "wrong-id")))
    said = "the ACS is served with deliberate defects: wrong-interval"
    assert (one.verdict, said in one.remarks) == ("failed", True)
    assert told.verdict == "failed"
    assert not any("served with" in remark for remark in told.remarks), "the first line has them"
