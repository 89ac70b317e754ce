"""A hub in this process with a real launcher, real hosts and real sandboxes."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from termhub.config import ConsolesSettings, Plan, Settings
from termhub.host.call import Caller
from termhub.host.start import ensure_launcher
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from termhub.hub.service import Hub
from termhub.hub.streams import Stream

PATIENCE_SECONDS = 60


class RealHubCase(TestCase):
    """Each test has a hub without gateways, and its first user."""

    timeout = 120
    plan = Plan(cpu_percent=0, memory_mb=1024, processes=256, file_mb=4096, journal_mb=64, consoles=50)
    """What everybody in these tests may use."""

    async def setUp(self) -> None:
        # Not pytest's folder: consoles have uids of their own, which must be able to pass.
        self.data = Path(tempfile.mkdtemp(prefix="termhub-hub-"))
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)
        self.data.chmod(0o711)
        (self.data / "hub").mkdir()
        ensure_launcher(self.data)
        self.addCleanup(self._stop_launcher)
        self.hub = await self.new_hub()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.hub.stop()))
        self.user = (await self.hub.store.users())[0]

    async def new_hub(self) -> Hub:
        """Another hub on the same data."""
        settings = Settings(
            data=str(self.data),
            default_plan="default",
            plans={**Settings().plans, "default": self.plan, "pro": self.plan},
            consoles=ConsolesSettings(prepare=False),
        )
        hub = Hub(settings, reactor)
        await hub.start()
        return hub

    def _stop_launcher(self) -> None:
        with Caller(self.data / "run" / "launcher.sock", 60) as caller:
            caller.ask("stop")

    async def console(self, **new: Any) -> Console:
        """A new console of the user."""
        return await self.hub.consoles.create(self.user, NewConsole(**new))

    def host_pid(self, console: Console) -> int:
        """The process id of a console's host."""
        lock = self.data / "run" / "consoles" / console.id / "host.lock"
        return int(lock.read_text().split()[0])

    def kill_host(self, console: Console) -> None:
        """SIGKILL a console's host."""
        os.kill(self.host_pid(console), signal.SIGKILL)


class Collector:
    """Starts a program on pipes, feeds it and keeps what it writes.

    :param keeps: whether the bytes are kept, or only counted and digested.
    :param consumes: whether room is given back for what came.
    """

    def __init__(self, *, keeps: bool = True, consumes: bool = True) -> None:
        self.stream: Stream | None = None
        self.data = bytearray()
        self.count = 0
        self.digest = hashlib.sha256()
        self.has_output_ended = False
        self.is_over = False
        self.status: dict[str, Any] | None = None
        self._keeps = keeps
        self._consumes = consumes
        self._unconsumed = 0
        self._to_write = memoryview(b"")
        self._ends = False
        self._waiting: list[tuple[Callable[[], object], Deferred[None]]] = []

    def feed(self, data: bytes, *, end: bool = False) -> None:
        """Write as there is room; one call at a time."""
        self._to_write, self._ends = memoryview(data), end
        self.stream_drained()

    def consume(self) -> None:
        """Give back room from now on, also for what came before."""
        self._consumes = True
        assert self.stream is not None
        count, self._unconsumed = self._unconsumed, 0
        self.stream.consumed(count)

    def until(self, condition: Callable[[], object], what: str) -> Deferred[None]:
        """Fires when the condition holds, which is looked at whenever something comes."""
        done: Deferred[None] = Deferred()
        done.addTimeout(PATIENCE_SECONDS, reactor, lambda *_: self._complain(what))  # type: ignore[arg-type]
        self._waiting.append((condition, done))
        self._check()
        return done

    def ended(self) -> Deferred[None]:
        """Fires when the stream is over."""
        return self.until(lambda: self.is_over, "the end")

    def _complain(self, what: str) -> None:
        last = bytes(self.data[-1000:])
        raise AssertionError(f"waited for {what}; there came {self.count} bytes, {last!r}")

    def _check(self) -> None:
        ready = [done for condition, done in self._waiting if condition()]
        self._waiting = [entry for entry in self._waiting if entry[1] not in ready]
        for done in ready:
            done.callback(None)

    # -- what the hub calls ----------------------------------------------------------

    def stream_data(self, data: bytes) -> None:
        assert not self.is_over
        assert not self.has_output_ended
        self.count += len(data)
        self.has_output_ended = not data
        self.digest.update(data)
        if self._keeps:
            self.data += data
        if self._consumes and self.stream is not None:
            self.stream.consumed(len(data))
        else:
            self._unconsumed += len(data)
        self._check()

    def stream_drained(self) -> None:
        stream = self.stream
        if stream is not None and len(self._to_write):
            piece = self._to_write[: stream.room]
            self._to_write = self._to_write[len(piece) :]
            stream.write(bytes(piece))
        if stream is not None and self._ends and not len(self._to_write):
            stream.end()
        self._check()

    def stream_ended(self, status: dict[str, Any] | None) -> None:
        assert not self.is_over
        self.is_over, self.status = True, status
        self._check()


async def run(console: Console, *argv: str, **options: Any) -> Collector:
    """A program that runs on pipes in a console."""
    collector = Collector(**options)
    collector.stream = await console.run(collector, argv)
    return collector
