"""`play(text)` makes a scripted world for a scenario; the test adds traffic and runs it."""

import textwrap

import pytest

from cpescript.language.catalogue import standard_catalogue
from cpescript.language.loader import load
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
