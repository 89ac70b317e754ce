"""What the person is told: in place of the status line, or quietly within it, for a moment.

Invariant: all of it is clean, and none of it stays.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.gateways.tui.text import clean
from termhub.gateways.tui.timers import Timers

MESSAGE_SECONDS = 4.0
HINT_SECONDS = 6.0


class Messages:
    """The last message of each kind.

    :param changed: called when another one shows, or none.
    """

    def __init__(self, timers: Timers, changed: Callable[[], None]) -> None:
        self.words = ""
        """In place of the status line; empty: nothing."""
        self.passing = ""
        """Within it."""
        self._timers = timers
        self._changed = changed

    def say(self, words: str) -> None:
        """Show a message; an empty one takes it away."""
        if self.words == words == "":
            return
        self.words = clean(words)
        if words:
            self._timers.later("message", MESSAGE_SECONDS, lambda: self.say(""))
        else:
            self._timers.cancel("message")
        self._changed()

    def hint(self, words: str) -> None:
        """Show something in passing; an empty text takes it away."""
        if self.passing == words == "":
            return
        self.passing = clean(words)
        if words:
            self._timers.later("hint", HINT_SECONDS, lambda: self.hint(""))
        self._changed()
