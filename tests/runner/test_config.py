"""Targets by name."""

import pytest

from cpescript.runner.config import ConfigError, NamedTarget, targets, with_target
from cpescript.runner.options import RunOptions
from cpescript.runner.run import UsageError, run

FILE = """
[acs.staging]
url = "http://192.0.2.7:7547/"
adapter = "cpescript"
north = "http://192.0.2.7:7557"
[acs.plain]
url = "http://192.0.2.8/"
"""


def options(acs, **more):
    return RunOptions(scenarios=("bootstrap_provisioning",), acs=acs, **more)


def test_a_name_stands_for_what_the_nearest_file_says(tmp_path):
    (tmp_path / "cpescript.toml").write_text(FILE)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = with_target(options("staging"), inner)
    assert (found.acs, found.adapter, found.north) == (
        "http://192.0.2.7:7547/",
        "cpescript",
        "http://192.0.2.7:7557",
    )
    assert found.yes, "who wrote a target down means it"
    assert with_target(options("staging", north="http://x/"), inner).north == "http://x/"
    assert with_target(options("plain"), inner).adapter is None


def test_a_pyproject_serves_as_well(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.cpescript.acs.lab]\nurl = "http://192.0.2.9/"\n')
    assert targets(tmp_path) == {"lab": NamedTarget("http://192.0.2.9/")}


def test_urls_and_the_embedded_acs_need_no_file(tmp_path):
    for acs in ("embedded", "http://192.0.2.1/"):
        given = options(acs)
        assert with_target(given, tmp_path) is given
    assert not with_target(options("http://192.0.2.1/"), tmp_path).yes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE, "no ACS is called 'stagin'"),
        ("[acs.stagin]\n", "has no url"),
        ('[acs.stagin]\nurl = "http://x/"\nnoth = "y"\n', "'noth' says nothing"),
        ('[acs.stagin]\nurl = "http://x/"\nnorth = 3\n', "is a text"),
        ("[acs\n", "cpescript.toml"),
        ("acs = 3\n", "targets are tables"),
    ],
)
def test_mistakes_are_told(tmp_path, text, message):
    (tmp_path / "cpescript.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        with_target(options("stagin"), tmp_path)


def test_a_run_refuses_an_unknown_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no ACS is called 'nowhere'"):
        run(options("nowhere"))
