"""Connections of guests, which stand on one share.

Others stay connected when a share ends: they have consoles of their own.  Invariant: a guest's
connection is closed at once when the console is shared with them no longer, whatever the cause.
"""

from __future__ import annotations

from termhub.accounts import Shares
from termhub.store import User

from .attached import NOT_ALLOWED, Connection

OVER = "The console is no longer shared with you."


class Guests:
    """The guests' connections of one gateway."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._connections: dict[Connection, tuple[User, str]] = {}
        shares.subscribe(self._changed)

    def add(self, connection: Connection, guest: User, console: str) -> None:
        """A guest has come to a console; its share may be over by now."""
        self._connections[connection] = guest, console
        self._check(connection)

    def discard(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.pop(connection, None)

    def _changed(self, console: str) -> None:
        for connection in [each for each, (_, its) in self._connections.items() if its == console]:
            self._check(connection)

    def _check(self, connection: Connection) -> None:
        guest, console = self._connections[connection]
        if self._shares.role(guest, console) is None:
            self.discard(connection)
            connection.close(NOT_ALLOWED, OVER)
