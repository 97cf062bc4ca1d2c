"""How a run speaks to the north sides of its systems: makes the adapters, by name or from a file."""

from __future__ import annotations

import base64
import shlex
import ssl
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cpescript import libraries
from cpescript.acs.orders import VERBS
from cpescript.adapters.base import Adapter, AdapterError, Jobs, RunNow
from cpescript.adapters.command import Command
from cpescript.adapters.cpescript import Cpescript
from cpescript.adapters.genieacs import INSTEAD, GenieAcs
from cpescript.adapters.genieacs_calls import CALLS
from cpescript.adapters.http_yaml import load_http_adapter
from cpescript.adapters.manual import Manual
from cpescript.adapters.north import North
from cpescript.diagnostics import Bag, did_you_mean
from cpescript.runner.options import NorthSide, RunOptions

ADAPTERS: Mapping[str, str] = {
    "cpescript": "a 'cpescript acs serve', by its north side",
    "genieacs": "GenieACS, by its NBI",
    "manual": "an ACS with a GUI only: you are told what to do there",
    "command": "a program of yours, with --allow-exec",
}
"""The adapters that have a name, besides the files that ship."""


class NoSuchAdapter(AdapterError):
    """There is no adapter of that name, or it lacks something; `remedy` says what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


def adapter_file(name: str) -> Path | None:
    """Return the adapter file that a name means: a path, else one that ships, else None."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    return libraries.find("adapters", name) if name not in ADAPTERS else None


def make_adapter(
    name: str,
    north: str | None,
    options: RunOptions,
    run: RunNow,
    spawn: Jobs,
    remarks: list[str],
    side: NorthSide | None = None,
) -> Adapter:
    """Return the adapter of that name (or file) for a north side; what it has to say when it is closed is put into
    `remarks`. Raises AdapterError."""
    side = side if side is not None else options.north_side
    if name == "manual":
        return Manual(sys.stderr, sys.stdin, spawn, options.observer.make_room)
    if name == "command":
        if not options.allow_exec:
            raise NoSuchAdapter("the adapter 'command' runs a program", "say --allow-exec if you mean it")
        if not north:
            raise NoSuchAdapter("the adapter 'command' needs a program", "--north 'python my_adapter.py'")
        return Command(shlex.split(north), run, spawn)
    file = adapter_file(name)
    if file is not None:
        adapter, bag = load_http_adapter(file)
        if adapter is None:
            raise AdapterError(_first(bag))
        adapter.attach(
            run,
            spawn,
            url=north,
            options=side.options,
            environment=options.environment,
            tls=_tls(side),
            proxy=side.proxy,
            learnt=options.learnt,
            remarks=remarks,
        )
        return adapter
    if name not in ADAPTERS:
        known = [*ADAPTERS, *libraries.names("adapters")]
        remedy = did_you_mean(name, known, f"one of {', '.join(known)}, or a file")
        raise NoSuchAdapter(f"there is no adapter '{name}'", remedy)
    if north is None:
        raise NoSuchAdapter(f"the adapter '{name}' needs the ACS's north side", "--north http://127.0.0.1:7557")
    if name == "cpescript":
        return Cpescript(north, run, spawn)
    return GenieAcs(North(north, tls=_tls(side), proxy=side.proxy, headers=_basic(side)), run, spawn)


def _first(bag: Bag) -> str:
    """Return the first mistake of an adapter's file in one line, and how many others there are."""
    first, *others = bag
    more = f" (and {len(others)} more)" if others else ""
    return f"{first.span.place}: {first.message}{': ' + first.remedy if first.remedy else ''}{more}"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an adapter can do, as far as it is known before anything runs. `calls` None: only the ACS knows."""

    name: str
    verbs: Collection[str]
    beliefs: bool
    calls: Mapping[str, tuple[str, ...]] | None
    instead: Mapping[str, str] = field(default_factory=dict)
    """What to do instead of a verb that is not there."""


def abilities_of(options: RunOptions, bag: Bag) -> Abilities | None:
    """Return what the adapter of a run can do; None where only its program knows, or there is no such adapter.

    The mistakes of an adapter's file are put into `bag`.
    """
    name = options.adapter if options.adapter is not None else "cpescript"
    file = adapter_file(name)
    if file is not None:
        adapter, problems = load_http_adapter(file)
        bag.extend(problems)
        return Abilities(name, adapter.verbs, adapter.beliefs, adapter.calls) if adapter is not None else None
    known: Mapping[str, Abilities] = {
        "cpescript": Abilities(name, VERBS, True, None),
        "genieacs": Abilities(name, GenieAcs.verbs, True, {each: call.inputs for each, call in CALLS.items()}, INSTEAD),
        "manual": Abilities(name, VERBS, False, None),
    }
    return known.get(name)


def secrets_of(options: RunOptions) -> tuple[str, ...]:
    """Return the secret options of the adapter file of a run, so that they can be masked before anything runs."""
    file = adapter_file(options.adapter) if options.adapter is not None else None
    adapter = load_http_adapter(file)[0] if file is not None else None
    if adapter is None:
        return ()
    found = []
    for name, option in adapter.description.options.items():
        value = options.north_side.options.get(name) or options.environment.get(option.environment or "")
        if option.secret and value:
            found.append(value)
    return tuple(found)


def _basic(side: NorthSide) -> dict[str, str]:
    if side.username is None:
        return {}
    token = base64.b64encode(f"{side.username}:{side.password or ''}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


def _tls(side: NorthSide) -> ssl.SSLContext | None:
    """Return the context for https, None for the default one."""
    if not (side.tls_ca or side.tls_certificate or side.tls_insecure):
        return None
    try:
        context = ssl.create_default_context(cafile=str(side.tls_ca) if side.tls_ca else None)
        if side.tls_certificate is not None:
            context.load_cert_chain(side.tls_certificate, side.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise AdapterError(f"the certificates for the north side cannot be read: {error}") from None
    if side.tls_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def run_alone() -> tuple[RunNow, Jobs, Any]:
    """Return ways to run coroutines where no wire has a loop (the embedded ACS): at once; and what closes them."""
    import asyncio

    loop = asyncio.new_event_loop()

    def spawn(job: Any, done: Any) -> None:
        try:
            result = loop.run_until_complete(job)
        except AdapterError as error:
            result = error
        done(result)

    return loop.run_until_complete, spawn, loop.close
