"""Keeps a console linked to its host.

When the link breaks, the launcher is asked to see to it that there is a host (it forks a
successor where there is none), and the console is linked again.  When what is left is
``ended.json``, the console has ended.

Invariant: there is at most one link of ours to a console at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import NoSuchConsole, TermhubError
from termhub.hub import ended
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.console import Console
from termhub.hub.launcher import Launcher
from termhub.hub.link import HostLink

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 5.0
STEADY_SECONDS = 5.0
"""A link that lasted this long was good: after it the pauses are short again."""

_log = Logger()


class Keeper:
    """Links one console, again and again, until it has ended.

    :param folder: the console's folder.
    :param connect: connects a link to the host's socket; raises OSError when nobody listens.
    :param read_ended: reads ``ended.json`` off the reactor's thread.
    """

    def __init__(
        self,
        console: Console,
        folder: Path,
        launcher: Launcher,
        connect: Callable[[HostLink], None],
        read_ended: Callable[[], Awaitable[ended.Ended | None]],
        clock: Clock,
    ) -> None:
        self._console = console
        self._folder = folder
        self._launcher = launcher
        self._connect = connect
        self._read_ended = read_ended
        self._clock = clock
        self._is_stopped = False
        self._pause: DelayedCall | None = None

    def start(self) -> None:
        """Link it, and keep it linked."""
        Deferred.fromCoroutine(self._keep()).addErrback(self._failed)

    def stop(self) -> None:
        """Let it be."""
        self._is_stopped = True
        if self._pause is not None and self._pause.active():
            self._pause.cancel()

    @property
    def _is_over(self) -> bool:
        return self._is_stopped or self._console.has_ended

    async def _keep(self) -> None:
        pause = 0.0
        while not self._is_over:
            began = self._clock.seconds()
            why = await self._link_once()
            if self._is_over or await self._has_ended():
                return
            _log.info("{console} lost its host: {why}", console=self._console.id, why=why)
            if self._clock.seconds() - began > STEADY_SECONDS:
                pause = 0.0
            if pause:
                await self._sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, pause * 2))
            if not self._is_over:
                await self._revive()

    async def _link_once(self) -> str:
        link = HostLink(self._console.id, self._console.host_side, self._clock)
        try:
            self._connect(link)
        except OSError as error:
            return str(error)
        return await link.lost

    async def _has_ended(self) -> bool:
        if not ended.exists(self._folder):
            return False
        last = await self._read_ended() or ended.Ended()
        self._console.has_gone(last.reason, last.time or None)
        return True

    async def _revive(self) -> None:
        try:
            await self._launcher.request("host", console=self._console.id)
        except NoSuchConsole:
            self._console.has_gone("Its folder is gone.")
        except TermhubError as error:
            _log.warn("{console} has no host: {why}", console=self._console.id, why=error.message)

    async def _sleep(self, seconds: float) -> None:
        done: Deferred[None] = Deferred()
        self._pause = self._clock.callLater(seconds, done.callback, None)
        await done

    def _failed(self, failure: Failure) -> None:
        _log.failure("Keeping {console} failed", failure, console=self._console.id)
