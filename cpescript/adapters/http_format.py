"""The file that describes an ACS's north side as HTTP calls: its sections, its keys, and what it comes to.

    name: Token controller
    url: "https://controller.example:8443"
    options:
      user: {environment: CONTROLLER_USER, default: lab}
      password: {environment: CONTROLLER_PASSWORD, secret: true}
    login:
      path: /api/login
      json: {user: "{{ options.user }}", password: "{{ options.password }}"}
      keep: {token: /access_token}
      use: {headers: {Authorization: "Bearer {{ login.token }}"}}
    device:
      id: "{{ oui }}-{{ serial }}"
    verbs:
      reboot: {path: "/api/devices/{{ id | segment }}/reboot"}
      set:
        path: "/api/devices/{{ id | segment }}/parameters"
        json: {values: "{{ settings }}"}
        expect: {status: [200, 202], where: body.state != "rejected"}
        reason: "{{ body.message }}"
    calls:
      wifi:
        inputs: [ssid]
        path: "/api/devices/{{ id | segment }}/wifi"
        json: {ssid: "{{ inputs.ssid }}"}
    sees:
      method: GET
      path: "/api/devices/{{ id | segment }}/parameters"
      value: "/{{ path | pointer }}/value"
      type: "/{{ path | pointer }}/type"

Rules:

1. A text is a template: what stands in `{{ }}` is worked out for each call. A text that is one expression and nothing
   else gives the expression's own value, so that `"{{ settings }}"` becomes a list.
2. A step is one HTTP call. Where a step may stand, a list of steps may, too; what one keeps, the next may use as
   `kept.NAME`. The last one's answer is that of the verb or call.
3. A step's answer is good when its status is expected (2xx, where `expect` says nothing) and its conditions hold. An
   order whose answer is not good was refused, and `reason` says why. Where the ACS cannot be reached, or the login is
   not good, the run ends in *error*.
4. The login is made before the first call, and again, once, when a call is answered by a status of `again_on`.
5. A device is found by `device: id`, a template of `oui`, `product_class` and `serial`; or by steps that keep an `id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cpescript.adapters.values import Condition, Template
from cpescript.diagnostics import Span

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


# --- what a file comes to ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """A value that a file leaves open: from the configuration, from the environment, else its default."""

    environment: str | None = None
    default: str | None = None
    secret: bool = False
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """When an answer is good. `status` empty: any 2xx."""

    status: frozenset[int] = frozenset()
    where: Condition | None = None
    equals: tuple[tuple[Template, Any], ...] = ()
    """Pairs of a JSON pointer into the body, and the value that must stand there."""


@dataclass(frozen=True, slots=True)
class Step:
    """One HTTP call."""

    span: Span
    method: str
    path: Template
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    has_json: bool = False
    form: Mapping[str, Any] | None = None
    body: Template | None = None
    expect: Check = field(default_factory=Check)
    reason: Template | None = None
    keep: Mapping[str, Template] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Login:
    """`headers` and `query` go with every call; `again_on` are the statuses that mean that it is over."""

    steps: tuple[Step, ...]
    headers: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    again_on: frozenset[int] = frozenset({401})


@dataclass(frozen=True, slots=True)
class Call:
    """What `acs call NAME(inputs)` does. An input with the default None must be given."""

    steps: tuple[Step, ...]
    inputs: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sees:
    """How the ACS's own view is read: steps, and where value and type of a path stand in the last answer: at a JSON
    pointer (`value`), or in the first group of a regular expression (`pattern`)."""

    steps: tuple[Step, ...]
    value: Template | None
    pattern: Template | None = None
    type: Template | None = None
    per_path: bool = False
    unknown_on: frozenset[int] = frozenset({404})


@dataclass(frozen=True, slots=True)
class Description:
    """A whole file."""

    name: str
    file: str
    url: Template | None
    options: Mapping[str, Option]
    headers: Mapping[str, Any]
    timeout: float
    """Real seconds."""
    device_id: Template | None
    find: tuple[Step, ...]
    login: Login | None
    verbs: Mapping[str, tuple[Step, ...]]
    calls: Mapping[str, Call]
    sees: Sees | None
    setup: tuple[Step, ...]
    teardown: tuple[Step, ...]


# --- the keys ---------------------------------------------------------------------------------------------------------


class Key(NamedTuple):
    """One key of a section: its name, what it means, whether it must be there."""

    name: str
    summary: str
    required: bool = False


_STEP = (
    Key("method", f"{', '.join(METHODS)} (`POST`; `GET` in `sees` and `find`)"),
    Key("path", "below `url`, beginning with a slash", required=True),
    Key("query", "names and values behind the `?`"),
    Key("headers", "headers of this call"),
    Key("json", "the body, as JSON"),
    Key("form", "the body, as a web form"),
    Key("body", "the body, as text; give its Content-Type in `headers`"),
    Key("expect", "when the answer is good (any status 2xx)"),
    Key("reason", "why it is not, from `status`, `body` and `headers` (the beginning of the answer)"),
    Key("keep", "names and JSON pointers into the answer: the next steps have them as `kept.NAME`"),
)

SECTIONS: Mapping[str, tuple[Key, ...]] = {
    "file": (
        Key("name", "what messages call this ACS (the file's name)"),
        Key("url", "where its north side is, a template of `options`; `--north` and the configuration are stronger"),
        Key("options", "values that the file leaves open, by name"),
        Key("headers", "headers of every call"),
        Key("timeout", "for one call, in real time (`30s`)"),
        Key("login", "what is done before the first call"),
        Key("device", "how a device is named there"),
        Key("verbs", "what `acs set`, `acs reboot`, … do, by verb"),
        Key("calls", "what `acs call NAME` does, by name"),
        Key("sees", "how `acs sees PATH` is asked"),
        Key("setup", "steps before each scenario"),
        Key("teardown", "steps after each scenario, whatever happened"),
    ),
    "option": (
        Key("environment", "the environment variable that has it"),
        Key("default", "where nobody says; without one it must be given"),
        Key("secret", "`true`: masked in every output"),
        Key("summary", "what it is"),
    ),
    "step": _STEP,
    "expect": (
        Key("status", "a status or a list of them"),
        Key("where", "an expression over `status`, `body` and `headers`"),
        Key("equals", "JSON pointers into the body and the values that must stand there"),
    ),
    "login": (
        Key("steps", "where one step is not enough; else the keys of a step stand here"),
        Key("use", "`headers` and `query` of every call after it, from `login.NAME` as kept"),
        Key("again_on", "a status or a list of them that mean: log in again (`401`)"),
    ),
    "use": (Key("headers", "headers of every call"), Key("query", "names and values behind the `?` of every call")),
    "device": (
        Key("id", "a template of `oui`, `product_class` and `serial`"),
        Key("find", "steps that keep an `id`, made once for each device"),
    ),
    "call": (
        Key("steps", "where one step is not enough; else the keys of a step stand here"),
        Key("inputs", "a list of names, or names with their defaults (null: must be given); used as `inputs.NAME`"),
    ),
    "sees": (
        Key("steps", "where one step is not enough; else the keys of a step stand here"),
        Key("value", "the JSON pointer of the value of `path` in the answer"),
        Key("pattern", "for an answer that is no JSON: a regular expression whose first group is the value of `path`"),
        Key("type", "the JSON pointer of its XSD type, where it tells one"),
        Key("per", "`device`: one call for all `paths` of a device (the default); `path`: one call for each `path`"),
        Key("unknown_on", "a status or a list of them that mean: not known there (`404`)"),
    ),
}
"""Every section of the file: its keys and what they mean. The reader and the reference page are made from it."""

TITLES: Mapping[str, str] = {
    "file": "The file",
    "option": "`options:` – by name",
    "step": "A step",
    "expect": "`expect:`",
    "login": "`login:`",
    "use": "`login: use:`",
    "device": "`device:`",
    "call": "`calls:` – by name",
    "sees": "`sees:`",
}

VALUES: Mapping[str, str] = {
    "options": "the file's options",
    "login": "what the login has kept",
    "kept": "what the steps before have kept",
    "oui": "the device's OUI",
    "product_class": "the device's product class, empty where it has none",
    "serial": "the device's serial number",
    "id": "the device as `device:` names it",
    "settings": "`acs set`: a list of {path, value, type}; the type is the one of the device's profile (`unsignedInt`)",
    "paths": "`acs get`, `acs sees`: a list of paths",
    "path": "`acs add`, `acs delete`: the object's path; `sees: value`: the parameter's",
    "firmware": "`acs download firmware`: the version, null otherwise",
    "file_type": "`acs download`, `acs upload`",
    "url": "`acs download`, `acs upload`; for a declared firmware, where it can be fetched",
    "inputs": "the inputs of a call",
    "status": "in `expect` and `reason`: the answer's status",
    "body": "in `expect` and `reason`: the answer, as JSON where it is JSON, else as text",
    "headers": "in `expect` and `reason`: the answer's headers, names in lower case",
}
"""The names that templates know."""


def adapter_reference() -> str:
    """Return the reference page of the file, in Markdown, made from the tables that the reader uses."""
    lines = (__doc__ or "").splitlines()
    example = [line[4:] for line in lines if line.startswith("    ")]
    while example and not example[0]:
        example.pop(0)
    rules = lines[lines.index("Rules:") + 2 :]
    page = [
        "# The adapter file",
        "",
        "Any ACS whose north side is HTTP can take a scenario's orders when a file says how: `--adapter FILE`, or",
        '`adapter = "FILE"` of a [named target](../how-to/real-acs.md). Two files ship, to be used or copied:',
        "`freeacs` and `token_controller`.",
        "",
        "```yaml",
        *example,
        "```",
        "",
        *rules,
        "",
    ]
    for section, keys in SECTIONS.items():
        page += [f"## {TITLES[section]}", "", "| key | means |", "| --- | --- |"]
        for key in keys:
            needed = ", required" if key.required else ""
            page.append(f"| `{key.name}`{needed} | {key.summary.replace('|', chr(92) + '|')} |")
        page.append("")
    page += ["## What templates know", "", "| name | is |", "| --- | --- |"]
    page += [f"| `{name}` | {summary} |" for name, summary in VALUES.items()]
    page += [
        "",
        "Filters: Jinja's `default`, `first`, `float`, `int`, `join`, `last`, `length`, `lower`, `replace`, `round`,",
        "`sort`, `tojson`, `trim`, `unique`, `upper`, `e`; and `segment` (a part of a path), `pointer` (a part of a",
        "JSON pointer), `regex` (a text as a regular expression finds it), `base64`.",
        "",
    ]
    return "\n".join(page)
