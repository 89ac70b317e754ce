"""What is left of a console that has ended: ``ended.json``, written by its host as the last thing.

The file stands in a folder that the console's uid can write, so it is opened without
following links, must be a plain file, is read up to a limit, and is checked.  Reading
blocks: call it in a thread.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sandbox.guest import frames
from termhub.errors import BadRequest
from termhub.hub.cursors import Keyframe
from termhub.hub.host_messages import (
    MAX_WINDOWS,
    Cols,
    Cursor,
    Exit,
    Offset,
    Rows,
    ScreenText,
    Text,
    WindowNumber,
    seen,
)

FILE_NAME = "ended.json"
LIMIT_BYTES = 8 * 1024 * 1024


class EndedWindow(Struct):
    """A window as it last was."""

    window: WindowNumber
    cols: Cols
    rows: Rows
    offset: Offset
    argv: Annotated[list[Text], Meta(max_length=1024)] = []
    title: Text = ""
    keyframe: bytes = b""
    lines: Annotated[list[str], Meta(max_length=frames.MAX_ROWS)] = []
    cursor: Cursor = Cursor(0, 0)
    exit: Exit | None = None

    def __post_init__(self) -> None:
        self.title = seen(self.title)
        # Cells hold a few characters more now and then; a file that was tampered with, any number.
        self.lines = [line[: 2 * self.cols] for line in self.lines[: self.rows]]

    def picture(self) -> Keyframe:
        """Its last screen, as frames for a client."""
        pieces = frames.keyframes(self.window, self.offset, self.cols, self.rows, self.keyframe)
        return Keyframe(self.offset, self.cols, self.rows, b"".join(pieces))

    def text(self) -> ScreenText:
        """Its last screen as text."""
        return ScreenText(self.lines, self.cursor, self.cols, self.rows, self.offset, self.title)

    def describe(self) -> dict[str, Any]:
        """What HELLO says about it."""
        return {
            "window": self.window,
            "argv": self.argv,
            "offset": self.offset,
            "cols": self.cols,
            "rows": self.rows,
            "title": self.title,
            "exit": None if self.exit is None else msgspec.to_builtins(self.exit),
        }


class Ended(Struct):
    """Why a console ended and its last screens."""

    reason: Text = ""
    status: Any = None
    time: float = 0.0
    windows: Annotated[list[EndedWindow], Meta(max_length=MAX_WINDOWS)] = []

    def __post_init__(self) -> None:
        self.reason = seen(self.reason)

    def window(self, number: int) -> EndedWindow:
        """The window of this number.

        :raises BadRequest: when there is none.
        """
        for window in self.windows:
            if window.window == number:
                return window
        raise BadRequest(f"There is no window {number}.", "no_such_window")


def exists(folder: Path) -> bool:
    """Whether the console of this folder has ended."""
    try:
        return stat.S_ISREG(os.lstat(folder / FILE_NAME).st_mode)
    except OSError:
        return False


def read(folder: Path) -> Ended | None:
    """What is left of the console; None when there is nothing, or nothing that makes sense."""
    try:
        descriptor = os.open(folder / FILE_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(os.dup(descriptor), "rb") as file:
            data = file.read(LIMIT_BYTES + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if len(data) > LIMIT_BYTES:
        return None
    try:
        return msgspec.json.decode(data, type=Ended)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
