"""What the operator's hook has not been told yet, and what the hub remembers of itself."""

from __future__ import annotations

import json
from typing import Any

from .records import HookEvent
from .tables import Tables

MAX_EVENTS = 10_000
"""Events that wait; the oldest go first."""


class HookTables:
    """Events for the hook, each kept until it was taken or given up."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, created: float, body: dict[str, Any]) -> HookEvent:
        """An event to tell."""
        with self._tables.transaction():
            event = self._tables.one(
                HookEvent,
                "INSERT INTO hook_events (created, body, next_try) VALUES (?1, ?2, ?1) RETURNING *",
                created,
                json.dumps(body, separators=(",", ":")),
            )
            self._tables.execute("DELETE FROM hook_events WHERE number <= ?", event.number - MAX_EVENTS)
            return event

    def due(self, now: float, limit: int = 20) -> list[HookEvent]:
        """Those whose time has come, the oldest first."""
        return self._tables.all(
            HookEvent,
            "SELECT * FROM hook_events WHERE next_try <= ? ORDER BY number LIMIT ?",
            now,
            limit,
        )

    def put_off(self, number: int, until: float) -> None:
        """It was not taken: try again then."""
        self._tables.execute(
            "UPDATE hook_events SET tries = tries + 1, next_try = ? WHERE number = ?", until, number
        )

    def remove(self, number: int) -> None:
        """It was taken, or is given up."""
        self._tables.execute("DELETE FROM hook_events WHERE number = ?", number)


class StateTables:
    """What the hub remembers of itself, by name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, name: str) -> str | None:
        """What is remembered; None: nothing."""
        row = self._tables.execute("SELECT value FROM hub_state WHERE name = ?", name).fetchone()
        return None if row is None else str(row[0])

    def set(self, name: str, value: str | None) -> None:
        """Remember something; None: forget it."""
        self._tables.execute("DELETE FROM hub_state WHERE name = ?", name)
        if value is not None:
            self._tables.execute("INSERT INTO hub_state (name, value) VALUES (?, ?)", name, value)
