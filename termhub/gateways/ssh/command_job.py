"""Commands that print and end.

Invariant: what a command prints waits in it, not in the channel: it prints only when the client
takes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import BadRequest, ConsoleError, NoSuchConsole, TermhubError
from termhub.gateways.tui.interface import Start
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from termhub.hub.requests import MAX_WAIT_SECONDS, READ_BYTES
from termhub.store import User

from ..listing import CONSOLE_HEAD, console_rows, json_text, plain, table
from ..queries import QueryFilter
from .channel import Channel
from .commands import Attach, Help, Kill, List, Logs, New, Printing, Rename, Screen
from .job import PersonTerminal, Services

PIECE_BYTES = 32 * 1024
FILTERED_BYTES = 4096
"""Output is read so little at a time where it is filtered: that takes a microsecond for a byte."""

INTERRUPTED = 130
USAGE = 2

_log = Logger()


class CommandJob:
    """One command of one session.

    :param terminal: the client's; None when it has none.
    :param show: called with what the terminal UI is to show, where the command asks for that.
    """

    def __init__(
        self,
        command: Printing,
        services: Services,
        user: User,
        channel: Channel,
        terminal: PersonTerminal | None,
        show: Callable[[Start], None],
    ) -> None:
        self._command = command
        self._services = services
        self._user = user
        self._channel = channel
        self._terminal = terminal
        self._show = show
        self._room: Deferred[None] | None = None
        self._running: Deferred[None] | None = None

    # -- a session's job -----------------------------------------------------------------

    def begin(self) -> None:
        """Run it."""
        if self._terminal is None or not isinstance(self._command, New | Attach):
            self._channel.resume()  # else what is typed meanwhile is for the console
        self._running = Deferred.fromCoroutine(self._run_to_end())
        self._running.addErrback(self._failed)

    def receive(self, data: bytes) -> None:
        """Commands read nothing; Ctrl-C in a terminal ends them."""
        if self._terminal is not None and b"\x03" in data:
            self._stop()
            self._channel.exit(INTERRUPTED)

    def ended_input(self) -> None:
        """Commands read nothing."""

    def drained(self) -> None:
        """Go on printing, if the client takes more."""
        room = self._room
        if room is not None and self._channel.is_writable:
            self._room = None
            room.callback(None)

    def resized(self, cols: int, rows: int) -> None:
        """Commands do not draw."""

    def signal(self, name: str) -> bool:
        """End the command, as the signal would end a program."""
        if name not in ("INT", "TERM", "HUP", "QUIT", "KILL"):
            return False
        self._stop()
        self._channel.exit_signal(name)
        return True

    def end(self, reason: str) -> None:
        """Say why."""
        self._channel.write(self._encoded(f"termhub: {reason}\n"), to_stderr=True)

    def lost(self) -> None:
        """Nobody waits for it."""
        self._stop()

    def _stop(self) -> None:
        if isinstance(self._command, Logs | Screen):
            running, self._running = self._running, None
            if running is not None:
                running.cancel()
        # What changes something is done to its end; only nobody is told any more.
        room, self._room = self._room, None
        if room is not None and not room.called:
            room.callback(None)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            _log.failure("A command of {user} over ssh failed", failure, user=self._user.name)
            self._channel.write(b"termhub: The hub failed because of a defect; its log says more.\n", True)
            self._channel.exit(1)

    # -- running -------------------------------------------------------------------------

    async def _run_to_end(self) -> None:
        try:
            status = await self._run()
        except TermhubError as error:
            await self._complain(error.message)
            status = 1
        if isinstance(status, Start):
            self._show(status)
        else:
            self._channel.exit(status)

    async def _run(self) -> int | Start:
        """The exit status, or what the terminal UI is to show."""
        command = self._command
        match command:
            case Help():
                await self._print(command.text)
            case New():
                return await self._new(command)
            case Attach():
                return await self._attach(command)
            case List():
                await self._list(command)
            case Kill():
                return await self._kill(command)
            case Rename():
                console = self._get(command.name)
                await self._services.consoles.rename(console, command.new_name)
                await self._note(f"{plain(command.name)} is {console.name} now.")
            case Logs():
                await self._logs(command)
            case Screen():
                await self._screen(command)
            case _:
                assert_never(command)
        return 0

    def _get(self, name: str) -> Console:
        try:
            return self._services.consoles.get(self._user, name)
        except NoSuchConsole:
            raise NoSuchConsole(f"You have no console named {plain(name)}; `ls` lists yours.") from None

    async def _create(self, program: str | None, image: str | None, name: str | None) -> Console:
        new = NewConsole(name=name, program=program, image=image)
        if self._terminal is not None:
            new = NewConsole(name, program, image, self._terminal.cols, self._terminal.rows)
        return await self._services.consoles.create(self._user, new)

    async def _new(self, command: New) -> int | Start:
        console = await self._create(command.program, command.image, command.name)
        if self._terminal is not None:
            return Start(console)
        await self._print(f"{console.name}\n")
        return 0

    async def _attach(self, command: Attach) -> int | Start:
        if self._terminal is None:
            await self._complain(
                "attach shows a console in your terminal, and ssh was not asked for one: "
                f"ssh -t HOST attach {plain(command.name)}"
            )
            return USAGE
        try:
            console = self._services.consoles.get(self._user, command.name)
        except NoSuchConsole:
            if not command.create:
                raise NoSuchConsole(
                    f"You have no console named {plain(command.name)}. `ls` lists yours; "
                    f"`attach -A {plain(command.name)}` makes it."
                ) from None
            console = await self._create(None, None, command.name)
        if console.has_ended:
            raise ConsoleError(
                f"The console {console.name} has ended ({console.reason or 'no reason known'}). "
                f"`new` makes another; `kill --remove {plain(console.name)}` frees its name."
            )
        return Start(console, read_only=command.read_only, detach_others=command.detach_others)

    async def _list(self, command: List) -> None:
        told = [dict(msgspec.to_builtins(each.describe())) for each in self._services.consoles.of(self._user)]
        if command.as_json:
            await self._print(json_text(told) + "\n")
        elif told:
            lines = table(CONSOLE_HEAD, console_rows(told, self._services.now()))
            await self._print("".join(f"{line}\n" for line in lines))
        else:
            await self._note("No consoles. `new` makes one.")

    async def _kill(self, command: Kill) -> int:
        status = 0
        for name in command.names:
            try:
                console = self._get(name)
                if not console.has_ended:
                    await self._services.consoles.end(console, "ended by its owner")
                if command.remove:
                    await self._services.consoles.remove(console)
                await self._note(f"{'Removed' if command.remove else 'Ended'} {console.name}.")
            except TermhubError as error:
                await self._complain(error.message)
                status = 1
        return status

    async def _logs(self, command: Logs) -> None:
        console = self._get(command.name)
        if console.has_ended:
            await self._note(f"{console.name} has ended ({console.reason}); this is its last screen.")
            await self._print(_lines(await console.text(command.window)))
            return
        # What a window that nobody looks at has written, only its host knows.
        end = (await console.text(command.window)).offset
        queries = QueryFilter()
        limit = READ_BYTES if command.raw else FILTERED_BYTES
        position = 0
        try:
            while command.follow or position < end:
                wait = MAX_WAIT_SECONDS if command.follow else 0.0
                offset, data = await console.output(command.window, position, wait, limit)
                if not data and not command.follow:
                    return
                position = offset + len(data)
                await self._write(data if command.raw else queries.feed(data))
        except (ConsoleError, BadRequest):
            if not (command.follow and (console.has_ended or command.window not in console.windows)):
                raise

    async def _screen(self, command: Screen) -> None:
        shown = await self._get(command.name).text(command.window)
        if command.as_json:
            await self._print(json_text(msgspec.to_builtins(shown)) + "\n")
        else:
            await self._print(_lines(shown))

    # -- printing ------------------------------------------------------------------------

    async def _print(self, text: str) -> None:
        await self._write(self._encoded(text))

    async def _note(self, text: str) -> None:
        await self._write(self._encoded(f"{text}\n"), to_stderr=True)

    async def _complain(self, text: str) -> None:
        await self._note(f"termhub: {text}")

    def _encoded(self, text: str) -> bytes:
        # The client's terminal is raw while it has one here.
        if self._terminal is not None:
            text = text.replace("\n", "\r\n")
        return text.encode("utf-8", "replace")

    async def _write(self, data: bytes, to_stderr: bool = False) -> None:
        for start in range(0, len(data), PIECE_BYTES):
            while self._channel.is_open and not self._channel.is_writable:
                room = self._room = Deferred()
                await room
            self._channel.write(data[start : start + PIECE_BYTES], to_stderr)


def _lines(shown: Any) -> str:
    """A screen's lines, without the empty ones at its end."""
    return "\n".join(plain(line).rstrip() for line in shown.lines).rstrip("\n") + "\n"
