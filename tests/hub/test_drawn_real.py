"""Drawn windows of real consoles: cell for cell what the console's own screen shows."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.task import deferLater

from termhub.hub.console import Console
from termhub.store import Role
from tests.support.drawn_client import DrawnClient
from tests.support.real_hub import RealHubCase

FULL_SCREEN = rb"""
printf '\033[?1049h\033[?1h\033[2J\033[H\033[44;97m title \033[K\033[m'
for i in 3 4 5 6 7 8; do
printf '\033[%d;1H\033[3%dm~ \033[1mline\033[m %d \xe4\xbd\xa0\xe5\xa5\xbd' $i $i $i
done
printf '\033[3;8r\033[8H\nscrolled\033[r\033[24;1H\033[7mstatus\033[m\033[5;3H\033[2 q'
"""
PATIENCE_TRIES = 600


class DrawnTests(RealHubCase):
    async def client(self, console: Console, role: Role = "owner", **options: bool) -> DrawnClient:
        client = DrawnClient(len(console.viewers) + 1, **options)
        client.attach(console, self.user, role)
        reply = await client.ask("view", window=0, cols=80, rows=24)
        self.assertTrue(reply["ok"], reply)
        return client

    async def assert_same(self, client: DrawnClient, console: Console) -> None:
        """The client comes to show the console's own screen, once that has come to rest."""
        for last in [False] * PATIENCE_TRIES + [True]:
            screen = await client.own_screen(console)
            try:
                client.grid.assert_shows(screen)
                return
            except AssertionError:
                if last:
                    raise
            finally:
                screen.close()
            await deferLater(reactor, 0.05)  # type: ignore[arg-type]

    async def test_what_is_typed_printed_and_drawn_is_shown_and_goes_on_when_the_host_is_killed(self) -> None:
        console = await self.console(program="bash")
        client = await self.client(console)
        client.type(b"PS1='$ '; echo $((6*7))\r")
        await client.until_text("42")
        client.type(b"seq 3000; echo done $((3*3))\r")
        await client.until_text("done 9")
        await self.assert_same(client, console)
        assert client.grid.last is not None
        self.assertGreater(client.grid.last.history, 2900)
        client.type(b"clear; cat <<'E' >/tmp/draw\r" + FULL_SCREEN.strip().replace(b"\n", b"\r") + b"\rE\r")
        client.type(b"clear; . /tmp/draw; read -r; printf '\\033[?1049l'; echo back $((5*5))\r")
        await client.until_text("status")
        await self.assert_same(client, console)
        assert client.grid.last is not None
        self.assertTrue(client.grid.last.modes.alternate_screen)
        self.assertEqual(client.grid.last.cursor.shape, "block")
        client.type(b"\r")
        await client.until_text("back 25")
        self.kill_host(console)
        client.type(b"echo on $((2+2))\r")
        await client.until_text("on 4")
        self.assertIn("back 25", client.grid.text)
        await self.assert_same(client, console)

    async def test_a_flood_is_shown_by_its_latest_state_and_a_large_window_in_part(self) -> None:
        console = await self.console(program="bash")
        client = await self.client(console)
        client.type(b"PS1='$ '; seq 300000; echo done $((3*3))\r")
        await client.until_text("done 9")
        stuck = await self.client(console, reads=False)
        await stuck.until(lambda: stuck.rows_frames)
        client.type(b"seq 100000; echo done $((4*4))\r")
        await client.until_text("done 16")
        self.assertEqual(stuck.rows_frames, 1)
        stuck.read()
        await stuck.until_text("done 16")
        client.resize(100, 30)
        await client.until(lambda: console.windows[0].cols == 100)
        client.type(b"stty size; for i in $(seq 28); do echo; done; echo at $((1+1)) the end\r")
        await client.until_text("at 2 the end")
        assert client.grid.last is not None
        self.assertEqual((client.grid.last.rows, client.grid.last.top), (30, 6))
        await self.assert_same(client, console)
        await client.ask("view", window=0, cols=100, rows=30)
        await client.until(lambda: client.grid.last is not None and client.grid.last.view_cols == 100)
        await self.assert_same(client, console)

    async def test_the_history_is_shown_searched_and_copied(self) -> None:
        console = await self.console(program="bash")
        client = await self.client(console, "observer")
        await console.input(self.user, "owner", 0, b"seq -f 'Line %g' 500; echo done $((3*3))\r")
        await client.until_text("done 9")
        reply = await client.ask("view", window=0, cols=80, rows=10, back=100)
        history = reply["history"]
        await client.until(lambda: client.grid.last is not None and client.grid.last.back == 100)
        first, top = client.grid.text[0], client.grid.last.top
        found = await client.ask("find", window=0, text="line 250", line=0)
        self.assertEqual((found["x"], found["cells"]), (0, 8))
        again = await client.ask("find", window=0, text="line 250", line=found["line"] + 1)
        self.assertIsNone(again["line"])
        older = await client.ask("find", window=0, text="Line 2", line=found["line"] - 1, forward=False)
        self.assertEqual(older["line"], found["line"] - 1)
        copied = await client.ask(
            "copy", window=0, **{"from": [found["line"], 5], "to": [found["line"] + 1, 7]}
        )
        self.assertEqual(copied["text"], "250\nLine 251")
        await console.input(self.user, "owner", 0, b"echo more $((5*5))\r")
        while "more 25" not in (await console.text(0)).lines:
            pass
        await client.ask("view", window=0, cols=80, rows=10, back=history + top - found["line"])
        await client.until_text("Line 250")
        self.assertNotEqual(client.grid.text[0], first)
        await client.ask("view", window=0, cols=80, rows=24, back=0)
        await client.until_text("more 25")

    async def test_the_last_screen_of_a_console_stays(self) -> None:
        console = await self.console(program="bash")
        client = await self.client(console)
        slow = await self.client(console, reads=False)
        await slow.until(lambda: slow.rows_frames)
        client.type(b"PS1='$ '; printf '\\033[31mgood\\033[mbye %d\\n' $((6*7)); exit\r")
        await client.until(lambda: console.has_ended)
        await client.until_text("goodbye 42")
        slow.read()
        await slow.until_text("goodbye 42")
        late = await self.client(console)
        await late.until_text("goodbye 42")
        line = late.grid.text.index("goodbye 42")
        found = await late.ask("find", window=0, text="bye 4", line=0)
        self.assertEqual((found["line"], found["x"], found["cells"]), (line, 4, 5))
        copied = await late.ask("copy", window=0, **{"from": [line, 0], "to": [line, 6]})
        self.assertEqual(copied["text"], "goodbye")
