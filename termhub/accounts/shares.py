"""Sharing consoles: who lets whom in, by a link or by name, and for how long.

The store is the truth; what counts just now is also in memory (:mod:`.grants`), so that
:meth:`Shares.role` answers at once, on every path and for every key that somebody presses.
Invariant: the memory is never behind an answer that was given, and nothing counts after it has
expired, even where the store cannot be reached.
"""

from __future__ import annotations

import base64
import math
import secrets
from collections.abc import Callable
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import BadRequest, NoSuchConsole, NotAllowed, TermhubError
from termhub.store import ROLES, Member, Role, Share, Sharing, Store, User

from .attempts import Attempts, address_key
from .audit import Audit
from .grants import Grants
from .guests import guest_name
from .identity import DAY_SECONDS
from .passwords import Passwords
from .secret import GUEST, SHARE, hash_secret, new_secret
from .watch import Watch

MAX_SHARES = 50
"""Shares that a console may have at once."""

MAX_MEMBERS = 1000
"""People whom the shares of a console may have let in."""

MOST_AT_ONCE, COMING_SECONDS = 200, 0.2
"""How many may come to a console at once, and the time for one more: each is told to all others."""

LONGEST_SECONDS = 366 * DAY_SECONDS
"""A share lasts at most so long."""

LONGEST_TIMER_SECONDS = 3600.0
"""The wall clock may be set in between: what expires is looked for at least so often."""

_log = Logger()


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Let it not come."""

    def active(self) -> bool:
        """Whether it has yet to come."""


class Clock(Protocol):
    """Time that never goes back, and timers: the reactor, or a test's clock."""

    def seconds(self) -> float:
        """Now."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Timer:
        """Call so many seconds from now."""


@attrs.frozen
class SharePreview:
    """What a link is for, for who has its token and has yet to come in.

    ``console_name`` is None where a pass-phrase is needed to know it; ``expires`` in seconds since 1970.
    """

    owner: str
    console_name: str | None
    role: Role
    needs_passphrase: bool
    expires: float
    is_used_up: bool


@attrs.frozen
class Taken:
    """Who is in now, where and as what.

    ``secret`` is by which a new guest will be known (:class:`~termhub.accounts.GuestPass`); None for others.
    """

    user: User
    secret: str | None = attrs.field(repr=False)
    console: str
    role: Role


class Shares:
    """The shares of all consoles of a hub.

    :param passwords: makes and verifies the hashes of pass-phrases.
    :param clock: the reactor.
    :param now: seconds since 1970.
    :param watch: tells of what other processes change, and of accounts that are suspended.
    :param audit: what is shared, and what no more, is noted there.

    That whoever calls may share a console or change its shares is for the caller to see to
    (:meth:`termhub.hub.consoles.Consoles.get` with the role of an owner).
    """

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        clock: Clock,
        now: Callable[[], float],
        watch: Watch,
        audit: Audit,
    ) -> None:
        self._store = store
        self._watch = watch
        self._audit = audit
        self._passwords = passwords
        self._clock = clock
        self._now = now
        self._grants = Grants(now)
        self._listeners: list[Callable[[str], None]] = []
        self._expiry: Timer | None = None
        self._is_running = False
        self._is_behind = False
        seconds = clock.seconds
        self._wrong_tokens = Attempts(seconds, burst=20, refill_seconds=30.0, what="wrong links")
        self._wrong_phrases = Attempts(seconds, burst=20, refill_seconds=30.0, what="wrong pass-phrases")
        self._wrong_by_share = Attempts(seconds, burst=10, refill_seconds=30.0, what="wrong pass-phrases")
        self._comings = Attempts(
            seconds, burst=MOST_AT_ONCE, refill_seconds=COMING_SECONDS, what="people who come at once"
        )
        self._wrong_names = Attempts(seconds, burst=20, refill_seconds=30.0, what="unknown names")

    async def start(self) -> None:
        """Load what counts."""
        self._is_running = True
        self._watch.on_round(self._look)
        self._watch.on_account_changed(self._account_changed)
        self._grants.replace_all(await self._store.sharing(self._now()))
        self._arm()

    def stop(self) -> None:
        """Nothing expires any more."""
        self._is_running = False
        if self._expiry is not None and self._expiry.active():
            self._expiry.cancel()

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Tell ``listener`` each console whose shares or members have changed, by whatever cause."""
        self._listeners.append(listener)

    # -- what counts -----------------------------------------------------------------

    def role(self, user: User, console: str) -> Role | None:
        """The best role that somebody has in a console by its shares; whether they own it is not asked."""
        return self._grants.role(user.number, console)

    def member(self, user: User, console: str) -> int | None:
        """The number by which somebody is a member of a console; None for others, its owner too."""
        return self._grants.member(user.number, console)

    def shared_with(self, user: User) -> list[str]:
        """The ids of the consoles that are shared with somebody."""
        return self._grants.consoles_of(user.number)

    async def of(self, console: str) -> list[Share]:
        """The shares of a console, the oldest first."""
        return list(self._grants.sharing(console).shares)

    async def members(self, console: str) -> list[Member]:
        """Whom they have let in, each person once, with the best role they have."""
        return self._grants.people(console)

    # -- sharing ---------------------------------------------------------------------

    async def create(
        self,
        console: str,
        by: User,
        role: Role,
        *,
        user: str | None = None,
        seconds: float = DAY_SECONDS,
        uses: int | None = None,
        passphrase: str | None = None,
    ) -> tuple[Share, str | None]:
        """Share a console.

        :param by: who shares it. What somebody shares who is an owner by a share themself ends
            with that share at the latest.
        :param user: the name of the account to share with; None for a link.
        :param seconds: for how long.
        :param uses: how many may come by the link; None for any number.
        :param passphrase: what they must know besides the link.
        :returns: the share, and the token of a link, which is not kept.
        :raises BadRequest: when it cannot be like that, or there is no such account.
        :raises TooMany: when the console has as many shares as it may, or after too many unknown names.
        :raises NotAllowed: when ``by`` is a guest, or owns the console no longer, or is a visitor who
            would let others type.
        """
        if by.is_guest:
            raise NotAllowed("Guests may not share consoles.", "guests_may_not")
        _check_role(role, by)
        if not (math.isfinite(seconds) and 1 <= seconds <= LONGEST_SECONDS):
            raise BadRequest("A share lasts from a second to 366 days.", "bad_expiry")
        if uses is not None and not 1 <= uses <= MAX_MEMBERS:
            raise BadRequest(f"A link can be used once to {MAX_MEMBERS} times.", "bad_uses")
        if user is not None and (uses is not None or passphrase is not None):
            raise BadRequest("Uses and a pass-phrase are for links; this share is with an account.")
        record = await self._store.console(console)
        if record is None:
            raise NoSuchConsole("The console is no more.")
        named = None if user is None else await self._named(user, by, record.owner)
        token = new_secret(SHARE) if named is None else None
        now = self._now()
        expires = now + seconds
        if by.number != record.owner:
            expires = min(expires, self._grants.owns_until(by.number, console) or now)
        share = Share(
            _new_id(),
            console,
            role,
            by.number,
            now,
            expires,
            uses,
            "" if named is None else named.name,
            None if token is None else hash_secret(token),
            None if passphrase is None else await self._passwords.hash(passphrase, "pass-phrase"),
        )
        sharing = await self._store.add_share(share, None if named is None else named.number, MAX_SHARES)
        self._audit.note(
            by,
            "share.add",
            console,
            {"share": share.id, "role": role, "with": share.label or "a link", "expires": expires},
        )
        self._changed(sharing)
        return share, token

    async def _named(self, name: str, by: User, owner: int) -> User:
        key = f"user {by.number}"
        self._wrong_names.spend(key)
        named = await self._store.user_named(name.encode("utf-8", "replace").decode())
        if named is None:
            raise BadRequest(f"There is no account {name!r:.60} here.", "no_such_user")
        self._wrong_names.refund(key)
        if named.number == by.number:
            raise BadRequest("You have the console already.", "share_with_oneself")
        if named.number == owner:
            raise BadRequest(f"{named.name} owns the console.", "share_with_owner")
        return named

    async def revoke(self, console: str, share: str, by: User) -> None:
        """End a share; whom it let in is out, unless another share lets them in too.

        :param by: who does it.
        :raises BadRequest: when the console has no such share.
        """
        sharing = await self._store.remove_share(console, share, self._now())
        if sharing is None:
            raise BadRequest(f"The console has no share {share!r:.60}.", "no_such_share")
        self._audit.note(by, "share.revoke", console, {"share": share})
        self._changed(sharing)

    async def revoke_all(self, console: str, by: User) -> None:
        """End all shares of a console.

        :param by: who does it.
        """
        sharing = await self._store.remove_share(console, None, self._now())
        if sharing is not None:
            self._audit.note(by, "share.revoke", console, {"share": "all"})
            self._changed(sharing)

    async def set_role(self, console: str, member: int, role: Role) -> None:
        """Give a member another role, whichever shares let them in.

        :raises BadRequest: when the console has no such member.
        :raises NotAllowed: when the console is a visitor's, and nobody else may type there.
        """
        record = await self._store.console(console)
        _check_role(role, None if record is None else await self._store.user(record.owner))
        self._change_of_member(
            console, member, await self._store.set_member_role(console, member, role, self._now())
        )

    async def remove(self, console: str, member: int) -> None:
        """Send a member away, whichever shares let them in; they cannot come back by those.

        :raises BadRequest: when the console has no such member.
        """
        self._change_of_member(console, member, await self._store.remove_member(console, member, self._now()))

    def _change_of_member(self, console: str, member: int, sharing: Sharing | None) -> None:
        if sharing is None:
            raise BadRequest(f"The console has no member {member}.", "no_such_member")
        self._changed(sharing)

    def console_removed(self, console: str) -> None:
        """A console is no more, in the store too; nobody is told."""
        self._grants.forget(console)
        self._arm()

    # -- coming by a link --------------------------------------------------------------

    async def look(self, token: str, address: str) -> SharePreview:
        """What a link is for; it uses nothing up.

        :param address: where it is asked from; wrong tokens are counted by it.
        :raises BadRequest: when the token is wrong, or counts no longer.
        :raises TooMany: after too many wrong ones.
        """
        share = self._find(token, address)
        record = await self._store.console(share.console)
        owner = None if record is None else await self._store.user(record.owner)
        if record is None or owner is None:
            raise _no_such_share()
        return SharePreview(
            owner.name,
            None if share.has_passphrase else record.name,
            share.role,
            share.has_passphrase,
            share.expires,
            share.uses_left == 0,
        )

    async def take(
        self, token: str, *, user: User | None, name: str, passphrase: str | None, address: str
    ) -> Taken:
        """Come in by a link; it uses nothing up for who owns the console or is in by it already.

        :param user: who comes, an account or a guest; None for a new guest.
        :param name: what a new guest wants to be called.
        :param address: where they come from; wrong tokens and pass-phrases are counted by it.
        :raises BadRequest: when the token is wrong, or counts no longer.
        :raises NotAllowed: when it is used up, the pass-phrase is missing (``passphrase_needed``) or
            wrong, or this person was sent away.
        :raises TooMany: after too many wrong tokens or pass-phrases, or when too many are in or come at once.
        """
        share = self._find(token, address)
        if user is not None:
            record = await self._store.console(share.console)
            if record is not None and record.owner == user.number:
                return Taken(user, None, share.console, "owner")
            if self._is_in(user, share):
                return Taken(user, None, share.console, self.role(user, share.console) or share.role)
        if share.passphrase_hash is not None:
            await self._check_passphrase(share, passphrase, address)
        secret = new_secret(GUEST) if user is None else None
        self._comings.spend(share.console)
        try:
            who, sharing = await self._store.take_share(
                share.id,
                self._now(),
                None if user is None else user.number,
                guest_name(name),
                "" if secret is None else hash_secret(secret),
                MAX_MEMBERS,
            )
        except TermhubError as error:
            self._comings.refund(share.console)
            raise _no_such_share() if error.code == "no_such_share" else error from None
        kind = "guest" if who.is_guest else "account"
        _log.info(
            "{kind} {user} came to {console} by {share}",
            kind=kind,
            user=who.name,
            console=share.console,
            share=share.id,
        )
        self._changed(sharing)
        return Taken(who, secret, share.console, self.role(who, share.console) or share.role)

    def _is_in(self, user: User, share: Share) -> bool:
        members = self._grants.sharing(share.console).members
        return any(member.share == share.id and member.user.number == user.number for member in members)

    def _find(self, token: str, address: str) -> Share:
        share = self._grants.share(hash_secret(token)) if token.startswith(SHARE) else None
        if share is None:
            # Only wrong ones are counted: who has a right one, of so many bits, has not guessed, and must
            # not be kept out by others at the same address.
            self._wrong_tokens.spend(address_key(address))
            raise _no_such_share()
        return share

    async def _check_passphrase(self, share: Share, passphrase: str | None, address: str) -> None:
        if not passphrase:
            raise NotAllowed("This link needs a pass-phrase.", "passphrase_needed")
        attempts = ((self._wrong_phrases, address_key(address)), (self._wrong_by_share, share.id))
        spent = []
        try:
            for counter, key in attempts:
                counter.spend(key)
                spent.append((counter, key))
            is_right = await self._passwords.verify(share.passphrase_hash, passphrase)
        except BaseException:
            # Nothing was verified, so nothing was tried.
            for counter, key in spent:
                counter.refund(key)
            raise
        if not is_right:
            raise NotAllowed("The pass-phrase is wrong.", "wrong_passphrase")
        for counter, key in spent:
            counter.refund(key)

    # -- time, and other processes -------------------------------------------------------

    def _changed(self, sharing: Sharing) -> None:
        self._grants.replace(sharing)
        self._arm()
        self._tell(sharing.console)

    def _tell(self, console: str) -> None:
        for listener in list(self._listeners):
            listener(console)

    def _arm(self) -> None:
        """Have the timer come when the next share expires."""
        if self._expiry is not None and self._expiry.active():
            self._expiry.cancel()
        expires = self._grants.next_expiry
        self._expiry = None
        if expires is not None and self._is_running:
            delay = min(max(0.0, expires - self._now()), LONGEST_TIMER_SECONDS)
            self._expiry = self._clock.callLater(delay, self._expire)

    def _expire(self) -> None:
        consoles = self._grants.expire()
        self._arm()
        if consoles:
            # What was shared by owners whose own share has expired goes with it, as the store knows.
            Deferred.fromCoroutine(self.reload()).addErrback(self._failed)
        for console in consoles:
            _log.info("A share of {console} has expired", console=console)
            self._tell(console)

    async def _look(self, elsewhere: bool) -> None:
        if elsewhere or self._is_behind:
            await self.reload()

    async def _account_changed(self, before: User, after: User) -> None:
        if before.suspended != after.suspended:
            await self.reload()

    async def reload(self) -> None:
        """Take what counts from the store again, which was changed there by others."""
        self._is_behind = True  # until it has come: the next round tries again
        changed = self._grants.replace_all(await self._store.sharing(self._now()))
        self._is_behind = False
        self._arm()
        for console in changed:
            self._tell(console)

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, TermhubError):
            _log.warn("The shares cannot be looked at: {why}", why=failure.value.message)
        elif self._is_running:
            _log.failure("Looking at the shares failed", failure)


def _check_role(role: Role, by: User | None) -> None:
    """See to it that there is such a role, and that somebody may give it."""
    if role not in ROLES:
        raise BadRequest(f"{role!r:.60} is no role; there are {', '.join(ROLES)}.", "bad_role")
    if by is not None and by.is_visitor and role != "observer":
        raise NotAllowed("Visitors may let others look on, and not type.", "visitors_may_not")


def _new_id() -> str:
    return "s-" + base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]


def _no_such_share() -> BadRequest:
    return BadRequest(
        "This link is wrong, or has expired or was revoked. Ask for another one.", "no_such_share"
    )
