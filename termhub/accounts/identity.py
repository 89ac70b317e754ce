"""Who somebody is: the one place where credentials become a user.

Every gateway turns what it was shown into one of :data:`.credentials.Credentials` and asks
:meth:`Accounts.identify <termhub.accounts.Accounts.identify>`, which asks here.  A new way to log in is
one more kind of credentials and one more case of :meth:`Identification.identify`: with single sign-on, a
provider's answer that a gateway has fetched and that is verified here; with a second factor, a
password's case answers only with what was shown besides, and else raises what makes a gateway ask
for it.  Everything behind, such as suspended accounts and scopes, is the same for all.

Invariant: it answers with an identity or raises; what it raises does not tell strangers whether an
account exists.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import assert_never

from termhub.errors import NotLoggedIn
from termhub.store import SCOPES, Scope, Store, User

from .attempts import Attempts, address_key
from .audit import Audit
from .credentials import (
    ANYBODY,
    Admitted,
    Bearer,
    Cookie,
    Credentials,
    GuestPass,
    Identity,
    Link,
    Password,
    PublicKey,
)
from .passwords import Passwords
from .secret import GUEST, LINK, SESSION, TOKEN, hash_secret

DAY_SECONDS = 24 * 60 * 60.0
SESSION_SECONDS = 30 * DAY_SECONDS
"""A browser stays logged in for so long after it was last seen."""

LINK_SECONDS = DAY_SECONDS
"""A login link can be used for so long."""

TOUCH_SECONDS = 300.0
"""How exactly the time of last use is kept; more would write at every request."""

_USE: frozenset[Scope] = frozenset(("read", "write"))
"""What somebody may do who has no credentials to manage."""


class Identification:
    """Knows users by their credentials.

    :param store: where accounts are kept.
    :param passwords: verifies passwords.
    :param seconds: a clock that never goes back (the reactor's), for the limits on attempts.
    :param now: seconds since 1970.
    :param audit: what was refused is noted there.
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        seconds: Callable[[], float],
        now: Callable[[], float],
        audit: Audit,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._now = now
        self._audit = audit
        self._by_address = Attempts(seconds, burst=20, refill_seconds=30.0)
        self._by_account = Attempts(seconds, burst=10, refill_seconds=30.0)

    async def identify(self, credentials: Credentials, address: str) -> Identity:
        """See :meth:`termhub.accounts.Accounts.identify`."""
        identity = await self._found(credentials, address)
        user = identity.user
        refused = self._refusal(user)
        if refused is not None:
            if isinstance(credentials, Password | Link):
                self._audit.note(None, "login.refused", user.name, {"why": refused.code}, address)
            raise refused
        return identity

    async def _found(self, credentials: Credentials, address: str) -> Identity:
        match credentials:
            case Password():
                return self._identity(await self._by_password(credentials, address))
            case Link():
                return self._identity(await self._by_link(credentials.secret, address))
            case Bearer():
                return await self._by_token(credentials.secret)
            case Cookie():
                return await self._by_session(credentials.secret)
            case PublicKey():
                return self._identity(await self._by_key(credentials))
            case GuestPass():
                return Identity(await self._by_guest_pass(credentials.secret), _USE)
            case Admitted():
                return self._identity(await self._still_admitted(credentials.user))
            case _:
                assert_never(credentials)

    def _identity(
        self,
        user: User,
        scopes: Set[Scope] = frozenset(SCOPES),
        token: int | None = None,
        session: int | None = None,
        expires: float | None = None,
    ) -> Identity:
        """What these credentials are good for in the hands of this user."""
        if user.is_visitor:
            scopes = scopes & _USE
        if not user.is_admin:
            scopes = scopes - {"admin"}
        return Identity(user, scopes, token, session, expires)

    def _refusal(self, user: User) -> NotLoggedIn | None:
        """Why the account may not be used, whatever was shown."""
        if user.suspended is not None:
            return NotLoggedIn(
                "Your account is suspended. Ask whoever looks after this hub why, and for how long.",
                "suspended",
            )
        if user.expires is not None and user.expires <= self._now():
            return NotLoggedIn(
                "This account was made for a visitor, and its time is over. You may begin anew.",
                "account_expired",
            )
        return None

    async def check_password(self, user: User, password: str, address: str) -> None:
        """See to it that somebody who is logged in knows the account's password.

        :raises NotLoggedIn: when this is not it.
        :raises TooMany: after too many wrong ones.
        """
        await self._by_password(Password(user.name, password), address)

    async def _by_password(self, credentials: Password, address: str) -> User:
        place = address_key(address)
        # JSON can carry what UTF-8, and so the store, cannot.
        name = credentials.name.encode("utf-8", "replace").decode()
        account = name[:64]
        self._by_address.spend(place)
        try:
            self._by_account.spend(account)
            try:
                user = await self._store.user_named(name)
                right = await self._passwords.verify(
                    user.password_hash if user else None, credentials.password
                )
            except BaseException:
                self._by_account.refund(account)
                raise
        except BaseException:
            # Nothing was verified, so nothing was tried.
            self._by_address.refund(place)
            raise
        if user is None or not right:
            # People type passwords where names belong: what is no account's name is not noted.
            self._audit.note(
                None, "login.refused", "" if user is None else name, {"why": "wrong_password"}, address
            )
            raise NotLoggedIn("The name or the password is wrong.", "wrong_password")
        self._by_account.refund(account)
        self._by_address.refund(place)
        return user

    async def _by_link(self, secret: str, address: str) -> User:
        place = address_key(address)
        self._by_address.spend(place)
        found = await self._store.take_link(_stored(secret, LINK))
        if found is None or found[0].expires <= self._now():
            self._audit.note(None, "login.refused", "", {"why": "bad_link"}, address)
            raise NotLoggedIn(
                "This login link was used already or has expired. Ask for a new one: termhub user link NAME",
                "bad_link",
            )
        self._by_address.refund(place)
        return found[1]

    async def _by_token(self, secret: str) -> Identity:
        found = await self._store.token(_stored(secret, TOKEN))
        if found is None:
            raise NotLoggedIn("The token is not known; it may have been revoked.", "bad_token")
        token, user = found
        now = self._now()
        if token.expires is not None and token.expires <= now:
            raise NotLoggedIn("The token has expired. Make another one.", "expired_token")
        if token.last_used is None or now - token.last_used >= TOUCH_SECONDS:
            await self._store.touch_token(token.number, now)
        return self._identity(user, token.scopes, token=token.number, expires=token.expires)

    async def _by_session(self, secret: str) -> Identity:
        found = await self._store.session(_stored(secret, SESSION))
        now = self._now()
        if found is None or found[0].expires <= now:
            raise NotLoggedIn("Your login has expired. Log in again.")
        session, user = found
        if now - session.last_seen >= TOUCH_SECONDS:
            await self._store.touch_session(session.number, now, now + SESSION_SECONDS)
        return self._identity(user, session=session.number)

    async def _by_key(self, credentials: PublicKey) -> User:
        found = await self._store.key(credentials.blob)
        if found is None or credentials.name not in ("", ANYBODY, found[1].name):
            raise NotLoggedIn("The key opens no account of this name here.", "unknown_key")
        key, user = found
        now = self._now()
        if key.last_used is None or now - key.last_used >= TOUCH_SECONDS:
            await self._store.touch_key(key.number, now)
        return user

    async def _by_guest_pass(self, secret: str) -> User:
        guest = await self._store.guest(_stored(secret, GUEST))
        if guest is None:
            raise NotLoggedIn("Nothing is shared with you any more. Ask for another link.", "no_such_guest")
        now = self._now()
        if now - guest.last_seen >= TOUCH_SECONDS:
            await self._store.touch_guest(guest.number, now)
        return guest.user

    async def _still_admitted(self, admitted: User) -> User:
        user = await self._store.user(admitted.number)
        if user is None or user.password_hash != admitted.password_hash:
            raise NotLoggedIn("Your account or its password has changed. Log in again.")
        return user


def _stored(secret: str, prefix: str) -> str:
    """The hash to look up; a secret of another kind matches nothing."""
    return hash_secret(secret) if secret.startswith(prefix) else ""
