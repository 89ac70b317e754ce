"""Accounts as who looks after the hub sees and changes them, and their removal.

Invariant: as long as anybody may look after the hub, somebody may who is not suspended, whichever
changes come at the same time; only :meth:`PeopleTables.begin_removal` with ``whoever`` set, which is
for the machine's own operator, may take the last one away.
"""

from __future__ import annotations

import json

from termhub.errors import BadRequest, NotAllowed

from .records import Person, Removal, User
from .tables import Tables

MAX_LISTED = 1000

_REMOVAL = "removal."
"""Begins the names of what the hub remembers of removals; the account's number follows."""

_SEEN = """
    SELECT users.*, max(
        coalesce((SELECT max(last_seen) FROM login_sessions WHERE user = users.number), 0),
        coalesce((SELECT max(last_used) FROM tokens WHERE user = users.number), 0),
        coalesce((SELECT max(last_used) FROM ssh_keys WHERE user = users.number), 0)
    ) AS last_seen
    FROM users
"""


class PeopleTables:
    """The accounts, for administrators."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def after(self, name: str, limit: int) -> list[Person]:
        """Accounts behind a name, by name, at most :data:`MAX_LISTED`."""
        return self._people("WHERE name > ? ORDER BY name LIMIT ?", name, min(limit, MAX_LISTED))

    def named(self, name: str) -> Person:
        """The account of this name.

        :raises BadRequest: when there is none.
        """
        found = self._people("WHERE name = ?", name)
        if not found:
            raise _no_such_user(name)
        return found[0]

    def _people(self, where: str, *values: object) -> list[Person]:
        return self._tables.all(_person, f"{_SEEN} {where}", *values)

    def change(
        self,
        user: int,
        now: float,
        *,
        plan: str | None = None,
        is_admin: bool | None = None,
        suspended: bool | None = None,
    ) -> User:
        """Give an account another plan, let it look after the hub, suspend it; None: as it is.

        A suspension keeps the time of its beginning.

        :raises NotAllowed: when nobody would be left to look after the hub, or the account is
            being removed.
        :raises BadRequest: when the account is no more.
        """
        with self._tables.transaction():
            if is_admin is False or suspended:
                self._keep_an_admin(user)
            if suspended is False and self._note(user) is not None:
                raise NotAllowed("This account is being removed.", "removed")
            changed = self._tables.find(
                User,
                "UPDATE users SET plan = coalesce(?2, plan), is_admin = coalesce(?3, is_admin), "
                "suspended = CASE WHEN ?4 THEN coalesce(suspended, ?5) WHEN NOT ?4 THEN NULL "
                "ELSE suspended END WHERE number = ?1 RETURNING *",
                user,
                plan,
                None if is_admin is None else int(is_admin),
                None if suspended is None else int(suspended),
                now,
            )
            if changed is None:
                raise BadRequest("The account is no more.", "no_such_account")
            return changed

    # -- removal ------------------------------------------------------------------

    def begin_removal(self, user: int, now: float, by: str, whoever: bool = False) -> bool:
        """Close an account for good, and note that what it has is to go.

        From now on nothing opens it: its password, tokens, keys, logins and links are gone, and so is
        what it shared and what was shared with it.

        :param by: the name of who wants it; empty: the hub by itself.
        :param whoever: also the last who may look after the hub.
        :returns: False when it was begun before.
        :raises NotAllowed: when nobody would be left to do that.
        """
        with self._tables.transaction():
            found = self._tables.find(User, "SELECT * FROM users WHERE number = ?", user)
            if found is None or self._note(user) is not None:
                return False
            if not whoever:
                self._keep_an_admin(user)
            self._tables.execute(
                "UPDATE users SET suspended = coalesce(suspended, ?2), is_admin = 0, password_hash = NULL "
                "WHERE number = ?1",
                user,
                now,
            )
            for table in ("tokens", "login_sessions", "login_links", "ssh_keys", "members"):
                self._tables.execute(f"DELETE FROM {table} WHERE user = ?", user)
            self._tables.execute(
                "DELETE FROM shares WHERE created_by = ?1 OR (hash IS NULL AND label = ?2) "
                "OR console IN (SELECT id FROM consoles WHERE owner = ?1)",
                user,
                found.name,
            )
            self._tables.execute(
                "INSERT INTO hub_state (name, value) VALUES (?, ?)",
                f"{_REMOVAL}{user}",
                json.dumps({"name": found.name, "by": by}),
            )
            return True

    def removals(self) -> list[Removal]:
        """What is being removed, the oldest accounts first."""
        rows = self._tables.execute(
            "SELECT name, value FROM hub_state WHERE substr(name, 1, ?) = ?", len(_REMOVAL), _REMOVAL
        ).fetchall()
        found = [Removal(int(row["name"].removeprefix(_REMOVAL)), **json.loads(row["value"])) for row in rows]
        return sorted(found, key=lambda removal: removal.user)

    def end_removal(self, user: int) -> None:
        """Nothing of it is left: forget the account, if it is still there, and that it was removed."""
        with self._tables.transaction():
            self._tables.execute("DELETE FROM consoles WHERE owner = ?", user)
            self._tables.execute("DELETE FROM users WHERE number = ?", user)
            self._tables.execute("DELETE FROM hub_state WHERE name = ?", f"{_REMOVAL}{user}")

    def _note(self, user: int) -> object:
        return self._tables.execute(
            "SELECT value FROM hub_state WHERE name = ?", f"{_REMOVAL}{user}"
        ).fetchone()

    def _keep_an_admin(self, user: int) -> None:
        """Refuse a change that would leave nobody to look after the hub."""
        admins = self._tables.execute(
            "SELECT number FROM users WHERE is_admin AND suspended IS NULL"
        ).fetchall()
        if [row["number"] for row in admins] == [user]:
            raise NotAllowed(
                "This is the only account that looks after the hub. Let another do it first: "
                "termhub admin grant NAME.",
                "last_admin",
            )


def _person(last_seen: float, **columns: object) -> Person:
    return Person(User(**columns), last_seen or None)  # type: ignore[arg-type]


def _no_such_user(name: str) -> BadRequest:
    return BadRequest(f"There is no account {name!r:.60} here.", "no_such_account")
