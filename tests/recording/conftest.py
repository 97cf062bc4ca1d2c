"""`cpescript(…)` runs a command line here; `acs` is an ACS on real HTTP; `recorded(…)` a lab's recording."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cpescript.acs.server import Acs
from cpescript.cli import main
from cpescript.runner.options import RunOptions
from cpescript.runner.run import run
from cpescript.transport.acs_service import AcsService
from tests.adapters.serving import on_a_loop

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cpescript(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_here(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run_here


@pytest.fixture
def acs() -> Iterator[SimpleNamespace]:
    service = AcsService(Acs())

    async def start(stack):
        return await service.start("127.0.0.1", 0, 0, stack)

    with on_a_loop(start) as (port, north):
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}/", north=f"http://127.0.0.1:{north}", acs=service.acs)


HOUR = 3600 * 10**9
Change = Callable[[dict[str, Any]], dict[str, Any] | None]


def as_recording(
    run: Path, recording: Path, change: Change = lambda record: record, *, ends: int = 1000 * HOUR
) -> None:
    """Write what `cpescript record` would have written of a run: no facts but how sessions ended, and an end at `ends`
    nanoseconds. `change` may alter or leave out records."""
    header, *records = map(json.loads, run.read_text(encoding="utf-8").splitlines())
    told = [{**header, "scenario": "recorded", "digest": "", "acs": "external", "clock": "real", "params": {}}]
    names: dict[str, str] = {}
    for record in records:
        if record["direction"] == "local" and record["kind"] != "SessionEnd":
            continue
        if record["device"] not in names:
            names[record["device"]] = f"recorded[{len(names) + 1}]"
            fact = {"direction": "local", "kind": "spawn", "data": {"cohort": "recorded", "index": len(names)}}
            told.append({**record, **fact, "device": names[record["device"]]})
        record["device"] = names[record["device"]]
        if (changed := change(record)) is not None:
            told.append(changed)
    told.append({"t": ends, "n": 10**6, "device": None, "direction": "local", "kind": "end", "data": {}})
    recording.write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """`recorded(text, change=…, ends=…, policy=…)`: the recording of a run of that scenario with the embedded ACS."""

    def make(text: str, change: Change = lambda record: record, ends: int = 1000 * HOUR, **options: Any) -> Path:
        case, trace, recording = tmp_path / "played.cpes", tmp_path / "played.jsonl", tmp_path / "lab.jsonl"
        case.write_text(text)
        run(RunOptions(scenarios=(str(case),), trace=trace, seed=1, **options))
        as_recording(trace, recording, change, ends=ends)
        return recording

    return make
