"""A drawing: what changed in one viewport of a window, as a client shows it, and its bytes.

The host makes drawings from its screen, the hub passes them on unread, and the terminal UI paints
them: the payload of a ROWS frame, laid out in docs/protocol.md.  What arrives may come from a host
that a program has broken, so :func:`parse_drawing` checks everything.

Invariant: a drawing that was parsed has its runs inside the viewport, from left to right, each of as
many cells as its text takes, and no control characters in any text.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from struct import error as StructError
from typing import get_args

from attrs import frozen

from termhub.screen.interface import (
    MAX_COLS,
    MAX_ROWS,
    MIN_COLS,
    MIN_ROWS,
    Cursor,
    CursorShape,
    Modes,
    MouseEncoding,
    MouseTracking,
)
from termhub.screen.runs import (
    CONTROLS,
    DEFAULT_STYLE,
    MOST_COMBINING,
    PALETTE,
    RGB,
    UNDERLINE_SHIFT,
    Run,
    Style,
    count_cells,
)

DrawnRow = tuple[int, Sequence[Run]]

MOST_RUNS = 3000
"""Runs in one drawing: whoever shows it does other things too, and each takes microseconds."""

_HEAD = Struct(">IQBHBBBB8HII")
_SCROLL = Struct(">HHh")
_STYLE = Struct(">IIIH")
_COUNT = Struct(">H")
_ROW = Struct(">HH")
_RUN = Struct(">HHHI")

_WHOLE, _SCROLLS, _VISIBLE, _BLINKING, _PENDING_WRAP = 1, 2, 4, 8, 16
_SHAPES: tuple[CursorShape, ...] = get_args(CursorShape)
_MOUSE: tuple[MouseTracking, ...] = get_args(MouseTracking)
_ENCODINGS: tuple[MouseEncoding, ...] = get_args(MouseEncoding)
_SWITCHES = (
    "application_cursor_keys",
    "application_keypad",
    "bracketed_paste",
    "alternate_screen",
    "alternate_scroll",
    "focus_events",
    "insert",
    "newline",
    "origin",
    "autowrap",
    "reverse_video",
    "synchronized_output",
)
_UNDERLINES = 5
_CELL_BYTES = 4 * (1 + MOST_COMBINING)
_ATTRS = 0x0FF | 7 << UNDERLINE_SHIFT


class DrawingError(ValueError):
    """These bytes are no drawing."""


@frozen
class Drawing:
    """What changed in one viewport.

    To apply it: clear everything if ``whole``, move rows as ``scroll`` says, then blank each row given
    and draw its runs.

    :param view: the number of the view.
    :param offset: of the window's stream; the screen is as it was there.
    :param whole: nothing shown before counts.
    :param cols: width of the window in cells; ``rows`` its height.
    :param left: column of the window that the viewport begins at; ``top`` the row.
    :param view_cols: width of the viewport; ``view_rows`` its height.
    :param cursor: within the viewport; not visible when it is outside.
    :param scroll: ``(top, bottom, lines)``: rows ``top`` to ``bottom - 1`` go up by so many lines,
        down by so many when negative; the rows that become free are blank.
    :param history: lines of scrollback there are.
    :param back: how many lines above its place on the live screen the viewport is; 0 when live.  Row
        ``y`` shows line ``history + top + y - back``, counted from the oldest.
    :param rows_drawn: rows that changed, from the top down, as ``(y, runs)``; each is whole, cells
        without a run are blanks of the default style.
    """

    view: int
    offset: int
    whole: bool
    cols: int
    rows: int
    left: int
    top: int
    view_cols: int
    view_rows: int
    cursor: Cursor
    modes: Modes
    scroll: tuple[int, int, int] | None = None
    history: int = 0
    back: int = 0
    rows_drawn: Sequence[DrawnRow] = ()


def encode_drawing(drawing: Drawing) -> bytes:
    """The payload of a drawing's ROWS frame."""
    cursor, modes = drawing.cursor, drawing.modes
    flags = _WHOLE if drawing.whole else 0
    flags |= _SCROLLS if drawing.scroll else 0
    flags |= _VISIBLE if cursor.visible else 0
    flags |= _BLINKING if cursor.blinking else 0
    flags |= _PENDING_WRAP if cursor.pending_wrap else 0
    head = _HEAD.pack(
        drawing.view,
        drawing.offset,
        flags,
        sum(getattr(modes, name) << bit for bit, name in enumerate(_SWITCHES)),
        _SHAPES.index(cursor.shape),
        _MOUSE.index(modes.mouse),
        _ENCODINGS.index(modes.mouse_encoding),
        modes.kitty_keyboard & 0xFF,
        drawing.cols,
        drawing.rows,
        drawing.left,
        drawing.top,
        drawing.view_cols,
        drawing.view_rows,
        cursor.x,
        cursor.y,
        drawing.history,
        drawing.back,
    )
    scroll = _SCROLL.pack(*drawing.scroll) if drawing.scroll else b""
    styles: dict[Style, int] = {DEFAULT_STYLE: 0}
    rows: list[bytes] = []
    for y, runs in drawing.rows_drawn:
        rows.append(_ROW.pack(y, len(runs)))
        for x, cells, style, text in runs:
            number = styles.setdefault(style, len(styles))
            data = text.encode("utf-8", "replace")
            rows.append(_RUN.pack(x, cells, number, len(data)))
            rows.append(data)
    table = [_STYLE.pack(*style) for style in styles][1:]
    return b"".join(
        (head, scroll, _COUNT.pack(len(table)), *table, _COUNT.pack(len(drawing.rows_drawn)), *rows)
    )


def drawing_head(payload: bytes) -> tuple[int, int]:
    """The number of the view that a drawing is for and its offset; the rest is not looked at.

    :raises DrawingError: when it is too short for a drawing.
    """
    if len(payload) < _HEAD.size + 2 * _COUNT.size:
        raise DrawingError(f"ROWS payload of {len(payload)} bytes, which is no drawing")
    view, offset = _HEAD.unpack_from(payload)[:2]
    return view, offset


def encode_ready(view: int) -> bytes:
    """The payload of the ROWS frame that asks for a view's next drawing."""
    return view.to_bytes(4, "big")


def parse_ready(payload: bytes) -> int:
    """The view whose next drawing is asked for.

    :raises DrawingError: when the payload has another length.
    """
    if len(payload) != 4:
        raise DrawingError(f"ROWS payload of {len(payload)} bytes; a client's has 4")
    return int.from_bytes(payload, "big")


def parse_drawing(payload: bytes) -> Drawing:
    """The drawing in a ROWS payload.

    :raises DrawingError: when it is none.
    """
    try:
        return _Parser(payload).drawing()
    except (StructError, IndexError, UnicodeDecodeError) as error:
        raise DrawingError(f"no drawing: {error}") from None


def _check(fits: bool, what: str) -> None:
    if not fits:
        raise DrawingError(f"no drawing: {what}")


class _Parser:
    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._position = 0
        self._runs_left = MOST_RUNS

    def drawing(self) -> Drawing:
        (
            view,
            offset,
            flags,
            switches,
            shape,
            mouse,
            encoding,
            kitty,
            cols,
            rows,
            left,
            top,
            view_cols,
            view_rows,
            x,
            y,
            history,
            back,
        ) = self._take(_HEAD)
        _check(flags < 32 and switches < 1 << len(_SWITCHES), "flags")
        _check(MIN_COLS <= cols <= MAX_COLS and MIN_ROWS <= rows <= MAX_ROWS, "the window's size")
        _check(1 <= view_cols <= MAX_COLS and 1 <= view_rows <= MAX_ROWS, "the viewport's size")
        _check(left < cols and top < rows, "the viewport's place")
        _check(x < view_cols and y < view_rows, "the cursor's place")
        on = {name: bool(switches >> bit & 1) for bit, name in enumerate(_SWITCHES)}
        modes = Modes(mouse=_MOUSE[mouse], mouse_encoding=_ENCODINGS[encoding], kitty_keyboard=kitty, **on)
        cursor = Cursor(
            x,
            y,
            visible=bool(flags & _VISIBLE),
            shape=_SHAPES[shape],
            blinking=bool(flags & _BLINKING),
            pending_wrap=bool(flags & _PENDING_WRAP),
        )
        scroll: tuple[int, int, int] | None = None
        if flags & _SCROLLS:
            first, end, lines = self._take(_SCROLL)
            scroll = first, end, lines
            _check(first < end <= view_rows and 0 < abs(lines) <= end - first, "scrolling")
        (count,) = self._take(_COUNT)
        _check(count <= MOST_RUNS, "more styles than runs")
        styles = [DEFAULT_STYLE, *(self._style() for _ in range(count))]
        (count,) = self._take(_COUNT)
        drawn: list[DrawnRow] = []
        for _ in range(count):
            row, runs = self._take(_ROW)
            _check((drawn[-1][0] if drawn else -1) < row < view_rows, "the order of rows")
            drawn.append((row, self._runs(runs, styles, view_cols)))
        _check(self._position == len(self._payload), "bytes behind its end")
        return Drawing(
            view=view,
            offset=offset,
            whole=bool(flags & _WHOLE),
            cols=cols,
            rows=rows,
            left=left,
            top=top,
            view_cols=view_cols,
            view_rows=view_rows,
            cursor=cursor,
            modes=modes,
            scroll=scroll,
            history=history,
            back=back,
            rows_drawn=drawn,
        )

    def _take(self, kind: Struct) -> tuple[int, ...]:
        values = kind.unpack_from(self._payload, self._position)
        self._position += kind.size
        return values

    def _style(self) -> Style:
        style = Style(*self._take(_STYLE))
        for color in style[:3]:
            tag, value = color & 0xFF000000, color & 0xFFFFFF
            _check(tag == RGB or (tag == PALETTE and value < 256) or color == 0, "a colour")
        kind = style.attrs >> UNDERLINE_SHIFT
        _check(style.attrs & ~_ATTRS == 0 and kind <= _UNDERLINES, "attributes")
        return style

    def _runs(self, count: int, styles: list[Style], view_cols: int) -> list[Run]:
        payload = self._payload
        self._runs_left -= count
        _check(self._runs_left >= 0, "too many runs")
        runs: list[Run] = []
        end = 0
        for _ in range(count):
            x, cells, style, length = self._take(_RUN)
            _check(end <= x and 0 < cells <= view_cols - x, "the place of a run")
            _check(length <= cells * _CELL_BYTES, "more text than its cells hold")
            end = x + cells
            start = self._position
            self._position += length
            _check(self._position <= len(payload), "a text that is cut off")
            text = payload[start : self._position].decode("utf-8")
            if text:
                if not text.isprintable():
                    text = CONTROLS.sub("\ufffd", text)
                _check(count_cells(text) == cells, "a text of another width")
            runs.append(Run(x, cells, styles[style], text))
        return runs
