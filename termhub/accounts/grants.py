"""Who may do what in which shared console, in memory, so that asking takes no time.

What the store knows is given to :meth:`Grants.replace`.  Invariant: an answer counts only what
has not expired, whether or not :meth:`Grants.expire` was called since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from termhub.store import Member, Role, Share, Sharing, rank


@attrs.frozen
class _Grant:
    role: Role
    expires: float
    member: int


class Grants:
    """The sharing of all consoles.

    :param now: seconds since 1970.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._consoles: dict[str, Sharing] = {}
        self._by_hash: dict[str, Share] = {}
        self._grants: dict[str, dict[int, list[_Grant]]] = {}
        self._of_user: dict[int, set[str]] = {}
        self._first_expiry: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._consoles)

    def replace(self, sharing: Sharing) -> None:
        """The sharing of a console is this now."""
        self.forget(sharing.console)
        if not sharing.shares:
            return
        console = sharing.console
        self._consoles[console] = sharing
        self._by_hash.update({share.hash: share for share in sharing.shares if share.hash is not None})
        self._first_expiry[console] = min(share.expires for share in sharing.shares)
        expiries = {share.id: share.expires for share in sharing.shares}
        grants = self._grants[console] = {}
        for member in sharing.members:
            grant = _Grant(member.role, expiries[member.share], member.number)
            grants.setdefault(member.user.number, []).append(grant)
            self._of_user.setdefault(member.user.number, set()).add(console)

    def replace_all(self, everything: Iterable[Sharing]) -> set[str]:
        """The sharing of all consoles is this now; returns those for which it was another."""
        new = {sharing.console: sharing for sharing in everything}
        old = dict(self._consoles)
        changed = {console for console in {*old, *new} if old.get(console) != new.get(console)}
        for console in changed:
            self.replace(new.get(console, Sharing(console)))
        return changed

    def forget(self, console: str) -> None:
        """A console is not shared any more."""
        sharing = self._consoles.pop(console, None)
        if sharing is None:
            return
        del self._first_expiry[console]
        for share in sharing.shares:
            self._by_hash.pop(share.hash or "", None)
        for number in self._grants.pop(console):
            consoles = self._of_user[number]
            consoles.discard(console)
            if not consoles:
                del self._of_user[number]

    def sharing(self, console: str) -> Sharing:
        """The sharing of a console, without what has expired."""
        sharing = self._consoles.get(console, Sharing(console))
        now = self._now()
        if self._first_expiry.get(console, now + 1) > now:
            return sharing
        shares = tuple(share for share in sharing.shares if share.expires > now)
        living = {share.id for share in shares}
        return Sharing(console, shares, tuple(m for m in sharing.members if m.share in living))

    def people(self, console: str) -> list[Member]:
        """Whom shares let in, each once, by the best they have."""
        best: dict[int, Member] = {}
        for member in self.sharing(console).members:
            other = best.get(member.user.number)
            if other is None or rank(member.role) > rank(other.role):
                best[member.user.number] = member
        return sorted(best.values(), key=lambda member: member.number)

    def share(self, hash: str) -> Share | None:
        """The link whose token has this hash; looked up by hash, so the time it takes tells nothing."""
        share = self._by_hash.get(hash)
        return share if share is not None and share.expires > self._now() else None

    def role(self, user: int, console: str) -> Role | None:
        """The best role that a person has in a console by shares."""
        best = self._best(user, console)
        return None if best is None else best.role

    def member(self, user: int, console: str) -> int | None:
        """The number of a person among the members of a console (:meth:`people`)."""
        best = self._best(user, console)
        return None if best is None else best.member

    def _best(self, user: int, console: str) -> _Grant | None:
        now = self._now()
        living = [grant for grant in self._grants.get(console, {}).get(user, ()) if grant.expires > now]
        return max(living, key=lambda grant: rank(grant.role), default=None)

    def owns_until(self, user: int, console: str) -> float | None:
        """Until when a person has the role of an owner by shares; None when they have not."""
        grants = self._grants.get(console, {}).get(user, ())
        times = [grant.expires for grant in grants if grant.role == "owner"]
        return max(times) if times and max(times) > self._now() else None

    def consoles_of(self, user: int) -> list[str]:
        """The consoles that are shared with a person."""
        return [console for console in self._of_user.get(user, ()) if self.role(user, console) is not None]

    @property
    def next_expiry(self) -> float | None:
        """When the next share expires, in seconds since 1970."""
        return min(self._first_expiry.values(), default=None)

    def expire(self) -> list[str]:
        """Forget the shares whose time is over; returns the consoles that they were of."""
        now = self._now()
        consoles = [console for console, expires in self._first_expiry.items() if expires <= now]
        for console in consoles:
            self.replace(self.sharing(console))
        return consoles
