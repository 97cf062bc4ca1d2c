"""A scenario that is written while it runs is the scenario of the same statements."""

import json
from datetime import timedelta

import pytest

from cpescript.api import ClaimMissed, ScenarioError, Sim, length, literal
from cpescript.kernel.time import MINUTE, Duration
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

INTERVAL = "Device.ManagementServer.PeriodicInformInterval"


def test_what_is_asked_of_the_acs_reaches_the_devices():
    with Sim(seed=7) as sim:
        fleet = sim.spawn(3, "hg100", as_="fleet")
        sim.expect("InformResponse", on=fleet, within="1m")
        sim.acs.set(fleet, {INTERVAL: 600})
        sim.expect(f"SPV {INTERVAL} = 600", on=fleet, within="15m", as_="order")
        assert fleet.value(INTERVAL) == [600, 600, 600]
        assert fleet[2].value(INTERVAL) == 600
        assert fleet[1:2].value(INTERVAL) == [600, 600]
        assert fleet.where('device.serial ends with "3"').value(INTERVAL) == 600
        assert [device.value("Device.DeviceInfo.SerialNumber")[-1] for device in fleet] == ["1", "2", "3"]
        online = fleet.where("online")
        assert (len(fleet), len(online), len(fleet[1:2]), len(fleet.where("offline"))) == (3, 3, 2, 0)
        assert str(online[2]) == "(fleet where online)[2]"
        assert online.where('device.serial ends with "3"')[1].value(INTERVAL) == 600
        sim.advance("30m")
        assert sim.now >= 30 * MINUTE
        assert sim.verdict == "passed"
    assert sim.close().verdict == "passed"


STATEMENTS = [
    f'spawn 3 of hg100 as fleet over 1m with:\n    label region = "north"\n    set {INTERVAL} = 120',
    "expect SetParameterValuesResponse on each fleet within 5m",
    f"acs set {INTERVAL} = 600 on fleet",
    "reboot fleet[2] over 30s",
    f"expect SPV {INTERVAL} = 600 on each fleet within 15m",
    "wait 10m",
    "spawn 2 of hg100 as side",
    f"set {INTERVAL} = 70 on side[1]",
    "power off side[2]",
    "never Fault on fleet",
    "let some = 2 of fleet",
    "on every GPV of fleet:\n    answer fault 9002",
    "if elapsed > 1m:\n    inform some\nelse:\n    reboot some",
    "check at least 2 Inform on each fleet",
    "expect count(Inform) >= 6 across fleet",
    "wait 5m",
]


def test_the_same_statements_leave_the_same_trace(tmp_path):
    """Messages and what devices do: the same records at the same instants, whoever says what comes next."""
    file, written, lived = tmp_path / "s.cpes", tmp_path / "w.jsonl", tmp_path / "l.jsonl"
    file.write_text("\n".join(STATEMENTS))
    assert run(RunOptions(scenarios=(str(file),), seed=7, trace=written)).scenarios[0].verdict == "passed"
    sim = Sim(seed=7, trace=lived)
    for statement in STATEMENTS:
        sim.do(statement)
    assert sim.close().verdict == "passed"

    def told(path):
        # What a claim is to know of is announced from the start here, and lines are counted anew.
        left_out = ("claim-opened", "claim-closed", "act", "stimulus", "parameter", "cut")
        records = [json.loads(line) for line in path.read_text().splitlines()[1:]]
        return [
            (record["t"], record["device"], record["session"], record["kind"], record.get("body"))
            for record in records
            if record["kind"] not in left_out
        ]

    assert len(told(written)) > 40
    assert told(written) == told(lived)


def test_a_claim_may_look_back_at_what_nobody_knew_it_would_ask():
    with Sim(seed=1) as sim:
        fleet = sim.spawn(2, "hg100", as_="fleet")
        sim.advance("10m")
        sim.expect("at least 1 Inform", on=fleet)
        sim.check("exactly 0 Download", on=fleet)
        assert sim.value("count(InformResponse)") >= 2
        sim.acs.reboot(fleet[1])
        sim.expect("Reboot", on=fleet[1], within="5m")
        sim.expect('Inform where events contains "M Reboot"', on=fleet[1], within="5m", as_="boot")
        assert sim.value("boot.retry_count") == 0


def test_a_miss_raises_its_evidence():
    sim = Sim(seed=7)
    fleet = sim.spawn(1, "hg100", as_="fleet")
    with pytest.raises(ClaimMissed) as missed:
        sim.expect("Download", on=fleet, within="1m")
    text = str(missed.value)
    assert "0 of 1 device met it within 1m" in text
    assert "expect Download on fleet within 1m" in text
    assert "Inform 0 BOOTSTRAP" in text
    assert "seed 7" in text
    assert missed.value.claim.missed == 1
    assert sim.verdict == "failed"
    with pytest.raises(ClaimMissed):
        sim.finish()
    with pytest.raises(ScenarioError, match="closed"):
        sim.reboot(fleet)


def test_soft_claims_and_invariants_are_told_at_the_end():
    for method, word in (("check", "check Download"), ("never", "never Inform")):
        sim = Sim(seed=7)
        fleet = sim.spawn(1, "hg100", as_="fleet")
        if method == "check":
            sim.check("Download", on=fleet, within="1m")
        else:
            sim.never("Inform", on=fleet)
            sim.advance("1m")
        with pytest.raises(ClaimMissed, match=word):
            sim.finish()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reboot flet", "did you mean 'fleet'"),
        ("set Device.Nope = 1 on fleet", "Device.Nope"),
        ("expect Download on fleet within 5", "unit"),
        ("seed 5", "setting"),
        ("param x = 5", "stands at the top"),
    ],
)
def test_a_statement_that_does_not_check_changes_nothing(text, message):
    with Sim(seed=1) as sim:
        sim.spawn(1, "hg100", as_="fleet")
        with pytest.raises(ScenarioError, match=message):
            sim.do(text)
        sim.expect("InformResponse", on="fleet", within="1m")
    assert sim.verdict == "passed"


def test_a_cohort_of_a_wrong_statement_is_still_free():
    with Sim(seed=1) as sim:
        with pytest.raises(ScenarioError):
            sim.do("spawn 1 of hg100 as fleet over 5")
        sim.spawn(1, "hg100", as_="fleet")
        sim.expect("InformResponse", on="fleet", within="1m")


def test_what_breaks_is_no_failure_of_the_acs():
    sim = Sim(seed=1)
    fleet = sim.spawn(1, "hg100", as_="fleet")
    with pytest.raises(ScenarioError, match="precondition"):
        sim.wait_until("Download", on=fleet, within="1m")
    assert sim.close().verdict == "error"
    sim = Sim(seed=1)
    fleet = sim.spawn(1, "hg100", as_="fleet")
    with pytest.raises(ScenarioError, match="NAT"):
        sim.delete(fleet, "Device.NAT.PortMapping.9.")


def test_the_limit_ends_it():
    sim = Sim(seed=1, limit="1h")
    sim.spawn(1, "hg100", as_="fleet")
    sim.advance("50m")
    with pytest.raises(ScenarioError, match="limit of 1h"):
        sim.advance("50m")
    assert sim.verdict == "inconclusive"


def test_the_named_methods_say_what_they_mean(monkeypatch):
    with Sim(seed=1) as sim:
        said = []
        monkeypatch.setattr(Sim, "do", lambda self, text: said.append(text))
        sim.spawn(2, "hg100", "f", over="5m", with_='label a = "b"\nserial "X"')
        sim.stop("f", abruptly=True)
        sim.reboot("f", over=timedelta(minutes=5))
        sim.factory_reset("f")
        sim.power_off("f")
        sim.power_on("f")
        sim.power_cycle("f", "2m")
        sim.inform("f", "3 SCHEDULED")
        sim.set("f", {"Device.A": "x{y}", "Device.B": True})
        sim.inject("transfer-fault", "f", for_="10m", code=9018)
        sim.remove("bom", "f")
        sim.clear("f")
        sim.always("f online", until="elapsed > 1h")
        sim.sometimes("Inform", on="f")
        sim.expect("Download", "f", "1h", since="start", unless="Fault", as_="d")
        sim.check("no SPV", "f", for_="1h")
        sim.note('say "x"')
        sim.acs.get("f", "Device.A", "Device.B")
        sim.acs.download("f", "2.1.0")
        sim.acs.download("f", file_type="3 Vendor Configuration File", url="http://192.0.2.1/")
        sim.acs.call("start", on="f", as_="r", version="2", list=[1, None])
        sim.system("portal").call("wifi", ssid="x")
        monkeypatch.undo()
    assert said == [
        'spawn 2 of hg100 as f over 5m with:\n    label a = "b"\n    serial "X"\n',
        "stop f abruptly",
        "reboot f over 5m",
        "factory-reset f",
        "power off f",
        "power on f",
        "power-cycle f for 2m",
        'inform f event "3 SCHEDULED"',
        'set Device.A = "x{{y}}", Device.B = true on f',
        "inject quirk transfer-fault(code: 9018) on f for 10m",
        "remove quirk bom from f",
        "clear f",
        "always f online until elapsed > 1h",
        "sometimes Inform on f",
        "expect Download on f within 1h since start as d unless Fault",
        "check no SPV on f for 1h",
        r'note "say \"x\""',
        "acs get Device.A, Device.B on f",
        'acs download firmware "2.1.0" on f',
        'acs download "3 Vendor Configuration File" url "http://192.0.2.1/" on f',
        'acs call start(version: "2", list: [1, null]) on f as r',
        'portal call wifi(ssid: "x")',
    ]


@pytest.mark.parametrize(
    ("said", "call"),
    [
        ("add Device.A. on f", lambda sim: sim.add("f", "Device.A.")),
        ("delete Device.A.1. on f", lambda sim: sim.delete("f", "Device.A.1.")),
        ("wait until f online within 5m for 1m", lambda sim: sim.wait_until("f online", within="5m", for_="1m")),
        ("never Download on f until elapsed > 1h", lambda sim: sim.never("Download", "f", "elapsed > 1h")),
        ("wait 90s", lambda sim: sim.advance("90s")),
        ("acs set Device.A = 1 on f", lambda sim: sim.acs.set("f", {"Device.A": 1})),
        ("acs add Device.A. on f as made", lambda sim: sim.acs.add("f", "Device.A.", as_="made")),
        ("acs delete Device.A.1. on f", lambda sim: sim.acs.delete("f", "Device.A.1.")),
        (
            'acs upload "2 Vendor Log File" url "http://x/" on f',
            lambda sim: sim.acs.upload("f", "2 Vendor Log File", "http://x/"),
        ),
        ("acs reboot f", lambda sim: sim.acs.reboot("f")),
        ("acs factory-reset f", lambda sim: sim.acs.factory_reset("f")),
        ("acs connect f", lambda sim: sim.acs.connect("f")),
        ("acs forget f", lambda sim: sim.acs.forget("f")),
    ],
)
def test_a_named_method_says_one_statement(monkeypatch, said, call):
    with Sim(seed=1) as sim:
        heard = []
        monkeypatch.setattr(Sim, "do", lambda self, text: heard.append(text))
        call(sim)
        monkeypatch.undo()
    assert heard == [said]


@pytest.mark.parametrize(("by", "raised"), [(None, ClaimMissed), (ZeroDivisionError(), ZeroDivisionError)])
def test_leaving_the_block_closes_and_raises_what_was_missed_or_what_went_wrong_before(by, raised):
    sim = Sim(seed=1)

    def block():
        with sim:
            sim.check("Download", on=sim.spawn(1, "hg100", as_="fleet"), within="1m")
            sim.advance("5m")
            if by is not None:
                raise by

    with pytest.raises(raised):
        block()
    with pytest.raises(ScenarioError, match="closed"):
        sim.advance("1m")


def test_values_are_written_as_the_language_writes_them():
    assert literal({"a": [1.5, "{b}\n", Duration(90 * 10**9)]}) == '{"a": [1.5, "{{b}}\\n", 1m30s]}'
    assert length(timedelta(days=1, milliseconds=5)) == "1d5ms"
    with pytest.raises(TypeError, match="no word"):
        literal(object())
    with pytest.raises(TypeError, match="no word for nan"):
        literal(float("nan"))


@pytest.mark.parametrize("value", [0.5, -2.25, 1e-7, 1e17, 123456789.125])
def test_a_float_is_written_as_the_language_has_them(value):
    with Sim(seed=1) as sim:
        assert sim.value(literal(value)) == value


def test_an_expression_that_is_wrong_is_told_without_a_word_about_anything_else():
    with Sim(seed=1) as sim, pytest.raises(ScenarioError, match="nothing is called 'nope'") as caught:
        sim.value("nope")
    assert "warning" not in str(caught.value)


@pytest.mark.parametrize("what", [{}, {"firmware": "2.1.0", "file_type": "1 Firmware Upgrade Image"}])
def test_a_download_is_of_one_thing(what):
    with Sim(seed=1) as sim:
        cpe = sim.spawn(1, "hg100", as_="cpe")
        with pytest.raises(ScenarioError, match="a firmware, or a file type and a URL"):
            sim.acs.download(cpe, **what)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"defects": ["nope"]}, "nope"),
        ({"defects": "nope"}, "no defect is called 'nope'"),
        ({"limit": "5"}, "limit"),
        ({"limit": 5}, 'a length of time has a unit: "5s" or a timedelta, not 5'),
        ({"policy": "none.yaml"}, "none.yaml"),
        ({"seed": "7"}, "a seed is a whole number from 0, of 64 bits at most, not '7'"),
        ({"seed": -1}, "not -1"),
    ],
)
def test_a_set_up_that_does_not_check(settings, message):
    with pytest.raises(ScenarioError, match=message):
        Sim(**settings)


def test_the_first_line_of_an_error_says_why():
    """A summary shows no other."""
    sim = Sim(seed=1)
    sim.spawn(1, "hg100", as_="fleet")
    sim.check("Download", on="fleet", within="1m")
    with pytest.raises(ClaimMissed, match=r"\Acheck Download on fleet within 1m: 0 of 1 device met it within 1m\n"):
        sim.finish()
    sim = Sim(seed=1, limit="1h")
    sim.spawn(1, "hg100", as_="fleet")
    sim.advance("50m")
    with pytest.raises(ScenarioError, match=r"\A\S.*limit"):
        sim.advance("50m")
    with pytest.raises(ScenarioError, match=r'\Aa length of time has a unit: "60s" or a timedelta, not 60\Z'):
        Sim(seed=1).advance(60)


@pytest.mark.parametrize("method", ["expect", "wait_until"])
def test_an_acs_that_nobody_can_connect_to_is_no_miss(method):
    sim = Sim(seed=1, acs="http://127.0.0.1:1/", patience_ns=10**7)
    fleet = sim.spawn(1, "hg100", as_="fleet")
    with pytest.raises(ScenarioError, match=r"\Ano connection to http://127.0.0.1:1/ ever stood: refused\n"):
        getattr(sim, method)("InformResponse", on=fleet, within="1m")


def test_a_defect_is_found():
    sim = Sim(seed=1, defects=["wrong-interval"])
    fleet = sim.spawn(1, "hg100", as_="fleet")
    with pytest.raises(ClaimMissed):
        sim.expect(f"{INTERVAL} == 300", on=fleet, within="15m")


def test_what_could_not_be_judged_passes_for_nothing():
    sim = Sim(seed=1)
    sim.spawn(1, "hg100", as_="fleet")
    sim.do("at +30m:\n    check Reboot on fleet within 1h")
    sim.advance("40m")
    with pytest.raises(ScenarioError, match="the run ended before it was decided"):
        sim.finish()


def test_strict_is_about_claims_not_about_having_none():
    """A test in Python asserts by itself; what it does claim is to be able to fail."""
    with Sim(seed=1, strict=True) as sim:
        sim.spawn(1, "hg100", as_="fleet")
        sim.advance("1m")
    sim = Sim(seed=1, strict=True)
    sim.spawn(1, "hg100", as_="fleet")
    sim.never("Download", on="fleet where offline")
    sim.advance("1m")
    with pytest.raises(ScenarioError, match=r"vacuous: .*no device was ever one that this 'never' speaks of"):
        sim.finish()
