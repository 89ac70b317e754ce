"""What a new share is to be: its role, for how long, how often, for whom.

Pure: the choices are given to whoever makes the share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from termhub.gateways.durations import duration_text
from termhub.gateways.sharing import WRITERS
from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.overlay import CHOSEN, LEAVES, QUIET, draw_frame
from termhub.gateways.tui.prompts import Prompt, TextPrompt
from termhub.gateways.tui.text import clipped, padded, wrapped
from termhub.gateways.tui.tree import Rect
from termhub.screen.runs import DEFAULT_STYLE
from termhub.store import ROLES, Role

_HOUR, _DAY = 3600.0, 86400.0

VALUES: Mapping[str, tuple[Any, ...]] = {
    "role": ROLES,
    "seconds": (_HOUR, 8 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY),
    "uses": (None, 1, 2, 5, 10),
}
"""What can be chosen by moving along; a name and a pass-phrase are typed."""


@attrs.frozen
class NewShare:
    """What a share is to be.

    :param user: the account it is for; empty: a link.
    :param uses: how many may come by the link; None: any number.
    """

    role: Role = "observer"
    seconds: float = _DAY
    uses: int | None = None
    user: str = ""
    passphrase: str = attrs.field(default="", repr=False)

    def words(self, field: str) -> str:
        """How a choice is shown."""
        if field == "role":
            what = {"observer": "looks on", "writer": "types too", "owner": "may do what you may"}
            return f"Role: {self.role}, {what[self.role]}"
        if field == "seconds":
            return f"For: {duration_text(self.seconds)}"
        if field == "user":
            return f"Who: {self.user}" if self.user else "Who: whoever has the link"
        if self.user:
            return ""
        if field == "uses":
            return f"Uses: {self.uses or 'any number'}"
        return f"Pass-phrase: {'as typed' if self.passphrase else 'none'}"


class ShareForm:
    """The choices, one a row, and the row that makes the share.

    :param make: called with the choices.
    :param ask: shows a prompt.
    :param close: called when the person leaves it.
    """

    def __init__(
        self,
        console: str,
        make: Callable[[NewShare], None],
        ask: Callable[[Prompt], None],
        close: Callable[[], None],
    ) -> None:
        self.new = NewShare()
        self._console = console
        self._make = make
        self._ask = ask
        self._close = close
        self._row = 0
        self._first_y = 0

    @property
    def _fields(self) -> list[str]:
        fields = ["role", "seconds", "user"]
        return [*fields, "make"] if self.new.user else [*fields, "uses", "passphrase", "make"]

    def key(self, name: str, text: str) -> None:
        """Move, change, make, or leave."""
        if name in LEAVES or name == "q":
            self._close()
        elif name in ("Up", "k", "C-p"):
            self.wheel(-1)
        elif name in ("Down", "j", "C-n", "Tab"):
            self.wheel(1)
        elif name in ("Enter", "Space", "Right", "l"):
            self._change(1)
        elif name in ("Left", "h"):
            self._change(-1)

    def _change(self, step: int) -> None:
        field = self._fields[self._row]
        values = VALUES.get(field)
        if values is not None:
            place = values.index(getattr(self.new, field)) + step
            self.new = attrs.evolve(self.new, **{field: values[place % len(values)]})
        elif field == "user":
            self._ask(TextPrompt("share with (empty: a link):", self.new.user, self._named))
        elif field == "passphrase":
            self._ask(TextPrompt("pass-phrase (empty: none):", self.new.passphrase, self._phrased))
        elif step > 0:
            self._make(self.new)

    def _named(self, text: str) -> None:
        self.new = attrs.evolve(self.new, user=text.strip())

    def _phrased(self, text: str) -> None:
        self.new = attrs.evolve(self.new, passphrase=text)

    def paste(self, text: str) -> None:
        """Nothing to paste here."""

    def wheel(self, lines: int) -> None:
        """Move."""
        self._row = max(0, min(self._row + (lines > 0) - (lines < 0), len(self._fields) - 1))

    def click(self, x: int, y: int) -> None:
        """Choose a row, or change it when it is chosen."""
        row = y - self._first_y
        if row == self._row:
            self._change(1)
        elif 0 <= row < len(self._fields):
            self._row = row

    def draw(self, canvas: Canvas, area: Rect) -> tuple[int, int] | None:
        """Draw a row for each choice, and what they mean."""
        title, footer = f"Share {self._console}", "arrows choose and change, Enter makes it, q back"
        x, y, cols, rows = draw_frame(canvas, area, title, footer)
        fields = self._fields
        first = max(0, self._row - rows + 1)
        self._first_y = y - first
        for at, field in enumerate(fields[first : first + rows]):
            made = "Share it with this account" if self.new.user else "Make the link"
            words = f" {made}" if field == "make" else f" {self.new.words(field)}"
            style = CHOSEN if first + at == self._row else DEFAULT_STYLE
            canvas.put(x, y + at, padded(words, cols), style)
        if self.new.role != "observer":
            for at, line in enumerate(wrapped(WRITERS, max(1, cols - 2)), len(fields) + 1):
                if at < rows:
                    canvas.put(x + 1, y + at, clipped(line, cols - 1), QUIET)
        return None
