"""Finding what was typed on the screen: the rows that show a line just entered.

What stands on the screen is the truth; what was typed only says which rows it is.  A password is not
shown, so it is not found, and what is not found is forgotten.  Programs wrap and indent what
they show, so blanks do not count, and rows that go on in the next one are one line.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from termhub.screen import Screen, TextRow

MOST_ROWS = 256
CONTINUATION_CHARACTERS = 4
"""What a program may show at the beginning of a row that goes on with a line, such as ``...:``."""

STRAY_CHARACTERS = 4
LEAST_EVIDENCE = 2
_ROWS = (4, 32, MOST_ROWS)
_CONTINUES = "\\"
"""How Python's own prompt ends a row that it has wrapped itself."""


@frozen
class Entered:
    """What somebody typed and ended with Enter.

    :param who: the names of those who typed it, who began first.
    :param typed: the text of its lines without blanks; more than one when they were pasted as one.
    :param is_edited: whether other keys did something to the line: ``typed`` is what came after
        the last of them.
    :param lines: how many lines it is.
    """

    who: tuple[str, ...]
    typed: tuple[str, ...] = ("",)
    is_edited: bool = False
    lines: int = 1

    @property
    def is_evident(self) -> bool:
        """Whether there is any text to know it by."""
        return bool(self.typed[-1]) if self.is_edited else any(self.typed)


def squeezed(text: str) -> str:
    """``text`` without blanks."""
    return "".join(text.split())


@frozen
class _Row:
    """A row's text with and without blanks, and whether the next row continues it."""

    text: str
    squeezed: str
    wraps: bool


class Rows:
    """The rows of a screen up to its cursor, as long as nothing is fed; each is read once."""

    def __init__(self, screen: Screen) -> None:
        self.cols = screen.cols
        self._screen = screen
        self._read: dict[int, list[_Row]] = {}

    def last(self, count: int) -> Sequence[_Row]:
        """The row with the cursor, last, after so many at most with it."""
        rows = self._read.get(count)
        if rows is None:
            read = self._screen.rows_to_cursor(count)
            rows = self._read[count] = [_row(row, self.cols) for row in read]
        return rows


def shown(entered: Entered, screen: Rows) -> str | None:
    """The text on the screen of what was entered, with the prompt before it.

    :returns: lines joined by newlines; None when it does not stand there.
    """
    likely = len(entered.typed) + sum(map(len, entered.typed)) // screen.cols + 1
    for count in (count for count in _ROWS if count > likely or count == MOST_ROWS):
        rows = screen.last(count)
        top = _top(entered, rows)
        if top is None:
            return None
        if top > 0 or len(rows) < count or count == MOST_ROWS:
            return _joined(rows[top:])
    return None


def _row(row: TextRow, cols: int) -> _Row:
    """A row; one that a program has wrapped itself as if the terminal had done it."""
    text, wraps = row.text, row.wraps
    if text.endswith(_CONTINUES) and len(text) == cols and not wraps:
        text, wraps = text.removesuffix(_CONTINUES), True
    return _Row(text, squeezed(text), wraps)


def _top(entered: Entered, rows: Sequence[_Row]) -> int | None:
    """The first of the rows that show it."""
    last = len(rows) - 1
    if entered.is_edited or not entered.is_evident:
        top = _line_start(rows, last)
        text = "".join(row.squeezed for row in rows[top:])
        return top if text and entered.typed[-1] in text else None
    found: int | None = None
    for typed in reversed(entered.typed):
        if last < 0:
            break
        if not typed:
            last -= 1
            continue
        top_of_line = _ends_with(rows, last, typed)
        if top_of_line is None:
            break
        found = _line_start(rows, top_of_line)
        last = found - 1
    return found


def _ends_with(rows: Sequence[_Row], last: int, typed: str) -> int | None:
    """The row in which ``typed`` begins when row ``last`` ends with it; it may fill rows before that."""
    for y in range(last, -1, -1):
        text = rows[y].squeezed
        if not text or text[-1] != typed[-1]:
            return None
        if _begins_in(text, typed):
            return y
        common = _goes_on_in(text, typed)
        if not common:
            return None
        typed = typed[:-common]
    return 0


def _begins_in(text: str, typed: str) -> bool:
    """Whether it ends with ``typed``, but perhaps for its first characters, keys for another program."""
    if len(typed) > len(text) + STRAY_CHARACTERS:
        return False
    return text.endswith(typed) or any(
        len(typed) - skipped >= LEAST_EVIDENCE and text.endswith(typed[skipped:])
        for skipped in range(1, STRAY_CHARACTERS + 1)
    )


def _goes_on_in(text: str, typed: str) -> int:
    """How many characters of ``typed`` a row shows that is all of it but for its beginning; 0: it is not."""
    for skipped in range(min(CONTINUATION_CHARACTERS + 1, len(text))):
        if typed.endswith(text[skipped:]):
            return len(text) - skipped
    return 0


def _line_start(rows: Sequence[_Row], y: int) -> int:
    while y > 0 and rows[y - 1].wraps:
        y -= 1
    return y


def _joined(rows: Sequence[_Row]) -> str:
    return "".join(row.text if row.wraps else row.text + "\n" for row in rows).removesuffix("\n")
