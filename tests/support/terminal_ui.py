"""The terminal UI with everything behind it, in memory: hub console, host, screens; clocks by hand.

Only the agent and the person's terminal are played.  What the UI writes is read by a screen of ours
(pyte), as a terminal would show it; what such a terminal answers goes back to the UI.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import BadRequest, NameTaken, TermhubError
from termhub.gateways.tui.interface import Services, Start
from termhub.gateways.tui.memory import Memory
from termhub.gateways.tui.terminal import Terminal
from termhub.gateways.tui.turns import Turns
from termhub.gateways.tui.ui import TerminalUI
from termhub.host.console import Console as HostConsole
from termhub.host.console import Surroundings
from termhub.host.journal import Journals
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from termhub.hub.ended import Ended
from termhub.hub.invitations import Invitation, invitation
from termhub.hub.link import HostLink
from termhub.screen import Screen, open_screen
from termhub.store import ConsoleRecord, Role, Share, User
from tests.support.console_core import FakeClock, FakeMemory
from tests.support.hub_fakes import FakeBacking

USER = User(7, "alice", 0.0, "default")
BOB = User(8, "bob", 0.0, "default")
GUEST = User(-3, "carol", 0.0, "guest")
STEP_SECONDS = 0.02


class _Wire:
    """What a hub's link writes to: kept until the link's other end is read."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> None:
        self.written += data

    def abortConnection(self) -> None:
        pass


class PlayedConsole:
    """A hub's console linked to a host, whose agent the test plays.

    :ivar typed: what each window's program was given.
    """

    def __init__(self, world: World, folder: Path, record: ConsoleRecord, cols: int, rows: int) -> None:
        self.world = world
        self.typed: dict[int, bytes] = {0: b""}
        self.sizes: dict[int, tuple[int, int]] = {0: (cols, rows)}
        self.answers: Callable[[int, bytes], bytes] | None = None
        self.takes_input = True
        self.refused: list[frames.Frame] = []
        self._offsets: dict[int, int] = {0: 0}
        self._held: list[frames.Frame] = []
        numbers = random.Random(5)
        self.memory = FakeMemory()
        self._journals = Journals(folder)
        self.host = HostConsole(
            record.id,
            "none",
            self._journals,
            Surroundings(
                clock=world.host_clock.now,
                unix_time=world.host_clock.now,
                call_later=world.host_clock.call_later,
                open_screen=lambda cols, rows: open_screen(cols, rows, engine="pyte"),
                random_number=lambda: numbers.getrandbits(64),
                kill=lambda: None,
                processor_time=world.host_clock.now,
                memory=self.memory,
            ),
        )
        self.host.open_first(["/usr/bin/python3"], cols, rows)
        self.host.start()
        self.ended: Ended | None = None

        async def read_ended() -> Ended | None:
            return self.ended

        self.console = Console(
            record,
            world.clock,
            world.now,
            read_ended,
            lambda image, program: [f"/bin/{program}"],
            FakeBacking(lambda user: user.number if (user.number, record.id) in world.shares.roles else None),
        )
        self._wire = _Wire()
        self._hub_link = HostLink(record.id, self.console.host_side, world.clock)
        self._hub_link.transport = self._wire
        self._link = self.host.add_link()

    def link(self) -> None:
        """Let hub and host meet."""
        self._hub_link.connectionMade()
        self.world.settle()

    def close(self) -> None:
        self._journals.close()

    # -- the program ---------------------------------------------------------------

    def print(self, data: bytes | str, window: int = 0) -> None:
        """Output of a window's program."""
        raw = data.encode() if isinstance(data, str) else data
        offset = self._offsets[window]
        self._offsets[window] = offset + len(raw)
        for start in range(0, len(raw), 65536):
            self.host.receive(frames.output(window, offset + start, raw[start : start + 65536]))
        self.world.settle()

    def exit(self, window: int, code: int = 0) -> None:
        """A window's program ends."""
        self._tell(window, {"type": "exit", "code": code})
        self.world.settle()

    def run_out_of_memory(self, window: int = 0) -> None:
        """The kernel ends a window's program, because the console's memory is used up."""
        self.memory.killed += 1
        self._tell(window, {"type": "exit", "signal": "SIGKILL"})
        self.world.settle()

    def close_window(self, window: int) -> None:
        """A window's program is hung up, and the window closed."""
        self._tell(window, {"type": "closed"})
        self.world.settle()

    def die(self, reason: str) -> None:
        """The sandbox is gone."""
        self.console.has_gone(reason)
        self.world.settle()

    def accept(self) -> None:
        """Take the input that was held back."""
        self.takes_input = True
        held, self._held = self._held, []
        for frame in held:
            self._agent(frame)
        self.world.settle()

    # -- moving frames -------------------------------------------------------------

    def pump(self) -> bool:
        """Pass on what waits; whether anything did."""
        moved = False
        while data := self.host.agent.to_send():
            moved = True
            self.host.agent.sent()
            for frame in frames.Decoder().feed(data):
                self._agent(frame)
        while self.host.work(1.0):
            moved = True
        while data := self._link.to_send():
            moved = True
            self._link.sent(len(data))
            self._hub_link.dataReceived(bytes(data))
        if self._wire.written:
            moved = True
            data, self._wire.written = bytes(self._wire.written), bytearray()
            self._link.feed(data)
        return moved

    def _tell(self, window: int, event: dict[str, Any]) -> None:
        self.host.receive(frames.encode_json(frames.EVENT, window, event))

    def _agent(self, frame: frames.Frame) -> None:
        kind, window, payload = frame
        if kind == frames.HELLO:
            nonce = frames.parse_json(payload)["nonce"]
            first = {"window": 0, "argv": ["/usr/bin/python3"], "start": 0, "end": 0, "exit": None}
            cols, rows = self.sizes[0]
            hello = {"version": 1, "nonce": nonce, "windows": [{**first, "cols": cols, "rows": rows}]}
            self.host.receive(frames.encode_json(frames.HELLO, frames.CONSOLE, hello))
        elif kind == frames.INPUT and not self.takes_input:
            self._held.append(frame)
        elif kind == frames.INPUT:
            viewer, sequence, data = frames.parse_input(payload)
            self.typed[window] = self.typed.get(window, b"") + data
            self.host.receive(frames.accepted(window, viewer, sequence + len(data)))
            if self.answers is not None and (output := self.answers(window, data)):
                self.print(output, window)
        elif kind == frames.RESIZE:
            self.sizes[window] = frames.parse_resize(payload)
            self.host.receive(frames.resize(window, *self.sizes[window]))
        elif kind == frames.REQUEST:
            self._asked(frames.parse_json(payload))

    def _asked(self, request: dict[str, Any]) -> None:
        window, op = request.get("window"), request["op"]
        reply = {"id": request["id"], "ok": True}
        if op == "open":
            self._offsets.setdefault(window, 0)
            self.typed.setdefault(window, b"")
            self.sizes[window] = (request["cols"], request["rows"])
            opened = {key: request[key] for key in ("argv", "cols", "rows")}
            self._tell(window, {"type": "opened", **opened})
        self.host.receive(frames.encode_json(frames.REPLY, frames.CONSOLE, reply))
        if op == "close":
            self._tell(window, {"type": "closed"})
            del self._offsets[window]


class PlayedTerminal:
    """The person's terminal: a transport whose bytes a screen shows."""

    def __init__(self, cols: int, rows: int) -> None:
        self.screen: Screen = open_screen(cols, rows, scrollback=0, engine="pyte")
        self.ui: TerminalUI | None = None
        self.is_clear = True
        self.is_paused = False
        self.finished: tuple[int, str] | None = None
        self.written = b""
        self.answers = True

    def write(self, data: bytes) -> None:
        assert self.finished is None, "written after the end"
        self.written += data
        answer = self.screen.feed(data)
        if answer and self.answers and self.ui is not None:
            self.ui.receive(answer)

    def pause_input(self) -> None:
        self.is_paused = True

    def resume_input(self) -> None:
        self.is_paused = False

    def finish(self, status: int, words: str) -> None:
        self.finished = (status, words)

    @property
    def lines(self) -> list[str]:
        """What is shown, row by row, without blanks at the ends."""
        return [line.rstrip() for line in self.screen.text()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class FakeStore:
    """Settings in memory."""

    def __init__(self) -> None:
        self.kept: dict[int, dict[str, Any]] = {}

    async def settings(self, user: int) -> dict[str, Any]:
        return dict(self.kept.get(user, {}))

    async def set_settings(self, user: int, settings: dict[str, Any]) -> None:
        self.kept[user] = settings


class FakeShares:
    """Shares in memory: of roles, what the tests say; of shares, those that were made."""

    def __init__(self, world: World) -> None:
        self.roles: dict[tuple[int, str], Role] = {}
        self.made: list[tuple[Share, str | None]] = []
        self._world = world

    def let_in(self, user: User, console: Console, role: Role) -> None:
        """Somebody has a role in a console."""
        self.roles[user.number, console.id] = role
        self._changed(console.id)

    def _changed(self, console: str) -> None:
        played = self._world.played[console].console
        played.access_changed(lambda user: self._world.role_of(user, played))

    async def create(
        self,
        console: str,
        by: User,
        role: Role,
        *,
        user: str | None = None,
        seconds: float = 86400.0,
        uses: int | None = None,
        passphrase: str | None = None,
    ) -> tuple[Share, str | None]:
        if user == "nobody":
            raise BadRequest("There is no account 'nobody' here.")
        now = self._world.now()
        share = Share(
            f"s-{len(self.made):010}",
            console,
            role,
            by.number,
            now,
            now + seconds,
            uses,
            user or "",
            None if user else "hash",
            passphrase,
        )
        made = share, None if user else "thsh_token"
        self.made.append(made)
        return made

    async def of(self, console: str) -> list[Share]:
        return [share for share, _ in self.made]

    async def revoke(self, console: str, share: str, by: User) -> None:
        self.made = [each for each in self.made if each[0].id != share]

    async def set_role(self, console: str, member: int, role: Role) -> None:
        self.roles[member, console] = role
        self._changed(console)

    async def remove(self, console: str, member: int) -> None:
        del self.roles[member, console]
        self._changed(console)


class World:
    """A user's consoles, and people at terminals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.host_clock = FakeClock()
        self.played: dict[str, PlayedConsole] = {}
        self.store = FakeStore()
        self.memory = Memory()
        self.turns = Turns()
        self.shares = FakeShares(self)
        self.refusal: TermhubError | None = None
        self.failures: list[Failure] = []
        self._is_settling = False
        globalLogPublisher.addObserver(self._logged)

    def _logged(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self.failures.append(event["log_failure"])

    def now(self) -> float:
        return 1_700_000_000.0 + self.clock.seconds()

    def close(self) -> None:
        """Clean up; a defect that was logged on the way fails the test."""
        globalLogPublisher.removeObserver(self._logged)
        for played in self.played.values():
            played.close()
        assert not self.failures, self.failures[0].getTraceback()

    # -- what Services.consoles does -------------------------------------------------

    def of(self, user: User) -> list[Console]:
        return [each.console for each in self.played.values() if each.console.owner == user.number]

    def shared(self, user: User) -> list[Console]:
        return [
            each.console
            for each in self.played.values()
            if (user.number, each.console.id) in self.shares.roles
        ]

    def role_of(self, user: User, console: Console) -> Role | None:
        if console.owner == user.number:
            return "owner"
        return self.shares.roles.get((user.number, console.id))

    def owner_name(self, console: Console) -> str:
        return USER.name

    def invitation(self, token: str) -> Invitation:
        return invitation(token, {"web": "http://hub.example/", "ssh": "ssh console@hub.example"})

    async def create(self, user: User, new: NewConsole) -> Console:
        if self.refusal is not None:
            raise self.refusal
        return self.add(new.name or f"python-{len(self.played) + 1}", new.cols, new.rows).console

    async def rename(self, console: Console, name: str) -> None:
        if any(other.name == name for other in self.of(USER)):
            raise NameTaken(f"You have a console {name} already.")
        console.renamed(name)

    async def end(self, console: Console, reason: str = "ended by its owner") -> None:
        console.has_gone(reason)

    async def remove(self, console: Console) -> None:
        console.has_gone("removed by its owner")
        del self.played[console.id]
        for viewer in list(console.viewers.values()):
            viewer.close(4004, "the console was removed")

    # -- for tests -------------------------------------------------------------------

    def add(self, name: str = "demo", cols: int = 80, rows: int = 23, linked: bool = True) -> PlayedConsole:
        """A console that runs."""
        number = len(self.played)
        record = ConsoleRecord(f"c-{'a' * 9}{chr(97 + number)}", 7, name, "python", "3.13", self.now())
        played = PlayedConsole(self, self.folder / f"{number}", record, cols, rows)
        self.played[record.id] = played
        if linked:
            played.link()
        return played

    def sit_down(
        self,
        start: Start | None = None,
        cols: int = 80,
        rows: int = 24,
        term: str = "xterm-256color",
        user: User = USER,
    ) -> PlayedTerminal:
        """Somebody comes, with a terminal of this size."""
        terminal = PlayedTerminal(cols, rows)
        services = Services(
            consoles=self,
            store=self.store,
            clock=self.clock,
            now=self.now,
            memory=self.memory,
            turns=self.turns,
            shares=self.shares,
        )
        ui = TerminalUI(
            services, user, Terminal.of(term, "", "C.UTF-8"), cols, rows, terminal, start or Start()
        )
        terminal.ui = ui
        ui.begin()
        self.advance(0.2)
        return terminal

    def settle(self) -> None:
        """Pass on every frame that waits."""
        if self._is_settling:
            return
        self._is_settling = True
        try:
            while sum(played.pump() for played in list(self.played.values())):
                pass
        finally:
            self._is_settling = False

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end = self.clock.seconds() + seconds
        self.settle()
        while self.clock.seconds() < end:
            self.clock.advance(STEP_SECONDS)
            self.host_clock.advance(STEP_SECONDS)
            self.settle()

    def press(self, terminal: PlayedTerminal, data: str | bytes) -> None:
        """Type, and let things happen."""
        assert terminal.ui is not None
        terminal.ui.receive(data.encode() if isinstance(data, str) else data)
        self.advance(0.2)


def run(steps: Any) -> Any:
    """The result of a coroutine that does not wait."""
    return Deferred.fromCoroutine(steps).result
