"""What those do who look after the hub: users, consoles, the load, draining, the audit log.

They look after consoles from outside: nothing here shows what a console prints or lets anybody into it.

Invariant: everything is noted in the audit log under the name of who did it; that somebody looked, once
in :data:`LOOK_SECONDS` for each kind of list.  Nobody suspends, demotes or removes themselves here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredList

from termhub.accounts import Accounts, Audit, Passwords
from termhub.accounts.manage import checked_name
from termhub.errors import BadRequest, NoSuchConsole, NotAllowed
from termhub.hub.console import Console
from termhub.hub.consoles import Consoles
from termhub.hub.drain import Drain
from termhub.hub.metering import Metering
from termhub.hub.metering.samples import ConsoleFigures, Means
from termhub.hub.node import NodeLoad
from termhub.hub.removal import Removals
from termhub.store import AuditEntry, Person, Store, User

LOOK_SECONDS = 3600.0
"""How often it is noted that somebody goes on looking at a list."""

REASON = "ended by an administrator"

MAX_NOTED = 1000
"""Looks that are remembered."""


@attrs.frozen
class Account:
    """An account in a list of administrators; ``consoles`` are those that run."""

    person: Person
    consoles: int
    cpu_seconds_today: float
    home_bytes: int | None

    @property
    def user(self) -> User:
        """The account."""
        return self.person.user


@attrs.frozen
class Listed:
    """A console that runs, in a list of administrators; ``figures`` is what was last measured."""

    console: Console
    owner: str
    figures: ConsoleFigures | None
    cpu_percent: float | None
    is_slowed: bool


class Administration:
    """Looks after the hub.

    :param metering: what everybody uses.
    :param node: how loaded the machine is.
    :param isolation: what holds consoles here, in words.
    :param now: seconds since 1970.
    """

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        passwords: Passwords,
        consoles: Consoles,
        removals: Removals,
        metering: Metering,
        audit: Audit,
        node: Callable[[], Awaitable[NodeLoad]],
        isolation: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self.started = now()
        self.node = node
        self.isolation = isolation
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._consoles = consoles
        self._removals = removals
        self._metering = metering
        self._audit = audit
        self._now = now
        self._looks: dict[tuple[int, str], float] = {}

    # -- users ---------------------------------------------------------------------

    async def users(self, after: str, limit: int) -> tuple[list[Account], str | None]:
        """Accounts behind a name, by name, and the name behind which there are more."""
        people = await self._store.people_after(after, limit + 1)
        more = people[limit - 1].user.name if len(people) > limit else None
        running = Counter(console.owner for console in self.running())
        return [self._account(person, running) for person in people[:limit]], more

    async def user(self, name: str) -> Account:
        """The account of this name.

        :raises BadRequest: when there is none.
        """
        running = Counter(console.owner for console in self.running())
        return self._account(await self._store.person(name), running)

    async def add_user(
        self, by: User, name: str, plan: str | None, password: str | None, is_admin: bool, address: str
    ) -> tuple[Account, str]:
        """A new account, and the secret of a link that logs it in once.

        :param plan: None: that of the settings.
        :param password: None: none; it logs in by the link.
        :raises BadRequest: when name, password or plan cannot be.
        :raises NameTaken: when there is such an account.
        """
        checked_name(name)
        chosen = self._consoles.plans.default if plan is None else self._checked_plan(plan)
        hashed = None if password is None else await self._passwords.hash(password)
        user = await self._store.add_user(name, self._now(), chosen, hashed, is_admin=is_admin)
        self._audit.note(by, "user.add", name, {"plan": chosen, "is_admin": is_admin}, address)
        secret = await self._accounts.add_link(user, by, address)
        return await self.user(name), secret

    async def change_user(
        self,
        by: User,
        name: str,
        *,
        plan: str | None,
        is_admin: bool | None,
        suspended: bool | None,
        end_consoles: bool,
        address: str,
    ) -> Account:
        """Change what an account may do; None: as it is.

        :param end_consoles: whether its consoles are ended too.
        :raises BadRequest: when there is no such account or plan.
        :raises NotAllowed: for what nobody may do to themselves, or nobody would be left to look after
            the hub.
        """
        user = (await self._store.person(name)).user
        if plan is not None:
            self._checked_plan(plan)
        if is_admin is False or suspended:
            _refuse_oneself(by, user)
        if not (plan is None and is_admin is None and suspended is None):
            await self._accounts.change(
                user, by, plan=plan, is_admin=is_admin, suspended=suspended, address=address
            )
        if end_consoles:
            await self._end_all(by, [each for each in self.running() if each.owner == user.number], address)
        return await self.user(name)

    async def remove_user(self, by: User, name: str, address: str) -> None:
        """Remove an account and all that it has; see :meth:`.removal.Removals.remove`.

        :raises BadRequest: when there is none of this name.
        :raises NotAllowed: for oneself, or when nobody would be left to look after the hub.
        """
        user = (await self._store.person(name)).user
        _refuse_oneself(by, user)
        await self._removals.remove(user, by, address)

    async def login_link(self, by: User, name: str, address: str) -> str:
        """The secret of a link that logs the account in once, within a day.

        :raises BadRequest: when there is none of this name.
        :raises NotAllowed: when it may not be used.
        """
        user = (await self._store.person(name)).user
        if user.suspended is not None:
            raise NotAllowed(f"{name} is suspended: a link would not let anybody in.", "suspended")
        return await self._accounts.add_link(user, by, address)

    def _account(self, person: Person, running: Mapping[int, int]) -> Account:
        home = self._metering.homes.get(person.user.number)
        return Account(
            person,
            running.get(person.user.number, 0),
            self._metering.used_today(person.user),
            None if home is None else home.bytes,
        )

    def _checked_plan(self, plan: str) -> str:
        plans = self._consoles.plans.all
        if plan not in plans:
            raise BadRequest(f"There is no plan {plan!r:.60}; there are: {', '.join(plans)}.", "no_such_plan")
        return plan

    # -- consoles ------------------------------------------------------------------

    def running(self) -> list[Console]:
        """Everybody's consoles that have not ended, without those that nobody has yet."""
        return [each for each in self._consoles.all() if not each.has_ended and not each.is_prepared]

    def consoles(self, after: str, limit: int) -> tuple[list[Listed], str | None]:
        """Consoles that run, behind an id, by id, and the id behind which there are more."""
        found = sorted((each for each in self.running() if each.id > after), key=lambda each: each.id)
        more = found[limit - 1].id if len(found) > limit else None
        return [self._listed(console) for console in found[:limit]], more

    def _listed(self, console: Console) -> Listed:
        plans, metering = self._consoles.plans, self._metering
        owner = plans.users.get(console.owner)
        return Listed(
            console,
            self._consoles.owner_name(console),
            metering.figures.get(console.id),
            metering.cpu_percent.get(console.id),
            owner is not None and plans.is_slowed(owner),
        )

    async def end_console(self, by: User, id: str, reason: str, address: str) -> None:
        """End somebody's console.

        :param reason: what its people are told; empty: that an administrator ended it.
        :raises NoSuchConsole: when none of this id runs.
        """
        console = next((each for each in self.running() if each.id == id), None)
        if console is None:
            raise NoSuchConsole("No console of this id runs.")
        await self._end(by, console, f"{REASON}: {reason}" if reason else REASON, address)

    async def _end_all(self, by: User, consoles: Sequence[Console], address: str) -> None:
        """End consoles together: each may take its time."""
        ending = [Deferred.fromCoroutine(self._end(by, console, REASON, address)) for console in consoles]
        ended: list[tuple[bool, Any]] = await DeferredList(ending, consumeErrors=True)
        for succeeded, result in ended:
            if not succeeded:
                result.raiseException()

    async def _end(self, by: User, console: Console, reason: str, address: str) -> None:
        owner = self._consoles.owner_name(console)
        detail = {"owner": owner, "name": console.name, "reason": reason}
        self._audit.note(by, "console.end", console.id, detail, address)
        await self._consoles.end(console, reason)

    # -- the hub ---------------------------------------------------------------------

    @property
    def drain(self) -> Drain:
        """Whether new consoles are taken."""
        return self._consoles.drain

    @property
    def means(self) -> list[Means]:
        """How limits are kept on this machine, each in words; see :class:`.metering.samples.Means`."""
        return list(self._metering.means.values())

    async def set_draining(self, by: User, draining: bool, address: str) -> None:
        """Take no new consoles, or take them again."""
        if await self._consoles.drain.set(draining):
            self._audit.note(by, "hub.drain" if draining else "hub.undrain", address=address)

    async def audit_entries(self, before: int | None, limit: int) -> tuple[list[AuditEntry], int | None]:
        """The newest entries before a number, and the number before which there are more."""
        entries = await self._store.newest_audit(before, limit)
        more = entries[-1].number if len(entries) == limit and entries[-1].number > 1 else None
        return entries, more

    def looked(self, by: User, what: str, address: str) -> None:
        """Note that somebody looks at a list, unless that is noted already."""
        now, key = self._now(), (by.number, what)
        if now - self._looks.get(key, -LOOK_SECONDS) >= LOOK_SECONDS:
            if len(self._looks) >= MAX_NOTED:
                self._looks.clear()
            self._looks[key] = now
            self._audit.note(by, "admin.look", what, address=address)


def _refuse_oneself(by: User, user: User) -> None:
    if by.number == user.number:
        raise NotAllowed("You cannot do that to yourself; ask another who looks after the hub.", "yourself")
