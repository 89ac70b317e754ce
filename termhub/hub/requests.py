"""What the hub asks a console's host, over whichever link there is.

Requests made while the console recovers wait for the next link.

Invariant: whatever is waited for here is answered, fails, or times out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from sandbox.guest import frames
from termhub.errors import ConsoleError
from termhub.hub.clock import Clock
from termhub.hub.cursors import Keyframe
from termhub.hub.host_messages import Modes, Opened, Piece, ScreenText, TypedLine, TypedLines
from termhub.hub.link import Link

LINK_SECONDS = 15.0
"""How long a request waits for a console that is recovering."""

MAX_WAIT_SECONDS = 60.0
READ_BYTES = 262_144

_decode_text = msgspec.json.Decoder(ScreenText).decode
_decode_piece = msgspec.json.Decoder(Piece).decode
_decode_modes = msgspec.json.Decoder(Modes).decode
_decode_typed = msgspec.json.Decoder(TypedLines).decode
_decode_opened = msgspec.json.Decoder(Opened).decode


class Requests:
    """Requests to one console's host.

    :param clock: for time-outs.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._link: Link | None = None
        self._failure: ConsoleError | None = None
        self._link_waiters: list[Deferred[None]] = []
        self._failure_waiters: list[Deferred[None]] = []
        self._output_waiters: dict[int, list[Deferred[None]]] = {}

    def link_made(self, link: Link) -> None:
        """Go on with what waited for a link."""
        self._link = link
        waiters, self._link_waiters = self._link_waiters, []
        for waiter in waiters:
            waiter.callback(None)

    def link_lost(self) -> None:
        """Wait for the next link."""
        self._link = None

    def fail(self, error: ConsoleError) -> None:
        """There will be no link any more: fail what waits and what comes."""
        self._link = None
        self._failure = error
        waiters, self._link_waiters = self._link_waiters, []
        for waiter in waiters:
            waiter.errback(error)
        for window in list(self._output_waiters):
            self.output_came(window)
        waiters, self._failure_waiters = self._failure_waiters, []
        for waiter in waiters:
            if not waiter.called:
                waiter.callback(None)

    async def request(
        self,
        op: str,
        window: int = frames.CONSOLE,
        decode: Callable[[bytes], Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Ask the host.

        :param decode: turns the reply's JSON into the result; None: no result.
        :raises ConsoleError: when it refuses, does not answer or has ended.
        """
        link = await self.link()
        return await link.request(op, window, arguments, decode)

    async def keyframe(self, window: int, scrollback: int | None) -> Keyframe:
        """A picture of a window with so many lines of history; None: all."""
        link = await self.link()
        return await link.request_keyframe(window, scrollback)

    async def text(self, window: int, scrollback: int) -> ScreenText:
        """A window's screen as text."""
        result: ScreenText = await self.request("text", window, _decode_text, scrollback=scrollback)
        return result

    async def modes(self, window: int) -> Modes:
        """What a window's program has asked of its terminal."""
        result: Modes = await self.request("modes", window, _decode_modes)
        return result

    async def typed(self, window: int, limit: int) -> list[TypedLine]:
        """The last lines that people typed into a window, the newest last."""
        result: TypedLines = await self.request("typed", window, _decode_typed, limit=limit)
        return result.lines

    async def output(self, window: int, since: int, wait_seconds: float, limit: int) -> tuple[int, bytes]:
        """Output from ``since`` on, waiting for some if there is none."""
        deadline = self._clock.seconds() + min(wait_seconds, MAX_WAIT_SECONDS)
        limit = max(1, min(limit, READ_BYTES))
        while True:
            piece: Piece = await self.request("read", window, _decode_piece, since=since, limit=limit)
            left = deadline - self._clock.seconds()
            if piece.data or left <= 0:
                return piece.offset, piece.data
            await self._output_or_timeout(window, left)

    async def open(self, **arguments: Any) -> int:
        """Start a program in a window; its number."""
        link = await self.link()
        opened: Opened = await link.request("open", frames.CONSOLE, arguments, _decode_opened)
        return opened.window

    def output_came(self, window: int) -> None:
        """A window has new output."""
        if self._output_waiters:
            for waiter in self._output_waiters.pop(window, []):
                if not waiter.called:
                    waiter.callback(None)

    async def link(self, seconds: float = LINK_SECONDS) -> Link:
        """The link to the host, once there is one.

        :raises ConsoleError: when there is none in time, or will be none.
        """
        while self._link is None:
            if self._failure is not None:
                raise self._failure
            waiter: Deferred[None] = Deferred()
            self._link_waiters.append(waiter)
            timer = self._clock.callLater(seconds, self._waited_too_long, waiter)
            try:
                await waiter
            finally:
                if timer.active():
                    timer.cancel()
        return self._link

    def _waited_too_long(self, waiter: Deferred[None]) -> None:
        if waiter in self._link_waiters:
            self._link_waiters.remove(waiter)
            waiter.errback(ConsoleError("The console is recovering and has not come back yet.", "recovering"))

    async def failure(self, seconds: float) -> None:
        """Wait until there will be no link any more, at most so long."""
        if self._failure is None:
            await self._timed(self._failure_waiters, seconds)

    async def _output_or_timeout(self, window: int, seconds: float) -> None:
        await self._timed(self._output_waiters.setdefault(window, []), seconds)

    async def _timed(self, waiters: list[Deferred[None]], seconds: float) -> None:
        waiter: Deferred[None] = Deferred()
        waiters.append(waiter)
        timer = self._clock.callLater(seconds, waiter.callback, None)
        try:
            await waiter
        finally:
            if timer.active():
                timer.cancel()
            if waiter in waiters:
                waiters.remove(waiter)
