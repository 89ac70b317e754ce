"""The last screen of a console that has ended, drawn for clients that want drawings.

Only its text is used: the keyframe beside it is output, which the hub does not parse.
"""

from __future__ import annotations

from sandbox.guest.frames import MAX_ROWS
from termhub.hub.ended import EndedWindow
from termhub.screen import Cursor, Modes
from termhub.screen.drawing import Drawing, DrawnRow, encode_drawing
from termhub.screen.runs import CONTROLS, DEFAULT_STYLE, count_cells, make_runs, split_cells


def last_lines(window: EndedWindow, first: int = 0, last: int = MAX_ROWS) -> list[str]:
    """The lines of the screen without control characters, as many as it has rows.

    :param first: the first one wanted; ``last`` the one behind.
    """
    last = min(last, window.rows)
    lines = [CONTROLS.sub("\ufffd", line) for line in window.lines[first:last]]
    return lines + [""] * (last - first - len(lines))


def draw_last_screen(window: EndedWindow, view: int, cols: int, rows: int, back: int) -> bytes:
    """The payload of a whole drawing.

    :param cols: width of the viewport; ``rows`` its height.
    :param back: how many lines above its usual place it is; there are none above the screen.
    """
    # The cursor comes from a file that the console's uid can write.
    x = max(0, min(window.cursor.x, window.cols - 1))
    y = max(0, min(window.cursor.y, window.rows - 1))
    left, top = max(0, x - cols + 1), max(0, y - rows + 1)
    back = min(back, top)
    first = top - back
    drawn: list[DrawnRow] = []
    for number, line in enumerate(last_lines(window, first, first + rows)):
        cells = _cut(split_cells(line), left, min(left + cols, window.cols))
        runs = make_runs([(0, len(cells), DEFAULT_STYLE, "".join(cells))])
        if runs:
            drawn.append((number, runs))
    return encode_drawing(
        Drawing(
            view=view,
            offset=window.offset,
            whole=True,
            cols=window.cols,
            rows=window.rows,
            left=left,
            top=top,
            view_cols=cols,
            view_rows=rows,
            cursor=Cursor(x - left, y - top, visible=False),
            modes=Modes(),
            history=0,
            back=back,
            rows_drawn=drawn,
        )
    )


def _cut(cells: list[str], start: int, end: int) -> list[str]:
    """Some cells, with blanks for halves of wide characters."""
    cut = cells[start:end]
    if cut and not cut[0]:
        cut[0] = " "
    if cut and count_cells(cut[-1]) == 2:
        cut[-1] = " "
    return cut


def copy_last_screen(window: EndedWindow, start: tuple[int, int], end: tuple[int, int]) -> str:
    """The text from one cell ``(line, x)`` to another, both included."""
    start, end = sorted((start, end))
    lines = last_lines(window, start[0], end[0] + 1)
    out: list[str] = []
    for number, line in enumerate(lines, start[0]):
        first = start[1] if number == start[0] else 0
        stop = end[1] + 1 if number == end[0] else window.cols
        out.append("".join(split_cells(line)[first:stop]).rstrip())
    return "\n".join(out)
