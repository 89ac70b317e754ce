"""A WebSocket to a hub on the loop that also serves the terminal.

Connecting (names, TCP, TLS, the handshake) happens in a thread, so that the keys work
meanwhile; after it everything is on the loop.  The protocol itself is `websockets`' Sans-I/O
core.

Invariant: after :meth:`Connection.close`, or once ``on_end`` was called, nothing is called any more.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Sequence

import attrs
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from sandbox.guest.loop import Loop, Timer

from .. import __version__
from .profile import Profile

CONNECT_SECONDS = 10.0
PING_SECONDS = 5.0
SILENCE_SECONDS = 15.0
"""Without a byte for so long, in spite of pings, the connection counts as broken."""

_READ_BYTES = 256 << 10
_MAX_MESSAGE_BYTES = 4 << 20


@attrs.frozen
class End:
    """Why a connection ended or could not be made.

    :param code: the WebSocket's close code; None when it broke.
    :param status: the HTTP status of a refused handshake.
    """

    reason: str
    code: int | None = None
    status: int | None = None


class Connection:
    """One connection to a console.

    :param on_open: called when frames can be sent.
    :param on_data: called with the bytes of binary messages.
    :param on_end: called once at the end, unless :meth:`close` came before.
    :param cookie: of a guest, who has no token.
    """

    def __init__(
        self,
        loop: Loop,
        profile: Profile,
        console: str,
        on_open: Callable[[], None],
        on_data: Callable[[bytes], None],
        on_end: Callable[[End], None],
        cookie: str | None = None,
    ) -> None:
        self._loop, self._profile, self._console = loop, profile, console
        self._cookie = cookie
        self._on_open, self._on_data, self._on_end = on_open, on_data, on_end
        self._socket: socket.socket | None = None
        self._protocol: ClientProtocol | None = None
        self._unsent = bytearray()
        self._heard = 0.0
        self._pinger: Timer | None = None
        self._is_over = False
        self._outcome: socket.socket | End | None = None
        self._leftover: Sequence[object] = ()
        read, write = os.pipe2(os.O_CLOEXEC)
        self._done_fd = read
        loop.reader(read, self._connected)
        threading.Thread(target=self._connect, args=(write,), daemon=True).start()

    # -- connecting, in a thread ---------------------------------------------

    def _connect(self, done_fd: int) -> None:
        try:
            self._outcome = self._handshake()
        except InvalidStatus as error:
            status = error.response.status_code
            self._outcome = End(f"the hub refused with HTTP status {status}", status=status)
        except ssl.SSLCertVerificationError as error:
            self._outcome = End(f"its certificate is not trusted: {error.verify_message}")
        except (OSError, WebSocketException, EOFError) as error:
            self._outcome = End(str(error) or type(error).__name__)
        finally:
            os.close(done_fd)

    def _handshake(self) -> socket.socket:
        url = f"{self._profile.host.replace('http', 'ws', 1)}/api/v1/consoles/{self._console}/attach"
        uri = parse_uri(url)
        sock = socket.create_connection((uri.host, uri.port), CONNECT_SECONDS)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if uri.secure:
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=uri.host)
            protocol = ClientProtocol(
                uri, subprotocols=[Subprotocol("termhub.v1")], max_size=_MAX_MESSAGE_BYTES
            )
            request = protocol.connect()
            request.headers["User-Agent"] = f"termhub/{__version__}"
            if self._profile.token:
                request.headers["Authorization"] = f"Bearer {self._profile.token}"
            elif self._cookie:
                request.headers["Cookie"] = self._cookie
                request.headers["Origin"] = self._profile.host
            protocol.send_request(request)
            sock.sendall(b"".join(protocol.data_to_send()))
            answered: list[object] = []
            while not answered:
                data = sock.recv(_READ_BYTES)
                if data:
                    protocol.receive_data(data)
                else:
                    protocol.receive_eof()
                answered = list(protocol.events_received())
                if protocol.handshake_exc is not None:
                    raise protocol.handshake_exc
                if not data:
                    raise EOFError("the connection was closed during the handshake")
            assert isinstance(answered[0], Response)
            self._leftover = answered[1:]
            self._protocol = protocol
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
        return sock

    # -- connected -----------------------------------------------------------

    def _connected(self) -> None:
        self._loop.forget(self._done_fd)
        os.close(self._done_fd)
        outcome = self._outcome
        if self._is_over:
            if isinstance(outcome, socket.socket):
                outcome.close()
            return
        if not isinstance(outcome, socket.socket):
            self._ended(outcome or End("the connection could not be made"))
            return
        self._socket = outcome
        self._heard = self._loop.now()
        self._loop.reader(outcome.fileno(), self._read)
        self._pinger = self._loop.call_later(PING_SECONDS, self._ping)
        self._on_open()
        self._dispatch(self._leftover)
        if not self._is_over:
            self._read()  # TLS may hold bytes already that no descriptor tells of

    def _read(self) -> None:
        assert self._protocol is not None
        while self._socket is not None and not self._is_over:
            try:
                data = self._socket.recv(_READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                self._ended(End(str(error)))
                return
            self._heard = self._loop.now()
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            self._dispatch(self._protocol.events_received())
            if self._is_over:
                return
            if not data or self._protocol.close_rcvd or self._protocol.parser_exc:
                self._ended(self._why())
                return
            self._flush()
            if not isinstance(self._socket, ssl.SSLSocket):
                return

    def _dispatch(self, events: Sequence[object]) -> None:
        for event in events:
            if self._is_over:
                return
            if isinstance(event, Frame) and event.opcode in (Opcode.BINARY, Opcode.CONT):
                self._on_data(bytes(event.data))

    def _why(self) -> End:
        assert self._protocol is not None
        if self._protocol.parser_exc is not None:
            return End(f"the hub broke the protocol: {self._protocol.parser_exc}")
        close = self._protocol.close_rcvd
        if close is None:
            return End("the connection broke")
        return End(close.reason or f"the hub closed the connection ({close.code})", code=close.code)

    def send(self, data: bytes) -> None:
        """Send one binary message; it is dropped once the connection is over or the hub has closed it."""
        if self._protocol is None or self._is_over or self._protocol.state is not State.OPEN:
            return
        self._protocol.send_binary(data)
        self._flush()

    def _flush(self) -> None:
        if self._socket is None or self._protocol is None or self._is_over:
            return
        for piece in self._protocol.data_to_send():
            self._unsent += piece
        while self._unsent:
            try:
                count = self._socket.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self._loop.writer(self._socket.fileno(), self._flush)
                return
            except OSError:
                # What the hub said before it left, and why it did, is still to be read; behind
                # it reading finds the end.
                self._unsent.clear()
                break
            del self._unsent[:count]
        self._loop.writer(self._socket.fileno(), None)

    def _ping(self) -> None:
        assert self._protocol is not None
        if self._loop.now() - self._heard > SILENCE_SECONDS:
            self._ended(End("the hub does not answer"))
            return
        self._protocol.send_ping(b"")
        self._pinger = self._loop.call_later(PING_SECONDS, self._ping)
        self._flush()

    # -- the end -------------------------------------------------------------

    def _ended(self, end: End) -> None:
        if not self._is_over:
            self._release()
            self._on_end(end)

    def close(self) -> None:
        """Leave, politely where that is possible at once."""
        if self._is_over:
            return
        if self._protocol is not None and self._socket is not None:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(1000)
            self._flush()
        self._release()

    def _release(self) -> None:
        self._is_over = True
        if self._pinger is not None:
            self._pinger.cancel()
        if self._socket is not None:
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None
