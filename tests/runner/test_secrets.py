"""No form of output tells a secret: each is made, and searched."""

import json

import pytest
from aiohttp import web

from cpescript.report import html, junit, terminal
from cpescript.report import json as document
from cpescript.runner.config import ConfigError, with_target
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from tests.adapters.serving import served

SECRET = "hunter2 & <more>"
TEXT = """
secret param key = "none"
secret param pin: int = 0
secret param words: list = []

scenario "leaks":
    spawn 1 of hg100 as fleet
    expect InformResponse on fleet within 1m
    note "the key is {key}, the pin {pin}, the words {words}"
    set Device.ManagementServer.Password = key on fleet
    acs set Device.ManagementServer.Username = key on fleet
    always Device.ManagementServer.Username == "x" on fleet until elapsed > 2h
    check Device.ManagementServer.Password == "other" on fleet
    expect Download where url == key on fleet within 5m
"""


class Watching:
    """An observer that keeps all it is told."""

    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        return lambda *arguments: self.told.append((name, arguments))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_secret_is_in_no_output(tmp_path, jobs):
    file = tmp_path / "leaks.cpes"
    # A second case, so that there is something to do side by side.
    file.write_text(TEXT + '\nscenario "other":\n    spawn 1 of hg100 as fleet\n    note "{key}"\n    wait 1m\n')
    params = {"key": SECRET, "pin": "4711", "words": '["first", "telltale"]'}
    trace, watching = tmp_path / "trace.jsonl", Watching()
    options = RunOptions(
        scenarios=(str(file),), params=params, seed=1, trace=trace, verbose=2, observer=watching, jobs=jobs
    )
    result = run(options)
    assert {"failed", "passed"} == {each.verdict for each in result.scenarios}
    outputs = {
        "terminal": terminal.render(result),
        "colour": terminal.render(result, colour=True),
        "junit": junit.render(result),
        "html": html.render(result),
        "json": document.render(result),
        "trace": trace.read_text(),
        "observer": repr(watching.told),
    }
    for name, text in outputs.items():
        for secret in ("hunter2", "&amp; &lt;more", "& <more>", "pin 4711", "telltale"):
            assert secret not in text, name
        assert "***" in text, name
    assert any(name == "message" for name, _ in watching.told)
    assert all(isinstance(json.loads(line), dict) for line in outputs["trace"].splitlines())


def test_a_short_secret_eats_no_keys_and_no_numbers(tmp_path):
    file = tmp_path / "short.cpes"
    file.write_text('secret param s = "t"\nsecret param n: int = 1\nspawn 1 of hg100 as fleet\n'
                    'note "{s} {n}"\nexpect InformResponse on fleet within 1m\n')  # fmt: skip
    traces = []
    for number, params in enumerate(({}, {"s": "other", "n": "77"})):
        trace = tmp_path / f"{number}.jsonl"
        run(RunOptions(scenarios=(str(file),), params=params, seed=1, trace=trace))
        traces.append([json.loads(line) for line in trace.read_text().splitlines()])
    assert [list(record) for record in traces[0]] == [list(record) for record in traces[1]]
    assert [record.get("t") for record in traces[0]] == [record.get("t") for record in traces[1]]
    assert [record.get("kind") for record in traces[0]] == [record.get("kind") for record in traces[1]]


def test_the_password_of_a_target_is_a_secret(tmp_path):
    file = tmp_path / "s.cpes"
    file.write_text("spawn 1 of hg100 as fleet\nexpect InformResponse on fleet within 1m\n")
    acs = "http://lab:opensesame@127.0.0.1:9/"
    result = run(RunOptions(scenarios=(str(file),), acs=acs, seed=1, patience_ns=0, rerun=f"--acs {acs}"))
    for text in (terminal.render(result), document.render(result), junit.render(result), html.render(result)):
        assert "opensesame" not in text
    assert "lab:***@" in result.scenarios[0].rerun


PROXIED = """
[acs.lab]
url = "http://127.0.0.1:9/"
adapter = "genieacs"
north = "http://127.0.0.1:9"
proxy = "http://lab:open%20sesame@{server}"

[acs.billing]
adapter = "genieacs"
north = "http://nbi:alsosecret@{server}"
password = {{environment = "BILLING"}}
"""


@pytest.mark.parametrize(
    ("acs", "begin", "secrets"),
    [("lab", "acs", "open%20sesame, open sesame"), ("embedded", "billing", "alsosecret, thirdsecret")],
    ids=["a proxy's", "another system's"],
)
def test_the_password_of_a_north_side_is_a_secret(tmp_path, monkeypatch, acs, begin, secrets):
    async def echo(request):
        # A north side that says too much.
        return web.json_response([]) if request.method == "GET" else web.Response(text=secrets)

    file, trace = tmp_path / "s.cpes", tmp_path / "trace.jsonl"
    other = "acs billing\n" if begin == "billing" else ""
    file.write_text(f'{other}{begin} call delete_preset(name: "x") as told\nnote "it says {{told.body}}"\n')
    monkeypatch.chdir(tmp_path)
    with served(echo) as url:
        (tmp_path / "cpescript.toml").write_text(PROXIED.format(server=url.removeprefix("http://")))
        given = RunOptions(scenarios=(str(file),), acs=acs, seed=1, trace=trace, environment={"BILLING": "thirdsecret"})
        result = run(with_target(given))
    assert result.scenarios[0].notes[0][1] == "it says ***, ***", result.scenarios[0].problems
    outputs = (terminal.render(result), document.render(result), junit.render(result), html.render(result))
    for output in (*outputs, trace.read_text()):
        assert not any(secret in output for secret in secrets.split(", ")), output


@pytest.mark.parametrize("line", ['passwrod = "opensesame"', 'pasword = {environment = "X"}', 'proxy = ["opensesame"]'])
def test_a_slip_in_the_configuration_shows_no_secret(tmp_path, line):
    (tmp_path / "cpescript.toml").write_text(f'[acs.lab]\nurl = "http://127.0.0.1:9/"\n{line}\n')
    with pytest.raises(ConfigError) as caught:
        with_target(RunOptions(scenarios=(), acs="lab", environment={"X": "opensesame"}), tmp_path)
    assert "opensesame" not in f"{caught.value.message} {caught.value.remedy}"


PORTAL = """
url: "{url}"
options: {{password: {{environment: LAB_PASSWORD, secret: true}}}}
login:
  path: /login
  json: {{password: "{{{{ options.password }}}}"}}
  keep: {{token: /token}}
  use: {{headers: {{Authorization: "Bearer {{{{ login.token }}}}"}}}}
calls:
  status: {{path: /status}}
"""


def test_the_token_of_a_login_is_a_secret_as_soon_as_there_is_one(tmp_path):
    async def echo(request):
        # An ACS that says too much: it repeats the token that it was shown.
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return web.json_response({"token": "tok-31415926" if request.path == "/login" else shown})

    file, trace, watching = tmp_path / "s.cpes", tmp_path / "trace.jsonl", Watching()
    file.write_text(
        'acs portal = "portal.yaml"\nspawn 1 of hg100 as cpe\nportal call status() as told\n'
        'note "it says {told.body.token}"\nexpect InformResponse on cpe within 1m\n'
    )
    with served(echo) as url:
        (tmp_path / "portal.yaml").write_text(PORTAL.format(url=url))
        options = RunOptions(
            scenarios=(str(file),),
            seed=1,
            trace=trace,
            verbose=2,
            observer=watching,
            environment={"LAB_PASSWORD": "opensesame"},
        )
        result = run(options)
    assert result.scenarios[0].verdict == "passed", result.scenarios[0].problems
    assert result.scenarios[0].notes[0][1] == "it says ***"
    for text in (terminal.render(result), document.render(result), trace.read_text(), repr(watching.told)):
        assert "tok-31415926" not in text
        assert "opensesame" not in text
    assert '"token": "***"' in trace.read_text() or '"token":"***"' in trace.read_text()
