"""What somebody shows to say who they are, and who they are then."""

from __future__ import annotations

from collections.abc import Set

import attrs

from termhub.errors import NotAllowed
from termhub.store import SCOPES, Scope, User

ANYBODY = "console"
"""The name under which everybody may come by ssh."""


@attrs.frozen
class Password:
    """A name and a password."""

    name: str
    password: str = attrs.field(repr=False)


@attrs.frozen
class Link:
    """The secret of a one-time login link; using it up is part of identifying."""

    secret: str = attrs.field(repr=False)


@attrs.frozen
class Bearer:
    """An API token."""

    secret: str = attrs.field(repr=False)


@attrs.frozen
class Cookie:
    """The secret of a login session."""

    secret: str = attrs.field(repr=False)


@attrs.frozen
class PublicKey:
    """A key of ssh whose holder has proved to have it: the gateway has verified the signature.

    ``name`` says whose account is meant; with "" or :data:`ANYBODY` it is that of whoever has
    the key.  ``blob`` is the key as ssh sends it (RFC 4253, section 6.6).
    """

    name: str
    blob: bytes = attrs.field(repr=False)


@attrs.frozen
class Admitted:
    """A user who showed a password when the connection was made; the password itself is not kept.

    It stands as long as the account has the same password.
    """

    user: User


@attrs.frozen
class GuestPass:
    """The secret of a guest: somebody without an account, who came by a share."""

    secret: str = attrs.field(repr=False)


Credentials = Password | Link | Bearer | Cookie | PublicKey | Admitted | GuestPass


@attrs.frozen
class Identity:
    """Who somebody is, and what the credentials that they showed are good for.

    ``token`` and ``session`` are the numbers of the API token or the login session that was shown;
    ``expires`` is when the credentials do, in seconds since 1970, where that is certain.
    """

    user: User
    scopes: Set[Scope] = frozenset(SCOPES)
    token: int | None = None
    session: int | None = None
    expires: float | None = None

    @property
    def may_write(self) -> bool:
        """Whether consoles may be used, and not only looked at."""
        return "write" in self.scopes

    def check(self, scope: Scope) -> None:
        """See to it that the credentials are good for something.

        :raises NotAllowed: when they are not.
        """
        if scope in self.scopes:
            return
        if self.token is not None and (scope != "admin" or self.user.is_admin):
            has = ", ".join(each for each in SCOPES if each in self.scopes) or "none"
            raise NotAllowed(
                f"The token is not good for this: it takes the scope {scope}, and the token has {has}.",
                "no_scope",
            )
        if scope == "admin":
            raise NotAllowed("Only who looks after the hub may do that.", "admins_only")
        if scope == "account" and self.user.is_visitor:
            raise NotAllowed(
                "An account made for a visitor goes by itself, and has no credentials of its own. "
                "Ask the operator for one that stays.",
                "visitors_may_not",
            )
        raise NotAllowed("Guests may not do that. Log in first.", "guests_may_not")
