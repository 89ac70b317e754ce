"""The hub's connection to the launcher.

Connects when there is something to ask, and again after it broke: the launcher is started anew
by its keeper when it dies, and consoles live on meanwhile.

Invariant: every request is answered, refused or fails in time; none is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet import protocol
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import BadRequest, ConsoleError, NoSandbox, NoSuchConsole, TermhubError
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.host_messages import HostReply
from termhub.hub.link import Transport

REQUEST_SECONDS = 60.0
RETRY_SECONDS = 0.1
CONNECT_SECONDS = 10.0
"""How long a launcher may be away before requests to it fail."""

_ERRORS: dict[str, type[TermhubError]] = {
    "no_sandbox": NoSandbox,
    "no_such_console": NoSuchConsole,
    "bad_request": BadRequest,
    "bad_program": BadRequest,
    "bad_image": BadRequest,
    "too_long": BadRequest,
}

_decode_reply = msgspec.json.Decoder(HostReply).decode

Connect = Callable[[protocol.Protocol], None]
"""Connects a protocol to the launcher's socket; raises OSError when nobody listens."""


class Launcher:
    """Asks the launcher.

    :param connect: makes a connection.
    :param clock: for time-outs and waiting.
    """

    def __init__(self, connect: Connect, clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._connection: LauncherConnection | None = None
        self._is_closed = False

    async def request(self, op: str, **arguments: Any) -> dict[str, Any]:
        """The launcher's reply.

        :raises TermhubError: when it refuses (with its code), is away for long, or does not
            answer in time.
        """
        connection = await self._connected()
        return await connection.request(op, arguments)

    def close(self) -> None:
        """Ask nothing more."""
        self._is_closed = True
        if self._connection is not None:
            self._connection.close()

    async def _connected(self) -> LauncherConnection:
        deadline = self._clock.seconds() + CONNECT_SECONDS
        while True:
            if self._is_closed:
                raise ConsoleError("The hub stops.", "stopping")
            if self._connection is not None and self._connection.is_open:
                return self._connection
            connection = LauncherConnection(self._clock)
            try:
                self._connect(connection)
            except OSError as error:
                if self._clock.seconds() >= deadline:
                    raise ConsoleError(f"The launcher does not answer: {error}.", "no_launcher") from None
                pause: Deferred[None] = Deferred()
                self._clock.callLater(RETRY_SECONDS, pause.callback, None)
                await pause
            else:
                self._connection = connection


class LauncherConnection(protocol.Protocol):
    """One connection to the launcher."""

    transport: Transport  # type: ignore[assignment]

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._decoder = frames.Decoder()
        self._waiting: dict[int, tuple[Deferred[dict[str, Any]], DelayedCall]] = {}
        self._next_id = 0
        self.is_open = True

    def request(self, op: str, arguments: dict[str, Any]) -> Deferred[dict[str, Any]]:
        """Ask."""
        self._next_id += 1
        number = self._next_id
        answer: Deferred[dict[str, Any]] = Deferred()
        timer = self._clock.callLater(REQUEST_SECONDS, self._timed_out, number, op)
        self._waiting[number] = (answer, timer)
        body = msgspec.json.encode({"id": number, "op": op, **arguments})
        self.transport.write(frames.encode(frames.REQUEST, frames.CONSOLE, body))
        return answer

    def close(self) -> None:
        """Break the connection."""
        if self.is_open:
            self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """Take replies."""
        try:
            for frame in self._decoder.feed(data):
                if frame.type == frames.REPLY:
                    self._reply(frame.payload)
        except (frames.FrameError, msgspec.MsgspecError, RecursionError):
            self.close()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """Fail what was asked."""
        self.is_open = False
        waiting, self._waiting = self._waiting, {}
        for answer, timer in waiting.values():
            timer.cancel()
            answer.errback(ConsoleError("The launcher broke off; try again.", "no_launcher"))

    def _reply(self, payload: bytes) -> None:
        reply = _decode_reply(payload)
        answer, timer = self._waiting.pop(reply.id, (None, None))
        if answer is None or timer is None:
            return
        timer.cancel()
        if reply.ok:
            answer.callback(frames.parse_json(payload))
        else:
            error = _ERRORS.get(reply.code, ConsoleError)
            answer.errback(error(reply.error or "The launcher refused.", reply.code))

    def _timed_out(self, number: int, op: str) -> None:
        answer, _ = self._waiting.pop(number)
        message = f"The launcher did not answer {op} in {REQUEST_SECONDS:.0f} s."
        answer.errback(ConsoleError(message, "timeout"))
