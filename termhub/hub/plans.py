"""What each user may use, and how the launcher is told of it."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from termhub.config import Plan, Settings
from termhub.store import User

_log = Logger()


class Plans:
    """The plans of the settings.

    Invariant: every user has one; whoever has one that is no more has the default.
    """

    def __init__(self, settings: Settings) -> None:
        self._plans = settings.plans
        self._default = settings.default_plan
        self._told: set[str] = set()

    def name(self, user: User) -> str:
        """The name of the user's plan."""
        if user.plan in self._plans:
            return user.plan
        if user.plan not in self._told:
            self._told.add(user.plan)
            _log.warn("There is no plan {plan}; {default} is taken", plan=user.plan, default=self._default)
        return self._default

    def of(self, user: User) -> Plan:
        """The user's plan."""
        return self._plans[self.name(user)]


def limits(plan: Plan) -> dict[str, Any]:
    """The limits of a console, as the launcher takes them (:class:`sandbox.limits.Limits`)."""
    return {
        "memory_bytes": plan.memory_mb << 20,
        "processes": plan.processes,
        "cpu_percent": plan.cpu_percent or None,
        "cpu_weight": plan.cpu_weight,
        "file_bytes": plan.file_mb << 20,
        "open_files": plan.open_files,
        "tmp_bytes": plan.tmp_mb << 20,
        "home_bytes": plan.home_mb << 20 or None,
        "home_files": plan.home_files or None,
    }


def spec(plan: Plan) -> dict[str, Any]:
    """What a new console of this plan is asked for."""
    return {
        "limits": limits(plan),
        "journal_bytes": plan.journal_mb << 20,
        "network": {"mode": plan.network, "kbits": plan.network_kbits or None},
    }
