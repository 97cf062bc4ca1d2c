"""Keeps secrets out of everything that is shown or written: one masker for results, traces and whoever watches a run.

Rules:

1. A secret of four characters or more that is no plain number or truth value is masked wherever it stands in a text,
   also in the spellings that XML, JSON, URLs and base64 give it, and where a text was cut in the middle of it.
2. A shorter one, a number or a truth value is masked where it stands alone: `4711` in `pin 4711`, not in `14711` or
   `4711s`. Names of scenarios and files, tags and source lines are left as they are: what stands there was
   written by the author, and is no value of the run.
3. Numbers, truth values and the keys of mappings are never changed: a document keeps its shape.
4. Of a list or a map each value is a secret.
5. What the language's functions make of a secret is one too: `upper(key)`, `lower(key)`, `sha256(key)`, and with them
   what is put together of it. A digest of more than the secret (`sha256(key + salt)`) is not known to be one.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from hashlib import sha256
from json import dumps
from shlex import join
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import quote, quote_plus

MASK = "***"
"""Stands for a secret. Its length says nothing about the secret's."""

SHORTEST = 4
"""Characters from which a secret is masked inside words too. Three letters are part of half the words there are."""
CUT_FROM = 6
"""Characters of a secret's beginning that are masked where a text was cut behind them."""

_PLAIN = re.compile(r"[-+]?[\d.]+|true|false|none|null", re.IGNORECASE)
_AUTHORS = frozenset(
    ("name", "title", "file", "source", "tags", "docstring", "statement", "label", "device", "identity", "profile",
     "rerun", "acs", "clock", "version", "started", "trace_digest", "kind")
)  # fmt: skip
"""Fields of the result model that hold an author's own words, or ours: rule 2 leaves them alone."""


class Masker:
    """Masks some secrets. False where there are none: a caller may skip the work.

    `learnt` may grow while the masker is in use: secrets that come up in a run, a login's token.
    """

    __slots__ = ("_anywhere", "_beginnings", "_learnt", "_read", "_secrets", "_words")

    def __init__(self, secrets: Iterable[Any] = (), learnt: Sequence[str] = ()) -> None:
        self._secrets = tuple(secrets)
        self._learnt = learnt
        self._read = -1
        self._refresh()

    def _refresh(self) -> None:
        """Work the patterns out, where there is anything new."""
        if self._read == len(self._learnt):
            return
        self._read = len(self._learnt)
        given = {text for secret in (*self._secrets, *self._learnt) for text in _texts(secret) if text.strip()}
        texts = {made for text in given for made in _made_of(text)}
        words = {text for text in texts if len(text) < SHORTEST or _PLAIN.fullmatch(text)}
        spelt = {spelling for text in texts - words for spelling in _spellings(text)}
        self._anywhere = _pattern(spelt, "", "")
        self._words = _pattern(words, r"(?<![\w.:])", r"(?!\w|[.:]\w)")
        self._beginnings = sorted((text for text in spelt if len(text) > CUT_FROM), key=len, reverse=True)

    def __bool__(self) -> bool:
        self._refresh()
        return self._anywhere is not None or self._words is not None

    def text(self, text: str, *, authors: bool = False) -> str:
        """Return a text without the secrets; of an author's own words (`authors`) by rule 1 only."""
        self._refresh()
        if self._anywhere is not None:
            text = self._anywhere.sub(MASK, text)
            text = self._cut(text)
        if self._words is not None and not authors:
            text = self._words.sub(MASK, text)
        return text

    def value(self, value: Any, *, authors: bool = False) -> Any:
        """Return plain data or a part of the result model with every text in it masked.

        What a field's type allows only a few words for (a verdict, a direction) is left alone.
        """
        if isinstance(value, str):
            return self.text(value, authors=authors)
        if isinstance(value, Mapping):
            return {key: self.value(item, authors=authors) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self.value(item, authors=authors) for item in value]
            return items if isinstance(value, list) else tuple(items)
        if is_dataclass(value) and not isinstance(value, type):
            changed = {}
            for name in _masked_fields(type(value)):
                before = getattr(value, name)
                after = self.value(before, authors=name in _AUTHORS)
                if after != before:
                    changed[name] = after
            return replace(value, **changed) if changed else value
        return value

    def _cut(self, text: str) -> str:
        """Mask the beginning of a secret where the text was cut behind it: at its end, and at each `…`."""
        if not any(beginning[:CUT_FROM] in text for beginning in self._beginnings):
            return text
        parts = text.split("…")
        for index, part in enumerate(parts):
            for secret in self._beginnings:
                kept = next((n for n in range(len(secret) - 1, CUT_FROM - 1, -1) if part.endswith(secret[:n])), 0)
                if kept:
                    parts[index] = part = part[:-kept] + MASK
        return "…".join(parts)


def _texts(secret: Any) -> Iterator[str]:
    """Yield the texts that a value is written as."""
    if isinstance(secret, bool):
        yield str(secret).lower()
    elif isinstance(secret, Mapping):
        for item in secret.values():
            yield from _texts(item)
    elif isinstance(secret, (list, tuple)):
        for item in secret:
            yield from _texts(item)
    elif secret is not None:
        yield str(secret)


def _made_of(text: str) -> tuple[str, ...]:
    """Return a text and what functions of the language make of it (`pattern.functions`)."""
    return text, text.upper(), text.lower(), sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _spellings(text: str) -> Iterator[str]:
    """Yield a text as it stands, and as XML, JSON, Python, URLs and base64 write it."""
    xml = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for plain in (text, xml, xml.replace('"', "&quot;"), xml.replace('"', "&#34;").replace("'", "&#39;")):
        yield plain
        yield dumps(plain)[1:-1]
        yield dumps(plain, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield quote(text, safe="")
    yield quote_plus(text)
    yield b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _pattern(texts: Iterable[str], before: str, behind: str) -> re.Pattern[str] | None:
    longest_first = sorted(set(texts), key=lambda text: (-len(text), text))
    if not longest_first:
        return None
    return re.compile(f"{before}(?:{'|'.join(map(re.escape, longest_first))}){behind}")


@cache
def _masked_fields(kind: type) -> tuple[str, ...]:
    """Return the fields of a dataclass that can hold a text of the run."""
    hints = get_type_hints(kind)
    return tuple(field.name for field in fields(kind) if not _fixed(hints[field.name]))


def _fixed(hint: Any) -> bool:
    """Whether a field of this type holds no free text: a number, or one of a few words."""
    origin = get_origin(hint)
    if origin is Literal:
        return True
    if hint in (int, float, bool):
        return True
    return origin is not None and origin is not tuple and all(_fixed(part) for part in get_args(hint))


_USERINFO = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")


def without_password(text: str) -> str:
    """Return a text without the passwords of the URLs in it."""
    return _USERINFO.sub(rf"\1:{MASK}@", text)


def command_line(words: Sequence[str]) -> str:
    """Return a command line without the values of `--param` and the passwords of URLs."""
    shown = []
    value = False
    for word in words:
        name, sign, _ = word.removeprefix("--param=").partition("=")
        if value or word.startswith("--param="):
            word = f"{'' if value else '--param='}{name}{sign and f'={MASK}'}"
        value = word == "--param" and not value
        shown.append(without_password(word))
    return join(shown)


NOTHING = Masker()
"""Masks nothing."""
