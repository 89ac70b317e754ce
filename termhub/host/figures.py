"""What each console used, and whose it is: one file a console, until the hub has counted it.

A file is there before the console's processes are, and its last figures are in it before
its control groups are removed; so nothing that was used goes uncounted, whenever the
launcher is killed.  The folder is the launcher's alone: what a console's own folder says
might have been written by the console.

Invariant: counters only grow over a console's life.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from termhub.host.folder import CONSOLE_ID, Folder

COUNTERS = ("cpu_seconds", "oom_kills", "network_in", "network_out")
GAUGES = ("memory_bytes", "processes")

Usage = dict[str, int | float | None]


class Figures:
    """The figures of all consoles of one data folder.

    :param path: ``RUN/usage``; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        self._folder = Folder(path)
        self._records: dict[str, dict[str, Any]] = {}
        for name in os.listdir(path):
            console = name.removesuffix(".json")
            if CONSOLE_ID.fullmatch(console) and name.endswith(".json"):
                record = self._folder.read(name)
                if record is not None and isinstance(record.get("owner"), int):
                    self._records[console] = record

    def begin(self, console: str, owner: int, network: str) -> None:
        """A console is about to be made; :raises OSError: when that cannot be written.

        :param owner: its user's number.
        :param network: what it reaches of the network.
        """
        self._write(console, {"owner": owner, "network": network})

    def started(self, console: str, pid: int, start_time: int) -> None:
        """Its agent runs.

        :param pid: as seen from here.
        :param start_time: of it, in clock ticks since boot.
        """
        if console in self._records:
            self._write(console, {**self._records[console], "pid": pid, "start": start_time})

    def note(self, console: str, usage: Usage) -> Usage:
        """What it uses now; no counter of it is lower than it was."""
        record = self._records[console]
        for name in COUNTERS:
            read = [value for value in (record.get(name), usage.get(name)) if value is not None]
            record[name] = max(read, default=None)
        for name in GAUGES:
            record[name] = usage.get(name)
        return {name: record[name] for name in (*COUNTERS, *GAUGES)}

    def end(self, console: str) -> None:
        """It has ended: what was noted last is what it used; :raises OSError: if not written."""
        record = self._records.get(console)
        if record is not None and not record.get("ended"):
            self._write(console, {**record, **dict.fromkeys(GAUGES, 0), "ended": True})

    def drop(self, console: str) -> None:
        """There never was such a console, or it has been counted."""
        self._records.pop(console, None)
        (self._folder.path / f"{console}.json").unlink(missing_ok=True)

    def counted(self, consoles: Iterable[str]) -> None:
        """The hub has counted these; those that have ended are forgotten."""
        for console in consoles:
            if self._records.get(console, {}).get("ended"):
                self.drop(console)

    def get(self, console: str) -> dict[str, Any] | None:
        """What is known of a console."""
        return self._records.get(console)

    def living(self) -> list[str]:
        """The consoles that have not ended."""
        return [console for console, record in self._records.items() if not record.get("ended")]

    def owners(self) -> set[int]:
        """The users with consoles that have not ended."""
        return {int(record["owner"]) for record in self._records.values() if not record.get("ended")}

    def page(self, after: str, most: int) -> tuple[list[str], str]:
        """The first ``most`` consoles behind ``after``, and behind which there are more; empty: none."""
        names = sorted(console for console in self._records if console > after)
        return names[:most], names[most - 1] if len(names) > most else ""

    def _write(self, console: str, record: dict[str, Any]) -> None:
        self._folder.write(f"{console}.json", record)
        self._records[console] = record
