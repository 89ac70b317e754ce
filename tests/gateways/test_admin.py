"""Looking after the hub over REST: who may, what they see, and what is noted of it."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from twisted.internet.defer import Deferred

from termhub.accounts import manage
from termhub.accounts.secret import GUEST, hash_secret, new_secret
from termhub.errors import ConsoleError
from termhub.gateways.web.site import OPERATIONS
from termhub.hub.metering.samples import ConsoleFigures, HomeFigures, Means
from termhub.store import Database, Share
from tests.support.administration import FakeStream
from tests.support.web import Response, WebTestCase

ADMIN = tuple(operation for operation in OPERATIONS if operation.access == "admin")
BODIES: dict[str, Any] = {
    "add_user": {"name": "mallory"},
    "change_user": {"plan": "pro"},
    "end_running": {},
    "set_draining": {"draining": True},
}


class AdminTestCase(WebTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.database.people.change(self.alice.number, 1.0, is_admin=True)
        self.noted_before = len(self.database.audit.entries())

    def actions(self) -> list[tuple[str, str, str]]:
        """What was noted since the test began."""
        return [(e.actor, e.action, e.subject) for e in self.database.audit.entries(self.noted_before)]

    def secret(self, user: str, *scopes: Any) -> str:
        secret = new_secret("th_")
        number = manage.find_user(self.database, user).number
        self.database.add_token(number, "", hash_secret(secret), 1.0, scopes)
        return secret


class AccessTests(AdminTestCase):
    async def walk(self, **who: Any) -> set[tuple[int, str]]:
        """How every operation of administrators is refused."""
        answers = set()
        for operation in ADMIN:
            path = operation.path.replace("<user>", "bob").replace("<console>", "c-0000000000")
            query = "?month=2026-11" if "usage" in path else ""
            response = await self.call(operation.method, path + query, BODIES.get(operation.name), **who)
            answers.add((response.status, response.json["code"]))
        return answers

    async def test_there_are_some(self) -> None:
        self.assertGreaterEqual(len(ADMIN), 10)
        self.assertTrue(all(operation.path.startswith("/admin/") for operation in ADMIN))
        self.assertEqual([o for o in OPERATIONS if o.path.startswith("/admin")], list(ADMIN))

    async def test_nobody(self) -> None:
        self.assertEqual(await self.walk(token=""), {(401, "not_logged_in")})

    async def test_who_does_not_look_after_it(self) -> None:
        self.assertEqual(await self.walk(token=self.bobs_token), {(403, "admins_only")})

    async def test_a_token_without_the_scope(self) -> None:
        token = self.secret("alice", "read", "write", "account")
        self.assertEqual(await self.walk(token=token), {(403, "no_scope")})

    async def test_who_was_demoted(self) -> None:
        self.database.people.change(self.bob.number, 1.0, is_admin=True)
        self.database.people.change(self.alice.number, 1.0, is_admin=False)
        self.assertEqual(await self.walk(), {(403, "admins_only")})

    async def test_a_suspended_administrator(self) -> None:
        self.database.people.change(self.bob.number, 1.0, is_admin=True)
        self.database.people.change(self.alice.number, 1.0, suspended=True)
        self.assertEqual({status for status, _ in await self.walk()}, {401})

    async def test_a_guest(self) -> None:
        console = self.console("open")
        share = Share("s-1", console.id, "owner", self.alice.number, 1.0, 4e9, hash=hash_secret("thsh_1"))
        self.database.shares.add(share, None, 10)
        secret = new_secret(GUEST)
        self.database.shares.take("s-1", 2.0, None, "Ann", hash_secret(secret), 10)
        headers = {"Cookie": f"termhub_guest={secret}", "Origin": self.origin}
        self.assertEqual(await self.walk(token="", headers=headers), {(403, "guests_may_not")})

    async def test_nothing_was_done(self) -> None:
        for who in ({"token": ""}, {"token": self.bobs_token}):
            await self.walk(**who)
        self.assertEqual([user.name for user in self.database.users()], ["alice", "bob"])
        self.assertEqual(self.actions(), [])
        self.assertIsNone(self.admin.drain.since)

    async def test_foreign_pages_cause_nothing(self) -> None:
        secret = await self.accounts.open_session(self.alice, "192.0.2.1", "")
        headers = {"Cookie": f"termhub_session={secret}", "Origin": "https://evil.example"}
        for operation in ADMIN:
            if operation.changes_something:
                path = operation.path.replace("<user>", "bob").replace("<console>", "c-0000000000")
                body = BODIES.get(operation.name)
                response = await self.call(operation.method, path, body, token="", headers=headers)
                self.assertEqual(response.json["code"], "foreign_origin", operation.name)

    async def test_consoles_of_others_stay_closed(self) -> None:
        console = self.console("private", self.bob)
        console.print(b"a secret")
        for path in ("", "/screen", "/output", "/shares"):
            response = await self.call("GET", f"/consoles/{console.id}{path}")
            self.assertEqual(response.status, 404, path)
        listed = await self.call("GET", "/admin/consoles")
        (row,) = listed.json["consoles"]
        self.assertEqual((row["owner"], row["name"], row["viewers"]), ("bob", "private", 0))
        self.assertNotIn("a title", listed.body.decode())
        self.assertNotIn("windows", row)


class UsersTests(AdminTestCase):
    async def names(self, query: str) -> tuple[list[str], str | None]:
        answer = await self.call("GET", f"/admin/users?{query}")
        self.assertEqual(answer.status, 200, answer.body)
        return [user["name"] for user in answer.json["users"]], answer.json["after"]

    async def test_pages(self) -> None:
        for name in ("dora", "carol"):
            self.database.add_user(name, 2.0, "free")
        self.assertEqual(await self.names("limit=2"), (["alice", "bob"], "bob"))
        self.assertEqual(await self.names("limit=2&after=bob"), (["carol", "dora"], None))
        self.assertEqual(await self.names("after=dora"), ([], None))
        for query in ("limit=0", "limit=1001", "limit=x", "other=1"):
            self.assertEqual((await self.call("GET", f"/admin/users?{query}")).status, 400, query)

    async def test_what_is_told_of_them(self) -> None:
        self.console("one", self.bob)
        self.figures.homes[self.bob.number] = HomeFigures(self.bob.number, 4096, 2)
        answer = await self.call("GET", "/admin/users?after=alice")
        (bob,) = answer.json["users"]
        self.assertEqual(
            (bob["consoles"], bob["home_bytes"], bob["is_admin"], bob["suspended"]), (1, 4096, False, None)
        )
        self.assertNotIn("password", answer.body.decode())

    async def test_a_new_one_comes_in_by_its_link(self) -> None:
        made = await self.call("POST", "/admin/users", {"name": "dora", "plan": "plus", "is_admin": True})
        self.assertEqual((made.status, made.json["plan"], made.json["is_admin"]), (201, "plus", True))
        address, _, secret = made.json["login_link"].partition("#login=")
        self.assertEqual(address, self.addresses["web"])
        self.assertEqual((await self.call("POST", "/login", {"link": secret}, token="")).json["name"], "dora")
        plain = await self.call("POST", "/admin/users", {"name": "eve", "password": "correct horse"})
        self.assertEqual(plain.json["plan"], "free")
        login = {"name": "eve", "password": "correct horse"}
        self.assertEqual((await self.call("POST", "/login", login, token="")).status, 200)
        for body, status in (
            ({"name": "dora"}, 409),
            ({"name": "A b"}, 400),
            ({"name": "x", "plan": "none"}, 400),
            ({"name": "x", "admin": True}, 400),
        ):
            self.assertEqual((await self.call("POST", "/admin/users", body)).status, status, body)
        noted = [e for e in self.database.audit.entries() if e.action == "user.add"]
        self.assertEqual([e.subject for e in noted], ["dora", "eve"])
        self.assertEqual(json.loads(noted[0].detail), {"is_admin": True, "plan": "plus"})
        self.assertNotIn(secret, str(self.database.audit.entries()))

    async def test_suspending_sends_away_and_lets_nobody_in(self) -> None:
        console = self.console("one", self.bob)
        answer = await self.call("PATCH", "/admin/users/bob", {"suspended": True})
        self.assertIsNotNone(answer.json["suspended"])
        self.assertEqual((await self.call("GET", "/me", token=self.bobs_token)).status, 401)
        self.assertEqual(console.state, "running")
        self.assertEqual((await self.call("POST", "/admin/users/bob/link")).json["code"], "suspended")
        answer = await self.call("PATCH", "/admin/users/bob", {"suspended": False})
        self.assertIsNone(answer.json["suspended"])
        self.assertEqual((await self.call("GET", "/me", token=self.bobs_token)).status, 200)
        await self.call("PATCH", "/admin/users/bob", {"suspended": True, "end_consoles": True})
        self.assertEqual(console.state, "ended")
        self.assertEqual(
            [(who, action) for who, action, _ in self.actions()],
            [
                ("alice", "user.suspend"),
                ("alice", "user.resume"),
                ("alice", "user.suspend"),
                ("alice", "console.end"),
            ],
        )

    async def test_no_console_waits_for_another_to_end(self) -> None:
        consoles = [self.console(name, self.bob) for name in ("one", "two", "three")]
        asked: list[Any] = []
        all_asked: Deferred[None] = Deferred()

        async def end(console: Any, reason: str) -> None:
            asked.append(console)
            if len(asked) == len(consoles):
                all_asked.callback(None)
            await all_asked
            console.state = "ended"
            if console.name == "two":
                raise ConsoleError("the launcher is away", "no_launcher")

        self.hub_consoles.end = end
        answer = await self.call("PATCH", "/admin/users/bob", {"end_consoles": True})
        self.assertEqual(answer.json["code"], "no_launcher")
        self.assertEqual({console.state for console in consoles}, {"ended"})

    async def test_nobody_does_it_to_themselves(self) -> None:
        self.database.people.change(self.bob.number, 1.0, is_admin=True)
        for body in ({"suspended": True}, {"is_admin": False}):
            answer = await self.call("PATCH", "/admin/users/alice", body)
            self.assertEqual((answer.status, answer.json["code"]), (403, "yourself"))
        answer = await self.call("DELETE", "/admin/users/alice")
        self.assertEqual((answer.status, answer.json["code"]), (403, "yourself"))
        self.assertEqual((await self.call("PATCH", "/admin/users/alice", {"plan": "plus"})).status, 200)

    async def test_two_who_demote_each_other_leave_one(self) -> None:
        self.database.people.change(self.bob.number, 1.0, is_admin=True)
        answers = [
            self.call("PATCH", "/admin/users/bob", {"is_admin": False}),
            self.call("PATCH", "/admin/users/alice", {"is_admin": False}, token=self.bobs_token),
        ]
        statuses = sorted([(await answer).status for answer in answers])
        self.assertEqual(statuses, [200, 403])
        self.assertEqual(sum(user.is_admin for user in self.database.users()), 1)

    async def test_the_last_one_stays(self) -> None:
        goodbye = {"name": "alice", "password": "alice's password"}
        answer = await self.call("DELETE", "/me", goodbye)
        self.assertEqual((answer.status, answer.json["code"]), (403, "last_admin"))
        self.assertEqual((await self.call("GET", "/me")).status, 200)

    async def test_unknown_names(self) -> None:
        for method, path, body in (
            ("PATCH", "", {"plan": "pro"}),
            ("DELETE", "", None),
            ("POST", "/link", None),
        ):
            for name in ("nobody", "no%00body", "%F0%9F%92%A9", "x" * 300):
                answer = await self.call(method, f"/admin/users/{name}{path}", body)
                self.assertEqual((answer.status, answer.json["code"]), (404, "no_such_account"))
        answer = await self.call("PATCH", "/admin/users/bob", {"plan": "none"})
        self.assertEqual((answer.status, answer.json["code"]), (400, "no_such_plan"))


class RemovalTests(AdminTestCase):
    async def test_all_of_an_account_goes(self) -> None:
        self.console("one", self.bob)
        await self.accounts.open_session(self.bob, "192.0.2.1", "")
        answer = await self.call("DELETE", "/admin/users/bob")
        self.assertEqual(answer.status, 204, answer.body)
        self.assertEqual((await self.call("GET", "/me", token=self.bobs_token)).status, 401)
        self.assertEqual(self.consoles.all, {})
        self.assertEqual(self.launcher.asked, [("forget_user", {"number": self.bob.number})])
        self.assertIsNone(self.database.user(self.bob.number))
        self.assertEqual(self.database.people.removals(), [])
        self.assertEqual(self.actions()[1:], [("alice", "user.remove", "bob"), ("", "user.removed", "bob")])

    async def test_who_is_removed_twice_is_noted_once(self) -> None:
        for _ in range(2):
            await self.removals.remove(self.bob, self.alice)
        self.assertEqual(self.actions(), [("alice", "user.remove", "bob"), ("", "user.removed", "bob")])

    async def test_what_cannot_be_deleted_now_is_tried_again(self) -> None:
        self.launcher.failure = ConsoleError("away", "no_launcher")
        self.assertEqual((await self.call("DELETE", "/admin/users/bob")).status, 204)
        self.assertEqual((await self.call("GET", "/me", token=self.bobs_token)).status, 401)
        self.assertIsNotNone(self.database.user(self.bob.number))
        answer = await self.call("PATCH", "/admin/users/bob", {"suspended": False})
        self.assertEqual((answer.status, answer.json["code"]), (403, "removed"))
        self.assertEqual((await self.call("POST", "/admin/users", {"name": "bob"})).status, 409)
        self.launcher.failure = None
        await self.watch.look()
        self.assertIsNone(self.database.user(self.bob.number))

    async def test_what_was_begun_beside_the_hub(self) -> None:
        self.console("one", self.bob)
        manage.remove_user(self.beside(), "bob")
        await self.watch.look()
        self.assertIsNone(self.database.user(self.bob.number))
        self.assertEqual(self.consoles.all, {})

    def beside(self) -> Any:
        database = Database(self.database.path)
        self.addCleanup(database.close)
        return database

    async def test_oneself(self) -> None:
        for body, code in (
            ({"name": "alice", "password": "bob's password"}, "wrong_name"),
            ({"name": "bob"}, "password_needed"),
            ({"name": "bob", "password": "wrong"}, "wrong_password"),
        ):
            answer = await self.call("DELETE", "/me", body, token=self.bobs_token)
            self.assertEqual(answer.json["code"], code)
        self.assertIsNotNone(self.database.user(self.bob.number))
        no_scope = self.secret("bob", "read", "write")
        body = {"name": "bob", "password": "bob's password"}
        self.assertEqual((await self.call("DELETE", "/me", body, token=no_scope)).status, 403)
        self.assertEqual((await self.call("DELETE", "/me", body, token=self.bobs_token)).status, 204)
        self.assertIsNone(self.database.user(self.bob.number))


class ConsolesTests(AdminTestCase):
    async def test_pages_and_figures(self) -> None:
        consoles = [self.console(f"c{number}", self.bob) for number in range(3)]
        self.figures.figures[consoles[0].id] = ConsoleFigures(
            consoles[0].id, self.bob.number, 12.5, 1 << 20, 3, 0, 10, 20
        )
        self.figures.cpu_percent[consoles[0].id] = 42.0
        first = (await self.call("GET", "/admin/consoles?limit=2")).json
        self.assertEqual([row["id"] for row in first["consoles"]], [c.id for c in consoles[:2]])
        row = first["consoles"][0]
        self.assertEqual((row["cpu_seconds"], row["cpu_percent"], row["memory_bytes"]), (12.5, 42.0, 1 << 20))
        self.assertIsNone(first["consoles"][1]["cpu_seconds"])
        rest = (await self.call("GET", f"/admin/consoles?after={first['after']}")).json
        self.assertEqual(([row["id"] for row in rest["consoles"]], rest["after"]), ([consoles[2].id], None))

    async def test_ending_one(self) -> None:
        console = self.console("loud", self.bob)
        answer = await self.call("POST", f"/admin/consoles/{console.id}/end", {"reason": "too loud"})
        self.assertEqual(answer.status, 204)
        self.assertEqual(console.reason, "ended by an administrator: too loud")
        self.assertEqual(self.actions(), [("alice", "console.end", console.id)])
        for gone in (console.id, "c-aaaaaaaaaa", "loud"):
            self.assertEqual((await self.call("POST", f"/admin/consoles/{gone}/end", {})).status, 404)


class HubTests(AdminTestCase):
    async def test_the_load(self) -> None:
        self.console("one", self.bob)
        self.figures.means["memory"] = Means("memory", "a control group", True)
        load = (await self.call("GET", "/admin/load")).json
        self.assertEqual((load["cpus"], load["consoles"], load["draining"]), (2, 1, False))
        self.assertEqual(
            load["means"], [{"name": "memory", "by": "a control group", "enforced": True, "advice": None}]
        )

    async def test_draining(self) -> None:
        self.assertEqual((await self.http("GET", "/healthz")).json["status"], "ok")
        await self.call("PUT", "/admin/drain", {"draining": True})
        await self.call("PUT", "/admin/drain", {"draining": True})
        self.assertEqual((await self.call("GET", "/admin/load")).json["draining"], True)
        health = await self.http("GET", "/healthz")
        self.assertEqual((health.status, health.json["status"]), (200, "draining"))
        await self.call("PUT", "/admin/drain", {"draining": False})
        noted = [action for _, action, _ in self.actions() if action.startswith("hub")]
        self.assertEqual(noted, ["hub.drain", "hub.undrain"])

    async def test_the_audit_log_by_pages(self) -> None:
        for number in range(5):
            self.database.audit.append(float(number), "bob", "user.plan", f"u{number}", {"n": number})
        await self.call("GET", "/admin/audit")  # that it was looked at is the newest now
        page = (await self.call("GET", "/admin/audit?limit=3")).json
        self.assertEqual([e["subject"] for e in page["entries"]], ["audit", "u4", "u3"])
        self.assertEqual(page["entries"][1]["detail"], {"n": 4})
        older = (await self.call("GET", f"/admin/audit?limit=3&before={page['before']}")).json
        self.assertEqual([e["subject"] for e in older["entries"]], ["u2", "u1", "u0"])
        seen = older["before"]
        while seen is not None:
            seen = (await self.call("GET", f"/admin/audit?limit=1&before={seen}")).json["before"]

    async def test_looking_is_noted_once(self) -> None:
        for _ in range(3):
            for what in ("users", "consoles", "load", "audit"):
                await self.call("GET", f"/admin/{what}")
        looks = [(who, subject) for who, action, subject in self.actions() if action == "admin.look"]
        self.assertEqual(looks, [("alice", what) for what in ("users", "consoles", "load", "audit")])


class ExportTests(AdminTestCase):
    async def test_one_stream(self) -> None:
        answer: Response = await self.call("GET", "/me/export")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "application/x-tar")
        self.assertIn("termhub-alice.tar", answer.headers["Content-Disposition"])
        self.assertIsNone(answer.headers["Content-Length"])
        self.assertIn(b"account.json", answer.body[:512])
        self.assertTrue(answer.body.endswith(self.hub_consoles.files))
        self.assertEqual(self.actions(), [("alice", "user.export", "alice")])
        self.assertEqual((await self.call("GET", "/me/export", token=self.secret("bob", "read"))).status, 403)

    async def test_what_fails_before_the_first_byte_is_a_problem(self) -> None:
        async def refuse(user: Any, owner: Any, argv: Any) -> Any:
            raise ConsoleError("No sandbox.", "away")

        self.hub_consoles.run_for_files = refuse
        answer = await self.call("GET", "/me/export")
        self.assertEqual((answer.status, answer.json["code"]), (503, "away"))

    async def test_what_fails_later_ends_the_connection(self) -> None:
        async def break_off(user: Any, owner: Any, argv: Any) -> Any:
            if argv[0] == "tar":
                owner.stream_data(b"half")
                owner.stream_ended(None)
            else:
                owner.stream_data(b"")
            return FakeStream()

        self.hub_consoles.run_for_files = break_off
        with self.assertRaises((http.client.IncompleteRead, ConnectionError)):
            await self.call("GET", "/me/export")

    async def test_a_client_that_goes_stops_it(self) -> None:
        stopped: Deferred[None] = Deferred()
        began: Deferred[None] = Deferred()

        class Stream:
            def consumed(self, count: int) -> None:
                pass

            def end(self) -> None:
                began.callback(None)

            def close(self) -> None:
                stopped.callback(None)

        async def wait(user: Any, owner: Any, argv: Any) -> Any:
            if argv[0] != "tar":
                owner.stream_data(b"")
                return FakeStream()
            return Stream()

        self.hub_consoles.run_for_files = wait
        head = f"GET /api/v1/me/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.address), 60) as client:
            client.sendall(head.encode())
            await began
        await stopped
