"""Documents that want to hurt: refused with a message, in bounded memory, without a crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpescript.device.profile import load_profile
from cpescript.device.yaml_nodes import MOST_OCTETS, MOST_PROBLEMS, compose
from tests.device.conftest import Load

BOMB = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BOMB, "yaml-size"),
        ("[" * 100_000, "yaml-depth"),
        ("{a: " * 100_000, "yaml-depth"),
        ("- " * 100_000, "yaml-depth"),
        ("parameters: &a [*a]\n", "yaml-alias"),
        ("parameters: *nobody\n", "yaml-alias"),
        ("a: [1, 2\nb: 3\n", "yaml-syntax"),
        ("a:\n\t- b\n", "yaml-syntax"),
        ("a: \x01\n", "yaml-syntax"),
        ("%YAML 9.9\n---\na: 1\n", "yaml-syntax"),
        ("[a, b]: 1\n", "wrong-type"),
        ("? {a: b}\n: 1\n", "wrong-type"),
        ("<<: 5\n", "wrong-type"),
        ("fleet: {count: 99999999999999999999999}\n", "not-an-integer"),
        ("fleet: {count: .inf}\n", "not-an-integer"),
        ("fleet: {count: " + "9" * 10_000 + "}\n", "not-an-integer"),
        ("fleet: {pools: {p: {type: ipv4, cidr: " + "1" * 10_000 + "/8}}}\n", "bad-pool"),
        ("eventSchedule: {bootDelay: " + "9" * 10_000 + "h}\n", "not-a-duration"),
    ],
)
def test_refused(load: Load, text: str, code: str) -> None:
    schema, bag = load(text)
    assert schema is None
    assert code in {item.code for item in bag}
    assert all(len(item.message) < 1000 for item in bag)


def test_endless_mistakes_are_not_listed_without_end(load: Load) -> None:
    _, bag = load("parameters:\n" + "  - {path: A..B, colour: red}\n" * 20_000)
    assert len(bag) == MOST_PROBLEMS + 1
    assert "too-many" in {item.code for item in bag}


def test_a_second_document_may_be_as_broken_as_it_likes(load: Load) -> None:
    schema, _ = load("parameters: []\n---\n[[[\x01")
    # A control character is refused where it stands in the part that the parser has to look at.
    assert schema is None or schema.leaves == {}
    assert load("parameters: []\n---\n]]] : : [")[0] is not None


def test_too_many_octets(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as stream:
        stream.truncate(MOST_OCTETS + 1)
    schema, bag = load_profile(path)
    assert schema is None
    assert [item.code for item in bag] == ["too-large"]


@pytest.mark.parametrize(
    ("octets", "code"),
    [(b"a: \xff\n", "not-utf-8"), ("a: 1".encode("utf-16"), "not-utf-8"), (b"\x00", "yaml-syntax")],
)
def test_no_text(tmp_path: Path, octets: bytes, code: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(octets)
    schema, bag = load_profile(path)
    assert schema is None
    assert [item.code for item in bag] == [code]


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(b"\xef\xbb\xbfparameters: [{path: A.B}]\n")
    assert load_profile(path)[0] is not None


def test_what_is_not_there_or_cannot_be_read(tmp_path: Path) -> None:
    assert [item.code for item in load_profile(tmp_path / "nope.yaml")[1]] == ["unreadable"]
    assert [item.code for item in load_profile(Path("a\0b"))[1]] == ["unreadable"]
    if os.geteuid():
        path = tmp_path / "closed.yaml"
        path.write_text("")
        path.chmod(0)
        assert [item.code for item in load_profile(path)[1]] == ["unreadable"]


def test_places_count_characters() -> None:
    node, _ = compose("é: [日, x]\n")
    assert node is not None
    item = node.items[1].items[1]
    assert (item.text, item.line, item.column, item.end_column) == ("x", 1, 8, 9)


def test_a_second_document_is_seen() -> None:
    assert compose("a: 1\n---\nb: 2\n")[1] == (2, 1)
    assert compose("---\na: 1\n...\n")[1] is None


WORDS = st.sampled_from(
    [
        *("parameters", "objects", "generators", "fleet", "pools", "x-cpescript", "path", "value", "type", "instances"),
        *("A.B", "A.{i}.B", "xsd:int", "1", "~", "&a", "*a", "<<", "!!int"),
        *("{", "}", "[", "]", ":", ",", "-", "|", "'", "\n", "  "),
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=30).map(" ".join)))
def test_anything_at_all_gives_a_schema_or_a_reason(load: Load, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    schema, bag = load(text)
    assert (schema is None) is bag.failed
    bag.render()
