"""Copy mode: looking back through a pane's history, searching it, marking text.

Keys are those of vi and the basic ones of emacs, as in tmux.  Lines are counted from the oldest one
there is.  Pure: what needs the host comes out as a value of :mod:`.outcomes`, and the place to show
as ``back``.

Invariant: the cursor's line is within what there is, and ``back`` is such that it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from termhub.gateways.tui.motions import JUMPS, Cells, matches
from termhub.gateways.tui.outcomes import AskWords, Copy, Find, Leave, Outcome, WhoTyped
from termhub.screen.runs import PALETTE, REVERSE, Style

MARKED = Style(attrs=REVERSE)
FOUND = Style(fg=PALETTE | 0, bg=PALETTE | 3)


class History:
    """One pane's copy mode.

    :param lines: of scrollback there are.
    :param window_rows: height of the window.
    :param first: the line that the pane's first row shows.
    :param back: how many lines that is above the live screen.
    :param rows: height of the pane.
    :param cols: its width.
    :param x: column to begin at; ``y`` the row in the pane.
    """

    def __init__(
        self, lines: int, window_rows: int, first: int, back: int, cols: int, rows: int, x: int, y: int
    ) -> None:
        self.cols, self.rows = cols, rows
        self.back = back
        self.text = ""
        self.message = ""
        self.leaves_at_bottom = False
        self._base = first + back
        self._total = lines + window_rows
        self._anchor: tuple[int, int] | None = None
        self._takes_lines = False
        self._has_wrapped = self._seeks_forward = False
        self._match: tuple[int, int, int] | None = None
        self._forward = False
        self.x = max(0, min(x, cols - 1))
        self.line = first + y
        self._settle()

    # -- what is shown -------------------------------------------------------------

    @property
    def first(self) -> int:
        """The line that the first row is to show."""
        return self._base - self.back

    @property
    def position(self) -> str:
        """Where this is, for the pane's corner."""
        words = f" {self.message}" if self.message else ""
        return f"[{self.back}/{self._base}]{words}"

    @property
    def selection(self) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """The first and last cell that are marked."""
        if self._anchor is None:
            return None
        start, end = sorted((self._anchor, (self.line, self.x)))
        if self._takes_lines:
            return (start[0], 0), (end[0], 1 << 15)
        return start, end

    def marked(self, line: int, cols: int) -> tuple[int, int, Style] | None:
        """The cells of a line to show in another style: from, to (not included), the style."""
        selection = self.selection
        if selection is not None:
            (top, left), (bottom, right) = selection
            if not top <= line <= bottom:
                return None
            start = left if line == top else 0
            end = right + 1 if line == bottom else cols
            return (min(start, cols), min(end, cols), MARKED) if start < cols else None
        if self._match is not None and self._match[0] == line and self._match[1] < cols:
            _, x, cells = self._match
            return x, min(x + cells, cols), FOUND
        return None

    def arrived(self, lines: int, window_rows: int, first: int, back: int) -> None:
        """A drawing came: how much there is now."""
        if back <= self.back:
            # Less far back than wanted: an answer to what was wanted before, or there is no more above.
            moved = first + back - self._base
            self._base = first + back
            self._total = lines + window_rows
            self.back = min(self.back, self._base)
            if moved > 0 and back == 0 and self._anchor is None:
                # Output that came while this was not frozen yet moves everything up.
                self.line += moved
        self._settle()

    def resized(self, cols: int, rows: int) -> None:
        """The pane has another size."""
        self.cols, self.rows = cols, rows
        self._settle()

    # -- moving --------------------------------------------------------------------

    def scroll(self, lines: int) -> Outcome:
        """Show what is above (positive) or below; the cursor stays in its row."""
        before = self.back
        self.back = max(0, min(self.back + lines, self._base))
        self.line -= self.back - before
        self._settle()
        if lines < 0 and self.back == 0 and self.leaves_at_bottom and self._anchor is None:
            return Leave()
        return None

    @property
    def newest_line(self) -> int:
        """The last line there is."""
        return self._total - 1

    def go_to(self, line: int, x: int) -> None:
        """Put the cursor there, and show it."""
        self.line, self.x = line, x
        self._settle()

    def mark_from(self, line: int, x: int) -> None:
        """Begin to mark at a cell."""
        self.go_to(line, x)
        self._anchor, self._takes_lines = (self.line, self.x), False

    def found(self, line: int | None, x: int, cells: int) -> Outcome:
        """The host's answer to :class:`Find`; beyond the last match the search goes on from the other end."""
        if line is None:
            if not self._has_wrapped:
                return self._wrap()
            self.message = "not found"
            return None
        self.message = "wrapped" if self._has_wrapped else ""
        self._match = line, x, cells
        self.go_to(line, x)
        return None

    def _wrap(self) -> Find:
        self._has_wrapped = True
        return Find(self.text, 0 if self._seeks_forward else self._total - 1, self._seeks_forward)

    def _settle(self) -> None:
        self.line = max(0, min(self.line, self._total - 1))
        self.x = max(0, min(self.x, self.cols - 1))
        first = self.first
        if self.line < first:
            self.back = self._base - self.line
        elif self.line >= first + self.rows:
            self.back = max(0, self._base - (self.line - self.rows + 1))
            # Below a viewport of a larger window there may be lines that it cannot show.
            self.line = min(self.line, self.first + self.rows - 1)

    # -- keys ----------------------------------------------------------------------

    def key(self, name: str, row: Callable[[int], Cells]) -> Outcome:
        """A key, by the name of :func:`~.bindings.key_name`.

        :param row: the cells of a line that is on the screen.
        """
        self.message = ""
        move = _MOVES.get(name)
        if move is not None:
            move(self)
            self.leaves_at_bottom = False
            return None
        jump = JUMPS.get(name)
        if jump is not None:
            self.x = jump(row(self.line), self.x)
            self._settle()
            return None
        if name in ("Space", "v", "V", "C-Space", "C-@"):
            self._anchor = None if self._anchor is not None and name == "v" else (self.line, self.x)
            self._takes_lines = name == "V"
            return None
        if name in ("Escape", "C-g", "C-c", "q"):
            if self._anchor is not None and name != "q" and name != "C-c":
                self._anchor = None
                return None
            return Leave()
        if name in ("y", "Enter", "M-w"):
            return Copy(*self.selection) if self.selection is not None else Leave()
        if name in ("Y",):
            return Copy((self.line, 0), (self.line, 1 << 15))
        if name in ("/", "?", "C-s", "C-r"):
            return AskWords(name in ("/", "C-s"))
        if name == "a":
            return WhoTyped(self.line)
        if name in ("n", "N"):
            return self._again(self._forward if name == "n" else not self._forward, row)
        return None

    def search(self, text: str, forward: bool, row: Callable[[int], Cells]) -> Outcome:
        """Look for a text from the cursor on."""
        self.text, self._forward = text or self.text, forward
        self._match = None
        return self._again(forward, row)

    def _again(self, forward: bool, row: Callable[[int], Cells]) -> Outcome:
        if not self.text:
            self.message = "nothing to look for"
            return None
        self._has_wrapped, self._seeks_forward = False, forward
        here = matches(row(self.line), self.text)
        beyond = [place for place in here if (place[0] > self.x if forward else place[0] < self.x)]
        if beyond:
            x, cells = beyond[0] if forward else beyond[-1]
            return self.found(self.line, x, cells)
        line = self.line + (1 if forward else -1)
        return Find(self.text, line, forward) if 0 <= line < self._total else self._wrap()

    def _up(self) -> None:
        self.go_to(self.line - 1, self.x)

    def _down(self) -> None:
        self.go_to(self.line + 1, self.x)

    def _page_up(self) -> None:
        self._by(-max(1, self.rows - 1))

    def _page_down(self) -> None:
        self._by(max(1, self.rows - 1))

    def _half_up(self) -> None:
        self._by(-max(1, self.rows // 2))

    def _half_down(self) -> None:
        self._by(max(1, self.rows // 2))

    def _by(self, lines: int) -> None:
        before = self.back
        self.back = max(0, min(self.back - lines, self._base))
        moved = before - self.back
        self.go_to(self.line + (moved or lines), self.x)

    def _oldest(self) -> None:
        self.go_to(0, 0)

    def _newest(self) -> None:
        self.back = 0
        self.go_to(self._total - 1, 0)

    def _high(self) -> None:
        self.go_to(self.first, 0)

    def _middle(self) -> None:
        self.go_to(self.first + self.rows // 2, 0)

    def _low(self) -> None:
        self.go_to(self.first + self.rows - 1, 0)

    def _row_up(self) -> None:
        self.scroll(1)

    def _row_down(self) -> None:
        self.scroll(-1)


_MOVES: Mapping[str, Callable[[History], None]] = {
    name: move
    for names, move in (
        (("Up", "k", "C-p"), History._up),
        (("Down", "j", "C-n"), History._down),
        (("PageUp", "C-b", "M-v"), History._page_up),
        (("PageDown", "C-f", "C-v"), History._page_down),
        (("C-u",), History._half_up),
        (("C-d",), History._half_down),
        (("g", "M-<", "C-Home"), History._oldest),
        (("G", "M->", "C-End"), History._newest),
        (("H",), History._high),
        (("M",), History._middle),
        (("L",), History._low),
        (("C-y", "K", "C-Up"), History._row_up),
        (("C-e", "J", "C-Down"), History._row_down),
    )
    for name in names
}

HELP = (
    ("arrows, h j k l", "move; w b e by words, 0 ^ $ within the line"),
    ("PageUp, PageDown", "a page; C-u C-d half of one"),
    ("g, G", "the oldest line, the newest"),
    ("/ ?", "search forward, back; n N again"),
    ("Space, v, V", "begin to mark; V whole lines"),
    ("Enter, y", "copy what is marked, and leave"),
    ("a", "who typed this line"),
    ("q, Escape", "leave"),
)
