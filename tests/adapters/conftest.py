"""`here` runs an adapter's coroutines; `genie` is a GenieACS-shaped server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.serving import Here


@pytest.fixture
def here() -> Iterator[Here]:
    here = Here()
    yield here
    here.loop.close()
