"""Programs on pipes through a real hub, host and sandbox."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sandbox.guest import frames
from termhub.errors import ConsoleError
from termhub.hub.console import Console
from tests.support.real_hub import RealHubCase, run

PIPE_BYTES = 1 << 16
FLAT_BYTES = 32 << 20


def memory_bytes(pid: int) -> int:
    """Resident memory of a process."""
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return int(match[1]) << 10


class StreamsTests(RealHubCase):
    async def _said(self, console: Console, *argv: str) -> str:
        program = await run(console, *argv)
        await program.ended()
        return program.data.decode()

    async def test_program_gets_its_input_and_tells_how_it_ended(self) -> None:
        console = await self.console(program="bash")
        program = await run(console, "sh", "-c", "pwd; cat; echo oh >&2; exit 3")
        program.feed(b"there and back", end=True)
        await program.ended()
        self.assertEqual(program.data, b"/home/user\nthere and back")
        self.assertEqual(program.status, {"code": 3, "said": "oh\n"})
        started = Deferred.fromCoroutine(run(console, "no-such-program"))
        error = await self.assertFailure(started, ConsoleError)
        self.assertEqual(error.code, "cannot_start")

        data = bytes(range(251)) * (20_000_000 // 251)
        program = await run(console, "cat", keeps=False)
        program.feed(data, end=True)
        await program.ended()
        self.assertEqual(program.count, len(data))
        self.assertEqual(program.digest.hexdigest(), hashlib.sha256(data).hexdigest())

    async def test_echo_comes_while_a_stream_floods_and_memory_stays_flat_while_it_stands(self) -> None:
        console = await self.console(program="bash")
        await console.input(self.user, "owner", 0, b"stty raw -echo; echo; echo ready; exec cat\n")
        await self._shown(console, b"\nready")
        agent = self._sandbox_pid(console)
        before = memory_bytes(self.host_pid(console)), memory_bytes(agent)

        flood = await run(console, "yes", keeps=False)
        await flood.until(lambda: flood.count > 1 << 20, "the flood")
        for number in range(10):
            await console.input(self.user, "owner", 0, b"key %d;" % number)
            await self._shown(console, b"key %d;" % number)
        assert flood.stream is not None
        self.assertFalse(flood.is_over)
        flood.stream.close()

        standing = [await run(console, "yes", consumes=False) for _ in range(8)]
        for program in standing:
            assert program.stream is not None
            program.stream.write(bytes(program.stream.room))
            await program.until(lambda one=program: one.count == frames.STREAM_WINDOW, "a window of output")
        await console.input(self.user, "owner", 0, b"still here;")
        await self._shown(console, b"still here;")
        for program in standing:
            assert program.stream is not None
            self.assertEqual(program.count, frames.STREAM_WINDOW)
            # What the program's pipe holds may be given back.
            self.assertLessEqual(program.stream.room, PIPE_BYTES)
        after = memory_bytes(self.host_pid(console)), memory_bytes(agent)
        for was, now in zip(before, after, strict=True):
            self.assertLess(now - was, FLAT_BYTES)

    async def test_host_that_is_killed_takes_the_programs_with_it_and_not_the_console(self) -> None:
        console = await self.console(program="bash")
        program = await run(console, "sh", "-c", "echo $$; exec sleep 1000")
        await program.until(lambda: b"\n" in program.data, "its number")
        number = program.data.decode().strip()
        self.kill_host(console)
        await program.ended()
        self.assertIsNone(program.status)
        while await self._said(console, "sh", "-c", f"kill -0 {number} 2>/dev/null && echo lives"):
            await deferLater(reactor, 0.05)  # type: ignore[arg-type]
        self.assertFalse(console.has_ended)

    async def _shown(self, console: Console, wanted: bytes) -> None:
        while wanted not in (await console.output(0, 0))[1]:
            await console.output(0, console.windows[0].offset, wait_seconds=1)

    def _sandbox_pid(self, console: Console) -> int:
        path = self.data / "run" / "consoles" / console.id / "sandbox.json"
        return int(json.loads(path.read_text())["pid"])
