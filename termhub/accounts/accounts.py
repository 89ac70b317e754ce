"""Accounts: who somebody is, what opens an account, and whether it may be used.

Everything that ends a login closes what is connected by it before it answers, and is noted in the
audit log: callers need do neither.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from termhub.errors import BadRequest, NotAllowed, NotLoggedIn
from termhub.store import SCOPES, LoginSession, Scope, Store, Token, User

from .audit import Audit
from .credentials import Credentials, Identity
from .identity import LINK_SECONDS, SESSION_SECONDS, Identification
from .keyring import Keyring
from .passwords import Passwords
from .secret import LINK, SESSION, TOKEN, hash_secret, new_secret
from .watch import Watch

MAX_TOKENS = 100
"""API tokens that a user may have at once."""

LONGEST_TOKEN_SECONDS = 10 * 366 * 86400.0
"""A token that expires does so within this time."""

FRESH_SECONDS = 3600.0
"""So long after a login a password may be set where there is none yet."""


class Accounts:
    """The accounts of a hub.

    :param store: where accounts are kept.
    :param passwords: verifies passwords.
    :param seconds: a clock that never goes back (the reactor's), for the limits on attempts.
    :param now: seconds since 1970.
    :param watch: tells who is connected that something has changed.
    :param audit: what is done here is noted there.
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        seconds: Callable[[], float],
        now: Callable[[], float],
        watch: Watch,
        audit: Audit,
    ) -> None:
        self.watch = watch
        self.keyring = Keyring(store, seconds, now, watch, audit)
        """The keys that open accounts by ssh."""
        self._store = store
        self._passwords = passwords
        self._now = now
        self._audit = audit
        self._identification = Identification(store, passwords, seconds, now, audit)

    async def identify(self, credentials: Credentials, address: str) -> Identity:
        """Who has shown these credentials, and what they are good for.

        :param address: where they come from; wrong passwords and links are counted
            by it.
        :raises NotLoggedIn: when they are wrong, used up or expired; with the code ``suspended`` or
            ``account_expired`` when they are right, and the account may not be used.
        :raises TooMany: after too many wrong ones from this address or for this account.
        """
        return await self._identification.identify(credentials, address)

    def logged_in(self, user: User, way: str, address: str) -> None:
        """Note that somebody has logged in who stays connected.

        :param way: ``ssh`` or ``telnet``, and what was shown, in words.
        """
        self._audit.note(user, "login.ok", user.label, {"way": way}, address)

    # -- login sessions ----------------------------------------------------------------

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
        self._audit.note(user, "login.ok", user.name, {"way": "web"}, address)
        return secret

    async def close_session(self, secret: str, address: str = "") -> User | None:
        """Log the browser out that has this cookie.

        :returns: whose it was; None when it is not logged in.
        """
        found = await self._store.session(hash_secret(secret))
        if found is None:
            return None
        session, user = found
        await self._store.remove_session(user.number, session.number)
        self._audit.note(user, "logout", user.name, address=address)
        await self.watch.access_ended(user)
        return user

    async def sessions(self, user: User) -> list[LoginSession]:
        """Where the user is logged in by a browser, the last seen first."""
        now = self._now()
        return [session for session in await self._store.sessions(user.number) if session.expires > now]

    async def revoke_session(self, user: User, number: int, address: str = "") -> None:
        """Log one of the user's browsers out.

        :raises BadRequest: when the user has no such session.
        """
        if not await self._store.remove_session(user.number, number):
            raise BadRequest(f"You have no login session {number}.", "no_such_session")
        self._audit.note(user, "session.revoke", str(number), address=address)
        await self.watch.access_ended(user)

    async def revoke_sessions(self, identity: Identity, address: str = "") -> int:
        """Log all of the user's browsers out but the one that asks; how many they were."""
        user, count = identity.user, 0
        for session in await self._store.sessions(user.number):
            if session.number != identity.session:
                count += await self._store.remove_session(user.number, session.number)
        if count:
            self._audit.note(user, "session.revoke", "all others", {"count": count}, address)
            await self.watch.access_ended(user)
        return count

    # -- API tokens --------------------------------------------------------------------

    async def create_token(
        self,
        identity: Identity,
        label: str,
        scopes: Collection[Scope] | None = None,
        seconds: float | None = None,
        address: str = "",
    ) -> tuple[Token, str]:
        """A new API token: what is stored of it, and the secret, shown once.

        :param identity: who makes it; a token makes none that may do more, or longer, than itself.
        :param scopes: what it is good for; None for all that who makes it may.
        :param seconds: how long it is good; None for ever.
        :raises BadRequest: when it cannot be like that, or the user has too many.
        :raises NotAllowed: when it could do more than who makes it.
        """
        user, now = identity.user, self._now()
        wanted = identity.scopes if scopes is None else frozenset(scopes)
        check_scopes(wanted)
        expires = None if seconds is None else now + checked_seconds(seconds)
        if not wanted <= identity.scopes:
            missing = ", ".join(scope for scope in SCOPES if scope in wanted - identity.scopes)
            raise NotAllowed(f"You cannot give a token more than you have: {missing}.", "no_scope")
        if identity.expires is not None:
            expires = identity.expires if expires is None else min(expires, identity.expires)
        if len(await self._store.tokens(user.number)) >= MAX_TOKENS:
            raise BadRequest(f"You have {MAX_TOKENS} tokens already. Revoke some first.", "too_many_tokens")
        secret = new_secret(TOKEN)
        token = await self._store.add_token(user.number, label, hash_secret(secret), now, wanted, expires)
        self._audit.note(user, "token.add", label, token_detail(token), address)
        return token, secret

    async def tokens(self, user: User) -> list[Token]:
        """The user's API tokens, oldest first."""
        return await self._store.tokens(user.number)

    async def revoke_token(self, user: User, number: int, address: str = "") -> None:
        """Make a token of the user useless.

        :raises BadRequest: when the user has none of this number.
        """
        if not await self._store.remove_token(user.number, number):
            raise BadRequest(f"You have no token {number}.", "no_such_token")
        self._audit.note(user, "token.revoke", str(number), address=address)
        await self.watch.access_ended(user)

    # -- the password ------------------------------------------------------------------

    async def change_password(self, identity: Identity, old: str | None, new: str, address: str) -> None:
        """Give the user another password, and log them out everywhere else.

        :param old: the password there is; whoever has none yet needs none within
            :data:`FRESH_SECONDS` of a login by a browser.
        :raises BadRequest: when the new one cannot be used.
        :raises NotAllowed: when the old one is missing or wrong, or the login too long ago.
        :raises TooMany: after too many wrong ones.
        """
        user = identity.user
        if user.password_hash is None:
            await self._check_fresh(identity)
        else:
            await self.check_password(user, old, address, "Say the old password too.")
        hashed = await self._passwords.hash(new)
        await self._store.set_password(user.number, hashed, keep_session=identity.session)
        self._audit.note(user, "password.change", user.name, address=address)
        await self.watch.access_ended(user)

    async def check_password(
        self, user: User, password: str | None, address: str, needed: str = "Say your password too."
    ) -> None:
        """See to it that whoever asks knows the account's password, where it has one.

        :param needed: what they are told who said none.
        :raises NotAllowed: when it is missing or wrong.
        :raises TooMany: after too many wrong ones.
        """
        if user.password_hash is None:
            return
        if password is None:
            raise NotAllowed(needed, "password_needed")
        try:
            await self._identification.check_password(user, password, address)
        except NotLoggedIn:
            raise NotAllowed("The password is wrong.", "wrong_password") from None

    async def _check_fresh(self, identity: Identity) -> None:
        sessions = await self._store.sessions(identity.user.number)
        created = next((each.created for each in sessions if each.number == identity.session), None)
        if created is None or self._now() - created > FRESH_SECONDS:
            raise NotAllowed(
                "Your account has no password yet. Log in by a new link to set one: termhub user link NAME",
                "fresh_login_needed",
            )

    # -- what those do who look after the hub --------------------------------------------

    async def add_link(self, user: User, by: User | None, address: str = "") -> str:
        """The secret of a link that logs the user in once, within a day."""
        secret, now = new_secret(LINK), self._now()
        await self._store.add_link(user.number, hash_secret(secret), now, now + LINK_SECONDS)
        self._audit.note(by, "user.link", user.name, address=address)
        return secret

    async def change(
        self,
        user: User,
        by: User | None,
        *,
        plan: str | None = None,
        is_admin: bool | None = None,
        suspended: bool | None = None,
        address: str = "",
    ) -> User:
        """Give an account another plan, let it look after the hub, suspend it; None: as it is.

        Who is suspended is logged out everywhere at once; passwords, tokens and keys are refused, and what
        the user shares is shared no longer meanwhile.  Running consoles go on.

        :param by: who does it; None for the hub itself.
        :param plan: one of the settings' plans; the caller has checked it.
        :returns: the account as it is now.
        :raises NotAllowed: when nobody would be left to look after the hub.
        :raises BadRequest: when the account is no more.
        """
        before = await self._store.user(user.number) or user
        after = await self._store.change_user(
            user.number, self._now(), plan=plan, is_admin=is_admin, suspended=suspended
        )
        for action, detail in changes_of(before, after):
            self._audit.note(by, action, after.name, detail, address)
        await self.watch.account_changed(before, after)
        return after


def changes_of(before: User, after: User) -> list[tuple[str, dict[str, object]]]:
    """What is noted of an account that was changed: actions and their details."""
    notes: list[tuple[str, dict[str, object]]] = []
    if after.plan != before.plan:
        notes.append(("user.plan", {"plan": after.plan, "before": before.plan}))
    if after.is_admin != before.is_admin:
        notes.append(("user.admin", {"is_admin": after.is_admin}))
    if (after.suspended is None) != (before.suspended is None):
        notes.append(("user.resume" if after.suspended is None else "user.suspend", {}))
    return notes


def check_scopes(scopes: Collection[Scope]) -> None:
    """See to it that a token is good for something that there is.

    :raises BadRequest: when it is not.
    """
    if not scopes or not set(scopes) <= set(SCOPES):
        raise BadRequest(f"A token has at least one of the scopes {', '.join(SCOPES)}.", "bad_scopes")


def checked_seconds(seconds: float) -> float:
    """How long a token is good.

    :raises BadRequest: when it cannot be so long.
    """
    if not 1 <= seconds <= LONGEST_TOKEN_SECONDS:
        raise BadRequest("A token lasts from a second to ten years, or for ever.", "bad_expiry")
    return seconds


def token_detail(token: Token) -> dict[str, object]:
    """What is noted of a new token."""
    scopes = [scope for scope in SCOPES if scope in token.scopes]
    return {"number": token.number, "scopes": scopes, "expires": token.expires}
