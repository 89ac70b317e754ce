"""What a ``limit`` event says, in words for a terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

_MARKS = {"cpu": "slowed"}


def until_words(until: float, now: float) -> str:
    """The time of day, with the date when that is another day: ``until 00:00``.

    :param until: seconds since 1970, as ``now``.
    """
    then, today = time.localtime(until), time.localtime(now)
    is_soon = until - now < 24 * 3600 or then[:3] == today[:3]
    return "until " + time.strftime("%H:%M" if is_soon else "%d %b %H:%M", then)


def limit_notice(event: Mapping[str, Any], now: float) -> str:
    """The event as a sentence; nothing when all is well again."""
    message = str(event.get("message") or "")
    until = event.get("until")
    if event.get("state") == "ok" or not message:
        return ""
    return f"{message} ({until_words(until, now)})" if isinstance(until, (int, float)) else message


def limit_mark(event: Mapping[str, Any], now: float) -> str:
    """What stays in a status line: ``slowed until 00:00``; nothing for what does not last, or is over."""
    until = event.get("until")
    if event.get("state") != "over" or not isinstance(until, (int, float)) or until <= now:
        return ""
    return f"{_MARKS.get(str(event.get('name')), 'limited')} {until_words(until, now)}"
