"""The terminal UI with a real hub, hosts and sandboxes; only the person's terminal is played."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from termhub.gateways.tui.interface import Services, Start
from termhub.gateways.tui.memory import Memory
from termhub.gateways.tui.terminal import Terminal
from termhub.gateways.tui.ui import TerminalUI
from termhub.store import User
from tests.support.real_hub import RealHubCase
from tests.support.terminal_ui import PlayedTerminal

WAIT_SECONDS = 60


class WatchedTerminal(PlayedTerminal):
    """Tells when it shows something."""

    def __init__(self, cols: int, rows: int) -> None:
        super().__init__(cols, rows)
        self._waiting: tuple[Callable[[], object], Deferred[None]] | None = None

    def write(self, data: bytes) -> None:
        super().write(data)
        self._check()

    def resume_input(self) -> None:
        super().resume_input()
        self._check()

    def finish(self, status: int, words: str) -> None:
        super().finish(status, words)
        self._check()

    def _check(self) -> None:
        if self._waiting is not None and self._waiting[0]():
            (_, done), self._waiting = self._waiting, None
            # Not from within what the UI is doing.
            reactor.callLater(0, done.callback, None)  # type: ignore[attr-defined]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds."""
        done: Deferred[None] = Deferred()
        self._waiting = (condition, done)
        self._check()
        done.addTimeout(WAIT_SECONDS, reactor)  # type: ignore[arg-type]
        done.addErrback(lambda failure: self._late(failure))
        await done

    def _late(self, failure: object) -> None:
        raise AssertionError(f"{failure}; the terminal shows\n{self.text}")

    async def until_line(self, *lines: str) -> None:
        """Wait until these rows stand below each other."""
        await self.until(lambda: "\n".join(lines) in self.text)

    def press(self, data: bytes) -> None:
        assert self.ui is not None
        self.ui.receive(data)


class RealHubTests(RealHubCase):
    timeout = 240

    async def setUp(self) -> None:
        await super().setUp()
        self.services = Services(
            consoles=self.hub.consoles,
            store=self.hub.store,
            clock=reactor,  # type: ignore[arg-type]
            now=reactor.seconds,  # type: ignore[attr-defined]
            memory=Memory(),
            shares=self.hub.shares,
        )

    def _sit_down(
        self, start: Start | None = None, user: User | None = None, cols: int = 80
    ) -> WatchedTerminal:
        terminal = WatchedTerminal(cols, 24)
        ui = TerminalUI(
            self.services,
            user or self.user,
            Terminal.of("xterm-256color", "", "C.UTF-8"),
            cols,
            24,
            terminal,
            start or Start(),
        )
        terminal.ui = ui
        ui.begin()
        self.addCleanup(ui.lost, "the test is over")
        return terminal

    async def test_a_person_works_leaves_and_comes_back(self) -> None:
        terminal = self._sit_down()
        await terminal.until_line(">>>")
        terminal.press(b"6*7\r")
        await terminal.until_line(">>> 6*7", "42", ">>>")
        terminal.press(b'\x02"')
        await terminal.until(lambda: "1:bash*" in terminal.lines[-1])
        terminal.press(b"echo low$((1+1))er; stty size\r")
        await terminal.until(lambda: "low2er" in terminal.lines and "11 80" in terminal.lines)
        self.assertIn(">>> 6*7", terminal.lines, "both panes are shown")
        terminal.press(b"\x02z")
        await terminal.until(lambda: "1:bash*Z" in terminal.lines[-1] and "42" not in terminal.lines)
        terminal.press(b"\x02z\x02\x1b[A")
        await terminal.until(lambda: "0:python" in terminal.lines[-1] and "42" in terminal.lines)
        terminal.press(b"\x02d")
        await terminal.until(lambda: terminal.finished)

        again = self._sit_down()
        await again.until(lambda: "low2er" in again.lines and "42" in again.lines)
        again.press(b"for i in range(300): print('number', i)\n\r")
        await again.until_line("number 299", ">>>")
        again.press(b"\x02[g/number 77\r")
        await again.until(lambda: "number 77" in again.lines)
        again.press(b" $\r")
        await again.until(lambda: "Copied 9 characters" in again.lines[-1])
        again.press(b"\x02]")
        await again.until_line(">>> number 77")
        again.press(b"\x15\x02o\x02x")
        await again.until(lambda: "Close 1:bash?" in again.lines[-1])
        again.press(b"y")
        await again.until(lambda: "1:bash" not in again.lines[-1] and ">>>" in again.lines)
        again.press(b"\x02Xy")
        await again.until(lambda: "has ended: ended by its owner" in again.text)
        self.assertIn("number 298", again.lines)
        late = self._sit_down(Start(console=self.hub.consoles.of(self.user)[0]))
        await late.until(lambda: "has ended" in late.text and "number 298" in late.lines)
        late.press(b"q")
        await late.until(lambda: late.finished)

    async def test_two_people_work_together(self) -> None:
        owner = self._sit_down(cols=120)
        await owner.until_line(">>>")
        owner.press(b"\x02$\x15demo\r")
        await owner.until(lambda: "[demo]" in owner.lines[-1])
        owner.press(b"\x02as")
        await owner.until(lambda: "Make the link" in owner.text)
        owner.press(b"\x1b[B" * 5 + b"\r")
        await owner.until(lambda: "demo is shared" in owner.text)
        (share,) = await self.hub.shares.of(self.hub.consoles.of(self.user)[0].id)
        self.assertEqual(share.role, "observer")
        # The hub of this test has no gateways, so that the link leads nowhere; a token comes from another.
        console = self.hub.consoles.of(self.user)[0]
        _, token = await self.hub.shares.create(console.id, self.user, "observer")
        assert token is not None
        taken = await self.hub.shares.take(token, user=None, name="bob", passphrase=None, address="127.0.0.1")
        owner.press(b"q")
        guest = self._sit_down(user=taken.user, cols=120)
        await guest.until(lambda: ">>>" in guest.lines and "read-only" in guest.lines[-1])
        await owner.until(lambda: " bob? " in owner.lines[-1])
        guest.press(b"\x02Tmay I?\r\x03")
        await owner.until(lambda: "bob?: may I?" in owner.lines[-1])
        owner.press(b"\x02a\x1b[Bp")
        await guest.until(lambda: "You may type" in guest.lines[-1])
        owner.press(b"q")
        guest.press(b"6*7\r")
        await owner.until_line(">>> 6*7", "42", ">>>")
        owner.press(b"\x02[kka")
        await owner.until(lambda: "typed this line" in owner.lines[-1])
        owner.press(b"v$\r")
        await owner.until(lambda: "Copied" in owner.lines[-1])
        owner.press(b"\x02eo")
        await guest.until(lambda: "1 draft" in guest.lines[-1])
        guest.press(b"\x02er")
        await owner.until(lambda: "ran admin's draft" in owner.lines[-1])
        owner.press(b"q\x02am")
        await guest.until(lambda: "has control" in guest.lines[-1])
        guest.press(b"lost")
        await guest.until(lambda: "typing does nothing" in guest.lines[-1])
        owner.press(b"\x1b[Bx")
        await owner.until(lambda: "Send bob (guest) away?" in owner.lines[-1])
        owner.press(b"n")
        await self.hub.shares.revoke_all(console.id, self.user)
        await guest.until(lambda: guest.finished)
        self.assertIn("shared", str(guest.finished))

    async def test_a_flood_is_skipped_and_a_paste_arrives_whole(self) -> None:
        terminal = self._sit_down()
        await terminal.until_line(">>>")
        terminal.press(b"while True: print('flood' * 10)\n\r")
        await terminal.until_line("flood" * 10, "flood" * 10)
        terminal.press(b"\x03")
        # What print had not flushed yet, a part of a line even, may still come behind the traceback.
        await terminal.until(lambda: re.search(r"KeyboardInterrupt\n[^>]*>>>", terminal.text))
        terminal.press(b"\x02c")
        await terminal.until(lambda: "1:bash*" in terminal.lines[-1] and "$" in terminal.text)
        # Without echo: the terminal's may come behind what the program prints at the end.
        terminal.press(b"stty -echo; echo rea''dy; md5sum\r")
        await terminal.until_line("ready")
        text = b"".join(b"line %058d\r" % number for number in range(5_000))
        pasted = b"\x1b[200~" + text + b"\x1b[201~\x04"
        for start in range(0, len(pasted), 10_000):
            await terminal.until(lambda: not terminal.is_paused)
            terminal.press(pasted[start : start + 10_000])
        digest = hashlib.md5(text.replace(b"\r", b"\n")).hexdigest()
        await terminal.until(lambda: f"{digest}  -" in terminal.lines)
