"""Named targets: `[acs.NAME]` in `cpescript.toml`, or `[tool.cpescript.acs.NAME]` in `pyproject.toml`.

The file is looked for in the current folder and upwards; the first that names a target counts. A target that somebody
wrote down is one that he means: no `--yes` is asked for, unless it says `yes = false`.

A text may be left to the environment: `password = {environment = "LAB_PASSWORD"}`. What comes from there is a secret,
and so is every `password`: no output shows it. What the command line says is stronger than the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

from cpescript.diagnostics import did_you_mean
from cpescript.kernel.time import parse_duration
from cpescript.runner.options import DEFAULT_IN_FLIGHT, DEFAULT_WINDOW, EMBEDDED, RunOptions
from cpescript.runner.options import NorthSide as NorthSide
from cpescript.transport.options import DEFAULT, ConnectionsKept, WireOptions

_HOST = re.compile(r"localhost|[\w.-]+:\d{1,5}|\d+(\.\d+){3}", re.ASCII)
"""What somebody writes who means a URL, and leaves out what does not vary."""


class ConfigError(Exception):
    """A target that there is not, or a file that cannot be read. The text is for the user."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class NamedTarget:
    """An ACS by name: its CWMP URL, how orders reach it, and how a run treats it. None: as the command line says."""

    url: str = ""
    """Empty for a system that takes orders only."""
    adapter: str | None = None
    north: str | None = None
    side: NorthSide = field(default_factory=NorthSide)
    wire: WireOptions = DEFAULT
    serial_prefix: str | None = None
    window: int | None = None
    in_flight: int | None = None
    patience: int | None = None
    session_gap: int | None = None
    keep: bool | None = None
    yes: bool = True
    secrets: tuple[str, ...] = ()


# --- keys -------------------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """Where a value stands, and the environment that texts may be left to."""

    file: Path
    target: str
    key: str
    environment: Mapping[str, str]
    secrets: list[str]

    def error(self, what: str, remedy: str = "") -> ConfigError:
        return ConfigError(f"{self.file}: '{self.key}' of '{self.target}' {what}", remedy)


def _text(place: _Place, value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"environment"} and isinstance(value["environment"], str):
        name = value["environment"]
        found = place.environment.get(name)
        if found is None:
            raise place.error(f"comes from the environment, and {name} is not set", f"export {name}=…")
        place.secrets.append(found)
        return found
    if not isinstance(value, str):
        raise place.error("is a text", 'or {environment = "NAME"}')
    return value


def _secret(place: _Place, value: Any) -> str:
    found = _text(place, value)
    place.secrets.append(found)
    return found


def _flag(place: _Place, value: Any) -> bool:
    if not isinstance(value, bool):
        raise place.error("is true or false")
    return value


def _number(place: _Place, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise place.error("is a whole number from 1")
    return value


def _duration(place: _Place, value: Any) -> int:
    text = _text(place, value)
    try:
        return 0 if text == "0" else int(parse_duration(text))
    except ValueError:
        raise place.error("is a duration", "write 250ms, 30s or 5m") from None


def _file(place: _Place, value: Any) -> Path:
    path = (place.file.parent / _text(place, value)).resolve()
    if not path.is_file():
        raise place.error(f"names a file that there is not: {path}", "paths are relative to this file")
    return path


def _folder(place: _Place, value: Any) -> Path:
    path = (place.file.parent / _text(place, value)).resolve()
    if not path.is_dir():
        raise place.error(f"names a folder that there is not: {path}", "paths are relative to this file")
    return path


def _texts(place: _Place, value: Any) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(place, each) for each in value)
    return (_text(place, value),)


def _connections(place: _Place, value: Any) -> str:
    choices = get_args(ConnectionsKept)
    if value not in choices:
        raise place.error(f"is one of {', '.join(choices)}")
    return str(value)


def _adapter(place: _Place, value: Any) -> str:
    text = _text(place, value)
    beside = place.file.parent / text
    return str(beside.resolve()) if text.endswith((".yaml", ".yml")) and beside.is_file() else text


def _options(place: _Place, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise place.error("is a table of texts", 'options = {user = "lab"}')
    return {name: _text(place._replace(key=f"{place.key}.{name}"), each) for name, each in value.items()}


class _Key(NamedTuple):
    read: Callable[[_Place, Any], Any]
    north: bool
    """Whether it belongs to the north side."""
    summary: str
    wire: str = ""
    """The field of `WireOptions` that it sets, for how devices reach the ACS."""


KEYS: Mapping[str, _Key] = {
    "url": _Key(_text, False, "where devices send their Informs; may be left out for a system that takes orders only"),
    "adapter": _Key(_adapter, False, "`cpescript`, `genieacs`, `manual`, `command`, or an adapter file"),
    "north": _Key(_text, False, "URL of the north side; for `command`, the program with its arguments"),
    "options": _Key(_options, True, "table of the options of an adapter file"),
    "username": _Key(_text, True, "of the north side, with Basic authentication"),
    "password": _Key(_secret, True, "of the north side"),
    "proxy": _Key(_text, True, "URL of an HTTP proxy for the north side"),
    "tls_ca": _Key(_file, True, "certificates that the north side's may be signed by, PEM"),
    "tls_certificate": _Key(
        _file, True, "our own certificate for the north side, PEM, with its key or beside `tls_key`"
    ),
    "tls_key": _Key(_file, True, "the key of `tls_certificate`, PEM"),
    "tls_insecure": _Key(_flag, True, "`true`: the north side's certificate is not checked; the report says so"),
    "cwmp_tls_ca": _Key(_file, False, "as `--tls-ca`: certificates that the ACS's may be signed by, PEM", "tls_ca"),
    "cwmp_tls_insecure": _Key(_flag, False, "as `--tls-insecure`", "tls_insecure"),
    "cwmp_client_certs": _Key(_folder, False, "as `--tls-client-certs`", "tls_client_certs"),
    "cwmp_proxy": _Key(_text, False, "as `--proxy`", "proxy"),
    "connections": _Key(
        _connections, False, "as `--connections`: `profile`, `kept` by each device, or `shared` by all", "connections"
    ),
    "source_address": _Key(_texts, False, "as `--source-address`; a text, or a list of them", "source_addresses"),
    "answers_held": _Key(_number, False, "as `--answers-held`, in MiB", "answers_held"),
    "serial_prefix": _Key(_text, False, "as `--serial-prefix`"),
    "window": _Key(_duration, False, "as `--window`"),
    "in_flight": _Key(_number, False, "as `--in-flight`"),
    "patience": _Key(_duration, False, "as `--patience`"),
    "session_gap": _Key(_duration, False, "as `--session-gap`"),
    "keep": _Key(_flag, False, "as `--keep`"),
    "yes": _Key(_flag, False, "`false`: `--yes` is asked for all the same (`true`)"),
}
"""What a target may say: how each is read, and what it means. The how-to's table is made from it."""


# --- reading ----------------------------------------------------------------------------------------------------------


def with_target(options: RunOptions, folder: Path | None = None) -> RunOptions:
    """Return the options with a target's name replaced by what the configuration says. Raises ConfigError.

    `embedded` and URLs stay as they are; what the command line says is stronger than the target.
    """
    if options.acs == EMBEDDED or "://" in options.acs:
        return options
    target = named(options.acs, options.environment, folder)
    if not target.url:
        raise ConfigError(f"the target '{options.acs}' has no url", 'devices need one: url = "http://…"')
    return replace(
        options,
        acs=target.url,
        adapter=options.adapter or target.adapter,
        north=options.north or target.north,
        north_side=target.side,
        wire=_wire(options.wire, target.wire),
        serial_prefix=options.serial_prefix or target.serial_prefix or "",
        window_ns=_unless_given(options.window_ns, DEFAULT_WINDOW, target.window),
        in_flight=_unless_given(options.in_flight, DEFAULT_IN_FLIGHT, target.in_flight),
        patience_ns=options.patience_ns if options.patience_ns is not None else target.patience,
        session_gap_ns=options.session_gap_ns if options.session_gap_ns is not None else target.session_gap,
        keep=options.keep or bool(target.keep),
        yes=options.yes or target.yes,
        secrets=(*options.secrets, *target.secrets),
    )


def check_addresses(options: RunOptions) -> None:
    """Refuse to make connections from an address that is none of this machine's. Raises ConfigError."""
    if options.acs == EMBEDDED or not options.wire.source_addresses:
        return
    from cpescript.transport.reach import foreign

    if wrong := foreign(options.wire.source_addresses):
        raise ConfigError(wrong, "--source-address takes addresses of this machine; 'ip address' lists them")


def _wire(given: WireOptions, configured: WireOptions) -> WireOptions:
    """Return what the command line says, and the target's where it says nothing."""
    names = WireOptions.__dataclass_fields__
    said = {name: getattr(given, name) for name in names if getattr(given, name) != getattr(DEFAULT, name)}
    return replace(configured, **said)


def _unless_given(given: int, default: int, configured: int | None) -> int:
    return configured if configured is not None and given == default else given


def named(name: str, environment: Mapping[str, str], folder: Path | None = None) -> NamedTarget:
    """Return the target of that name. Raises ConfigError where there is none."""
    known = targets(folder if folder is not None else Path.cwd(), environment, only=name)
    target = known.get(name)
    if target is None:
        names = ", ".join(known) or "none is"
        url = f"http://{name}/" if _HOST.fullmatch(name) else "a URL"
        remedy = did_you_mean(name, known, f"{names} named in cpescript.toml; or give {url}")
        raise ConfigError(f"no ACS is called '{name}'", remedy)
    return target


def targets(
    folder: Path, environment: Mapping[str, str] | None = None, only: str | None = None
) -> dict[str, NamedTarget]:
    """Return the targets that the nearest configuration at or above a folder names. Raises ConfigError.

    With `only`, the others are named but not read: what they want of the environment may be missing.
    """
    for file, tables in _configurations(folder):
        if tables:
            return {
                str(name): _target(file, str(name), table, environment or {}) if only in (None, name) else NamedTarget()
                for name, table in tables.items()
            }
    return {}


def _configurations(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for place in (folder, *folder.absolute().parents):
        for name, keys in (("cpescript.toml", ("acs",)), ("pyproject.toml", ("tool", "cpescript", "acs"))):
            file = place / name
            if not file.is_file():
                continue
            try:
                table: Any = tomllib.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise ConfigError(f"{file}: {error}") from None
            for key in keys:
                table = table.get(key, {}) if isinstance(table, dict) else {}
            if not isinstance(table, dict):
                raise ConfigError(f"{file}: targets are tables, as in [{'.'.join(keys)}.staging]")
            yield file, table


def _target(file: Path, name: str, table: Any, environment: Mapping[str, str]) -> NamedTarget:
    if not isinstance(table, dict) or not ("url" in table or "adapter" in table):
        raise ConfigError(f"{file}: the target '{name}' has no url", 'url = "http://…"')
    secrets: list[str] = []
    own: dict[str, Any] = {}
    side: dict[str, Any] = {}
    wire: dict[str, Any] = {}
    for key, value in table.items():
        known = KEYS.get(key)
        if known is None:
            raise ConfigError(f"{file}: '{key}' says nothing about a target", did_you_mean(key, KEYS, ", ".join(KEYS)))
        place = _Place(file, name, key, environment, secrets)
        (wire if known.wire else side if known.north else own)[known.wire or key] = known.read(place, value)
    if "tls_key" in side and "tls_certificate" not in side:
        raise ConfigError(f"{file}: '{name}' has a tls_key, but no tls_certificate")
    return NamedTarget(side=NorthSide(**side), wire=WireOptions(**wire), secrets=tuple(secrets), **own)
