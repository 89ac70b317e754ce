"""A console without processes: a fake clock, a recording screen, frames as lists."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from sandbox.guest import frames
from termhub.host.console import Console, Surroundings
from termhub.host.hub_link import HubLink
from termhub.host.journal import Journals
from termhub.host.memory import Memory, Uncounted
from termhub.screen import Cursor, Modes, ScreenEvent, TextRow


class FakeClock:
    """Seconds that pass when told, and calls put off."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.calls: list[FakeTimer] = []

    def now(self) -> float:
        return self.seconds

    def call_later(self, seconds: float, callback: Callable[..., None], *arguments: Any) -> FakeTimer:
        timer = FakeTimer(self.seconds + seconds, callback, arguments)
        self.calls.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        end = self.seconds + seconds
        while due := [timer for timer in self.calls if timer.when <= end]:
            timer = min(due, key=lambda timer: timer.when)
            self.calls.remove(timer)
            self.seconds = max(self.seconds, timer.when)
            if not timer.cancelled:
                timer.callback(*timer.arguments)
        self.seconds = end


class FakeTimer:
    def __init__(self, when: float, callback: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self.when, self.callback, self.arguments = when, callback, arguments
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeScreen:
    """Remembers what it was fed; its keyframe is all of it.

    ``\\x05`` (ENQ) is a query, answered by ``answer``; ``\\x07`` rings the bell;
    ``<title NAME>`` sets the title; each byte costs ``clock.cost`` seconds.
    """

    engine = "fake"
    on_alternate_screen = False

    def __init__(self, cols: int, rows: int, clock: FakeClock | None = None, cost: float = 0.0) -> None:
        self.cols, self.rows = cols, rows
        self.fed = b""
        self.sizes = [(cols, rows)]
        self.slices: list[int] = []
        self.title = ""
        self.cursor = Cursor(0, 0)
        self.modes = Modes()
        self.is_closed = False
        self._events: list[ScreenEvent] = []
        self._clock, self._cost = clock, cost

    def feed(self, data: bytes) -> bytes:
        self.fed += data
        self.slices.append(len(data))
        if self._clock is not None:
            self._clock.seconds += self._cost * len(data)
        self._events += [ScreenEvent("bell")] * data.count(b"\x07")
        if b"<title " in data:
            self.title = data.partition(b"<title ")[2].partition(b">")[0].decode()
            self._events.append(ScreenEvent("title", text=self.title))
        return b"answer" * data.count(b"\x05")

    def resize(self, cols: int, rows: int) -> None:
        self.cols, self.rows = cols, rows
        self.sizes.append((cols, rows))

    def keyframe(self, scrollback: int | None = None) -> bytes:
        return self.fed

    def text(self, scrollback: int = 0) -> list[str]:
        return self.fed.decode("latin-1").splitlines()[-self.rows - scrollback :]

    def rows_to_cursor(self, count: int) -> list[TextRow]:
        lines = self.fed.decode("latin-1").split("\n")
        return [TextRow(line.strip("\r"), wraps=False) for line in lines[-count:]]

    def events(self) -> list[ScreenEvent]:
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        self.is_closed = True


class FakeMemory:
    """Memory that runs out when a test says so; ``saved`` is what a disk would hold."""

    def __init__(self, limit_bytes: int = 512 << 20) -> None:
        self.killed = 0
        self.saved: dict[str, Any] = {}
        self._limit_bytes = limit_bytes

    def kills(self) -> int | None:
        return self.killed

    def limit_bytes(self) -> int:
        return self._limit_bytes

    def load(self) -> dict[str, Any]:
        return json.loads(json.dumps(self.saved))  # type: ignore[no-any-return]

    def save(self, told: dict[str, Any]) -> None:
        self.saved = told


class ConsoleCore:
    """A :class:`Console` on fake surroundings, with helpers to be its agent and its hub.

    A fixture closes all that a test has made.
    """

    made: ClassVar[list[ConsoleCore]] = []

    def __init__(
        self,
        folder: Path,
        *,
        cost: float = 0.0,
        start: bool = True,
        memory: Memory | None = None,
        **journal: int,
    ) -> None:
        self.clock = FakeClock()
        self.cost = cost
        self.kills = 0
        self.screens: list[FakeScreen] = []
        random_numbers = random.Random(5)
        self._journals = Journals(folder, **journal)
        self.made.append(self)
        self.console = Console(
            "c-aaaaaaaaaa",
            "a fake sandbox",
            self._journals,
            Surroundings(
                clock=self.clock.now,
                unix_time=self.clock.now,
                call_later=self.clock.call_later,
                open_screen=self.open_screen,
                random_number=lambda: random_numbers.getrandbits(64),
                kill=self.kill,
                processor_time=self.clock.now,
                memory=memory or Uncounted(),
            ),
        )
        self.windows = self.console.windows
        if start:
            self.console.open_first(["prog"], 80, 24)
            self.hello({"window": 0})

    def close(self) -> None:
        self._journals.close()

    def open_screen(self, cols: int, rows: int) -> Any:
        self.screens.append(FakeScreen(cols, rows, self.clock, self.cost))
        return self.screens[-1]

    def kill(self) -> None:
        self.kills += 1

    # -- as the agent --------------------------------------------------------

    def hello(self, *windows: dict[str, Any]) -> None:
        """Let the console say HELLO and answer it."""
        self.console.start()
        (hello,) = [frame for frame in self.to_agent() if frame.type == frames.HELLO]
        self.answer_hello(frames.parse_json(hello.payload)["nonce"], *windows)

    def answer_hello(self, nonce: str, *windows: dict[str, Any]) -> None:
        entries = [
            {"argv": ["prog"], "start": 0, "end": 0, "cols": 80, "rows": 24, "exit": None, **window}
            for window in windows
        ]
        value = {"version": 1, "nonce": nonce, "windows": entries}
        self.console.receive(frames.encode_json(frames.HELLO, frames.CONSOLE, value))

    def output(self, offset: int, data: bytes, window: int = 0) -> None:
        for start in range(0, len(data), 65536):
            self.console.receive(frames.output(window, offset + start, data[start : start + 65536]))

    def event(self, event: dict[str, Any], window: int = 0) -> None:
        self.console.receive(frames.encode_json(frames.EVENT, window, event))

    def reply(self, **value: Any) -> None:
        self.console.receive(frames.encode_json(frames.REPLY, frames.CONSOLE, value))

    def work(self) -> None:
        """Let the screens catch up."""
        while self.console.work(1.0):
            pass

    def to_agent(self) -> list[frames.Frame]:
        """All frames waiting for the agent; each write is whole frames within PIPE_BUF."""
        found = []
        while data := self.console.agent.to_send():
            assert len(data) <= frames.PIPE_BUF
            decoder = frames.Decoder()
            found += decoder.feed(data)
            assert not decoder.pending_bytes
            self.console.agent.sent()
        return found

    def acks(self) -> list[int]:
        return [frames.parse_ack(frame.payload) for frame in self.to_agent() if frame.type == frames.ACK]

    def asked(self) -> list[dict[str, Any]]:
        return [frames.parse_json(frame.payload) for frame in self.to_agent() if frame.type == frames.REQUEST]


class LinkCore:
    """A hub's link to a :class:`ConsoleCore`."""

    def __init__(self, core: ConsoleCore, subscribe: bool = True, since: int | None = None) -> None:
        self.link: HubLink = core.console.add_link()
        self._decoder = frames.Decoder()
        self._kept: list[frames.Frame] = []
        self.send(frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1}))
        hello, *self._kept = self.frames()
        self.hello = frames.parse_json(hello.payload)
        if subscribe:
            self.request("subscribe", window=0, since=since)
            self.subscribed = self.replies()[-1]

    def send(self, data: bytes) -> None:
        self.link.feed(data)

    def request(self, op: str, **arguments: Any) -> None:
        self.send(frames.encode_json(frames.REQUEST, frames.CONSOLE, {"id": op, "op": op, **arguments}))

    def frames(self, most_bytes: int = 1 << 30, piece: int = 1 << 20) -> list[frames.Frame]:
        """What the link sent and sends now, in pieces of at most ``piece`` bytes."""
        found, self._kept = self._kept, []
        while most_bytes > 0 and (data := self.link.to_send()):
            taken = bytes(data[: min(piece, most_bytes)])
            most_bytes -= len(taken)
            self.link.sent(len(taken))
            found += self._decoder.feed(taken)
        return found

    def _take(self, kind: int) -> list[frames.Frame]:
        """The frames of one type; the others are kept."""
        found = self.frames()
        self._kept = [frame for frame in found if frame.type != kind]
        return [frame for frame in found if frame.type == kind]

    def replies(self) -> list[dict[str, Any]]:
        return [frames.parse_json(frame.payload) for frame in self._take(frames.REPLY)]

    def events(self) -> list[dict[str, Any]]:
        return [frames.parse_json(frame.payload) for frame in self._take(frames.EVENT)]

    def output(self) -> list[tuple[int, bytes]]:
        return [frames.parse_output(frame.payload) for frame in self._take(frames.OUTPUT)]

    def ack(self, offset: int, window: int = 0) -> None:
        self.send(frames.ack(window, offset))
