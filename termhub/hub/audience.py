"""The viewers of one console: who they are, and what all of them are told.

A viewer that comes before the console's host was reached waits here with its HELLO.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from sandbox.guest import frames
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.ended import Ended
from termhub.hub.viewers import ClientHello, Viewer

PRESENCE_SECONDS = 0.2
"""Shortest time between two ``viewers`` events."""


class Audience:
    """The viewers of one console.

    :param clock: time and timers.
    """

    def __init__(self, clock: Clock) -> None:
        self.viewers: dict[int, Viewer] = {}
        self._waiting: list[tuple[Viewer, ClientHello]] = []
        self._clock = clock
        self._presence_timer: DelayedCall | None = None

    def add(self, viewer: Viewer) -> None:
        """A viewer came."""
        self.viewers[viewer.key] = viewer

    def remove(self, viewer: Viewer) -> None:
        """A viewer is gone."""
        if self.viewers.get(viewer.key) is viewer:
            del self.viewers[viewer.key]
        self._waiting = [entry for entry in self._waiting if entry[0] is not viewer]

    def wait(self, viewer: Viewer, hello: ClientHello) -> None:
        """A viewer is answered when the console can: see :meth:`take_waiting`."""
        self._waiting.append((viewer, hello))

    def take_waiting(self) -> list[tuple[Viewer, ClientHello]]:
        """Those who waited, once."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def tell(self, window: int, event: dict[str, Any]) -> None:
        """Send an event to all."""
        if self.viewers:
            frame = _encoded(window, event)
            for viewer in list(self.viewers.values()):
                viewer.tell(window, event["type"], frame)

    def tell_presence(self) -> None:
        """Tell all how many they are, soon: not each time when many come at once."""
        if self._presence_timer is None:
            self._presence_timer = self._clock.callLater(PRESENCE_SECONDS, self._tell_presence)

    def _tell_presence(self) -> None:
        self._presence_timer = None
        self.tell(frames.CONSOLE, {"type": "viewers", "count": len(self.viewers)})

    def quiet(self) -> None:
        """The console ends: nobody needs to know how many they are."""
        if self._presence_timer is not None:
            self._presence_timer.cancel()
            self._presence_timer = None


async def show_ended(viewer: Viewer, read: Callable[[], Awaitable[Ended | None]], reason: str | None) -> None:
    """Greet a viewer of a console that has ended, and send it the last screens.

    :param read: reads what is left of it.
    """
    last = await read() or Ended()
    viewer.greet([window.describe() for window in last.windows])
    for window in last.windows:
        viewer.send(window.picture().frames)
    viewer.send(_encoded(frames.CONSOLE, {"type": "state", "state": "ended", "reason": reason}))


def _encoded(window: int, event: dict[str, Any]) -> bytes:
    return frames.encode(frames.EVENT, window, msgspec.json.encode(event))
