"""The JSON bodies about logging in and one's own account, as types; see :mod:`.schemas`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from termhub.store import Scope

from .schemas import RequestBody, Time

Secret = Annotated[str, Meta(max_length=1000)]
TokenScopes = Annotated[
    list[Scope],
    Meta(
        min_length=1,
        max_length=20,
        description="What it is good for: `read` looks, `write` makes, uses and changes consoles, "
        "`account` changes the account and its credentials, `admin` looks after the hub.",
    ),
]


class LoginRequest(RequestBody, frozen=True):
    """Either a name and a password, or the secret of a one-time login link."""

    name: Annotated[str, Meta(max_length=64)] | None = None
    password: Annotated[str, Meta(max_length=1000)] | None = None
    link: Annotated[str, Meta(max_length=100)] | None = None


class NewTokenRequest(RequestBody, frozen=True):
    """An API token to make."""

    label: Annotated[str, Meta(max_length=100, description="What it is for.")] = ""
    scopes: Annotated[TokenScopes | None, Meta(description="null: all that you may give.")] = None
    expires_in: Annotated[
        Annotated[float, Meta(ge=1, le=10 * 366 * 86400)] | None,
        Meta(description="Seconds from now; null: never."),
    ] = None


class PasswordChange(RequestBody, frozen=True):
    """A new password."""

    new: Annotated[Secret, Meta(description="At least 8 characters.")]
    old: Annotated[Secret | None, Meta(description="The password there is; null where there is none.")] = None


KeyLabel = Annotated[str, Meta(max_length=100, description="What you call the key.")]


class NewKeyRequest(RequestBody, frozen=True):
    """A public key of ssh to add."""

    key: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=16384,
            description="A line such as `ssh-ed25519 AAAA… comment`, or a file of RFC 4716.",
        ),
    ]
    label: KeyLabel | None = None


class AcceptOfferRequest(RequestBody, frozen=True):
    """That an offered key is yours."""

    label: KeyLabel = ""


class Me(Struct, frozen=True):
    """Who you are logged in as."""

    name: str
    plan: str
    created: Time
    is_guest: Annotated[bool, Meta(description="Whether you have no account, and came by a link.")]
    is_admin: Annotated[bool, Meta(description="Whether you look after the hub.")]
    has_password: bool
    scopes: Annotated[list[Scope], Meta(description="What you may do, as you have logged in.")]
    expires: Annotated[
        Time | None, Meta(description="When the account of a visitor goes with all it has; null: it stays.")
    ]


class SessionInfo(Struct, frozen=True):
    """A browser in which you are logged in."""

    number: int
    created: Time
    last_seen: Time
    address: Annotated[str, Meta(description="Where it logged in from.")]
    agent: Annotated[str, Meta(description="What the browser calls itself.")]
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]


class SessionList(Struct, frozen=True):
    """Where you are logged in by a browser, the last seen first."""

    sessions: list[SessionInfo]


class TokenInfo(Struct, frozen=True):
    """An API token, without its secret."""

    number: int
    label: str
    created: Time
    last_used: Time | None
    scopes: list[Scope]
    expires: Time | None


class TokenList(Struct, frozen=True):
    """Your API tokens, oldest first."""

    tokens: list[TokenInfo]


class NewTokenInfo(Struct, frozen=True):
    """A new API token; `secret` is shown this once."""

    number: int
    label: str
    created: Time
    scopes: list[Scope]
    expires: Time | None
    secret: str


class KeyInfo(Struct, frozen=True):
    """A key that opens your account by ssh."""

    number: int
    label: str
    algorithm: Annotated[str, Meta(description="Its type, such as `ssh-ed25519`.")]
    fingerprint: Annotated[str, Meta(description="`SHA256:…`, as `ssh-keygen -l` shows it.")]
    created: Time
    last_used: Time | None


class KeyList(Struct, frozen=True):
    """The keys that open your account by ssh, oldest first."""

    keys: list[KeyInfo]


class KeyOfferInfo(Struct, frozen=True):
    """A key that somebody who came by ssh has proved to hold, and that opens no account yet."""

    code: str
    algorithm: str
    fingerprint: str
    address: Annotated[str, Meta(description="Where they came from; empty when that is not known.")]
    expires: Time


class ServerInfo(Struct, frozen=True):
    """The hub, and how else it is reached."""

    version: str
    ssh: Annotated[
        str | None, Meta(description="The command that connects by ssh; null when nothing serves it.")
    ]
    guests: Annotated[bool, Meta(description="Whether visitors may come without an account.")]
