"""What expressions and targets come to, from text as an author writes it."""

from __future__ import annotations

import hashlib
import re
import textwrap
from types import SimpleNamespace

import pytest

from cpescript.diagnostics import Bag
from cpescript.kernel import draws
from cpescript.kernel.time import DEFAULT_START, HOUR, SECOND, Duration, Instant, Percent
from cpescript.language import timeline as tl
from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load_text
from cpescript.language.parser import Parser
from cpescript.pattern import expression as x
from cpescript.pattern.evaluate import (
    Capture,
    CompiledPattern,
    EvaluationError,
    Scope,
    compile_expression,
    concrete_path,
    evaluate,
    member,
    resolve,
    unconditional,
)
from cpescript.pattern.functions import percentile, share_of
from cpescript.pattern.kinds import Devices
from cpescript.pattern.message import fits

VERSION = "Device.DeviceInfo.SoftwareVersion"
CHANNEL = "Device.WiFi.Radio.1.Channel"
CODE = "Device.DeviceInfo.ProvisioningCode"
BEFORE = """\
spawn 5 of hg100 as fleet
spawn 2 of hg100 as side
"""


class Known:
    """Seven devices: `fleet` is 1 to 5, `side` 6 and 7; 1 and 2 run version 1.0, 3 has no such parameter."""

    def __init__(self):
        self.now = 90 * SECOND
        self.drawn = 0
        self.on = {1, 3, 6}
        self.values = {number: {VERSION: "2.0", CHANNEL: 10 + number} for number in range(1, 8)}
        self.values[1][VERSION] = self.values[2][VERSION] = "1.0"
        del self.values[3][VERSION]
        self.values[4][CODE] = ""

    def parameter(self, device, path):
        return self.values[device][path]

    def expand(self, device, parts, partial):
        return [path for path in self.values[device] if fits(parts, partial, path)]

    def in_state(self, device, state):
        return (device in self.on) is (state == "online")

    def attribute(self, device, name):
        if name == "now":
            return Instant(DEFAULT_START + self.now)
        return {
            "index": device if device <= 5 else device - 5,
            "serial": f"HG{device:04}",
            "label": {"region": "north" if device % 2 else "south"},
        }[name]

    def devices(self, cohort):
        return {None: range(1, 8), "fleet": range(1, 6), "side": range(6, 8)}[cohort]

    def count(self, pattern, scope):
        return 10 * len(pattern.kinds) + (scope.device or 0)

    def rate(self, pattern, window, scope):
        return window // SECOND

    def chance(self):
        self.drawn += 1
        return draws.stream(7, "test"), self.drawn


class Came:
    """A message."""

    def __init__(self, settings=None, paths=(), **fields):
        self.settings = settings or {}
        self.paths = tuple(paths) or tuple(self.settings)
        self.fields = fields

    def field(self, name):
        return self.fields[name]

    def type_of(self, path):
        return None


def steps(text):
    program, bag = load_text(textwrap.dedent(text).lstrip("\n"), "case.cpes", standard_catalogue())
    assert not bag.failed, bag.render()
    cases, bag = program.cases()
    assert not bag.failed, bag.render()
    return cases[0].body


HIDDEN = {
    "n": "let n = 7 if elapsed < 1h else 8\n",
    "nought": "let nought = 0 if elapsed < 1h else 1\n",
    "word": 'let word = "box" if elapsed < 1h else "x"\n',
    "open": 'let open = "(" if elapsed < 1h else "x"\n',
    "nothing": "let nothing = [] if elapsed < 1h else [1]\n",
}
"""Names whose values are not known before running, so that nothing is worked out by the checker."""
VALUES = {"n": 7, "nought": 0, "word": "box", "open": "(", "nothing": []}


def source(text):
    """Return a scenario with `let it = text`, and the lines that bind the names in it."""
    words = set(re.findall(r"\w+", text))
    before = "".join(line for name, line in HIDDEN.items() if name in words)
    return f'{BEFORE}{before}let it = {text}\nnote "{{it}}"\nexpect Inform on fleet within 1m\n'


def let(text):
    """Return the node of `let it = text`."""
    return next(step.value for step in steps(source(text)) if isinstance(step, tl.Let) and step.name == "it")


def worked_out(text, **names):
    return evaluate(let(text), Scope(Known(), {**VALUES, **names}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n + 1", 8),
        ("-n", -7),
        ("n % 4", 3),
        ("n * 10%", 1),
        ("not n == 7", False),
        ("n between 7 and 7", True),
        ("n between 8 and 9", False),
        ("n < 7 or n <= 7", True),
        ("n > 7 or n != 7", False),
        ("n in [1, 7]", True),
        ("n not in [1, 7]", False),
        ('"seven" if n == 7 else "other"', "seven"),
        ("[n, [n]]", [7, [7]]),
        ("{a: n}", {"a": 7}),
        ('"{n:03} {n}"', "007 7"),
        ("[] is empty", True),
        ("word is not empty", True),
        ('word matches "b.x"', True),
        ('word matches "b"', False),
        ('word contains "o"', True),
        ('word starts with "bo"', True),
        ('word ends with "bo"', False),
        ("upper(word)", "BOX"),
        ('lower("ABC{n}")', "abc7"),
        ("len(word)", 3),
        ("sha256(word)", hashlib.sha256(b"box").hexdigest()),
        ("min(n, 3) + max([n, 9])", 12),
        ("sum([n, 1, 2]) + mean(1, n)", 14),
        ("p50([n, 1, 3])", 3),
        ("count(fleet)", 5),
        ("count(all)", 7),
        ("elapsed", Duration(90 * SECOND)),
        ("now - elapsed", DEFAULT_START),
        ("elapsed + 30s", Duration(120 * SECOND)),
        ("elapsed < 1h and elapsed > 1m", True),
        ("count(Download)", 10),
        (f"{CHANNEL} of fleet[2]", 12),
        (f"{CHANNEL} of fleet[2..3]", [12, 13]),
        (f"{VERSION} of fleet[2..4]", ["1.0", None, "2.0"]),
        ("Device.WiFi.Radio.*.Channel of fleet[1]", [11]),
        ("Device.WiFi. of fleet[1]", [11]),
    ],
)
def test_values(text, expected):
    assert worked_out(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Device 3 has no such parameter, and what nobody has is not empty.
        (f"{VERSION} of fleet[3] is empty", False),
        (f"{VERSION} of fleet[3] is not empty", False),
        (f"{VERSION} of fleet[4] is empty", False),
        (f"{VERSION} of fleet[4] is not empty", True),
        (f"{CODE} of fleet[4] is empty", True),
        (f"{CODE} of fleet[4] is not empty", False),
        (f"{VERSION} of (fleet where online and offline) is empty", True),
        (f"{VERSION} of fleet is not empty", True),
        # What no instance has is an empty list.
        ("Device.WiFi.Radio.*.Name of fleet[4] is empty", True),
        ("Device.NAT. of fleet[4] is empty", True),
        ("Device.WiFi. of fleet[4] is empty", False),
        # Of several devices each must have it, or none.
        (f"{VERSION} of fleet[3] exists", False),
        (f"{VERSION} of fleet[4] exists", True),
        (f"{VERSION} of fleet[3] not exists", True),
        (f"{VERSION} of fleet exists", False),
        (f"{VERSION} of fleet not exists", False),
        (f"{VERSION} of side exists", True),
        (f"{VERSION} of (side where online and offline) exists", False),
    ],
)
def test_what_a_device_lacks_is_neither_empty_nor_there(text, expected):
    assert worked_out(text) is expected


RADIOS = "Device.WiFi.Radio.*.Channel"
NAMES = "Device.WiFi.Radio.*.Name"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{RADIOS} == 36", True),
        (f"{RADIOS} == 7", False),
        (f"7 == {RADIOS}", False),
        (f"{RADIOS} != 36", True),
        (f"{RADIOS} > 30", True),
        (f"{RADIOS} > 36", False),
        (f"{RADIOS} between 2 and 40", True),
        (f"{RADIOS} between 2 and 30", False),
        (f"{RADIOS} in [5, 36]", True),
        (f"{RADIOS} contains 36", True),
        (f"{RADIOS} contains 6", False),
        (f"36 in {RADIOS}", True),
        (f"36 not in {RADIOS}", False),
        (f"6 not in {RADIOS}", True),
        (f"{RADIOS} not in [1, 2]", True),
        (f"{RADIOS} not in [1, 36]", False),
        (f"{RADIOS} == true", True),
        (f"{RADIOS} == false", False),
        (f'{NAMES} == "attic"', True),
        (f'{NAMES} starts with "at"', True),
        (f'{NAMES} matches "c.*r"', True),
        (f'{NAMES} contains "ell"', True),
        (f'{NAMES} contains "hall"', False),
        ("Device.WiFi.Radio.*.Nothing == 36", False),
    ],
)
def test_a_parameter_of_any_instance_is_compared_instance_by_instance(text, expected):
    facts = Known()
    facts.values[1] = {CHANNEL: 1, "Device.WiFi.Radio.2.Channel": 36}
    facts.values[1] |= {"Device.WiFi.Radio.1.Name": "attic", "Device.WiFi.Radio.2.Name": "cellar"}
    node = Parser("it", Bag()).expression(text)
    assert evaluate(node, Scope(facts, device=1)) is expected


def test_a_list_is_no_truth_value():
    sides = [x.ListNode(None, ()), x.Literal_(None, True)]
    assert evaluate(x.Binary(None, "==", *sides), Scope(Known())) is False


def test_a_name_under_which_nothing_was_kept_does_not_exist():
    def exists(test="exists", device=None, **variables):
        return evaluate(x.Test(None, test, x.Name(None, "dl")), Scope(Known(), variables, device=device))

    kept = Capture(2)
    assert not exists()
    assert exists("not exists")
    assert not exists(dl=kept)
    kept.keep(1, 0, Came())
    assert exists(dl=kept)
    assert exists(dl=kept, device=1)
    assert not exists(dl=kept, device=2)
    kept.keep(2, 0, Came())
    assert exists(dl=kept), "of one of them"
    assert exists(dl=5)


def test_a_text_compares_as_a_number_with_a_number():
    def holds(operator, value, other):
        sides = [x.Literal_(None, value), x.Literal_(None, other)]
        return evaluate(x.Binary(None, operator, *sides), Scope(Known()))

    assert holds("<", "9", 10)
    assert holds(">=", 10, "9.5")
    assert not holds("<", None, 10)
    assert holds("<", "9", "10"), "cells of a table are texts, and compared as what they say"
    assert holds("<", "b10", "b9"), "two other texts compare as texts"
    with pytest.raises(EvaluationError, match='cannot compare "some" with 10'):
        holds("<", "some", 10)


def test_what_is_not_needed_is_not_worked_out():
    assert worked_out("nought == 0 or 1 / nought > 0") is True
    assert worked_out("nought != 0 and 1 / nought > 0") is False
    assert worked_out("1 if nought == 0 else 1 / nought") == 1


@pytest.mark.parametrize(
    ("text", "message", "underlined"),
    [
        ("1 / nought", "division by zero", "1 / nought"),
        ("2 + 3 % nought", "division by zero", "3 % nought"),
        ("max(nothing)", "max([]) has no value: ", "max(nothing)"),
        ("mean(nothing)", "mean([]) has no value: ", "mean(nothing)"),
        ("1 + pick(nothing)", "pick([]) has no value: nothing to pick from", "pick(nothing)"),
        ("random(1, nought)", "random(1, 0) has no value: the first is larger", "random(1, nought)"),
        ('"a" matches open', "not a regular expression: ", '"a" matches open'),
        ("fleet[n]", "there are 5 devices, counted from 1", "fleet[n]"),
        ("fleet[nought..2]", "there are 5 devices, counted from 1", "fleet[nought..2]"),
        ("fleet[3..n]", "there are 5 devices, counted from 1", "fleet[3..n]"),
        ("fleet[3..nought + 2]", "there are 5 devices, counted from 1", "fleet[3..nought + 2]"),
        ("n of fleet", "7 of 5 devices cannot be drawn", "n of fleet"),
    ],
)
def test_a_mistake_that_shows_only_now_names_its_place(text, message, underlined):
    node = let(text)
    find = resolve if isinstance(node, (x.Slice, x.Draw)) else evaluate
    with pytest.raises(EvaluationError) as caught:
        find(node, Scope(Known(), VALUES))
    assert caught.value.message.startswith(message)
    span = caught.value.span
    assert source(text).splitlines()[span.line - 1][span.column - 1 : span.end_column - 1] == underlined


def test_values_that_do_not_go_together_are_the_scenarios_mistake():
    span = let("elapsed").span
    one, listed = x.Literal_(span, 1), x.ListNode(span, ())
    for operator, message in [
        ("*", r"'\*' does not go with \[\] and \[\]"),
        ("-", "'-' does not go with"),
        ("<", r"cannot compare \[\] with 1"),
    ]:
        node = x.Binary(span, operator, listed, one if operator == "<" else listed)
        with pytest.raises(EvaluationError, match=message):
            evaluate(node, Scope(Known()))
    with pytest.raises(EvaluationError, match='"x" does not fit the format'):
        evaluate(x.Template(span, ((x.Literal_(span, "x"), "03d"),)), Scope(Known()))
    with pytest.raises(EvaluationError, match="\"x\" has no 'colour'"):
        evaluate(x.Attribute(span, x.Literal_(span, "x"), "colour"), Scope(Known()))


def test_a_name_without_a_value_and_a_device_where_none_is_in_question():
    span = let("elapsed").span
    for node, message in [
        (x.Name(span, "lost"), "'lost' has no value here"),
        (x.Cohort(span, "lost"), "'lost' has no value here"),
        (x.Device(span), "no device is in question here"),
        (x.Attribute(span, x.Device(span), "colour"), "no device is in question here"),
    ]:
        with pytest.raises(EvaluationError, match=message):
            evaluate(node, Scope(Known()))
    with pytest.raises(EvaluationError, match="a device has no 'colour'"):
        evaluate(x.Attribute(span, x.Device(span), "colour"), Scope(Known(), device=1))
    with pytest.raises(EvaluationError, match="no devices are called 'lost' yet"):
        resolve(x.Cohort(span, "lost"), Scope(Known()))
    with pytest.raises(EvaluationError, match="'lost' is devices, and this is the text"):
        resolve(x.Cohort(span, "lost"), Scope(Known(), {"lost": "text"}))


def test_names_are_looked_up_outwards():
    outer = Scope(Known(), {"a": 1, "b": 1})
    inner = outer.child(device=3)
    inner.variables["b"] = 2
    assert [inner.look_up(name) for name in "ab"] == [1, 2]
    assert outer.look_up("b") == 1
    assert inner.child().device == 3
    with pytest.raises(KeyError):
        inner.look_up("c")


def test_a_capture_is_each_devices_own():
    (step,) = (step for step in steps(
        f'{BEFORE}expect Download on each fleet within 1m as dl\nfor each d in fleet:\n    note "{{dl.url}}"\n'
    ) if isinstance(step, tl.ForEach))  # fmt: skip
    node, capture = step.body[0].text, Capture()
    scope = Scope(Known(), {"dl": capture})
    with pytest.raises(EvaluationError, match="nothing has been kept under that name yet"):
        evaluate(node, scope)
    capture.keep(2, SECOND, Came(url="two"))
    assert evaluate(node, scope) == "two", "the only one there is"
    capture.keep(3, SECOND, Came(url="three"))
    assert [evaluate(node, scope.child(device=number)) for number in (2, 3)] == ["two", "three"]
    with pytest.raises(EvaluationError, match="kept for more than one device"):
        evaluate(node, scope)
    with pytest.raises(EvaluationError, match="nothing has been kept under that name yet for this device"):
        evaluate(node, scope.child(device=4))
    capture.keep(2, 2 * SECOND, Came(url="again"))
    assert evaluate(node, scope.child(device=2)) == "again"


# --- targets ---------------------------------------------------------------------------------------------------------


def target(text, before=""):
    """Return the target of `reboot text`."""
    (step,) = (s for s in steps(f"{BEFORE}{before}reboot {text}\nexpect Inform on fleet within 1m\n")
               if isinstance(s, tl.Act))  # fmt: skip
    return step.target


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", [1, 2, 3, 4, 5, 6, 7]),
        ("side, fleet[2]", [2, 6, 7]),
        ("fleet[4..5], fleet[5]", [4, 5]),
        ("fleet[1..1]", [1]),
        ("fleet where online", [1, 3]),
        ("fleet where offline", [2, 4, 5]),
        (f'fleet where {VERSION} == "1.0"', [1, 2]),
        (f'fleet where {VERSION} != "1.0"', [3, 4, 5]),
        (f"fleet where {VERSION} exists", [1, 2, 4, 5]),
        (f"fleet where {VERSION} not exists", [3]),
        (f"fleet where {CHANNEL} between 12 and 13", [2, 3]),
        ('fleet where label.region == "north"', [1, 3, 5]),
        ("fleet except fleet[2..3]", [1, 4, 5]),
        ("all except (fleet where online), side[1]", [2, 4, 5, 6, 7]),
        ("(fleet, side) where online", [1, 3, 6]),
        ("fleet, side where online", [1, 2, 3, 4, 5, 6]),
        ("fleet[2..4] where online", [3]),
        ("(fleet where offline)[2]", [4]),
        ("100% of fleet", [1, 2, 3, 4, 5]),
        ("0 of fleet", []),
    ],
)
def test_targets(text, expected):
    assert resolve(target(text), Scope(Known())) == expected


def test_draws_are_by_the_seed_anew_each_time_and_in_order():
    node, facts = target("3 of fleet"), Known()
    drawn = [resolve(node, Scope(facts)) for _ in range(20)]
    assert facts.drawn == 20
    assert all(len(set(each)) == 3 and each == sorted(each) and set(each) <= set(range(1, 6)) for each in drawn)
    assert len({tuple(each) for each in drawn}) > 5
    again = Known()
    assert [resolve(node, Scope(again)) for _ in range(20)] == drawn
    assert set().union(*drawn) == {1, 2, 3, 4, 5}


def test_pick_and_random_draw_from_all_that_there_is():
    facts = Known()
    picked, thrown = let("pick([1, 2, 3])"), let("random(1, 3)")
    assert {evaluate(picked, Scope(facts)) for _ in range(60)} == {1, 2, 3}
    assert {evaluate(thrown, Scope(facts)) for _ in range(60)} == {1, 2, 3}
    paused = evaluate(let("random(1s, 2s)"), Scope(facts))
    assert isinstance(paused, Duration)
    assert SECOND <= paused <= 2 * SECOND
    assert 0.5 <= evaluate(let("random(0.5, 0.6)"), Scope(facts)) < 0.6


@pytest.mark.parametrize(
    ("amount", "whole", "expected"),
    [(10, 100, 10), (50, 5, 3), (50, 3, 2), (49, 5, 2), (1, 3, 1), (1, 0, 0), (100, 7, 7), (0.4, 100, 1)],
)
def test_a_share_is_rounded_half_up_and_at_least_one(amount, whole, expected):
    assert share_of(Percent(amount), whole) == expected
    assert share_of(2, whole) == 2


def test_membership_asks_its_where_anew_and_keeps_what_it_sliced():
    facts = Known()
    scope = Scope(facts)
    online = member(target("fleet where online"), scope)
    first = member(target("(fleet where online)[1], side"), scope)
    rest = member(target("all except (fleet where online)"), scope)
    odd = member(target("fleet[1], fleet[3], fleet[5]"), scope)
    assert [number for number in range(1, 8) if online(number)] == [1, 3]
    assert [number for number in range(1, 8) if rest(number)] == [2, 4, 5, 6, 7]
    facts.on = {2}
    assert [number for number in range(1, 8) if online(number)] == [2]
    assert [number for number in range(1, 8) if first(number)] == [1, 6, 7]
    assert [number for number in range(1, 8) if rest(number)] == [1, 3, 4, 5, 6, 7]
    assert [number for number in range(1, 8) if odd(number)] == [1, 3, 5]
    gaps = member(x.Cohort(None, "some"), Scope(facts, {"some": Devices([1, 4])}))
    assert [number for number in range(1, 8) if gaps(number)] == [1, 4]
    assert not member(x.Cohort(None, "none"), Scope(facts, {"none": Devices()}))(1)
    assert member(target("all"), scope)(99), "who is spawned later belongs to it too"


def test_without_its_conditions_a_target_is_all_that_it_could_come_to_mean():
    def possible(text):
        return resolve(unconditional(target(text)), Scope(Known()))

    assert possible("fleet where online") == [1, 2, 3, 4, 5]
    assert possible("fleet where online, side where offline") == [1, 2, 3, 4, 5, 6, 7]
    assert possible("(fleet where online) except fleet[1]") == [2, 3, 4, 5]
    assert possible("(fleet where online)[1..2]") == [1, 3], "a slice is fixed when its statement starts"


# --- message patterns ------------------------------------------------------------------------------------------------


def pattern(text, before=""):
    (step,) = (s for s in steps(f"{BEFORE}{before}expect {text} on fleet within 1m\n") if isinstance(s, tl.Expect))
    return step.claim.pattern


def test_a_pattern_says_which_of_its_settings_a_message_meets():
    interval, enable = "Device.ManagementServer.PeriodicInformInterval", "Device.ManagementServer.PeriodicInformEnable"
    compiled = CompiledPattern(pattern(f"SPV {interval} = 300, {enable}"), Scope(Known()))
    assert compiled.full == 3
    assert compiled.mask(1, Came({interval: "300"}), None) == 1
    assert compiled.mask(1, Came({interval: "301", enable: "0"}), None) == 2
    assert compiled.mask(1, Came({interval: "300", enable: "0"}), None) == 3
    assert compiled.mask(1, Came({"Device.X": "300"}), None) == 0
    assert compiled.mask(1, None, None) == 0


def test_a_where_is_asked_of_the_message_the_device_and_the_head():
    def met(text, message, device=1, http=None):
        head = SimpleNamespace(as_record=lambda: http) if http else None
        return CompiledPattern(pattern(text), Scope(Known())).mask(device, message, head) == 1

    assert met('Download where file_type starts with "1"', Came(file_type="1 Firmware Upgrade Image"))
    assert not met('Download where file_type starts with "1"', Came(file_type="3 Vendor Configuration File"))
    assert not met('Download where command_key == "k"', Came())
    assert met('Inform where events contains "1 BOOT"', Came(events=("0 BOOTSTRAP", "1 BOOT")))
    assert not met('Inform where events contains "2 PERIODIC"', Came(events=("1 BOOT",)))
    assert met("Download where url contains device.serial", Came(url="http://a/HG0002"), device=2)
    assert not met("Download where url contains device.serial", Came(url="http://a/HG0002"), device=3)
    assert met(f'Download where {VERSION} == "1.0"', Came(), device=2)
    assert not met(f'Download where {VERSION} == "1.0"', Came(), device=3)
    assert met("Response where http.status == 401", None, http={"status": 401})
    assert not met("Response where http.status == 401", None, http={"status": 200})
    assert not met("Response where http.status == 401", None)
    assert met(
        'Response where http.headers contains "set-cookie"',
        None,
        http={"status": 200, "headers": [("Set-Cookie", "a")]},
    )


def test_a_path_with_an_expression_in_it():
    before = "acs add Device.NAT.PortMapping. on fleet[1] as added\n"
    (step,) = (s for s in steps(
        f"{BEFORE}{before}acs delete Device.NAT.PortMapping.{{added.instance_number}}. on fleet[1]\n"
        "expect DeleteObject on fleet[1] within 1m\n"
    ) if isinstance(s, tl.Stimulus) and s.verb == "delete")  # fmt: skip
    path, capture = step.arguments["path"], Capture()
    capture.keep(1, 0, Came(instance_number=7))
    assert concrete_path(path, Scope(Known(), {"added": capture}, device=1)) == "Device.NAT.PortMapping.7."
    wild = x.PathPattern(path.span, ("Device", "WiFi", None), True)
    with pytest.raises(EvaluationError, match="one instance is needed here, not any"):
        concrete_path(wild, Scope(Known()))


@pytest.mark.parametrize(("share", "expected"), [(50, 2), (75, 3), (76, 4), (100, 4), (1, 1)])
def test_percentiles_are_by_nearest_rank(share, expected):
    assert percentile([4, 1, 3, 2], share) == expected


def test_an_expression_is_compiled_once_and_asked_often():
    function, facts = compile_expression(let(f"{CHANNEL} of fleet[1]")), Known()
    assert function(Scope(facts)) == 11
    facts.values[1][CHANNEL] = 40
    assert function(Scope(facts)) == 40


def test_a_rate_hands_its_length_of_time_on():
    (step,) = (s for s in steps(f"{BEFORE}wait 1m\ncheck rate(Download) <= 3 per 1h on fleet\n")
               if isinstance(s, tl.Expect))  # fmt: skip
    call = step.claim.expression.left
    assert evaluate(call, Scope(Known())) == HOUR // SECOND
