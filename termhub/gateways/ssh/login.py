"""How somebody has logged in, and what that login stands on."""

from __future__ import annotations

import attrs

from termhub.accounts import Admitted, Credentials, GuestPass, PublicKey
from termhub.store import User


@attrs.frozen
class Login:
    """How somebody has logged in.

    :param key: the key that did it; None for a password or a link.
    :param console: the id of the console that a link has let them into; None where they came without one.
    :param secret: by which a guest is known.
    """

    user: User
    key: bytes | None = attrs.field(default=None, repr=False)
    console: str | None = None
    secret: str | None = attrs.field(default=None, repr=False)

    @property
    def credentials(self) -> Credentials:
        """What must stay good for the connection to stay."""
        if self.secret is not None:
            return GuestPass(self.secret)
        return Admitted(self.user) if self.key is None else PublicKey(self.user.name, self.key)

    @property
    def who(self) -> str:
        """Who it is, in words for the log: a guest may say the name of an account."""
        return f"guest {self.user.name}" if self.user.is_guest else self.user.name

    @property
    def way(self) -> str:
        """What was shown, in words for the log."""
        shown = [] if self.console is None else ["a link"]
        if self.key is not None:
            shown.append("a key")
        return " and ".join(shown) or "a password"
