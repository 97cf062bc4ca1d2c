"""What systems are told and asked: the arguments of orders, and questions about what a system believes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cpescript.acs.orders import DeviceKey, Order, OrderResult
from cpescript.adapters.base import Adapter, AdapterError
from cpescript.device.device import Device
from cpescript.execution.beliefs import Facts, Question
from cpescript.kernel.time import Instant
from cpescript.pattern.values import text


def ask(
    adapter: Adapter,
    asked: Sequence[tuple[int, Question]],
    key: Callable[[int], DeviceKey | None],
    done: Callable[[Sequence[Facts] | Exception], None],
) -> None:
    """Put questions to an adapter: those for the same paths together, each call as an order."""
    answers: dict[int, Facts] = {}
    groups: dict[tuple[str, ...], list[int]] = {}
    calls = [(number, each) for number, each in asked if each.call]
    for number, each in asked:
        if not each.call:
            groups.setdefault(each.paths, []).append(number)
    left = len(groups) + bool(calls)

    def arrived(numbers: Sequence[int], facts: Sequence[Facts] | Exception) -> None:
        nonlocal left
        if left < 0:
            return
        if isinstance(facts, Exception):
            left = -1
            done(facts)
            return
        answers.update(zip(numbers, facts, strict=True))
        left -= 1
        if not left:
            done([answers[number] for number, _ in asked])

    def seen(numbers: Sequence[int]) -> Callable[[Any], None]:
        return lambda views: arrived(numbers, views if isinstance(views, Exception) else list(map(_seen, views)))

    def called(results: Any) -> None:
        told = zip(calls, results, strict=True) if not isinstance(results, Exception) else ()
        facts = [[_called(each, result)] for (_, each), result in told]
        arrived([number for number, _ in calls], results if isinstance(results, Exception) else facts)

    try:
        for paths, numbers in groups.items():
            adapter.ask([one for one in map(key, numbers) if one is not None], paths, seen(numbers))
        if calls:
            inputs = [(key(number), {"name": each.call, "inputs": dict(each.arguments)}) for number, each in calls]
            adapter.submit([Order("call", whom, each) for whom, each in inputs], called)
    except AdapterError as error:
        arrived((), error)


def order_arguments(verb: str, arguments: Mapping[str, Any], device: Device | None = None) -> dict[str, Any]:
    """Return an order's arguments as the JSON values that `acs.orders` lists: a parameter that the device has is set
    with the type that it has there."""
    if verb == "set":
        return {"settings": [[path, text(value), _type(path, value, device)] for path, value in arguments["settings"]]}
    if verb == "get":
        return {"paths": list(arguments["paths"])}
    if verb == "call":
        return {"name": arguments["name"], "inputs": dict(arguments.get("inputs", {}))}
    return {name: text(value) for name, value in arguments.items() if value is not None}


def _seen(view: Mapping[str, tuple[str, str] | None]) -> Facts:
    """Return what an adapter says of a device as the data of `belief` facts."""
    return [
        {"path": path, "value": None if known is None else known[0], "type": "" if known is None else known[1]}
        for path, known in view.items()
    ]


def _called(question: Question, result: OrderResult) -> Mapping[str, Any]:
    """The same for the answer to a call."""
    data = result.data
    return {
        "call": question.call,
        "arguments": {name: _json(value) for name, value in question.arguments.items()},
        "status": data.get("status"),
        "body": data.get("body") if result.accepted or "body" in data else result.reason,
    }


def _json(value: Any) -> Any:
    return value if value is None or type(value) in (bool, int, float, str, list, dict) else text(value)


def _type(path: str, value: Any, device: Device | None) -> str | None:
    """The XSD type that a parameter has on its device, else the one that a literal leaves no doubt of; None: the ACS
    knows better, or takes text."""
    leaf = device.leaf(path) if device is not None else None
    if leaf is not None:
        return leaf.type
    if isinstance(value, bool):
        return "boolean"
    return "dateTime" if isinstance(value, Instant) else None
