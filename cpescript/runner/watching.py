"""Between a case and whoever watches it: secrets are masked on the way."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from cpescript.language.timeline import Timeline
from cpescript.masking import Masker
from cpescript.results import MessageLine, ScenarioResult, Snapshot
from cpescript.runner.options import Observer, RunOptions


def masker_of(timeline: Timeline | None, options: RunOptions) -> Masker:
    """Return what masks the secrets of a case: its `secret param`s, and the passwords of the ACS under test."""
    secrets = [param.value for param in timeline.params if param.secret] if timeline is not None else []
    urls = (options.acs, options.north or "", options.wire.proxy or "", options.north_side.proxy or "")
    known = [*secrets, *options.secrets, *[password for url in urls for password in passwords_in(url)]]
    return Masker(known, options.learnt)


def passwords_in(url: str) -> list[str]:
    """Return the password that stands in a URL, as it is spelt there and as it is."""
    try:
        password = urlsplit(url).password
    except ValueError:
        # No URL at all; whoever uses it says so.
        return []
    return [password, unquote(password)] if password else []


class Masked:
    """An observer that tells another one everything but secrets."""

    def __init__(self, observer: Observer, masker: Masker) -> None:
        self._observer = observer
        self._masker = masker

    def started(self, title: str, file: str) -> None:
        self._observer.started(self._masker.text(title, authors=True), self._masker.text(file, authors=True))

    def step(self, t: int, line: int, source: str) -> None:
        self._observer.step(t, line, self._masker.text(source, authors=True))

    def message(self, device: str, line: MessageLine) -> None:
        self._observer.message(device, self._masker.value(line))

    def progress(self, snapshot: Snapshot) -> None:
        self._observer.progress(self._masker.value(snapshot))

    def make_room(self, asking: bool) -> None:
        self._observer.make_room(asking)

    def finished(self, result: ScenarioResult) -> None:
        self._observer.finished(self._masker.value(result))
