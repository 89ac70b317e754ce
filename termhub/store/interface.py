"""What a store can do, for the parts of the hub that use one.

:class:`~termhub.store.AsyncStore` over SQLite is the embedded one; a store for many
nodes implements the same.  What each call does and raises is said at
:class:`~termhub.store.Database`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Protocol

from .records import (
    SCOPES,
    AuditEntry,
    ChatMessage,
    ConsoleRecord,
    ControlMode,
    Guest,
    HookEvent,
    Key,
    LoginLink,
    LoginSession,
    Person,
    Reading,
    Removal,
    Role,
    Scope,
    Share,
    Sharing,
    Token,
    Usage,
    User,
)


class Store(Protocol):
    """Users, their credentials, and consoles; every call is whole and durable."""

    async def add_user(
        self,
        name: str,
        created: float,
        plan: str,
        password_hash: str | None = None,
        *,
        is_admin: bool = False,
        expires: float | None = None,
    ) -> User:
        """A new account; raises NameTaken."""

    async def users(self) -> list[User]:
        """Everybody, by name."""

    async def user(self, number: int) -> User | None:
        """The account with this number."""

    async def user_named(self, name: str) -> User | None:
        """The account with this name."""

    async def set_password(
        self, user: int, password_hash: str | None, keep_session: int | None = None
    ) -> None:
        """Replace the user's password, and log the user out everywhere, or everywhere else."""

    async def add_token(
        self,
        user: int,
        label: str,
        hash: str,
        created: float,
        scopes: Collection[Scope] = SCOPES,
        expires: float | None = None,
    ) -> Token:
        """A new API token."""

    async def tokens(self, user: int) -> list[Token]:
        """The user's tokens, oldest first."""

    async def token(self, hash: str) -> tuple[Token, User] | None:
        """The token with this hash, expired or not, and whose it is."""

    async def touch_token(self, number: int, last_used: float) -> None:
        """Note when a token was last used."""

    async def remove_token(self, user: int, number: int) -> bool:
        """Revoke a token; False when the user has none of this number."""

    async def add_session(
        self, user: int, hash: str, created: float, expires: float, address: str, agent: str
    ) -> LoginSession:
        """A browser that has just logged in."""

    async def sessions(self, user: int) -> list[LoginSession]:
        """Where the user is logged in, the last seen first."""

    async def session(self, hash: str) -> tuple[LoginSession, User] | None:
        """The session with this hash, expired or not, and whose it is."""

    async def touch_session(self, number: int, last_seen: float, expires: float) -> None:
        """Note when a session was last used, and until when it lasts now."""

    async def remove_session(self, user: int, number: int) -> bool:
        """Log a browser out; False when the user has no such session."""

    async def add_link(self, user: int, hash: str, created: float, expires: float) -> LoginLink:
        """A new one-time link."""

    async def take_link(self, hash: str) -> tuple[LoginLink, User] | None:
        """The link with this hash, expired or not; it is gone after this call."""

    async def add_key(
        self, user: int, algorithm: str, blob: bytes, fingerprint: str, label: str, created: float
    ) -> Key:
        """Another key of the user; raises KeyTaken and BadRequest."""

    async def keys(self, user: int) -> list[Key]:
        """The user's keys, oldest first."""

    async def key(self, blob: bytes) -> tuple[Key, User] | None:
        """The key that is this one, and whose it is."""

    async def touch_key(self, number: int, last_used: float) -> None:
        """Note when a key was last used."""

    async def remove_key(self, user: int, number: int) -> bool:
        """Forget a key; False when the user has none of this number."""

    async def settings(self, user: int) -> dict[str, Any]:
        """What the user has set."""

    async def set_settings(self, user: int, settings: dict[str, Any]) -> None:
        """Replace what the user has set; raises BadRequest."""

    async def add_console(self, record: ConsoleRecord) -> ConsoleRecord:
        """Remember a console; raises NameTaken."""

    async def consoles(self, owner: int | None = None) -> list[ConsoleRecord]:
        """The owner's consoles, or everybody's, oldest first."""

    async def console(self, id: str) -> ConsoleRecord | None:
        """The console with this id."""

    async def rename_console(self, id: str, name: str, prepared: bool = False) -> None:
        """Give a console another name; raises NameTaken."""

    async def set_control(self, id: str, control: ControlMode) -> None:
        """Note who may type in a console."""

    async def end_console(self, id: str, ended: float, reason: str) -> None:
        """Note that and why a console has ended."""

    async def remove_console(self, id: str) -> None:
        """Forget a console, its shares and what was said in it."""

    async def changes(self) -> int:
        """A number that is another one after another process has changed anything."""

    async def sharing(self, now: float) -> list[Sharing]:
        """The sharing of every console that is shared; what no longer counts is forgotten."""

    async def add_share(self, share: Share, user: int | None, most: int) -> Sharing:
        """A new share; raises NoSuchConsole, NotAllowed and TooMany."""

    async def take_share(
        self, id: str, now: float, user: int | None, name: str, hash: str, most: int
    ) -> tuple[User, Sharing]:
        """Let somebody in by a link; raises NotAllowed and TooMany."""

    async def remove_share(self, console: str, id: str | None, now: float) -> Sharing | None:
        """Revoke a share of the console, or all (None); None when there is no such share."""

    async def set_member_role(self, console: str, member: int, role: Role, now: float) -> Sharing | None:
        """Give a member another role; None when there is no such member."""

    async def remove_member(self, console: str, member: int, now: float) -> Sharing | None:
        """Send a member away; None when there is no such member."""

    async def guest(self, hash: str) -> Guest | None:
        """The guest who is known by the secret with this hash."""

    async def touch_guest(self, number: int, last_seen: float) -> None:
        """Note when a guest was last here."""

    async def add_chat(self, console: str, time: float, name: str, text: str) -> ChatMessage:
        """Keep what was said in a console; raises NoSuchConsole."""

    async def chat(self, console: str, before: int | None = None, limit: int = 50) -> list[ChatMessage]:
        """The last messages before that number, or of all, the oldest of them first."""

    async def add_usage(self, day: str, readings: Iterable[Reading], more: Iterable[Usage] = ()) -> None:
        """Count what consoles have used since they were counted last, and what no counter has."""

    async def forget_usage_marks(self, consoles: Iterable[str]) -> None:
        """Consoles whose last counters are in and that will not be read again."""

    async def usage(self, user: int | None, first: str, last: str) -> list[Usage]:
        """What a user, or everybody, used from one day to another, by day."""

    async def append_audit(
        self, time: float, actor: str, action: str, subject: str, detail: dict[str, Any], address: str = ""
    ) -> AuditEntry:
        """Note what was done."""

    async def audit_entries(self, after: int = 0, limit: int = 1000) -> list[AuditEntry]:
        """Entries behind a number, the oldest first."""

    async def newest_audit(self, before: int | None, limit: int) -> list[AuditEntry]:
        """The newest entries, or those before a number, the newest first."""

    async def add_hook_event(self, created: float, body: dict[str, Any]) -> HookEvent:
        """An event to tell the operator's hook."""

    async def due_hook_events(self, now: float, limit: int = 20) -> list[HookEvent]:
        """Those whose time has come, the oldest first."""

    async def put_off_hook_event(self, number: int, until: float) -> None:
        """It was not taken: try again then."""

    async def remove_hook_event(self, number: int) -> None:
        """It was taken, or is given up."""

    async def hub_state(self, name: str) -> str | None:
        """What the hub remembers of itself by this name."""

    async def set_hub_state(self, name: str, value: str | None) -> None:
        """Remember something; None: forget it."""

    async def people_after(self, name: str, limit: int) -> list[Person]:
        """Accounts behind a name, by name."""

    async def person(self, name: str) -> Person:
        """The account of this name; raises BadRequest."""

    async def change_user(
        self,
        user: int,
        now: float,
        *,
        plan: str | None = None,
        is_admin: bool | None = None,
        suspended: bool | None = None,
    ) -> User:
        """Change what an account may do; raises NotAllowed and BadRequest."""

    async def begin_removal(self, user: int, now: float, by: str, whoever: bool = False) -> bool:
        """Close an account for good, and note that what it has is to go; whether that is new.

        :raises NotAllowed: when nobody would be left to look after the hub.
        """

    async def removals(self) -> list[Removal]:
        """What is being removed."""

    async def end_removal(self, user: int) -> None:
        """Nothing of an account is left: forget it."""
