"""The arrows of the architecture page: who may import whom, and who may know of wall time, chance and sockets."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "cpescript"

LEAVES = {"diagnostics", "libraries", "masking", "regular", "results", "templates"}
"""Modules that every room may use; they import none but each other."""

MAY_IMPORT: dict[str, set[str]] = {
    "kernel": set(),
    "pattern": {"kernel"},
    "device": {"kernel"},
    "cwmp": {"kernel", "device"},
    "quirks": {"kernel", "device", "cwmp", "pattern"},
    # Catalogues and schemas: names and types of what a scenario can speak of, nothing that runs.
    "language": {"kernel", "pattern", "device", "cwmp", "quirks"},
    "judge": {"kernel", "pattern"},
    "acs": {"kernel", "cwmp"},
    "transport": {"kernel", "device", "cwmp", "acs"},
    "adapters": {"kernel", "device", "cwmp", "acs", "transport"},
    "execution": {"kernel", "pattern", "device", "judge", "language"},
    "simulation": {
        "kernel",
        "pattern",
        "device",
        "cwmp",
        "quirks",
        "acs",
        "transport",
        "adapters",
        "judge",
        "execution",
        "language",
    },
    "runner": {
        "kernel",
        "pattern",
        "device",
        "cwmp",
        "quirks",
        "acs",
        "transport",
        "adapters",
        "judge",
        "execution",
        "language",
        "simulation",
    },
    # Names and types, as the checker knows them, and the words of the catalogues.
    "highlight": {"language"},
    "lsp": {"language", "device", "quirks"},
    "recording": {
        "kernel",
        "pattern",
        "device",
        "cwmp",
        "acs",
        "transport",
        "judge",
        "execution",
        "language",
        "simulation",
        "runner",
    },
    "report": {"kernel"},
    # What authors write in Python: a case that is stepped, and its claims told in the reports' words.
    "api": {"kernel", "language", "execution", "simulation", "runner", "report"},
    "pytest_plugin": {"language", "runner", "report", "api"},
    "cli": {"kernel", "device", "language", "lsp", "acs", "transport", "runner", "recording", "report"},
    "__main__": {"cli"},
}
"""Room to the rooms that it may look into, besides itself and the leaves."""

ONE_WAY_IN: dict[tuple[str, str], set[str]] = {
    ("execution", "language"): {"timeline"},
    ("language", "device"): {"profile", "schema", "states"},
    ("language", "cwmp"): {"rpcs"},
    ("report", "kernel"): {"time"},
    ("adapters", "transport"): {"base", "calls"},
    # The bounded YAML reader that keeps places, and its durations.
    ("adapters", "device"): {"yaml_nodes", "durations"},
}
"""Where a room may look into another by a few of its modules only."""

PURE = ("kernel", "device", "cwmp", "acs", "pattern", "judge", "execution", "quirks")
"""Rooms that take time and chance from the kernel, and bytes from whoever has them."""
NOT_IN_PURE_ROOMS = {"time", "random", "secrets", "uuid", "asyncio", "socket", "ssl", "select", "threading", "aiohttp"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of everything a module imports, wherever in it: late imports are arrows too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def objections(path: Path) -> Iterator[str]:
    """Yield every import of a module that the tables above do not allow."""
    room = room_of(path)
    for line, name in imports(path):
        first, *rest = name.split(".")
        place = f"{path.relative_to(PACKAGE.parent)}:{line}"
        if room in PURE and first in NOT_IN_PURE_ROOMS:
            yield f"{place}: {room} knows no {first}"
        if first != "cpescript" or not rest:
            continue
        other = rest[0]
        if other in (room, "__version__") or other in LEAVES:
            continue
        if room in LEAVES or other not in MAY_IMPORT.get(room, set()):
            yield f"{place}: {room} does not look into {other}"
        elif (room, other) in ONE_WAY_IN and rest[1] not in ONE_WAY_IN[room, other]:
            yield f"{place}: {room} does not look into {other}.{rest[1]}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_along_the_arrows(path):
    assert list(objections(path)) == []


def test_every_room_is_in_the_table():
    rooms = {room_of(path) for path in modules()} - {"__init__"} - LEAVES
    assert rooms <= set(MAY_IMPORT)


def test_the_arrows_point_one_way():
    order = list(MAY_IMPORT)
    assert all(order.index(other) < order.index(room) for room in order for other in MAY_IMPORT[room])


@pytest.mark.parametrize(
    ("room", "text", "objection"),
    [
        ("kernel", "from cpescript.device.schema import Schema", "kernel does not look into device"),
        ("report", "import cpescript.runner.run", "report does not look into runner"),
        ("report", "from cpescript.kernel import queue", "report does not look into kernel.queue"),
        ("cwmp", "def f():\n    import time", "cwmp knows no time"),
        ("judge", "from asyncio import sleep", "judge knows no asyncio"),
    ],
)
def test_a_wrong_import_is_noticed(tmp_path, monkeypatch, room, text, objection):
    monkeypatch.setattr(f"{__name__}.PACKAGE", tmp_path / "cpescript")
    path = tmp_path / "cpescript" / room / "wrong.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert [one.split(": ", 1)[1] for one in objections(path)] == [objection]
