"""Draws rows on a terminal with the fewest bytes, knowing what it shows already.

Invariant: ``texts`` and ``styles`` are what the terminal shows after everything in ``out``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import compress
from operator import ne, or_

from termhub.gateways.tui.charset import Charset
from termhub.gateways.tui.cursor import TerminalCursor
from termhub.gateways.tui.pens import Pens
from termhub.gateways.tui.scrolling import Scroll
from termhub.gateways.tui.terminal import Terminal
from termhub.screen.runs import DEFAULT_STYLE, HIDDEN, Style, count_cells

# From here on terminals disagree about widths: emoji, and what Unicode added late.
_DOUBTFUL = "\U0001f000"
_ALIKE = re.compile(r"(.)\1{3,}", re.DOTALL)
_ERASE_BYTES = 3
_CHEAP_GAP = 4  # cells that are printed again in no more bytes than it takes to skip them
_SKIP_BYTES = 10  # ECH and the way past what it erased


class Drawer:
    """The cells, the pen and the cursor of one terminal.

    The rows it is given are kept, and nobody changes them.

    :param cols: width in cells, ``rows`` the height.
    """

    def __init__(self, terminal: Terminal, cols: int, rows: int) -> None:
        self.cols, self.rows = cols, rows
        self.out = bytearray()
        self.texts: list[list[str]] = []
        self.styles: list[list[Style]] = []
        self._terminal = terminal
        self._pens = Pens(terminal)
        self._charset = Charset(terminal)
        self._cursor = TerminalCursor(terminal, rows)
        self._pen: Style | None = None
        self._row: tuple[list[str], list[Style]] = ([], [])

    @property
    def margins(self) -> tuple[int, int] | None:
        """The scrolling region in force."""
        return self._cursor.margins

    def clear(self) -> None:
        """Begin with an empty screen, whatever the terminal shows."""
        self.out += b"\x1b[m" + self._charset.begin()
        self._pen = DEFAULT_STYLE
        self._cursor.at(None, None)
        if self._terminal.scroll_region:
            self._cursor.margins = None
            self.out += self._cursor.set_margins(0, self.rows)
        else:
            self._cursor.margins = (0, self.rows)
        self.out += b"\x1b[H\x1b[2J"
        self._cursor.at(0, 0)
        self.texts = [[" "] * self.cols] * self.rows
        self.styles = [[DEFAULT_STYLE] * self.cols] * self.rows

    def leave(self) -> bytes:
        """Margins, pen and character sets back to how they are usually found."""
        regions = b"\x1b[r" if self._terminal.scroll_region else b""
        return b"\x1b[m" + self._charset.end() + regions

    def move(self, x: int, y: int) -> None:
        """Put the cursor on a cell."""
        self._row = self.texts[y], self.styles[y]
        self.out += self._cursor.move(x, y, self._reprint)

    def keep(self, texts: list[list[str]], styles: list[list[Style]]) -> None:
        """Have these rows in the place of equal ones, so that they are in memory only once."""
        self.texts[:], self.styles[:] = texts, styles

    def differs(self, y: int, texts: list[str], styles: list[Style]) -> bool:
        """Whether row ``y`` shows other cells than these."""
        return texts != self.texts[y] or styles != self.styles[y]

    def draw_row(self, y: int, texts: list[str], styles: list[Style]) -> None:
        """Make row ``y`` show these cells."""
        if not self.differs(y, texts, styles):
            return
        differs = self._differences(y, texts, styles)
        self._row = texts, styles
        tail = self._erasable_tail(differs)
        # From here on the end of the row is erased, if it is.
        count = bisect_left(differs, tail)
        position = 0
        while position < count:
            start = differs[position]
            if differs[count - 1] - start == count - 1 - position:
                position = count
            else:
                position = self._end_of_span(differs, position, count)
            end = differs[position - 1] + 1
            # Where one wide character follows another only the left half of the cells differs.
            self._draw_span(y, start, end + (end < self.cols and not texts[end]))
        if count < len(differs):
            self._erase_tail(y, tail, differs[count])
        self.texts[y], self.styles[y] = texts, styles

    def _end_of_span(self, differs: list[int], position: int, count: int) -> int:
        """The index of the first difference that is worth a movement of its own."""
        texts, styles = self._row
        end = differs[position]
        for after in range(position + 1, count):
            x = differs[after]
            for between in range(end + 1, x):
                if (
                    x - end > _CHEAP_GAP + 1
                    or styles[between] is not styles[end]
                    or not texts[between]
                    or not texts[between].isascii()
                ):
                    return after
            end = x
        return count

    def scroll(
        self, scroll: Scroll, texts: list[list[str]], styles: list[list[Style]], most_bytes: int
    ) -> None:
        """Move rows, and draw those that move and those that come in as they shall be then.

        :param most_bytes: once there are more, rows are only moved.
        """
        top, bottom, lines = scroll
        up = lines > 0
        self.out += self._cursor.set_margins(top, bottom)
        for y in range(top, bottom):
            # Before it moves: the cursor is more often near the row that was written last.
            if top <= y - lines < bottom and len(self.out) <= most_bytes:
                self.draw_row(y, texts[y - lines], styles[y - lines])
        edge = bottom - 1 if up else top
        for count in range(abs(lines), 0, -1):
            if self._cursor.y != edge:
                self.move(0, edge)
            # What comes in takes the background in force.
            if self._pen is None or self._pens.ground(self._pen) != DEFAULT_STYLE:
                self._set_pen(DEFAULT_STYLE)
            if up:
                self.out += b"\n" if self._terminal.line_feed else b"\r\n"
                if not self._terminal.line_feed:
                    self._cursor.at(0, edge)
            else:
                self.out += b"\x1bM"
            gone = top if up else bottom - 1
            del self.texts[gone], self.styles[gone]
            self.texts.insert(edge, [" "] * self.cols)
            self.styles.insert(edge, [DEFAULT_STYLE] * self.cols)
            y = bottom - count if up else top + count - 1
            if len(self.out) <= most_bytes:
                self.draw_row(edge, texts[y], styles[y])

    def _differences(self, y: int, texts: list[str], styles: list[Style]) -> list[int]:
        """Columns that look different."""
        old_texts, old_styles = self.texts[y], self.styles[y]
        every = range(self.cols)
        if styles == old_styles:
            differs = list(compress(every, map(ne, texts, old_texts)))
        else:
            either = map(or_, map(ne, texts, old_texts), map(ne, styles, old_styles))
            differs = [
                x
                for x in compress(every, either)
                if texts[x] != old_texts[x] or not self._look_alike(texts[x], styles[x], old_styles[x])
            ]
        if not self._terminal.wraps_late and y == self.rows - 1 and differs:
            # Writing the last cell would scroll the screen.
            end = self.cols - (2 if texts[-1] == "" else 1)
            del differs[bisect_left(differs, end) :]
        return differs

    def _look_alike(self, text: str, style: Style, other: Style) -> bool:
        pens = self._pens
        look, other = pens.look(style), pens.look(other)
        return look == other or (text == " " and pens.ground(look) == pens.ground(other))

    def _erasable_tail(self, differs: list[int]) -> int:
        """The column from which on the row is best erased to its end; the width when nowhere."""
        texts, styles = self._row
        cols = self.cols
        if not differs or texts[-1] != " ":
            return cols
        style = styles[-1]
        pens = self._pens
        ground = pens.ground(pens.look(style))
        if not pens.can_erase(ground):
            return cols
        x = cols
        while x and texts[x - 1] == " ":
            other = styles[x - 1]
            if other is not style and pens.ground(pens.look(other)) != ground:
                break
            x -= 1
        first = bisect_left(differs, x)
        return x if len(differs) - first > _ERASE_BYTES else cols

    def _erase_tail(self, y: int, tail: int, first: int) -> None:
        """Erase to the end of the row, from ``tail`` at the earliest and ``first`` at the latest."""
        cursor = self._cursor
        if cursor.y != y or cursor.x is None or not tail <= cursor.x <= first:
            self.out += cursor.move(first, y, self._reprint)
        ground = self._pens.ground(self._pens.look(self._row[1][-1]))
        if self._pen is None or self._pens.ground(self._pen) != ground:
            self._set_pen(ground)
        self.out += b"\x1b[K"

    def _draw_span(self, y: int, start: int, end: int) -> None:
        """Print cells of the row, in pieces of one look."""
        texts, styles = self._row
        pens = self._pens
        while start < end:
            style = styles[start]
            look = pens.look(style)
            ground = pens.ground(look)
            fitting: Style | None = style
            if texts[start] == " " and self._pen is not None and pens.ground(self._pen) == ground:
                fitting, look = None, self._pen
            stop = start + 1
            while stop < end:
                style = styles[stop]
                if style is not fitting:
                    other = pens.look(style)
                    if other == look:
                        fitting = style
                    elif texts[stop] != " " or pens.ground(other) != ground:
                        break
                stop += 1
            self.out += self._cursor.move(start, y, self._reprint)
            self._set_pen(look)
            self._print(y, start, stop)
            start = stop

    def _print(self, y: int, start: int, stop: int) -> None:
        """Print cells with the pen in force; the cursor is there."""
        texts = self._row[0]
        cells = texts[start:stop]
        if self._pen and self._pen.attrs & HIDDEN & ~self._terminal.attributes:
            cells = [" "] * len(cells)
        text = "".join(cells)
        if text.isascii() or ("" not in cells and len(text) == len(cells) and max(text) < _DOUBTFUL):
            self._print_narrow(text, y, start)
            return
        is_doubtful = False
        for x, cell in enumerate(cells, start):
            if cell:
                data = self._charset.encode(cell)
                is_doubtful = len(cell) > 1 or cell >= _DOUBTFUL
                if len(cell) > 1 and x + count_cells(cell) == self.cols and self._terminal.combining:
                    # Without wrapping, some combine with the character before the one just written.
                    data = b"\x1b[?7h%s\x1b[?7l" % data
                if cell >= _DOUBTFUL and cells[x - start + 1 :][:1] == [""] and self.texts[y][x + 1] != " ":
                    # Where the terminal takes it for a narrow one, nothing old may stay beside it.
                    self.out += self._cursor.move(x, y) + b"  "
                    self._advance(x + 2, y)
                self.out += self._cursor.move(x, y) + data
            self._advance(x + 1, y)
            if is_doubtful:
                self._cursor.x = None

    def _print_narrow(self, text: str, y: int, x: int) -> None:
        """Print characters of one cell each, long repetitions with ECH or REP."""
        terminal = self._terminal
        end = 0
        if len(text) > 3 and (terminal.repeat or terminal.erase_characters):
            for alike in _ALIKE.finditer(text):
                start, stop = alike.span()
                count = stop - start
                short = self._shortened(alike[1], count)
                if short is None:
                    continue
                if start > end:
                    self.out += self._cursor.move(x + end, y) + self._charset.encode(text[end:start])
                    self._advance(x + start, y)
                self.out += self._cursor.move(x + start, y) + short
                if not short.endswith(b"X"):
                    self._advance(x + stop, y)
                end = stop
        if end < len(text):
            self.out += self._cursor.move(x + end, y) + self._charset.encode(text[end:])
            self._advance(x + len(text), y)

    def _shortened(self, character: str, count: int) -> bytes | None:
        """Bytes for ``count`` equal cells that are fewer than printing them, if there are."""
        terminal = self._terminal
        if terminal.repeat and character.isascii():  # tmux 3.3 repeats nothing else
            once = self._charset.encode(character)
            short = once + b"\x1b[%db" % (count - 1)
            return short if len(short) < len(once) * count else None
        if character != " " or count <= _SKIP_BYTES or not terminal.erase_characters:
            return None
        ground = self._pens.ground(self._pen or DEFAULT_STYLE)
        return b"\x1b[%dX" % count if self._pens.can_erase(ground) else None

    def _advance(self, x: int, y: int) -> None:
        if x < self.cols:
            self._cursor.at(x, y)
        else:
            self._cursor.at(None, y if self._terminal.wraps_late else None)

    def _set_pen(self, look: Style) -> None:
        self.out += self._pens.change(self._pen, look)
        self._pen = look

    def _reprint(self, start: int, end: int) -> bytes | None:
        """Cells of the row that are right already, printed again with the pen in force."""
        texts, styles = self._row
        pens, pen = self._pens, self._pen
        if pen is None or self._charset.is_graphic:
            return None
        text = "".join(texts[start:end])
        if len(text) != end - start or not text.isascii():
            return None
        for x in range(start, end):
            look = pens.look(styles[x])
            if look != pen and (texts[x] != " " or pens.ground(look) != pens.ground(pen)):
                return None
        return text.encode("ascii")
