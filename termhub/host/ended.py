"""How a console ended, in words and as a file.

The last thing a host does is to say why its sandbox is gone and what its screens show,
so that the console can be looked at for as long as its folder stays.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from termhub.host.memory import killed_words

if TYPE_CHECKING:
    from termhub.host.console import Console
    from termhub.host.window import Exit, Window

SCREENS_BYTES = 6 << 20


def reason(console: Console, *, ending: dict[str, Any] | None, absent: str | None) -> tuple[str, Exit | None]:
    """Why the console ended, and its program's exit.

    :param ending: what the launcher wrote: the ``reason`` before it killed the sandbox, or
        what the sandbox ``said`` when it ended by itself.
    :param absent: words for a sandbox that was gone before this host came.
    """
    window = console.windows.get(0)
    status = window.exit if window is not None else None
    if ending is not None and isinstance(ending.get("reason"), str):
        return ending["reason"], status
    if console.failure is not None:
        return console.failure, status
    if console.end_reason is not None:
        return console.end_reason, status
    limit_hit = console.out_of_memory.limit_hit
    if status is None and limit_hit is not None:
        return killed_words(limit_hit), status
    if status is not None:
        return exit_words(status), status
    if ending is not None and isinstance(ending.get("said"), str):
        return f"the sandbox failed: {ending['said']}", None
    if absent is not None:
        return absent, None
    if window is None:
        return "its last program ended", None
    return "the sandbox was killed", None


def exit_words(status: Exit) -> str:
    """A program's exit as a sentence without a full stop."""
    if "out_of_memory" in status:
        return killed_words(status["out_of_memory"])
    if "signal" in status:
        return f"the program was killed by {status['signal']}"
    if status.get("code") == 0:
        return "the program ended"
    return f"the program ended with status {status.get('code')}"


def description(console: Console, why: str, status: Exit | None, now: float) -> dict[str, Any]:
    """What ``ended.json`` holds; :param now: Unix time in seconds."""
    room = SCREENS_BYTES
    windows = []
    for _, window in sorted(console.windows.items()):
        entry, size = _screen(window, room)
        room -= size
        windows.append(entry)
    return {"reason": why, "status": status, "time": round(now, 3), "windows": windows}


def _screen(window: Window, room: int) -> tuple[dict[str, Any], int]:
    screen = window.screen
    keyframe = base64.b64encode(screen.keyframe(0)).decode()
    lines = screen.text(0)
    size = len(keyframe) + 4 * sum(map(len, lines))
    if size > room:
        keyframe, lines, size = "", [], 0
    entry = {
        "window": window.number,
        "argv": window.argv,
        "cols": window.cols,
        "rows": window.rows,
        "offset": window.parsed,
        "title": screen.title,
        "keyframe": keyframe,
        "lines": lines,
        "cursor": {"x": screen.cursor.x, "y": screen.cursor.y},
        "exit": window.exit,
    }
    return entry, size
