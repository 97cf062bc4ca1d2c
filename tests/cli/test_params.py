"""Values for a scenario's parameters: what is typed stays what was typed."""

import click
import pytest

from cpescript.cli import params


@pytest.fixture
def file(tmp_path):
    def write(text: str):
        path = tmp_path / "params.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_plain_value_stays_the_text_it_is(file):
    text = "version: 2.10\nat: 02:00\nwait: 1h\nstart: 2026-01-01T00:00:00Z\nyes: no\nname: 'a b'\nsize: 010\n"
    assert params.from_file(file(text)) == {
        "version": "2.10",
        "at": "02:00",
        "wait": "1h",
        "start": "2026-01-01T00:00:00Z",
        "yes": "no",
        "name": "a b",
        "size": "010",
    }


def test_inside_lists_and_maps_numbers_are_numbers(file):
    text = "sizes: [1, 2.5, true, null, '3', 02:00, yes]\nlimits: {low: -1, high: x}\n"
    assert params.from_file(file(text)) == {
        "sizes": [1, 2.5, True, None, "3", "02:00", "yes"],
        "limits": {"low": -1, "high": "x"},
    }


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_gives_nothing(file, text):
    assert params.from_file(file(text)) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 5\n", ":1:1: parameters are lines of 'name: value'"),
        ("size: 5\nsize: 6\n", ":2:1: size is given twice"),
        ("size: [5\n", ":2:1: expected ',' or ']'"),
        ("a: &x [1]\nb: *x\n", ":2:4: an alias is of no use in parameters"),
        ("a: !!python/object:os.system 5\nb: [!!python/name:os.system x]\n", "could not determine a constructor"),
        ("a: " + "[" * 5000 + "\n", "nested too deeply"),
        ("a: " + "x" * params.MOST, "too large for parameters"),
        ("a: \x00\n", "special characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(file, text, message):
    path = file(text)
    with pytest.raises(click.ClickException) as raised:
        params.from_file(path)
    assert str(path) in raised.value.message
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["size=5", "size=6"], "--param size=***: 'size' is given twice, once is enough"),
        (["size"], "--param size: a param is given as NAME=VALUE, as in size=200"),
        (["=5"], "--param =***: a param is given as NAME=VALUE, as in size=200"),
    ],
)
def test_a_doubled_or_shapeless_param_is_a_usage_error(words, told):
    with pytest.raises(click.UsageError) as raised:
        params.given(words)
    assert raised.value.message == told
