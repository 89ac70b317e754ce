"""The hub's end of the socket to a console's host.

Frames from the host are decoded within limits and checked before anything else sees them: a
host parses hostile bytes, so what it says may harm its own console and nothing more.

Invariant: after the first thing that is not the protocol the link is closed and its owner
hears of nothing but the loss.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import msgspec
from twisted.internet import protocol
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import ConsoleError
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.cursors import Keyframe
from termhub.hub.host_messages import HostEvent, HostHello, HostReply
from termhub.hub.writing import write_now

if TYPE_CHECKING:
    from termhub.hub.views import Views

HELLO_SECONDS = 10.0
"""A host that has not said HELLO by then is given up."""

REQUEST_SECONDS = 30.0
"""A request that is not answered by then fails."""

MAX_KEYFRAME_BYTES = 32 * 1024 * 1024
ACK_BYTES = 64 * 1024
"""Output is acknowledged to the host in steps of this many bytes; it allows 1 MiB."""


class Link(Protocol):
    """What a console does with its link."""

    def send(self, data: bytes) -> None:
        """Send whole frames."""

    def request(
        self, op: str, window: int, arguments: dict[str, Any], decode: Callable[[bytes], Any] | None = None
    ) -> Deferred[Any]:
        """Ask the host; the Deferred fails with ConsoleError when it refuses."""

    def request_keyframe(self, window: int, scrollback: int | None) -> Deferred[Keyframe]:
        """Ask for a keyframe with so many lines of history; None: all."""

    def close(self, reason: str) -> None:
        """Break the link; its owner hears of the loss."""


class Transport(Protocol):
    """What a link needs of its socket."""

    def write(self, data: bytes) -> None:
        """Send, or hold until it can be sent."""

    def abortConnection(self) -> None:
        """Close at once."""


class LinkOwner(Protocol):
    """Who hears what a host says; the console."""

    views: Views

    def linked(self, link: Link, hello: HostHello) -> None:
        """There is a link, and the host has said HELLO."""

    def unlinked(self, reason: str) -> None:
        """The link is gone."""

    def host_output(self, window: int, offset: int, data: bytes) -> None:
        """Output of a window."""

    def host_accepted(self, window: int, viewer: int, sequence: int) -> None:
        """Input was written."""

    def host_resized(self, window: int, cols: int, rows: int) -> None:
        """The size changed; a keyframe follows."""

    def host_redrawn(self, window: int, keyframe: Keyframe) -> None:
        """A keyframe that no request asked for."""

    def host_event(self, window: int, event: HostEvent) -> None:
        """Something happened."""

    def host_stream(self, kind: int, payload: bytes) -> None:
        """A STREAM or CREDIT frame; raises FrameError when it says more than it may."""


@attrs.define
class _Request:
    deferred: Deferred[Any]
    decode: Callable[[bytes], Any] | None
    keyframe_of: int | None = None
    timeout: DelayedCall | None = None

    def answer(self, result: Any) -> None:
        """Give whoever asked the result."""
        if self.timeout is not None and self.timeout.active():
            self.timeout.cancel()
        if not self.deferred.called:
            self.deferred.callback(result)

    def refuse(self, error: ConsoleError) -> None:
        """Give whoever asked an error."""
        if self.timeout is not None and self.timeout.active():
            self.timeout.cancel()
        if not self.deferred.called:
            self.deferred.errback(error)


@attrs.define
class _Drawing:
    """A keyframe that is coming in, perhaps in several frames."""

    request: _Request | None
    pieces: list[bytes] = attrs.field(factory=list)
    size: int = 0
    head: tuple[int, int, int] | None = None


_BROKEN = (frames.FrameError, struct.error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_decode_hello = msgspec.json.Decoder(HostHello).decode
_decode_event = msgspec.json.Decoder(HostEvent).decode
_decode_reply = msgspec.json.Decoder(HostReply).decode
_HELLO = frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": frames.VERSION})
_unpack_offset = struct.Struct(">Q").unpack_from
_unpack_accepted = struct.Struct(">QQ").unpack


class HostLink(protocol.Protocol):
    """One connection to a host.

    :param console: the id the host must have.
    :param owner: hears what it says.
    :param clock: for time-outs.
    """

    transport: Transport  # type: ignore[assignment]

    def __init__(self, console: str, owner: LinkOwner, clock: Clock) -> None:
        self._console = console
        self._owner = owner
        self._clock = clock
        self._decoder = frames.Decoder()
        self._is_greeted = False
        self._is_closed = False
        self._is_deaf = False
        self._why = ""
        self._next_id = 0
        self._requests: dict[int, _Request] = {}
        self._drawings: dict[int, _Drawing] = {}
        self._unacknowledged: dict[int, int] = {}
        self._timeout: DelayedCall | None = None
        self.lost: Deferred[str] = Deferred()

    # -- Twisted -----------------------------------------------------------------

    def connectionMade(self) -> None:
        """Greet."""
        self._timeout = self._clock.callLater(HELLO_SECONDS, self.close, "the host did not say HELLO")
        self.send(_HELLO)

    def dataReceived(self, data: bytes) -> None:
        """Take what the host sends."""
        owner = self._owner
        try:
            for kind, window, payload in self._decoder.feed(data):
                if self._is_closed:
                    return
                if kind == frames.OUTPUT and self._is_greeted:
                    (offset,) = _unpack_offset(payload)
                    owner.host_output(window, offset, payload[8:])
                    received = self._unacknowledged.get(window, 0) + len(payload)
                    if received >= ACK_BYTES:
                        self.send(frames.ack(window, offset + len(payload) - 8))
                        received = 0
                    self._unacknowledged[window] = received
                elif kind == frames.ACCEPTED and self._is_greeted:
                    owner.host_accepted(window, *_unpack_accepted(payload))
                else:
                    self._other(kind, window, payload)
        except _BROKEN as error:
            self.close(f"the host broke the protocol: {error}")

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """The host is gone."""
        self._finish(self._why or reason.getErrorMessage())

    # -- what the console does ---------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send whole frames."""
        # A host that has closed its end may have said more than is read yet: its last output, and
        # why the console ended.  The end of that is the end of the link.
        if not (self._is_closed or self._is_deaf):
            self._is_deaf = not write_now(self.transport, data)

    def request(
        self, op: str, window: int, arguments: dict[str, Any], decode: Callable[[bytes], Any] | None = None
    ) -> Deferred[Any]:
        """Ask the host.

        :param decode: turns the REPLY's payload into the result; None: no result.
        :returns: fails with ConsoleError when the host refuses, does not answer or is gone.
        """
        return self._ask(op, window, arguments, _Request(Deferred(), decode))

    def request_keyframe(self, window: int, scrollback: int | None) -> Deferred[Keyframe]:
        """Ask for a keyframe with so many lines of history; None: all."""
        arguments = {"scrollback": scrollback}
        return self._ask("keyframe", window, arguments, _Request(Deferred(), None, window))

    def close(self, reason: str) -> None:
        """Break the link; its owner hears of the loss."""
        self._why = self._why or reason
        self.transport.abortConnection()
        self._finish(self._why)

    # -- details -----------------------------------------------------------------

    def _ask(self, op: str, window: int, arguments: dict[str, Any], request: _Request) -> Deferred[Any]:
        deferred = request.deferred
        if self._is_closed:
            deferred.errback(ConsoleError("The console's host is gone.", "recovering"))
            return deferred
        self._next_id += 1
        number = self._next_id
        self._requests[number] = request
        request.timeout = self._clock.callLater(REQUEST_SECONDS, self._timed_out, number, op)
        body = {"id": number, "op": op, **arguments}
        if window != frames.CONSOLE:
            body["window"] = window
        self.send(frames.encode(frames.REQUEST, window, msgspec.json.encode(body)))
        return deferred

    def _timed_out(self, number: int, op: str) -> None:
        # It stays known, so that a late keyframe is not taken for one that nobody asked for.
        request = self._requests.get(number)
        if request is not None:
            message = f"The console did not answer {op} in {REQUEST_SECONDS:.0f} s."
            request.refuse(ConsoleError(message, "timeout"))

    def _other(self, kind: int, window: int, payload: bytes) -> None:
        if not self._is_greeted:
            if kind != frames.HELLO:
                raise frames.FrameError(f"{frames.NAMES[kind]} before HELLO")
            self._greet(_decode_hello(payload))
        elif kind == frames.REPLY:
            self._reply(payload)
        elif kind == frames.KEYFRAME:
            self._keyframe(window, payload)
        elif kind == frames.RESIZE:
            self._owner.host_resized(window, *frames.parse_resize(payload))
        elif kind == frames.ROWS:
            self._owner.views.drawing_came(window, payload)
        elif kind == frames.EVENT:
            self._owner.host_event(window, _decode_event(payload))
        elif kind in (frames.STREAM, frames.CREDIT):
            self._owner.host_stream(kind, payload)
        else:
            raise frames.FrameError(f"{frames.NAMES[kind]} is not a host's to send")

    def _greet(self, hello: HostHello) -> None:
        if hello.version != frames.VERSION:
            raise frames.FrameError(f"version {hello.version}")
        if hello.console != self._console:
            raise frames.FrameError(f"it is the host of {hello.console}")
        self._is_greeted = True
        self._stop_timeout()
        self._owner.linked(self, hello)

    def _reply(self, payload: bytes) -> None:
        reply = _decode_reply(payload)
        request = self._requests.pop(reply.id, None)
        if request is None:
            return
        if not reply.ok:
            request.refuse(ConsoleError(reply.error or "The console refused.", reply.code))
        elif request.keyframe_of is not None:
            self._drawings[request.keyframe_of] = _Drawing(request)
        elif request.decode is None:
            request.answer(None)
        else:
            try:
                result = request.decode(payload)
            except msgspec.MsgspecError:
                request.refuse(ConsoleError("The console's answer makes no sense."))
                raise
            request.answer(result)

    def _keyframe(self, window: int, payload: bytes) -> None:
        drawing = self._drawings.get(window)
        if drawing is None:
            drawing = self._drawings[window] = _Drawing(None)
        offset, cols, rows, _ = frames.parse_keyframe(payload)
        drawing.head = drawing.head or (offset, cols, rows)
        drawing.size += len(payload)
        if drawing.size > MAX_KEYFRAME_BYTES:
            raise frames.FrameError(f"a keyframe of more than {MAX_KEYFRAME_BYTES} bytes")
        drawing.pieces.append(frames.encode(frames.KEYFRAME, window, payload))
        if frames.keyframe_continues(payload):
            return
        del self._drawings[window]
        keyframe = Keyframe(*drawing.head, b"".join(drawing.pieces))
        if drawing.request is not None:
            drawing.request.answer(keyframe)
        else:
            self._owner.host_redrawn(window, keyframe)

    def _stop_timeout(self) -> None:
        if self._timeout is not None and self._timeout.active():
            self._timeout.cancel()
        self._timeout = None

    def _finish(self, reason: str) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._stop_timeout()
        waiting = [*self._requests.values(), *(d.request for d in self._drawings.values() if d.request)]
        self._requests.clear()
        self._drawings.clear()
        for request in waiting:
            request.refuse(ConsoleError("The console's host is gone.", "recovering"))
        if self._is_greeted:
            self._owner.unlinked(reason)
        self.lost.callback(reason)
