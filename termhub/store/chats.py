"""What people say to each other in a console."""

from __future__ import annotations

from termhub.errors import NoSuchConsole

from .records import ChatMessage
from .tables import Tables

MAX_MESSAGES = 1000
"""Messages kept of a console; the oldest go first."""


class ChatTables:
    """The messages of all consoles."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, console: str, time: float, name: str, text: str) -> ChatMessage:
        """Keep a message.

        :raises NoSuchConsole: when the console is no more.
        """
        with self._tables.transaction():
            if not self._tables.execute("SELECT 1 FROM consoles WHERE id = ?", console).fetchall():
                raise NoSuchConsole("The console is no more.")
            message = self._tables.one(
                ChatMessage,
                "INSERT INTO chat (console, number, time, name, text) "
                "SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4 FROM chat WHERE console = ?1 "
                "RETURNING number, time, name, text",
                console,
                time,
                name,
                text,
            )
            self._tables.execute(
                "DELETE FROM chat WHERE console = ? AND number <= ?", console, message.number - MAX_MESSAGES
            )
        return message

    def before(self, console: str, number: int | None = None, limit: int = 50) -> list[ChatMessage]:
        """The last messages before ``number``, or of all, the oldest of them first."""
        found = self._tables.all(
            ChatMessage,
            "SELECT number, time, name, text FROM chat WHERE console = ?1 AND (?2 IS NULL OR number < ?2) "
            "ORDER BY number DESC LIMIT ?3",
            console,
            number,
            limit,
        )
        return found[::-1]
