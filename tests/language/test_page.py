"""The language, rule by rule: each row is a sentence of the reference page, with a text that keeps or breaks it.

`FINE` rows check and compile without a word; `WRONG` rows are refused with that code. A row's text stands behind
`BEFORE`, which makes a fleet; one that begins with `!` is a file of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import LAB, load, load_text

from cpescript.diagnostics import Bag

BEFORE = "spawn 10 of hg100 as fleet\nspawn 2 of hg100 as side\n"
AFTER = "expect Inform on fleet within 1m\n"

V = "Device.DeviceInfo.SoftwareVersion"
P = "Device.ManagementServer.PeriodicInformInterval"
CODE = "Device.DeviceInfo.ProvisioningCode"


def told(text: str) -> Bag:
    """Return what is said of a row: of its check, and of its cases."""
    whole = text.removeprefix("!") if text.startswith("!") else f"{BEFORE}{text}\n{AFTER}"
    program, bag = load_text(whole, "row.cpes", LAB)
    if program is not None and not program.failed:
        bag.extend(program.cases()[1])
    return bag


MESSAGES = [
    *("SPV", "GPV", "GPN", "SPA", "GPA", "AddObject", "DeleteObject", "Download", "Upload", "Reboot", "FactoryReset"),
    *("ScheduleInform", "SetParameterValues", "SetParameterValuesResponse", "Inform", "InformResponse", "Fault"),
    *("TransferComplete", "Request", "Response", "ConnectionRequest", "SessionEnd"),
]

FINE: dict[str, list[str]] = {
    "text: a line goes on inside brackets and after a comma": [
        "let x = [\n  1,\n  2]\nnote x",
        "reboot fleet,\n  side",
    ],
    "text: a comment begins with #": ["# alone", "wait 1s  # behind"],
    "text: a block may open with a docstring": ['repeat 2:\n    """why"""\n    wait 1s'],
    "text: names may hold digits, _ and inner hyphens": ["let a_b-c9 = 1\nnote a_b-c9", "let _x = 1\nnote _x"],
    "text: every other word may be a name": [
        "let expect = 1\nlet within = expect\nnote within",
        "spawn 1 of hg100 as on\nreboot on",
        "let set = 3\nnote set",
    ],
    "text: a minus between operands has spaces around it": ["let x = 5 - 3\nnote x"],
    "literals: numbers and shares": ["let x = [42, 0.5, 10%, -5]\nnote x"],
    "literals: texts": [r'note "a \" \\ \n \t {{b}} {1 + 1} {7:03}"', 'note r"raw \\d {x}"'],
    "literals: true, false, null, lists, maps": ["let x = [true, false, null, {a: 1}]\nnote x"],
    "literals: durations": [f"wait {text}" for text in ("250ms", "30s", "5m", "2h", "1d", "1h30m", "1.5h")],
    "literals: sizes": ["let x = [64KiB, 8MiB]\nnote x"],
    "literals: instants and times of day": ["let x = [2026-01-01T00:00:00Z, 02:00]\nnote x"],
    "paths: bare, any instance, an object, a part by expression": [
        "expect Device.WiFi.SSID.1.SSID exists on fleet",
        "expect SPV Device.WiFi.SSID.*.Enable on fleet within 1m",
        "expect GPV Device.NAT. on fleet within 1m",
        "let n = 1\nexpect Device.NAT.PortMapping.{n}.Enable exists on fleet",
    ],
    "equality: = matches inside a message, and assigns": [
        f"expect SPV {P} = 300 on fleet within 1m",
        f"set {P} = 300 on fleet",
        "let x = 3\nnote x",
    ],
    "expressions: arithmetic, comparison, logic": [
        "let x = (1 + 2) * 3 / 4 % 5 - 1\nnote x",
        "let x = 1 < 2 and 2 <= 2 or not 3 > 4 and 1 != 2\nnote x",
        'let x = 1 in [1] and 2 not in [1] and "ab" contains "a"\nnote x',
        'let x = "ab" matches r"a." and "ab" starts with "a" and "ab" ends with "b"\nnote x',
        'let x = 2 between 1 and 3 and [] is empty and "a" is not empty\nnote x',
        f"expect {V} exists on fleet",
        "let x = 1 if 2 > 1 else 3\nnote x",
    ],
    "expressions: functions": [
        "let x = [count([1]), min(1, 2), max(1, 2), sum(1, 2), mean(1, 2), len([1])]\nnote x",
        "let x = [p50([1]), p95([1]), p99([1])]\nnote x",
        'let x = [lower("A"), upper("a"), sha256("a"), pick([1]), random(1, 2)]\nnote x',
        "note now()\nnote elapsed",
    ],
    "expressions: a value compares by its declared type": [
        f'expect {P} == "300" on fleet',
        f"expect {P} == 300 on fleet",
    ],
    "file: without a scenario the file is one": [f"!{BEFORE}{AFTER}"],
    "file: params of every type": [
        f"!param x: {type_} = {value}\n{BEFORE}note x\n{AFTER}"
        for type_, value in {
            "int": "1",
            "float": "0.5",
            "percent": "10%",
            "text": '"a"',
            "bool": "true",
            "duration": "5m",
            "size": "8MiB",
            "instant": "2026-01-01T00:00:00Z",
            "time": "02:00",
            "list": "[1]",
            "map": "{a: 1}",
        }.items()
    ],
    "file: a param's type may be left out, and it may have a description": [
        f'!param x = 3 "how many"\nspawn x of hg100 as fleet\n{AFTER}'
    ],
    "file: a secret param": [f'!secret param x = "hush"\n{BEFORE}note x\n{AFTER}'],
    "file: define and do, by position and by name, targets too": [
        f"!define go(devices, n: int = 3):\n    repeat n:\n        reboot devices\n{BEFORE}do go(fleet)\n"
        f"do go(devices: 10% of fleet, n: 4)\n{AFTER}"
    ],
    "file: several scenarios, matrices multiply": [
        '!scenario "a" for x in [1, 2] for y in ["p"]:\n    spawn x of hg100 as f\n    note y\n'
        '    expect Inform on f within 1m\nscenario "b":\n    spawn 1 of hg100 as f\n    expect Inform on f within 1m\n'
    ],
    "settings: all of them, first": [
        '!tags a, b\nseed 42\nlimit 12h\nclock virtual\nstarts at 2026-01-01T00:00:00Z\nzone "Europe/Berlin"\n'
        f'patience 5s\nfirmware "2.1.0" size 8MiB\nskip "why" if 1 > 2\nexpected to fail "why"\n{BEFORE}{AFTER}',
        f"!clock scaled 60x\n{BEFORE}{AFTER}",
        f"!clock real\n{BEFORE}{AFTER}",
    ],
    "targets: every form": [
        "reboot fleet, side",
        "reboot fleet[1]",
        "reboot fleet[1..10]",
        f'reboot fleet where {V} == "2.0.0"',
        'reboot fleet where label.region == "north"',
        "reboot fleet where offline",
        "reboot fleet except side",
        "reboot all",
        "reboot 10% of fleet",
        "reboot 5 of fleet where online",
        "reboot (fleet, side) where offline",
        "let tenth = 10% of fleet\nreboot tenth",
    ],
    "targets: device, its attributes, its parameters": [
        f'set {CODE} = "{{device.serial}} {{device.index}} {{device.label.region}} {{{V}}}" on fleet',
        f"let x = {V} of fleet\nnote x",
        "for d in fleet:\n    reboot device\n    note d.serial",
    ],
    "quantifiers: in claims, before the devices": [
        f"expect Inform on {words} within 1m"
        for words in ("each fleet", "any fleet", "at least 95% of fleet", "at most 20 of fleet", "exactly 3 of fleet")
    ],
    "quantifiers: across judges together": ["expect count(Inform) <= 3 across fleet"],
    "states: all of them": [
        f"expect each fleet {state} within 1m"
        for state in (
            "registered",
            "online",
            "offline",
            "in session",
            "rebooting",
            "downloading",
            "updating",
            "faulted",
        )
    ]
    + ["expect each fleet not in session within 1m", "expect fleet not offline within 1m"],
    "actions: every one": [
        "stop fleet",
        "stop fleet abruptly",
        "reboot fleet over 5m",
        "factory-reset fleet",
        "power off fleet",
        "power on fleet",
        "power-cycle fleet for 2m",
        "inform fleet",
        'inform fleet event "3 SCHEDULED"',
        f'set {P} = 300, {CODE} = "x" on fleet',
        "add Device.NAT.PortMapping. on fleet",
        "delete Device.NAT.PortMapping.2. on fleet",
        "inject quirk transfer-fault(code: 9018, times: 1) on fleet for 10m",
        "remove quirk transfer-fault from fleet",
        "clear fleet",
    ],
    "actions: a spawn's block": [
        "spawn 2 of hg100 as more over 5m with:\n"
        f'    set {CODE} = "x"\n    label k = 1\n    serial "HG{{device.index:06}}"\n'
        "    inject quirk transfer-fault(code: 9018)"
    ],
    "stimuli: every one": [
        f'acs set {P} = 300, {CODE} = "x" on fleet',
        f"acs get {V}, {P} on fleet",
        "acs add Device.NAT.PortMapping. on fleet as added\nfor d in fleet:\n    note added.instance_number",
        "acs delete Device.NAT.PortMapping.2. on fleet",
        'acs download "3 Vendor Configuration File" url "http://x.example/" on fleet',
        'acs upload "1 Vendor Configuration File" on fleet',
        "acs reboot fleet",
        "acs factory-reset fleet",
        "acs connect fleet",
        "acs forget fleet",
        'acs call go(x: "y") on fleet as r\nfor d in fleet:\n    note "{r.status} {r.body}"',
        "acs call go()",
        f'!firmware "2.1.0" size 8MiB\n{BEFORE}acs download firmware "2.1.0" on fleet\n{AFTER}',
    ],
    "claims: a message by its short and its full name, either way": [
        f"expect {name} on fleet within 1m" for name in MESSAGES
    ],
    "claims: elements, http, via and outcome": [
        'expect Download where url contains "x" and file_type == "4 Tone File" and command_key == "z" '
        "on fleet within 1m",
        "expect Fault where fault_code == 9001 on fleet within 1m",
        'expect Inform where events contains "1 BOOT" and retry_count == 0 on fleet within 1m',
        "expect Response where http.status == 503 on fleet within 1m",
        'expect ConnectionRequest where via == "http" on fleet within 1m',
        'expect SessionEnd where outcome == "timeout" on fleet within 1m',
    ],
    "claims: a parameter, a state, a figure": [
        f'expect {V} == "2.1.0" on fleet',
        "expect Device.NAT.PortMapping.1. exists on fleet",
        "expect at most 20 of fleet updating",
        "expect count(Download) <= 3 on each fleet",
        "expect rate(Request) <= 60 per 1h across fleet",
        "expect elapsed < 6h",
    ],
    "claims: a response knows its request": [
        'expect InformResponse where request.events contains "1 BOOT" on fleet within 1m as x\nnote x.request.oui',
        "expect p99(response_time(Inform)) < 500ms",
    ],
    "claims: what a system believes": [
        f'expect acs sees {V} == "2" on fleet within 1m',
        f'!acs portal\n{BEFORE}portal call wifi(ssid: "x") on fleet\nportal set {P} = 3 on fleet\n'
        'expect portal call status(id: device.serial) where body.state == "done" and status == 200 on fleet within 1m\n'
        f"{AFTER}",
    ],
    "claims: expect, by time": [
        "expect Inform on fleet within 1m as seen\nnote seen.events",
        f'expect {V} == "2" on fleet',
        "expect no SPV on fleet for 1h",
        "expect each fleet online for 1d",
        "expect exactly 2 Inform on fleet within 5m",
        "expect at most 2 Inform on fleet",
        "expect Inform on fleet within 5m unless Fault",
        "expect Inform within 5m on fleet unless Fault on side",
        "expect Inform on fleet within 5m as x\nexpect GPV on fleet within 30s since x",
        "expect Inform on fleet within 5m since start",
        "expect Inform on fleet within 5m patience 90s",
    ],
    "claims: several in a block": [
        f"expect {ordering} on each fleet within 4h:\n    Inform as a\n    {V} exists\n    registered"
        for ordering in ("in order", "in any order", "one of")
    ],
    "claims: invariants": [
        "always at most 20 of all updating\nwait 1s",
        f'never Download on fleet where {V} == "2"\nwait 1s',
        "never SPV on fleet until Fault on side\nwait 1s",
        "always count(Inform) <= 3 across fleet\nwait 1s",
        "sometimes any fleet offline",
    ],
    "claims: check and wait": [
        "check Inform on fleet within 1m",
        "wait until each fleet registered for 10s within 15m",
        "wait 30m",
        "wait until 02:00",
    ],
    "reactions: every answer": [
        "on every SPV Device.WiFi. of fleet:\n"
        '    answer fault 9007 "channel not allowed here" for Device.WiFi.Radio.1.Channel',
        "on first Download of fleet:\n    wait 3s\n    power-cycle device for 1m",
        "on every SPV of fleet:\n    answer after 20s\n    note message.parameter_key",
        "on every SPV of fleet where offline:\n    answer nothing",
        "on every SPV of fleet:\n    drop connection",
    ],
    "flow: every statement": [
        "repeat 5:\n    wait 1s",
        "repeat every 10m for 24h:\n    wait 1s",
        "for d in fleet:\n    reboot d",
        "for each d in fleet:\n    reboot d",
        "for x in [1, 2]:\n    note x",
        "parallel:\n    wait 1s\n    wait 2s",
        'background "name":\n    wait 1s',
        "at 02:00:\n    reboot fleet",
        "at +30m:\n    reboot fleet",
        "if count(fleet) > 3:\n    wait 1s\nelse if count(fleet) > 2:\n    wait 2s\nelse:\n    wait 3s",
        'note "text {1 + 1}"',
        f'!{BEFORE}{AFTER}fail "why"\n',
        f"!{BEFORE}{AFTER}finally:\n    clear fleet\n",
    ],
}

WRONG: dict[str, list[tuple[str, str]]] = {
    "text": [
        ("\twait 1s", "tab"),
        ("let all = 1", "reserved-name"),
        ("let Big = 1", "capital-name"),
        ("let x = 5 -3\nnote x", "minus"),
        ("expect Inform on fleet within 1m\n   wait 1s", "unexpected-indent"),
        ('note "open', "missing-quote"),
    ],
    "literals": [
        ("wait 5", "missing-unit"),
        ("wait 1m1h", "bad-literal"),
        ("wait until 25:00", "bad-literal"),
        (r'note "\q"', "bad-escape"),
    ],
    "equality": [
        (f'expect {V} = "2" on fleet', "single-equals"),
        (f"set {P} == 300 on fleet", "double-equals"),
        ("if 1 = 1:\n    wait 1s", "single-equals"),
    ],
    "types": [
        (f"expect {P} == 5m on fleet", "wrong-type"),
        ('let x = 1 + "a"', "wrong-type"),
        ("!param x: int = 5m\n" + BEFORE + "note x\n" + AFTER, "wrong-type"),
        ("!param x: integer\n" + BEFORE + AFTER, "unknown-type"),
    ],
    "files": [
        ("!param x: int\n" + BEFORE + "note x\n" + AFTER, "missing-param"),
        ('!scenario "a":\n    wait 1s\nwait 1s\n', "loose"),
        ('!use "nowhere.cpes"\n' + BEFORE + AFTER, "missing-file"),
        ("!spawn 1 of nobody as x\n" + AFTER, "unknown-profile"),
        ("!define x():\n    do x()\n" + BEFORE + AFTER, "recursion"),
        ("!define x(a):\n    wait a\n" + BEFORE + "do x()\n" + AFTER, "arguments"),
        ("!param x = 1\nparam x = 2\n" + BEFORE + AFTER, "doubled-name"),
    ],
    "settings": [
        ("seed 3", "misplaced"),
        (f"!seed 1\nseed 2\n{BEFORE}{AFTER}", "doubled"),
        (f"!clock real\nstarts at 2026-01-01T00:00:00Z\n{BEFORE}{AFTER}", "real-clock"),
        (f'!zone "Nowhere/Land"\n{BEFORE}{AFTER}', "unknown-zone"),
        (f'!policy "none.yaml"\n{BEFORE}{AFTER}', "missing-file"),
    ],
    "targets": [
        ("expect Inform on 10% of fleet within 1m", "draw-in-claim"),
        ("reboot nobody", "unknown-cohort"),
        ("reboot fleet[0]", "bad-slice"),
        ("reboot each fleet", "quantifier"),
        ("reboot device", "no-device"),
        ("expect each fleet sleeping", "unknown-state"),
    ],
    "messages": [
        ("expect Downlod on fleet within 1m", "unknown-message"),
        ("expect Download where speed == 3 on fleet within 1m", "unknown-field"),
        (f"expect GPV {V} = 3 on fleet within 1m", "no-values"),
        ("expect Reboot Device.A.B on fleet within 1m", "no-paths"),
        ("expect SPV Device.DeviceInfo.Nope on fleet within 1m", "unknown-path"),
    ],
    "claims": [
        ("expect Inform on fleet", "no-deadline"),
        ("expect no Inform on fleet within 1m", "no-length"),
        ("expect Inform on fleet for 1m", "wrong-clause"),
        ("always Inform on fleet\nwait 1s", "no-event"),
        ("never no Inform on fleet\nwait 1s", "no-event"),
        ("always each fleet online within 1m\nwait 1s", "wrong-clause"),
        ("expect Inform on fleet on side within 1m", "doubled"),
        ("wait until each fleet online", "no-deadline"),
        ("expect each fleet", "no-state"),
        ("repeat 2:\n    wait 1s\n    never Inform", "idle"),
        ("expect Inform on fleet within 8d", "past-limit"),
        ("expect Inform on fleet within 1m since nothing", "unknown-name"),
    ],
    "acts": [
        ("inject quirk transfer-falt(code: 9018) on fleet", "unknown-quirk"),
        ("inject quirk transfer-fault on fleet", "arguments"),
        ("inject quirk transfer-fault(code: 9018, speed: 3) on fleet", "arguments"),
        ("power-cycle fleet", "no-length"),
        ("set Device.NAT. = 3 on fleet", "not-one"),
        ("add Device.NAT.PortMapping on fleet", "not-object"),
        ("label k = 1", "misplaced"),
        ("answer nothing", "misplaced"),
        ("on every Inform of fleet:\n    answer nothing", "no-question"),
        ("on every SPV of fleet:\n    answer fault 8001", "bad-fault"),
        ("let x = 1\nlet x = 2\nnote x", "doubled-name"),
        ('fail "x"\nwait 1s', "unreachable"),
    ],
    "not there yet": [
        ('acs operate Device.IP.Diagnostics.IPPing(Host: "x") on fleet', "not-yet"),
        ("expect Notify on fleet within 1m", "not-yet"),
        ("expect each fleet subscribed within 1m", "not-yet"),
        ("inject fault loss(share: 10%) on fleet for 60s", "not-yet"),
        ("remove fault loss from fleet", "not-yet"),
        ("start telemetry on fleet", "not-yet"),
        ("stop telemetry on fleet", "not-yet"),
        ("spawn 1 of hg100 as x with:\n    protocol usp", "not-yet"),
        ('spawn 1 of hg100 as x with:\n    transport tls(client_cert: "gone.pem")', "missing-file"),
        ("spawn 1 of hg100 as x with:\n    transport nut(stun: true)", "unknown-transport"),
        ("spawn 1 of hg100 as x with:\n    transport nat(stun: 5)", "wrong-type"),
        ("spawn 1 of hg100 as x with:\n    transport nat(turn: true)", "arguments"),
        ("spawn 1 of hg100 as x with:\n    transport nat(true, 1m, false)", "arguments"),
        ("spawn 1 of hg100 as x with:\n    transport nat(true, stun: false)", "doubled"),
    ],
}


@pytest.mark.parametrize(
    ("rule", "text"), [(rule, text) for rule, texts in FINE.items() for text in texts], ids=lambda part: part[:60]
)
def test_what_the_page_allows_checks(rule: str, text: str) -> None:
    bag = told(text)
    assert not bag.failed, bag.render()


@pytest.mark.parametrize(("text", "code"), [row for rows in WRONG.values() for row in rows], ids=lambda part: part[:60])
def test_what_the_page_forbids_is_refused_by_name(text: str, code: str) -> None:
    bag = told(text)
    assert code in {item.code for item in bag if item.severity == "error"}, bag.render() or "nothing was said"


def test_a_file_finds_profiles_and_policies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("extends: default\n", encoding="utf-8")
    main = tmp_path / "main.cpes"
    main.write_text(f'policy "p.yaml"\n{BEFORE}{AFTER}', encoding="utf-8")
    program, bag = load(main, LAB)
    assert program is not None
    assert not bag.failed, bag.render()
    (case,), bag = program.cases()
    assert not bag.failed, bag.render()
    assert case.policy == str((tmp_path / "p.yaml").resolve())
