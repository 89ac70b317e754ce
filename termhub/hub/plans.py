"""What each user may use, and how the launcher is told of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from twisted.logger import Logger

from termhub.config import Plan, Settings
from termhub.errors import TooMany
from termhub.hub.outside import Allowance
from termhub.store import User

_log = Logger()


class Plans:
    """The plans of the settings, and who has which.

    Whoever is over the day's allowance, or suspended, is *slowed*: their consoles, also new ones,
    have the plan's ``cpu_slow_percent``.

    Invariant: every user has a plan; whoever has one that is no more has the default.
    """

    def __init__(self, settings: Settings) -> None:
        self.all: Mapping[str, Plan] = settings.plans
        self.users: dict[int, User] = {}
        """Everybody by number, as the store had them when it was last looked at."""
        self.over: Collection[int] = frozenset()
        """The numbers of those who are over the day's allowance."""
        self.default = settings.default_plan
        """The name of the plan of an account that is made without one."""
        self._told: set[str] = set()

    def name(self, user: User) -> str:
        """The name of the user's plan."""
        if user.plan in self.all:
            return user.plan
        if user.plan not in self._told:
            self._told.add(user.plan)
            _log.warn("There is no plan {plan}; {default} is taken", plan=user.plan, default=self.default)
        return self.default

    def of(self, user: User) -> Plan:
        """The user's plan."""
        return self.all[self.name(user)]

    def is_slowed(self, user: User) -> bool:
        """Whether the user's consoles have little CPU time just now."""
        return user.number in self.over or user.suspended is not None

    def limits(self, user: User) -> dict[str, Any]:
        """The limits of each of the user's consoles, as the launcher takes them.

        Their names and units are those of :class:`sandbox.limits.Limits`.
        """
        plan = self.of(user)
        return {
            "memory_bytes": plan.memory_mb << 20,
            "processes": plan.processes,
            "cpu_percent": _slow_percent(plan) if self.is_slowed(user) else plan.cpu_percent or None,
            "cpu_weight": plan.cpu_weight,
            "file_bytes": plan.file_mb << 20,
            "open_files": plan.open_files,
            "tmp_bytes": plan.tmp_mb << 20,
            "home_bytes": plan.home_mb << 20 or None,
            "home_files": plan.home_files or None,
        }

    def spec(self, user: User) -> dict[str, Any]:
        """What a new console of the user is asked for."""
        plan = self.of(user)
        return {
            "limits": self.limits(user),
            "journal_bytes": plan.journal_mb << 20,
            "network": {"mode": plan.network, "kbits": plan.network_kbits or None},
        }

    def check_windows(self, owner: int, count: int) -> None:
        """See to it that a console with so many windows may have one more.

        :raises TooMany: when its owner's plan has no more.
        """
        user = self.users.get(owner)
        most = None if user is None else self.of(user).windows
        if user is not None and most is not None and count >= most:
            raise TooMany(
                f"This console has all the windows that the plan {self.name(user)} has ({most}). "
                "Close one first.",
                "too_many_windows",
                60,
            )

    def outside(self, user: User | None) -> Allowance:
        """What a console of the user reaches by the operator's list; None: of nobody any more."""
        if user is None or user.suspended is not None:
            return Allowance("", "this account has no network any more")
        name, plan = self.name(user), self.of(user)
        why_not = f"the plan {name} has no network" if plan.network == "none" else None
        return Allowance(name, why_not, plan.network_kbits or None)


def _slow_percent(plan: Plan) -> int:
    return min(plan.cpu_slow_percent, plan.cpu_percent or plan.cpu_slow_percent)
