"""Whose terminal is painted when many change at once.

Pictures for people who are typing are painted at once.  All the others together get a share of the
time, in turn: when that is not enough each of them gets fewer pictures, and who types notices nothing.

Invariant: whoever waits has a turn of its own, and turns come in the order in which they were given.
"""

from __future__ import annotations

TYPING_SECONDS = 1.0
"""For so long after a key somebody is typing."""

SHARE = 0.25
"""Of the time goes to pictures; those of people who type are painted beyond it."""

SLACK_SECONDS = 0.005
"""Turns that are no further away begin at once, so that nobody waits where there is little to do; with
more, what is painted at once would keep everybody else waiting where there is much."""

MOST_SECONDS = 0.002
"""What a picture counts at most: what took longer was somebody else's work on a busy machine."""

_FIRST_SECONDS = 0.0005
_WEIGHT = 0.05


class Turns:
    """The turns of all terminals of a gateway."""

    def __init__(self) -> None:
        self._free_at = 0.0
        self._usual = _FIRST_SECONDS

    def take(self, now: float) -> float:
        """Take the next turn.

        :returns: seconds until it comes.
        """
        turn = max(self._free_at, now)
        self._free_at = turn + self._usual / SHARE
        return max(0.0, turn - now - SLACK_SECONDS)

    def painted(self, seconds: float) -> None:
        """A picture took so long."""
        self._usual += (min(seconds, MOST_SECONDS) - self._usual) * _WEIGHT
