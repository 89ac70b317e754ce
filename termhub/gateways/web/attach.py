"""The WebSocket at which a client attaches to a console.

Autobahn does the handshake, the framing of what comes in, and the pings; this adds what
the stream protocol wants (``docs/protocol.md``, *Hub and client*) and hands whole frames
to the hub's viewer.  Who may attach is decided before the handshake; a client that may
not is told by a close code, because a browser's script cannot see an HTTP status here.

Invariants: whatever a client sends, it gets a close code with a reason and the hub goes
on, and others wait little for it; a client that does not read is never owed more than
:data:`MAX_UNSENT` bytes.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.interfaces import IAddress, IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from sandbox.guest import frames
from termhub.accounts import Credentials
from termhub.errors import BadRequest, TermhubError
from termhub.hub.writing import write_now
from termhub.store import Role, User

from ..attached import LOOK, NOT_ALLOWED, USE, Attached
from ..connections import Place
from ..tcp import tcp_connection
from .messages import message_head, usual_messages, whole_frames
from .problems import refusal
from .responses import last_response
from .services import Console, Viewer
from .turns import Turns

SUBPROTOCOL = "termhub.v1"

MAX_MESSAGE = frames.MAX_PAYLOAD + frames.HEADER.size
"""Largest message of a client, in bytes: the largest frame."""

MAX_FRAGMENTS = 1024
"""Most WebSocket frames in one message of a client."""

MAX_UNSENT = 16 << 20
"""Bytes owed to a client that does not read; with more the connection is given up."""

MAX_UNSENT_TO_ALL = 256 << 20
FAIR_UNSENT = 1 << 20
"""Bytes owed to all of them together; with more, one that is owed more than its share is given up."""

HELLO_SECONDS = 10.0
PING_SECONDS = 20.0
PONG_SECONDS = 10.0
CLOSE_SECONDS = 2.0
"""How long a client has to say hello, to answer a ping, and to agree to a close."""

NOTSENT_LOWAT = 16 << 10
"""Bytes the kernel takes ahead of what it can send; more would only delay what is urgent."""

PROTOCOL_ERROR = 1002
DEFECT = 1011
UNSHARED = 4003
NO_SUCH_CONSOLE = 4004

READ_BYTES = 8 << 10
"""Bytes of a client that are looked at in one turn of the reactor."""

_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
_CLOSE_REASON_BYTES = 123

_log = Logger()


@attrs.frozen
class Admission:
    """What was decided about a client: whose viewer of which console, or why not.

    ``role`` says what the user may do there at the time it is asked; None: nothing any more.
    ``may_write`` is whether their credentials are good for more than to look.
    ``address`` is where the client comes from.
    """

    user: User | None = None
    credentials: Credentials | None = None
    console: Console | None = None
    role: Callable[[], Role | None] = lambda: None
    may_write: bool = True
    close_code: int = NOT_ALLOWED
    reason: str = ""
    address: str = ""


class _ClientFaults:
    """Autobahn's log: what a client does wrong is no warning about the hub."""

    def debug(self, *_: object, **__: object) -> None:
        """Say nothing of what is usual."""

    def info(self, format: str, **values: object) -> None:
        """Tell who debugs."""
        _log.debug(format, **values)

    warn = info

    def error(self, format: str, **values: object) -> None:
        """Tell everybody."""
        _log.error(format, **values)


@implementer(IPushProducer)
class AttachProtocol(WebSocketServerProtocol):
    """One connection; a :class:`~termhub.hub.viewers.Client` of the hub."""

    admission = Admission()
    places: Sequence[Place] = ()
    log = _ClientFaults()
    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self._viewer: Viewer | None = None
        self._is_leaving = False
        self._is_lost = False
        self._is_backed_up = False
        self._goodbye: tuple[int, bytes] | None = None
        self._input_is_paused = False
        self._output_is_paused = False
        self._unsent = 0
        self._untaken: deque[frames.Frame | frames.FrameError] = deque()
        self._timer: Any = None

    # -- the hub's side -----------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Send one or more whole frames as one message."""
        if self._is_leaving:
            return
        message = message_head(len(data)) + data
        if not write_now(self.transport, message):
            self.transport.write(message)  # finds out that the connection is lost, also while nothing is read
        if self._output_is_paused:
            self._owe(len(data))
            is_greedy = self.factory.unsent > MAX_UNSENT_TO_ALL and self._unsent > FAIR_UNSENT
            if self._unsent > MAX_UNSENT or is_greedy:
                _log.info("{peer} does not read what it is sent; giving it up", peer=self.peer)
                self._is_leaving = True
                self._untaken.clear()
                self.transport.abortConnection()

    def _owe(self, size: int) -> None:
        self._unsent += size
        self.factory.unsent += size

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; nothing is sent or taken after it."""
        self._untaken.clear()
        if self._is_leaving:
            return
        self._is_leaving = True
        self._cancel_timer()
        text = reason.encode()[:_CLOSE_REASON_BYTES].decode("utf-8", "ignore").encode()
        self.sendCloseFrame(code=code, reasonUtf8=text)
        # The answer to the close frame must be read.
        self._input_is_paused = False
        self._read_or_not()

    def pause_input(self) -> None:
        """Read nothing from the client until :meth:`resume_input`."""
        self._input_is_paused = True
        self._read_or_not()

    def resume_input(self) -> None:
        """Read on."""
        self._input_is_paused = False
        self._read_or_not()

    # -- the transport's side -----------------------------------------------------

    def pauseProducing(self) -> None:
        """The client does not read: take no requests that would owe it more."""
        # The transport says so again at every write.
        if not self._output_is_paused:
            self._output_is_paused = True
            self._read_or_not()

    def resumeProducing(self) -> None:
        """The client has read nearly all."""
        self._output_is_paused = False
        self._owe(-self._unsent)
        self._read_or_not()

    def stopProducing(self) -> None:
        """The transport is gone; :meth:`connectionLost` follows."""

    def _read_or_not(self) -> None:
        is_paused = self._input_is_paused or bool(self._untaken)
        if is_paused or (self._output_is_paused and not self._is_leaving):
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def connectionMade(self) -> None:
        """Take the connection over from HTTP."""
        # The HTTP channel is still registered as the transport's producer.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        connection = tcp_connection(self.transport)
        connection.bufferSize = READ_BYTES
        handle = connection.getHandle()
        if isinstance(handle, socket.socket) and handle.family != socket.AF_UNIX:
            handle.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, NOTSENT_LOWAT)
        super().connectionMade()
        self.peer = self.admission.address

    def dataReceived(self, data: bytes) -> None:
        """Take what the client sent, the usual messages past autobahn."""
        if self.state == self.STATE_OPEN and self._is_between_messages():
            messages, rest = usual_messages(data)
            for message in messages:
                self._take(message)
            if messages and self.autoPingTimeoutCall:
                self._cancelAutoPingTimeoutCall()
            data = data[rest:]
        if data:
            self._dataReceived(data)
        if self._untaken:
            self.factory.turns.take(self)
            self._keep_pace()

    def _is_between_messages(self) -> bool:
        return self.current_frame is None and not self.data and not self.inside_message

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Let the viewer go, when all that came is acted on."""
        self._is_leaving = self._is_lost = True
        self._owe(-self._unsent)
        self.factory.attached.discard(self)
        for place in self.places:
            place.free()
        self._cancel_timer()
        super().connectionLost(reason)
        if self.closeHandshakeTimeoutCall is not None:
            self.closeHandshakeTimeoutCall.cancel()
            self.closeHandshakeTimeoutCall = None
        if not self._untaken:
            self._detach()

    def _detach(self) -> None:
        viewer, self._viewer = self._viewer, None
        if viewer is not None:
            viewer.detach("the connection is gone")

    def _closeConnection(self, abort: bool = False) -> None:
        # Autobahn would abort at times, and with it throw away the close frame that says why.
        # A client that does not read must not keep the socket open for ever, though.
        self.transport.loseConnection()
        self._start_timer(CLOSE_SECONDS, self.transport.abortConnection)

    def _start_timer(self, seconds: float, function: Any, *arguments: Any) -> None:
        self._cancel_timer()
        self._timer = self.factory.reactor.callLater(seconds, function, *arguments)

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    # -- autobahn's side ----------------------------------------------------------

    def onConnect(self, request: ConnectionRequest) -> str:
        """Choose the subprotocol."""
        if SUBPROTOCOL not in request.protocols:
            raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, f"the subprotocol is {SUBPROTOCOL}")
        return SUBPROTOCOL

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        """Refuse a handshake with a problem."""
        refused = refusal(code, "bad_handshake", f"The WebSocket handshake is not usable: {reason}.")
        self.sendData(last_response(refused))

    def onOpen(self) -> None:
        """Wait for HELLO, or say why not."""
        admission = self.admission
        if admission.console is None or admission.user is None or admission.credentials is None:
            self.close(admission.close_code, admission.reason)
        else:
            needs = USE if admission.may_write else LOOK
            self.factory.attached.add(self, admission.user, admission.credentials, needs)
            self._start_timer(HELLO_SECONDS, self.close, PROTOCOL_ERROR, "no HELLO came")

    def onMessageFrame(self, payload: Any) -> None:
        """Count a message's frames, which autobahn does not."""
        if len(self.message_data) + len(payload) > MAX_FRAGMENTS:
            self.close(PROTOCOL_ERROR, "a message in too many fragments")
            self.message_data.clear()
        elif not self._is_leaving:
            super().onMessageFrame(payload)

    def onCloseFrame(self, code: int, reasonRaw: bytes) -> bool | None:
        """Answer a goodbye when what came before it is acted on."""
        if not self._untaken:
            return super().onCloseFrame(code, reasonRaw)
        self._goodbye = code, reasonRaw
        return None

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Take a message that came through autobahn."""
        if isBinary:
            self._take(payload)
        else:
            self.close(PROTOCOL_ERROR, "messages are binary")

    def _take(self, message: bytes) -> None:
        """Take a message, to be acted on in its turn."""
        if self._is_leaving:
            return
        try:
            self._untaken.extend(whole_frames(message))
        except frames.FrameError as error:
            self._untaken.append(error)  # what came before it is acted on

    def serve(self, is_over: Callable[[], bool]) -> bool:
        """Act on what the client sent, for a while; whether there is more."""
        while self._untaken:
            self._act(self._untaken.popleft())
            if is_over():
                break
        self._keep_pace()
        if not self._untaken:
            goodbye, self._goodbye = self._goodbye, None
            if self._is_lost:
                self._detach()
            elif goodbye is not None:
                super().onCloseFrame(*goodbye)
        return bool(self._untaken)

    def _keep_pace(self) -> None:
        """Read no more from the client while something of it waits."""
        if self._is_backed_up != bool(self._untaken) and not self._is_lost:
            self._is_backed_up = not self._is_backed_up
            self._read_or_not()

    def _act(self, frame: frames.Frame | frames.FrameError) -> None:
        try:
            if isinstance(frame, frames.FrameError):
                raise frame
            if self._viewer is not None:
                self._viewer.receive(frame)
            else:
                self._hello(frame)
        except frames.FrameError as error:
            self.close(PROTOCOL_ERROR, str(error))
        except BadRequest as error:
            self.close(PROTOCOL_ERROR, error.message)
        except TermhubError as error:
            self.close(NOT_ALLOWED, error.message)
        except Exception:  # noqa: BLE001 - logged; one client's trouble is not the hub's
            _log.failure("A message of {peer} failed", peer=self.peer)
            self.close(DEFECT, "the hub failed because of a defect; its log says more")

    def _hello(self, frame: frames.Frame) -> None:
        if frame.type != frames.HELLO:
            raise frames.FrameError(f"{frames.NAMES[frame.type]} came before HELLO")
        hello = frames.parse_json(frame.payload)
        if hello.get("version") != frames.VERSION:
            raise frames.FrameError(
                f"version {hello.get('version')!r} of the stream protocol; this hub speaks {frames.VERSION}"
            )
        self._cancel_timer()
        console, user = self.admission.console, self.admission.user
        assert console is not None
        assert user is not None
        role = self.admission.role()
        if not self.admission.may_write:
            hello = {**hello, "read_only": True}
        if role is None:
            self.close(UNSHARED, "no longer shared with you")
        else:
            self._viewer = console.attach(self, user, role, hello)

    def onAutoPingTimeout(self) -> None:
        """Give up a client that does not answer, unless it is us who do not read."""
        if self._input_is_paused or self._untaken:
            self.autoPingTimeoutCall = None
            self.autoPingPending = None
            self._sendAutoPing()
        else:
            super().onAutoPingTimeout()


class AttachFactory(WebSocketServerFactory):
    """Makes the connections, all with the same limits.

    :param attached: knows them while they are open.
    """

    protocol = AttachProtocol

    def __init__(self, attached: Attached, reactor: Any) -> None:
        self.attached = attached
        self.unsent = 0
        self.turns = Turns(reactor)
        super().__init__(protocols=[SUBPROTOCOL], server="termhub", reactor=reactor)
        self.setProtocolOptions(
            versions=[13],
            webStatus=False,
            serveFlashSocketPolicy=False,
            allowNullOrigin=False,
            maxFramePayloadSize=MAX_MESSAGE,
            maxMessagePayloadSize=MAX_MESSAGE,
            failByDrop=False,
            echoCloseCodeReason=False,
            openHandshakeTimeout=HELLO_SECONDS,
            closeHandshakeTimeout=CLOSE_SECONDS,
            tcpNoDelay=True,
            autoPingInterval=PING_SECONDS,
            autoPingTimeout=PONG_SECONDS,
            autoPingRestartOnAnyTraffic=True,
        )


@attrs.frozen
class _Admitting:
    """A factory whose protocols know what was decided about their client."""

    factory: AttachFactory
    admission: Admission
    places: Sequence[Place]

    def buildProtocol(self, address: IAddress) -> Any:
        protocol: Any = self.factory.buildProtocol(address)
        protocol.admission, protocol.places = self.admission, self.places
        return protocol


def attach_resource(
    factory: AttachFactory, admission: Admission, places: Sequence[Place]
) -> WebSocketResource:
    """What takes a request and its connection's places over and makes a WebSocket of it."""
    return WebSocketResource(_Admitting(factory, admission, places))
