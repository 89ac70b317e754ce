"""What people are told of use and limits: their own, a console's, and everybody's for a bill.

Only reads what :class:`Metering` found last and what the store has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from termhub.config import Plan
from termhub.errors import BadRequest
from termhub.hub.console import Console
from termhub.hub.consoles import Consoles
from termhub.store import Store, Usage, User

from .days import day_of, days_before, month_days
from .metering import Metering
from .samples import HomeFigures, Means

_HOUR = 3600.0
_GIB_HOUR = 1024 * _HOUR

_HUB = Means("hub", "the hub", True)
_HOST = Means("host", "the console's host", True)
_TMP = Means("tmp", "size of the file system", True)
_UNKNOWN = Means("unknown", "not known yet", False)
_PLAIN_HOME = "counted now and then: this home was a plain folder before there were volumes"


@attrs.frozen
class Use:
    """What was used in some time, in the units of bills."""

    cpu_seconds: float
    memory_gib_hours: float
    disk_gib_hours: float
    network_in: int
    network_out: int
    console_hours: float

    @classmethod
    def of(cls, usage: Iterable[Usage]) -> Use:
        """The sum of some days."""
        days = list(usage)
        return cls(
            round(sum(day.cpu_seconds for day in days), 3),
            round(sum(day.memory_mb_seconds for day in days) / _GIB_HOUR, 6),
            round(sum(day.disk_mb_seconds for day in days) / _GIB_HOUR, 6),
            sum(day.network_in for day in days),
            sum(day.network_out for day in days),
            round(sum(day.console_seconds for day in days) / _HOUR, 4),
        )


@attrs.frozen
class UserReport:
    """What a user has used, and what is left; ``days`` are those with use, the oldest first."""

    plan: str
    cpu_seconds: float
    allowance_seconds: int | None
    is_slowed: bool
    resets: float
    home: HomeFigures
    running: int
    most_consoles: int
    days: Sequence[tuple[str, Use]]


@attrs.frozen
class Limit:
    """A limit of a console: how much of it is used, and what keeps to it here."""

    name: str
    used: float | None
    limit: float | None
    unit: str
    by: str
    enforced: bool
    advice: str | None


@attrs.frozen
class ConsoleReport:
    """The limits of a console; ``until`` is when it is no longer slowed, where that is known."""

    plan: str
    is_slowed: bool
    until: float | None
    limits: Sequence[Limit]


@attrs.frozen
class BillRow:
    """What a user used in a month; ``name`` and ``plan`` are None when the account is no more."""

    number: int
    name: str | None
    plan: str | None
    use: Use


class Reports:
    """Makes them.

    :param metering: what was measured.
    """

    def __init__(self, metering: Metering, store: Store, consoles: Consoles) -> None:
        self.metering = metering
        self.plans = metering.plans
        self._store = store
        self._consoles = consoles

    # -- one's own -------------------------------------------------------------------

    async def of_user(self, user: User, days: int, now: float) -> UserReport:
        """What a user has used in the last days, today included.

        :param now: the time, seconds since 1970.
        """
        plan, today = self.plans.of(user), day_of(now)
        usage = await self._store.usage(user.number, days_before(today, days - 1), today)
        used = next((day.cpu_seconds for day in usage if day.day == today), 0.0)
        return UserReport(
            self.plans.name(user),
            round(used, 3),
            plan.cpu_seconds_a_day or None,
            self.plans.is_slowed(user),
            self.metering.resets,
            self._home(user, plan),
            self._running(user),
            plan.consoles,
            [(day.day, Use.of([day])) for day in usage],
        )

    def _running(self, user: User) -> int:
        return sum(not console.has_ended for console in self._consoles.of(user))

    def _home(self, user: User, plan: Plan) -> HomeFigures:
        """What is in the home, and the limits that it should keep to."""
        home = self.metering.homes.get(user.number, HomeFigures(user.number))
        return HomeFigures(
            user.number,
            home.bytes,
            home.files,
            _least(plan.home_mb << 20, home.limit_bytes),
            _least(plan.home_files, home.limit_files),
        )

    # -- a console -------------------------------------------------------------------

    def of_console(self, id: str, asked_by: User, now: float) -> ConsoleReport:
        """The limits of a console, and for its owner those that all of theirs share.

        :param now: the time, seconds since 1970.
        :raises BadRequest: when its account is no more.
        """
        console = next(each for each in self._consoles.all() if each.id == id)
        user = self.plans.users.get(console.owner)
        if user is None:
            raise BadRequest("The account of this console is no more.", "no_such_user")
        limits = [*self._of_programs(console, user), *self._of_hub(console, user, now)]
        if asked_by.number == console.owner:
            limits += self._of_owner(user)
        is_over = user.number in self.plans.over and user.suspended is None
        return ConsoleReport(
            self.plans.name(user),
            self.plans.is_slowed(user),
            self.metering.resets if is_over else None,
            limits,
        )

    def _of_programs(self, console: Console, user: User) -> list[Limit]:
        limits, plan, means = self.plans.limits(user), self.plans.of(user), self.metering.means
        figures = self.metering.figures.get(console.id)
        memory, processes = (None, None) if figures is None else (figures.memory_bytes, figures.processes)
        cpu = self.metering.cpu_percent.get(console.id)

        def line(name: str, used: float | None, limit: float | None, unit: str, by: str) -> Limit:
            return _line(name, used, limit, unit, means.get(by, _UNKNOWN))

        found = [
            line("cpu", cpu, limits["cpu_percent"], "percent", "cpu"),
            line("cpu_weight", None, limits["cpu_weight"], "", "cpu_weight"),
            line("memory", memory, limits["memory_bytes"], "bytes", "memory"),
            line("processes", processes, limits["processes"], "processes", "processes"),
            line("open_files", None, limits["open_files"], "files", "open_files"),
            line("file_bytes", None, limits["file_bytes"], "bytes", "file_bytes"),
            _line("tmp_bytes", None, limits["tmp_bytes"], "bytes", _TMP),
        ]
        # What a console began with it keeps, whatever the plan says now.
        if plan.network != "none" and "no network" not in console.isolation:
            kbits = plan.network_kbits or None
            found.append(line(f"network_{plan.network}", None, kbits, "kbit/s", f"network_{plan.network}"))
        return found

    def _of_hub(self, console: Console, user: User, now: float) -> list[Limit]:
        plan = self.plans.of(user)
        found = [
            _line("windows", len(console.windows), plan.windows, "windows", _HUB),
            _line("journal_bytes", None, plan.journal_mb << 20, "bytes", _HOST),
        ]
        if plan.when_idle == "end" and plan.idle_seconds:
            idle = self.metering.idle_seconds(console)
            found.append(_line("idle", idle, plan.idle_seconds, "seconds", _HUB))
        if plan.lifetime_seconds:
            age = round(max(0.0, now - console.created))
            found.append(_line("lifetime", age, plan.lifetime_seconds, "seconds", _HUB))
        return found

    def _of_owner(self, user: User) -> list[Limit]:
        plan, means = self.plans.of(user), self.metering.means
        home = self._home(user, plan)
        held = self.metering.homes.get(user.number)
        how = {name: means.get(name, _UNKNOWN) for name in ("home_bytes", "home_files")}
        if held is not None and held.limit_bytes is None:
            how = {
                name: Means(name, _PLAIN_HOME, False) if each.enforced else each for name, each in how.items()
            }
        used = round(self.metering.used_today(user), 1)
        cpu = means.get("cpu", _UNKNOWN)
        return [
            _line("cpu_allowance", used, plan.cpu_seconds_a_day or None, "seconds", cpu),
            _line("home_bytes", home.bytes, home.limit_bytes, "bytes", how["home_bytes"]),
            _line("home_files", home.files, home.limit_files, "files", how["home_files"]),
            _line("consoles", self._running(user), plan.consoles, "consoles", _HUB),
        ]

    # -- bills -----------------------------------------------------------------------

    async def bill(self, month: str) -> list[BillRow]:
        """What everybody used in a month, by number.

        :param month: such as ``2026-11``.
        :raises BadRequest: when it is none.
        """
        first, last = month_days(month)
        by_user: dict[int, list[Usage]] = {}
        for usage in await self._store.usage(None, first, last):
            by_user.setdefault(usage.user, []).append(usage)
        users = {user.number: user for user in await self._store.users()}
        rows = []
        for number, days in sorted(by_user.items()):
            user = users.get(number)
            name, plan = (None, None) if user is None else (user.name, self.plans.name(user))
            rows.append(BillRow(number, name, plan, Use.of(days)))
        return rows


def _least(plan: int, held: int | None) -> int | None:
    """What may be in a home: a volume that could not grow with the plan holds less; None for no limit."""
    return min((limit for limit in (plan, held) if limit), default=None)


def _line(name: str, used: float | None, limit: float | None, unit: str, means: Means) -> Limit:
    return Limit(name, used, limit, unit, means.by, means.enforced, means.advice)
