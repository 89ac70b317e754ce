"""The SQLite store: plain synchronous calls, each one transaction.

The command line uses it as it is; the hub through :class:`~termhub.store.AsyncStore`,
in a thread of its own.  Invariant: what a call has returned is on disk (WAL,
``synchronous=FULL``), and no secret is in the file, only hashes.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any

from termhub.errors import BadRequest, KeyTaken, StoreError

from .audit import AuditTables
from .chats import ChatTables
from .hooks import HookTables, StateTables
from .people import PeopleTables
from .records import SCOPES, ConsoleRecord, ControlMode, Key, LoginLink, LoginSession, Scope, Token, User
from .schema import upgrade
from .sharing import ShareTables
from .tables import Tables
from .usage import UsageTables

BUSY_TIMEOUT_SECONDS = 10.0

MAX_SESSIONS = 50
"""Browsers in which a user is logged in at once."""

MAX_KEYS = 100
"""Keys that a user may have at once."""

MAX_SETTINGS_BYTES = 16384
"""What a user has set, as JSON."""


class Database:
    """An open database file.

    :param path: created with mode 0600 when missing; its folder must be writable for
        the user that opens it, because SQLite puts its log beside it.
    :raises StoreError: when it cannot be opened, is no database, or was written by a
        newer termhub.

    May be used from any thread, but from one at a time.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(
                self.path,
                timeout=BUSY_TIMEOUT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"Cannot open the database {self.path}: {error}") from error
        try:
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            upgrade(self._connection)
        except sqlite3.Error as error:
            self._connection.close()
            raise StoreError(f"Cannot use the database {self.path}: {error}") from error
        except StoreError:
            self._connection.close()
            raise
        self._tables = Tables(self._connection)
        self.shares = ShareTables(self._tables)
        self.chats = ChatTables(self._tables)
        self.usage = UsageTables(self._tables)
        self.audit = AuditTables(self._tables)
        self.hooks = HookTables(self._tables)
        self.state = StateTables(self._tables)
        self.people = PeopleTables(self._tables)

    def close(self) -> None:
        """Close the file; the object cannot be used after it."""
        self._connection.close()

    # -- users ------------------------------------------------------------------

    def add_user(
        self,
        name: str,
        created: float,
        plan: str,
        password_hash: str | None = None,
        *,
        is_admin: bool = False,
        expires: float | None = None,
    ) -> User:
        """A new account with a number no account ever had.

        :raises NameTaken: when there is one of this name.
        """
        taken = f"There is already a user {name}."
        with self._tables.unique(taken):
            return self._tables.one(
                User,
                "INSERT INTO users (name, created, plan, password_hash, is_admin, expires) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
                name,
                created,
                plan,
                password_hash,
                int(is_admin),
                expires,
            )

    def users(self) -> list[User]:
        """Everybody, by name."""
        return self._tables.all(User, "SELECT * FROM users ORDER BY name")

    def user(self, number: int) -> User | None:
        """The account with this number."""
        return self._tables.find(User, "SELECT * FROM users WHERE number = ?", number)

    def user_named(self, name: str) -> User | None:
        """The account with this name."""
        return self._tables.find(User, "SELECT * FROM users WHERE name = ?", name)

    def set_password(self, user: int, password_hash: str | None, keep_session: int | None = None) -> None:
        """Replace the user's password, and log the user out everywhere.

        :param password_hash: None for an account without a password.
        :param keep_session: the number of the one login that stays.
        """
        with self._tables.transaction():
            self._connection.execute(
                "UPDATE users SET password_hash = ? WHERE number = ?", (password_hash, user)
            )
            self._connection.execute(
                "DELETE FROM login_sessions WHERE user = ? AND number IS NOT ?", (user, keep_session)
            )

    # -- API tokens -------------------------------------------------------------

    def add_token(
        self,
        user: int,
        label: str,
        hash: str,
        created: float,
        scopes: Collection[Scope] = SCOPES,
        expires: float | None = None,
    ) -> Token:
        """A new API token; also forgets those that expired before."""
        with self._tables.transaction():
            self._tables.execute("DELETE FROM tokens WHERE expires <= ?", created)
            return self._tables.one(
                Token,
                "INSERT INTO tokens (user, label, hash, created, scopes, expires) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
                user,
                label,
                hash,
                created,
                " ".join(scopes),
                expires,
            )

    def tokens(self, user: int) -> list[Token]:
        """The user's tokens, oldest first."""
        return self._tables.all(Token, "SELECT * FROM tokens WHERE user = ? ORDER BY number", user)

    def token(self, hash: str) -> tuple[Token, User] | None:
        """The token with this hash, expired or not, and whose it is."""
        token = self._tables.find(Token, "SELECT * FROM tokens WHERE hash = ?", hash)
        user = self.user(token.user) if token else None
        return (token, user) if token and user else None

    def touch_token(self, number: int, last_used: float) -> None:
        """Note when a token was last used."""
        self._connection.execute("UPDATE tokens SET last_used = ? WHERE number = ?", (last_used, number))

    def remove_token(self, user: int, number: int) -> bool:
        """Revoke a token; False when the user has none of this number."""
        cursor = self._connection.execute("DELETE FROM tokens WHERE user = ? AND number = ?", (user, number))
        return cursor.rowcount == 1

    # -- login sessions ---------------------------------------------------------

    def add_session(
        self, user: int, hash: str, created: float, expires: float, address: str, agent: str
    ) -> LoginSession:
        """A browser that has just logged in.

        Also forgets sessions that expired before, and of more than :data:`MAX_SESSIONS`
        of the user those not seen for longest.
        """
        with self._tables.transaction():
            self._connection.execute("DELETE FROM login_sessions WHERE expires <= ?", (created,))
            self._connection.execute(
                "DELETE FROM login_sessions WHERE number IN (SELECT number FROM login_sessions "
                "WHERE user = ? ORDER BY last_seen DESC, number DESC LIMIT -1 OFFSET ?)",
                (user, MAX_SESSIONS - 1),
            )
            return self._tables.one(
                LoginSession,
                "INSERT INTO login_sessions (user, hash, created, last_seen, expires, address, agent) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING *",
                user,
                hash,
                created,
                created,
                expires,
                address,
                agent,
            )

    def sessions(self, user: int) -> list[LoginSession]:
        """Where the user is logged in, the last seen first."""
        return self._tables.all(
            LoginSession, "SELECT * FROM login_sessions WHERE user = ? ORDER BY last_seen DESC", user
        )

    def session(self, hash: str) -> tuple[LoginSession, User] | None:
        """The session with this hash, expired or not, and whose it is."""
        session = self._tables.find(LoginSession, "SELECT * FROM login_sessions WHERE hash = ?", hash)
        user = self.user(session.user) if session else None
        return (session, user) if session and user else None

    def touch_session(self, number: int, last_seen: float, expires: float) -> None:
        """Note when a session was last used, and until when it lasts now."""
        self._connection.execute(
            "UPDATE login_sessions SET last_seen = ?, expires = ? WHERE number = ?",
            (last_seen, expires, number),
        )

    def remove_session(self, user: int, number: int) -> bool:
        """Log a browser out; False when the user has no such session."""
        cursor = self._connection.execute(
            "DELETE FROM login_sessions WHERE user = ? AND number = ?", (user, number)
        )
        return cursor.rowcount == 1

    # -- login links ------------------------------------------------------------

    def add_link(self, user: int, hash: str, created: float, expires: float) -> LoginLink:
        """A new one-time link; also forgets the links that expired before."""
        with self._tables.transaction():
            self._connection.execute("DELETE FROM login_links WHERE expires <= ?", (created,))
            return self._tables.one(
                LoginLink,
                "INSERT INTO login_links (hash, user, created, expires) VALUES (?, ?, ?, ?) RETURNING *",
                hash,
                user,
                created,
                expires,
            )

    def take_link(self, hash: str) -> tuple[LoginLink, User] | None:
        """The link with this hash, expired or not, and whose it is; it is gone after this call."""
        with self._tables.transaction():
            link = self._tables.find(LoginLink, "DELETE FROM login_links WHERE hash = ? RETURNING *", hash)
            user = self.user(link.user) if link else None
        return (link, user) if link and user else None

    # -- keys for ssh -----------------------------------------------------------

    def add_key(
        self, user: int, algorithm: str, blob: bytes, fingerprint: str, label: str, created: float
    ) -> Key:
        """Another key of the user.

        :raises KeyTaken: when it opens an account already; it does not say whose.
        :raises BadRequest: when the user has too many.
        """
        with self._tables.transaction():
            known = self._tables.find(Key, "SELECT * FROM ssh_keys WHERE blob = ?", blob)
            if known is not None and known.user == user:
                called = f" It is called {known.label!r}." if known.label else ""
                raise KeyTaken(f"This key opens your account already.{called}", "have_key")
            if known is not None:
                raise KeyTaken(
                    "This key opens another account here, and a key opens one only. "
                    "Use another key, or remove it from that account first."
                )
            if len(self.keys(user)) >= MAX_KEYS:
                raise BadRequest(f"There are {MAX_KEYS} keys already. Remove some first.", "too_many_keys")
            return self._tables.one(
                Key,
                "INSERT INTO ssh_keys (user, algorithm, blob, fingerprint, label, created) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
                user,
                algorithm,
                blob,
                fingerprint,
                label,
                created,
            )

    def keys(self, user: int) -> list[Key]:
        """The user's keys, oldest first."""
        return self._tables.all(Key, "SELECT * FROM ssh_keys WHERE user = ? ORDER BY number", user)

    def key(self, blob: bytes) -> tuple[Key, User] | None:
        """The key that is this one, and whose it is."""
        key = self._tables.find(Key, "SELECT * FROM ssh_keys WHERE blob = ?", blob)
        user = self.user(key.user) if key else None
        return (key, user) if key and user else None

    def touch_key(self, number: int, last_used: float) -> None:
        """Note when a key was last used."""
        self._connection.execute("UPDATE ssh_keys SET last_used = ? WHERE number = ?", (last_used, number))

    def remove_key(self, user: int, number: int) -> bool:
        """Forget a key; False when the user has none of this number."""
        cursor = self._connection.execute(
            "DELETE FROM ssh_keys WHERE user = ? AND number = ?", (user, number)
        )
        return cursor.rowcount == 1

    # -- settings ---------------------------------------------------------------

    def settings(self, user: int) -> dict[str, Any]:
        """What the user has set; empty when that is nothing."""
        row = self._connection.execute(
            "SELECT settings FROM user_settings WHERE user = ?", (user,)
        ).fetchone()
        settings: dict[str, Any] = json.loads(row["settings"]) if row else {}
        return settings

    def set_settings(self, user: int, settings: dict[str, Any]) -> None:
        """Replace what the user has set.

        :param settings: what JSON can carry, at most :data:`MAX_SETTINGS_BYTES` as such.
        :raises BadRequest: when it is not.
        :raises StoreError: when the account is no more.
        """
        try:
            text = json.dumps(settings, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as error:
            raise BadRequest(f"The settings cannot be kept: {error}.", "bad_settings") from None
        if len(text) > MAX_SETTINGS_BYTES:
            raise BadRequest(
                f"Settings take at most {MAX_SETTINGS_BYTES} bytes; these take {len(text)}.", "bad_settings"
            )
        kept = self._connection.execute(
            "INSERT INTO user_settings (user, settings) SELECT number, ?2 FROM users WHERE number = ?1 "
            "ON CONFLICT (user) DO UPDATE SET settings = excluded.settings",
            (user, text),
        )
        if kept.rowcount == 0:
            raise StoreError("The account is no more.", "no_such_user")

    # -- consoles ---------------------------------------------------------------

    def add_console(self, record: ConsoleRecord) -> ConsoleRecord:
        """Remember a console.

        :raises NameTaken: when the owner has another of this name.
        """
        with self._tables.unique(f"You already have a console named {record.name}."):
            return self._tables.one(
                ConsoleRecord,
                "INSERT INTO consoles (id, owner, name, program, image, created, ended, reason, prepared) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
                record.id,
                record.owner,
                record.name,
                record.program,
                record.image,
                record.created,
                record.ended,
                record.reason,
                int(record.prepared),
            )

    def consoles(self, owner: int | None = None) -> list[ConsoleRecord]:
        """The owner's consoles, or everybody's, oldest first."""
        return self._tables.all(
            ConsoleRecord,
            "SELECT * FROM consoles WHERE ?1 IS NULL OR owner = ?1 ORDER BY created, id",
            owner,
        )

    def console(self, id: str) -> ConsoleRecord | None:
        """The console with this id."""
        return self._tables.find(ConsoleRecord, "SELECT * FROM consoles WHERE id = ?", id)

    def rename_console(self, id: str, name: str, prepared: bool = False) -> None:
        """Give a console another name; with ``prepared`` False it is its owner's from now on.

        :raises NameTaken: when the owner has another of this name.
        """
        with self._tables.unique(f"You already have a console named {name}."):
            self._connection.execute(
                "UPDATE consoles SET name = ?, prepared = ? WHERE id = ?", (name, int(prepared), id)
            )

    def set_control(self, id: str, control: ControlMode) -> None:
        """Note who may type in a console."""
        self._connection.execute("UPDATE consoles SET control = ? WHERE id = ?", (control, id))

    def end_console(self, id: str, ended: float, reason: str) -> None:
        """Note that and why a console has ended; the first reason stays."""
        self._connection.execute(
            "UPDATE consoles SET ended = ?, reason = ? WHERE id = ? AND ended IS NULL", (ended, reason, id)
        )

    def remove_console(self, id: str) -> None:
        """Forget a console, its shares and what was said in it."""
        with self._tables.transaction():
            self._connection.execute("DELETE FROM consoles WHERE id = ?", (id,))
            self.shares.forget_guests()

    def changes(self) -> int:
        """A number that is another one after another process has changed anything."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
