"""Where a user's files are reached: a hidden sandbox with the user's home and no program of its own.

File servers (sftp, scp, rsync) run in it as the user, so what their clients ask for, through
whatever links and paths, ends at the walls that hold the user's own programs.  It is made when
it is first needed, shared by all transfers of its user, and ended when the last is over for a
while.

Invariant: at most one for each user and ``total`` for all, also while they are being made; one
that has a stream is never ended here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import PurePath

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import ConsoleError, TermhubError, TooMany
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.console import Console
from termhub.hub.streams import Stream, StreamOwner
from termhub.store import User

PROGRAM = "files"
"""What the store calls the program of such a sandbox; no console of a user can have it."""

WAITING = ("sleep", "infinity")
"""Its window 0, which keeps it alive."""

MOST = 100
"""Most of them in a hub."""

IDLE_SECONDS = 60.0
"""How long one without streams is kept."""

SFTP_SERVER = ("sftp-server", "-e")
"""OpenSSH's file server; what it has to say it says on its standard error output."""

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/lib/openssh:/usr/libexec/openssh:/usr/libexec:/usr/lib/ssh"
_log = Logger()


class Files:
    """The sandboxes for files.

    :param make: makes one for a user.
    :param end: ends one for good.
    :param total: most of all users.
    """

    def __init__(
        self,
        make: Callable[[User], Awaitable[Console]],
        end: Callable[[Console], Awaitable[None]],
        clock: Clock,
        total: int = MOST,
    ) -> None:
        self._make = make
        self._end = end
        self._clock = clock
        self._total = total
        self._ready: dict[int, Console] = {}
        self._making: dict[int, list[Deferred[Console]]] = {}
        self._timers: dict[int, DelayedCall] = {}

    async def run(self, user: User, owner: StreamOwner, argv: Sequence[str]) -> Stream:
        """Start a program in the user's sandbox for files, in the home.

        :param argv: program and arguments; also looked for where OpenSSH has its servers.
        :raises ConsoleError: when it cannot be started, or is not installed (``not_installed``).
        :raises TooMany: when there are as many sandboxes as there may be.
        :raises NoSandbox: when none can be made.
        """
        console = await self._console(user)
        self._cancel_timer(user.number)
        try:
            return await console.run(owner, argv, {"PATH": _PATH})
        except ConsoleError as error:
            if error.code == "cannot_start" and PurePath(argv[0]).name == SFTP_SERVER[0]:
                raise ConsoleError(
                    "File transfer needs OpenSSH's sftp-server on the machine of the hub: "
                    f"apt-get install openssh-sftp-server ({error.message})",
                    "not_installed",
                ) from None
            raise
        finally:
            self._rest(console)

    def adopt(self, console: Console) -> bool:
        """Take over one that an earlier hub made; False when its owner has one."""
        if console.owner in self._ready:
            return False
        self._add(console)
        return True

    def gone(self, console: Console) -> None:
        """A console has ended or is about to: if it is one of these, forget it."""
        if self._ready.get(console.owner) is console:
            del self._ready[console.owner]
            self._cancel_timer(console.owner)

    def stop(self) -> None:
        """Make and end nothing more; what there is stays for the next hub."""
        for number in list(self._timers):
            self._cancel_timer(number)
        self._total = 0

    async def _console(self, user: User) -> Console:
        number = user.number
        console = self._ready.get(number)
        if console is not None and not console.has_ended:
            return console
        waiter: Deferred[Console] = Deferred()
        waiters = self._making.get(number)
        if waiters is not None:
            waiters.append(waiter)
            return await waiter
        if len(self._ready) + len(self._making) >= self._total:
            message = "Too many people transfer files now. Try again in a minute."
            raise TooMany(message, "too_many_transfers", IDLE_SECONDS)
        self._making[number] = [waiter]
        Deferred.fromCoroutine(self._made(user)).addBoth(self._tell, number)
        return await waiter

    async def _made(self, user: User) -> Console:
        console = await self._make(user)
        self._add(console)
        return console

    def _tell(self, result: Console | Failure, number: int) -> None:
        for waiter in self._making.pop(number):
            if not waiter.called:
                waiter.callback(result)

    def _add(self, console: Console) -> None:
        self._ready[console.owner] = console
        console.streams.on_idle = lambda: self._rest(console)
        self._rest(console)

    def _rest(self, console: Console) -> None:
        """Nothing may be under way in it any more: if so, it has its time."""
        number = console.owner
        if self._ready.get(number) is console and self._total and not len(console.streams):
            self._cancel_timer(number)
            self._timers[number] = self._clock.callLater(IDLE_SECONDS, self._expired, console)

    def _expired(self, console: Console) -> None:
        if not len(console.streams):
            self.gone(console)
            ended = Deferred.fromCoroutine(self._discard(console))
            ended.addErrback(lambda failure: _log.failure("Ending a sandbox for files failed", failure))

    async def _discard(self, console: Console) -> None:
        try:
            await self._end(console)
        except TermhubError as error:
            _log.warn("{console} cannot be ended: {why}", console=console.id, why=error.message)

    def _cancel_timer(self, number: int) -> None:
        timer = self._timers.pop(number, None)
        if timer is not None and timer.active():
            timer.cancel()
