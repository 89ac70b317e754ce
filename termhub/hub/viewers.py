"""Attached clients: what they send is checked and acted on here, what they see comes from cursors.

A :class:`Viewer` knows no transport. A gateway hands it decoded frames and gives it a
:class:`Client` to send bytes to. Output goes through :mod:`.cursors`; everything else that
is sent either answers something the client sent, or is an event, of which at most one of a
kind waits while the client is behind. So a client that does not read costs a bounded amount.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import msgspec
from msgspec import Meta, Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import BadRequest, NotAllowed, TermhubError
from termhub.hub.cursors import Cursor
from termhub.hub.host_messages import MAX_WINDOWS, Cols, Offset, Rows, Text, WindowNumber
from termhub.hub.input import PAUSE_BYTES, RESUME_BYTES, InputStream
from termhub.hub.pace import Pace
from termhub.hub.sizes import Policy, Size
from termhub.store import Role

if TYPE_CHECKING:
    from termhub.hub.console import Console

CLOSE_NORMAL = 1000
CLOSE_PROTOCOL = 1002
CLOSE_POLICY = 1008
CLOSE_RESTART = 1012
CLOSE_DETACHED = 4001
CLOSE_NO_CONSOLE = 4004

MAX_REQUESTS = 32
"""Requests of one client that may be unanswered at a time."""

FIND_CHARACTERS = 1000
"""The longest text that a client can look for."""

Line = Annotated[int, Meta(ge=0, lt=1 << 31)]
_log = Logger()


class Client(Protocol):
    """The transport of one viewer, as a gateway provides it."""

    def send(self, data: bytes) -> None:
        """Send whole frames, in order; the same object may go to many clients."""

    def close(self, code: int, reason: str) -> None:
        """Say why, and close."""

    def pause_input(self) -> None:
        """Read no more from the client until :meth:`resume_input`."""

    def resume_input(self) -> None:
        """Read from the client again."""


class ClientHello(Struct):
    """A client's first frame."""

    version: int
    viewer: Annotated[str, Meta(pattern="^[0-9a-f]{1,16}$")]
    cols: Cols | None = None
    rows: Rows | None = None
    windows: Annotated[dict[str, Offset | None], Meta(max_length=MAX_WINDOWS)] = msgspec.field(
        default_factory=lambda: {"0": None}
    )


class ClientRequest(Struct):
    """Any request of a client; fields that its ``op`` does not have are left out."""

    id: Annotated[int, Meta(ge=0, lt=1 << 53)]
    op: Annotated[str, Meta(max_length=32)]
    window: WindowNumber | None = None
    since: Offset | None = None
    scrollback: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    program: Annotated[str, Meta(max_length=200)] | None = None
    argv: Annotated[list[Text], Meta(min_length=1, max_length=256)] | None = None
    cols: Cols | None = None
    rows: Rows | None = None
    signal: Annotated[str, Meta(max_length=16)] = ""
    policy: Policy | None = None
    t: float | int | None = None
    back: Line | None = None
    text: Annotated[str, Meta(max_length=FIND_CHARACTERS)] = ""
    line: Line = 0
    forward: bool = True
    start: tuple[Line, Line] | None = msgspec.field(name="from", default=None)
    end: tuple[Line, Line] | None = msgspec.field(name="to", default=None)


_decode_request = msgspec.json.Decoder(ClientRequest).decode


def parse_hello(hello: object) -> ClientHello:
    """A client's HELLO.

    :raises BadRequest: when it is not one, or of another version.
    """
    try:
        parsed = msgspec.convert(hello, ClientHello)
        wanted = [int(number) for number in parsed.windows]
    except (msgspec.ValidationError, ValueError) as error:
        raise BadRequest(f"HELLO: {error}.", "bad_hello") from None
    if parsed.version != frames.VERSION:
        raise BadRequest(f"Version {parsed.version} is not served; {frames.VERSION} is.", "bad_version")
    if not all(0 <= number < frames.CONSOLE for number in wanted):
        raise BadRequest("HELLO: a window has a number from 0 to 65534.", "bad_hello")
    return parsed


def viewer_key(user: int, number: int) -> int:
    """What the agent knows a viewer by: nobody can speak in another user's sequence."""
    return int.from_bytes(blake2b(b"%d:%d" % (user, number), digest_size=8).digest(), "big")


class Viewer:
    """One attached client.

    Made by :meth:`Console.attach`. After HELLO the gateway passes every frame to
    :meth:`receive`, and calls :meth:`detach` when the transport is gone.

    :param number: the random number that the client chose.
    :param user: the number of the user.
    """

    def __init__(self, console: Console, client: Client, user: int, role: Role, number: int) -> None:
        self.console = console
        self.role: Role = role
        self.user = user
        self.number = number
        self.key = viewer_key(user, number)
        self.paused = False
        self.is_attached = True
        self._is_greeted = False
        self.area: Size | None = None
        self._client = client
        self._clock = console.clock
        self._pace = Pace()
        self._cursors: dict[int, Cursor] = {}
        self._inputs: dict[int, InputStream] = {}
        self._pending: dict[tuple[int, str], bytes] = {}
        self._requests = 0

    @property
    def can_write(self) -> bool:
        """Whether its input counts."""
        return self.role != "observer"

    @property
    def is_behind(self) -> bool:
        """Whether it has yet to read what it was sent."""
        pace = self._pace
        if self.console.views.is_behind(self):
            return True
        if pace.in_flight == 0:
            return False
        return pace.room <= 0 or any(cursor.is_skipping for cursor in self._cursors.values())

    @property
    def window_numbers(self) -> list[int]:
        """The windows it watches, raw or drawn."""
        return list({*self._cursors, *self.console.views.windows_of(self)})

    # -- from the client ---------------------------------------------------------

    def receive(self, frame: frames.Frame) -> None:
        """Act on a frame of the client; what is not the protocol closes it with 1002."""
        if not self.is_attached:
            return
        kind, window, payload = frame
        try:
            if kind == frames.INPUT:
                self._input(window, payload)
            elif kind == frames.ACK:
                self._ack(window, frames.parse_ack(payload))
            elif kind == frames.RESIZE:
                self._resize(Size(*frames.parse_resize(payload)), window)
            elif kind == frames.REQUEST:
                self._request(payload)
            elif kind == frames.ROWS:
                self.console.views.ready(self, payload)
                self._tell_pending()
            else:
                raise frames.FrameError(f"{frames.NAMES[kind]} is not a client's to send")
        except frames.FrameError as error:
            self.close(CLOSE_PROTOCOL, str(error))
        except NotAllowed as error:
            self.close(CLOSE_POLICY, error.message)

    def detach(self, reason: str = "") -> None:
        """The transport is gone, or is to be forgotten."""
        if not self.is_attached:
            return
        self.is_attached = False
        self._is_greeted = False
        for cursor in list(self._cursors.values()):
            cursor.close()
        self._cursors.clear()
        self._pending.clear()
        _log.debug("Viewer of {console} left: {why}", console=self.console.id, why=reason)
        self.console.viewer_left(self)

    def close(self, code: int, reason: str) -> None:
        """End the connection and say why."""
        if self.is_attached:
            self.detach(reason)
            self._client.close(code, reason)

    def _input(self, window: int, payload: bytes) -> None:
        number, sequence, data = frames.parse_input(payload)
        if number != self.number:
            raise frames.FrameError("INPUT of another viewer")
        if not self.can_write:
            raise NotAllowed("You may look at this console, not type into it.")
        stream = self._inputs.get(window)
        if stream is None:
            stream = self.console.input_stream(self, window)
            if stream is None:
                return
            self._inputs[window] = stream
        if not stream.receive(sequence, data):
            self._client.send(frames.accepted(window, number, stream.accepted))
        elif not self.paused and stream.held_bytes > PAUSE_BYTES:
            self.paused = True
            self._client.pause_input()
        self.console.used(self, window)

    def _ack(self, window: int, offset: int) -> None:
        cursor = self._cursors.get(window)
        if cursor is None:
            return
        cursor.acknowledged(offset, self._clock.seconds())
        self._tell_pending()

    def _tell_pending(self) -> None:
        if self._pending and not self.is_behind:
            pending = list(self._pending.values())
            self._pending.clear()
            self._client.send(b"".join(pending))

    def _resize(self, size: Size, window: int) -> None:
        self.area = size
        self.console.area_changed(self, self.window_numbers if window == frames.CONSOLE else (window,))

    # -- to the client -----------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send whole frames that the client asked for."""
        if self.is_attached:
            self._client.send(data)

    def greet(self, windows: list[dict[str, Any]]) -> None:
        """Send the hub's HELLO, the first thing the client hears.

        :param windows: the windows there are, described.
        """
        body = {
            "version": frames.VERSION,
            "console": self.console.describe(),
            "role": self.role,
            "windows": windows,
            "policy": self.console.policy,
        }
        self.send(_encode(frames.HELLO, body))
        self._is_greeted = self.is_attached

    def tell(self, window: int, kind: str, frame: bytes) -> None:
        """Send an event; while the client is behind only the last of each kind is kept."""
        if not self._is_greeted:
            return
        self._pending.pop((window, kind), None)
        self._pending[window, kind] = frame
        self._tell_pending()

    def input_accepted(self, window: int, stream: InputStream) -> None:
        """Pass on that input was written."""
        self._client.send(frames.accepted(window, self.number, stream.accepted))
        self._resume_input()

    def _resume_input(self) -> None:
        if self.paused and all(other.held_bytes <= RESUME_BYTES for other in self._inputs.values()):
            self.paused = False
            self._client.resume_input()

    def watch(self, window: int, since: int | None) -> None:
        """Show a window from now on.

        :raises BadRequest: when there is no such window.
        """
        watched = self.console.window(window)
        old = self._cursors.pop(window, None)
        if old is not None:
            old.close()
        cursor = Cursor(watched, self._pace, self._client.send, self._clock, since)
        self._cursors[window] = cursor
        watched.add(cursor)

    def unwatch(self, window: int) -> None:
        """Show a window no longer."""
        cursor = self._cursors.pop(window, None)
        if cursor is not None:
            cursor.close()

    def window_closed(self, window: int) -> None:
        """A window is gone."""
        self.unwatch(window)
        self._inputs.pop(window, None)
        self._resume_input()

    # -- requests ----------------------------------------------------------------

    def _request(self, payload: bytes) -> None:
        try:
            request = _decode_request(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            number = frames.parse_json(payload).get("id")
            if not isinstance(number, int):
                raise frames.FrameError(f"REQUEST: {error}") from None
            self._refuse(number, BadRequest(f"REQUEST: {error}."))
            return
        if self._requests >= MAX_REQUESTS:
            self._refuse(request.id, BadRequest("Too many requests at a time.", "too_many"))
            return
        handler = _OPS.get(request.op)
        if handler is None:
            self._refuse(request.id, BadRequest(f"There is no request {request.op!r}.", "unknown_op"))
            return
        self._requests += 1
        serving = Deferred.fromCoroutine(self._serve(handler, request))
        serving.addErrback(self._failed, request)

    async def _serve(self, handler: _Handler, request: ClientRequest) -> None:
        try:
            result = await handler(self, request)
            if result is not None:
                self.reply(request.id, result)
        except TermhubError as error:
            self._refuse(request.id, error)
        finally:
            self._requests -= 1

    def _failed(self, failure: Failure, request: ClientRequest) -> None:
        _log.failure("Request {op} of {console} failed", failure, op=request.op, console=self.console.id)
        self._refuse(request.id, TermhubError("Something went wrong here; the log says what."))

    def reply(self, number: int, result: dict[str, Any]) -> None:
        """Answer a request."""
        self.send(_encode(frames.REPLY, {"id": number, "ok": True, **result}))

    def _refuse(self, number: int, error: TermhubError) -> None:
        body = {"id": number, "ok": False, "code": error.code, "error": error.message}
        self.send(_encode(frames.REPLY, body))

    def _check_writer(self) -> None:
        if not self.can_write:
            raise NotAllowed("You may look at this console, not change it.")

    async def _op_ping(self, request: ClientRequest) -> dict[str, Any]:
        return {"t": request.t}

    async def _op_subscribe(self, request: ClientRequest) -> None:
        window = request.window or 0
        self.console.window(window)
        self.reply(request.id, {})
        self.watch(window, request.since)
        self.console.area_changed(self, (window,))

    async def _op_unsubscribe(self, request: ClientRequest) -> dict[str, Any]:
        self.unwatch(request.window or 0)
        self._looks_away(request.window or 0)
        return {}

    def _looks_away(self, window: int) -> None:
        if window not in self.window_numbers:
            self.console.area_removed(self, window)
        self._tell_pending()

    async def _op_keyframe(self, request: ClientRequest) -> None:
        window = request.window or 0
        cursor = self._cursors.get(window)
        if cursor is None:
            raise BadRequest(f"Window {window} is not subscribed.", "not_subscribed")
        keyframe = await self.console.keyframe(window, request.scrollback)
        self.reply(request.id, {"offset": keyframe.offset})
        if self._cursors.get(window) is cursor:
            cursor.draw(keyframe, self._clock.seconds())

    async def _op_open(self, request: ClientRequest) -> dict[str, Any]:
        self._check_writer()
        size = self.area or Size(80, 24)
        window = await self.console.open_window(
            program=request.program,
            argv=request.argv,
            cols=request.cols or size.cols,
            rows=request.rows or size.rows,
            window=request.window,
        )
        return {"window": window}

    async def _op_close(self, request: ClientRequest) -> dict[str, Any]:
        self._check_writer()
        if request.window is None:
            raise BadRequest("close needs a window.")
        await self.console.close_window(request.window)
        return {}

    async def _op_signal(self, request: ClientRequest) -> dict[str, Any]:
        self._check_writer()
        await self.console.signal(request.signal, request.window or 0)
        return {}

    async def _op_policy(self, request: ClientRequest) -> dict[str, Any]:
        self._check_writer()
        if request.policy is None:
            raise BadRequest("policy needs a policy.")
        size = Size(request.cols, request.rows) if request.cols and request.rows else None
        self.console.set_policy(request.policy, size)
        return {}

    async def _op_view(self, request: ClientRequest) -> None:
        if request.cols is None or request.rows is None:
            raise BadRequest("view needs columns and rows.")
        window = request.window or 0
        views = self.console.views
        history = await views.view(self, window, request.cols, request.rows, request.back or 0)
        self.reply(request.id, {"history": history})
        views.show(self, window)

    async def _op_unview(self, request: ClientRequest) -> dict[str, Any]:
        window = request.window or 0
        self.console.views.unview(self, window)
        self._looks_away(window)
        return {}

    async def _op_find(self, request: ClientRequest) -> dict[str, Any]:
        window = request.window or 0
        return await self.console.views.find(self, window, request.text, request.line, request.forward)

    async def _op_copy(self, request: ClientRequest) -> dict[str, Any]:
        if request.start is None or request.end is None:
            raise BadRequest("copy needs the places to copy from and to.")
        return await self.console.views.copy(self, request.window or 0, request.start, request.end)

    async def _op_detach_others(self, request: ClientRequest) -> dict[str, Any]:
        self._check_writer()
        for other in list(self.console.viewers.values()):
            if other is not self:
                other.close(CLOSE_DETACHED, "detached by another viewer")
        return {}


_Handler = Callable[[Viewer, ClientRequest], Awaitable[dict[str, Any] | None]]

_OPS: dict[str, _Handler] = {
    "ping": Viewer._op_ping,
    "subscribe": Viewer._op_subscribe,
    "unsubscribe": Viewer._op_unsubscribe,
    "keyframe": Viewer._op_keyframe,
    "open": Viewer._op_open,
    "close": Viewer._op_close,
    "signal": Viewer._op_signal,
    "policy": Viewer._op_policy,
    "view": Viewer._op_view,
    "unview": Viewer._op_unview,
    "find": Viewer._op_find,
    "copy": Viewer._op_copy,
    "detach_others": Viewer._op_detach_others,
}


def _encode(kind: int, value: dict[str, Any]) -> bytes:
    return frames.encode(kind, frames.CONSOLE, msgspec.json.encode(value))
