"""Shares, guests and members in the database.

Every change is one transaction and answers with the console's sharing as it is after it.
Invariant: a share counts only as long as whoever made it owns the console, or is let in as an
owner by a share that counts itself; what does not is deleted with the change that made it so.  What
a suspended account shares is kept, and does not count meanwhile.
"""

from __future__ import annotations

from itertools import chain, count
from typing import Any

import attrs

from termhub.errors import NoSuchConsole, NotAllowed, TooMany

from .records import GUEST_PLAN, Guest, Member, Role, Share, Sharing, User
from .tables import Tables

_SHARE = "id, console, role, created_by, created, expires, uses_left, label, hash, passphrase_hash"

_ORPHANS = """
DELETE FROM shares WHERE (?1 IS NULL OR console = ?1) AND id NOT IN (
    WITH RECURSIVE counting (id) AS (
        SELECT shares.id FROM shares JOIN consoles ON consoles.id = shares.console
        WHERE shares.created_by = consoles.owner
        UNION
        SELECT shares.id FROM counting
        JOIN members ON members.share = counting.id AND members.role = 'owner' AND NOT members.removed
        JOIN shares ON shares.console = members.console AND shares.created_by = members.user
    )
    SELECT id FROM counting
)
"""

_COUNTING = f"""
WITH suspended (number) AS (SELECT number FROM users WHERE suspended IS NOT NULL)
SELECT {_SHARE} FROM shares WHERE (?1 IS NULL OR console = ?1) AND created_by NOT IN suspended
    AND console NOT IN (SELECT id FROM consoles WHERE owner IN suspended)
ORDER BY created, id
"""
"""The shares that count just now: not those of accounts that are suspended."""

_MEMBERS = """
SELECT members.number, members.share, members.console, members.role, members.joined,
    coalesce(users.number, -guests.number) AS user, coalesce(users.name, guests.name) AS name,
    coalesce(users.created, guests.created) AS created, users.plan
FROM members
LEFT JOIN users ON users.number = members.user
LEFT JOIN guests ON guests.number = members.guest
WHERE NOT members.removed AND (?1 IS NULL OR members.console = ?1)
ORDER BY members.number
"""


class ShareTables:
    """The shares of all consoles."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def all(self, now: float) -> list[Sharing]:
        """The sharing of every console that is shared; what no longer counts is forgotten."""
        with self._tables.transaction():
            self._prune(now)
            return self._counting(None)

    def add(self, share: Share, user: int | None, most: int) -> Sharing:
        """A new share.

        :param user: the account that it lets in; None for a link.
        :param most: shares that a console may have.
        :raises NoSuchConsole: when the console is no more.
        :raises NotAllowed: when whoever makes it is no owner of the console.
        :raises TooMany: when it has as many as it may.
        """
        with self._tables.transaction():
            if not self._tables.execute("SELECT 1 FROM consoles WHERE id = ?", share.console).fetchall():
                raise NoSuchConsole("The console is no more.")
            if None in (self._person(share.created_by), self._person(user or share.created_by)):
                raise NotAllowed("The account is no more.")
            self._prune(share.created, share.console)
            (count,) = self._tables.execute(
                "SELECT count(*) FROM shares WHERE console = ?", share.console
            ).fetchone()
            if count >= most:
                raise TooMany(
                    f"The console has {most} shares, which is the most. Revoke some first.",
                    "too_many_shares",
                    60,
                )
            values = attrs.asdict(share)
            self._tables.execute(
                f"INSERT INTO shares ({_SHARE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(values[name] for name in _SHARE.split(", ")),
            )
            if user is not None:
                self._add_member(share, share.created, user)
            self._prune(share.created, share.console)
            sharing = self._of(share.console)
            if all(other.id != share.id for other in sharing.shares):
                raise NotAllowed("Only an owner of the console may share it.")
            return sharing

    def take(
        self, id: str, now: float, user: int | None, name: str, hash: str, most: int
    ) -> tuple[User, Sharing]:
        """Let somebody in by a link; it uses nothing up for who is in by it already.

        :param user: the number of an account or, negative, of a guest; None for a new guest.
        :param name: of a new guest; a number is added where another guest of the console has it.
        :param hash: of the secret by which a new guest will be known.
        :param most: members that a console may have.
        :returns: who is in now.
        :raises NotAllowed: with code ``no_such_share`` when it counts no longer, ``share_used_up``,
            or ``removed_from_share`` when this person was sent away.
        :raises TooMany: when the console has as many members as it may.
        """
        with self._tables.transaction():
            share = self._tables.find(
                Share, f"SELECT {_SHARE} FROM shares WHERE id = ? AND expires > ?", id, now
            )
            who = None if user is None else self._person(user)
            if share is None or (user is not None and who is None):
                raise NotAllowed("This link counts no longer.", "no_such_share")
            if who is not None:
                column, number = _column(who.number)
                rows = self._tables.execute(
                    f"SELECT removed FROM members WHERE share = ? AND {column} = ?", id, number
                ).fetchall()
                if rows and rows[0]["removed"]:
                    raise NotAllowed("You were sent away, and cannot come back by it.", "removed_from_share")
                if rows:
                    return who, self._of(share.console)
            if share.uses_left == 0:
                raise NotAllowed("This link is used up. Ask for another one.", "share_used_up")
            (count,) = self._tables.execute(
                "SELECT count(*) FROM members WHERE console = ?", share.console
            ).fetchone()
            if count >= most:
                raise TooMany(f"The console has {most} members, which is the most.", "too_many_members", 60)
            if share.uses_left is not None:
                self._tables.execute("UPDATE shares SET uses_left = uses_left - 1 WHERE id = ?", id)
            if who is None:
                who = self._tables.one(
                    Guest,
                    "INSERT INTO guests (name, hash, created, last_seen) VALUES (?, ?, ?, ?) RETURNING *",
                    self._free_name(share.console, name),
                    hash,
                    now,
                    now,
                ).user
            self._add_member(share, now, who.number)
            return who, self._of(share.console)

    def remove(self, console: str, id: str | None, now: float) -> Sharing | None:
        """Revoke a share of the console, or all (None); None when there is no such share."""
        with self._tables.transaction():
            removed = self._tables.execute(
                "DELETE FROM shares WHERE console = ?1 AND (?2 IS NULL OR id = ?2)", console, id
            )
            if id is not None and removed.rowcount == 0:
                return None
            self._prune(now, console)
            return self._of(console)

    def set_role(self, console: str, member: int, role: Role, now: float) -> Sharing | None:
        """Give a member another role, whichever shares let them in; None when there is no such member."""
        return self._change_member(console, member, now, "role = ?1", role)

    def remove_member(self, console: str, member: int, now: float) -> Sharing | None:
        """Send a member away, whichever shares let them in; None when there is no such member."""
        return self._change_member(console, member, now, "removed = ?1", 1)

    def guest(self, hash: str) -> Guest | None:
        """The guest who is known by the secret with this hash."""
        return self._tables.find(Guest, "SELECT * FROM guests WHERE hash = ?", hash)

    def touch_guest(self, number: int, last_seen: float) -> None:
        """Note when a guest was last here."""
        self._tables.execute("UPDATE guests SET last_seen = ? WHERE number = ?", last_seen, number)

    def forget_guests(self) -> None:
        """Forget the guests whom no share knows any more; part of what the caller does."""
        self._tables.execute(
            "DELETE FROM guests WHERE NOT EXISTS (SELECT 1 FROM members WHERE guest = guests.number)"
        )

    def _prune(self, now: float, console: str | None = None) -> None:
        self._tables.execute(
            "DELETE FROM shares WHERE expires <= ?1 AND (?2 IS NULL OR console = ?2)", now, console
        )
        self._tables.execute(
            "DELETE FROM shares WHERE (?1 IS NULL OR console = ?1) AND hash IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM members WHERE share = shares.id AND NOT removed)",
            console,
        )
        self._tables.execute(_ORPHANS, console)
        self.forget_guests()

    def _of(self, console: str) -> Sharing:
        return next(iter(self._counting(console)), Sharing(console))

    def _counting(self, console: str | None) -> list[Sharing]:
        """What counts just now of the sharing of one console, or of all."""
        consoles: dict[str, tuple[dict[str, Share], list[Member]]] = {}
        for share in self._tables.all(Share, _COUNTING, console):
            consoles.setdefault(share.console, ({}, []))[0][share.id] = share
        for member in self._tables.all(_member, _MEMBERS, console):
            shares, members = consoles.get(member.console, ({}, []))
            if member.share in shares:
                members.append(member)
        return [Sharing(id, tuple(s.values()), tuple(m)) for id, (s, m) in consoles.items()]

    def _person(self, number: int) -> User | None:
        if number < 0:
            guest = self._tables.find(Guest, "SELECT * FROM guests WHERE number = ?", -number)
            return guest.user if guest else None
        return self._tables.find(
            User, "SELECT number, name, created, plan FROM users WHERE number = ?", number
        )

    def _free_name(self, console: str, name: str) -> str:
        """The name, or one like it that no other guest of the console has."""
        rows = self._tables.execute(
            "SELECT name FROM guests JOIN members ON guest = guests.number WHERE console = ?", console
        ).fetchall()
        taken = {row["name"].casefold() for row in rows}
        names = chain([name], (f"{name} {number}" for number in count(2)))
        return next(each for each in names if each.casefold() not in taken)

    def _add_member(self, share: Share, joined: float, user: int) -> None:
        column, number = _column(user)
        self._tables.execute(
            f"INSERT INTO members (share, console, {column}, role, joined) VALUES (?, ?, ?, ?, ?)",
            share.id,
            share.console,
            number,
            share.role,
            joined,
        )

    def _change_member(
        self, console: str, member: int, now: float, change: str, value: Any
    ) -> Sharing | None:
        with self._tables.transaction():
            changed = self._tables.execute(
                f"UPDATE members SET {change} WHERE console = ?2 AND NOT removed AND "
                "coalesce(user, -guest) = (SELECT coalesce(user, -guest) FROM members "
                "WHERE number = ?3 AND console = ?2 AND NOT removed)",
                value,
                console,
                member,
            )
            if changed.rowcount == 0:
                return None
            self._prune(now, console)
            return self._of(console)


def _column(number: int) -> tuple[str, int]:
    """Where a person's number stands in ``members``, and how."""
    return ("guest", -number) if number < 0 else ("user", number)


def _member(
    number: int,
    share: str,
    console: str,
    role: Role,
    joined: float,
    user: int,
    name: str,
    created: float,
    plan: str | None,
) -> Member:
    return Member(number, share, console, User(user, name, created, plan or GUEST_PLAN), role, joined)
