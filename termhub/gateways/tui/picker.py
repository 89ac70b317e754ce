"""Choosing from a list, with a filter to type and a preview: consoles, or windows of one.

Pure: the entries are given, what is done with one is called.

Invariant: the chosen row is one of those that match the filter, or there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from termhub.gateways.listing import age
from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.overlay import CHOSEN, LEAVES, QUIET, draw_frame
from termhub.gateways.tui.prompts import MAX_CHARACTERS
from termhub.gateways.tui.text import clean, clipped, padded, told
from termhub.gateways.tui.tree import Rect
from termhub.hub.console import Console
from termhub.screen.runs import DEFAULT_STYLE, count_cells

LEAST_PREVIEW_COLS = 60
"""Width from which on a preview is shown."""

_MOST_CHARACTERS = 2000
"""Of a line of a preview: what is beyond cannot be seen, and would be looked at with each picture."""


@attrs.frozen
class Entry:
    """One row of a picker.

    :param key: what it stands for.
    :param name: shown first, and matched by the filter as ``about`` is.
    """

    key: str
    name: str
    about: str = ""


NEW = Entry("", "+ new console", "")


class Picker:
    """A list to choose from.

    :param entries: gives the rows there are now.
    :param chosen: called with the row's key on Enter.
    :param previewed: called when another row is chosen; answered by :meth:`preview`.
    :param close: called when the person leaves it; None: it cannot be left.
    :param commands: what keys do with the chosen row's key.
    """

    def __init__(
        self,
        title: str,
        footer: str,
        entries: Callable[[], Sequence[Entry]],
        chosen: Callable[[str], None],
        previewed: Callable[[str], None],
        close: Callable[[], None] | None,
        commands: Mapping[str, Callable[[str], None]],
        key: str = "",
    ) -> None:
        self.title = title
        self.filter = ""
        self._footer = footer
        self._entries = entries
        self._chosen = chosen
        self._previewed = previewed
        self._close = close
        self._commands = commands
        self._key: str | None = key
        self._preview: tuple[str, Sequence[str]] | None = None
        self._rows = Rect(0, 0, 0, 0)
        self._first = 0

    @property
    def matching(self) -> list[Entry]:
        """The rows that match the filter."""
        words = self.filter.lower().split()
        return [
            entry
            for entry in self._entries()
            if all(word in f"{entry.name} {entry.about}".lower() for word in words)
        ]

    @property
    def key_chosen(self) -> str | None:
        """What the chosen row stands for."""
        return self._key

    def preview(self, key: str, lines: Sequence[str]) -> None:
        """Here is how a row's console looks."""
        self._preview = key, [line[:_MOST_CHARACTERS] for line in lines]

    def refresh(self) -> None:
        """The entries may have changed: choose one that there is, and ask for its preview again."""
        self._settle(0)
        if self._key:
            self._previewed(self._key)

    def _settle(self, step: int) -> None:
        entries = self.matching
        keys = [entry.key for entry in entries]
        place = keys.index(self._key) if self._key in keys else 0
        place = max(0, min(place + step, len(keys) - 1))
        before = self._key
        self._key = keys[place] if keys else None
        if self._key != before and self._key:
            self._previewed(self._key)

    def key(self, name: str, text: str) -> None:
        """Move, filter, choose, or a command."""
        steps = {
            "Up": -1,
            "C-p": -1,
            "Down": 1,
            "Tab": 1,
            "PageUp": -max(1, self._rows.rows),
            "PageDown": max(1, self._rows.rows),
            "Home": -(1 << 20),
            "End": 1 << 20,
        }
        command = self._commands.get(name)
        if name in steps:
            self._settle(steps[name])
        elif command is not None:
            if self._key:
                command(self._key)
        elif name == "Enter":
            if self._key is not None:
                self._chosen(self._key)
        elif name in ("Backspace", "C-h"):
            self._look_for(self.filter[:-1])
        elif name in LEAVES or name == "C-u":
            if self.filter:
                self._look_for("")
            elif self._close is not None and name != "C-u":
                self._close()
        elif text and not name.startswith(("C-", "M-")):
            self.paste(text)

    def paste(self, text: str) -> None:
        """Add to the filter."""
        self._look_for(self.filter + clean("".join(text.splitlines()[:1])))

    def _look_for(self, text: str) -> None:
        self.filter = text[:MAX_CHARACTERS]
        self._settle(0)

    def wheel(self, lines: int) -> None:
        """Move."""
        self._settle((lines > 0) - (lines < 0))

    def click(self, x: int, y: int) -> None:
        """Choose a row; the row that is chosen, for good."""
        if not self._rows.holds(x, y):
            return
        entries = self.matching
        row = self._first + y - self._rows.y
        if row >= len(entries):
            return
        if entries[row].key == self._key:
            self._chosen(entries[row].key)
        else:
            self._key = entries[row].key
            if self._key:
                self._previewed(self._key)

    def draw(self, canvas: Canvas, area: Rect) -> tuple[int, int] | None:
        """Draw the rows, the filter and the preview."""
        inner = draw_frame(canvas, area, self.title, self._footer)
        self._settle(0)
        x, y, cols, rows = inner
        list_cols = min(cols, max(30, cols * 2 // 5)) if cols >= LEAST_PREVIEW_COLS else cols
        cursor = None
        if rows > 1:
            label = canvas.put(x, y, " / ", QUIET)
            end = label + canvas.put(x + label, y, clipped(self.filter, list_cols - label - 1))
            cursor = x + min(end, list_cols - 1), y
            y, rows = y + 1, rows - 1
        entries = self.matching
        place = next((index for index, entry in enumerate(entries) if entry.key == self._key), 0)
        self._first = max(0, min(self._first, place, len(entries) - rows))
        self._first = max(self._first, place - rows + 1)
        self._rows = Rect(x, y, list_cols, rows)
        for row, entry in enumerate(entries[self._first : self._first + rows]):
            style = CHOSEN if entry.key == self._key else DEFAULT_STYLE
            name = clipped(f" {entry.name}", list_cols)
            about = clipped(entry.about, list_cols - count_cells(name) - 3)
            gap = list_cols - count_cells(name) - count_cells(about) - 1
            canvas.put(x, y + row, padded(f"{name}{' ' * max(0, gap)}{about}", list_cols), style)
        if not entries:
            canvas.put(x, y, clipped(" nothing matches", list_cols), QUIET)
        if list_cols < cols:
            self._draw_preview(canvas, Rect(x + list_cols, inner.y, cols - list_cols, inner.rows))
        return cursor

    def _draw_preview(self, canvas: Canvas, area: Rect) -> None:
        for row in range(area.rows):
            canvas.put(area.x, area.y + row, "│", QUIET)
        if self._preview is None or self._preview[0] != self._key:
            return
        lines = list(self._preview[1])
        while lines and not lines[-1].strip():
            lines.pop()
        for row, line in enumerate(lines[-area.rows :]):
            canvas.put(area.x + 2, area.y + row, clipped(line, area.cols - 2))


def console_entries(consoles: Sequence[Console], now: float) -> list[Entry]:
    """The user's consoles as rows: the living first, the last used before the others."""
    return [
        Entry(console.id, clean(console.name), " · ".join(_about(console, now)))
        for console in sorted(consoles, key=_order)
    ]


def shared_entries(shared: Sequence[tuple[Console, str, str]], now: float) -> list[Entry]:
    """The consoles of others as rows, in the same order.

    :param shared: each with its owner's name, and the role that the user has in it.
    """
    return [
        Entry(
            console.id,
            f"{told(owner)}/{clean(console.name)}",
            " · ".join([role, *_about(console, now)]),
        )
        for console, owner, role in sorted(shared, key=lambda each: _order(each[0]))
    ]


def _order(console: Console) -> tuple[bool, float]:
    return console.has_ended, -console.last_activity


def _about(console: Console, now: float) -> list[str]:
    idle = age(now - console.last_activity)
    viewers = len(console.viewers)
    # The most important first: the end is what is cut off.
    about = [f"ended {idle}" if console.has_ended else f"idle {idle}"]
    if console.state not in ("running", "ended"):
        about.insert(0, console.state)
    if viewers:
        about.append(f"{viewers} here")
    if len(console.windows) > 1:
        about.append(f"{len(console.windows)} windows")
    about.append(f"{console.program} {console.image}")
    return about
