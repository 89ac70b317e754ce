"""All input of one console that is on its way.

One :class:`~termhub.hub.input.InputStream` for each (viewer, window), also of viewers that have
left, until what they typed is written.

Hosts know viewers by numbers only; so that they can say who typed a line, each is introduced by name
before its first input on a link.

Invariant: a stream with unaccepted bytes is never dropped while its window lives and its user has access.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from secrets import randbits

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import BadRequest, ConsoleError, NoSuchConsole
from termhub.hub.input import LIMIT_BYTES, InputStream
from termhub.hub.link import Link
from termhub.hub.viewers import viewer_key
from termhub.store import User

MAX_IDLE_STREAMS = 64
"""Streams kept of viewers that have left; all together they hold what one may hold."""


class Inputs:
    """The input streams of one console."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._streams: dict[tuple[int, int], InputStream] = {}
        self._waiters: dict[tuple[int, int], Deferred[None]] = {}
        self._users: dict[tuple[int, int], User] = {}
        self._introduced: set[int] = set()

    def stream(self, key: int, window: int, user: User) -> InputStream:
        """The stream of the viewer with this key to a window.

        :param user: who types.
        """
        stream = self._streams.get((key, window))
        if stream is None:

            def send(sequence: int, data: bytes) -> None:
                link = self._link
                if link is not None:
                    if key not in self._introduced:
                        self._introduce(link, key, user.label)
                    link.send(frames.input_(window, key, sequence, data))

            stream = self._streams[key, window] = InputStream(send, self._link is not None, randbits(48))
            self._users[key, window] = user
        return stream

    def of(self, key: int) -> Iterator[tuple[int, InputStream]]:
        """The windows that a viewer has typed into, with its streams."""
        return ((window, stream) for (of, window), stream in list(self._streams.items()) if of == key)

    def _introduce(self, link: Link, key: int, name: str) -> None:
        self._introduced.add(key)
        arguments = {"viewer": f"{key:016x}", "name": name}
        link.request("person", frames.CONSOLE, arguments).addErrback(_unknown)

    async def write(self, user: User, window: int, data: bytes) -> None:
        """Type ``data``, whole; returns when it is written.

        :raises BadRequest: when it is more than 2 MiB.
        :raises Exception: what :meth:`fail` was given.
        """
        if len(data) > LIMIT_BYTES:
            raise BadRequest(f"That is too much input; {LIMIT_BYTES} bytes go at once.", "too_large")
        if not data:
            return
        key = viewer_key(user.number, randbits(64))
        done: Deferred[None] = Deferred()
        self._waiters[key, window] = done
        try:
            self.stream(key, window, user).receive(0, data)
            await done
        finally:
            self._waiters.pop((key, window), None)
            self._forget((key, window))
            self._introduced.discard(key)

    def accepted(self, key: int, window: int, sequence: int) -> InputStream | None:
        """The agent expects byte ``sequence`` next.

        :returns: the stream, when that is news.
        """
        stream = self._streams.get((key, window))
        if stream is None:
            return None
        was_settled = stream.is_settled
        if not stream.on_accepted(sequence) and stream.is_settled == was_settled:
            return None
        waiter = self._waiters.get((key, window))
        if waiter is not None and not stream.held_bytes and not waiter.called:
            waiter.callback(None)
        return stream

    def access_changed(self, has_access: Callable[[User], bool]) -> None:
        """Write nothing more of those who have none any longer, but what is on its way to the PTY already."""
        for key, stream in list(self._streams.items()):
            if stream.held_bytes and not has_access(self._users[key]):
                stream.give_up()
                waiter = self._waiters.get(key)
                if waiter is not None and not waiter.called:
                    waiter.errback(NoSuchConsole("You have this console no longer."))

    def link_made(self, link: Link, windows: Container[int]) -> None:
        """Send what is not accepted over a new link, to the windows there are."""
        self._link = link
        self._introduced.clear()
        for number in {number for _, number in self._streams if number not in windows}:
            self.window_closed(number)
        for stream in list(self._streams.values()):
            stream.link_made()

    def link_lost(self) -> None:
        """Hold everything until there is a link again."""
        self._link = None
        for stream in self._streams.values():
            stream.link_lost()

    def fail(self, error: Exception) -> None:
        """Nothing will be written any more, and nothing is held."""
        for key in list(self._streams):
            self._forget(key)
        for waiter in list(self._waiters.values()):
            if not waiter.called:
                waiter.errback(error)

    def window_closed(self, window: int) -> None:
        """A window is gone, and with it what was typed into it."""
        for key in [key for key in self._streams if key[1] == window]:
            self._forget(key)
            waiter = self._waiters.get(key)
            if waiter is not None and not waiter.called:
                waiter.errback(ConsoleError(f"Window {window} was closed.", "no_such_window"))

    def tidy(self, present: Container[int]) -> None:
        """Forget the oldest streams of viewers that have left, where there are many or they hold much.

        Who comes back goes on from what was accepted, as after a hub that was killed.
        """
        left = [key for key in self._streams if key[0] not in present and key not in self._waiters]
        count, held = len(left), sum(self._streams[key].held_bytes for key in left)
        for key in left:
            holds = self._streams[key].held_bytes
            if count > MAX_IDLE_STREAMS or (holds and held > LIMIT_BYTES):
                self._forget(key)
                count -= 1
                held -= holds

    def _forget(self, key: tuple[int, int]) -> None:
        self._streams.pop(key, None)
        self._users.pop(key, None)


def _unknown(failure: Failure) -> Failure | None:
    """A host of an earlier version does not say who typed; one that is gone is told again."""
    return None if isinstance(failure.value, ConsoleError) else failure
