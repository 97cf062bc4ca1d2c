"""The adapter for any ACS whose north side is HTTP: what to call is said by a file (`http_format`)."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cpescript.acs.orders import DeviceKey, Order, OrderResult, malformed
from cpescript.acs.policy import value_type
from cpescript.adapters.base import AdapterError, Answered, Jobs, RunNow, Setup, View
from cpescript.adapters.http_format import Check, Description, Sees, Step
from cpescript.adapters.http_reading import load_description
from cpescript.adapters.north import Answer, North, each
from cpescript.adapters.values import Template, TemplateProblem, filled, look_up
from cpescript.diagnostics import Bag
from cpescript.regular import RegularError, regular

MOST_IDS = 200_000
"""Device ids that are kept once found."""


def load_http_adapter(path: Path) -> tuple[HttpAdapter | None, Bag]:
    """Read an adapter's file; return the adapter, None with errors in the bag. Never raises on bad input.

    It can say its `calls`, `verbs` and `beliefs` at once; `attach` makes it ready to speak.
    """
    description, bag = load_description(path)
    return (HttpAdapter(description) if description is not None else None), bag


class _Refused(Exception):
    """An answer that is not good: the ACS does not take the order."""

    def __init__(self, reason: str, answer: Answer) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer


class HttpAdapter:
    """Speaks to an ACS as a description says."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self.name = description.name
        self.verbs = frozenset(description.verbs) | ({"call"} if description.calls else frozenset())
        self.beliefs = description.sees is not None
        self.calls: Mapping[str, tuple[str, ...]] | None = {
            name: tuple(call.inputs) for name, call in description.calls.items()
        }
        self.secrets: Sequence[str] = ()
        self._options: dict[str, str] = {}
        self._north: North | None = None
        self._run: RunNow | None = None
        self._spawn: Jobs | None = None
        self._setup = Setup()
        self._login: dict[str, Any] | None = None
        self._ids: dict[DeviceKey, str] = {}
        self._logins = 0
        self._learnt: list[str] = []
        self._remarks: list[str] = []
        self._told = False
        """Whether a value ever stood where `sees` says that values stand."""
        self._unfound: tuple[Answer, str] | None = None
        """A good answer in which none stood, and where it was looked for."""

    def attach(
        self,
        run: RunNow,
        spawn: Jobs,
        *,
        url: str | None = None,
        options: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        learnt: list[str] | None = None,
        remarks: list[str] | None = None,
    ) -> None:
        """Say where the ACS is and how coroutines are run; options come from `options`, then from `environment`.
        Secrets are put into `learnt` as they come up, and into `remarks`, at `close`, what a report should tell.

        Raises AdapterError for an option that is missing or unknown, or a URL that is none.
        """
        given, environment = dict(options or {}), environment or {}
        description = self.description
        for name in given:
            if name not in description.options:
                known = ", ".join(description.options) or "none"
                raise AdapterError(f"{description.file}: there is no option '{name}'; it has {known}")
        for name, option in description.options.items():
            value = given.get(name)
            if value is None and option.environment is not None:
                value = environment.get(option.environment)
            if value is None:
                value = option.default
            if value is None:
                where = f"set {option.environment}" if option.environment else "set it in cpescript.toml"
                raise AdapterError(f"{description.file}: the option '{name}' is not set: {where}")
            self._options[name] = value
        if learnt is not None:
            self._learnt = learnt
        if remarks is not None:
            self._remarks = remarks
        self._hide(
            self._options[name] for name, option in description.options.items() if option.secret and self._options[name]
        )
        if url is None:
            if description.url is None:
                raise AdapterError(f"{description.file} says no url: give one with --north")
            url = self._fill(description.url, {})
        self._north = North(str(url), timeout=description.timeout, tls=tls, proxy=proxy)
        self._run, self._spawn = run, spawn

    # --- the adapter --------------------------------------------------------------------------------------------------

    def prepare(self, setup: Setup) -> None:
        self._setup = setup
        self._ids.clear()
        self._now(self._steps_for_run(self.description.setup))

    def submit(self, orders: Sequence[Order], done: Any) -> None:
        self._later(each(orders, self._order), done)

    def ask(self, keys: Sequence[DeviceKey], paths: Sequence[str], done: Answered) -> None:
        sees = self.description.sees
        if sees is None:
            raise AdapterError(f"{self.description.file} does not say how this ACS is asked what it sees: add 'sees'")

        async def one(key: DeviceKey) -> View:
            return await self._view(sees, key, paths)

        self._later(each(keys, one), done)

    def close(self) -> None:
        if self._north is None:
            return
        if self._unfound is not None and not self._told:
            answer, where = self._unfound
            self._remarks.append(
                f"no value was ever found in what '{self.name}' answers: {self.description.file} looks at {where}, and "
                f"{answer.where} was answered with status {answer.status}: {answer.shown}"
            )
        try:
            self._now(self._steps_for_run(self.description.teardown))
        finally:
            self._now(self._north.close())

    def _now(self, job: Any) -> Any:
        assert self._run is not None, "attach comes first"
        return self._run(job)

    def _later(self, job: Any, done: Any) -> None:
        assert self._spawn is not None, "attach comes first"
        self._spawn(job, done)

    # --- orders -------------------------------------------------------------------------------------------------------

    async def _steps_for_run(self, steps: tuple[Step, ...]) -> None:
        if not steps:
            return
        try:
            await self._steps(steps, {})
        except _Refused as refused:
            raise AdapterError(f"{refused.answer.where}: {refused.reason}") from None

    async def _order(self, order: Order) -> OrderResult:
        problem = malformed(order)
        if problem:
            return OrderResult(False, problem)
        description = self.description
        try:
            values = await self._values(order)
            if order.verb == "call":
                call = description.calls.get(order.arguments["name"])
                if call is None:
                    return OrderResult(False, f"{description.name} has no call '{order.arguments['name']}'")
                values["inputs"], problem = _inputs(call.inputs, order.arguments.get("inputs") or {})
                if problem:
                    return OrderResult(False, f"call {order.arguments['name']}: {problem}")
                steps = call.steps
            else:
                steps = description.verbs[order.verb]
            answer = await self._steps(steps, values)
        except _Refused as refused:
            data = {"status": refused.answer.status, "body": refused.answer.value()}
            return OrderResult(False, refused.reason, data)
        return OrderResult(True, "", {"status": answer.status, "body": answer.value()} if answer is not None else {})

    async def _values(self, order: Order) -> dict[str, Any]:
        """What an order's templates know."""
        given = order.arguments
        values: dict[str, Any] = {"inputs": {}, "paths": list(given.get("paths", ()))}
        values["settings"] = [
            {"path": path, "value": text, "type": kind or value_type(text)}
            for path, text, kind in given.get("settings", ())
        ]
        values["path"] = given.get("path")
        version = given.get("firmware")
        values["firmware"] = version
        values["file_type"] = given.get("file_type") or ("1 Firmware Upgrade Image" if version else None)
        values["url"] = given.get("url") or (f"{self._setup.file_base_url}{version}.bin" if version else None)
        if order.device is not None:
            values.update(await self._device(order.device))
        return values

    async def _device(self, key: DeviceKey) -> dict[str, Any]:
        named: dict[str, Any] = {"oui": key.oui, "product_class": key.product_class, "serial": key.serial}
        description = self.description
        known = self._ids.get(key)
        if known is None:
            if description.find:
                known = await self._found(key, named)
            elif description.device_id is not None:
                known = str(self._fill(description.device_id, named))
            else:
                return named
            if len(self._ids) < MOST_IDS:
                self._ids[key] = known
        return {**named, "id": known}

    async def _found(self, key: DeviceKey, named: Mapping[str, Any]) -> str:
        kept: dict[str, Any] = {}
        await self._steps(self.description.find, named, kept)
        if kept.get("id") in (None, ""):
            raise AdapterError(f"{self.description.name} tells no id of the device {key}: its 'find' keeps none")
        return str(kept["id"])

    async def _view(self, sees: Sees, key: DeviceKey, paths: Sequence[str]) -> View:
        named = await self._device(key)
        view: dict[str, tuple[str, str] | None] = dict.fromkeys(paths)
        for some in [[path] for path in paths] if sees.per_path else [list(paths)]:
            try:
                answer = await self._steps(sees.steps, {**named, "paths": some, "path": some[0]})
            except _Refused as refused:
                if refused.answer.status in sees.unknown_on:
                    continue
                raise AdapterError(f"{refused.answer.where}: {refused.reason}") from None
            for path in some:
                view[path] = self._seen(sees, answer, {**named, "path": path})
            self._look(sees, answer, view, {**named, "path": some[0]})
        return view

    def _look(self, sees: Sees, answer: Answer | None, view: View, values: Mapping[str, Any]) -> None:
        """Remember whether the file looks in the right place: an answer that is good and holds nothing may be one of
        an ACS that does not know the parameter yet, but if none ever holds anything the file is wrong."""
        self._told = self._told or any(known is not None for known in view.values())
        if answer is None or self._told or self._unfound is not None:
            return
        key, at = ("value", sees.value) if sees.pattern is None else ("pattern", sees.pattern)
        self._unfound = answer, f"sees.{key} {self._fill(at, values)}"

    def _seen(self, sees: Sees, answer: Answer | None, values: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return value and type of one path in an answer, None where it is not there."""
        if answer is None:
            return None
        if sees.pattern is not None:
            return self._matched(sees.pattern, answer, values)
        body = answer.json()
        try:
            value = look_up(body, str(self._fill(sees.value, values)))
        except (LookupError, ValueError):
            return None
        if value is None:
            return None
        kind = ""
        if sees.type is not None:
            try:
                kind = str(look_up(body, str(self._fill(sees.type, values)))).removeprefix("xsd:")
            except (LookupError, ValueError):
                kind = ""
        return as_text(value), kind

    def _matched(self, pattern: Template, answer: Answer, values: Mapping[str, Any]) -> tuple[str, str] | None:
        expression = str(self._fill(pattern, values))
        try:
            found = regular(expression).search(answer.text)
        except RegularError as error:
            raise AdapterError(f"{self.description.file}: sees.pattern is no regular expression: {error}") from None
        return (unescape(found[1] or ""), "") if found is not None and found.re.groups else None

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _steps(
        self, steps: Sequence[Step], values: Mapping[str, Any], kept: dict[str, Any] | None = None
    ) -> Answer | None:
        """Make the calls one after the other; return the last answer. Raises _Refused, AdapterError."""
        kept = {} if kept is None else kept
        answer = None
        for step in steps:
            if self.description.login is not None and self._login is None:
                await self._log_in()
            logins = self._logins
            answer = await self._call(step, {**values, "kept": kept})
            login = self.description.login
            if login is not None and answer.status in login.again_on:
                if logins == self._logins:
                    self._login = None
                    await self._log_in()
                answer = await self._call(step, {**values, "kept": kept})
            self._judge(step, answer, {**values, "kept": kept})
            self._keep(step, answer, kept)
        return answer

    async def _log_in(self) -> None:
        login = self.description.login
        assert login is not None
        kept: dict[str, Any] = {}
        for step in login.steps:
            answer = await self._call(step, {"kept": kept, "login": kept})
            try:
                self._judge(step, answer, {"kept": kept})
            except _Refused as refused:
                raise AdapterError(f"the login was refused: {answer.where}: {refused.reason}") from None
            self._keep(step, answer, kept)
        self._hide(as_text(value) for value in kept.values() if value)
        self._login = kept
        self._logins += 1

    def _hide(self, secrets: Iterable[str]) -> None:
        """Make these texts secrets of the run."""
        new = [secret for secret in dict.fromkeys(secrets) if secret not in self.secrets]
        self.secrets = [*self.secrets, *new]
        self._learnt += [secret for secret in new if secret not in self._learnt]

    async def _call(self, step: Step, values: Mapping[str, Any]) -> Answer:
        assert self._north is not None, "attach comes first"
        login = self.description.login
        used = login if login is not None and self._login is not None else None
        everything = {"options": self._options, "login": self._login or {}, **values}
        headers = {**self.description.headers, **(used.headers if used else {}), **step.headers}
        query = {**(used.query if used else {}), **step.query}
        body: bytes | None = None
        sent = {name: as_text(self._fill(value, everything)) for name, value in headers.items()}
        if any("\n" in value or "\r" in value for value in sent.values()):
            raise AdapterError(f"{self._place(step)}: a header's value has a line break in it")
        lowered = {name.lower() for name in sent}
        if step.has_json:
            body = json.dumps(self._fill(step.json, everything), ensure_ascii=False).encode("utf-8", "replace")
            if "content-type" not in lowered:
                sent["Content-Type"] = "application/json"
        elif step.form is not None:
            form = {name: as_text(self._fill(value, everything)) for name, value in step.form.items()}
            body = urlencode(form).encode()
            if "content-type" not in lowered:
                sent["Content-Type"] = "application/x-www-form-urlencoded"
        elif step.body is not None:
            body = as_text(self._fill(step.body, everything)).encode("utf-8", "replace")
        asked = {name: as_text(self._fill(value, everything)) for name, value in query.items()}
        path = as_text(self._fill(step.path, everything))
        return await self._north.call(step.method, path, query=asked, headers=sent, body=body)

    def _judge(self, step: Step, answer: Answer, values: Mapping[str, Any]) -> None:
        """Raise _Refused where an answer is not good."""
        told = {
            "options": self._options,
            "login": self._login or {},
            **values,
            "status": answer.status,
            "body": answer.value(),
            "headers": answer.headers,
        }
        problem = self._problem(step.expect, answer, told)
        if not problem:
            return
        if step.reason is not None:
            try:
                problem = as_text(step.reason.value(told)) or problem
            except TemplateProblem:
                problem = f"{problem}: {answer.shown}"
        else:
            problem = f"{problem}: {answer.shown}"
        raise _Refused(problem, answer)

    def _problem(self, check: Check, answer: Answer, told: Mapping[str, Any]) -> str:
        good = answer.status in check.status if check.status else 200 <= answer.status < 300
        if not good:
            return f"HTTP status {answer.status} {answer.reason}".rstrip()
        for at, wanted in check.equals:
            pointer, value = str(self._fill(at, told)), self._fill(wanted, told)
            try:
                found = look_up(told["body"], pointer)
            except (LookupError, ValueError):
                return f"{pointer} is not there"
            if found != value:
                return f"{pointer} is {found!r}, not {value!r}"
        try:
            holds = check.where is None or check.where.holds(told)
        except TemplateProblem as problem:
            return f"its condition cannot be worked out ({problem})"
        return "" if holds else "its condition does not hold"

    def _keep(self, step: Step, answer: Answer, kept: dict[str, Any]) -> None:
        for name, at in step.keep.items():
            pointer = str(self._fill(at, {"kept": kept, "options": self._options}))
            try:
                kept[name] = look_up(answer.json(), pointer)
            except (LookupError, ValueError):
                raise AdapterError(f"{answer.where}: there is no {pointer} to keep as '{name}'") from None

    def _fill(self, tree: Any, values: Mapping[str, Any]) -> Any:
        try:
            return filled(tree, {"options": self._options, **values})
        except TemplateProblem as problem:
            raise AdapterError(f"{self.description.file}: a template cannot be worked out: {problem}") from None

    def _place(self, step: Step) -> str:
        return step.span.place


def _inputs(known: Mapping[str, str | None], given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return a call's inputs, and what is wrong with them."""
    unknown = [name for name in given if name not in known]
    if unknown:
        return {}, f"there is no input '{unknown[0]}'; it takes {', '.join(known) or 'none'}"
    found = {name: given.get(name, default) for name, default in known.items()}
    missing = [name for name, value in found.items() if value is None]
    return found, f"the input '{missing[0]}' is missing" if missing else ""


def as_text(value: Any) -> str:
    """Return a JSON value as the text of a parameter, header or form field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return (
        ""
        if value is None
        else json.dumps(value, ensure_ascii=False)
        if not isinstance(value, (int, float))
        else str(value)
    )
