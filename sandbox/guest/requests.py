"""What requests say, checked: a host may be of another version, and everything may be missing."""

from __future__ import annotations

import os

from . import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple


class RequestError(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def program(request: Dict[str, Any]) -> Tuple[List[str], Dict[str, str], str]:
    """``(argv, env, cwd)`` of a request that starts a program; ``env`` are changes.

    :raises RequestError: when they cannot be.
    """
    argv = request.get("argv")
    env = request.get("env") or {}
    cwd = request.get("cwd") or os.getcwd()
    if not isinstance(argv, list) or not argv or not all(_is_text(part) for part in argv):
        raise RequestError("bad_request", "argv is a list of texts, at least the program")
    if not _is_environment(env):
        raise RequestError("bad_request", "env maps texts to texts")
    if not _is_text(cwd):
        raise RequestError("bad_request", "cwd is a folder's path")
    return argv, env, cwd


def size(request: Dict[str, Any]) -> Tuple[int, int]:
    """``(cols, rows)`` of a request; :raises RequestError: when no terminal has that size."""
    cols, rows = request.get("cols", 80), request.get("rows", 24)
    if not (
        isinstance(cols, int)
        and isinstance(rows, int)
        and frames.MIN_COLS <= cols <= frames.MAX_COLS
        and frames.MIN_ROWS <= rows <= frames.MAX_ROWS
    ):
        raise RequestError("bad_request", "no terminal has %r columns and %r rows" % (cols, rows))
    return cols, rows


def _is_text(value: object) -> bool:
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


def _is_environment(value: object) -> bool:
    return isinstance(value, dict) and all(
        _is_text(name) and name and "=" not in name and _is_text(text) for name, text in value.items()
    )
