"""The audit log: who did what, append-only and chained by hashes.

Each entry's hash is the SHA-256 of the hash before it and of the entry's own fields, so whoever
changes, removes or inserts one breaks the chain there.  Cutting off the newest entries leaves a whole
chain: it shows only against a hash that was noted elsewhere (``termhub audit verify --head``).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .records import AuditEntry
from .tables import Tables

START = "0" * 64
"""The hash before the first entry."""

MAX_LISTED = 1000


def chained(previous: str, entry: AuditEntry) -> str:
    """The hash of an entry behind the one with the hash ``previous``."""
    fields = [previous, entry.number, repr(entry.time), entry.actor, entry.action, entry.subject]
    text = json.dumps([*fields, entry.detail, entry.address], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class AuditTables:
    """The audit log."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def append(
        self, time: float, actor: str, action: str, subject: str, detail: dict[str, Any], address: str = ""
    ) -> AuditEntry:
        """Note what was done.

        :param actor: the name of who did it; empty: the hub by itself.
        :param action: such as ``user.suspend``.
        :param subject: to whom or what, by name.
        :param detail: what JSON can carry; no secrets.
        """
        with self._tables.transaction():
            last = self._tables.find(AuditEntry, "SELECT * FROM audit ORDER BY number DESC LIMIT 1")
            text = json.dumps(detail, sort_keys=True, separators=(",", ":"))
            number = 1 if last is None else last.number + 1
            entry = AuditEntry(number, time, actor, action, subject, text, address, "")
            return self._tables.one(
                AuditEntry,
                "INSERT INTO audit (number, time, actor, action, subject, detail, address, hash) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                number,
                time,
                actor,
                action,
                subject,
                text,
                address,
                chained(START if last is None else last.hash, entry),
            )

    def entries(self, after: int = 0, limit: int = MAX_LISTED) -> list[AuditEntry]:
        """Entries behind a number, the oldest first, at most :data:`MAX_LISTED`."""
        return self._tables.all(
            AuditEntry,
            "SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT ?",
            after,
            min(limit, MAX_LISTED),
        )

    def newest(self, before: int | None, limit: int) -> list[AuditEntry]:
        """The newest entries, or those before a number, the newest first, at most :data:`MAX_LISTED`."""
        return self._tables.all(
            AuditEntry,
            "SELECT * FROM audit WHERE ?1 IS NULL OR number < ?1 ORDER BY number DESC LIMIT ?2",
            before,
            min(limit, MAX_LISTED),
        )
