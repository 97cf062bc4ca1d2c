"""Files of a device that are no firmware: the configuration and the log that it uploads, the configuration it takes.

A configuration is text: a line `path=value` for each writable parameter, UTF-8, passwords left empty. It is what our
devices upload as `1` or `3 Vendor Configuration File`, and what they take by a Download of `3 Vendor Configuration
File` that is really fetched; empty values of passwords change nothing there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cpescript.kernel.time import SECOND, format_instant

if TYPE_CHECKING:
    from cpescript.cwmp.agent import CwmpAgent

CONFIGURATION = "3 Vendor Configuration File"
_LOGS = ("2 Vendor Log File", "4 Vendor Log File")
_ESCAPE = re.compile(r"\\(.)")


def rendered(agent: CwmpAgent, file_type: str) -> bytes:
    """Return the file that the device uploads for a file type: its log, or else its configuration."""
    return (_log(agent) if file_type.startswith(_LOGS) else _configuration(agent)).encode()


def _configuration(agent: CwmpAgent) -> str:
    device = agent.device
    lines = []
    for path in device.leaves(""):
        leaf = device.leaf(path)
        if leaf is not None and leaf.writable:
            lines.append(f"{path}={_escaped(device.shown(path))}\n")
    return "".join(lines)


def _log(agent: CwmpAgent) -> str:
    device = agent.device
    host = device.host
    booted, now = (format_instant(host.start + each) for each in (device.booted_at, host.kernel.now))
    lines = [
        f"{booted} boot",
        f"{now} up {(host.kernel.now - device.booted_at) // SECOND} s",
        f"{now} sessions {agent.sessions}, failed in a row {agent.retry_count}",
    ]
    lines += [f"{now} pending {event.code}" for event in agent.events]
    return "".join(f"{line}\n" for line in lines)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), text)


def applied(agent: CwmpAgent, text: bytes) -> str:
    """Set what a configuration says, all or nothing; return what is wrong with it, empty where nothing is."""
    device = agent.device
    try:
        lines = text.decode().replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        return "the configuration is not UTF-8"
    settings = []
    for number, line in enumerate(lines, 1):
        path, equals, value = line.partition("=")
        if not line.strip() or line.startswith("#"):
            continue
        if not equals or device.check(path, _plain(value)):
            return f"line {number} of the configuration sets nothing that can be set"
        if value or not device.schema.hides(path):
            settings.append((path, _plain(value)))
    for path, value in settings:
        device.write(path, value, "device")
    return ""
