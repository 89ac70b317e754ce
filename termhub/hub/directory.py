"""Which consoles there are, and who may do what in each.

Invariant: whoever is given a console has at least the role they asked for in it, as its owner or
by a share; a console in which somebody has none cannot be told from one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping

from termhub.accounts import Shares
from termhub.errors import NoSuchConsole, NotAllowed
from termhub.hub.console import Console
from termhub.store import Role, User, rank

_NEEDED: Mapping[Role, str] = {
    "observer": "You may not look at this console.",
    "writer": "You may look at this console, not type into it or change it.",
    "owner": "Only an owner of this console may do that.",
}
"""What somebody is told whose role is a lesser one."""


class Directory:
    """The consoles of everybody, by id.

    :param shares: who may come to consoles of others.
    """

    def __init__(self, shares: Shares) -> None:
        self.consoles: dict[str, Console] = {}
        self.owner_names: dict[int, str] = {}
        """The names of accounts that have or had consoles, by number."""
        self._shares = shares

    def get(self, user: User, key: str, at_least: Role = "owner") -> Console:
        """See :meth:`.consoles.Consoles.get`."""
        console = self._meant(user, key)
        role = None if console is None else self.role_of(user, console)
        if console is None or role is None:
            raise NoSuchConsole(f"You have no console {key!r:.60}.")
        if rank(role) < rank(at_least):
            raise NotAllowed(_NEEDED[at_least])
        return console

    def role_of(self, user: User, console: Console) -> Role | None:
        """See :meth:`.consoles.Consoles.role_of`."""
        if console.is_prepared or self.consoles.get(console.id) is not console:
            return None
        return "owner" if console.owner == user.number else self._shares.role(user, console.id)

    def of(self, user: User) -> list[Console]:
        """The user's own consoles, oldest first, ended ones too."""
        return [
            console
            for console in self.consoles.values()
            if console.owner == user.number and not console.is_prepared
        ]

    def shared(self, user: User) -> list[Console]:
        """The consoles of others that are shared with somebody, oldest first, ended ones too."""
        found = [self.consoles.get(id) for id in self._shares.shared_with(user)]
        return sorted(
            (c for c in found if c is not None and c.owner != user.number and not c.is_prepared),
            key=lambda console: (console.created, console.id),
        )

    def owner_name(self, console: Console) -> str:
        """The name of the account that a console belongs to."""
        return self.owner_names.get(console.owner, "")

    def _meant(self, user: User, key: str) -> Console | None:
        console = self.consoles.get(key)
        if console is not None:
            return console
        owner, slash, name = key.partition("/")
        if not slash or (owner == user.name and not user.is_guest):
            own = name if slash else key
            return next((console for console in self.of(user) if console.name == own), None)
        shared = (c for c in self.shared(user) if c.name == name and self.owner_name(c) == owner)
        return next(shared, None)
