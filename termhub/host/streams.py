"""Streams beside the windows: what the host relays between the agent and a link.

A link starts programs on pipes; programs of an allow-list ask, through the agent's proxy, for
connections, which the newest link makes.

Nothing is parsed and nothing kept longer than the next one has room: who sends may send what
the receiver at the other end has granted, and the host holds no more than that.

Invariant: for each direction of a stream, what waits here, what was passed on and not yet given
back, and what may still come add up to :data:`frames.STREAM_WINDOW`.  Whoever says otherwise has
broken the protocol: for an agent that ends the console, for a link the link.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from sandbox.guest import frames
from termhub.host.agent_link import AgentError, AgentLink

if TYPE_CHECKING:
    from termhub.host.console import Timer
    from termhub.host.hub_link import HubLink

MAX_STREAMS = 64
"""Most programs known at once; the agent runs 32, and of others it has not yet said the end."""

MAX_CONNECTIONS = 64
"""Most connections likewise; an agent that asks for more has broken the protocol."""

MAX_HOST_CHARACTERS = 253
CODES = ("not_allowed", "unreachable", "timeout", "busy")
"""Why a connection may be refused."""

REQUEST_SECONDS = 15.0
SAID_CHARACTERS = 4096
REFUSAL_CHARACTERS = 500
_HEAD_BYTES = len(frames.stream(0, 0, b""))
_SMALLEST_PIECE = 256


@define(eq=False)
class Direction:
    """One direction of a stream.

    :param room: bytes that may still come.
    :param unreturned: bytes that were passed on and not given back.
    """

    room: int = frames.STREAM_WINDOW
    unreturned: int = 0
    has_ended: bool = False
    queue: deque[bytes] = field(factory=deque)
    granted: int = 0

    def take(self, data: bytes, piece_bytes: int = frames.MAX_PAYLOAD) -> str | None:
        """Queue what came, in pieces; what is wrong with it, if something is."""
        if self.has_ended:
            return "goes on after its end"
        if len(data) > self.room:
            return f"has {len(data)} bytes beyond its credit"
        self.room -= len(data)
        self.has_ended = not data
        for start in range(0, max(len(data), 1), piece_bytes):
            self.queue.append(data[start : start + piece_bytes])
        return None

    def give_back(self, count: int) -> str | None:
        """The receiver has room again; what is wrong with that, if something is."""
        if count > self.unreturned:
            return f"gives back {count} bytes that it was not sent"
        self.unreturned -= count
        self.room += count
        self.granted += count
        return None


@define(eq=False)
class Relayed:
    """A stream.

    :param number: the agent's number of it.
    :param link: who is at its other end; None when nobody wants it any more.
    :param theirs: the link's number of it.
    :param request: what started a program, until that is answered.
    :param is_asked: whether a connection is asked for, and not yet made or refused.
    """

    number: int
    link: HubLink | None
    theirs: int
    request: dict[str, Any] | None
    is_asked: bool = False
    timer: Timer | None = None
    inward: Direction = field(factory=Direction)
    outward: Direction = field(factory=Direction)
    last: bytes | None = None


class Streams:
    """The streams of one console.

    :param call_later: puts a call off by seconds.
    """

    def __init__(self, agent: AgentLink, call_later: Callable[..., Timer]) -> None:
        self._agent = agent
        self._call_later = call_later
        self._last = 0
        self._last_connection = frames.CONNECTIONS
        self._running: dict[int, Relayed] = {}
        self._of_links: dict[HubLink, dict[int, Relayed]] = {}
        self._inward: deque[Relayed] = deque()
        agent.fill = self.to_agent

    # -- requests ------------------------------------------------------------

    def handle(self, link: HubLink, request: dict[str, Any]) -> bool:
        """Answer a link's request now or later; False when it is about something else."""
        op = request.get("op")
        if op == "run":
            self._run(link, request)
        elif op in ("connected", "refused"):
            self._decided(link, request, op)
        elif op == "stop":
            of_link: dict[int, Relayed] = self._of_links.get(link, {})
            relayed = of_link.pop(_number(request.get("stream")), None)
            if relayed is not None:
                self._give_up(relayed)
            link.reply(request)
        else:
            return False
        return True

    def _run(self, link: HubLink, request: dict[str, Any]) -> None:
        theirs = _number(request.get("stream"))
        of_link = self._of_links.setdefault(link, {})
        if not 0 <= theirs < frames.CONNECTIONS or theirs in of_link:
            link.refuse(request, frames.CONSOLE, "bad_request", "a stream needs a number of its own")
            return
        if sum(number < frames.CONNECTIONS for number in self._running) >= MAX_STREAMS:
            link.refuse(request, frames.CONSOLE, "too_many_streams", "the console has too many streams")
            return
        self._last += 1
        arguments: dict[str, Any] = {
            name: request[name] for name in ("argv", "env", "cwd") if name in request
        }
        sent = {"id": f"run {self._last}", "op": "run", "stream": self._last, **arguments}
        if not self._agent.request(sent):
            message = "program, arguments and environment exceed 4,000 bytes"
            link.refuse(request, frames.CONSOLE, "too_long", message)
            return
        relayed = Relayed(self._last, link, theirs, request)
        relayed.timer = self._call_later(REQUEST_SECONDS, self._silent, relayed)
        self._running[relayed.number] = of_link[theirs] = relayed

    def answered(self, reply: dict[str, Any]) -> bool:
        """The agent has answered; False when that was to no request of ours."""
        word, _, number = str(reply.get("id")).partition(" ")
        relayed = self._running.get(int(number)) if number.isdecimal() and len(number) < 20 else None
        if relayed is None:
            return False
        link, request = relayed.link, relayed.request
        if word in ("stop", "refused") and link is None:
            del self._running[relayed.number]
        elif word == "connected" and relayed.number >= frames.CONNECTIONS:
            pass
        elif word == "run" and link is not None and request is not None:
            self._settle(relayed)
            if reply.get("ok") is True:
                link.reply(request)
            else:
                del self._running[relayed.number]
                self._forget(relayed)
                code, message = str(reply.get("code"))[:64], str(reply.get("error"))[:1000]
                link.refuse(request, frames.CONSOLE, code, message)
        else:
            return False
        self._agent.expected()
        return True

    def _decided(self, link: HubLink, request: dict[str, Any], op: str) -> None:
        """A link has made a connection, or makes none; the program may have gone meanwhile."""
        relayed = self._of_links.get(link, {}).get(_number(request.get("stream")))
        link.reply(request)
        if relayed is None or not relayed.is_asked:
            return
        relayed.is_asked = False
        if op == "connected":
            number = relayed.number
            self._agent.request({"id": f"connected {number}", "op": "connected", "stream": number})
        else:
            self._forget(relayed)
            self._refuse(relayed, str(request.get("code")), str(request.get("error")))

    def _refuse(self, relayed: Relayed, code: str, why: str) -> None:
        """Tell a program that it gets no connection."""
        relayed.link = None
        self._agent.request(
            {
                "id": f"refused {relayed.number}",
                "op": "refused",
                "stream": relayed.number,
                "code": code if code in CODES else "unreachable",
                "error": why[:REFUSAL_CHARACTERS],
            }
        )

    def _settle(self, relayed: Relayed) -> dict[str, Any] | None:
        """What is to be answered now, once."""
        request, relayed.request = relayed.request, None
        if relayed.timer is not None:
            relayed.timer.cancel()
            relayed.timer = None
        return request

    def _silent(self, relayed: Relayed) -> None:
        link, request = relayed.link, self._settle(relayed)
        if link is not None and request is not None:
            self._forget(relayed)
            self._give_up(relayed)
            link.refuse(request, frames.CONSOLE, "no_answer", "the sandbox does not answer")

    def _give_up(self, relayed: Relayed) -> None:
        """Nobody wants it any more: what still comes of it is dropped."""
        self._settle(relayed)
        relayed.link = None
        relayed.inward.queue.clear()
        relayed.outward.queue.clear()
        if relayed.number in self._running:
            self._agent.request({"id": f"stop {relayed.number}", "op": "stop", "stream": relayed.number})

    def _forget(self, relayed: Relayed) -> None:
        if relayed.link is not None:
            of_link = self._of_links.get(relayed.link)
            if of_link is not None:
                of_link.pop(relayed.theirs, None)

    def link_closed(self, link: HubLink) -> None:
        """A link is gone, and its streams with it."""
        for relayed in self._of_links.pop(link, {}).values():
            self._give_up(relayed)

    def close(self) -> None:
        """The sandbox is gone: refuse what only it could answer."""
        for relayed in list(self._running.values()):
            link, request = relayed.link, self._settle(relayed)
            if link is not None and request is not None:
                link.refuse(request, frames.CONSOLE, "ended", "the console has ended")

    # -- from the agent ------------------------------------------------------

    def receive(self, kind: int, payload: bytes) -> None:
        """Take a STREAM or CREDIT frame of the agent.

        :raises AgentError: when it says more than it may.
        :raises FrameError: when it is malformed.
        """
        if kind == frames.CREDIT:
            number, count = frames.parse_credit(payload)
            relayed = self._known(number)
            problem = relayed.inward.give_back(count)
        else:
            number, data = frames.parse_stream(payload)
            relayed = self._known(number)
            problem = relayed.outward.take(data)
            if relayed.link is None:
                relayed.outward.queue.clear()
        if problem is not None:
            raise AgentError(f"stream {number} {problem}")

    def wanted(self, event: dict[str, Any], link: HubLink | None) -> None:
        """A program wants a connection.

        :param link: who is to make it; None: nobody is there.
        :raises AgentError: when that makes no sense, or there are too many.
        """
        number, host, port = _number(event.get("stream")), event.get("host"), event.get("port")
        if number < frames.CONNECTIONS or number in self._running:
            raise AgentError(f"a connection as stream {number}")
        if sum(known >= frames.CONNECTIONS for known in self._running) >= MAX_CONNECTIONS:
            raise AgentError(f"more than {MAX_CONNECTIONS} connections")
        if not isinstance(host, str) or not 0 < len(host) <= MAX_HOST_CHARACTERS or not host.isascii():
            raise AgentError("a connection to a host without a name")
        if type(port) is not int or not 0 < port < 1 << 16:
            raise AgentError(f"a connection to port {port!r:.20}")
        self._last_connection += 1
        relayed = self._running[number] = Relayed(number, link, self._last_connection, None, is_asked=True)
        if link is None:
            self._refuse(relayed, "busy", "termhub is not reached at the moment; try again in a few seconds")
            return
        self._of_links.setdefault(link, {})[relayed.theirs] = relayed
        told = {"type": "connect", "stream": relayed.theirs, "host": host, "port": port}
        link.tell(frames.encode_json(frames.EVENT, frames.CONSOLE, told))

    def ended(self, event: dict[str, Any]) -> None:
        """A stream is over; :raises AgentError: when none of this number was running."""
        relayed = self._known(_number(event.get("stream")))
        self._agent.expected()
        del self._running[relayed.number]
        told: dict[str, Any] = {"type": "stream", "stream": relayed.theirs}
        if isinstance(event.get("signal"), str):
            told["signal"] = event["signal"][:32]
        else:
            told["code"] = event["code"] if isinstance(event.get("code"), int) else 255
        told["said"] = str(event.get("said", ""))[:SAID_CHARACTERS]
        relayed.last = frames.encode_json(frames.EVENT, frames.CONSOLE, told)

    def _known(self, number: int) -> Relayed:
        relayed = self._running.get(number)
        if relayed is None:
            raise AgentError(f"stream {number}, which is not running")
        return relayed

    # -- from a link ---------------------------------------------------------

    def link_receive(self, link: HubLink, kind: int, payload: bytes) -> None:
        """Take a STREAM or CREDIT frame of a link; one for a stream that is over is late.

        :raises FrameError: when it says more than it may, or is malformed.
        """
        of_link = self._of_links.get(link, {})
        if kind == frames.CREDIT:
            number, count = frames.parse_credit(payload)
            relayed = of_link.get(number)
            problem = relayed and relayed.outward.give_back(count)
        else:
            number, data = frames.parse_stream(payload)
            relayed = of_link.get(number)
            problem = relayed and relayed.inward.take(data, frames.MAX_AGENT_STREAM)
        if problem:
            raise frames.FrameError(f"stream {number} {problem}")
        if relayed is not None and relayed not in self._inward:
            self._inward.append(relayed)

    # -- what is to be sent --------------------------------------------------

    def to_agent(self, room: int) -> bytes:
        """Whole frames for the agent, of all streams in turn, at most ``room`` bytes."""
        pieces: list[bytes] = []
        while self._inward and room >= _HEAD_BYTES + _SMALLEST_PIECE:
            relayed = self._inward.popleft()
            frame = self._to_agent(relayed, room)
            if frame:
                pieces.append(frame)
                room -= len(frame)
                self._inward.append(relayed)
        return b"".join(pieces)

    def _to_agent(self, relayed: Relayed, room: int) -> bytes:
        if relayed.number not in self._running or relayed.link is None:
            return b""
        count, relayed.outward.granted = relayed.outward.granted, 0
        if count:
            return frames.credit(frames.CONSOLE, relayed.number, count)
        inward = relayed.inward
        if not inward.queue:
            return b""
        data = inward.queue.popleft()
        piece, rest = data[: room - _HEAD_BYTES], data[room - _HEAD_BYTES :]
        if rest:
            inward.queue.appendleft(rest)
        inward.unreturned += len(piece)
        return frames.stream(frames.CONSOLE, relayed.number, piece)

    def to_link(self, link: HubLink) -> bytes:
        """The next frame for a link, of its streams in turn; empty: there is none."""
        of_link = self._of_links.get(link)
        if not of_link:
            return b""
        for theirs, relayed in list(of_link.items()):
            frame = self._to_link(relayed)
            if frame:
                del of_link[theirs]
                if relayed.last is not frame:
                    of_link[theirs] = relayed  # behind the others
                return frame
        return b""

    def _to_link(self, relayed: Relayed) -> bytes:
        count, relayed.inward.granted = relayed.inward.granted, 0
        if count and relayed.last is None:
            return frames.credit(frames.CONSOLE, relayed.theirs, count)
        outward = relayed.outward
        if outward.queue:
            data = outward.queue.popleft()
            outward.unreturned += len(data)
            return frames.stream(frames.CONSOLE, relayed.theirs, data)
        return relayed.last or b""


def _number(value: object) -> int:
    """A stream's number in a request or event; -1 when it is none."""
    return value if isinstance(value, int) and 0 <= value < 1 << 32 else -1
