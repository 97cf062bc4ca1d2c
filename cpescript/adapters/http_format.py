"""The file that describes an ACS's north side as HTTP calls: its sections and keys, and how it is read.

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
from pathlib import Path
from typing import Any, NamedTuple

from cpescript.acs.orders import VERBS
from cpescript.adapters.values import Condition, Template, TemplateProblem, names_of
from cpescript.device.yaml_nodes import MAPPING, SCALAR, SEQUENCE, Entry, Reader, Unreadable, YamlNode, compose
from cpescript.diagnostics import Bag, Span, did_you_mean
from cpescript.kernel.time import SECOND

MAX_OCTETS = 1 << 20
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


# --- reading ----------------------------------------------------------------------------------------------------------


def read_description(text: str, file: str, bag: Bag) -> Description | None:
    """Return what a file's text says, None with errors in the bag."""
    bag.sources[file] = text
    try:
        root, second = compose(text)
    except Unreadable as problem:
        span = Span(file, problem.line, problem.column, problem.line, problem.column + 1)
        bag.error(span, problem.code, str(problem))
        return None
    reader = _Reader(file, bag)
    if root is None or root.kind is not MAPPING:
        bag.error(Span(file, 1, 1, 1, 2), "wrong-type", "the file must be a mapping", "see the page on adapters")
        return None
    if second is not None:
        bag.error(Span(file, *second, *second), "yaml-documents", "a second document begins here", "one file, one ACS")
    description = reader.file(root)
    return None if bag.failed else description


def load_description(path: Path) -> tuple[Description | None, Bag]:
    """Read a file; return what it says, None with errors in the bag. Never raises on bad input."""
    name, bag = str(path), Bag()
    whole = Span(name, 1, 1, 1, 2)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_OCTETS + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        bag.error(whole, "no-file", f"'{path}' cannot be read: {error.strerror or error}", "the path is relative "
                  "to the file that names it")  # fmt: skip
        return None, bag
    except UnicodeDecodeError as error:
        bag.error(whole, "bad-adapter", f"'{path}' is not UTF-8 at octet {error.start}", "write the file in UTF-8")
        return None, bag
    if len(raw) > MAX_OCTETS:
        bag.error(whole, "bad-adapter", f"'{path}' is larger than {MAX_OCTETS // 1024} KiB")
        return None, bag
    return read_description(text, name, bag), bag


class _Reader(Reader):
    """Reads the sections; every text becomes a template, every slip an error with its place."""

    def section(self, node: YamlNode, section: str, where: str, also: tuple[Key, ...] = ()) -> dict[str, Entry]:
        keys = (*SECTIONS[section], *also)
        found = self.mapping(node, where, {key.name: key for key in keys})
        for key in keys:
            if key.required and key.name not in found and not (key in also and "steps" in found):
                self.error(node, "missing-key", f"{where} has no '{key.name}'", key.summary)
        return found

    def file(self, root: YamlNode) -> Description:
        found = self.section(root, "file", "the file")
        options = {
            name: self.option(entry.value, f"options.{name}") for name, entry in self.sub(found, "options").items()
        }
        timeout = self.duration(found, "timeout", "", least=1)
        device = self.section(found["device"].value, "device", "device") if "device" in found else {}
        url = self.template(found, "url")
        calls = self.calls(found)
        if calls and not device and any("id" in names_of_steps(call.steps) for call in calls.values()):
            self.error(root, "missing-key", "calls name 'id', but the file has no 'device'", "say device: {id: …}")
        return Description(
            name=self.text(found, "name", "") or Path(self.source).stem,
            file=self.source,
            url=url,
            options=options,
            headers=self.tree_of(found, "headers", "headers"),
            timeout=(timeout if timeout is not None else 30 * SECOND) / SECOND,
            device_id=self.template(device, "id"),
            find=self.steps(device["find"].value, "device.find", "GET") if "find" in device else (),
            login=self.login(found["login"].value) if "login" in found else None,
            verbs=self.verbs(found),
            calls=calls,
            sees=self.sees(found["sees"].value) if "sees" in found else None,
            setup=self.steps(found["setup"].value, "setup") if "setup" in found else (),
            teardown=self.steps(found["teardown"].value, "teardown") if "teardown" in found else (),
        )

    def sub(self, found: Mapping[str, Entry], key: str) -> dict[str, Entry]:
        return self.mapping(found[key].value, key) if key in found else {}

    def option(self, node: YamlNode, where: str) -> Option:
        if node.kind is SCALAR:
            return Option(default=node.text)
        found = self.section(node, "option", where)
        return Option(
            self.text(found, "environment", where),
            self.text(found, "default", where),
            self.boolean(found, "secret", where) or False,
            self.text(found, "summary", where) or "",
        )

    def verbs(self, found: Mapping[str, Entry]) -> dict[str, tuple[Step, ...]]:
        verbs = {}
        for name, entry in self.sub(found, "verbs").items():
            if name not in VERBS or name == "call":
                known = sorted(VERBS - {"call"})
                remedy = did_you_mean(name, known, f"one of {', '.join(known)}; anything else is a call")
                self.error(entry.key, "unknown-verb", f"there is no verb 'acs {name}'", remedy)
            else:
                verbs[name] = self.steps(entry.value, f"verbs.{name}")
        return verbs

    def calls(self, found: Mapping[str, Entry]) -> dict[str, Call]:
        calls = {}
        for name, entry in self.sub(found, "calls").items():
            where = f"calls.{name}"
            inputs: dict[str, str | None] = {}
            section = self.section(entry.value, "call", where, _STEP)
            if "inputs" in section:
                node = section["inputs"].value
                if node.kind is SEQUENCE:
                    inputs = {item.text: None for item in node.items if self.of_kind(item, SCALAR, f"{where}.inputs")}
                elif self.of_kind(node, MAPPING, f"{where}.inputs"):
                    pairs = iter(node.items)
                    inputs = {
                        key.text: None if value.is_null else value.text
                        for key, value in zip(pairs, pairs, strict=True)
                        if self.of_kind(value, SCALAR, f"{where}.inputs.{key.text}")
                    }
            calls[name] = Call(self.own_steps(entry.value, section, where), inputs)
        return calls

    def login(self, node: YamlNode) -> Login:
        found = self.section(node, "login", "login", _STEP)
        use = self.section(found["use"].value, "use", "login.use") if "use" in found else {}
        return Login(
            self.own_steps(node, found, "login"),
            self.tree_of(use, "headers", "login.use.headers"),
            self.tree_of(use, "query", "login.use.query"),
            self.statuses(found, "again_on", "login") or frozenset({401}),
        )

    def sees(self, node: YamlNode) -> Sees:
        found = self.section(node, "sees", "sees", _STEP)
        steps = self.own_steps(node, found, "sees", "GET")
        value, pattern = self.template(found, "value"), self.template(found, "pattern")
        per = self.text(found, "per", "sees") or "device"
        if per not in ("device", "path"):
            self.error(found["per"].value, "unknown-word", f"sees.per is 'device' or 'path', not '{per}'")
        if (value is None) == (pattern is None):
            what = "sees has no 'value'" if value is None else "sees has 'value' and 'pattern'"
            self.error(node, "missing-key", what, "one of them says where the value of a path stands")
        unknown = self.statuses(found, "unknown_on", "sees") or frozenset({404})
        return Sees(steps, value, pattern, self.template(found, "type"), per == "path", unknown)

    # --- steps --------------------------------------------------------------------------------------------------------

    def own_steps(
        self, node: YamlNode, found: Mapping[str, Entry], where: str, method: str = "POST"
    ) -> tuple[Step, ...]:
        """The steps of a section that is a step itself, or has a list of them."""
        if "steps" not in found:
            return (self.step(node, found, where, method),)
        for key in _STEP:
            if key.name in found:
                self.error(found[key.name].key, "step-and-steps", f"{where}: '{key.name}' belongs into one of 'steps'")
        return self.steps(found["steps"].value, f"{where}.steps", method)

    def steps(self, node: YamlNode, where: str, method: str = "POST") -> tuple[Step, ...]:
        nodes = node.items if node.kind is SEQUENCE else [node]
        if not nodes:
            self.error(node, "no-steps", f"{where} has no steps")
        return tuple(self.step(each, self.section(each, "step", where), where, method) for each in nodes)

    def step(self, node: YamlNode, found: Mapping[str, Entry], where: str, method: str) -> Step:
        named = self.text(found, "method", where) or method
        if named not in METHODS:
            remedy = did_you_mean(named, METHODS, f"one of {', '.join(METHODS)}")
            self.error(found["method"].value, "unknown-method", f"{where}: there is no method '{named}'", remedy)
        bodies = [key for key in ("json", "form", "body") if key in found]
        if len(bodies) > 1:
            self.error(found[bodies[1]].key, "two-bodies", f"{where} has {' and '.join(bodies)}", "one body at most")
        path = self.template(found, "path")
        if "path" in found and not found["path"].value.text.startswith(("/", "{{")):
            self.error(found["path"].value, "bad-path", f"{where}: a path begins with a slash")
        return Step(
            span=self.span(node),
            method=named,
            path=path or Template("/"),
            query=self.tree_of(found, "query", f"{where}.query"),
            headers=self.tree_of(found, "headers", f"{where}.headers"),
            json=self.tree(found["json"].value) if "json" in found else None,
            has_json="json" in found,
            form=self.tree_of(found, "form", f"{where}.form") if "form" in found else None,
            body=self.template(found, "body"),
            expect=self.check(found["expect"].value, f"{where}.expect") if "expect" in found else Check(),
            reason=self.template(found, "reason"),
            keep=self.kept(found["keep"].value, f"{where}.keep") if "keep" in found else {},
        )

    def kept(self, node: YamlNode, where: str) -> dict[str, Template]:
        pointers = {name: self.text_template(entry.value) for name, entry in self.mapping(node, where).items()}
        return {name: pointer for name, pointer in pointers.items() if pointer is not None}

    def check(self, node: YamlNode, where: str) -> Check:
        found = self.section(node, "expect", where)
        condition = None
        if "where" in found:
            try:
                condition = Condition(found["where"].value.text)
                self.known(found["where"].value, condition.names)
            except TemplateProblem as problem:
                self.error(found["where"].value, "bad-template", f"{where}.where: {problem}", problem.remedy)
        equals = []
        for pointer, entry in (
            self.mapping(found["equals"].value, f"{where}.equals") if "equals" in found else {}
        ).items():
            if pointer and not pointer.startswith("/"):
                self.error(entry.key, "bad-pointer", f"'{pointer}' is no JSON pointer", f"write '/{pointer}'")
            equals.append((Template(pointer), self.tree(entry.value)))
        return Check(self.statuses(found, "status", where) or frozenset(), condition, tuple(equals))

    def statuses(self, found: Mapping[str, Entry], key: str, where: str) -> frozenset[int]:
        if key not in found:
            return frozenset()
        node = found[key].value
        statuses = set()
        for item in node.items if node.kind is SEQUENCE else [node]:
            if item.kind is SCALAR and item.text.isdigit() and 100 <= int(item.text) <= 599:
                statuses.add(int(item.text))
            else:
                self.error(item, "not-a-status", f"{where}.{key} takes HTTP statuses, 100 to 599")
        return frozenset(statuses)

    # --- templates ----------------------------------------------------------------------------------------------------

    def template(self, found: Mapping[str, Entry], key: str) -> Template | None:
        return self.text_template(found[key].value) if key in found else None

    def text_template(self, node: YamlNode) -> Template | None:
        if not self.of_kind(node, SCALAR, "a template"):
            return None
        try:
            template = Template(node.text)
        except TemplateProblem as problem:
            self.error(node, "bad-template", f"no template: {problem}", problem.remedy)
            return None
        self.known(node, template.names)
        return template

    def known(self, node: YamlNode, names: frozenset[str]) -> None:
        for name in sorted(names - set(VALUES)):
            remedy = did_you_mean(name, VALUES, f"known are {', '.join(VALUES)}")
            self.error(node, "unknown-name", f"a template knows no '{name}'", remedy)

    def tree_of(self, found: Mapping[str, Entry], key: str, where: str) -> dict[str, Any]:
        if key not in found:
            return {}
        return {name: self.tree(entry.value) for name, entry in self.mapping(found[key].value, where).items()}

    def tree(self, node: YamlNode) -> Any:
        """Return a node as JSON, its texts as templates."""
        if node.kind is MAPPING:
            return {name: self.tree(entry.value) for name, entry in self.mapping(node, "this mapping").items()}
        if node.kind is SEQUENCE:
            return [self.tree(item) for item in node.items]
        value = self.data(node)
        return self.text_template(node) if isinstance(value, str) else value


def names_of_steps(steps: tuple[Step, ...]) -> set[str]:
    """Return every name that the templates of steps need."""
    return {
        name
        for step in steps
        for tree in (step.path, step.query, step.headers, step.json, step.form, step.body)
        for name in names_of(tree)
    }


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
