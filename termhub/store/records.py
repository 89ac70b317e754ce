"""What the store keeps, as values.

Times are seconds since 1970 (UTC).  A ``hash`` is the SHA-256 of a secret that only
its holder has; the secret itself is never stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs

Role = Literal["observer", "writer", "owner"]
"""What somebody may do in a console; each role may do what those before it may."""

ROLES: tuple[Role, ...] = ("observer", "writer", "owner")

ControlMode = Literal["anyone", "one", "owner"]
"""Who may type in a console when several are there: anyone who may write, one at a time, or its owners."""

Scope = Literal["read", "write", "account", "admin"]
"""What a token may be used for: to look; to make, use and change consoles; to change the account and its
credentials; to look after the hub, where its user may."""

SCOPES: tuple[Scope, ...] = ("read", "write", "account", "admin")

GUEST_PLAN = "guest"
"""The plan of who has no account: it has nothing."""


def rank(role: Role) -> int:
    """How much a role may do: more than every role with a smaller rank."""
    return ROLES.index(role)


@attrs.frozen
class User:
    """An account, or a guest.

    ``number`` is never given to another account: a console's uid and home derive
    from it.  ``password_hash`` is an argon2id string, or None when the account has
    no password (it logs in by link or token).  ``is_admin`` is who may look after the hub,
    ``suspended`` since when the account may not be used, and ``expires`` when it goes by itself;
    None: not.  A guest is somebody without an account who
    came by a share; its number is negative.
    """

    number: int
    name: str
    created: float
    plan: str
    password_hash: str | None = attrs.field(default=None, repr=False)
    is_admin: bool = attrs.field(default=False, converter=bool)
    suspended: float | None = None
    expires: float | None = None

    @property
    def is_guest(self) -> bool:
        """Whether this is somebody without an account, who owns nothing."""
        return self.number < 0

    @property
    def is_visitor(self) -> bool:
        """Whether the account was made for a visitor without one, and goes by itself."""
        return self.expires is not None

    @property
    def label(self) -> str:
        """What others are told: who has only said a name is marked, so that none passes for an account."""
        return f"{self.name} (guest)" if self.is_guest else self.name


def _scopes(value: str | Iterable[Scope]) -> frozenset[Scope]:
    words = value.split() if isinstance(value, str) else value
    return frozenset(scope for scope in SCOPES if scope in words)


@attrs.frozen
class Token:
    """An API token of a user; ``label`` says what it is for.

    ``scopes`` is what it may be used for; ``expires`` until when, None: for ever.
    """

    number: int
    user: int
    label: str
    hash: str = attrs.field(repr=False)
    created: float
    last_used: float | None = None
    scopes: frozenset[Scope] = attrs.field(default=frozenset(SCOPES), converter=_scopes)
    expires: float | None = None


@attrs.frozen
class LoginSession:
    """A browser that is logged in; ``address`` and ``agent`` help to recognise it."""

    number: int
    user: int
    hash: str = attrs.field(repr=False)
    created: float
    last_seen: float
    expires: float
    address: str
    agent: str


@attrs.frozen
class LoginLink:
    """A link that logs its holder in once."""

    hash: str = attrs.field(repr=False)
    user: int
    created: float
    expires: float


@attrs.frozen
class Key:
    """A public key that opens its user's account by ssh.

    ``blob`` is the key as ssh sends it (RFC 4253, section 6.6), ``fingerprint`` what
    ``ssh-keygen -l`` shows of it, and ``label`` what its user calls it.
    """

    number: int
    user: int
    algorithm: str
    blob: bytes = attrs.field(repr=False)
    fingerprint: str
    label: str
    created: float
    last_used: float | None = None


@attrs.frozen
class ConsoleRecord:
    """What the hub must remember of a console.

    ``ended`` is None while it runs; ``prepared`` means that it was started ahead of
    its use and its owner does not see it yet.
    """

    id: str
    owner: int
    name: str
    program: str
    image: str
    created: float
    ended: float | None = None
    reason: str | None = None
    prepared: bool = attrs.field(default=False, converter=bool)
    control: ControlMode = "anyone"


@attrs.frozen
class Share:
    """What lets others attach to one console, until it expires: by a link, or an account by its name.

    ``created_by`` is an account's number.  ``uses_left`` is how many more may come by it, None
    for any number.  ``hash`` is that of a link's token, None for a share with an account, whose
    name is the ``label`` then.
    """

    id: str
    console: str
    role: Role
    created_by: int
    created: float
    expires: float
    uses_left: int | None = None
    label: str = ""
    hash: str | None = attrs.field(default=None, repr=False)
    passphrase_hash: str | None = attrs.field(default=None, repr=False)

    @property
    def is_link(self) -> bool:
        """Whether whoever has the token may come."""
        return self.hash is not None

    @property
    def has_passphrase(self) -> bool:
        """Whether the token alone is not enough."""
        return self.passphrase_hash is not None


@attrs.frozen
class Member:
    """Somebody, an account or a guest, whom a share let in; ``role`` may be another than the share's."""

    number: int
    share: str
    console: str
    user: User
    role: Role
    joined: float


@attrs.frozen
class Sharing:
    """The shares of one console, and whom they have let in; the oldest first."""

    console: str
    shares: tuple[Share, ...] = ()
    members: tuple[Member, ...] = ()


@attrs.frozen
class Guest:
    """Somebody without an account, who came by a share and said a name."""

    number: int
    name: str
    hash: str = attrs.field(repr=False)
    created: float
    last_seen: float

    @property
    def user(self) -> User:
        """The guest, as everything takes it that takes users."""
        return User(-self.number, self.name, self.created, GUEST_PLAN)


@attrs.frozen
class ChatMessage:
    """Something said in a console; ``number`` counts from 1 in each."""

    number: int
    time: float
    name: str
    text: str


@attrs.frozen
class Usage:
    """What a user used on a day (UTC, such as ``2026-11-23``)."""

    user: int
    day: str
    cpu_seconds: float = 0.0
    memory_mb_seconds: float = 0.0
    disk_mb_seconds: float = 0.0
    network_in: int = 0
    network_out: int = 0
    console_seconds: float = 0.0


@attrs.frozen
class Reading:
    """A console's counters at a time; they only grow while it lives."""

    console: str
    owner: int
    time: float
    cpu_seconds: float
    network_in: int
    network_out: int


@attrs.frozen
class AuditEntry:
    """Something that was done; ``detail`` is a JSON object, ``hash`` covers the entry and the one before."""

    number: int
    time: float
    actor: str
    action: str
    subject: str
    detail: str
    address: str
    hash: str


@attrs.frozen
class HookEvent:
    """Something the operator's hook is to be told; ``body`` is a JSON object."""

    number: int
    created: float
    body: str
    tries: int
    next_try: float


@attrs.frozen
class Person:
    """An account and when it was last used, as far as that is kept; None: never."""

    user: User
    last_seen: float | None


@attrs.frozen
class Removal:
    """An account that is being removed: its number and name, and the name of who wants it."""

    user: int
    name: str
    by: str
