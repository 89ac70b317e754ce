"""Who typed a line that is on the screen: the line is looked for among those the host saw being typed.

Pure.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from termhub.gateways.tui.people import NAME_CHARACTERS
from termhub.gateways.tui.text import told

LEAST_PART = 4
"""Characters of part of a line that are enough to know it by."""


class TypedLine(NamedTuple):
    """A line, or several that were pasted as one, that somebody entered.

    :param time: seconds since 1970.
    """

    time: float
    who: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, told_of: Mapping[str, Any]) -> TypedLine:
        """From the hub's answer."""
        who = tuple(told(str(name), NAME_CHARACTERS) for name in told_of["who"])
        return cls(float(told_of["time"]), who, str(told_of["text"]))

    @property
    def words(self) -> str:
        """Who it was, and when."""
        *others, last = self.who or ("somebody",)
        names = f"{', '.join(others)} and {last}" if others else last
        return f"{names} typed this line at {time.strftime('%H:%M:%S', time.localtime(self.time))}."


def typist(lines: Sequence[str], typed: Iterable[TypedLine]) -> TypedLine | None:
    """Whose line the first one is.

    :param lines: the line in question and all that follow it; blanks do not count.
    :param typed: what was typed, oldest first.
    :returns: None when nobody is known to have typed it.
    """
    squeezed = [_squeezed(line) for line in lines]
    if not squeezed or not squeezed[0]:
        return None
    line = squeezed[0]
    newest_first = list(typed)[::-1]
    whole = [each for each in newest_first if line in map(_squeezed, each.text.splitlines())]
    # The same line stands further below as often as it was typed later.
    later = squeezed[1:].count(line)
    if whole:
        return whole[later] if later < len(whole) else None
    if len(line) < LEAST_PART:
        return None
    return next((each for each in newest_first if line in _squeezed(each.text)), None)


def _squeezed(text: str) -> str:
    return "".join(text.split())
