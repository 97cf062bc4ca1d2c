"""Any HTTP API by a file: what its keys do, mistakes with their place, and answers that are not good."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st

from cpescript import libraries
from cpescript.acs.orders import DeviceKey, Order, OrderResult
from cpescript.adapters.base import AdapterError, Setup
from cpescript.adapters.http_format import SECTIONS
from cpescript.adapters.http_reading import read_description
from cpescript.adapters.http_yaml import HttpAdapter, load_http_adapter
from cpescript.adapters.north import North
from cpescript.adapters.values import Condition, Template, TemplateProblem, look_up, pointer
from cpescript.diagnostics import Bag
from tests.adapters.serving import Here, served

KEY = DeviceKey("001122", "HG100", "A/1")
PEER = ConnectionKey("acs.example", 443, True, True, None, None, None)


def described(text: str) -> HttpAdapter:
    bag = Bag()
    description = read_description(textwrap.dedent(text), "lab.yaml", bag)
    assert description is not None, bag.render()
    return HttpAdapter(description)


def ready(text: str, here: Here, url: str, **more: Any) -> HttpAdapter:
    adapter = described(text)
    adapter.attach(here.run, here.spawn, url=url, **more)
    return adapter


def order(adapter: HttpAdapter, verb: str, device: DeviceKey | None = KEY, **arguments: Any) -> OrderResult:
    found: list[Any] = []
    adapter.submit([Order(verb, device, arguments)], found.append)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0][0]


class Api:
    """Remembers what it was asked; answers by a table of (method, path) to (status, body)."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw)
        except ValueError:
            body = raw.decode()
        line = f"{request.method} {request.raw_path}"
        self.asked.append((request.method, request.raw_path, body, dict(request.headers)))
        answer = self.answers.get(line, (200, {}))
        if callable(answer):
            answer = answer(request)
        status, value = answer
        if isinstance(value, str):
            return web.Response(text=value, status=status)
        return web.json_response(value, status=status)


DEVICE = 'device: {id: "{{ oui }}-{{ serial }}"}\n'


def test_an_order_is_a_call(here: Here) -> None:
    api = Api()
    text = DEVICE + textwrap.dedent("""
        headers: {X-Lab: "yes"}
        verbs:
          set:
            method: PUT
            path: "/d/{{ id | segment }}"
            query: {wait: 1}
            json: {values: "{{ settings }}", first: "{{ settings[0].path }} of {{ serial }}", deep: [true, 1, null]}
          get: {method: GET, path: "/d/{{ id | segment }}/{{ paths | join(',') }}"}
          download: {path: /f, form: {type: "{{ file_type }}", url: "{{ url }}"}}
          reboot: {path: /r, body: "<r>{{ serial | e }}</r>", headers: {Content-Type: text/xml}}
    """)
    with served(api) as url:
        adapter = ready(text, here, url)
        assert adapter.verbs == {"set", "get", "download", "reboot"}
        adapter.prepare(Setup(file_base_url="http://f.example/"))
        order(adapter, "set", settings=[["Device.A", "1", None], ["Device.B", "x", "string"]])
        order(adapter, "get", paths=["Device.A", "Device.B"])
        order(adapter, "download", firmware="2.1.0")
        order(adapter, "reboot")
        adapter.close()
    put, get, download, reboot = api.asked
    assert put[:2] == ("PUT", "/d/001122-A%2F1?wait=1")
    assert put[2] == {
        "values": [
            {"path": "Device.A", "value": "1", "type": "unsignedInt"},
            {"path": "Device.B", "value": "x", "type": "string"},
        ],
        "first": "Device.A of A/1",
        "deep": [True, 1, None],
    }
    assert put[3]["X-Lab"] == "yes"
    assert get[1] == "/d/001122-A%2F1/Device.A,Device.B"
    assert download[2] == "type=1+Firmware+Upgrade+Image&url=http%3A%2F%2Ff.example%2F2.1.0.bin"
    assert (reboot[2], reboot[3]["Content-Type"]) == ("<r>A/1</r>", "text/xml")


TOKEN = DEVICE + textwrap.dedent("""
    options: {user: lab, password: {environment: LAB_PASSWORD, secret: true}}
    login:
      path: /login
      json: {user: "{{ options.user }}", password: "{{ options.password }}"}
      keep: {token: /data/token}
      use: {headers: {Authorization: "Bearer {{ login.token }}"}}
    verbs: {reboot: {path: /reboot}}
    """)


def test_a_login_is_made_once_and_again_when_it_is_over(here: Here) -> None:
    api, tokens = Api(), iter("abc")
    good = ["Bearer a", "Bearer b"]
    api.answers["POST /login"] = lambda request: (200, {"data": {"token": next(tokens)}})
    api.answers["POST /reboot"] = lambda request: (200 if request.headers["Authorization"] in good else 401, {})
    with served(api) as url:
        adapter = ready(TOKEN, here, url, environment={"LAB_PASSWORD": "s3cret"})
        assert adapter.secrets == ["s3cret"]
        assert order(adapter, "reboot").accepted
        assert order(adapter, "reboot").accepted
        good.remove("Bearer a")
        assert order(adapter, "reboot").accepted
        good.clear()
        assert "401" in order(adapter, "reboot").reason, "one new login, no more"
        adapter.close()
    assert [line[1] for line in api.asked] == [
        "/login", "/reboot", "/reboot", "/reboot", "/login", "/reboot", "/reboot", "/login", "/reboot",
    ]  # fmt: skip
    assert api.asked[0][2] == {"user": "lab", "password": "s3cret"}
    assert adapter.secrets == ["s3cret", "a", "b", "c"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((403, {}), "the login was refused: .*403"),
        ((200, {"token": 1}), "no /data/token to keep"),
        ((200, "hi"), "no JSON"),
    ],
)
def test_a_login_that_is_not_good_is_an_error(answer: Any, why: str, here: Here) -> None:
    api = Api()
    api.answers["POST /login"] = answer
    with served(api) as url:
        adapter = ready(TOKEN, here, url, options={"password": "x"})
        with pytest.raises(AdapterError, match=why):
            order(adapter, "reboot")
        adapter.close()


def test_options_must_be_given(here: Here) -> None:
    adapter = described(TOKEN)
    with pytest.raises(AdapterError, match="'password' is not set: set LAB_PASSWORD"):
        adapter.attach(here.run, here.spawn, url="http://x/")
    with pytest.raises(AdapterError, match="no option 'usr'; it has user, password"):
        adapter.attach(here.run, here.spawn, url="http://x/", options={"usr": "x"})
    with pytest.raises(AdapterError, match="says no url"):
        adapter.attach(here.run, here.spawn, options={"password": "x"})


@pytest.mark.parametrize(
    ("expect", "answer", "reason"),
    [
        ("{}", (204, {}), ""),
        ("{}", (404, {"why": "gone"}), 'HTTP status 404 Not Found: {"why": "gone"}'),
        ("{status: 404}", (404, {}), ""),
        ("{status: [200, 202]}", (201, {}), "HTTP status 201 Created: {}"),
        ("{where: body.state != 'no'}", (200, {"state": "no"}), 'its condition does not hold: {"state": "no"}'),
        ("{where: body.state != 'no'}", (200, {"state": "yes"}), ""),
        ("{where: body.state == 'yes'}", (200, {}), "its condition does not hold: {}"),
        ("{equals: {/a/0: 1}}", (200, {"a": [1]}), ""),
        ("{equals: {/a/0: 1}}", (200, {"a": [2]}), '/a/0 is 2, not 1: {"a": [2]}'),
        ("{equals: {/b: '{{ serial }}'}}", (200, {"b": "A/1"}), ""),
        ("{equals: {/b: 1}}", (200, {}), "/b is not there: {}"),
    ],
)
def test_when_an_answer_is_good(expect: str, answer: Any, reason: str, here: Here) -> None:
    api = Api()
    api.answers["POST /r"] = answer
    with served(api) as url:
        adapter = ready(f"verbs: {{reboot: {{path: /r, expect: {expect}}}}}", here, url)
        result = order(adapter, "reboot")
        assert (result.accepted, result.reason) == (not reason, reason)
        adapter.close()


def test_the_file_says_why_an_order_was_refused(here: Here) -> None:
    api = Api()
    api.answers["POST /r"] = (409, {"message": "busy"})
    with served(api) as url:
        adapter = ready('verbs: {reboot: {path: /r, reason: "it is {{ body.message }}"}}', here, url)
        result = order(adapter, "reboot")
        assert (result.reason, result.data["status"]) == ("it is busy", 409)
        adapter.close()


def test_steps_calls_and_what_one_keeps_for_the_next(here: Here) -> None:
    api = Api()
    api.answers["POST /jobs"] = (201, {"id": 7})
    text = DEVICE + textwrap.dedent("""
        calls:
          wifi:
            inputs: {ssid: null, band: "5"}
            steps:
              - {path: /jobs, json: {ssid: "{{ inputs.ssid }}", band: "{{ inputs.band }}"}, keep: {job: /id}}
              - {method: GET, path: "/jobs/{{ kept.job }}"}
    """)
    with served(api) as url:
        adapter = ready(text, here, url)
        assert adapter.calls == {"wifi": ("ssid", "band")}
        assert order(adapter, "call", name="wifi", inputs={"ssid": "x"}).data["status"] == 200
        assert "the input 'ssid' is missing" in order(adapter, "call", name="wifi").reason
        assert "no input 'sid'" in order(adapter, "call", name="wifi", inputs={"sid": 1}).reason
        adapter.close()
    assert [line[:3] for line in api.asked] == [
        ("POST", "/jobs", {"ssid": "x", "band": "5"}), ("GET", "/jobs/7", ""),
    ]  # fmt: skip


def test_a_device_is_found_once(here: Here) -> None:
    api = Api()
    api.answers["GET /find?s=A%2F1"] = (200, {"items": [{"id": 42}]})
    text = """
        device: {find: {path: /find, query: {s: "{{ serial }}"}, keep: {id: /items/0/id}}}
        verbs: {reboot: {path: "/d/{{ id }}"}}
        setup: {path: /begin}
        teardown: {path: /end}
    """
    with served(api) as url:
        adapter = ready(text, here, url)
        adapter.prepare(Setup())
        order(adapter, "reboot")
        order(adapter, "reboot")
        adapter.close()
    assert [line[1] for line in api.asked] == ["/begin", "/find?s=A%2F1", "/d/42", "/d/42", "/end"]


@pytest.mark.parametrize(
    ("sees", "answers", "view"),
    [
        (
            '{path: /v, value: "/{{ path | pointer }}/v", type: "/{{ path | pointer }}/t"}',
            {"GET /v": (200, {"Device.A": {"v": 5, "t": "xsd:int"}, "Device.B": {"v": None}})},
            {"Device.A": ("5", "int"), "Device.B": None},
        ),
        (
            '{path: "/v/{{ path }}", value: /v, per: path}',
            {"GET /v/Device.A": (200, {"v": True}), "GET /v/Device.B": (404, {})},
            {"Device.A": ("true", ""), "Device.B": None},
        ),
        (
            "{path: /v, pattern: '<{{ path | regex }}>([^<]*)<'}",
            {"GET /v": (200, "<DeviceXA>no</><Device.A>a &amp; b</>")},
            {"Device.A": ("a & b", ""), "Device.B": None},
        ),
        ("{path: /v, value: /v}", {"GET /v": (404, {})}, {"Device.A": None, "Device.B": None}),
    ],
)
def test_what_the_acs_sees(sees: str, answers: Any, view: Any, here: Here) -> None:
    api = Api()
    api.answers = answers
    with served(api) as url:
        adapter = ready(f"sees: {sees}", here, url)
        assert adapter.beliefs
        found: list[Any] = []
        adapter.ask([KEY], ["Device.A", "Device.B"], found.append)
        assert found == [[view]]
        adapter.close()


@pytest.mark.parametrize(
    ("sees", "answers", "told"),
    [
        ("value: /items/0/val", [{"items": []}, {"items": []}],
         "lab.yaml looks at sees.value /items/0/val, and GET {url}/v was "
         'answered with status 200: {{"items": []}}'),
        ("pattern: 'val=(.*)'", [{"items": []}], "looks at sees.pattern val=(.*), and GET"),
        ("value: /items/0/val", [{"items": [{"val": 1}]}, {"items": []}], ""),
        ("value: /items/0/val", [{"items": []}, {"items": [{"val": 1}]}], ""),
    ],
)  # fmt: skip
def test_a_place_where_no_value_ever_stood_is_told(sees: str, answers: Any, told: str, here: Here) -> None:
    api = Api()
    remarks: list[str] = []
    with served(api) as url:
        adapter = ready(f"sees:\n  path: /v\n  {sees}", here, url, remarks=remarks)
        for answer in answers:
            api.answers = {"GET /v": (200, answer)}
            adapter.ask([KEY], ["Device.A"], lambda views: None)
        adapter.close()
    assert len(remarks) == bool(told)
    assert told.format(url=url) in "".join(remarks)


def test_who_is_not_there_is_told_by_host_and_port(here: Here) -> None:
    text = "verbs: {reboot: {path: /r}}"
    for url, proxy, why in (
        ("http://127.0.0.1:9", None, "POST http://127.0.0.1:9/r: no connection to 127.0.0.1:9: nobody listens there"),
        ("http://acs.example", "http://127.0.0.1:9", "no connection to the proxy 127.0.0.1:9: nobody listens there"),
    ):
        adapter = ready(text, here, url, proxy=proxy)
        with pytest.raises(AdapterError) as caught:
            order(adapter, "reboot")
        assert str(caught.value).endswith(why)
        adapter.close()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (aiohttp.ClientConnectorDNSError(PEER, OSError(-2, "Name unknown")), "acs.example:443: its name is not known"),
        (aiohttp.ClientConnectorError(PEER, OSError(113, "No route to host")), "acs.example:443: No route to host"),
        (aiohttp.ClientConnectorCertificateError(PEER, ValueError("it is too old")), "acs.example:443: it is too old"),
    ],
)
def test_why_there_was_no_connection(error: aiohttp.ClientConnectorError, why: str) -> None:
    assert North("https://acs.example")._nobody(error) == f"no connection to {why}"


def test_an_acs_that_cannot_be_asked(here: Here) -> None:
    adapter = ready("verbs: {reboot: {path: /r}}", here, "http://127.0.0.1:9")
    assert not adapter.beliefs
    with pytest.raises(AdapterError, match="add 'sees'"):
        adapter.ask([KEY], ["Device.A"], print)
    with pytest.raises(AdapterError, match=r"http://127\.0\.0\.1:9/r"):
        order(adapter, "reboot")
    adapter.close()


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "code", "message"),
    [
        ("naem: x", 1, "unknown-key", "did you mean 'name'"),
        ("verbs:\n  reboto: {path: /}", 2, "unknown-verb", "did you mean 'reboot'"),
        ("verbs:\n  call: {path: /}", 2, "unknown-verb", "anything else is a call"),
        ("verbs:\n  reboot: {pth: /}", 2, "unknown-key", "did you mean 'path'"),
        ("verbs:\n  reboot: {method: GET}", 2, "missing-key", "has no 'path'"),
        ("verbs:\n  reboot: {path: x}", 2, "bad-path", "begins with a slash"),
        ("verbs:\n  reboot: {path: /, method: POSTT}", 2, "unknown-method", "did you mean 'POST'"),
        ("verbs:\n  reboot:\n    path: /{{ seriel }}", 3, "unknown-name", "did you mean 'serial'"),
        ("verbs:\n  reboot:\n    path: '/{{ serial'", 3, "bad-template", "no template"),
        ("verbs:\n  reboot:\n    path: /{{ serial.__class__.mro }}{% include 'x' %}", 3, "bad-template", "include"),
        ("verbs:\n  reboot:\n    path: /{{ serial | segmnt }}", 3, "bad-template", "did you mean 'segment'?"),
        ("sees: {path: /, value: '{{ path | shout }}'}", 1, "bad-template", "filters: abs, base64, default"),
        ("verbs:\n  reboot: {path: /, json: 1, form: {a: b}}", 2, "two-bodies", "one body at most"),
        ("verbs:\n  reboot: {path: /, expect: {status: ok}}", 2, "not-a-status", "100 to 599"),
        ("verbs:\n  reboot: {path: /, expect: {status: ²}}", 2, "not-a-status", "100 to 599"),
        ("verbs:\n  reboot: {path: /, expect: {where: 'a b'}}", 2, "bad-template", "where"),
        ("verbs:\n  reboot: {path: /, expect: {equals: {a: 1}}}", 2, "bad-pointer", "write '/a'"),
        ("verbs:\n  reboot: []", 2, "no-steps", "has no steps"),
        ("calls:\n  a: {steps: [{path: /}], path: /}", 2, "step-and-steps", "belongs into one of"),
        ("calls:\n  a: {path: '/{{ id }}'}", 1, "missing-key", "say device"),
        ("sees: {path: /}", 1, "missing-key", "sees has no 'value'"),
        ("sees: {path: /, value: /, per: month}", 1, "unknown-word", "'device' or 'path'"),
        ("timeout: soon", 1, "not-a-duration", "timeout"),
        ("- a", 1, "wrong-type", "must be a mapping"),
        ("a: b\n---\nc: d", 2, "yaml-documents", "second document"),
        ("a: ]", 1, "yaml-syntax", "no YAML"),
        ("a: &a [*a]", 1, "yaml-alias", "inside itself"),
    ],
)
def test_a_mistake_has_its_place_and_a_remedy(text: str, line: int, code: str, message: str) -> None:
    bag = Bag()
    assert read_description(text, "lab.yaml", bag) is None
    assert [(item.span.line, item.code) for item in bag if item.code == code], bag.render()
    assert next(item.span.line for item in bag if item.code == code) == line
    assert message in bag.render()


def test_a_mistake_in_a_template_of_many_lines_says_in_which() -> None:
    bag = Bag()
    text = "verbs:\n  set:\n    path: /\n    body: |\n      [\n      {{ settings if }}\n      ]\n"
    assert read_description(text, "lab.yaml", bag) is None
    assert "line 2 of it" in bag.render()
    assert "introspection" not in bag.render()


def test_a_file_that_is_none(tmp_path: Path) -> None:
    assert "cannot be read" in load_http_adapter(tmp_path / "x.yaml")[1].render()
    (tmp_path / "b.yaml").write_bytes(b"\xff")
    assert "not UTF-8" in load_http_adapter(tmp_path / "b.yaml")[1].render()
    (tmp_path / "c.yaml").write_bytes(b"#" * (1 << 21))
    assert "larger than" in load_http_adapter(tmp_path / "c.yaml")[1].render()


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    bag = Bag()
    assert (read_description(text, "x.yaml", bag) is None) == bag.failed


@pytest.mark.parametrize("name", libraries.names("adapters"))
def test_the_files_that_ship_are_right(name: str) -> None:
    path = libraries.find("adapters", name)
    assert path is not None
    adapter, bag = load_http_adapter(path)
    assert adapter is not None, bag.render()
    assert {"set", "reboot", "factory-reset", "forget"} <= adapter.verbs
    assert adapter.beliefs


FREEACS = "http://xml.ws.freeacs.github.com/"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"


def freeacs(request: str) -> tuple[int, str]:
    """Answer as FreeACS's web service does: elements of its own namespace are read, and no others."""
    [asked] = ElementTree.fromstring(request).find(f"{SOAP}Body") or ()
    kind = asked.tag.removeprefix(f"{{{FREEACS}}}").removesuffix("Request")
    password = asked.findtext(f"{{{FREEACS}}}login/{{{FREEACS}}}password")
    id = asked.findtext(f".//{{{FREEACS}}}unitId")
    flags = asked.findtext(f".//{{{FREEACS}}}flags")
    if password != "p<" or id != "001122-HG100-A/1" or flags is not None:
        return 500, "<s:Envelope><s:Body><s:Fault><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>"
    item = "<ns2:item><ns2:name>Device.A</ns2:name><ns2:value>1</ns2:value><ns2:flags>U</ns2:flags></ns2:item>"
    inside = {"DeleteUnit": "<ns2:deleted>true</ns2:deleted>", "KickUnit": ""}.get(kind, item)
    return 200, f'<ns2:{kind}Response xmlns:ns2="{FREEACS}">{inside}</ns2:{kind}Response>'


def test_freeacs_gets_what_its_schema_wants(here: Here) -> None:
    path = libraries.find("adapters", "freeacs")
    assert path is not None
    adapter, _ = load_http_adapter(path)
    assert adapter is not None
    api = Api()
    api.answers["POST /ws"] = lambda request: freeacs(api.asked[-1][2])
    with served(api) as url:
        adapter.attach(here.run, here.spawn, url=url, options={"password": "p<", "unittype": "HG"})
        results = [
            order(adapter, "set", settings=[["Device.A", "a&b", None]]),
            order(adapter, "download", firmware="2.0"),
            *(order(adapter, verb) for verb in ("reboot", "factory-reset", "connect", "forget")),
        ]
        found: list[Any] = []
        adapter.ask([KEY], ["Device.A"], found.append)
        adapter.close()
    assert [result.accepted for result in results] == [True] * 6, results
    assert found == [[{"Device.A": ("1", "")}]]
    assert "<item><name>Device.A</name><value>a&amp;b</value></item>" in api.asked[0][2]


def test_every_key_is_explained() -> None:
    assert all(key.summary for keys in SECTIONS.values() for key in keys)


# --- templates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 100000000 }}",
        "{{ 9 ** 9999 }}",
        "{{ ''.__class__ }}{{ ''.__class__.__mro__ }}",
        "{% for a in x %}{% for b in x %}{{ a }}{% endfor %}{% endfor %}",
        "{{ missing }}",
        "{{ x.nothing.there }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_cannot_run_away(text: str) -> None:
    with pytest.raises(TemplateProblem):
        Template(text).text({"x": ["y" * 1000] * 2000})


@pytest.mark.parametrize("text", ["{% macro a() %}{% endmacro %}", "{% for a in b recursive %}{% endfor %}", "{{"])
def test_what_a_template_may_not_hold(text: str) -> None:
    with pytest.raises(TemplateProblem):
        Template(text)


def test_a_text_that_is_one_expression_gives_its_value() -> None:
    assert Template("{{ x }}").value({"x": [1]}) == [1]
    assert Template(" {{ x }} ").value({"x": [1]}) == [1]
    assert Template("a{{ x }}").value({"x": [1]}) == "a[1]"
    assert Template("{{ x }}{{ x }}").value({"x": 1}) == "11"
    with pytest.raises(TemplateProblem, match="'x' is undefined"):
        Template("{{ x }}").value({})


def test_a_condition_over_what_is_not_there_does_not_hold() -> None:
    assert not Condition("body.a.b == 1").holds({"body": {}})
    with pytest.raises(TemplateProblem):
        Condition("body.a +").holds({"body": {}})


@pytest.mark.parametrize("index", ["²", "01", "-1", "2", "9" * 5000, "x", ""])
def test_a_pointer_to_no_item_of_a_list_finds_nothing(index: str) -> None:
    assert look_up({"a": ["b", "c"]}, "/a/1") == "c"
    with pytest.raises(LookupError):
        look_up({"a": ["b", "c"]}, f"/a/{index}")


@given(st.dictionaries(st.text(), st.integers()))
def test_a_pointer_finds_any_key(value: dict[str, int]) -> None:
    assert all(look_up(value, f"/{pointer(key)}") == number for key, number in value.items())
