"""What holds for all tests: what is drawn by chance is the same in every run, hypothesis asks no speed of the machine,
and the terminal is a plain one, whoever's it is."""

from __future__ import annotations

import os
import random
import secrets

import pytest
from hypothesis import HealthCheck, settings

_calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("same", _calm, derandomize=True)
settings.register_profile("search", _calm, max_examples=2_000)
"""For finding what the same examples never show: `pytest --hypothesis-profile search`."""
settings.load_profile("same")

_TERMINAL = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE")
"""Of whoever runs the tests: what we print must not depend on it, unless a test says so."""
for _name in _TERMINAL:
    os.environ.pop(_name, None)
os.environ["TERM"] = "xterm"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a run that is given no seed draw the same one each time: by the test's name."""
    secrets.randbits = random.Random(item.nodeid).getrandbits  # type: ignore[assignment]
