"""`play(text)` makes a scripted world for a scenario; the test adds traffic and runs it. `simulated(text)` runs one
with devices and the embedded ACS."""

import json
import textwrap

import pytest

from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from tests.execution.scripted import ScriptedWorld


@pytest.fixture
def play(tmp_path):
    def make(text, **options):
        path = tmp_path / "case.cpes"
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        program, bag = load(path, standard_catalogue())
        assert not bag.failed, bag.render()
        assert program is not None
        cases, bag = program.cases()
        assert not bag.failed, bag.render()
        return ScriptedWorld(cases[0], **options)

    return make


@pytest.fixture
def simulated(tmp_path):
    """Run a scenario with devices and the embedded ACS; return its only result, and the trace's records."""

    def make(text, **options):
        path = tmp_path / "case.cpes"
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        trace = tmp_path / "trace.jsonl"
        run_result = run(RunOptions(scenarios=(str(path),), **{"seed": 1, "trace": trace, **options}))
        (result,) = run_result.scenarios
        return result, [json.loads(line) for line in trace.read_text().splitlines()[1:]]

    return make
