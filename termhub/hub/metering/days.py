"""Days as usage counts them: UTC, from midnight to midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from termhub.errors import BadRequest

DAY_SECONDS = 86_400


def day_of(time: float) -> str:
    """The day of a time, such as ``2026-11-23``.

    :param time: seconds since 1970.
    """
    return datetime.fromtimestamp(time, UTC).date().isoformat()


def next_day(time: float) -> float:
    """When the day after that of ``time`` begins, seconds since 1970."""
    return (time // DAY_SECONDS + 1) * DAY_SECONDS


def days_before(day: str, count: int) -> str:
    """The day ``count`` days earlier."""
    return (date.fromisoformat(day) - timedelta(days=count)).isoformat()


def month_days(month: str) -> tuple[str, str]:
    """The first and the last day of a month.

    :param month: such as ``2026-11``.
    :raises BadRequest: when it is none.
    """
    try:
        first = date.fromisoformat(f"{month}-01")
        last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise BadRequest(f"{month!r:.20} is no month; write it as 2026-11.", "bad_month") from None
    return first.isoformat(), last.isoformat()
