"""What went over the wire in a few small scenarios, as text: a `.trace` beside the file, rewritten like other goldens.

A line is a record: the virtual time, the device, the way, the kind, and for a local fact what became of it. Octets are
not shown: the protocol's own tests have them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import CORPUS
from test_corpus import compare

from cpescript.kernel.time import format_clock
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run

SHOWN = ("valid/smallest", "valid/page_reactions", "verdicts/never_until", "verdicts/a_defect_is_caught")
WAYS = {"to-acs": "->", "from-acs": "<-", "local": "  "}
FACTS = {"state": ("state", "on"), "SessionEnd": ("outcome",), "spawn": ("cohort", "index")}
"""Local facts that are shown, with what of them."""


def short(path: Path) -> Iterator[str]:
    """Yield the lines of a golden for a trace."""
    _, *records = path.read_text(encoding="utf-8").splitlines()
    for line in records:
        record = json.loads(line)
        if record["direction"] == "local" and record["kind"] not in FACTS:
            continue
        words = [record["kind"]]
        if record["direction"] == "local":
            words += [f"{name}={record['data'][name]}" for name in FACTS[record["kind"]]]
        elif "status" in record.get("http", {}):
            words.append(str(record["http"]["status"]))
        yield f"{format_clock(record['t'])}  {record['device']}  {WAYS[record['direction']]} {' '.join(words)}"


@pytest.mark.parametrize("name", SHOWN)
def test_the_trace_is_the_one_beside_the_file(name: str, tmp_path: Path) -> None:
    path = CORPUS / f"{name}.cpes"
    header = path.read_text(encoding="utf-8")
    defects = tuple(line.removeprefix("# defect: ") for line in header.splitlines() if line.startswith("# defect: "))
    run(RunOptions(scenarios=(str(path),), seed=42, defects=defects, trace=tmp_path / "trace.jsonl"))
    compare(path.with_suffix(".trace"), "\n".join(short(tmp_path / "trace.jsonl")) + "\n")
