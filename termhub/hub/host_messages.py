"""What a host says, as checked values: its HELLO, events and replies.

A host parses hostile bytes, so every field has a bound, and what people will read has no characters
that would steer whoever shows it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sandbox.guest import frames

MAX_WINDOWS = 64

Text = Annotated[str, Meta(max_length=4096)]
Offset = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Bytes = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
WindowNumber = Annotated[int, Meta(ge=0, lt=frames.CONSOLE)]
Cols = Annotated[int, Meta(ge=frames.MIN_COLS, le=frames.MAX_COLS)]
Rows = Annotated[int, Meta(ge=frames.MIN_ROWS, le=frames.MAX_ROWS)]


_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def seen(text: str) -> str:
    """What a host or a program in it says, without characters that would steer whoever shows it."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


class Exit(Struct, omit_defaults=True):
    """How a window's program ended."""

    code: int | None = None
    signal: Annotated[str, Meta(max_length=32)] | None = None
    out_of_memory: Bytes | None = None


class HostWindow(Struct):
    """A window as a host tells of it."""

    window: WindowNumber
    offset: Offset
    cols: Cols
    rows: Rows
    argv: Annotated[list[Text], Meta(max_length=1024)] = []
    start: Offset = 0
    title: Text = ""
    exit: Exit | None = None

    def __post_init__(self) -> None:
        self.title = seen(self.title)


class HostHello(Struct):
    """A host's first frame."""

    version: int
    console: Annotated[str, Meta(max_length=64)]
    windows: Annotated[list[HostWindow], Meta(max_length=MAX_WINDOWS)]
    isolation: Text = ""
    ended: Any = None


class HostEvent(Struct, omit_defaults=True):
    """Any event of a host; fields that are not of its type are left out."""

    type: Annotated[str, Meta(max_length=32)]
    title: Text = ""
    cwd: Text = ""
    mark: Annotated[str, Meta(max_length=8)] = ""
    selection: Annotated[str, Meta(max_length=16)] = ""
    data: Annotated[str, Meta(max_length=140_000)] = ""
    argv: Annotated[list[Text], Meta(max_length=1024)] | None = None
    cols: Cols | None = None
    rows: Rows | None = None
    exit: int | None = None
    code: int | None = None
    signal: Annotated[str, Meta(max_length=32)] | None = None
    reason: Text = ""
    status: Any = None
    stream: int = 0
    said: Text = ""
    seconds: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    ask: Annotated[int, Meta(ge=0, lt=1 << 31)] = 0
    op: Annotated[str, Meta(max_length=32)] = ""
    role: Annotated[str, Meta(max_length=16)] = ""
    uses: Annotated[int, Meta(ge=1, lt=1 << 31)] | None = None
    out_of_memory: Bytes | None = None
    limit: Bytes | None = None
    host: Annotated[str, Meta(max_length=253)] = ""
    port: Annotated[int, Meta(ge=1, lt=1 << 16)] | None = None

    def __post_init__(self) -> None:
        self.title, self.cwd, self.reason = seen(self.title), seen(self.cwd), seen(self.reason)

    def describe(self) -> dict[str, Any]:
        """What clients are told."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        if self.type == "title":
            body["title"] = self.title
        elif self.type == "prompt" and self.mark in ("A", "D"):
            body["seconds"] = self.seconds
        return body


class HostReply(Struct):
    """What every REPLY has; results are read from the payload by whoever asked."""

    id: int
    ok: bool
    code: Annotated[str, Meta(max_length=64)] = "console_error"
    error: Text = ""

    def __post_init__(self) -> None:
        self.error = seen(self.error)


class Resumed(Struct):
    """Reply to ``subscribe``."""

    offset: Offset


class Cursor(Struct, frozen=True):
    """Where the cursor is, from 0."""

    x: int
    y: int


class ScreenText(Struct):
    """Reply to ``text``."""

    lines: Annotated[list[str], Meta(max_length=2000)]
    cursor: Cursor
    cols: Cols
    rows: Rows
    offset: Offset
    title: Text = ""

    def __post_init__(self) -> None:
        self.title = seen(self.title)


class Piece(Struct):
    """Reply to ``read``."""

    offset: Offset
    data: bytes
    start: Offset = 0


class Viewed(Struct):
    """Reply to ``view``."""

    history: Annotated[int, Meta(ge=0, lt=1 << 32)] = 0


class FoundText(Struct):
    """Reply to ``find``; without a line nothing was found."""

    line: Annotated[int, Meta(ge=0, lt=1 << 32)] | None = None
    x: Annotated[int, Meta(ge=0, lt=frames.MAX_COLS)] = 0
    cells: Annotated[int, Meta(ge=0, lt=1 << 20)] = 0


class CopiedText(Struct):
    """Reply to ``copy``."""

    text: Annotated[str, Meta(max_length=100_000)] = ""


class Opened(Struct):
    """Reply to ``open``."""

    window: WindowNumber


class Modes(Struct):
    """Reply to ``modes``: what a window's program has asked of its terminal."""

    bracketed_paste: bool = False
    alternate_screen: bool = False


class TypedLine(Struct):
    """A line that people typed, and who they are."""

    offset: Offset
    time: float
    who: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=16)]
    text: Annotated[str, Meta(max_length=500)]
    lines: Annotated[int, Meta(ge=0, lt=1 << 31)] = 1

    def __post_init__(self) -> None:
        self.who = [seen(name) for name in self.who]
        self.text = "\n".join(map(seen, self.text.split("\n")))


class TypedLines(Struct):
    """Reply to ``typed``, the newest last."""

    lines: Annotated[list[TypedLine], Meta(max_length=500)]
