"""Limits in words: what people are told, and why a console was ended."""

from __future__ import annotations

from collections.abc import Iterable

from termhub.config import Plan

_LIMITS = {
    "memory_bytes": "memory",
    "cpu_percent": "CPU",
    "cpu_weight": "share of the CPU",
    "file_bytes": "largest file",
    "open_files": "open files",
    "tmp_bytes": "size of /tmp",
}


def duration(seconds: float) -> str:
    """Such as ``2 h``, ``1 h 30 min`` or ``45 s``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def cpu_near(name: str, plan: Plan, percent: int) -> str:
    """The day's CPU time is nearly used up."""
    return (
        f"More than {percent} % of the day's CPU time of the plan {name} "
        f"({duration(plan.cpu_seconds_a_day)}) is used."
    )


def cpu_over(name: str, plan: Plan, is_slowed: bool) -> str:
    """The day's CPU time is used up."""
    used = f"The day's CPU time of the plan {name} ({duration(plan.cpu_seconds_a_day)}) is used up"
    if not is_slowed:
        return f"{used}."
    return f"{used}: programs go on slowly, with {plan.cpu_slow_percent} % of a core."


CPU_AGAIN = "There is CPU time again: programs run as fast as before."
SUSPENDED = "This account is suspended; its programs go on slowly."
NOT_SUSPENDED = "This account is no longer suspended."
HOME_AGAIN = "There is room in the home again."


def home_near(name: str, limit: str, percent: int) -> str:
    """The home is nearly full."""
    return f"The home holds more than {percent} % of what the plan {name} has: {limit}."


def home_over(name: str, limit: str, is_watched: bool) -> str:
    """The home is full, or fuller."""
    said = f"The home holds all that the plan {name} has: {limit}. Delete something."
    return f"{said} What goes on writing there is ended." if is_watched else said


def home_limit(name: str, limit: int) -> str:
    """A limit of a plan's home by its name there."""
    return f"{limit} MiB" if name == "home_mb" else f"{limit} files"


def home_reason(name: str, limit: str) -> str:
    """Why a console was ended that wrote on."""
    return f"the home grew beyond {limit} (plan {name}); delete files in a new console"


def idle_reason(name: str, plan: Plan) -> str:
    """Why an idle console was ended."""
    return f"idle for {duration(plan.idle_seconds)} (plan {name})"


def with_next_console(limits: Iterable[str]) -> str:
    """Limits of a new plan that a console cannot be given while it runs."""
    names = sorted(_LIMITS.get(name, name) for name in limits)
    return f"New limits take effect with the next console: {', '.join(names)}."


def lifetime_near(name: str, plan: Plan) -> str:
    """It is soon old enough to be ended."""
    return f"Consoles of the plan {name} are ended after {duration(plan.lifetime_seconds)}."


def lifetime_reason(name: str, plan: Plan) -> str:
    """Why an old console was ended."""
    return f"ended after {duration(plan.lifetime_seconds)} (plan {name})"
