"""The report for build servers: JUnit XML, a suite a file, a case a scenario case.

A failure is the ACS's doing, an error says nothing about the ACS; an inconclusive case is an error of the type
`inconclusive`, since build servers know no word for it and a skip would look like a pass. An expected failure is
skipped, an unexpected pass is a failure, as pytest writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from cpescript.kernel.time import format_clock
from cpescript.report.explain import evidence_lines, plain
from cpescript.results import RunResult, ScenarioResult, Verdict

_ELEMENT: dict[Verdict, str | None] = {
    "passed": None,
    "xfailed": "skipped",
    "skipped": "skipped",
    "failed": "failure",
    "xpassed": "failure",
    "inconclusive": "error",
    "error": "error",
}

# XML 1.0, 2.2 Char: everything but these may stand in a document.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """Return `text` with what XML cannot carry written as `\\x00`, `\\ud800`."""
    return _ILLEGAL.sub(lambda found: found[0].encode("unicode_escape", "backslashreplace").decode(), text)


def render(result: RunResult) -> str:
    """Return the report as an XML document."""
    root = etree.Element("testsuites", {"name": "cpescript", **_totals(result.scenarios, result.real_seconds)})
    files: dict[str, list[ScenarioResult]] = {}
    for scenario in result.scenarios:
        files.setdefault(scenario.file, []).append(scenario)
    for file, scenarios in files.items():
        seconds = sum(scenario.real_seconds for scenario in scenarios)
        suite = etree.SubElement(root, "testsuite", {"name": clean(file), **_totals(scenarios, seconds)})
        suite.set("timestamp", result.started[:19])
        suite.set("hostname", "localhost")
        _properties(suite, {"cpescript": result.version, "interrupted": str(result.interrupted).lower()})
        for scenario in scenarios:
            _case(suite, scenario)
    etree.indent(root)
    text = etree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _totals(scenarios: Sequence[ScenarioResult], seconds: float) -> dict[str, str]:
    elements = [_ELEMENT[scenario.verdict] for scenario in scenarios]
    return {
        "tests": str(len(elements)),
        "failures": str(elements.count("failure")),
        "errors": str(elements.count("error")),
        "skipped": str(elements.count("skipped")),
        "time": f"{seconds:.3f}",
    }


def _case(suite: etree._Element, scenario: ScenarioResult) -> None:
    case = etree.SubElement(suite, "testcase")
    case.set("name", clean(scenario.title))
    case.set("classname", clean(scenario.file.removesuffix(".cpes").replace("/", ".")))
    case.set("time", f"{scenario.real_seconds:.3f}")
    _properties(
        case,
        {
            "seed": str(scenario.seed),
            "clock": scenario.clock,
            "virtual_time": format_clock(scenario.virtual_ns),
            "acs": scenario.acs,
            "verdict": scenario.verdict,
            **{f"param.{name}": str(value) for name, value in scenario.params.items()},
            **({"defects": ", ".join(scenario.defects)} if scenario.defects else {}),
            **({"trace_sha256": scenario.trace_digest} if scenario.trace_digest else {}),
            "rerun": scenario.rerun,
        },
    )
    element = _ELEMENT[scenario.verdict]
    evidence = plain(evidence_lines(scenario)).strip("\n")
    if element is None:
        _text(case, "system-out", evidence)
        return
    outcome = etree.SubElement(case, element)
    outcome.set("message", clean(scenario.reason))
    if element != "skipped":
        # The schema gives `type` to failures and errors only.
        outcome.set("type", scenario.verdict)
        outcome.text = clean(f"{evidence}\nrun it again: {scenario.rerun}\n".lstrip("\n"))


def _properties(parent: etree._Element, values: dict[str, str]) -> None:
    properties = etree.SubElement(parent, "properties")
    for name, value in values.items():
        etree.SubElement(properties, "property", {"name": clean(name), "value": clean(value)})


def _text(parent: etree._Element, name: str, text: str) -> None:
    if text:
        etree.SubElement(parent, name).text = clean(text) + "\n"
