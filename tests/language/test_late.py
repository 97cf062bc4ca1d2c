"""What only the run shows, as far as the checker can tell: what an argument is taken for, what may stand in a text,
what a claim must not draw, and conditions that say nothing."""

import pytest
from lab import LAB, load_text

HEAD = """\
define go(devices):
    reboot devices
spawn 3 of hg100 as fleet
spawn 1 of hg100 as cpe
"""
END = "expect Inform on fleet within 1m\n"


def told(line):
    """Return (code, message, remedy) of each problem of a line."""
    _, bag = load_text(f"{HEAD}{line}\n{END}", "test.cpes", LAB)
    return [(each.code, each.message, each.remedy) for each in bag]


@pytest.mark.parametrize("value", ["2", "0", '"fleet"', "[1, 2]", "30s", "true"])
def test_an_argument_that_stands_as_a_target_is_devices(value):
    ((code, message, remedy),) = told(f"do go({value})")
    assert code == "wrong-type"
    assert message.startswith("'devices' is devices, not ")
    assert remedy == "name a cohort; the first of one is 'fleet[1]'"


@pytest.mark.parametrize("value", ["fleet", "fleet[1]", "(cpe, fleet)", "fleet where offline", "all", "1 of fleet"])
def test_devices_are_handed_in(value):
    assert told(f"do go({value})") == []


def test_what_a_loop_goes_through_is_known_where_it_is_written_out():
    ((code, message, _),) = told("for n in [1, 3]:\n    expect n online")
    assert (code, message) == ("no-devices", "'n' is a whole number, not devices")
    assert told("for n in [1, 3]:\n    wait n * 1s") == []
    assert told("for n in [1s, 3s]:\n    wait n") == []
    ((code, message, _),) = told("for n in [1, 3]:\n    wait n")
    assert code == "missing-unit"
    assert told('for n in [1, "1s"]:\n    wait n') == [], "of several types: the run shows it"


ADD = "acs add Device.NAT.PortMapping. on cpe as pm\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('note "{pm}"', "what stands in a text is a value, not a message"),
        ("note pm", "what is noted is a value, not a message"),
        ("delete Device.NAT.PortMapping.{pm}. on cpe", "a part of a path is a single value, not a message"),
        ("acs call x(id: pm) on cpe", "what a system is called with is a value, not a message"),
    ],
)
def test_what_is_kept_is_no_value(line, message):
    assert (("wrong-type", message, "name a part of it: pm.instance_number")) in told(f"{ADD}{line}")
    assert told(f"{ADD}note pm.instance_number") == []


@pytest.mark.parametrize(
    "claim",
    [
        "check count(Inform) <= random(1, 5) on fleet",
        "check Inform where retry_count == random(0, 0) on fleet within 1m",
        "check Inform where retry_count in [pick([1, 2])] on fleet within 1m",
        "check at least (random(1, 2)) of fleet online",
        "check cpe online within 1m unless elapsed > random(1s, 2s)",
        "always elapsed < random(5h, 6h)\nwait 1s",
        "check each (fleet where device.index == random(1, 2)) online",
    ],
)
def test_a_claim_draws_nothing(claim):
    ((code, message, remedy),) = told(claim)
    assert (code, message) == ("draw-in-claim", "a draw inside a claim would be made anew at each look")
    assert remedy.startswith("`let n = ")


def test_outside_of_what_is_claimed_chance_is_welcome():
    assert told("let n = random(1, 5)\ncheck at least n Inform on fleet within random(1s, 5s)") == []


@pytest.mark.parametrize(
    ("condition", "remedy"),
    [
        ("fault_code == 9001 or 9002", "write 'fault_code in [9001, 9002]'"),
        ("fault_code == 9001 or fault_code == 9003 or 9002", "write 'fault_code in [9003, 9002]'"),
        ("fault_code > 9001 and 9002", "write 'fault_code > 9001 and fault_code > 9002'"),
        ('fault_string contains "a" or "b"', 'write \'fault_string contains "a" or fault_string contains "b"\''),
        ("fault_code + 0 == 9001 or 9002", "repeat what is compared"),
    ],
)
def test_a_value_that_is_compared_with_nothing_shows_how_to_compare_it(condition, remedy):
    ((code, _, told_remedy),) = told(f"check Fault where {condition} on fleet within 1m")
    assert (code, told_remedy) == ("lone-value", remedy)


@pytest.mark.parametrize("constant", ["true", "9002 > 0", 'not "a" is empty'])
def test_a_condition_that_says_nothing_is_refused(constant):
    for operator in ("and", "or"):
        claims = (
            f"check Fault where fault_code == 9001 {operator} {constant} on fleet within 1m",
            f"check count(Fault) == 1 {operator} {constant} on fleet",
        )
        for claim in claims:
            assert told(claim) == [("constant", "this is so, or not, whatever the rest is", "take it out")]


def test_a_condition_on_a_param_says_something():
    _, bag = load_text(
        "param strict: bool = true\nspawn 1 of hg100 as cpe\ncheck count(Fault) == 0 or not strict on cpe\n", "x", LAB
    )
    assert not list(bag)


@pytest.mark.parametrize("claim", ["at least 0 Download on fleet within 1m", "at least 0% of fleet online"])
def test_at_least_nothing_is_always_met(claim):
    program, bag = load_text(f"{HEAD}check {claim}\n{END}", "test.cpes", LAB)
    _, bag = program.cases()
    ((code, remedy),) = [(each.code, each.remedy) for each in bag]
    assert (code, remedy) == ("always-true", "at least 1?")


def test_a_text_is_not_multiplied():
    ((code, message, _),) = told('note ("abc" * 1000000000)')
    assert (code, message) == ("wrong-type", "'*' does not go with a text and a whole number")


def test_a_secret_is_not_cut():
    text = 'secret param key: text = "hunter2x"\nspawn 1 of hg100 as fleet\nnote "{{key:{}}}"\n' + END
    _, bag = load_text(text.format(".3"), "x", LAB)
    assert [each.code for each in bag] == ["secret"]
    _, bag = load_text(text.format(">20"), "x", LAB)
    assert not list(bag)


def test_what_a_matrix_or_param_gives_is_read_when_it_is_checked():
    text = (
        'param rows: list = [{d: "30s"}, {d: "soon"}]\nspawn 1 of hg100 as cpe\nfor row in rows:\n    wait row.d\n'
        + END
    )
    program, bag = load_text(text.replace("fleet", "cpe"), "x", LAB)
    assert not list(bag), "a loop's rows are the run's"
    text = 'param odd: map = {{d: "{}"}}\nspawn 1 of hg100 as cpe\nwait odd.d\nexpect Inform on cpe within 1m\n'
    for value, codes in (("30s", []), ("soon", ["no-value"])):
        program, _ = load_text(text.format(value), "x", LAB)
        _, bag = program.cases()
        assert [each.code for each in bag] == codes
