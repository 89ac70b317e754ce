"""Attached clients: what they send is checked and acted on here, what they see comes from cursors.

A :class:`Viewer` knows no transport. A gateway hands it decoded frames and gives it a
:class:`Client` to send bytes to. Output goes through :mod:`.cursors`; everything else that
is sent either answers something the client sent, or is an event, of which at most one of a
kind waits while the client is behind. So a client that does not read costs a bounded amount.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from twisted.logger import Logger

from sandbox.guest import frames
from termhub.errors import BadRequest, NotAllowed
from termhub.hub.client_messages import Via
from termhub.hub.client_requests import ClientRequests
from termhub.hub.cursors import Cursor
from termhub.hub.input import PAUSE_BYTES, RESUME_BYTES, InputStream
from termhub.hub.pace import Pace
from termhub.hub.sizes import Size
from termhub.store import Role, User

if TYPE_CHECKING:
    from termhub.hub.console import Console

CLOSE_NORMAL = 1000
CLOSE_PROTOCOL = 1002
CLOSE_POLICY = 1008
CLOSE_RESTART = 1012
CLOSE_DETACHED = 4001
CLOSE_NOT_SHARED = 4003
CLOSE_NO_CONSOLE = 4004

MAX_PENDING = 256
"""Most events that wait for a client that is behind."""

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


def viewer_key(user: int, number: int) -> int:
    """What the agent knows a viewer by: nobody can speak in another user's sequence."""
    return int.from_bytes(blake2b(b"%d:%d" % (user, number), digest_size=8).digest(), "big")


class Viewer:
    """One attached client.

    Made by :meth:`Console.attach`. After HELLO the gateway passes every frame to
    :meth:`receive`, and calls :meth:`detach` when the transport is gone.

    :param number: the random number that the client chose.
    :param via: the kind of client.
    :param reads_only: the client wants no other role than ``observer``.
    """

    def __init__(
        self,
        console: Console,
        client: Client,
        user: User,
        role: Role,
        number: int,
        via: Via = "browser",
        reads_only: bool = False,
    ) -> None:
        self.console = console
        self.reads_only = reads_only
        self.role: Role = "observer" if reads_only else role
        self.user = user
        self.number = number
        self.via = via
        self.key = viewer_key(user.number, number)
        people = console.together.people
        self.id = people.viewer_id(self.key)
        self.person = people.person_id(user)
        self._could_write = self.can_write
        self.typed: float | None = None
        self.may_type = False
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
        self._refusals_told: dict[int, int] = {}
        self._requests = ClientRequests(self)

    @property
    def can_write(self) -> bool:
        """Whether it may type when nobody else has control."""
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
                self._requests.receive(payload)
            elif kind == frames.ROWS:
                self.console.views.ready(self, payload)
                self.tell_kept()
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
        stream = self._inputs.get(window)
        if stream is None:
            # Who could type before may not have heard yet.
            if not (self.can_write or self._could_write or sequence):
                raise NotAllowed("You may look at this console, not type into it.")
            stream = self.console.input_stream(self, window)
            if stream is None:
                return
            self._inputs[window] = stream
        if stream.is_refusing or not (self.may_type or stream.has_had(sequence, data)):
            self._throw_away(window, stream, sequence, data)
            return
        if not stream.receive(sequence, data):
            self._client.send(frames.accepted(window, number, stream.accepted))
        elif not self.paused and stream.held_bytes > PAUSE_BYTES:
            self.paused = True
            self._client.pause_input()
        if data and self.may_type:
            self.console.used(self, window)
            cursor = self._cursors.get(window)
            if cursor is not None:
                cursor.hurry()

    def _throw_away(self, window: int, stream: InputStream, sequence: int, data: bytes) -> None:
        if sequence < stream.accepted:
            # It is sent again after a reconnect: that part of it was written has not been heard.
            self._client.send(frames.accepted(window, self.number, stream.accepted))
        if stream.is_refusing:
            stream.heard(sequence, data)
        elif data:
            stream.refuse(sequence)
            self.tell_refused(window, stream)

    def tell_refused(self, window: int, stream: InputStream) -> None:
        """Say once from where on input is thrown away, when that is certain."""
        is_told = self._refusals_told.get(window) == stream.refusals
        if stream.is_refusing and stream.is_settled and self._is_greeted and not is_told:
            self._refusals_told[window] = stream.refusals
            event = {"type": "refused", "sequence": stream.end, "refusal": stream.refusals}
            self._client.send(event_frame(window, event))

    def _ack(self, window: int, offset: int) -> None:
        cursor = self._cursors.get(window)
        if cursor is None:
            return
        cursor.acknowledged(offset, self._clock.seconds())
        self.tell_kept()

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
            **self.console.together.hello(self),
        }
        self.send(_encode(frames.HELLO, body))
        self._is_greeted = self.is_attached

    def tell(self, window: int, kind: str, frame: bytes) -> None:
        """Send an event; while the client is behind only the last of each kind is kept."""
        self.keep(window, kind, frame)
        self.tell_kept()

    def keep(self, window: int, kind: str, frame: bytes) -> None:
        """Keep an event, the last of each kind, for :meth:`tell_kept`."""
        if not self._is_greeted:
            return
        self._pending.pop((window, kind), None)
        self._pending[window, kind] = frame
        if len(self._pending) > MAX_PENDING:
            del self._pending[next(iter(self._pending))]

    def tell_kept(self) -> None:
        """Send the events that are kept, unless the client is behind."""
        if self._pending and not self.is_behind:
            pending = list(self._pending.values())
            self._pending.clear()
            self._client.send(b"".join(pending))

    def set_role(self, role: Role) -> None:
        """The user has this role from now on."""
        role = "observer" if self.reads_only else role
        if role != self.role:
            self.role = role
            self._could_write = self._could_write or self.can_write
            self.console.together.role_changed(self)
            self.tell(frames.CONSOLE, "role", event_frame(frames.CONSOLE, {"type": "role", "role": role}))

    def input_accepted(self, window: int, stream: InputStream) -> None:
        """Pass on that input was written."""
        self._client.send(frames.accepted(window, self.number, stream.accepted))
        self._resume_input()
        self.tell_refused(window, stream)

    def input_ended(self) -> None:
        """Nothing is written any more: what the client sends is read, and let go."""
        self._inputs.clear()
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

    def cursor(self, window: int) -> Cursor:
        """Where it is in a window that it watches raw.

        :raises BadRequest: when it does not.
        """
        cursor = self._cursors.get(window)
        if cursor is None:
            raise BadRequest(f"Window {window} is not subscribed.", "not_subscribed")
        return cursor

    def unwatch(self, window: int) -> None:
        """Show a window no longer."""
        cursor = self._cursors.pop(window, None)
        if cursor is not None:
            cursor.close()

    def looks_away(self, window: int) -> None:
        """It has stopped to watch a window, in one of the two ways."""
        if window not in self.window_numbers:
            self.console.area_removed(self, window)
        self.tell_kept()

    def window_closed(self, window: int) -> None:
        """A window is gone."""
        self.unwatch(window)
        self._inputs.pop(window, None)
        self._refusals_told.pop(window, None)
        self._resume_input()

    def reply(self, number: int, result: dict[str, Any]) -> None:
        """Answer a request."""
        self.send(_encode(frames.REPLY, {"id": number, "ok": True, **result}))


def event_frame(window: int, event: dict[str, Any]) -> bytes:
    """An EVENT frame."""
    return frames.encode(frames.EVENT, window, msgspec.json.encode(event))


def _encode(kind: int, value: dict[str, Any]) -> bytes:
    return frames.encode(kind, frames.CONSOLE, msgspec.json.encode(value))
