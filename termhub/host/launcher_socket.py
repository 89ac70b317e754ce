"""``launcher.sock``: requests of the hub, each answered once.

Invariant: only root, ourselves and the hub's user are heard (SO_PEERCRED), and nothing
a peer sends makes the launcher hold more than one unfinished frame of it or wait for it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define, field

from sandbox.guest import frames
from sandbox.guest.loop import Loop
from termhub.errors import BadRequest, TermhubError
from termhub.host.specs import MAX_SPEC_BYTES

Reply = Callable[..., None]
Operation = Callable[[dict[str, Any], Reply], None]

MAX_PEERS = 64
QUEUE_BYTES = 4 << 20
READ_BYTES = 1 << 16
_CREDENTIALS = struct.Struct("3i")


@define(eq=False)
class Peer:
    """One connection."""

    socket: socket.socket
    decoder: frames.Decoder
    queue: bytearray = field(factory=bytearray)
    writing: bool = False


class LauncherSocket:
    """Serves the launcher's operations.

    :param server: the listening socket.
    :param uids: who may ask.
    :param operations: by ``op``; each calls its reply once, with results or an error.
    """

    def __init__(
        self, loop: Loop, server: socket.socket, uids: set[int], operations: dict[str, Operation]
    ) -> None:
        self._loop = loop
        self._server = server
        self._uids = uids
        self._operations = operations
        self._peers: dict[int, Peer] = {}
        loop.reader(server.fileno(), self._accept)

    def close(self) -> None:
        """Stop serving; what is queued is tried once more."""
        self._loop.forget(self._server.fileno())
        self._server.close()
        for peer in list(self._peers.values()):
            self._drop(peer)

    def _accept(self) -> None:
        try:
            client, _ = self._server.accept()
        except OSError:
            return
        _, uid, _ = _CREDENTIALS.unpack(
            client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        if uid not in self._uids or len(self._peers) >= MAX_PEERS:
            client.close()
            return
        client.setblocking(False)
        peer = Peer(client, frames.Decoder(MAX_SPEC_BYTES))
        self._peers[client.fileno()] = peer
        self._loop.reader(client.fileno(), partial(self._readable, peer))

    def _readable(self, peer: Peer) -> None:
        try:
            data = peer.socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(peer)
            return
        try:
            for frame in peer.decoder.feed(data):
                if frame.type == frames.HELLO:
                    frames.parse_json(frame.payload)
                    hello = {"version": frames.VERSION, "pid": os.getpid()}
                    self._send(peer, frames.encode_json(frames.HELLO, frames.CONSOLE, hello))
                elif frame.type == frames.REQUEST:
                    self._request(peer, frames.parse_json(frame.payload))
                else:
                    raise frames.FrameError(f"a {frames.NAMES[frame.type]} frame")
        except frames.FrameError:
            self._drop(peer)

    def _request(self, peer: Peer, request: dict[str, Any]) -> None:
        op = request.get("op")
        operation = self._operations.get(op) if isinstance(op, str) else None
        reply = partial(self._reply, peer, request.get("id"))
        if operation is None:
            reply(BadRequest(f"the launcher does not know {op!r:.100}", "unknown_op"))
            return
        try:
            operation(request, reply)
        except TermhubError as error:
            reply(error)
        except OSError as error:
            reply(TermhubError(f"the launcher cannot do that: {error}", "console_error"))

    def _reply(self, peer: Peer, identity: Any, error: TermhubError | None = None, /, **results: Any) -> None:
        answer: dict[str, Any] = {"id": identity, "ok": error is None, **results}
        if error is not None:
            answer |= {"code": error.code, "error": error.message}
        try:
            frame = frames.encode_json(frames.REPLY, frames.CONSOLE, answer)
        except frames.FrameError as too_long:
            answer = {"id": identity, "ok": False, "code": "too_long", "error": str(too_long)}
            frame = frames.encode_json(frames.REPLY, frames.CONSOLE, answer)
        self._send(peer, frame)

    def _send(self, peer: Peer, frame: bytes) -> None:
        if self._peers.get(peer.socket.fileno()) is not peer:
            return
        peer.queue += frame
        if len(peer.queue) > QUEUE_BYTES:
            self._drop(peer)
            return
        self._flush(peer)

    def _flush(self, peer: Peer) -> None:
        blocked = False
        try:
            while peer.queue:
                del peer.queue[: peer.socket.send(peer.queue)]
        except BlockingIOError:
            blocked = True
        except OSError:
            self._drop(peer)
            return
        if blocked != peer.writing:
            peer.writing = blocked
            callback = partial(self._flush, peer) if blocked else None
            self._loop.writer(peer.socket.fileno(), callback)

    def _drop(self, peer: Peer) -> None:
        fd = peer.socket.fileno()
        if self._peers.pop(fd, None) is not None:
            self._loop.forget(fd)
            peer.socket.close()


def console_of(request: dict[str, Any]) -> str:
    """The console that a request is about.

    :raises BadRequest: when it names none.
    """
    console = request.get("console")
    if not isinstance(console, str):
        raise BadRequest("console is the id of a console")
    return console


def after_of(request: dict[str, Any]) -> str:
    """The id of the console behind which a list goes on; empty for its beginning.

    :raises BadRequest: when it is no text.
    """
    after = request.get("after", "")
    if not isinstance(after, str):
        raise BadRequest("after is the id of a console")
    return after
