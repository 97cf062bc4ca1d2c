"""The JSON report: its exact text, its schema, and that the schema would notice a mistake."""

import copy
import json as standard_json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cpescript.report import json, schema
from cpescript.results import SCHEMA
from tests.report import samples

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


def violations(value: Any, rule: dict[str, Any], root: dict[str, Any], place: str = "$") -> list[str]:
    """Return where `value` breaks the schema: the part of JSON Schema that ours uses."""
    if "$ref" in rule:
        return violations(value, root["$defs"][rule["$ref"].rsplit("/", 1)[1]], root, place)
    if "anyOf" in rule:
        tries = [violations(value, one, root, place) for one in rule["anyOf"]]
        return [] if [] in tries else tries[0]
    if "const" in rule and value != rule["const"]:
        return [f"{place}: not {rule['const']!r}"]
    if "enum" in rule and value not in rule["enum"]:
        return [f"{place}: {value!r} is none of {rule['enum']}"]
    kinds = TYPES.get(rule.get("type", ""), (object,))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds and object not in kinds):
        return [f"{place}: not of type {rule['type']}"]
    found = []
    if isinstance(value, dict):
        known = rule.get("properties", {})
        found += [f"{place}: no {name}" for name in rule.get("required", ()) if name not in value]
        for name, item in value.items():
            more = rule.get("additionalProperties", {})
            if name not in known and more is False:
                found.append(f"{place}: {name} is unknown")
            else:
                found += violations(item, known.get(name) or more or {}, root, f"{place}.{name}")
    if isinstance(value, list):
        firsts = rule.get("prefixItems", ())
        if firsts and len(value) != len(firsts):
            found.append(f"{place}: {len(value)} items")
        for index, item in enumerate(value):
            one = firsts[index] if index < len(firsts) else rule.get("items") or {}
            found += violations(item, one, root, f"{place}[{index}]")
    return found


@pytest.fixture
def report() -> Any:
    return standard_json.loads(json.render(samples.RUN).encode("utf-8", "backslashreplace"))


def test_the_whole_report_reads_as_pinned(golden):
    golden("report.json", json.render(samples.RUN))


def test_it_says_its_schema_first(report):
    assert next(iter(report.items())) == ("schema", SCHEMA)


def test_the_report_is_valid(report):
    root = schema.document()
    assert violations(report, root, root) == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("schema",), "cpescript-report/0"),
        (("scenarios", 0, "verdict"), "fine"),
        (("scenarios", 0, "seed"), "42"),
        (("scenarios", 0, "tags"), "firmware"),
        (("scenarios", 1, "claims", 0, "span", "line"), 1.5),
        (("scenarios", 0, "notes", 0), [1]),
        (("scenarios", 2, "latencies", 0, "errors"), {"timeout": "two"}),
        (("interrupted",), None),
    ],
)
def test_the_schema_notices(report, path, wrong):
    root = schema.document()
    broken = copy.deepcopy(report)
    at = broken
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = wrong
    assert violations(broken, root, root)


def test_the_schema_notices_what_is_missing_and_what_is_too_much(report):
    root = schema.document()
    del report["scenarios"][0]["seed"]
    report["scenarios"][1]["colour"] = "red"
    assert violations(report, root, root) == ["$.scenarios[0]: no seed", "$.scenarios[1]: colour is unknown"]


def test_the_published_schema_is_the_models_own():
    assert PUBLISHED.read_text(encoding="utf-8") == schema.render()


def test_values_are_written_as_a_scenario_writes_them(report):
    assert report["scenarios"][0]["params"]["share"] == "10%"
    assert report["scenarios"][1]["params"]["pause"] == "15m"


def test_a_figure_without_a_value_is_no_bare_nan():
    scenario = replace(samples.PASSED, params={"rate": float("nan")})
    document = json.render(replace(samples.RUN, scenarios=(scenario,)))
    assert standard_json.loads(document, parse_constant=pytest.fail)["scenarios"][0]["params"] == {"rate": "nan"}
