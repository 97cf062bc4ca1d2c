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


MORE = """
[acs.lab]
url = "http://192.0.2.7:7547/"
adapter = "mine.yaml"
north = "https://192.0.2.7:8443"
options = {user = "lab", token = {environment = "LAB_TOKEN"}}
username = "u"
password = "p4ssword"
tls_ca = "ca.pem"
tls_insecure = true
serial_prefix = "LAB-"
window = "250ms"
in_flight = 7
patience = "9s"
session_gap = "40ms"
keep = true
yes = false
[acs.portal]
adapter = "token_controller"
password = {environment = "NOT_SET"}
"""


def test_a_target_says_all_that_a_run_needs(tmp_path):
    (tmp_path / "cpescript.toml").write_text(MORE)
    for name in ("mine.yaml", "ca.pem"):
        (tmp_path / name).touch()
    found = with_target(options("lab", environment={"LAB_TOKEN": "t0ken"}), tmp_path)
    assert found.adapter == str(tmp_path / "mine.yaml")
    side = found.north_side
    assert (side.options, side.username, side.password) == ({"user": "lab", "token": "t0ken"}, "u", "p4ssword")
    assert (side.tls_ca, side.tls_insecure) == (tmp_path / "ca.pem", True)
    assert (found.serial_prefix, found.window_ns, found.in_flight) == ("LAB-", 250_000_000, 7)
    assert (found.patience_ns, found.session_gap_ns) == (9_000_000_000, 40_000_000)
    assert (found.keep, found.yes) == (True, False)
    assert set(found.secrets) == {"t0ken", "p4ssword"}


def test_the_command_line_is_stronger(tmp_path):
    (tmp_path / "cpescript.toml").write_text(MORE)
    for name in ("mine.yaml", "ca.pem"):
        (tmp_path / name).touch()
    times = {"window_ns": 5, "in_flight": 1, "patience_ns": 3, "session_gap_ns": 0}
    found = with_target(options("lab", environment={"LAB_TOKEN": "t"}, adapter="genieacs", **times), tmp_path)
    assert {name: getattr(found, name) for name in times} == times
    assert found.adapter == "genieacs"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('password = {environment = "NOBODY"}', "NOBODY is not set"),
        ('password = {env = "X"}', "is a text"),
        ("in_flight = 0", "whole number from 1"),
        ("keep = 1", "true or false"),
        ('window = "soon"', "is a duration"),
        ('tls_ca = "nowhere.pem"', "a file that there is not"),
        ('tls_key = "cpescript.toml"', "no tls_certificate"),
        ("options = 3", "a table of texts"),
        ("options = {a = 3}", "'options.a' of 'lab' is a text"),
    ],
)
def test_mistakes_in_a_target_are_told(tmp_path, line, message):
    (tmp_path / "cpescript.toml").write_text(f'[acs.lab]\nurl = "http://x/"\n{line}\n')
    with pytest.raises(ConfigError, match=message):
        with_target(options("lab"), tmp_path)


def test_a_system_without_a_url_takes_orders_only(tmp_path):
    (tmp_path / "cpescript.toml").write_text('[acs.portal]\nadapter = "token_controller"\n')
    with pytest.raises(ConfigError, match="has no url"):
        with_target(options("portal"), tmp_path)


def test_a_run_refuses_an_unknown_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no ACS is called 'nowhere'"):
        run(options("nowhere"))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("127.0.0.1:7547", "give http://127.0.0.1:7547/"),
        ("192.0.2.7", "give http://192.0.2.7/"),
        ("acs.example:80", "give http://acs.example:80/"),
        ("localhost", "give http://localhost/"),
        ("bal", "give a URL"),
        ("labb", "did you mean 'lab'?"),
    ],
)
def test_a_url_without_its_scheme_is_told_how_to_be_one(tmp_path, name, remedy):
    (tmp_path / "cpescript.toml").write_text('[acs.lab]\nurl = "http://x/"\n')
    with pytest.raises(ConfigError) as error:
        with_target(options(name), tmp_path)
    assert error.value.remedy.endswith(remedy)
