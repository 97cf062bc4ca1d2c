"""`play(text)` runs a scenario's cases against the embedded ACS."""

import textwrap

import pytest

from cpescript.runner.options import RunOptions
from cpescript.runner.run import run


@pytest.fixture
def play(tmp_path):
    def make(text, **options):
        path = tmp_path / "case.cpes"
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return run(RunOptions(scenarios=(str(path),), **{"seed": 1, **options}))

    return make
