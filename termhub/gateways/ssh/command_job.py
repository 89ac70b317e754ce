"""Commands that print and end.

Invariant: what a command may do is asked of the hub each time, by the role of whoever runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import BadRequest, ConsoleError, NoSuchConsole, NotAllowed, TermhubError
from termhub.gateways.tui.interface import Start
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from termhub.hub.requests import MAX_WAIT_SECONDS, READ_BYTES
from termhub.store import Role, User

from ..guests import OVER
from ..listing import console_table, json_text, plain, table
from ..queries import QueryFilter
from .channel import Channel
from .commands import Attach, Help, Kill, List, Logs, New, Printing, Rename, Screen, Share, Shares, Unshare
from .first_line import FirstLine
from .job import FAILED, USAGE, PersonTerminal, Services
from .printer import Printer
from .sharing import Sharing

FILTERED_BYTES = 4096
"""Output is read so little at a time where it is filtered: that takes a microsecond for a byte."""

INTERRUPTED = 130

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
        self._printer = Printer(channel, terminal is not None)
        self._input = FirstLine()
        self._running: Deferred[None] | None = None

    # -- a session's job -----------------------------------------------------------------

    def begin(self) -> None:
        """Run it."""
        if self._terminal is None or not isinstance(self._command, New | Attach):
            self._channel.resume()  # else what is typed meanwhile is for the console
        self._running = Deferred.fromCoroutine(self._run_to_end())
        self._running.addErrback(self._failed)

    def receive(self, data: bytes) -> None:
        """Ctrl-C in a terminal ends a command; most read nothing else."""
        if self._terminal is not None and b"\x03" in data:
            self._stop()
            self._channel.exit(INTERRUPTED)
        else:
            self._input.receive(data)

    def ended_input(self) -> None:
        """Whoever waits for a line has all there is."""
        self._input.end()

    def drained(self) -> None:
        """Go on printing, if the client takes more."""
        self._printer.drained()

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
        self._channel.write(self._printer.encoded(f"termhub: {reason}\n"), to_stderr=True)

    def lost(self) -> None:
        """Nobody waits for it."""
        self._stop()

    def _stop(self) -> None:
        if isinstance(self._command, Logs | Screen) or self._input.is_awaited:
            running, self._running = self._running, None
            if running is not None:
                running.cancel()
        # What changes something is done to its end; only nobody is told any more.
        self._printer.release()

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            _log.failure("A command of {user} over ssh failed", failure, user=self._user.name)
            self._channel.write(b"termhub: The hub failed because of a defect; its log says more.\n", True)
            self._channel.exit(FAILED)

    # -- running -------------------------------------------------------------------------

    async def _run_to_end(self) -> None:
        try:
            status = await self._run()
        except TermhubError as error:
            await self._printer.complain(error.message)
            status = FAILED
        if isinstance(status, Start):
            self._show(status)
        else:
            self._channel.exit(status)

    async def _run(self) -> int | Start:
        """The exit status, or what the terminal UI is to show."""
        command = self._command
        match command:
            case Help():
                await self._printer.result(command.text)
            case New():
                return await self._new(command)
            case Attach():
                return await self._attach(command)
            case List():
                await self._list(command)
            case Kill():
                return await self._kill(command)
            case Rename():
                console = self._get(command.name, "owner")
                await self._services.consoles.rename(console, command.new_name)
                await self._printer.note(f"{plain(command.name)} is {console.name} now.")
            case Logs():
                await self._logs(command)
            case Screen():
                await self._screen(command)
            case Share() | Shares() | Unshare():
                console = self._get(command.name, "owner")
                sharing = Sharing(self._services, self._user, console, self._printer, self._input)
                return await sharing.run(command)
            case _:
                assert_never(command)
        return 0

    def _get(self, name: str, at_least: Role) -> Console:
        """A console in which the user has this role, or a higher one; raises NotAllowed with a lower one."""
        try:
            return self._services.consoles.get(self._user, name, at_least)
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
        await self._printer.result(f"{console.name}\n")
        return 0

    async def _attach(self, command: Attach) -> int | Start:
        if self._terminal is None:
            await self._printer.complain(
                "attach shows a console in your terminal, and ssh was not asked for one: "
                f"ssh -t HOST attach {plain(command.name)}"
            )
            return USAGE
        try:
            at_least: Role = "owner" if command.detach_others else "observer"
            console = self._services.consoles.get(self._user, command.name, at_least)
        except NoSuchConsole:
            if not command.create:
                raise NoSuchConsole(
                    f"You have no console named {plain(command.name)}. `ls` lists yours; "
                    f"`attach -A {plain(command.name)}` makes it."
                ) from None
            console = await self._create(None, None, command.name)
        if console.has_ended and command.create and console.owner == self._user.number:
            await self._services.consoles.remove(console)
            console = await self._create(None, None, console.name)
        if console.has_ended:
            raise ConsoleError(
                f"The console {console.name} has ended ({console.reason or 'no reason known'}). "
                f"`new` makes another; `kill --remove {plain(console.name)}` frees its name."
            )
        return Start(console, read_only=command.read_only, detach_others=command.detach_others)

    async def _list(self, command: List) -> None:
        consoles = self._services.consoles
        told = [
            {
                **msgspec.to_builtins(each.describe()),
                "owner": consoles.owner_name(each),
                "role": consoles.role_of(self._user, each),
            }
            for each in [*consoles.of(self._user), *consoles.shared(self._user)]
        ]
        if command.as_json:
            await self._printer.result(json_text(told) + "\n")
        elif told:
            # A guest may be called like an account, and owns nothing.
            me = "" if self._user.is_guest else self._user.name
            lines = table(*console_table(told, self._services.now(), me))
            await self._printer.result("".join(f"{line}\n" for line in lines))
        else:
            await self._printer.note("No consoles. `new` makes one.")

    async def _kill(self, command: Kill) -> int:
        status = 0
        for name in command.names:
            try:
                console = self._get(name, "owner")
                if not console.has_ended:
                    await self._services.consoles.end(console, "ended by its owner")
                if command.remove:
                    await self._services.consoles.remove(console)
                await self._printer.note(f"{'Removed' if command.remove else 'Ended'} {console.name}.")
            except TermhubError as error:
                await self._printer.complain(error.message)
                status = FAILED
        return status

    async def _logs(self, command: Logs) -> None:
        console = self._get(command.name, "observer")
        if console.has_ended:
            await self._printer.note(f"{console.name} has ended ({console.reason}); this is its last screen.")
            await self._printer.result(_lines(await console.text(command.window)))
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
                if self._services.consoles.role_of(self._user, console) is None:
                    raise NotAllowed(OVER)
                if not data and not command.follow:
                    return
                position = offset + len(data)
                await self._printer.write(data if command.raw else queries.feed(data))
        except (ConsoleError, BadRequest):
            if not (command.follow and (console.has_ended or command.window not in console.windows)):
                raise

    async def _screen(self, command: Screen) -> None:
        shown = await self._get(command.name, "observer").text(command.window)
        if command.as_json:
            await self._printer.result(json_text(msgspec.to_builtins(shown)) + "\n")
        else:
            await self._printer.result(_lines(shown))


def _lines(shown: Any) -> str:
    """A screen's lines, without the empty ones at its end."""
    return "\n".join(plain(line).rstrip() for line in shown.lines).rstrip("\n") + "\n"
