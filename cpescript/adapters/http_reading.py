"""Reads the file that describes an ACS's north side as HTTP calls (`http_format`): every slip with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cpescript.acs.orders import VERBS
from cpescript.adapters.http_format import (
    METHODS,
    SECTIONS,
    VALUES,
    Call,
    Check,
    Description,
    Key,
    Login,
    Option,
    Sees,
    Step,
)
from cpescript.adapters.values import Condition, Template, TemplateProblem, names_of
from cpescript.device.yaml_nodes import MAPPING, SCALAR, SEQUENCE, Entry, Reader, Unreadable, YamlNode, compose
from cpescript.diagnostics import Bag, Span, did_you_mean
from cpescript.kernel.time import SECOND

MAX_OCTETS = 1 << 20
STEP_KEYS = SECTIONS["step"]
_STATUS = re.compile(r"[1-5][0-9][0-9]")


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

    def section(self, node: YamlNode, section: str, where: str, also: Sequence[Key] = ()) -> dict[str, Entry]:
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
            section = self.section(entry.value, "call", where, STEP_KEYS)
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
        found = self.section(node, "login", "login", STEP_KEYS)
        use = self.section(found["use"].value, "use", "login.use") if "use" in found else {}
        return Login(
            self.own_steps(node, found, "login"),
            self.tree_of(use, "headers", "login.use.headers"),
            self.tree_of(use, "query", "login.use.query"),
            self.statuses(found, "again_on", "login") or frozenset({401}),
        )

    def sees(self, node: YamlNode) -> Sees:
        found = self.section(node, "sees", "sees", STEP_KEYS)
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
        for key in STEP_KEYS:
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
            if item.kind is SCALAR and _STATUS.fullmatch(item.text):
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
