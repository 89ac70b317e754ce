"""The hub with a real launcher, real hosts and real sandboxes; only the clients are played."""

from __future__ import annotations

import re
from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from sandbox.guest import frames
from termhub.hub.console import Console
from termhub.hub.viewers import Viewer
from termhub.store import Role, User
from tests.support.real_hub import RealHubCase

PROMPT_MARK = re.compile(rb"\x1b\]133;[^\x07]*\x07")


class Terminal:
    """A client that acknowledges what it is sent and resends what is not accepted."""

    def __init__(self, number: int, reads: bool = True) -> None:
        self.number = number
        self.reads = reads
        self.offset: int | None = None
        self.text = bytearray()
        self.keyframes = 0
        self.received_bytes = 0
        self.closed: int | None = None
        self.viewer: Viewer | None = None
        self.typed = 0
        self.accepted = 0
        self._pending = bytearray()
        self._decoder = frames.Decoder()
        self._waiting: tuple[Callable[[], object], Deferred[None]] | None = None

    def attach(self, console: Console, user: User, role: Role = "owner") -> None:
        hello = {"version": 1, "viewer": f"{self.number:x}", "windows": {"0": self.offset}}
        self.viewer = console.attach(self, user, role, hello)
        if self._pending:
            self._send(self.accepted, bytes(self._pending))

    def type(self, data: bytes) -> None:
        start, self.typed = self.typed, self.typed + len(data)
        self._pending += data
        self._send(start, data)

    def _send(self, sequence: int, data: bytes) -> None:
        assert self.viewer is not None
        for start in range(0, len(data), 30_000):
            piece = data[start : start + 30_000]
            packed = frames.input_(0, self.number, sequence + start, piece)
            self.viewer.receive(*frames.Decoder().feed(packed))

    def until(self, condition: Callable[[], object]) -> Deferred[None]:
        """Fires when the condition holds."""
        done: Deferred[None] = Deferred()
        self._waiting = (condition, done)
        self._check()
        done.addTimeout(60, reactor)  # type: ignore[arg-type]
        done.addErrback(lambda failure: failure.raiseException(), self)
        return done

    def until_text(self, pattern: str) -> Deferred[None]:
        """Fires when the text since the last keyframe matches, without the marks around prompts."""
        return self.until(lambda: re.search(pattern.encode(), PROMPT_MARK.sub(b"", self.text)))

    def _check(self) -> None:
        if self._waiting is not None and self._waiting[0]():
            (_, done), self._waiting = self._waiting, None
            done.callback(None)

    # -- what the hub calls ----------------------------------------------------------

    def send(self, data: bytes) -> None:
        self.received_bytes += len(data)
        for frame in self._decoder.feed(data):
            if frame.type == frames.OUTPUT:
                offset, piece = frames.parse_output(frame.payload)
                assert offset == self.offset
                self.offset = offset + len(piece)
                self.text += piece
            elif frame.type == frames.KEYFRAME:
                self.offset, _, _, piece = frames.parse_keyframe(frame.payload)
                self.keyframes += 1
                self.text[:] = piece
            elif frame.type == frames.ACCEPTED:
                _, accepted = frames.parse_accepted(frame.payload)
                if accepted > self.accepted:
                    del self._pending[: accepted - self.accepted]
                    self.accepted = accepted
        if self.reads and self.offset is not None:
            # As over a network: the acknowledgement comes later, not out of our own send.
            reactor.callLater(0, self._acknowledge, self.offset)  # type: ignore[attr-defined]
        self._check()

    def _acknowledge(self, offset: int) -> None:
        if self.viewer is not None and self.viewer.is_attached:
            self.viewer.receive(*frames.Decoder().feed(frames.ack(0, offset)))

    def close(self, code: int, reason: str) -> None:
        self.closed = code

    def pause_input(self) -> None:
        pass

    def resume_input(self) -> None:
        pass


class RealTests(RealHubCase):
    async def _terminal(self, console: Console, number: int) -> Terminal:
        terminal = Terminal(number)
        terminal.attach(console, self.user)
        await terminal.until_text(r">>> ")
        return terminal

    async def test_two_viewers_see_the_same_answer(self) -> None:
        console = await self.console()
        self.assertEqual(console.state, "running")
        one = await self._terminal(console, 1)
        two = await self._terminal(console, 2)
        one.type(b"6*7\r")
        await one.until_text(r"\n42\r\n>>> ")
        await two.until_text(r"\n42\r\n>>> ")
        shown = await console.text(0)
        self.assertIn("42", shown.lines)
        offset, data = await console.output(0, 0)
        self.assertEqual(offset, 0)
        self.assertIn(b"42", data)

    async def test_viewers_go_on_and_input_is_done_once_when_the_host_is_killed(self) -> None:
        console = await self.console()
        one = await self._terminal(console, 1)
        two = await self._terminal(console, 2)
        one.type(b"typed = []\r")
        before = 0
        for number in range(600):
            one.type(b"typed.append(%d)\r" % number)
            if number in (100, 300, 500):
                await one.until(lambda before=before: one.accepted > before)  # the successor is at work
                before = one.typed
                self.kill_host(console)
        one.type(b"print('same', typed == list(range(600)))\r")
        await one.until_text(r"same True")
        await two.until_text(r"same True")
        self.assertIsNone(one.closed)
        self.assertEqual(console.state, "running")

    async def test_viewer_that_never_reads_costs_and_slows_nobody(self) -> None:
        console = await self.console()
        fast = await self._terminal(console, 1)
        stuck = Terminal(2, reads=False)
        stuck.attach(console, self.user)
        fast.type(b"for i in range(60000): print(i, 'x' * 60)\n\r")
        await fast.until_text(r"59999 x+\r\n>>> ")
        self.assertLess(stuck.received_bytes, 200_000)

    async def test_new_hub_finds_the_console_and_resumes_by_offset(self) -> None:
        console = await self.console(name="mine")
        terminal = await self._terminal(console, 1)
        terminal.type(b"import time\r")
        terminal.type(b"for i in range(40): print('line', i); time.sleep(0.05)\n\r")
        await terminal.until_text(r"line 3\r\n")
        keyframes = terminal.keyframes
        await self.hub.stop()
        self.assertEqual(terminal.closed, 1012)
        self.hub = await self.new_hub()
        console = self.hub.consoles.get(self.user, "mine")
        terminal.attach(console, self.user)
        await terminal.until_text(r"line 39\r\n>>> ")
        self.assertEqual(terminal.keyframes, keyframes)
        numbers = [int(n) for n in re.findall(rb"line (\d+)\r\n", bytes(terminal.text))]
        self.assertEqual(numbers, list(range(40)))

    async def test_console_that_ends_keeps_its_last_screen(self) -> None:
        console = await self.console()
        terminal = await self._terminal(console, 1)
        terminal.type(b"print('good' + 'bye'); exit(3)\r")
        await terminal.until(lambda: console.has_ended)
        self.assertIn("3", str(console.reason))
        late = Terminal(2)
        late.attach(console, self.user)
        await late.until_text("goodbye")
        self.assertIn("goodbye", (await console.text(0)).lines)
        await self.hub.consoles.remove(console)
        self.assertEqual(list((self.data / "run" / "consoles").iterdir()), [])

    async def test_windows_open_and_close(self) -> None:
        console = await self.console()
        number = await console.open_window(cols=90, rows=20)
        self.assertEqual(number, 1)
        await console.input(self.user, "owner", number, b"echo $((6*7))$COLUMNS; stty size\n")
        while "20 90" not in (await console.text(number)).lines:
            offset = (await console.text(number)).offset
            await console.output(number, offset, wait_seconds=5)
        await console.close_window(number)
        terminal = await self._terminal(console, 1)
        await terminal.until(lambda: number not in console.windows)

    async def test_resize_reaches_the_program(self) -> None:
        console = await self.console()
        terminal = await self._terminal(console, 1)
        assert terminal.viewer is not None
        terminal.viewer.receive(*frames.Decoder().feed(frames.resize(0, 101, 31)))
        await terminal.until(lambda: console.windows[0].cols == 101)
        terminal.type(b"import os; os.get_terminal_size()\r")
        await terminal.until_text(r"columns=101, lines=31")
