"""What an agent says of its windows, checked: it is hostile until proved otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.guest import frames
from termhub.host.agent_link import AgentError
from termhub.host.out_of_memory import original

if TYPE_CHECKING:
    from termhub.host.window import Exit

ARGUMENT_CHARACTERS = 1000
MAX_ARGUMENTS = 100


def described(entry: Any) -> tuple[int, list[str], int, int, int, int, Exit | None]:
    """``(window, argv, start, end, cols, rows, exit)`` of a window in an agent's HELLO."""
    if not isinstance(entry, dict):
        raise AgentError("a HELLO with a window that is no object")
    number, start, end, cols, rows = (
        _number(entry.get(name)) for name in ("window", "start", "end", "cols", "rows")
    )
    if not 0 <= number < frames.CONSOLE or not 0 <= start <= end < 1 << 62:
        raise AgentError(f"a HELLO with window {number} from {start} to {end}")
    if not (frames.MIN_COLS <= cols <= frames.MAX_COLS and frames.MIN_ROWS <= rows <= frames.MAX_ROWS):
        raise AgentError(f"a HELLO with a window of {cols} by {rows}")
    exit_ = entry.get("exit")
    return (
        number,
        program_argv(original(entry.get("argv"))),
        start,
        end,
        cols,
        rows,
        program_exit(exit_) if exit_ else None,
    )


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise AgentError("a HELLO with a window that lacks a number")
    return value


def program_argv(value: Any) -> list[str]:
    """A program and its arguments, cut to what a person wants to read."""
    if not isinstance(value, list):
        return []
    return [str(part)[:ARGUMENT_CHARACTERS] for part in value[:MAX_ARGUMENTS]]


def program_exit(value: Any) -> Exit:
    """How a program ended: ``{"code": 0}`` or ``{"signal": "SIGKILL"}``."""
    if isinstance(value, dict):
        if isinstance(value.get("signal"), str):
            return {"signal": value["signal"][:32]}
        if isinstance(value.get("code"), int):
            return {"code": value["code"]}
    raise AgentError("an exit that is neither a code nor a signal")
