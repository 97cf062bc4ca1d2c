"""A value whose type only the run shows, at every place that needs one: read, or refused with place, cause and remedy;
never a traceback, and never taken for what it is not."""

import pytest

from cpescript.api import ClaimMissed, ScenarioError, Sim

VALUES = {
    "nothing": "null",
    "yes": "true",
    "word": '"word"',
    "empty": '""',
    "said_true": '"true"',
    "said_number": '"2"',
    "said_duration": '"30s"',
    "said_share": '"10%"',
    "number": "2",
    "less": "-3",
    "large": "123456789012345678",
    "half": "2.5",
    "duration": "30s",
    "size": "8MiB",
    "share": "10%",
    "instant": "2026-01-01T00:00:00Z",
    "moment": "02:00",
    "some": "[1, 2]",
    "map": "{a: 1}",
    "devices": "fleet",
    "kept": "cap",
}
"""What a part of a map may hold, none of which the checker can know."""

ALL = frozenset(VALUES)
TRUTH = frozenset({"yes", "said_true"})
WHO = frozenset({"devices"})
WHOLE = frozenset({"number", "said_number", "large"})
AMOUNT = WHOLE | {"share", "said_share"}
LENGTH = frozenset({"duration", "said_duration"})
TEXT = frozenset({"word", "empty", "said_true", "said_number", "said_duration", "said_share"})
WRITTEN = ALL - {"kept"}
SINGLE = WRITTEN - {"some", "map", "devices"}

CHANNEL = "Device.WiFi.Radio.1.Channel"
PLACES = {
    # who: of a list, so that the loop's name may be anything
    "target": ("for q in [{x}]:\n    reboot q", WHO),
    "claimed": ("for q in [{x}]:\n    expect q online", WHO),
    "quantified": ("for q in [{x}]:\n    expect at most 3 of q updating", WHO),
    "parameter of": (f"for q in [{{x}}]:\n    note count({CHANNEL} of q)", WHO),
    "handled": ("for q in [{x}]:\n    on every Inform of q:\n        note 1\n    wait 1s", WHO),
    "watched": ("for q in [{x}]:\n    never Reboot on q\n    wait 1s", WHO),
    "except": ("for q in [{x}]:\n    reboot fleet except q", WHO),
    "loop of devices": ("for q in {x}:\n    expect q online", WHO),
    "each": ("for each q in {x}:\n    expect q online", WHO),
    "slice": ("expect fleet[{x}] online", WHOLE - {"large"}),
    "range": ("expect fleet[1..{x}] online", WHOLE - {"large"}),
    "draw": ("reboot {x} of fleet", AMOUNT - {"large"}),
    "attribute": ('note "{{{x}.serial}}"', {"map", "kept"}),
    # true or false
    "where": ("reboot fleet where {x}", TRUTH),
    "or": ("reboot fleet where offline or {x}", TRUTH),
    "claim": ("expect {x}", TRUTH),
    "claim on": ("expect {x} on fleet", TRUTH),
    "and": ("expect count(Inform) >= 0 and {x} on fleet", TRUTH),
    "not": ("expect not {x}", TRUTH),
    "if": ('if {x}:\n    note "y"', TRUTH),
    "either way": ("note (1 if {x} else 2)", TRUTH),
    "message where": ("inform fleet\nexpect Inform where {x} on fleet within 1m", TRUTH),
    "always": ("always {x}\nwait 1s", None),
    "until": ("never Download on fleet until {x}\nwait 1s", None),
    "unless": ("expect Download on fleet within 1s unless {x}", TRUTH),
    # how many, how long
    "quantifier": ("expect at most {x} of fleet updating", AMOUNT),
    "messages": ("expect at most {x} Download on fleet", WHOLE),
    "repeat": ('repeat {x}:\n    fail "once"', WHOLE),
    "every": ('repeat every {x} for 1m:\n    note "n"', LENGTH),
    "wait": ("wait {x}", LENGTH),
    "within": ("expect Inform on fleet within {x} since start", LENGTH),
    "lasting": ("expect each fleet registered for {x}", LENGTH),
    "at": ('at +{x}:\n    note "n"', LENGTH),
    "over": ("reboot fleet over {x}", LENGTH),
    "power": ("power-cycle fleet for {x}", LENGTH),
    "quirk for": ("inject quirk bom on fleet for {x}", LENGTH),
    "quirk argument": ("inject quirk slow-cpe(pause: {x}) on fleet", LENGTH),
    "rate": ("expect rate(Inform) < 50 per {x} across fleet", LENGTH),
    "rate limit": (
        "expect rate(Inform) < {x} per 1m across fleet",
        {"number", "said_number", "less", "large", "half"},
    ),
    # texts, and what is sent
    "event": ("inform fleet event {x}", TEXT),
    "firmware": ("acs download firmware {x} on fleet", frozenset()),
    "url": ('acs download "3 Vendor Configuration File" url {x} on fleet', TEXT - {"empty"}),
    "serial": ("spawn 1 of hg100 as more_{n} with:\n    serial {x}", TEXT - {"empty"}),
    "label": ("spawn 1 of hg100 as more_{n} with:\n    label k = {x}", SINGLE),
    "set": (f"set {CHANNEL} = {{x}} on fleet", {"number", "said_number"}),
    "text set": ("set Device.DeviceInfo.ProvisioningCode = {x} on fleet", SINGLE),
    "order": (f"acs set {CHANNEL} = {{x}} on fleet", SINGLE),
    "path": ("note Device.WiFi.SSID.{{{x}}}.Enable of fleet[1]", SINGLE),
    "path set": ("set Device.WiFi.SSID.{{{x}}}.Enable = true on fleet", {"number", "said_number"}),
    "note": ("note {x}", WRITTEN),
    "text": ('note "{{{x}}}"', WRITTEN),
    "format": ('note "{{{x}:06}}"', SINGLE - {"nothing"}),
    "function of a text": ("note upper({x})", TEXT),
    "call": ("acs call provision(x: {x}) on fleet", frozenset()),
    # compared: with a duration, a number, a parameter
    "order of": ("expect elapsed < {x}", LENGTH | {"nothing"}),
    "equal": ("expect elapsed != {x}", LENGTH | TEXT | {"nothing"}),
    "between": ("expect elapsed between {x} and 1h", LENGTH | {"nothing"}),
    "parameter": (f"expect {CHANNEL} != {{x}} on fleet", None),
    "parameter order": (f"expect {CHANNEL} < {{x}} on fleet", None),
    "setting": (f"expect SPV {CHANNEL} = {{x}} on fleet within 1s", None),
    "in": ("expect 1 in {x}", TEXT | {"some", "map", "devices", "nothing"}),
    "looked up": ("expect {x} in odd", ALL),
    "contains": ("expect {x} contains 1", TEXT | {"some", "map", "devices", "nothing"}),
    "matches": ("expect {x} matches {x}", None),
    "starts": ("expect {x} starts with {x}", None),
    # worked out
    "plus": ("note (1 + {x})", {"number", "less", "large", "half"}),
    "itself": ("note ({x} + {x})", TEXT | {"number", "less", "large", "half", "duration", "size", "share", "some"}),
    "times": ("note ({x} * 3)", {"number", "less", "large", "half", "duration", "size", "share"}),
    "part": ("note ({x} / 3)", {"number", "less", "large", "half", "duration", "size"}),
    "rest": ("note ({x} % 7)", {"number", "less", "large", "half"}),
    "negative": ("note (-{x})", {"number", "less", "large", "half", "duration", "share"}),
    "loop": ('for q in {x}:\n    note "n"', {"some", "devices"}),
    "counted": ("note count({x})", {"some", "map", "devices"}),
    "random": ("note random({x}, 9)", {"number", "less", "half"}),
    **{name: (f"note {name}({{x}})", None) for name in ("len", "sha256", "pick", "min", "sum", "mean", "p95")},
    "empty": ("expect {x} is empty", ALL),
    "exists": ("expect {x} exists", ALL),
}
"""Places of the language: a statement with a value there, and which values it takes (None: whichever)."""


@pytest.fixture(scope="module")
def taken():
    """Returns the values that a statement takes: whether what it claims is so is another matter."""

    def make(statement):
        sim = Sim(seed=3)
        sim.do("spawn 3 of hg100 as fleet\nwait until each all registered within 5m")
        sim.do("expect Inform on fleet[1] within 1m since start as cap")
        sim.do("let odd = {" + ", ".join(f"{name}: {value}" for name, value in VALUES.items()) + "}")
        found: set[str] = set()
        refusals: list[str] = []
        for name in VALUES:
            try:
                sim.do(statement.format(x=f"odd.{name}", n=name))
            except ClaimMissed as miss:
                if miss.claim is None or miss.claim.verdict == "error":
                    continue
            except ScenarioError as error:
                refusals.append(str(error))
                continue
            found.add(name)
        sim.close()
        assert not [each for each in refusals if "bug" in each]
        return found

    return make


@pytest.mark.parametrize("place", PLACES)
def test_whatever_comes_is_read_or_refused(taken, place):
    statement, accepted = PLACES[place]
    found = taken(statement)
    if accepted is not None:
        assert found == accepted


# --- what passed, and said nothing -----------------------------------------------------------------------------------

TABLE = "enabled,deadline,most\nfalse,30s,ten\n"
OFFLINE = (
    'scenario "s":\n    spawn 2 of hg100 as fleet\n    spawn 1 of hg100 as other\n    power off fleet[1]\n    wait 1m\n'
)


@pytest.mark.parametrize(
    ("lines", "verdict", "reason"),
    [
        ("do healthy(fleet[1])", "failed", ""),
        ("do healthy(other)", "passed", ""),
        ("let one = {n: 2}\ndo healthy(one.n)", "error", "'devices' is devices, and this is a whole number, 2"),
        ("let one = {n: 0}\ndo go(one.n)", "error", "'d' is devices, and this is a whole number, 0"),
        ("let one = {n: -1}\ndo go(one.n)", "error", "'d' is devices, and this is a whole number, -1"),
        ("let one = {n: 11}\ndo go(one.n)", "error", "'d' is devices, and this is a whole number, 11"),
        (
            "for q in Device.WiFi.Radio.1.Channel of (other, fleet):\n    check q online",
            "error",
            "'q' is devices, and this is a whole number, 1",
        ),
        ("for d in fleet:\n    do go(d)", "passed", ""),
        ("for d in [other, fleet[2]]:\n    do healthy(d)", "passed", ""),
        ("let few = [other]\nfor d in few:\n    note d.serial", "passed", ""),
    ],
)
def test_a_number_is_taken_for_no_device(simulated, lines, verdict, reason):
    head = "define healthy(devices):\n    expect each devices online\ndefine go(d):\n    power off d\n"
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    result, _ = simulated(f"{head}{OFFLINE}{body}    check elapsed > 0s\n")
    assert (result.verdict, result.reason if verdict == "error" else "") == (verdict, reason)


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("check row.enabled", "failed"),
        ("check not row.enabled", "passed"),
        ("check count(Inform) >= 1 and row.enabled on fleet", "failed"),
        ("wait until row.enabled within 1s", "error"),
        ('if row.enabled:\n        fail "on"', "passed"),
        ("check row.deadline", "error"),
        ("never elapsed > row.deadline\n    wait 1m", "failed"),
        ("check elapsed > row.deadline", "failed"),
        ("never count(Inform) > row.most on fleet\n    wait 1m", "error"),
        ("check Inform on fleet within row.deadline since start", "passed"),
    ],
)
def test_what_a_table_holds_is_read_by_what_is_needed(simulated, tmp_path, claim, verdict):
    (tmp_path / "rows.csv").write_text(TABLE)
    text = f'spawn 1 of hg100 as fleet\nfor row in csv("rows.csv"):\n    {claim}\ncheck elapsed >= 0s\n'
    result, _ = simulated(text)
    assert result.verdict == verdict, result.reason


def test_what_functions_make_of_a_secret_is_masked_too(simulated):
    result, records = simulated(
        """
        secret param key: text = "Hunter2x"
        spawn 1 of hg100 as cpe
        let much = "{cpe[1]}-{key}"
        note "{upper(key)} {lower(key)} {sha256(key)} {lower(much)}"
        check elapsed >= 0s
        """
    )
    ((_, words),) = result.notes
    assert words == "*** *** *** [1]-***"
    assert "hunter2x" not in str(records).lower()


def test_a_claim_that_counts_may_look_back_at_once():
    with Sim(seed=3) as sim:
        sim.do("spawn 2 of hg100 as fleet\nwait until each all registered within 5m")
        sim.do("expect Inform where count(Inform) > 0 on fleet within 1m since start")
        sim.do("expect InformResponse where count(Inform where count(Inform) > 0) == 1 on fleet within 1m since start")


@pytest.mark.parametrize(
    ("value", "verdict"), [('"2"', "passed"), ("2", "passed"), ('"two"', "error"), ("2s", "error")]
)
def test_an_argument_is_of_the_type_that_is_written(simulated, value, verdict):
    text = "define one_more(n: int):\n    check n + 1 == 3 and elapsed >= 0s\n"
    text += f'scenario "s":\n    let odd = {{n: {value}}}\n'
    result, _ = simulated(f"{text}    spawn 1 of hg100 as cpe\n    do one_more(odd.n)\n")
    assert result.verdict == verdict, result.reason


CELLS = "n,iv,pause\n9,10,30s\n"


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("row.n < row.iv", "passed"),
        ("row.iv > row.n", "passed"),
        ("row.iv < row.n", "failed"),
        ("row.n != row.typo", "error"),
    ],
)
def test_cells_of_a_table(simulated, tmp_path, claim, verdict):
    """Two of them that are numbers are compared as numbers, and a column that is not there is no quiet null."""
    (tmp_path / "t.csv").write_text(CELLS)
    text = f'spawn 1 of hg100 as cpe\nwait 1m\nfor row in csv("t.csv"):\n    check {claim}\n'
    result = simulated(text)[0]
    assert result.verdict == verdict, result
    if verdict == "error":
        [problem] = [each for each in result.problems if each.remedy]
        assert (problem.message, problem.remedy) == ("the table has no column 'typo'", "it has n, iv, pause")


def test_of_several_settings_the_message_that_met_some_is_shown(play):
    one, other = "Device.ManagementServer.Username", "Device.ManagementServer.Password"
    text = f'spawn 1 of hg100 as cpe\nexpect SPV {one} = "a", {other} on cpe within 1m\n'
    world = play(text).at(5, 1, "SetParameterValues", {one: "b", other: "c"})
    assert world.run()[0] == "failed"
    [miss] = world.judge.claims[0].misses
    assert miss.actual == f"SetParameterValues {one}=b {other}=c at 00:00:05"
