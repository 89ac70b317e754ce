"""What one view of a window shows, and the drawings that bring it up to date.

A :class:`Viewport` remembers the rows it has drawn and gives those that differ; rows that only
moved are moved.  :class:`Changes` stands between a screen, which tells only once what has changed,
and all viewports of its window.  Pure.

Invariant: a client that applies the drawings in order shows what the screen showed at the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from termhub.screen import Cursor, History, Modes, Screen
from termhub.screen.drawing import MOST_RUNS, Drawing, DrawnRow
from termhub.screen.interface import MAX_COLS
from termhub.screen.runs import Run

MOST_BYTES = 256 * 1024
MOST_CELLS = 16 * 1024
"""What one drawing may hold; the rest of the rows is left to the next one."""

RUN_BYTES = 24
CHARACTER_BYTES = 4

Row = list[Run]


class Changes:
    """Which rows of a screen have changed since when, for any number of viewports.

    :param screen: nobody else asks for its dirty rows.
    """

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.generation = 0
        self._rows: list[int] = []
        self._size = (0, 0)
        self._drawn: dict[tuple[int, int], dict[int, Row]] = {}

    def collect(self) -> None:
        """Take note of what the screen says has changed."""
        screen = self.screen
        dirty = screen.dirty_rows()
        size = (screen.cols, screen.rows)
        if size != self._size:
            self._size = size
            self.generation += 1
            self._rows = [self.generation] * screen.rows
            self._drawn.clear()
        elif dirty:
            self.generation += 1
            for y in dirty:
                self._rows[y] = self.generation
            for drawn in self._drawn.values():
                for y in dirty:
                    drawn.pop(y, None)

    def since(self, generation: int) -> list[int]:
        """The rows that have changed since then."""
        if generation == self.generation:
            return []
        return [y for y, changed in enumerate(self._rows) if changed > generation]

    def runs(self, rows: Sequence[int], left: int, width: int) -> list[Row]:
        """The runs of parts of rows; read from the screen once for all viewports of a width."""
        if len(self._drawn) > 4:
            self._drawn.clear()
        drawn = self._drawn.setdefault((left, width), {})
        missing = [y for y in rows if y not in drawn]
        if missing:
            drawn.update(zip(missing, self.screen.runs(missing, left, width), strict=True))
        return [drawn[y] for y in rows]


class Viewport:
    """A part of a window as a client shows it.

    :param view: its number.
    :param cols: its width in cells; ``rows`` its height.
    """

    def __init__(self, view: int, cols: int, rows: int) -> None:
        self.view = view
        self.cols, self.rows = cols, rows
        self.left = self.top = 0
        self._shown: list[Row] = [[] for _ in range(rows)]
        self._is_whole = True
        self._left: dict[int, None] = {}
        self._generation = -1
        self._place: tuple[object, ...] = ()
        self._seen: tuple[object, ...] = ()

    def reset(self, cols: int, rows: int) -> None:
        """Have another size, and draw everything anew."""
        self.cols, self.rows = cols, rows
        self._shown = [[] for _ in range(rows)]
        self._is_whole = True

    def say_again(self) -> None:
        """Let there be a next drawing even when nothing has changed, for its offset."""
        self._seen = ()

    def draw(self, changes: Changes, offset: int) -> Drawing | None:
        """What has changed on the live screen; None: nothing.

        :param offset: of the window's stream, where the screen is.
        """
        screen = changes.screen
        changes.collect()
        cursor, modes = screen.cursor, screen.modes
        self.follow(cursor, screen.cols, screen.rows)
        left, top = self.left, self.top
        width, height = min(self.cols, screen.cols - left), min(self.rows, screen.rows - top)
        place = (left, top, screen.cols, screen.rows)
        if self._is_whole or place != self._place:
            stale = set(range(self.rows))
        else:
            stale = {y - top for y in changes.since(self._generation) if 0 <= y - top < height}
        self._generation, self._place = changes.generation, place

        def read(rows: list[int]) -> list[Row]:
            return changes.runs([y + top for y in rows], left, width)

        new = self._read(stale, read, width, height)
        history = 0 if modes.alternate_screen else screen.history_lines
        return self._drawing(
            new, self._placed(cursor), modes, offset, (screen.cols, screen.rows), (history, 0)
        )

    def draw_history(self, history: History, back: int, modes: Modes, offset: int) -> Drawing | None:
        """What has changed in a frozen screen, from ``back`` lines above the live place on."""
        left = self.left
        first = history.history_lines + self.top - back
        width, height = min(self.cols, history.cols - left), min(self.rows, history.rows - self.top)
        place = ("back", first, left)
        stale = set(range(self.rows)) if self._is_whole or place != self._place else set()
        self._place = place

        def read(rows: list[int]) -> list[Row]:
            lines = history.runs(range(first + rows[0], first + rows[-1] + 1), left, width)
            return [lines[y - rows[0]] for y in rows]

        new = self._read(stale, read, width, height)
        size = (history.cols, history.rows)
        cursor = Cursor(0, 0, visible=False)
        return self._drawing(new, cursor, modes, offset, size, (history.history_lines, back))

    def _read(
        self, stale: set[int], read: Callable[[list[int]], list[Row]], width: int, height: int
    ) -> list[Row]:
        """The rows shown, with those that are ``stale`` read anew, as many as may be at a time."""
        new = list(self._shown)
        new[height:] = [[] for _ in range(self.rows - height)]
        # Those that have waited longest go first: else the rows at the bottom could wait for ever.
        rows = [y for y in (*self._left, *sorted(stale - self._left.keys())) if y < height]
        most = max(1, MOST_CELLS // max(width, 1))
        self._left = dict.fromkeys(rows[most:])
        rows = sorted(rows[:most])
        if rows:
            for y, runs in zip(rows, read(rows), strict=True):
                new[y] = runs
        return new

    def follow(self, cursor: Cursor, cols: int, rows: int) -> None:
        """Move as little as brings the cursor into view; a hidden one moves nothing.

        :param cols: the window's width; ``rows`` its height.
        """
        if cursor.visible:
            self.left = max(min(self.left, cursor.x), cursor.x - self.cols + 1)
            self.top = max(min(self.top, cursor.y), cursor.y - self.rows + 1)
        self.left = max(0, min(self.left, cols - self.cols))
        self.top = max(0, min(self.top, rows - self.rows))

    def _placed(self, cursor: Cursor) -> Cursor:
        x, y = cursor.x - self.left, cursor.y - self.top
        if not (0 <= x < self.cols and 0 <= y < self.rows):
            return Cursor(0, 0, visible=False, shape=cursor.shape, blinking=cursor.blinking)
        return Cursor(x, y, cursor.visible, cursor.shape, cursor.blinking, cursor.pending_wrap)

    def _drawing(
        self,
        new: list[Row],
        cursor: Cursor,
        modes: Modes,
        offset: int,
        size: tuple[int, int],
        lines: tuple[int, int],
    ) -> Drawing | None:
        whole = self._is_whole
        shown: list[Row] = [[] for _ in range(self.rows)] if whole else self._shown
        scroll = None if whole else find_scroll(shown, new)
        if scroll is not None:
            shown = scrolled(shown, scroll)
        drawn, shown = self._changed(shown, new)
        seen = (cursor, modes, lines[1], self.left, self.top, *size)
        if not (whole or drawn or scroll) and seen == self._seen:
            return None
        self._shown, self._is_whole, self._seen = shown, False, seen
        return Drawing(
            view=self.view,
            offset=offset,
            whole=whole,
            cols=size[0],
            rows=size[1],
            left=self.left,
            top=self.top,
            view_cols=self.cols,
            view_rows=self.rows,
            cursor=cursor,
            modes=modes,
            scroll=scroll,
            history=lines[0],
            back=lines[1],
            rows_drawn=drawn,
        )

    @property
    def is_unfinished(self) -> bool:
        """Whether the last drawing left rows to the next one."""
        return bool(self._left)

    def _changed(self, shown: list[Row], new: list[Row]) -> tuple[list[DrawnRow], list[Row]]:
        """The rows to draw, as many as fit into a drawing, and what is shown then."""
        drawn: list[DrawnRow] = []
        result = list(shown)
        room = MOST_BYTES
        runs_left = MOST_RUNS - MAX_COLS
        for y, (old, runs) in enumerate(zip(shown, new, strict=True)):
            if old is runs or old == runs:
                continue
            if room <= 0 or runs_left <= 0:
                self._left[y] = None
                continue
            runs_left -= len(runs)
            room -= RUN_BYTES * (len(runs) + 1) + CHARACTER_BYTES * sum(len(run.text) for run in runs)
            drawn.append((y, runs))
            result[y] = runs
        return drawn, result


def scrolled(rows: list[Row], scroll: tuple[int, int, int]) -> list[Row]:
    """What is shown after a drawing's ``scroll``."""
    top, bottom, lines = scroll
    blank: list[Row] = [[] for _ in range(abs(lines))]
    region = rows[top + lines : bottom] + blank if lines > 0 else blank + rows[top : bottom + lines]
    return rows[:top] + region + rows[bottom:]


def find_scroll(old: list[Row], new: list[Row]) -> tuple[int, int, int] | None:
    """Whether most of what is new stood some rows lower or higher before.

    :returns: the scroll that leaves fewer rows to draw, by at least two; None where there is none.
    """
    changed = [y for y, runs in enumerate(new) if runs and old[y] != runs]
    if len(changed) < 2:
        return None
    places: dict[tuple[Run, ...], int] = {}
    for y, runs in enumerate(old):
        if runs:
            key = tuple(runs)
            # A row that is there more than once says nothing about where it went.
            places[key] = -1 if key in places else y
    votes: dict[int, int] = {}
    for y in changed:
        place = places.get(tuple(new[y]), -1)
        if place >= 0:
            votes[place - y] = votes.get(place - y, 0) + 1
    if not votes:
        return None
    lines = max(votes, key=lambda distance: votes[distance])
    if votes[lines] < 2:
        return None
    return _region(old, new, lines)


def _region(old: list[Row], new: list[Row], lines: int) -> tuple[int, int, int] | None:
    """The longest region that a scroll by ``lines`` explains."""
    best = start = length = 0
    best_start = 0
    for y in range(len(new)):
        if 0 <= y + lines < len(old) and new[y] == old[y + lines]:
            if not length:
                start = y
            length += 1
            if length > best:
                best, best_start = length, start
        else:
            length = 0
    top, bottom = min(best_start, best_start + lines), max(best_start, best_start + lines) + best
    scroll = (top, bottom, lines)
    after = scrolled(old, scroll)
    saved = sum((new[y] != old[y]) - (new[y] != after[y]) for y in range(top, bottom))
    return scroll if saved >= 2 else None
