"""What a sentence needs of a value that only the run shows: read by what is needed, or refused with what came."""

import pytest

from cpescript.diagnostics import Span
from cpescript.kernel.time import Duration, Instant, Percent, Size, TimeOfDay, parse_duration
from cpescript.pattern import expression as x
from cpescript.pattern import values
from cpescript.pattern.evaluate import evaluate
from cpescript.pattern.functions import FUNCTIONS, NoValueError
from cpescript.pattern.kinds import Devices, OneDevice, fits, type_of
from cpescript.pattern.needs import READ_UP_TO, counted, devices, needed
from cpescript.pattern.relations import in_order, relation_of
from cpescript.pattern.scope import Capture, EvaluationError, Scope

HERE = Span("x.cpes", 1, 1, 1, 2)


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (True, "bool"), (1, "int"), (1.5, "float"), ("a", "text"), (None, "null"), ([], "list"), ((), "list"),
        ({}, "map"), (Duration(1), "duration"), (Size(1), "size"), (Instant(1), "instant"), (TimeOfDay(1), "time"),
        (Percent(1), "percent"), (Devices([1]), "devices"), (OneDevice(1), "devices"), (Capture(), "message"),
        (object(), "message"),
    ],
)  # fmt: skip
def test_every_value_has_a_type(value, type_):
    assert type_of(value) == type_


@pytest.mark.parametrize(
    ("text", "wanted", "value"),
    [
        ("true", "bool", True), ("false", "bool", False), ("30s", "duration", parse_duration("30s")),
        ("8MiB", "size", Size(8 << 20)), ("10%", "percent", Percent(10)), ("10%", "amount", Percent(10)),
        ("3", "amount", 3), ("-3", "int", -3), ("2.5", "float", 2.5), ("2", "float", 2.0),
        ("02:30", "time", TimeOfDay(9000 * 10**9)), ("1970-01-01T00:00:01Z", "instant", Instant(10**9)),
    ],
)  # fmt: skip
def test_a_text_is_read_as_what_is_needed(text, wanted, value):
    found = needed(text, wanted, HERE, "this")
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "wanted", "message", "remedy"),
    [
        ("no", "bool", 'this is true or false, and this is the text "no"', "as in true"),
        ("True", "bool", 'this is true or false, and this is the text "True"', "as in true"),
        ("1", "bool", 'this is true or false, and this is the text "1"', "as in true"),
        (1, "bool", "this is true or false, and this is a whole number, 1", "compare it, as in '… == 1'"),
        (None, "bool", "this is true or false, and this is null", "ask 'exists' before"),
        ([], "bool", "this is true or false, and this is a list, []", "ask 'is empty', or 'is not empty'"),
        (5, "duration", "this is a duration, and this is a whole number, 5", "give it a unit: … * 1s"),
        ("5", "duration", 'this is a duration, and this is the text "5"', "as in 5m"),
        ("1_000", "int", 'this is a whole number, and this is the text "1_000"', "as in 42"),
        ("nan", "float", 'this is a decimal number, and this is the text "nan"', "as in 0.5"),
        (True, "int", "this is a whole number, and this is true", ""),
        (Duration(5), "int", "this is a whole number, and this is a duration, 5ns", ""),
        (Devices([1]), "int", "this is a whole number, and this is devices", ""),
        (Capture(), "text", "this is a text, and this is a message", ""),
        (Capture(), "written", "this is a value, and this is a message", "name a part of it, as in 'kept.command_key'"),
        ([Capture()], "text", "this is a text, and this is a list, [a message]", ""),
    ],
)
def test_what_is_none_is_refused_with_what_came_and_what_to_do(value, wanted, message, remedy):
    with pytest.raises(EvaluationError) as caught:
        needed(value, wanted, HERE, "this")
    assert (caught.value.message, caught.value.remedy, caught.value.span) == (message, remedy, HERE)


def test_a_long_text_is_neither_read_nor_shown_whole():
    with pytest.raises(EvaluationError) as caught:
        needed("9" * (READ_UP_TO + 1), "int", HERE, "this")
    assert caught.value.message.count("9") == READ_UP_TO + 1
    with pytest.raises(EvaluationError) as caught:
        needed("9" * 100_000, "int", HERE, "this")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("wanted", ["int", "amount", "duration", "size"])
def test_of_what_is_counted_there_is_never_less_than_nothing(wanted):
    kind = {"duration": Duration, "size": Size}.get(wanted, int)
    assert counted(kind(0), wanted, HERE, "this") == 0
    with pytest.raises(EvaluationError, match="this cannot be less than nothing: -1"):
        counted(kind(-1), wanted, HERE, "this")


@pytest.mark.parametrize("value", [1, 0, -1, True, [1, 2], "1", None, Duration(1)])
def test_a_number_names_no_device(value):
    with pytest.raises(EvaluationError, match="'d' is devices, and this is"):
        devices(value, HERE, "d")
    assert devices(OneDevice(3), HERE, "d") == [3]
    assert devices(Devices([1, 2]), HERE, "d") == [1, 2]


def test_devices_are_a_list_to_whoever_counts_them():
    assert fits("devices", "list")
    assert not fits("list", "devices")


# --- compared --------------------------------------------------------------------------------------------------------

MINUTE = parse_duration("1m")


@pytest.mark.parametrize(
    ("operator", "left", "right", "holds"),
    [
        (">", MINUTE, "30s", True), ("<", MINUTE, "30s", False), (">", "2m", MINUTE, True),
        ("==", MINUTE, "60s", True), ("!=", "60s", MINUTE, False), ("==", MINUTE, "soon", False),
        ("==", MINUTE, "60000000000", False),
        ("<=", Size(1024), "1KiB", True), ("==", "1KiB", Size(1024), True),
        (">", Instant(10**9), "1970-01-01T00:00:00Z", True), ("<", TimeOfDay(0), "02:00", True),
        ("<", Percent(5), "10%", True), ("<", MINUTE, None, False), ("!=", MINUTE, None, True),
    ],
)  # fmt: skip
def test_a_text_is_read_by_what_stands_on_the_other_side(operator, left, right, holds):
    assert relation_of(HERE, operator)(left, right) is holds


@pytest.mark.parametrize(
    ("operator", "left", "right"),
    [
        (">", MINUTE, "soon"), (">", MINUTE, 30), ("==", MINUTE, 30), ("!=", 30, MINUTE), ("<", MINUTE, Size(1)),
        ("==", MINUTE, Instant(1)), ("<", 5, "ten"), ("<", True, MINUTE), ("<", Percent(5), "ten"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_no_quiet_no(operator, left, right):
    with pytest.raises(EvaluationError, match="cannot compare"):
        relation_of(HERE, operator)(left, right)


def test_a_word_that_a_device_has_is_neither_more_nor_less_than_a_number():
    for operator in ("<", "<=", ">", ">="):
        assert not in_order(HERE, operator, "some", 10, wire=True)


@pytest.mark.parametrize(("operator", "left", "right"), [("in", 1, 5), ("not in", 1, 5), ("contains", 5, 1)])
def test_a_number_holds_nothing(operator, left, right):
    with pytest.raises(EvaluationError, match="5 contains nothing"):
        relation_of(HERE, operator)(left, right)


def test_what_has_no_hash_is_no_key():
    assert not relation_of(HERE, "in")([1, 2], {"a": 1})
    assert relation_of(HERE, "not in")([1, 2], {"a": 1})


# --- worked out ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "whole", "product"),
    [(10, 5, 1), (10, 15, 2), (10, 25, 3), (10, 4, 0), (50, 3, 2), (29, 100, 29), (10, Duration(5), Duration(1))],
)
def test_a_share_of_something_whole_is_whole_and_rounded_half_up(share, whole, product):
    for found in (values.multiply(Percent(share), whole), values.multiply(whole, Percent(share))):
        assert (found, type(found)) == (product, type(whole))


def test_what_is_left_of_a_duration_is_a_duration():
    assert type(values.remainder(MINUTE, Duration(7))) is Duration
    assert values.remainder(17, 5) == 2


def test_a_list_off_the_wire_and_one_that_was_written_make_a_list():
    assert values.add(("a",), ["b"]) == ["a", "b"]


def test_what_has_no_hash_makes_no_map():
    key = x.ListNode(HERE, (x.Literal_(HERE, 1),))
    with pytest.raises(EvaluationError, match="what a map looks up by is a single value, and this is a list"):
        evaluate(x.MapNode(HERE, ((key, key),)), Scope(None))


@pytest.mark.parametrize("name", ["min", "max", "sum", "mean"])
def test_functions_go_over_what_goes_with_each_other(name):
    with pytest.raises(NoValueError, match="these values do not go with each other"):
        FUNCTIONS[name](5, MINUTE)
    assert FUNCTIONS[name](5, 1.5)
