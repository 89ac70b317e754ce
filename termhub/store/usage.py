"""What users have used: the tables ``usage`` and ``usage_marks``.

Invariant: a console's counters go into its owner's day once.  How much of them is in is noted in the
transaction that adds them, so whoever reads them again after a crash adds the rest only.
"""

from __future__ import annotations

from collections.abc import Iterable

from .records import Reading, Usage
from .tables import Tables

_ADD = """
    INSERT INTO usage (user, day, cpu_seconds, memory_mb_seconds, disk_mb_seconds, network_in, network_out,
        console_seconds)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (user, day) DO UPDATE SET
        cpu_seconds = cpu_seconds + excluded.cpu_seconds,
        memory_mb_seconds = memory_mb_seconds + excluded.memory_mb_seconds,
        disk_mb_seconds = disk_mb_seconds + excluded.disk_mb_seconds,
        network_in = network_in + excluded.network_in,
        network_out = network_out + excluded.network_out,
        console_seconds = console_seconds + excluded.console_seconds
"""


class UsageTables:
    """Usage by user and day."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, day: str, readings: Iterable[Reading], more: Iterable[Usage] = ()) -> None:
        """Count what consoles have used since they were counted last, and what no counter has.

        :param day: to which it is added.
        :param more: what is added as it is, each to its own day.
        """
        with self._tables.transaction():
            for reading in readings:
                self._add_reading(day, reading)
            for usage in more:
                self._add(usage)

    def _add_reading(self, day: str, now: Reading) -> None:
        mark = self._tables.execute(
            "SELECT cpu_seconds, network_in, network_out FROM usage_marks WHERE console = ?", now.console
        ).fetchone() or (0.0, 0, 0)
        # A counter that is smaller than before was read by a launcher that knows less: nothing is added.
        self._add(
            Usage(
                now.owner,
                day,
                cpu_seconds=max(0.0, now.cpu_seconds - mark[0]),
                network_in=max(0, now.network_in - mark[1]),
                network_out=max(0, now.network_out - mark[2]),
            )
        )
        self._tables.execute(
            "INSERT INTO usage_marks (console, cpu_seconds, network_in, network_out, time) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (console) DO UPDATE SET "
            "cpu_seconds = max(cpu_seconds, excluded.cpu_seconds), "
            "network_in = max(network_in, excluded.network_in), "
            "network_out = max(network_out, excluded.network_out), time = excluded.time",
            now.console,
            now.cpu_seconds,
            now.network_in,
            now.network_out,
            now.time,
        )

    def _add(self, usage: Usage) -> None:
        self._tables.execute(
            _ADD,
            usage.user,
            usage.day,
            usage.cpu_seconds,
            usage.memory_mb_seconds,
            usage.disk_mb_seconds,
            usage.network_in,
            usage.network_out,
            usage.console_seconds,
        )

    def forget_marks(self, consoles: Iterable[str]) -> None:
        """Consoles whose last counters are in and that will not be read again."""
        with self._tables.transaction():
            for console in consoles:
                self._tables.execute("DELETE FROM usage_marks WHERE console = ?", console)

    def of(self, user: int | None, first: str, last: str) -> list[Usage]:
        """What a user, or everybody (None), used from one day to another, both included, by day."""
        return self._tables.all(
            Usage,
            "SELECT * FROM usage WHERE (?1 IS NULL OR user = ?1) AND day BETWEEN ?2 AND ?3 "
            "ORDER BY day, user",
            user,
            first,
            last,
        )
