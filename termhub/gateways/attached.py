"""Connections that outlive the request they began with, and the logins they stand on.

A request is over before its login can end; an attached client may stay for weeks.  Invariant:
a connection is closed when its login ends: at once when that is done here, and within
:data:`CHECK_SECONDS` when it is done from the command line, or by time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from termhub.accounts import Credentials
from termhub.errors import NotLoggedIn, TermhubError
from termhub.store import User

CHECK_SECONDS = 10.0
"""How often the logins of all connections are looked at."""

NOT_ALLOWED = 1008

_log = Logger()


class Connection(Protocol):
    """What is closed."""

    def close(self, code: int, reason: str) -> None:
        """Say why, take nothing more, and close."""


class Attached:
    """The connections of everybody.

    :param identify: whose credentials these are (:meth:`termhub.accounts.Accounts.identify`).
    :param clock: the reactor, for the time.
    """

    def __init__(self, identify: Callable[[Credentials, str], Awaitable[User]], clock: Any) -> None:
        self._identify = identify
        self._connections: dict[Connection, tuple[int, Credentials]] = {}
        self._checking = LoopingCall(self.check)
        self._checking.clock = clock

    def add(self, connection: Connection, user: User, credentials: Credentials) -> None:
        """A user has connected, with these credentials."""
        self._connections[connection] = (user.number, credentials)
        if not self._checking.running:
            self._checking.start(CHECK_SECONDS, now=False)

    def discard(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.pop(connection, None)
        if not self._connections and self._checking.running:
            self._checking.stop()

    async def check(self, user: User | None = None) -> None:
        """Close the connections whose login has ended.

        :param user: whose; None for everybody's.
        """
        logins = {login for login in self._connections.values() if user is None or login[0] == user.number}
        for login in logins:
            try:
                found = await self._identify(login[1], "")
                if found.number != login[0]:  # a key that is in other hands now
                    raise NotLoggedIn("What you logged in with opens another account now.")
            except NotLoggedIn as error:
                self._close(login, error.message)
            except TermhubError as error:
                _log.warn("A login cannot be checked: {why}", why=error.message)

    def _close(self, login: tuple[int, Credentials], reason: str) -> None:
        for connection in [c for c, other in self._connections.items() if other == login]:
            connection.close(NOT_ALLOWED, reason)
            self.discard(connection)
