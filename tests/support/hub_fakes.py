"""A console without sockets: fake clients, and a host that a test plays by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.hub.client_messages import Via
from termhub.hub.console import Console
from termhub.hub.ended import Ended
from termhub.hub.invitations import Invitation
from termhub.hub.link import HostLink
from termhub.hub.viewers import Viewer
from termhub.store import ChatMessage, ConsoleRecord, ControlMode, Role, User

CONSOLE = "c-aaaaaaaaaa"


class FakeClient:
    """Keeps the frames it is sent."""

    def __init__(self) -> None:
        self.objects: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.paused = False
        self._decoder = frames.Decoder()
        self._read = 0

    def send(self, data: bytes) -> None:
        self.objects.append(data)

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def pause_input(self) -> None:
        self.paused = True

    def resume_input(self) -> None:
        self.paused = False

    def take(self) -> list[frames.Frame]:
        """The frames since the last call."""
        new = b"".join(self.objects[self._read :])
        self._read = len(self.objects)
        return self._decoder.feed(new)

    def kinds(self) -> list[str]:
        """The names of the frames since the last call."""
        return [frames.NAMES[frame.type] for frame in self.take()]

    def output(self) -> bytes:
        """The output bytes since the last call; other frames are dropped."""
        return b"".join(frames.parse_output(f.payload)[1] for f in self.take() if f.type == frames.OUTPUT)

    def events(self) -> list[dict[str, Any]]:
        """The events since the last call; other frames are dropped."""
        return [json.loads(f.payload) for f in self.take() if f.type == frames.EVENT]


class FakeTransport:
    """What a link writes to."""

    def __init__(self) -> None:
        self.written = b""
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

    def abortConnection(self) -> None:
        self.aborted = True


class FakeHost:
    """The other end of a console's link, played by the test."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self.link = HostLink(console.id, console.host_side, clock)
        self.transport = FakeTransport()
        self.link.transport = self.transport
        self._decoder = frames.Decoder()
        self.link.connectionMade()

    def hello(self, *windows: dict[str, Any], **fields: Any) -> None:
        """Greet; a window is number 0 of 80x24 unless it says otherwise."""
        told = windows or ({},)
        listed = [{"window": 0, "offset": 0, "cols": 80, "rows": 24, **window} for window in told]
        body = {"version": 1, "console": CONSOLE, "windows": listed, "isolation": "none", **fields}
        self.send(frames.encode_json(frames.HELLO, frames.CONSOLE, body))

    def send(self, data: bytes) -> None:
        self.link.dataReceived(data)

    def output(self, offset: int, data: bytes, window: int = 0) -> None:
        """Send output in frames of at most 64 KiB."""
        for start in range(0, len(data), 65_536):
            self.send(frames.output(window, offset + start, data[start : start + 65_536]))

    def take(self) -> list[frames.Frame]:
        """What the hub sent since the last call."""
        data, self.transport.written = self.transport.written, b""
        return self._decoder.feed(data)

    def requests(self) -> list[dict[str, Any]]:
        """The requests since the last call; other frames are dropped."""
        return [json.loads(f.payload) for f in self.take() if f.type == frames.REQUEST]

    def inputs(self) -> Iterator[tuple[int, int, int, bytes]]:
        """``(window, viewer, sequence, data)`` of the INPUT frames since the last call."""
        for frame in self.take():
            if frame.type == frames.INPUT:
                yield (frame.window, *frames.parse_input(frame.payload))

    def reply(self, number: int, **results: Any) -> None:
        self.send(frames.encode_json(frames.REPLY, frames.CONSOLE, {"id": number, "ok": True, **results}))

    def refuse(self, number: int, code: str = "console_error", error: str = "No.") -> None:
        body = {"id": number, "ok": False, "code": code, "error": error}
        self.send(frames.encode_json(frames.REPLY, frames.CONSOLE, body))

    def keyframe(self, number: int, offset: int, data: bytes = b"K", window: int = 0) -> None:
        """Answer a keyframe request."""
        self.reply(number, offset=offset)
        for frame in frames.keyframes(window, offset, 80, 24, data):
            self.send(frame)

    def serve(self, end: int = 0, keyframe: bytes = b"K") -> list[str]:
        """Answer every subscribe and keyframe request as a host at offset ``end`` would."""
        served = []
        for request in self.requests():
            served.append(request["op"])
            if request["op"] == "subscribe":
                since = request.get("since")
                self.reply(request["id"], offset=end if since is None or since > end else since)
            elif request["op"] == "keyframe":
                self.keyframe(request["id"], end, keyframe, request.get("window", 0))
        return served

    def die(self) -> None:
        self.link.connectionLost()


class FakeBacking:
    """Keeps what is said, as a store does; shares are only noted.

    :param member: the number of a member, if somebody is one.
    """

    def __init__(self, member: Callable[[User], int | None] = lambda user: None) -> None:
        self.member = member
        self.messages: list[ChatMessage] = []
        self.control: ControlMode = "anyone"
        self.granted: list[tuple[Role, float, int | None, User | None]] = []

    async def add_chat(self, time: float, name: str, text: str) -> ChatMessage:
        self.messages.append(ChatMessage(len(self.messages) + 1, time, name, text))
        return self.messages[-1]

    async def set_control(self, mode: ControlMode) -> None:
        self.control = mode

    async def chat(self, before: int | None, limit: int) -> list[ChatMessage]:
        return [each for each in self.messages if before is None or each.number < before][-limit:]

    async def grant(self, role: Role, seconds: float, uses: int | None, by: User | None) -> Invitation:
        self.granted.append((role, seconds, uses, by))
        return Invitation("https://hub/s/thsh_x", "ssh thsh_x@hub")


def make_console(
    clock: Clock, last: Ended | None = None, backing: FakeBacking | None = None, **fields: Any
) -> Console:
    """A console that has not been linked yet."""

    async def read_ended() -> Ended | None:
        return last

    def argv(image: str, program: str) -> list[str]:
        return [f"/{image}/{program}"]

    record = ConsoleRecord(CONSOLE, 1, "one", "python", "3.11", 0.0, **fields)
    return Console(record, clock, clock.seconds, read_ended, argv, backing or FakeBacking())


def somebody(user: User | int = 1, name: str = "") -> User:
    """A user by number; a guest when it is negative."""
    if isinstance(user, User):
        return user
    return User(user, name or f"{'guest' if user < 0 else 'user'}{abs(user)}", 0.0, "default")


def attach(
    console: Console,
    windows: dict[str, int | None] | None = None,
    *,
    user: User | int = 1,
    role: Role = "owner",
    viewer: str = "ab",
    size: tuple[int, int] | None = None,
    via: Via = "browser",
    hello: dict[str, Any] | None = None,
) -> tuple[FakeClient, Viewer]:
    """A new viewer, by default of window 0 and without a say in its size."""
    client = FakeClient()
    said: dict[str, Any] = {"version": 1, "viewer": viewer, "windows": windows or {"0": None}}
    if size is not None:
        said.update(cols=size[0], rows=size[1])
    said.update(hello or {})
    return client, console.attach(client, somebody(user), role, said, via)


def frame_of(data: bytes) -> frames.Frame:
    """The one frame in ``data``."""
    (frame,) = frames.Decoder().feed(data)
    return frame


def acknowledge(viewer: Viewer, offset: int, window: int = 0) -> None:
    """As a client does when its terminal has processed everything before ``offset``."""
    viewer.receive(frame_of(frames.ack(window, offset)))


def type_in(viewer: Viewer, sequence: int, data: bytes, window: int = 0) -> None:
    """As a client does when a person types."""
    viewer.receive(frame_of(frames.input_(window, viewer.number, sequence, data)))


def ask(viewer: Viewer, number: int, op: str, **arguments: Any) -> None:
    """As a client does when it wants something."""
    body = {"id": number, "op": op, **arguments}
    viewer.receive(frame_of(frames.encode_json(frames.REQUEST, frames.CONSOLE, body)))


class SilentOwner:
    """Runs a program on pipes, and does not care what comes of it."""

    def stream_data(self, data: bytes) -> None:
        pass

    def stream_drained(self) -> None:
        pass

    def stream_ended(self, status: dict[str, Any] | None) -> None:
        pass
