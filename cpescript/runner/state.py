"""`--state FILE`: keeps a fleet between runs, so that what was provisioned yesterday boots today with `1 BOOT`.

One row a device in a SQLite file, by its identity (OUI-ProductClass-SerialNumber). Rules:

1. A device that is spawned with an identity that is in the file goes on as that device; any other is a new one. For the
   device no time has passed in between; it is switched on, and boots.
2. At the end of each scenario the file is written anew, whole or not at all. Devices that took no part stay in it, and
   so do devices that a scenario has stopped.
3. Drawn values (passwords, serial numbers) follow from the seed, so a file belongs to one seed: that of the first run.
4. Under a profile that has changed, what it no longer has is dropped, and generators begin anew.
5. A file of something else, of another version or one that is broken is refused, and left as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cpescript.cwmp import kept
from cpescript.device.device import Device
from cpescript.device.schema import Schema
from cpescript.runner.target import Refused

if TYPE_CHECKING:
    from cpescript.simulation import Simulation

APPLICATION = 0x43504553
"""The application id in the file's header: "CPES"."""
VERSION = 5
"""The version of the tables and of what stands in them."""

_TABLES = """
CREATE TABLE run (seed TEXT NOT NULL);
CREATE TABLE device (identity TEXT PRIMARY KEY, profile TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
"""


class StateError(Refused):
    """The file cannot be used; `remedy` says what to do."""


def fingerprint(schema: Schema) -> str:
    """Return a digest of everything in a profile that a saved device depends on."""
    digest = hashlib.sha256()
    for leaf in schema.leaves.values():
        digest.update(f"{leaf.path}\0{leaf.type}\0{leaf.default}\0{leaf.generator!r}\n".encode())
    for table in schema.tables.values():
        digest.update(f"{table.path}\0{table.declared}\n".encode())
    return digest.hexdigest()[:32]


class State:
    """A fleet's file. `seed` is that of its first run, None for a file that is yet to be made.

    Raises StateError where the file is no state, of another version, or broken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seed: int | None = None
        self.restored = 0
        """Devices that were gone on with in the present scenario."""
        self.moved = 0
        """Those of them whose ACS is at another URL than before."""
        self._fingerprints: dict[int, str] = {}
        self._file: sqlite3.Connection | None = None
        if path.exists() and path.stat().st_size:
            self._open()

    def _open(self) -> None:
        with self._refusing():
            file = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True)
            self._file = file
            if file.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
                raise StateError(f"'{self.path}' is no state of a fleet", "name another file")
            version = file.execute("PRAGMA user_version").fetchone()[0]
            if version != VERSION:
                raise StateError(
                    f"'{self.path}' has version {version} of the format, this is {VERSION}",
                    "begin a new file, or use the version of cpescript that wrote it",
                )
            if file.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise StateError(f"'{self.path}' is broken", "begin a new file")
            self.seed = int(file.execute("SELECT seed FROM run").fetchone()[0])

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, TypeError, ValueError) as error:
            self.close()
            raise StateError(f"'{self.path}' cannot be read as the state of a fleet: {error}") from error
        except StateError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # --- devices --------------------------------------------------------------------------------------------------

    def restore(self, simulation: Simulation, device: Device) -> None:
        """Let a device that was just made, and is not switched on yet, go on as the one that was saved, if it was."""
        if self._file is None:
            return
        with self._refusing():
            query = "SELECT profile, state FROM device WHERE identity = ?"
            row = self._file.execute(query, (device.identity,)).fetchone()
            if row is None:
                return
            saved: dict[str, Any] = json.loads(row[1])
            try:
                same = row[0] == self._fingerprint(device.schema)
                kept.grow(device, saved["agent"])
                device.restore(saved["device"], same_profile=same)
                simulation.quirks.restore(device, saved.get("quirks", ()), same_profile=same)
                self.moved += kept.restore(device.agent, saved["agent"])
            except (KeyError, AttributeError) as error:
                raise StateError(f"'{self.path}' holds nothing that is a device for {device.identity}") from error
        self.restored += 1

    def save(self, simulation: Simulation) -> None:
        """Write the fleet as it stands, besides the devices that were in the file and took no part.

        Raises StateError where the file cannot be written; then the old one is left as it was.
        """
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            part.unlink(missing_ok=True)
            with closing(sqlite3.connect(part)) as file:
                file.executescript(_TABLES)
                file.execute(f"PRAGMA application_id = {APPLICATION}")
                file.execute(f"PRAGMA user_version = {VERSION}")
                file.execute("INSERT INTO run VALUES (?)", (str(simulation.seed),))
                if self._file is not None:
                    file.executemany("INSERT INTO device VALUES (?, ?, ?)", self._file.execute("SELECT * FROM device"))
                file.executemany("INSERT OR REPLACE INTO device VALUES (?, ?, ?)", self._rows(simulation))
                file.commit()
            self.close()
            os.replace(part, self.path)
        except (sqlite3.Error, OSError) as error:
            with suppress(OSError):
                part.unlink()
            raise StateError(f"'{self.path}' cannot be written: {error}") from error
        self.restored = self.moved = 0
        self._open()

    def remarks(self) -> tuple[str, ...]:
        """Return what a reader of the present scenario's result should know of the devices that went on."""
        if not self.moved:
            return ()
        many = f"{self.moved} of {self.restored} device{'s' if self.restored > 1 else ''} of '{self.path}'"
        return (f"{many} had another ACS URL before: to the present one they came with 0 BOOTSTRAP",)

    def _rows(self, simulation: Simulation) -> Iterator[tuple[str, str, str]]:
        for device in simulation.devices:
            state: dict[str, Any] = {"device": device.saved(), "agent": kept.saved(device.agent)}
            quirks = simulation.quirks.saved(device)
            if quirks:
                state["quirks"] = quirks
            text = json.dumps(state, separators=(",", ":"), ensure_ascii=False)
            yield device.identity, self._fingerprint(kept.profile(device.agent)), text

    def _fingerprint(self, schema: Schema) -> str:
        known = self._fingerprints.get(id(schema))
        if known is None:
            known = self._fingerprints[id(schema)] = fingerprint(schema)
        return known
