"""Who somebody is: the one place where credentials become a user.

Every gateway turns what it was shown into one of the credentials here and asks
:meth:`Accounts.identify`.  Invariant: it answers with a user or raises; what it raises
does not tell whether an account exists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import attrs

from termhub.errors import BadRequest, NotLoggedIn
from termhub.store import Key, Store, Token, User

from .attempts import Attempts, address_key
from .offers import KeyOffer, Offers
from .passwords import Passwords
from .public_keys import check_public_key, clean_label, parse_public_key
from .secret import GUEST, LINK, SESSION, TOKEN, hash_secret, new_secret

DAY_SECONDS = 24 * 60 * 60.0
SESSION_SECONDS = 30 * DAY_SECONDS
"""A browser stays logged in for so long after it was last seen."""

LINK_SECONDS = DAY_SECONDS
"""A login link can be used for so long."""

MAX_TOKENS = 100
"""API tokens that a user may have at once."""

ANYBODY = "console"
"""The name under which everybody may come by ssh."""

TOUCH_SECONDS = 300.0
"""How exactly the time of last use is kept; more would write at every request."""


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


class Accounts:
    """Knows users by their credentials, and opens and closes their login sessions.

    :param store: where accounts are kept.
    :param passwords: verifies passwords.
    :param seconds: a clock that never goes back (the reactor's), for the limits on attempts.
    :param now: seconds since 1970.
    """

    def __init__(
        self, store: Store, passwords: Passwords, seconds: Callable[[], float], now: Callable[[], float]
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._now = now
        self._by_address = Attempts(seconds, burst=20, refill_seconds=30.0)
        self._by_account = Attempts(seconds, burst=10, refill_seconds=30.0)
        self._offers = Offers(now)
        self._by_code = Attempts(seconds, burst=20, refill_seconds=30.0, what="wrong codes")

    async def identify(self, credentials: Credentials, address: str) -> User:
        """The user who showed these credentials.

        :param address: where they come from; wrong passwords and links are counted
            by it.
        :raises NotLoggedIn: when they are wrong, used up or expired.
        :raises TooMany: after too many wrong ones from this address or for this account.
        """
        match credentials:
            case Password():
                return await self._by_password(credentials, address_key(address))
            case Link():
                return await self._by_link(credentials.secret, address_key(address))
            case Bearer():
                return await self._by_token(credentials.secret)
            case Cookie():
                return await self._by_session(credentials.secret)
            case PublicKey():
                return await self._by_key(credentials)
            case GuestPass():
                return await self._by_guest_pass(credentials.secret)
            case Admitted():
                return await self._still_admitted(credentials.user)
            case _:
                assert_never(credentials)

    async def open_session(self, user: User, address: str, agent: str) -> str:
        """Log a browser in.

        :param agent: what the browser calls itself, to tell sessions apart in a list.
        :returns: the secret for its cookie.
        """
        secret = new_secret(SESSION)
        now = self._now()
        await self._store.add_session(
            user.number, hash_secret(secret), now, now + SESSION_SECONDS, address, agent[:200]
        )
        return secret

    async def close_session(self, secret: str) -> User | None:
        """Log the browser out that has this cookie.

        :returns: whose it was; None when it is not logged in.
        """
        found = await self._store.session(hash_secret(secret))
        if found is None:
            return None
        session, user = found
        await self._store.remove_session(user.number, session.number)
        return user

    async def create_token(self, user: User, label: str) -> tuple[Token, str]:
        """A new API token of the user: what is stored of it, and the secret, shown once.

        :raises BadRequest: when the user has too many.
        """
        if len(await self._store.tokens(user.number)) >= MAX_TOKENS:
            raise BadRequest(f"You have {MAX_TOKENS} tokens already. Revoke some first.", "too_many_tokens")
        secret = new_secret(TOKEN)
        token = await self._store.add_token(user.number, label, hash_secret(secret), self._now())
        return token, secret

    async def tokens(self, user: User) -> list[Token]:
        """The user's API tokens, oldest first."""
        return await self._store.tokens(user.number)

    async def revoke_token(self, user: User, number: int) -> None:
        """Make a token of the user useless.

        :raises BadRequest: when the user has none of this number.
        """
        if not await self._store.remove_token(user.number, number):
            raise BadRequest(f"You have no token {number}.", "no_such_token")

    async def add_key(self, user: User, text: str, label: str | None = None) -> Key:
        """Let a key open the user's account by ssh.

        :param text: a line of OpenSSH or a file of RFC 4716 (:func:`.public_keys.parse_public_key`).
        :param label: what to call it; None for the comment in ``text``.
        :raises BadRequest: when that is no key that can be used, or the user has too many.
        :raises KeyTaken: when the key opens an account already.
        """
        key = parse_public_key(text)
        called = key.comment if label is None else clean_label(label)
        return await self._store.add_key(
            user.number, key.algorithm, key.blob, key.fingerprint, called, self._now()
        )

    async def keys(self, user: User) -> list[Key]:
        """The user's keys, oldest first."""
        return await self._store.keys(user.number)

    async def remove_key(self, user: User, number: int) -> None:
        """Let a key of the user open nothing any more.

        :raises BadRequest: when the user has none of this number.
        """
        if not await self._store.remove_key(user.number, number):
            raise BadRequest(f"You have no key {number}.", "no_such_key")

    async def key_owner(self, blob: bytes) -> User | None:
        """Whose account a key opens.

        It says so to anybody: it is for a gateway that asks on behalf of who has proved the key,
        or that must know whether a proof is worth asking for.
        """
        found = await self._store.key(blob)
        return found[1] if found else None

    def offer_key(self, blob: bytes, algorithm: str, address: str = "") -> KeyOffer:
        """A code by which somebody who is logged in can add a key that opens no account yet.

        :param blob: a key whose holder has proved to have it.
        :param algorithm: its type, or that of the signature.
        :param address: where its holder comes from.
        :raises BadRequest: when such a key cannot be added.
        """
        if algorithm.startswith("rsa-sha2-"):
            algorithm = "ssh-rsa"
        check_public_key(blob, algorithm)
        return self._offers.add(blob, algorithm, address)

    def offered(self, user: User, code: str, address: str) -> KeyOffer:
        """The offer of this code.

        :param user: who asks; wrong codes are counted by who and where they are.
        :raises BadRequest: when there is no such offer, or no more.
        :raises TooMany: after too many wrong codes.
        """
        spent = (address_key(address), f"user {user.number}")
        for key in spent:
            self._by_code.spend(key)
        offer = self._offers.find(code)
        if offer is None:
            raise BadRequest(
                "This code is wrong, was used already or has expired. Connect by ssh again for a new one.",
                "no_such_offer",
            )
        for key in spent:
            self._by_code.refund(key)
        return offer

    async def accept_offer(self, user: User, code: str, label: str, address: str) -> Key:
        """Let the key that was offered by this code open the user's account.

        :raises BadRequest: when there is no such offer, or the user has too many keys.
        :raises KeyTaken: when the key opens an account already.
        :raises TooMany: after too many wrong codes.
        """
        offer = self.offered(user, code, address)
        called = clean_label(label)
        key = await self._store.add_key(
            user.number, offer.algorithm, offer.blob, offer.fingerprint, called, self._now()
        )
        self._offers.discard(offer)
        return key

    async def _by_password(self, credentials: Password, address: str) -> User:
        # JSON can carry what UTF-8, and so the store, cannot.
        name = credentials.name.encode("utf-8", "replace").decode()
        account = name[:64]
        self._by_address.spend(address)
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
            self._by_address.refund(address)
            raise
        if user is None or not right:
            raise NotLoggedIn("The name or the password is wrong.", "wrong_password")
        self._by_account.refund(account)
        self._by_address.refund(address)
        return user

    async def _by_link(self, secret: str, address: str) -> User:
        self._by_address.spend(address)
        found = await self._store.take_link(_stored(secret, LINK))
        if found is None or found[0].expires <= self._now():
            raise NotLoggedIn(
                "This login link was used already or has expired. Ask for a new one: termhub user link NAME",
                "bad_link",
            )
        self._by_address.refund(address)
        return found[1]

    async def _by_token(self, secret: str) -> User:
        found = await self._store.token(_stored(secret, TOKEN))
        if found is None:
            raise NotLoggedIn("The token is not known; it may have been revoked.", "bad_token")
        token, user = found
        now = self._now()
        if token.last_used is None or now - token.last_used >= TOUCH_SECONDS:
            await self._store.touch_token(token.number, now)
        return user

    async def _by_session(self, secret: str) -> User:
        found = await self._store.session(_stored(secret, SESSION))
        now = self._now()
        if found is None or found[0].expires <= now:
            raise NotLoggedIn("Your login has expired. Log in again.")
        session, user = found
        if now - session.last_seen >= TOUCH_SECONDS:
            await self._store.touch_session(session.number, now, now + SESSION_SECONDS)
        return user

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
