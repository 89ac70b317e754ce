"""The terminal UI as a client of the stream protocol, inside the hub's process.

A :class:`StreamClient` attaches to one console as every client does: HELLO, requests, input
numbered by bytes, sizes, events.  Windows are shown *drawn*: it asks for a viewport of one and gets
the rows that changed, the next only when it has said that it is ready.  Input needs no buffer here:
the hub's own stream holds what is not accepted, and asks for a pause.

Invariant: frames are handed on in the order they came, one at a time, however calls nest.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.logger import Logger

from sandbox.guest import frames
from termhub.gateways.tui.people import parse_event
from termhub.hub.console import Console
from termhub.hub.viewers import CLOSE_PROTOCOL, Viewer
from termhub.screen.drawing import Drawing, DrawingError, encode_ready, parse_drawing
from termhub.store import Role, User

INPUT_BYTES = 16 * 1024
"""Most bytes in one INPUT frame."""

_log = Logger()

Answered = Callable[[dict[str, Any]], None]


class ClientOwner(Protocol):
    """Who hears what the hub says."""

    def greeted(self, hello: dict[str, Any]) -> None:
        """The hub's HELLO, always first."""

    def drawn(self, window: int, drawing: Drawing) -> None:
        """A window changed; the next drawing comes after :meth:`StreamClient.ready`."""

    def happened(self, window: int, event: Mapping[str, Any]) -> None:
        """An event."""

    def closed(self, code: int, reason: str) -> None:
        """The hub has ended the connection."""

    def pause_input(self) -> None:
        """Type no more until :meth:`resume_input`."""

    def resume_input(self) -> None:
        """There is room for input again."""


class StreamClient:
    """One attachment to one console.

    :param role: what the user may do here.
    :param reads_only: whether it only wants to look, whatever the role is or becomes.
    """

    def __init__(
        self, console: Console, user: User, role: Role, owner: ClientOwner, reads_only: bool = False
    ) -> None:
        self.console = console
        self._user = user
        self._role = role
        self._reads_only = reads_only
        self._owner = owner
        self._number = secrets.randbits(64)
        self._viewer: Viewer | None = None
        self._decoder = frames.Decoder()
        self._arrived: deque[frames.Frame] = deque()
        self._is_handling = True
        self._requests = 0
        self._replies: dict[int, Answered] = {}
        self._typed: dict[int, int] = {}

    def attach(self) -> None:
        """Say HELLO; the answer comes at once, or when the console's host is reached."""
        hello = {
            "version": frames.VERSION,
            "viewer": f"{self._number:016x}",
            "windows": {},
            "read_only": self._reads_only,
        }
        self._viewer = self.console.attach(self, self._user, self._role, hello, "terminal")
        self._is_handling = False
        self._handle()

    def detach(self, reason: str) -> None:
        """Leave; nothing is heard any more."""
        viewer, self._viewer = self._viewer, None
        self._arrived.clear()
        self._replies.clear()
        if viewer is not None:
            viewer.detach(reason)

    # -- to the hub ----------------------------------------------------------------

    def type(self, window: int, data: bytes) -> None:
        """Send input to a window's program."""
        for start in range(0, len(data), INPUT_BYTES):
            piece = data[start : start + INPUT_BYTES]
            sequence = self._typed.get(window, 0)
            self._typed[window] = sequence + len(piece)
            self._send(frames.input_(window, self._number, sequence, piece))

    def resize(self, window: int, cols: int, rows: int) -> None:
        """Say how much room there is for a window."""
        self._send(frames.resize(window, cols, rows))

    def ready(self, window: int, view: int) -> None:
        """Ask for the next drawing of a view."""
        self._send(frames.encode(frames.ROWS, window, encode_ready(view)))

    def request(self, op: str, answered: Answered | None = None, **arguments: Any) -> None:
        """Ask for something.

        :param answered: called with the REPLY, unless this leaves before.
        """
        self._requests += 1
        if answered is not None:
            self._replies[self._requests] = answered
        value = {"id": self._requests, "op": op, **arguments}
        self._send(frames.encode_json(frames.REQUEST, frames.CONSOLE, value))

    def _send(self, data: bytes) -> None:
        viewer = self._viewer
        if viewer is not None:
            kind, window, length = frames.HEADER.unpack_from(data)
            assert len(data) == frames.HEADER.size + length
            viewer.receive(frames.Frame(kind, window, data[frames.HEADER.size :]))

    # -- what the hub calls --------------------------------------------------------

    def send(self, data: bytes) -> None:
        """Frames for this client."""
        self._arrived.extend(self._decoder.feed(data))
        self._handle()

    def close(self, code: int, reason: str) -> None:
        """The hub ends the connection."""
        self._viewer = None
        self._replies.clear()
        self._owner.closed(code, reason)

    def pause_input(self) -> None:
        """The program does not take its input."""
        self._owner.pause_input()

    def resume_input(self) -> None:
        """The program takes input again."""
        self._owner.resume_input()

    def _handle(self) -> None:
        if self._is_handling:
            return
        self._is_handling = True
        while self._arrived:
            # A defect on this side is no matter of the hub's other clients.
            with _log.failuresHandled("A frame of {console} failed", console=self.console.id):
                self._take(self._arrived.popleft())
        self._is_handling = False

    def _take(self, frame: frames.Frame) -> None:
        kind, window, payload = frame
        if kind == frames.ROWS:
            self._take_drawing(window, payload)
        elif kind == frames.EVENT:
            event = parse_event(payload)
            if event.get("type") == "closed":
                self._typed.pop(window, None)
            elif event.get("type") == "refused":
                # The hub's stream is all there is: nothing is held here that would be dropped.
                self._typed[window] = event["sequence"]
                self._send(frames.input_(window, self._number, event["sequence"], b""))
            self._owner.happened(window, event)
        elif kind == frames.REPLY:
            reply = frames.parse_json(payload)
            answered = self._replies.pop(reply["id"], None)
            if answered is not None:
                answered(reply)
        elif kind == frames.HELLO:
            self._owner.greeted(frames.parse_json(payload))

    def _take_drawing(self, window: int, payload: bytes) -> None:
        try:
            drawing = parse_drawing(payload)
        except DrawingError as error:
            # The host is broken: it is its console's own, and nobody else is harmed by leaving.
            viewer = self._viewer
            if viewer is not None:
                viewer.close(CLOSE_PROTOCOL, f"the console's host sent {error}")
            return
        self._owner.drawn(window, drawing)
