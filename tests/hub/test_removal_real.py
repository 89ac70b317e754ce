"""Accounts with running consoles and files, removed by a real hub, also one that is stopped in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from termhub.accounts import manage
from termhub.errors import ConsoleError, NotAllowed, NotNow, TermhubError
from termhub.host.call import Caller
from termhub.hub.consoles import NewConsole
from termhub.hub.service import Hub
from termhub.store import Database, User
from tests.support.hub_fakes import FakeClient, SilentOwner
from tests.support.real_hub import RealHubCase


class RemovalTests(RealHubCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.bob = await self.hub.store.add_user("bob", 1.0, "default")

    def live(self) -> list[str]:
        """The consoles that the launcher has."""
        with Caller(self.data / "run" / "launcher.sock", 60) as caller:
            return [each["console"] for each in caller.ask("list")["consoles"] if each["owner"] == 2]

    def homes(self) -> list[Path]:
        """What there is of bob's home: a folder, the image of a volume."""
        found = [
            self.data / "homes" / str(self.bob.number),
            self.data / "volumes" / f"{self.bob.number}.ext4",
        ]
        found = [path for path in found if path.exists()]
        return [path for path in found if path.is_file() or list(path.iterdir())]

    async def gone(self, hub: Hub) -> None:
        """Wait until the account is no more."""
        while await hub.store.user(self.bob.number) is not None:
            pause: Deferred[None] = Deferred()
            reactor.callLater(0.1, pause.callback, None)  # type: ignore[attr-defined]
            await pause

    async def test_all_of_it_goes_and_who_looks_on_is_told(self) -> None:
        hub = self.hub
        console = await hub.consoles.create(self.bob, NewConsole(program="bash"))
        mine = await self.console(program="bash")
        await hub.consoles.run_for_files(self.bob, SilentOwner(), ["true"])
        await hub.shares.create(console.id, self.bob, "observer", user=self.user.name)
        await hub.shares.create(mine.id, self.user, "writer", user="bob")
        client = FakeClient()
        console.attach(client, self.user, "observer", {"version": 1, "viewer": "ab", "windows": {"0": None}})
        self.assertEqual(len(self.live()), 2)
        self.assertEqual([each.id for each in hub.consoles.shared(self.bob)], [mine.id])

        await hub.removals.remove(self.bob, self.user, "192.0.2.1")

        self.assertEqual(client.closed, (4003, "the console is no longer shared with you"))
        self.assertEqual(self.live(), [])
        self.assertEqual(hub.consoles.shared(self.user), [])
        self.assertEqual(hub.consoles.shared(self.bob), [])
        self.assertEqual([each.id for each in hub.consoles.all() if each.owner == self.bob.number], [])
        await self.gone(hub)  # what still holds the home for a moment puts the last step off
        self.assertEqual(self.homes(), [])
        self.assertEqual(mine.state, "running")
        with self.assertRaises(NotAllowed):
            await hub.consoles.create(self.bob, NewConsole())
        with self.assertRaises(NotAllowed):
            await hub.consoles.run_for_files(self.bob, SilentOwner(), ["true"])
        noted = [(e.actor, e.action, e.subject) for e in await hub.store.audit_entries()]
        self.assertIn((self.user.name, "user.remove", "bob"), noted)
        self.assertEqual(noted[-1], ("", "user.removed", "bob"))

    async def test_a_console_that_is_being_made_goes_too(self) -> None:
        making = Deferred.fromCoroutine(self.hub.consoles.create(self.bob, NewConsole(program="bash")))
        making.addErrback(lambda failure: failure.trap(TermhubError))
        await self.hub.removals.remove(self.bob)
        await making
        await self.hub.watch.look()
        await self.gone(self.hub)
        self.assertEqual(self.live(), [])

    async def test_another_hub_goes_on_where_one_was_stopped(self) -> None:
        await self.hub.consoles.create(self.bob, NewConsole(program="bash"))
        ask = self.hub.removals._launcher.request

        async def away(op: str, **arguments: Any) -> Any:
            if op in ("remove", "forget_user"):
                raise ConsoleError("killed here", "no_launcher")
            return await ask(op, **arguments)

        self.hub.removals._launcher.request = away  # type: ignore[method-assign]
        await self.hub.removals.remove(self.bob)
        self.assertIsNotNone(await self.hub.store.user(self.bob.number))
        self.assertEqual(len(self.live()), 1)
        await self.hub.stop()
        self.hub = await self.new_hub()
        await self.gone(self.hub)
        self.assertEqual(self.live(), [])
        self.assertEqual(self.homes(), [])
        self.assertEqual(await self.hub.store.removals(), [])

    async def test_begun_beside_the_hub(self) -> None:
        console = await self.hub.consoles.create(self.bob, NewConsole(program="bash"))
        database = Database(self.hub.settings.database_path)
        manage.remove_user(database, "bob")
        database.close()
        await self.hub.watch.look()
        self.assertIsNone(await self.hub.store.user(self.bob.number))
        self.assertTrue(console.has_ended)

    async def test_a_visitor_whose_time_is_over(self) -> None:
        visitor: User = await self.hub.store.add_user("guest-x", 1.0, "guest", expires=2.0)
        await self.hub.stop()
        self.hub = await self.new_hub()
        await self.hub.watch.look()
        self.assertIsNone(await self.hub.store.user(visitor.number))
        self.assertEqual(await self.hub.store.removals(), [])


class DrainTests(RealHubCase):
    async def test_it_takes_no_new_consoles_also_after_a_restart(self) -> None:
        console = await self.console(program="bash")
        await self.hub.consoles.drain.set(True)
        for _ in range(2):
            with self.assertRaises(NotNow) as refused:
                await self.console()
            self.assertEqual(refused.exception.code, "draining")
            self.assertGreater(refused.exception.retry_after_seconds, 0)
            await self.hub.stop()
            self.hub = await self.new_hub()
        (console,) = self.hub.consoles.of(self.user)
        await console.settled(60)
        await console.input(self.user, "owner", 0, b"echo on-$((1+1))\n")
        since, seen = 0, b""
        while b"on-2" not in seen:
            since, piece = await console.output(0, since + len(seen), 60.0)
            seen += piece
        self.assertEqual(console.state, "running")
        await self.hub.consoles.drain.set(False)
        await self.console()
