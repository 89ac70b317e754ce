"""Connections that outlive the request they began with, and the logins they stand on.

A request is over before its login can end; an attached client may stay for weeks.  Invariant:
a connection is closed when its login ends, or is not good for it any more: at once when that is done
here, and within :data:`~termhub.accounts.watch.CHECK_SECONDS` when it is done from the command line,
or by time.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Protocol

import attrs
from twisted.logger import Logger

from termhub.accounts import Accounts, Credentials
from termhub.errors import NotLoggedIn, TermhubError
from termhub.store import Scope, User

NOT_ALLOWED = 1008

USE: frozenset[Scope] = frozenset(("read", "write"))
LOOK: frozenset[Scope] = frozenset(("read",))
"""What a connection needs of its login: usually, and where it only looks on."""

_log = Logger()


class Connection(Protocol):
    """What is closed."""

    def close(self, code: int, reason: str) -> None:
        """Say why, take nothing more, and close."""


@attrs.frozen
class _Login:
    user: int
    credentials: Credentials
    needs: Set[Scope]


class Attached:
    """The connections of everybody by one gateway.

    :param accounts: knows whose credentials are whose, and when that may have changed.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._connections: dict[Connection, _Login] = {}
        accounts.watch.on_round(lambda elsewhere: self.check())
        accounts.watch.on_access_ended(self.check)
        accounts.watch.on_account_changed(lambda before, after: self.check(after))

    def add(
        self, connection: Connection, user: User, credentials: Credentials, needs: Set[Scope] = USE
    ) -> None:
        """A user has connected, with these credentials.

        :param needs: what the credentials must be good for as long as it stays.
        """
        self._connections[connection] = _Login(user.number, credentials, needs)

    def discard(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.pop(connection, None)

    async def check(self, user: User | None = None) -> None:
        """Close the connections whose login has ended.

        :param user: whose; None for everybody's.
        """
        logins = {login for login in self._connections.values() if user is None or login.user == user.number}
        for login in logins:
            try:
                found = await self._accounts.identify(login.credentials, "")
                if found.user.number != login.user:  # a key that is in other hands now
                    raise NotLoggedIn("What you logged in with opens another account now.")
                if not login.needs <= found.scopes:
                    raise NotLoggedIn("What you logged in with is not good for this any more.")
            except NotLoggedIn as error:
                self._close(login, error.message)
            except TermhubError as error:
                _log.warn("A login cannot be checked: {why}", why=error.message)

    def _close(self, login: _Login, reason: str) -> None:
        for connection in [c for c, other in self._connections.items() if other == login]:
            connection.close(NOT_ALLOWED, reason)
            self.discard(connection)
