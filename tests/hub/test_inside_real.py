"""What a real console's programs do with what every Python in it has, as people attached to it see it."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from termhub.hub.console import Console
from tests.support.drawn_client import DrawnClient
from tests.support.real_hub import RealHubCase

FAILS = "name = 'alice'\nraise ValueError('no good')\n"


def shows(client: DrawnClient, text: str, window: int = 0) -> Deferred[None]:
    """Fires when a line of a window contains this text."""
    return client.until(lambda: any(text in line for line in client.grids[window].text))


class InsideTests(RealHubCase):
    async def client(self, console: Console, window: int = 0) -> DrawnClient:
        client = DrawnClient(len(console.viewers) + 1)
        client.attach(console, self.user)
        reply = await client.ask("view", window=window, cols=120, rows=24)
        self.assertTrue(reply["ok"], reply)
        await client.until(lambda: window in client.grids)
        return client

    async def test_a_script_that_fails_waits_for_people_who_look_around(self) -> None:
        console = await self.console(argv=["python3", "-c", FAILS])
        client = await self.client(console)
        await shows(client, "ValueError: no good")
        await shows(client, "(Pdb)")
        client.type(b"p name\r")
        await shows(client, "'alice'")
        client.type(b"q\r")
        await client.until(lambda: any(event["type"] == "exit" for event in client.events))
        self.assertEqual([e["code"] for e in client.events if e["type"] == "exit"], [1])

    async def test_a_script_that_fails_ends_where_nobody_wants_to_look(self) -> None:
        console = await self.console(argv=["python3", "-c", "input()\n" + FAILS], post_mortem=False)
        client = await self.client(console)
        client.type(b"\r")
        await client.until(lambda: any(event["type"] == "exit" for event in client.events))

    async def test_breakpoint_rings_for_everybody_and_a_loop_is_stopped_from_another_window(self) -> None:
        console = await self.console(argv=["python3", "-c", "input()\nbreakpoint()\nwhile True: pass\n"])
        client = await self.client(console)
        other = await self.client(console)
        client.type(b"\r")
        for each in (client, other):
            await each.until(lambda each=each: any(event["type"] == "bell" for event in each.events))
        await shows(client, "(Pdb)")
        client.type(b"c\r")
        shell = (await client.ask("open", argv=["python3", "-m", "console", "debug"]))["window"]
        debugger = await self.client(console, shell)
        await shows(debugger, "(Pdb)", shell)
        debugger.type(b"stop\r", shell)
        await shows(debugger, "KeyboardInterrupt was raised", shell)

    async def test_the_console_is_shared_from_inside(self) -> None:
        self.hub.addresses["web"] = "http://127.0.0.1:1/"
        console = await self.console(program="bash")
        client = await self.client(console)
        client.type(b"python3 -m console share --expires 2h\r")
        await shows(client, "can watch, for 2 hours")
        await shows(client, "/s/thsh_")
        client.type(b"python3 -m console share --role writer\r")
        await client.until(lambda: any(event["type"] == "asks" for event in client.events))
        (event,) = [event for event in client.events if event["type"] == "asks"]
        self.assertTrue((await client.ask("answer", ask=event["ask"], allow=True))["ok"])
        await shows(client, "can type, for 1 day")
