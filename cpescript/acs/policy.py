"""Reads policy files (their format: `policy_format.py`): YAML, every mistake reported with its place and remedy.

The file is composed to nodes and never constructed, so a scalar is the text that stands there. What the reader expects
where is said by the tables of the format; a method of `_Reader` reads one kind of value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cpescript.acs.policy_format import SECTIONS
from cpescript.acs.rules import (
    COMPARISONS,
    DEFAULT_POLICY,
    DEVICE_NAMES,
    Action,
    Authentication,
    Campaign,
    Comparison,
    Condition,
    ConnectionRequests,
    Input,
    Policy,
    Rule,
    Window,
    placeholders,
)
from cpescript.acs.tasks import WINDOW_MODES
from cpescript.cwmp.events import CODES
from cpescript.diagnostics import Bag, Span, did_you_mean
from cpescript.kernel.time import HOUR, MINUTE, SECOND, Duration, TimeOfDay, parse_duration
from cpescript.regular import RegularError, regular

__all__ = ["DEFAULT_POLICY", "SECTIONS", "Policy", "load_policy", "read_policy", "value_type"]

MAX_OCTETS = 1 << 20
MAX_DEPTH = 30
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

TYPES = ("string", "int", "unsignedInt", "boolean", "dateTime", "base64")
_LOOKS = (
    (re.compile(r"true|false"), "boolean"),
    (re.compile(r"\d{1,10}"), "unsignedInt"),
    (re.compile(r"-\d{1,10}"), "int"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "dateTime"),
)


def value_type(text: str) -> str:
    """Return the xsd type (without prefix) that a value has by its look."""
    return next((name for look, name in _LOOKS if look.fullmatch(text)), "string")


_ACTION_VERBS = {
    "set": "set", "get": "get", "add_object": "add", "delete_object": "delete", "download": "download",
    "upload": "upload", "schedule_download": "schedule-download", "install": "install", "update": "update",
    "uninstall": "uninstall", "reboot": "reboot", "factory_reset": "factory-reset", "tag": "tag", "untag": "untag",
}  # fmt: skip
_SECTIONED = frozenset({"download", "upload", "schedule_download", "install", "update", "uninstall"})
"""Actions with a section of their own."""
_BARE = frozenset({"reboot", "factory_reset"})
_ARGUMENT = {"set": "settings", "get": "paths", "add": "path", "delete": "path", "tag": "tag", "untag": "tag"}

_PATH = re.compile(r"(?:\.|[A-Za-z_][\w-]*\.)(?:[\w{}:-]+\.)*(?:[\w{}:-]+)?")
_EVENTS = "'0 BOOTSTRAP' to '14 HEARTBEAT', 'M METHOD' or 'X OUI EVENT'"
_FREE_EVENT = re.compile(r"[MX] .+")
"""Events of methods and of vendors (TR-069 3.7.1.5)."""
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def load_policy(path: Path) -> tuple[Policy | None, Bag]:
    """Return the policy of a file and all that is wrong with it; None where anything is an error. Never raises."""
    try:
        with path.open("rb") as file:
            # Not by the size that is told: a device file tells none and never ends.
            octets = file.read(MAX_OCTETS + 1)
        if len(octets) > MAX_OCTETS:
            return None, _refusal(str(path), "too-large", "a policy file is at most 1 MiB")
        text = octets.decode("utf-8-sig")
    except OSError as error:
        return None, _refusal(str(path), "unreadable", f"cannot read the policy: {error.strerror}")
    except UnicodeDecodeError as error:
        return None, _refusal(str(path), "encoding", f"not UTF-8 at octet {error.start}", "save it as UTF-8")
    return read_policy(text, str(path), path.stem)


def read_policy(text: str, source: str, name: str = "policy") -> tuple[Policy | None, Bag]:
    """Return the policy that `text` spells, as `load_policy` does; `source` names it in diagnostics."""
    bag = Bag(sources={source: text})
    if len(text) > MAX_OCTETS:
        return None, _refusal(source, "too-large", "a policy file is at most 1 MiB")
    root = _compose(text, source, bag)
    if root is None:
        if not bag.failed:
            bag.error(Span(source, 1, 1, 1, 1), "empty", "the policy is empty", "begin with 'extends: default'")
        return None, bag
    policy = _Reader(source, bag).policy(root, name)
    return (None if bag.failed else policy), bag


def _refusal(source: str, code: str, message: str, remedy: str = "") -> Bag:
    bag = Bag()
    bag.error(Span(source, 1, 1, 1, 1), code, message, remedy)
    return bag


def _compose(text: str, source: str, bag: Bag) -> yaml.Node | None:
    """Return the file's one document as nodes, None where there is none or it is refused (then `bag` says why)."""
    depth = documents = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            span = _at(source, event.start_mark)
            if isinstance(event, yaml.AliasEvent):
                bag.error(span, "alias", "aliases are not taken in a policy", "write the value out")
                return None
            documents += isinstance(event, yaml.DocumentStartEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH or documents > 1:
                what = f"nested deeper than {MAX_DEPTH}" if depth > MAX_DEPTH else "more than one document"
                bag.error(span, "too-deep" if depth > MAX_DEPTH else "documents", what)
                return None
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        problem = (error.problem or error.context or "").partition(" but found")[0]
        at = _at(source, error.problem_mark or error.context_mark)
        line = text.split("\n")[at.line - 1] if at.line <= text.count("\n") + 1 else ""
        if line[at.column - 1 : at.column] == "\t":
            bag.error(at, "tab", "a tab stands where only spaces may", "indent with spaces")
        else:
            bag.error(at, "yaml", f"not well-formed YAML: {problem}")
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", None) or str(error).partition("\n")[0]
        bag.error(Span(source, 1, 1, 1, 1), "yaml", f"not well-formed YAML: {reason}")
    return None


def _at(source: str, mark: Any) -> Span:
    """The span of one character at a YAML mark; the file's beginning where there is no mark."""
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Span(source, line, column, line, column + 1)


Pairs = dict[str, tuple[yaml.Node, yaml.Node]]


class _Reader:
    """Turns nodes into rules. A method returns None for what it has reported; a file with an error is not used."""

    def __init__(self, source: str, bag: Bag) -> None:
        self._source = source
        self._bag = bag
        self._names: tuple[str, ...] = DEVICE_NAMES

    # --- plumbing ----------------------------------------------------------------------------------------------------

    def _error(self, node: yaml.Node, code: str, message: str, remedy: str = "") -> None:
        start, end = node.start_mark, node.end_mark
        if end.line != start.line or end.column <= start.column:
            # A block ends where the next begins: underline its first word only.
            span = Span(self._source, start.line + 1, start.column + 1, start.line + 1, start.column + 2)
        else:
            span = Span(self._source, start.line + 1, start.column + 1, end.line + 1, end.column + 1)
        self._bag.error(span, code, message, remedy)

    def _pairs(self, node: yaml.Node, what: str) -> Pairs | None:
        """Return a mapping's entries by key, reporting keys that are no text or come twice."""
        if not isinstance(node, yaml.MappingNode):
            self._error(node, "shape", f"{what} is a mapping", "write 'key: value' lines")
            return None
        pairs: Pairs = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._error(key, "key", "a key is a plain word")
            elif key.value in pairs:
                self._error(key, "duplicate-key", f"'{key.value}' stands here twice", "keep one of them")
            else:
                pairs[key.value] = (key, value)
        return pairs

    def _section(self, node: yaml.Node, section: str) -> dict[str, Any] | None:
        """Return a section's values by key as its table says; absent keys are absent."""
        pairs = self._pairs(node, f"{'an' if section[0] in 'aeiou' else 'a'} {section.replace('_', ' ')}")
        if pairs is None:
            return None
        keys = {key.name: key for key in SECTIONS[section]}
        values: dict[str, Any] = {}
        for name, (key_node, value_node) in pairs.items():
            key = keys.get(name)
            if key is None:
                known = "one of " + ", ".join(keys)
                self._error(key_node, "unknown-key", f"no key '{name}' here", did_you_mean(name, keys, known))
                continue
            values[name] = getattr(self, key.reader)(value_node)
        for name, key in keys.items():
            if key.required and name not in pairs:
                self._error(node, "missing-key", f"'{name}' is missing", key.summary)
                values[name] = None
        return values

    def _items(self, node: yaml.Node) -> Iterator[yaml.Node]:
        """The items of a list, or the node itself where one stands for a list of one."""
        if isinstance(node, yaml.SequenceNode):
            yield from node.value
        else:
            yield node

    def _word(self, node: yaml.Node, code: str, words: tuple[str, ...]) -> str | None:
        text = self.text(node)
        if text is not None and text not in words:
            self._error(node, code, f"'{text}' is none of {', '.join(words)}", did_you_mean(text, words))
            return None
        return text

    # --- scalars -----------------------------------------------------------------------------------------------------

    def text(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._error(node, "shape", "one value is expected here")
            return None
        text = str(node.value)
        if any(ord(char) < 32 and char not in "\t\n\r" for char in text):
            self._error(node, "character", "a control character that XML cannot carry")
            return None
        try:
            unknown = [name for name in placeholders(text) if name not in self._names]
        except ValueError as error:
            self._error(node, "brace", str(error), "write '{{' or '}}'")
            return None
        for name in unknown:
            remedy = did_you_mean(name, self._names, "one of " + ", ".join(self._names))
            self._error(node, "unknown-name", f"nothing is called '{name}' here", remedy)
        return None if unknown else text

    def texts(self, node: yaml.Node) -> tuple[str, ...]:
        return tuple(text for item in self._items(node) if (text := self.text(item)) is not None)

    def events(self, node: yaml.Node) -> tuple[str, ...]:
        return tuple(code for item in self._items(node) if (code := self._event(item)) is not None)

    def _event(self, node: yaml.Node) -> str | None:
        code = self.text(node)
        if code is None or code in CODES or _FREE_EVENT.fullmatch(code):
            return code
        # The number or the words alone are meant as the whole.
        meant = next((known for known in CODES if code.upper() in known.upper().split(" ", 1)), "")
        remedy = f"did you mean '{meant}'?" if meant else did_you_mean(code, CODES, _EVENTS)
        self._error(node, "unknown-event", f"'{code}' is no event code", remedy)
        return None

    def key32(self, node: yaml.Node) -> str | None:
        text = self.text(node)
        if text is not None and len(text) > 32:
            self._error(node, "too-long", "a ParameterKey has at most 32 characters")
            return None
        return text

    def url(self, node: yaml.Node) -> str | None:
        text = self.text(node)
        # One that begins with a name may be a whole URL that is filled in.
        if text is not None and (len(text) > 256 or ("://" not in text and not text.startswith("{"))):
            self._error(node, "url", "a URL with its scheme, at most 256 characters, is expected")
            return None
        return text

    def number(self, node: yaml.Node) -> int | None:
        text = self.text(node)
        if text is not None and re.fullmatch(r"\d{1,9}", text) is None:
            self._error(node, "number", f"'{text}' is not a whole number")
            return None
        return None if text is None else int(text)

    def count(self, node: yaml.Node) -> int | None:
        number = self.number(node)
        if number == 0:
            self._error(node, "number", "at least 1 is expected")
            return None
        return number

    def duration(self, node: yaml.Node) -> Duration | None:
        text = self.text(node)
        if text is None:
            return None
        try:
            return parse_duration(text)
        except ValueError:
            remedy = f"write '{text}s' or '{text}m'" if text.isdigit() else "such as 30s, 10m, 1h30m"
            self._error(node, "duration", f"'{text}' is not a duration", remedy)
            return None

    def idle(self, node: yaml.Node) -> Duration | None:
        duration = self.duration(node)
        if duration is not None and duration < 30 * SECOND:
            self._error(node, "idle", "an ACS waits at least 30s for a device (TR-069 3.7.2.4)", "write 30s or more")
            return None
        return duration

    def pattern(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            return self.text(node)
        try:
            regular(node.value)
        except RegularError as error:
            self._error(node, "pattern", f"not a regular expression: {error.cause}", error.remedy)
            return None
        return str(node.value)

    def path(self, node: yaml.Node) -> str | None:
        text = self.text(node)
        if text is not None and (len(text) > 256 or _PATH.fullmatch(text) is None):
            self._error(node, "path", f"'{text[:80]}' is not a parameter path", "such as .DeviceInfo.SoftwareVersion")
            return None
        return text

    def object_path(self, node: yaml.Node) -> str | None:
        text = self.path(node)
        if text is not None and not text.endswith("."):
            self._error(node, "path", f"'{text}' names no object", f"write '{text}.'")
            return None
        return text

    def paths(self, node: yaml.Node) -> tuple[str, ...]:
        return tuple(path for item in self._items(node) if (path := self.path(item)) is not None)

    def nothing(self, node: yaml.Node) -> None:
        if not isinstance(node, yaml.ScalarNode) or node.value not in ("", "~", "null"):
            self._error(node, "shape", "nothing is expected here")

    def extends(self, node: yaml.Node) -> str | None:
        return self._word(node, "unknown-policy", ("default",))

    def repeat(self, node: yaml.Node) -> str | None:
        return self._word(node, "repeat", ("every", "first"))

    def changed(self, node: yaml.Node) -> str | None:
        return self._word(node, "parameter-key", ("changed",))

    def scheme(self, node: yaml.Node) -> str | None:
        return self._word(node, "scheme", ("none", "basic", "digest"))

    def input_type(self, node: yaml.Node) -> str | None:
        return self._word(node, "input-type", ("text", "int", "bool"))

    def verify(self, node: yaml.Node) -> str | None:
        text = self.path(node) if getattr(node, "value", None) != "none" else ""
        if text and text.endswith("."):
            self._error(node, "path", "one parameter is expected here", "name it in full")
        return text

    # --- sections ----------------------------------------------------------------------------------------------------

    def settings(self, node: yaml.Node) -> tuple[tuple[str, str, str], ...]:
        settings = []
        for key, value in (self._pairs(node, "'set'") or {}).values():
            path = self._setting_path(key)
            text = self.text(value)
            if path is not None and text is not None:
                settings.append((path, text, self._type(value)))
        return tuple(settings)

    def _setting_path(self, node: yaml.Node) -> str | None:
        path = self.path(node) if "." in str(node.value) else self.text(node)
        if path is not None and path.endswith("."):
            self._error(node, "path", f"'{path}' is an object, not a parameter")
            return None
        return path

    def _type(self, node: yaml.Node) -> str:
        assert isinstance(node, yaml.ScalarNode)
        if node.tag.startswith("!") and not node.tag.startswith("!!") and node.tag != "!":
            name = node.tag[1:]
            if name not in TYPES:
                self._error(node, "type", f"no type '{name}'", did_you_mean(name, TYPES, "one of " + ", ".join(TYPES)))
            return name
        # Quoted in the file: meant as a text, unless names are to be filled in (then the look of what comes decides).
        quoted = node.style in ("'", '"')
        return "" if "{" in node.value else "string" if quoted else value_type(str(node.value))

    def actions(self, node: yaml.Node) -> tuple[Action, ...]:
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self._error(node, "shape", "a list of actions is expected", "write '- set: …', one action an item")
            return ()
        return tuple(action for item in node.value if (action := self._action(item)) is not None)

    def _action(self, node: yaml.Node) -> Action | None:
        if isinstance(node, yaml.ScalarNode):
            if node.value in _BARE:
                return Action(_ACTION_VERBS[node.value])
            remedy = did_you_mean(node.value, _ACTION_VERBS, "such as 'reboot', or 'get: .DeviceInfo.'")
            self._error(node, "unknown-action", f"'{node.value}' alone is no action", remedy)
            return None
        values = self._section(node, "action")
        if not values:
            if values is not None and not self._bag.failed:
                self._error(node, "shape", "an action names what is to be done", "such as 'reboot'")
            return None
        nested = values.pop("set", None) if "add_object" in values else None
        if len(values) > 1:
            self._error(node, "shape", f"one action an item, not {' and '.join(values)}", "begin each with '- '")
            return None
        ((name, value),) = values.items()
        verb = _ACTION_VERBS[name]
        if name in _SECTIONED:
            return Action(verb, value or {})
        arguments = {_ARGUMENT[verb]: value} if verb in _ARGUMENT else {}
        if nested is not None:
            for path, _, _ in nested:
                if path.startswith("."):
                    self._error(node, "path", f"'{path}' does not belong to the new instance", f"write '{path[1:]}'")
            arguments["settings"] = nested
        return Action(verb, arguments)

    def download(self, node: yaml.Node) -> dict[str, Any] | None:
        values = self._section(node, "download")
        if values is not None and set(values) not in ({"firmware"}, {"file_type", "url"}):
            self._error(node, "download", "a download names 'firmware', or 'file_type' and 'url'")
        return values

    def upload(self, node: yaml.Node) -> dict[str, Any] | None:
        return self._section(node, "upload")

    def schedule_download(self, node: yaml.Node) -> dict[str, Any] | None:
        values = self._section(node, "schedule_download")
        if values is None:
            return None
        named = set(values) - {"start", "end", "mode", "retries"}
        if named not in ({"firmware"}, {"file_type", "url"}):
            self._error(node, "download", "a download names 'firmware', or 'file_type' and 'url'")
        start, end = values.get("start"), values.get("end")
        if start is not None and end is not None and not 0 <= start < end:
            self._error(node, "window", "a window ends after it starts")
        return values

    def window_mode(self, node: yaml.Node) -> str | None:
        text = self.text(node)
        if text is not None and text not in WINDOW_MODES:
            remedy = did_you_mean(text, WINDOW_MODES, "one of " + ", ".join(WINDOW_MODES))
            self._error(node, "window-mode", f"there is no window mode '{text}'", remedy)
            return None
        return text

    def install(self, node: yaml.Node) -> dict[str, Any] | None:
        return self._section(node, "install")

    def update(self, node: yaml.Node) -> dict[str, Any] | None:
        return self._section(node, "update")

    def uninstall(self, node: yaml.Node) -> dict[str, Any] | None:
        return self._section(node, "uninstall")

    def comparisons(self, node: yaml.Node) -> tuple[Comparison, ...]:
        found = []
        for item in self._items(node):
            told = len(self._bag)
            values = self._section(item, "comparison") or {}
            path = values.pop("path", None)
            if len(values) != 1:
                if len(self._bag) == told:
                    # A test that is misspelt has been told of already.
                    tests = ", ".join(COMPARISONS)
                    self._error(item, "comparison", "a comparison has a path and one test", f"one of {tests}")
                continue
            ((test, value),) = values.items()
            if path is not None and value is not None:
                found.append(Comparison(path, test, value))
        return tuple(found)

    def condition(self, node: yaml.Node) -> Condition | None:
        values = self._section(node, "condition")
        if values is None:
            return None
        values["parameters"] = values.pop("parameter", ())
        return Condition(**values)

    def rules(self, node: yaml.Node) -> tuple[Rule, ...]:
        if not isinstance(node, yaml.SequenceNode):
            self._error(node, "shape", "a list of rules is expected", "begin each with '- '")
            return ()
        rules = []
        for number, item in enumerate(node.value, 1):
            values = self._section(item, "rule")
            if values is None:
                continue
            if self._bag.failed:
                continue  # Reported; the rest of the list is still to be looked at.
            rules.append(
                Rule(
                    values.get("name") or f"rule {number}",
                    values.get("when") or Condition(),
                    values["then"],
                    values.get("repeat", "every"),
                )
            )
        return tuple(rules)

    def inputs(self, node: yaml.Node) -> dict[str, Input]:
        inputs: dict[str, Input] = {}
        for name, (key, value) in (self._pairs(node, "'inputs'") or {}).items():
            if re.fullmatch(r"[a-z_][a-z0-9_]*", name) is None or name in DEVICE_NAMES:
                self._error(key, "input-name", f"an input cannot be called '{name}'")
            if isinstance(value, yaml.MappingNode):
                values = self._section(value, "input") or {}
            else:
                values = {"type": self.input_type(value)}
            kind, default = values.get("type"), values.get("default")
            if default is not None and kind is not None and not input_fits(kind, default):
                self._error(value, "default", f"the default '{default}' is not of type {kind}")
            inputs[name] = Input(kind or "text", default)
        return inputs

    def campaigns(self, node: yaml.Node) -> dict[str, Campaign]:
        campaigns: dict[str, Campaign] = {}
        for name, (_, value) in (self._pairs(node, "'campaigns'") or {}).items():
            outer = len(self._bag)
            values = self._campaign(value)
            if values is None or len(self._bag) > outer:
                continue
            if ("firmware" in values) == ("then" in values):
                self._error(value, "campaign", f"'{name}' needs 'firmware' or 'then', and not both")
                continue
            if values.get("verify") == "":
                values["verify"] = None
            campaigns[name] = Campaign(name, **values)
        return campaigns

    def _campaign(self, node: yaml.Node) -> dict[str, Any] | None:
        """Read one campaign, its inputs first: what follows may name them wherever they stand."""
        names: list[str] = []
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if getattr(key, "value", None) == "inputs" and isinstance(value, yaml.MappingNode):
                    names = [str(name.value) for name, _ in value.value if isinstance(name, yaml.ScalarNode)]
        self._names = (*DEVICE_NAMES, *names)
        try:
            return self._section(node, "campaign")
        finally:
            self._names = DEVICE_NAMES

    def window(self, node: yaml.Node) -> Window | None:
        text = self.text(node)
        if text is None:
            return None
        opens, dash, closes = text.partition("-")
        if not dash:
            lasting = self.duration(node)
            return None if lasting is None else Window(lasting=lasting)
        times = [_TIME_OF_DAY.fullmatch(part.strip()) for part in (opens, closes)]
        if not all(times) or opens.strip() == closes.strip():
            self._error(node, "window", f"'{text}' is no window of the day", "such as 02:00-05:00, or 4h")
            return None
        first, last = (TimeOfDay(int(part[1]) * HOUR + int(part[2]) * MINUTE) for part in times if part)
        return Window(opens=first, closes=last)

    def users(self, node: yaml.Node) -> dict[str, str]:
        pairs = self._pairs(node, "'users'") or {}
        return {name: text for name, (_, value) in pairs.items() if (text := self.text(value)) is not None}

    def credentials(self, node: yaml.Node) -> tuple[Any, Any] | None:
        values = self._section(node, "credentials")
        return None if values is None else (values["username"], values["password"])

    def authentication(self, node: yaml.Node) -> Authentication | None:
        values = self._section(node, "authentication")
        if values is None:
            return None
        if values["scheme"] in ("basic", "digest") and not ("users" in values or "device" in values):
            self._error(node, "authentication", "nobody could log in", "add 'users' or 'device'")
        return Authentication(**values)

    def connection_requests(self, node: yaml.Node) -> ConnectionRequests | None:
        values = self._section(node, "connection_requests")
        return None if values is None else ConnectionRequests(**values)

    def policy(self, node: yaml.Node, name: str) -> Policy | None:
        values = self._section(node, "policy")
        if values is None:
            return None
        base = DEFAULT_POLICY.rules if values.pop("extends", None) else ()
        if self._bag.failed:
            return None
        return replace(Policy(name), **{**values, "rules": base + values.get("rules", ())})


INPUT_LOOKS: Mapping[str, Callable[[str], bool]] = {
    "text": lambda text: True,
    "int": lambda text: re.fullmatch(r"-?\d{1,18}", text) is not None,
    "bool": lambda text: text in ("true", "false"),
}


def input_fits(kind: str, text: str) -> bool:
    """Whether a text is a value of that input type."""
    return INPUT_LOOKS[kind](text)
