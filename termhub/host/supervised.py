"""A console as the launcher watches it."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from sandbox.guest.loop import Timer
from termhub.errors import TermhubError
from termhub.host.folder import Folder
from termhub.host.sandboxes import Started

Done = Callable[[TermhubError | None], None]


@define(eq=False)
class Supervised:
    """A console and its processes.

    :param host: its host's pidfd, None while there is none.
    :param sandbox: its sandbox's pidfd, None when it is gone.
    :param is_ready: whether the host answers.
    :param deaths: hosts that died lately, one soon after the other.
    :param failures: those of them that failed by themselves, rather than were killed.
    :param connecting: the next step of its network's being made; None: it is not being made.
    :param oom_kills: hosts of it that were ended because they used too much memory.
    """

    folder: Folder
    host: int | None = None
    host_pid: int = 0
    ready_fd: int | None = None
    sandbox: int | None = None
    is_ready: bool = False
    deaths: int = 0
    failures: int = 0
    oom_kills: int = 0
    host_since: float = 0.0
    retry: Timer | None = None
    connecting: Timer | None = None
    overdue: float | None = None
    ready_waiters: list[Done] = field(factory=list)
    connected_waiters: list[Done] = field(factory=list)
    ended_waiters: list[Done] = field(factory=list)
    started: Started | None = None

    def tell_ready(self) -> None:
        """Call those who wait for the host."""
        waiters, self.ready_waiters = self.ready_waiters, []
        for done in waiters:
            done(None)
