"""Reads the fenced blocks of the pages, with the comments in front of them that say what they promise.

A comment is `<!-- word: value -->` or `<!-- word -->`, on a line of its own in front of the block:

    verdict: passed | failed line N | …    what a ```cpes block comes to (passed, where nothing is said)
    defect: NAME                           run with that deliberate defect of the embedded ACS
    check only                             checks without an error, and is not run
    error: CODE                            does not check, with that code among its errors
    prelude, fragment                      a fragment of the page stands behind the page's prelude
    after the changes                      works when the changes of its page are made
    exit: N                                the last command of a ```console block ends with that status (0)

`title="name"` on the fence saves the block under that name beside the ones that follow it on its page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

_FENCE = re.compile(r'( *)```(\w*)(?:[^"\n]*title="([^"]+)")?.*')
_MARK = re.compile(r"<!-- *([\w ]+?)(?:: *(.*?))? *-->")


@dataclass(frozen=True)
class Block:
    """A fenced block: `line` is where its text begins, `marks` what the comments in front of it say."""

    page: str
    line: int
    language: str
    title: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(path: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    return list(_read(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8").splitlines()))


def _read(page: str, lines: list[str]) -> Iterator[Block]:
    marks: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        fence = _FENCE.fullmatch(line)
        mark = _MARK.fullmatch(line.strip())
        if fence is None:
            if mark is not None:
                marks[mark[1]] = mark[2] or ""
            elif line.strip():
                marks = {}
            continue
        indent, language, title = fence.groups()
        end = next(at for at in range(number, len(lines)) if lines[at].strip() == "```")
        text = "".join(f"{each.removeprefix(indent)}\n" for each in lines[number:end])
        yield Block(page, number + 1, language, title or "", text, marks)
        marks, number = {}, end + 1


def save_titled(blocks: list[Block], upto: Block, folder: Path) -> None:
    """Write the titled blocks of a page, up to and with `upto`, into a folder; of two with one name the later wins."""
    for block in blocks[: blocks.index(upto) + 1]:
        if block.title and not (ROOT / block.title).exists():
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
