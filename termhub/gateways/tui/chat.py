"""What people say to each other beside the console.

Invariant: messages stand in the order of their numbers, each once, and at most :data:`MOST_KEPT`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from termhub.gateways.tui.people import NAME_CHARACTERS, short
from termhub.gateways.tui.text import clipped, told, wrapped

MOST_KEPT = 300
MOST_LINES = 40
"""Of a message that are shown."""

SAY_CHARACTERS = 2000
"""The longest message."""

HINT_CELLS = 40


class Message(NamedTuple):
    """One message.

    :param time: seconds since 1970.
    :param person: who said it; None where that is no longer known.
    """

    number: int
    time: float
    person: str | None
    name: str
    text: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Message:
        """From an event or a reply."""
        return cls(
            int(event["number"]),
            float(event["time"]),
            event.get("person"),
            told(str(event["name"]), NAME_CHARACTERS),
            str(event["text"])[:SAY_CHARACTERS],
        )

    @property
    def hint(self) -> str:
        """For a moment in the status line."""
        return clipped(f"{short(self.name)}: {told(self.text, 200)}", HINT_CELLS)

    def lines(self, cols: int) -> list[str]:
        """As it is shown in so many columns: time and name, then the words, further in on the next lines."""
        clock = time.strftime("%H:%M", time.localtime(self.time))
        said = [told(line) for line in self.text.splitlines()[:MOST_LINES] or [""]]
        room = max(1, cols - 2)
        first = wrapped(f"{clock} {self.name}: {said[0]}", cols)
        rest = wrapped(" ".join(first[1:]), room) if first[1:] else []
        more = [line for words in said[1:] for line in wrapped(words, room)]
        shown = [first[0], *(f"  {line}" if cols > 2 else line for line in [*rest, *more])]
        return shown if len(shown) <= MOST_LINES else [*shown[: MOST_LINES - 1], "  …"]


class Chat:
    """The messages that are shown, and how many came while they were not.

    While they are not shown none are kept here: the hub has them.

    :ivar unread: messages of others that were not shown.
    :ivar has_more: there are older ones.
    """

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self.unread = 0
        self.has_more = True
        self.is_shown = False

    @property
    def messages(self) -> Sequence[Message]:
        """All of them, oldest first."""
        return self._messages

    @property
    def oldest(self) -> int | None:
        """The number of the oldest one."""
        return self._messages[0].number if self._messages else None

    def heard(self, message: Message, you: str) -> bool:
        """A message was said; whether it is to be announced."""
        if self.is_shown:
            self._add([message])
        is_news = not self.is_shown and message.person != you
        self.unread += is_news
        return is_news

    def read_on(self, reply: Mapping[str, Any]) -> None:
        """The hub's answer to the request for the last ones, or older ones."""
        if not self.is_shown:
            return
        self._add(map(Message.of, reply.get("messages") or ()))
        self.has_more = bool(reply.get("more")) and len(self._messages) < MOST_KEPT

    def shown(self, is_so: bool) -> None:
        """Whether the person sees the messages now."""
        if is_so:
            self.unread = 0
        self.is_shown, self.has_more = is_so, True
        self._messages = []

    def _add(self, messages: Iterable[Message]) -> None:
        by_number = {message.number: message for message in (*self._messages, *messages)}
        self._messages = [by_number[number] for number in sorted(by_number)][-MOST_KEPT:]
