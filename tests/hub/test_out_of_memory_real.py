"""Memory that runs out in real sandboxes, as a hub's viewers hear of it, and the next hub's."""

from __future__ import annotations

import msgspec
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest

from sandbox.guest import frames
from termhub.host.folder import Folder
from termhub.host.memory import GroupMemory
from termhub.hub.console import Console
from tests.hub.test_real import Terminal
from tests.support.real_hub import RealHubCase

KILLED = "killed: out of memory, limit 96 MB"
FRESH = f"{KILLED} – Enter starts a fresh one"


class Watcher(Terminal):
    """Keeps the events too."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.events: list[dict[str, object]] = []
        self._events = frames.Decoder()

    def send(self, data: bytes) -> None:
        self.events += [
            frames.parse_json(frame.payload)
            for frame in self._events.feed(data)
            if frame.type == frames.EVENT
        ]
        super().send(data)

    def until_event(self, kind: str) -> Deferred[None]:
        """Fires when there was an event of this type."""
        return self.until(lambda: any(event["type"] == kind for event in self.events))


class OutOfMemory(RealHubCase):
    plan = msgspec.structs.replace(RealHubCase.plan, memory_mb=96)

    async def held(self, **new: object) -> Console:
        """A console whose memory a control group holds."""
        console = await self.console(**new)
        if GroupMemory(Folder(self.data / "run" / "consoles" / console.id)).kills() is None:
            raise SkipTest("no control group can hold memory here")
        return console

    async def test_viewers_hear_of_it_and_the_console_goes_on(self) -> None:
        console = await self.held(program="python")
        argv = console.window(0).argv
        alice = Watcher(1)
        alice.attach(console, self.user)
        await alice.until_text(">>> $")
        alice.type(b"x = bytearray(1 << 30)\r")
        await alice.until_text(FRESH)
        # Output comes first, events when the host's screen is as far.
        await alice.until_event("opened")
        (exit_,) = [event for event in alice.events if event["type"] == "exit"]
        assert (exit_["signal"], exit_["out_of_memory"]) == ("SIGKILL", 96 << 20)
        assert (console.state, console.window(0).exit, console.window(0).argv) == ("running", None, argv)
        alice.text.clear()
        alice.type(b"\r")
        await alice.until_text(">>> $")
        alice.type(b"'x' in globals(), 6 * 7\r")
        await alice.until_text(r"\(False, 42\)")

    async def test_it_happens_while_no_hub_is_there(self) -> None:
        console = await self.held(program="python")
        alice = Watcher(1)
        alice.attach(console, self.user)
        await alice.until_text(">>> $")
        alice.type(b"import time; time.sleep(1); x = bytearray(1 << 30)\r")
        await alice.until_text(r"30\)\r\n")
        await self.hub.stop()
        self.hub = await self.new_hub()
        (again,) = self.hub.consoles.of(self.user)
        assert again.id == console.id
        bob = Watcher(2)
        bob.attach(again, self.user)
        await bob.until_text(FRESH)
        bob.type(b"\r")
        await bob.until_text(FRESH + r"[^>]*>>> $")

    async def test_of_a_program_below_a_shell_it_is_told(self) -> None:
        console = await self.held(program="bash")
        alice = Watcher(1)
        alice.attach(console, self.user)
        await alice.until_text(r"\$ $")
        alice.type(b"python3 -c 'x = bytearray(1 << 30)'; echo status $?\r")
        await alice.until_text("status 137")
        await alice.until_event("limit")
        (limit,) = [event for event in alice.events if event["type"] == "limit"]
        assert (limit["name"], limit["state"], limit["until"]) == ("memory", "over", None)
        assert limit["message"] == "A program was ended: out of memory, limit 96 MB."

    async def test_what_eats_again_and_again_ends_with_the_reason(self) -> None:
        console = await self.held(program="script", argv=["/usr/bin/python3", "-c", "x = bytearray(1 << 30)"])
        alice = Watcher(1)
        alice.attach(console, self.user)
        for _ in range(4):
            await alice.until_text(FRESH)
            alice.text.clear()
            alice.type(b"\r")
        await alice.until(lambda: console.has_ended)
        assert console.reason == KILLED
