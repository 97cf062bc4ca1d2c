"""The JUnit report: its exact text, and the shape that build servers expect."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cpescript.report import junit
from cpescript.results import RunResult
from tests.report import samples

REQUIRED = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"},
    "testcase": {"name", "classname", "time"},
    "property": {"name", "value"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
    "properties": set(),
    "system-out": set(),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "testcase": {"properties", "failure", "error", "skipped", "system-out"},
    "properties": {"property"},
}


def parsed(result: RunResult) -> etree._Element:
    return etree.fromstring(junit.render(result).encode("utf-8"))


def case(verdict: str) -> etree._Element:
    scenario = replace(samples.FAILED, verdict=verdict)
    found = parsed(replace(samples.RUN, scenarios=(scenario,))).find("testsuite/testcase")
    assert found is not None
    return found


def test_the_whole_report_reads_as_pinned(golden):
    golden("junit.xml", junit.render(samples.RUN))


def test_every_element_has_the_attributes_and_children_of_the_schema():
    for element in parsed(samples.RUN).iter():
        assert set(element.attrib) == REQUIRED[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())


def test_a_suites_figures_are_those_of_its_cases():
    root = parsed(samples.RUN)
    for element in (root, *root.iter("testsuite")):
        count = Counter(child.tag for one in element.iter("testcase") for child in one)
        assert int(element.get("tests")) == len(list(element.iter("testcase")))
        assert int(element.get("failures")) == count["failure"]
        assert int(element.get("errors")) == count["error"]
        assert int(element.get("skipped")) == count["skipped"]


@pytest.mark.parametrize(
    ("verdict", "element", "kind"),
    [
        ("passed", None, None),
        ("failed", "failure", "failed"),
        ("xpassed", "failure", "xpassed"),
        ("error", "error", "error"),
        ("inconclusive", "error", "inconclusive"),
        ("skipped", "skipped", None),
        ("xfailed", "skipped", None),
    ],
)
def test_failure_error_and_skip_are_kept_apart(verdict, element, kind):
    outcome = [child for child in case(verdict) if child.tag in ("failure", "error", "skipped")]
    assert [child.tag for child in outcome] == ([element] if element else [])
    assert [child.get("type") for child in outcome] == ([kind] if element else [])


def test_a_failure_holds_the_whole_explanation():
    text = case("failed").findtext("failure")
    assert "firmware_rollout.cpes:26:12" in text
    assert "TransferComplete 2.1.0 fault 0" in text
    assert text.endswith(f"run it again: {samples.FAILED.rerun}\n")


def test_a_case_has_what_repeats_it_as_properties():
    values = {one.get("name"): one.get("value") for one in case("failed").iter("property")}
    assert values["seed"] == "42"
    assert values["clock"] == "virtual"
    assert values["virtual_time"] == "04:06:00"
    assert values["acs"] == "embedded"
    assert values["param.pause"] == "15m"


@given(st.text(st.characters(codec=None)))
def test_any_text_of_a_device_makes_a_document_that_parses(text):
    miss = replace(samples.MISSES[0], actual=text, identity=text)
    claim = replace(samples.FAILED.claims[1], misses=(miss,), message=text)
    scenario = replace(
        samples.FAILED, title=text, file=text, reason=text, claims=(claim,), params={text: text}, rerun=text
    )
    root = parsed(replace(samples.RUN, scenarios=(scenario,)))
    assert root.find("testsuite/testcase").get("name") is not None


def test_what_xml_cannot_carry_is_written_as_an_escape():
    assert junit.clean("a\x00b\x1b\ud800\ufffe\tc\n") == "a\\x00b\\x1b\\ud800\\ufffe\tc\n"
