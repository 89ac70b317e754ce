"""What a ``limit`` event says, in words for a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

_MARKS = {"cpu": "slowed"}
_LATEST = 1e11  # seconds since 1970 that localtime(3) takes everywhere


def until_words(until: float, now: float) -> str:
    """The time of day, with the date when that is not soon: ``until 00:00``.

    :param until: seconds since 1970, as ``now``.
    """
    is_soon = until - now < 24 * 3600
    return "until " + time.strftime("%H:%M" if is_soon else "%d %b %H:%M", time.localtime(until))


def limit_notice(event: Mapping[str, Any], now: float) -> str:
    """The event as a sentence; nothing when all is well again."""
    message, until = str(event.get("message") or ""), _until(event)
    if event.get("state") == "ok" or not message:
        return ""
    return message if until is None else f"{message} ({until_words(until, now)})"


def limit_mark(event: Mapping[str, Any], now: float) -> str:
    """What stays in a status line: ``slowed until 00:00``; nothing for what does not last, or is over."""
    until = _until(event)
    if event.get("state") != "over" or until is None or until <= now:
        return ""
    return f"{_MARKS.get(str(event.get('name')), 'limited')} {until_words(until, now)}"


def _until(event: Mapping[str, Any]) -> float | None:
    until = event.get("until")
    is_time = isinstance(until, (int, float)) and 0 <= until < _LATEST
    return float(until) if is_time else None  # type: ignore[arg-type]
