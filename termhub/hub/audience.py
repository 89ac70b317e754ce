"""The viewers of one console, and what all of them are told.

A viewer that comes before the console's host was reached waits here with its HELLO.

What all are told is sent to some at a time, so that nobody else waits for all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from sandbox.guest import frames
from termhub.hub.client_messages import ClientHello, Via, parse_hello
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.ended import Ended
from termhub.hub.sizes import Size
from termhub.hub.viewers import (
    CLOSE_DETACHED,
    CLOSE_NORMAL,
    CLOSE_NOT_SHARED,
    Client,
    Viewer,
    event_frame,
)
from termhub.store import Role, User

if TYPE_CHECKING:
    from termhub.hub.console import Console


AT_ONCE = 16
"""Viewers that are told something in one turn of the reactor."""


class Audience:
    """The viewers of one console.

    :param clock: says when it is the next ones' turn.
    """

    def __init__(self, clock: Clock) -> None:
        self.viewers: dict[int, Viewer] = {}
        self._clock = clock
        self._untold: dict[Viewer, None] = {}
        self._turn: DelayedCall | None = None
        self._waiting: list[tuple[Viewer, ClientHello]] = []

    def attach(
        self, console: Console, client: Client, user: User, role: Role, hello: object, via: Via
    ) -> tuple[Viewer, ClientHello]:
        """A client wants to see the console; see :meth:`Console.attach`."""
        parsed = parse_hello(hello)
        number = int(parsed.viewer, 16)
        viewer = Viewer(console, client, user, role, number, parsed.via or via, parsed.read_only)
        if parsed.cols is not None and parsed.rows is not None:
            viewer.area = Size(parsed.cols, parsed.rows)
        other = self.viewers.get(viewer.key)
        # It is there before the other leaves, so that who has control keeps it.
        self.viewers[viewer.key] = viewer
        if other is not None:
            other.close(CLOSE_NORMAL, "connected again")
        return viewer, parsed

    def detach_others(self, viewer: Viewer) -> None:
        """Send all viewers but one away."""
        for other in list(self.viewers.values()):
            if other is not viewer:
                other.close(CLOSE_DETACHED, "detached by another viewer")

    def access_changed(self, role_of: Callable[[User], Role | None]) -> None:
        """Give viewers the role that they have now, and send those away that have none."""
        for viewer in list(self.viewers.values()):
            role = role_of(viewer.user)
            if role is None:
                viewer.close(CLOSE_NOT_SHARED, "the console is no longer shared with you")
            else:
                viewer.set_role(role)

    def remove(self, viewer: Viewer) -> None:
        """A viewer is gone."""
        if self.viewers.get(viewer.key) is viewer:
            del self.viewers[viewer.key]
        self._waiting = [entry for entry in self._waiting if entry[0] is not viewer]
        self._untold.pop(viewer, None)
        if not self._untold and self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def wait(self, viewer: Viewer, hello: ClientHello) -> None:
        """A viewer is answered when the console can: see :meth:`take_waiting`."""
        self._waiting.append((viewer, hello))

    def take_waiting(self) -> list[tuple[Viewer, ClientHello]]:
        """Those who waited, once."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def tell(self, window: int, event: dict[str, Any], key: str = "") -> None:
        """Send an event to all.

        :param key: of which a client that is behind keeps the last; none: the type of the event.
        """
        if self.viewers:
            frame = event_frame(window, event)
            for viewer in self.viewers.values():
                viewer.keep(window, key or event["type"], frame)
            self.tell_kept()

    def tell_kept(self) -> None:
        """Send all what is kept for them (:meth:`.viewers.Viewer.keep`)."""
        self._untold.update(dict.fromkeys(self.viewers.values()))
        if self._turn is None:
            self._tell_next()

    def _tell_next(self) -> None:
        self._turn = None
        for viewer in list(islice(self._untold, AT_ONCE)):
            # Whoever leaves meanwhile is not there any more.
            if self._untold.pop(viewer, self) is None:
                viewer.tell_kept()
        if self._untold:
            self._turn = self._clock.callLater(0, self._tell_next)

    def tell_owners(self, window: int, event: dict[str, Any], key: str) -> int:
        """Send an event to those who are owners; how many they are."""
        owners = [viewer for viewer in self.viewers.values() if viewer.role == "owner"]
        frame = event_frame(window, event)
        for viewer in owners:
            viewer.tell(window, key, frame)
        return len(owners)


async def show_ended(viewer: Viewer, read: Callable[[], Awaitable[Ended | None]], reason: str | None) -> None:
    """Greet a viewer of a console that has ended, and send it the last screens.

    :param read: reads what is left of it.
    """
    last = await read() or Ended()
    viewer.greet([window.describe() for window in last.windows])
    for window in last.windows:
        viewer.send(window.picture().frames)
    viewer.send(event_frame(frames.CONSOLE, {"type": "state", "state": "ended", "reason": reason}))
