"""What is remembered between a user's sessions while the hub runs: layouts and copied text.

Invariant: bounded; what was used longest ago is forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from termhub.gateways.tui.layout import Layout

MAX_LAYOUTS = 1000
MAX_BUFFERS = 100
MAX_BUFFER_CHARACTERS = 100_000

K = TypeVar("K")
V = TypeVar("V")


class Memory:
    """Layouts by (user, console), copied text by user."""

    def __init__(self) -> None:
        self._layouts: OrderedDict[tuple[int, str], Layout] = OrderedDict()
        self._buffers: OrderedDict[int, str] = OrderedDict()

    def layout(self, user: int, console: str) -> Layout:
        """How a user's last session showed a console, as a copy of its own."""
        return self._layouts[user, console].copy() if (user, console) in self._layouts else Layout()

    def keep_layout(self, user: int, console: str, layout: Layout) -> None:
        """Remember how a session shows a console."""
        _keep(self._layouts, (user, console), layout.copy(), MAX_LAYOUTS)

    def copied(self, user: int) -> str:
        """The text that a user copied last."""
        return self._buffers.get(user, "")

    def keep_copied(self, user: int, text: str) -> None:
        """Remember what a user copied."""
        _keep(self._buffers, user, text[:MAX_BUFFER_CHARACTERS], MAX_BUFFERS)


def _keep(table: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > most:
        table.popitem(last=False)
