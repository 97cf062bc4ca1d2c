"""The command line in this process: its status and what it wrote, streams kept apart."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from cpescript import cli


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def cpescript(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Return a function that runs a command line as the installed command does."""

    def run(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), out, err)

    return run
