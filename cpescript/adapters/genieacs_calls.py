"""What `acs call NAME(inputs)` does at GenieACS: presets, provisions, tags, files, tasks by hand.

What a call puts there is noted with the adapter (`GenieAcs.undo`), and taken away when the run is over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cpescript.acs.orders import OrderResult
from cpescript.adapters.genieacs_names import segment
from cpescript.adapters.north import Answer

if TYPE_CHECKING:
    from cpescript.adapters.genieacs import GenieAcs


class Call:
    """What `acs call NAME(inputs)` does. Inputs after `required` may be left out."""

    def __init__(
        self,
        run: Callable[[GenieAcs, Mapping[str, Any], str | None], Awaitable[OrderResult]],
        summary: str,
        required: Sequence[str] = (),
        optional: Sequence[str] = (),
        *,
        per_device: bool = False,
    ) -> None:
        self.run = run
        self.summary = summary
        self.required = tuple(required)
        self.inputs = (*required, *optional)
        self.per_device = per_device


def _result(answer: Answer) -> OrderResult:
    data = {"status": answer.status, "body": answer.value()}
    good = 200 <= answer.status < 300
    return OrderResult(good, "" if good else f"{answer.status} {answer.reason}: {answer.shown}", data)


def _name(inputs: Mapping[str, Any]) -> str:
    return segment(str(inputs["name"]))


CONFIGURATIONS = ("value", "age", "add_tag", "delete_tag", "provision", "add_object", "delete_object")
"""The types that a preset's configurations may have. Another one, once stored, stops GenieACS from reading any."""


def _wrong_preset(inputs: Mapping[str, Any]) -> str:
    """Return what GenieACS would take, and then fail over at each session, "" where it is right."""
    configurations = inputs.get("configurations")
    kinds = [each.get("type") if isinstance(each, Mapping) else None for each in _listed(configurations)]
    checks = (
        (bool(configurations) != ("provision" in inputs), "it takes a 'provision', or else 'configurations'"),
        (configurations is None or isinstance(configurations, list), "'configurations' is a list"),
        (all(kind in CONFIGURATIONS for kind in kinds), f"configurations have a type: {', '.join(CONFIGURATIONS)}"),
        (isinstance(inputs.get("events", []), (dict, list)), "'events' is a list, [\"0 BOOTSTRAP\"], or a map"),
        (isinstance(inputs.get("args", []), list), "'args' is a list"),
        (isinstance(inputs.get("weight", 0), (int, float)), "'weight' is a number"),
    )
    return next((problem for good, problem in checks if not good), "")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


async def _put_preset(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
    problem = _wrong_preset(inputs)
    if problem:
        return OrderResult(False, f"call preset: {problem}")
    events, configurations = inputs.get("events", {}), inputs.get("configurations")
    if not configurations:
        configurations = [{"type": "provision", "name": str(inputs["provision"]), "args": list(inputs.get("args", []))}]
    document = {
        "weight": inputs.get("weight", 0),
        "channel": str(inputs.get("channel", "default")),
        "events": events if isinstance(events, dict) else {str(event): True for event in events},
        "precondition": str(inputs.get("precondition", "")),
        "configurations": configurations,
    }
    if "schedule" in inputs:
        document["schedule"] = str(inputs["schedule"])
    path = f"/presets/{_name(inputs)}"
    result = _result(await acs.json_call("PUT", path, document))
    if result.accepted:
        acs.undo(path)
    return result


async def _put_provision(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
    path = f"/provisions/{_name(inputs)}"
    result = _result(await acs.text_call("PUT", path, str(inputs["script"])))
    if result.accepted:
        acs.undo(path)
    return result


def _deleting(collection: str) -> Callable[[GenieAcs, Mapping[str, Any], str | None], Awaitable[OrderResult]]:
    async def run(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
        path = f"/{collection}/{_name(inputs)}"
        acs.undone(path)
        return _result(await acs.delete(path))

    return run


async def _tag(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
    path = f"/devices/{segment(device or '')}/tags/{segment(str(inputs['tag']))}"
    result = _result(await acs.text_call("POST", path, ""))
    if result.accepted:
        acs.undo(path)
    return result


async def _untag(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
    path = f"/devices/{segment(device or '')}/tags/{segment(str(inputs['tag']))}"
    acs.undone(path)
    return _result(await acs.delete(path))


async def _refresh(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
    return await acs.task(device or "", {"name": "refreshObject", "objectName": str(inputs["object"]).rstrip(".")})


async def _task(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
    task = inputs["task"]
    if not isinstance(task, Mapping) or "name" not in task:
        return OrderResult(False, 'call task: the task is a map with a name: {name: "refreshObject", objectName: ""}')
    return await acs.task(device or "", dict(task), connect=inputs.get("connect", True) is not False)


async def _faults(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
    found = await acs.query("faults", {"device": device})
    shown = [{name: fault.get(name) for name in ("channel", "code", "message", "retries")} for fault in found]
    return OrderResult(True, "", {"status": 200, "body": {"count": len(found), "faults": shown}})


async def _tasks(acs: GenieAcs, inputs: Mapping[str, Any], device: str | None) -> OrderResult:
    found = await acs.query("tasks", {"device": device})
    names = [str(task.get("name")) for task in found]
    return OrderResult(True, "", {"status": 200, "body": {"count": len(found), "names": names}})


CALLS: Mapping[str, Call] = {
    "preset": Call(
        _put_preset,
        "puts a preset that runs a provision (or has `configurations`); deleted when the run is over",
        ("name",),
        ("provision", "args", "events", "precondition", "weight", "channel", "schedule", "configurations"),
    ),
    "delete_preset": Call(_deleting("presets"), "deletes a preset", ("name",)),
    "provision": Call(
        _put_provision, "puts a provision, JavaScript as text; deleted when the run is over", ("name", "script")
    ),
    "delete_provision": Call(_deleting("provisions"), "deletes a provision", ("name",)),
    "delete_file": Call(_deleting("files"), "deletes a file of the file server", ("name",)),
    "tag": Call(_tag, "puts a tag on each device; taken off when the run is over", ("tag",), per_device=True),
    "untag": Call(_untag, "takes a tag off each device", ("tag",), per_device=True),
    "refresh": Call(_refresh, "has an object of each device read again", ("object",), per_device=True),
    "task": Call(_task, "gives each device a task by hand", ("task",), ("connect",), per_device=True),
    "faults": Call(_faults, "reads the faults of each device: `r.body.count`, `r.body.faults`", per_device=True),
    "tasks": Call(_tasks, "reads the queue of each device: `r.body.count`, `r.body.names`", per_device=True),
}
"""What `acs call` can name."""
