"""`cpescript(…)` runs a command line here; `acs` is a reference ACS on real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from cpescript.acs.server import Acs
from cpescript.cli import main
from cpescript.transport.acs_service import AcsService
from tests.adapters.serving import on_a_loop

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cpescript(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def acs() -> Iterator[SimpleNamespace]:
    service = AcsService(Acs())

    async def start(stack):
        return await service.start("127.0.0.1", 0, 0, stack)

    with on_a_loop(start) as (port, north):
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}/", north=f"http://127.0.0.1:{north}", acs=service.acs)
