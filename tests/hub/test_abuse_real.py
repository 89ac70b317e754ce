"""One user does their worst in a small console: the neighbour's goes on, new ones start, theirs ends."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from termhub.config import Plan
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from tests.support.abuse import DISK, KERNEL, PROCESSES, TERMINAL
from tests.support.real_hub import RealHubCase

pytestmark = pytest.mark.long

FLOOD_BYTES = 1 << 20
SECONDS = 100


class AbuseTests(RealHubCase):
    timeout = 280
    plan = Plan(
        cpu_percent=100, memory_mb=256, processes=48, file_mb=32, home_mb=64, home_files=2000, consoles=50
    )

    async def test_processes_and_memory(self) -> None:
        await self._suffer(PROCESSES)

    async def test_disk(self) -> None:
        await self._suffer(DISK)

    async def test_terminal(self) -> None:
        await self._suffer(TERMINAL)

    async def test_kernel(self) -> None:
        await self._suffer(KERNEL)

    async def _suffer(self, abuses: Mapping[str, str]) -> None:
        neighbour = await self.hub.store.add_user("neighbour", 0.0, "default")
        theirs = await self.hub.consoles.create(neighbour, NewConsole())
        await self._answers(theirs, 0)
        for number, (name, program) in enumerate(abuses.items(), 1):
            # A home of their own each: what one has filled would keep the next from its work.
            abuser = await self.hub.store.add_user(f"abuser{number}", 0.0, "default")
            console = await self.hub.consoles.create(abuser, NewConsole(argv=["python3", "-c", program]))
            if abuses is TERMINAL:
                await self._printed(console, FLOOD_BYTES, name)
            else:
                await self._said(console, b"BEGUN", name)
            await self._answers(theirs, number)
            fresh = await self.hub.consoles.create(neighbour, NewConsole(program="bash"))
            await fresh.input(neighbour, "owner", 0, b"echo fresh$((20 + 22))\n")
            await self._said(fresh, b"fresh42", name)
            await self.hub.consoles.remove(fresh)
            await self.hub.consoles.remove(console)
            self.assertTrue(console.has_ended, name)

    async def _answers(self, console: Console, number: int) -> None:
        """The neighbour's REPL computes something that was not typed."""
        user = await self.hub.store.user(console.owner)
        assert user is not None
        await console.input(user, "owner", 0, b"%d * 1001\n" % (number + 100))
        await self._said(console, b"\n%d" % ((number + 100) * 1001), f"the neighbour's answer {number}")

    async def _said(self, console: Console, wanted: bytes, what: str) -> None:
        seen = b""
        offset = 0
        deadline = self.hub.consoles._clock.seconds() + SECONDS
        while wanted not in seen:
            self.assertFalse(console.has_ended, f"{what}: {console.reason}; {seen[-2000:]!r}")
            self.assertLess(self.hub.consoles._clock.seconds(), deadline, f"{what}: {seen[-2000:]!r}")
            start, data = await console.output(0, offset, wait_seconds=1)
            offset, seen = start + len(data), (seen + data)[-65_536:]

    async def _printed(self, console: Console, count: int, what: str) -> None:
        deadline = self.hub.consoles._clock.seconds() + SECONDS
        while not (await console.output(0, count, wait_seconds=1))[1]:
            self.assertLess(self.hub.consoles._clock.seconds(), deadline, what)
