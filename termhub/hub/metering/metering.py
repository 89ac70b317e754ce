"""Looks at what everybody uses every few seconds, counts it, and keeps them to their plans.

One look after the other: who the users are, what the launcher measured, what that adds to the store,
who is over the allowance, what running consoles may have now, homes, and consoles to end.  A look that
fails is tried again; what counters of the kernel have meanwhile counted is not lost.

Invariant: what a console used is added to the store once, whenever hub, launcher or machine stop:
its last figures are acknowledged to the launcher only when the store has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.config import Settings
from termhub.errors import TermhubError
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.console import Console
from termhub.hub.consoles import Consoles
from termhub.hub.hooks import Hooks
from termhub.store import Store, Usage, User

from . import words
from .allowance import Allowances, Change
from .counting import Counting, Traffic
from .days import day_of, next_day
from .endings import Endings
from .homes import Homes, Space
from .limiter import Limiter
from .samples import ConsoleFigures, HomeFigures, Launcher, Means, Sample, ask_means, take_sample

LOOK_SECONDS = 10.0
RESTING_SECONDS = 30.0
"""The same while no console runs: homes still take space."""

SPACE_SECONDS = 600.0
"""How often it is noted for the next hub what homes hold."""

_STATE, _SPACE = "allowances", "homes"

_log = Logger()


class Metering:
    """What everybody uses.

    :param relayed: bytes that the hub itself relayed for consoles, by console.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        consoles: Consoles,
        launcher: Launcher,
        hooks: Hooks,
        clock: Clock,
        now: Callable[[], float],
        relayed: Callable[[], Traffic] = dict,
    ) -> None:
        self.plans = consoles.plans
        self.figures: Mapping[str, ConsoleFigures] = {}
        """What the last look found of consoles that live, by console."""
        self.cpu_percent: Mapping[str, float] = {}
        """CPU time of consoles between the last two looks, in percent of one core."""
        self.homes: Mapping[int, HomeFigures] = {}
        """What the last look found of homes, by user."""
        self.means: Mapping[str, Means] = {}
        """How limits are kept on this machine, by the limit."""
        self.looked_at: float | None = None
        """When that was, seconds since 1970."""
        self._near_percent = settings.hooks.near_percent
        self._store = store
        self._consoles = consoles
        self._launcher = launcher
        self._hooks = hooks
        self._clock = clock
        self._now = now
        self._relayed = relayed
        self._counting = Counting()
        self._allowances = Allowances(self._near_percent)
        self._kept: str | None = None
        self._used: dict[int, float] = {}
        self._homes = Homes(self._near_percent)
        self._space = Space()
        self._space_noted_at = clock.seconds()
        self._limiter = Limiter(launcher, self.plans)
        self._endings = Endings(self.plans, consoles.end, self._note_end)
        self._at = clock.seconds()
        self._timer: DelayedCall | None = None
        self._looking: Deferred[None] | None = None
        self._is_failing = self._is_wanted = self._is_stopped = False

    # -- start and stop --------------------------------------------------------------

    async def start(self) -> None:
        """Know who is over the allowance, then look again and again."""
        self._kept = await self._store.hub_state(_STATE)
        try:
            self._allowances.restore(self._kept)
            self._space.restore(await self._store.hub_state(_SPACE))
        except msgspec.MsgspecError:
            _log.warn("What an earlier hub noted of usage makes no sense; it begins anew")
        await self._look_at_users()
        await self._look_at_allowances()
        self.look_now()

    def stop(self) -> None:
        """Look no more; what was not counted is counted by the next hub."""
        self._is_stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def look_now(self) -> None:
        """Something has changed, such as a user's plan: look soon."""
        self._is_wanted = True
        if self._looking is None:
            self._look_later(0.0)

    async def account_changed(self, before: User, after: User) -> None:
        """An account has another plan, or may not be used, or may again."""
        self.look_now()

    def used_today(self, user: User) -> float:
        """CPU seconds that the store had of a user's day at the last look."""
        return self._used.get(user.number, 0.0)

    @property
    def totals(self) -> Usage:
        """CPU time and traffic of everybody since the hub began."""
        return self._counting.totals

    def idle_seconds(self, console: Console) -> float:
        """How long a console has been idle."""
        return self._endings.idle_seconds(console, self._clock.seconds())

    @property
    def resets(self) -> float:
        """When the allowances begin anew, seconds since 1970."""
        return next_day(self._now())

    # -- looking ---------------------------------------------------------------------

    def _look_later(self, seconds: float) -> None:
        if self._is_stopped:
            return
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._clock.callLater(seconds, self._begin)

    def _begin(self) -> None:
        self._is_wanted = False
        self._looking = looking = Deferred.fromCoroutine(self._look())
        looking.addCallbacks(self._looked, self._failed).addBoth(self._rest)

    def _looked(self, result: None) -> None:
        if self._is_failing:
            _log.info("Usage is measured again")
        self._is_failing = False

    def _failed(self, failure: Failure) -> None:
        if self._is_stopped:
            return
        if not isinstance(failure.value, TermhubError):
            _log.failure("Looking at usage failed", failure)
        elif not self._is_failing:
            _log.warn("Usage cannot be measured: {why}", why=failure.value.message)
        self._is_failing = True

    def _rest(self, result: None) -> None:
        self._looking = None
        now = self._now()
        seconds = LOOK_SECONDS if self._living() else RESTING_SECONDS
        self._look_later(0.0 if self._is_wanted else min(seconds, next_day(now) - now))

    async def _look(self) -> None:
        await self._look_at_users()
        if not self.means:
            self.means = await ask_means(self._launcher)
        sample = await take_sample(self._launcher)
        await self._count(sample)
        await self._look_at_allowances()
        living = self._living()
        await self._limiter.bring(living)
        self._tell(living)
        shown = [console for console in living if not console.is_prepared and not console.has_ended]
        at = self._clock.seconds()
        self._endings.look(shown, self.figures, at, self._now())
        await self._look_at_homes(sample.homes, shown, at)

    def _living(self) -> list[Console]:
        return [console for console in self._consoles.all() if not console.has_ended]

    # -- who ---------------------------------------------------------------------------

    async def _look_at_users(self) -> None:
        before = self.plans.users
        self.plans.users = users = {user.number: user for user in await self._store.users()}
        for number, old in before.items():
            user = users.get(number)
            if user is None:
                await self._note("user.removed", old)
            elif user.suspended is not None and old.suspended is None:
                await self._note("user.suspended", user)

    async def _note(self, type: str, user: User, **more: Any) -> None:
        await self._hooks.note(type, user, self.plans.name(user), **more)

    # -- counting ----------------------------------------------------------------------

    async def _count(self, sample: Sample) -> None:
        at = self._clock.seconds()
        self._space.seen(sample.homes, self.plans.users.keys())
        hidden = {console.id for console in self._consoles.all() if console.is_prepared}
        addition = self._counting.addition(
            sample, self._space.megabytes, self._relayed(), hidden, at, self._now()
        )
        if not addition.is_empty:
            await self._store.add_usage(addition.day, addition.readings, addition.held)
        self._counting.added(addition)
        if addition.ended:
            await self._launcher.request("counted", consoles=list(addition.ended))
            await self._store.forget_usage_marks(addition.ended)
            self._counting.forget(addition.ended)
        if at - self._space_noted_at >= SPACE_SECONDS:
            self._space_noted_at = at
            await self._store.set_hub_state(_SPACE, self._space.kept())
        self._show(sample, at)

    def _show(self, sample: Sample, at: float) -> None:
        before, seconds = self.figures, at - self._at
        self.figures = {each.console: each for each in sample.consoles if not each.ended}
        self.homes = {home.owner: home for home in sample.homes}
        self.looked_at = self._now()
        self._at = at
        if seconds > 0:
            self.cpu_percent = {
                console: round((now.cpu_seconds - then.cpu_seconds) / seconds * 100, 1)
                for console, now in self.figures.items()
                if (then := before.get(console)) is not None
                and now.cpu_seconds is not None
                and then.cpu_seconds is not None
            }

    # -- the allowance -------------------------------------------------------------------

    async def _look_at_allowances(self) -> None:
        day = day_of(self._now())
        self._used = {usage.user: usage.cpu_seconds for usage in await self._store.usage(None, day, day)}
        changes = self._allowances.update(day, self.plans, self._used)
        self.plans.over = self._allowances.over
        # Noted first: after a crash in between, better not told than told twice.
        kept = self._allowances.kept()
        if kept != self._kept:
            await self._store.set_hub_state(_STATE, kept)
            self._kept = kept
        for change in changes:
            await self._allowance_changed(change)

    async def _allowance_changed(self, change: Change) -> None:
        more = {"name": "cpu_seconds_a_day", "limit": change.limit, "used": round(change.used, 1)}
        if change.before == "over":
            await self._note("user.allowance_reset", change.user, **more)
        if change.state != "ok":
            await self._note(f"user.{change.state}_limit", change.user, **more)

    def _tell(self, living: list[Console]) -> None:
        for console in living:
            user = self.plans.users.get(console.owner)
            if user is None:
                continue
            name, plan, state = self.plans.name(user), self.plans.of(user), self._allowances.state(user)
            if state == "over":
                is_slowed = self._limiter.can_slow(console.id)
                console.tell_limit("cpu", "over", words.cpu_over(name, plan, is_slowed), self.resets)
            elif state == "near":
                console.tell_limit("cpu", "near", words.cpu_near(name, plan, self._near_percent), self.resets)
            else:
                console.tell_limit("cpu", "ok", words.CPU_AGAIN)
            if user.suspended is not None:
                console.tell_limit("plan", "over", words.SUSPENDED)
            else:
                console.tell_limit("plan", "ok", words.NOT_SUSPENDED)

    # -- homes and ends ------------------------------------------------------------------

    async def _look_at_homes(self, homes: list[HomeFigures], shown: list[Console], at: float) -> None:
        self._homes.keep(self.homes.keys())
        for home in homes:
            user = self.plans.users.get(home.owner)
            if user is None:
                continue
            found = self._homes.look(home, self.plans.of(user))
            name, limit = self.plans.name(user), words.home_limit(found.name, found.limit)
            message = {
                "ok": words.HOME_AGAIN,
                "near": words.home_near(name, limit, self._near_percent),
                "over": words.home_over(name, limit, found.is_watched),
            }[found.state]
            for console in [each for each in shown if each.owner == user.number]:
                console.tell_limit("home", found.state, message)
                if found.is_growing and self._endings.works(console, at):
                    self._endings.end(console, user, words.home_reason(name, limit), "home")
            if found.state not in ("ok", found.before):
                used = {"name": found.name, "limit": found.limit, "used": found.used}
                await self._note(f"user.{found.state}_limit", user, **used)

    async def _note_end(self, console: Console, user: User, kind: str) -> None:
        await self._note(f"console.ended_{kind}", user, console=console.id)
