"""What people say to each other at a console, kept with it in the store.

Invariant: a message is told after it is kept, and those of one console in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.guest import frames
from termhub.accounts.attempts import Attempts
from termhub.hub.backing import Backing
from termhub.hub.clean_text import said_text
from termhub.hub.clock import Clock
from termhub.store import ChatMessage

if TYPE_CHECKING:
    from termhub.hub.audience import Audience
    from termhub.hub.viewers import Viewer

MOST_CHARACTERS = 2000
"""The longest message."""

PAGE_MESSAGES = 50
"""Messages that are read at once."""

BURST, SECONDS_EACH = 10, 1.0
BURST_OF_ALL, SECONDS_EACH_OF_ALL = 30, 0.2
"""Messages that one person, and all at one console, may say at once, and the time for one more."""


class Chat:
    """The chat of one console.

    :param backing: keeps what is said.
    :param now: the wall clock, seconds since 1970.
    """

    def __init__(self, backing: Backing, audience: Audience, clock: Clock, now: Callable[[], float]) -> None:
        self._backing = backing
        self._audience = audience
        self._now = now
        seconds, what = clock.seconds, "messages"
        self._by_person = Attempts(seconds, burst=BURST, refill_seconds=SECONDS_EACH, capacity=256, what=what)
        self._of_all = Attempts(seconds, burst=BURST_OF_ALL, refill_seconds=SECONDS_EACH_OF_ALL, what=what)

    async def say(self, viewer: Viewer, text: str) -> int:
        """Say something to all who are here and will be.

        :returns: the number of the message.
        :raises BadRequest: for too much text, or none.
        :raises TooMany: when too much is said too fast.
        """
        said = said_text(text, MOST_CHARACTERS)
        self._by_person.spend(viewer.person)
        self._of_all.spend("")
        message = await self._backing.add_chat(round(self._now(), 3), viewer.user.label, said)
        event = {"type": "chat", "person": viewer.person, **_described(message)}
        self._audience.tell(frames.CONSOLE, event, f"chat {message.number}")
        return message.number

    async def read(self, before: int | None) -> dict[str, Any]:
        """The last messages before that number, or of all, and whether there are more before them."""
        found: Sequence[ChatMessage] = await self._backing.chat(before, PAGE_MESSAGES + 1)
        messages = [{"person": None, **_described(message)} for message in found[-PAGE_MESSAGES:]]
        return {"messages": messages, "more": len(found) > PAGE_MESSAGES}


def _described(message: ChatMessage) -> dict[str, Any]:
    described: dict[str, Any] = msgspec.to_builtins(message)
    return described
