"""One's own logins, password and account by REST; nobody else's are there."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from termhub.accounts import Admitted, PublicKey, manage
from termhub.accounts.visitors import AT_ONCE
from termhub.config import GuestsSettings
from termhub.errors import NotLoggedIn, TermhubError
from termhub.store import Database, User
from tests.support.web import Response, WebTestCase

from .test_attach import HELLO, AttachTestCase
from .test_login import cookie_of

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


class ByCookie(WebTestCase):
    async def log_in(self, name: str = "alice", password: str | None = None) -> str:
        body = {"name": name, "password": password or f"{name}'s password"}
        return cookie_of(await self.call("POST", "/login", body, token=""))

    async def by(self, cookie: str, method: str, path: str, body: Any = None) -> Response:
        headers = {"Cookie": cookie, "Origin": self.origin}
        return await self.call(method, path, body, token="", headers=headers)

    def refused(self, response: Response, status: int, code: str) -> None:
        self.assertEqual((response.status, response.json["code"]), (status, code), response.body)

    def actions(self) -> list[tuple[str, str, str]]:
        return [(entry.actor, entry.action, entry.subject) for entry in self.database.audit.entries(0)]


class SessionTests(ByCookie):
    async def test_they_are_listed_with_the_one_that_asks(self) -> None:
        await self.log_in()
        mine = await self.log_in()
        sessions = (await self.by(mine, "GET", "/sessions")).json["sessions"]
        self.assertEqual(sorted(each["current"] for each in sessions), [False, True])
        self.assertEqual({each["address"] for each in sessions}, {"127.0.0.1"})
        by_token = (await self.call("GET", "/sessions")).json["sessions"]
        self.assertEqual([each["current"] for each in by_token], [False, False])

    async def test_one_is_ended(self) -> None:
        other, mine = await self.log_in(), await self.log_in()
        sessions = (await self.by(mine, "GET", "/sessions")).json["sessions"]
        (number,) = [each["number"] for each in sessions if not each["current"]]
        self.assertEqual((await self.by(mine, "DELETE", f"/sessions/{number}")).status, 204)
        self.assertEqual((await self.by(other, "GET", "/me")).status, 401)
        self.assertEqual((await self.by(mine, "GET", "/me")).status, 200)
        self.refused(await self.by(mine, "DELETE", f"/sessions/{number}"), 404, "no_such_session")

    async def test_all_others_are_ended(self) -> None:
        others = [await self.log_in() for _ in range(3)]
        mine = await self.log_in()
        theirs = await self.log_in("bob")
        self.assertEqual((await self.by(mine, "DELETE", "/sessions")).status, 204)
        for cookie in others:
            self.assertEqual((await self.by(cookie, "GET", "/me")).status, 401)
        for cookie in (mine, theirs):
            self.assertEqual((await self.by(cookie, "GET", "/me")).status, 200)
        self.assertEqual((await self.call("DELETE", "/sessions")).status, 204)
        self.assertEqual((await self.by(mine, "GET", "/me")).status, 401, "a token is no browser")

    async def test_others_sessions_and_tokens_are_as_if_there_were_none(self) -> None:
        await self.log_in()
        bob = await self.log_in("bob")
        (session,) = self.database.sessions(self.alice.number)
        (token,) = self.database.tokens(self.alice.number)
        for kind, number in (("sessions", session.number), ("tokens", token.number)):
            there = await self.by(bob, "DELETE", f"/{kind}/{number}")
            nowhere = await self.by(bob, "DELETE", f"/{kind}/999999")
            self.assertEqual(there.status, 404)
            self.assertEqual(there.body.replace(str(number).encode(), b"999999"), nowhere.body)
            self.assertEqual(dict(there.headers).keys(), dict(nowhere.headers).keys())
            listed = (await self.by(bob, "GET", f"/{kind}")).json[kind]
            self.assertNotIn(number, [each["number"] for each in listed])
        self.assertEqual(len(self.database.sessions(self.alice.number)), 1)
        self.assertEqual(len(self.database.tokens(self.alice.number)), 1)


class RevokedTests(AttachTestCase):
    async def test_what_a_revoked_session_has_attached_is_closed_at_once(self) -> None:
        console = self.console("main")
        secret = await self.accounts.open_session(self.alice, "", "")
        attached = console.attached
        closing = self.closed(
            HELLO, additional_headers={"Cookie": f"termhub_session={secret}"}, origin=self.origin
        )
        await attached
        (session,) = self.database.sessions(self.alice.number)
        self.assertEqual((await self.call("DELETE", f"/sessions/{session.number}")).status, 204)
        self.assertEqual((await closing)[0], 1008)

    async def test_what_a_suspended_user_has_attached_is_closed_at_once_with_the_reason(self) -> None:
        console = self.console("main")
        attached = console.attached
        closing = self.closed(HELLO)
        await attached
        await self.accounts.change(self.alice, self.bob, suspended=True)
        code, reason = await closing
        self.assertEqual(code, 1008)
        self.assertIn("suspended", reason)

    async def test_suspended_on_the_command_line(self) -> None:
        console = self.console("main")
        attached = console.attached
        closing = self.closed(HELLO)
        await attached
        beside = Database(self.database.path)
        manage.change_user(beside, "alice", suspended=True)
        beside.close()
        await self.watch.look()
        self.assertEqual((await closing)[0], 1008)


class SuspendedTests(ByCookie):
    async def test_every_way_in_is_refused_and_opens_again(self) -> None:
        cookie = await self.log_in()
        manage.add_key(self.database, "alice", KEY)
        key = PublicKey("alice", b64decode(KEY.split()[1]))
        admitted = Admitted(self.alice)
        right = {"name": "alice", "password": "alice's password"}

        async def ways() -> list[tuple[int, str]]:
            link = manage.create_link(self.database, "alice")
            answers = [
                await self.call("GET", "/me"),
                await self.by(cookie, "GET", "/me"),
                await self.call("POST", "/login", right, token=""),
                await self.call("POST", "/login", {"link": link}, token=""),
            ]
            seen = [(each.status, each.json.get("code", "")) for each in answers]
            for credentials in (key, admitted):
                try:
                    await self.accounts.identify(credentials, "192.0.2.1")
                    seen.append((200, ""))
                except NotLoggedIn as error:
                    seen.append((401, error.code))
            return seen

        self.assertEqual(await ways(), [(200, "")] * 6)
        alice = await self.accounts.change(self.alice, None, suspended=True)
        self.assertEqual(await ways(), [(401, "suspended")] * 6)
        wrong = await self.call("POST", "/login", {"name": "alice", "password": "wrong"}, token="")
        self.refused(wrong, 401, "wrong_password")
        await self.accounts.change(alice, None, suspended=False)
        self.assertEqual(await ways(), [(200, "")] * 6)

    async def test_what_they_share_is_shared_again_when_they_are_back(self) -> None:
        console = self.console("main")
        _, token = await self.shares.create(console.id, self.alice, "writer")
        taken = await self.shares.take(token or "", user=None, name="Ann", passphrase=None, address="")
        await self.shares.create(console.id, self.alice, "observer", user="bob")
        guest = {"Cookie": f"termhub_guest={taken.secret}"}

        async def seen() -> tuple[int, int, int, int]:
            by_guest = await self.call("GET", f"/consoles/{console.id}", token="", headers=guest)
            by_bob = await self.call("GET", f"/consoles/{console.id}", token=self.bobs_token)
            by_link = await self.call("POST", "/shares/look", {"token": token}, token="")
            return by_guest.status, by_bob.status, by_link.status, len(await self.shares.of(console.id))

        self.assertEqual(await seen(), (200, 200, 200, 2))
        alice = await self.accounts.change(self.alice, None, suspended=True)
        self.assertEqual(await seen(), (404, 404, 404, 0))
        await self.accounts.change(alice, None, suspended=False)
        self.assertEqual(await seen(), (200, 200, 200, 2))


class PasswordTests(ByCookie):
    async def test_whoever_knows_the_old_one_changes_it_and_stays_logged_in_here_only(self) -> None:
        other, mine = await self.log_in(), await self.log_in()
        admitted = Admitted(self.alice)
        change = {"old": "alice's password", "new": "correct horse"}
        self.assertEqual((await self.by(mine, "PUT", "/me/password", change)).status, 204)
        self.assertEqual((await self.by(mine, "GET", "/me")).status, 200)
        self.assertEqual((await self.by(other, "GET", "/me")).status, 401)
        self.assertEqual((await self.call("GET", "/me")).status, 200, "tokens stay")
        with self.assertRaises(NotLoggedIn):
            await self.accounts.identify(admitted, "")
        await self.log_in("alice", "correct horse")
        self.assertIn(("alice", "password.change", "alice"), self.actions())

    async def test_the_old_one_is_needed(self) -> None:
        mine = await self.log_in()
        self.refused(
            await self.by(mine, "PUT", "/me/password", {"new": "correct horse"}), 403, "password_needed"
        )
        wrong = {"old": "guess", "new": "correct horse"}
        for _ in range(10):
            self.refused(await self.by(mine, "PUT", "/me/password", wrong), 403, "wrong_password")
        self.refused(await self.by(mine, "PUT", "/me/password", wrong), 429, "too_many_attempts")
        self.assertEqual((await self.by(mine, "GET", "/me")).status, 200)

    async def test_whoever_has_none_sets_one_soon_after_a_login(self) -> None:
        self.database.set_password(self.alice.number, None)
        self.refused(
            await self.call("PUT", "/me/password", {"new": "correct horse"}), 403, "fresh_login_needed"
        )
        link = manage.create_link(self.database, "alice")
        mine = cookie_of(await self.call("POST", "/login", {"link": link}, token=""))
        self.assertFalse((await self.by(mine, "GET", "/me")).json["has_password"])
        self.database._connection.execute("UPDATE login_sessions SET created = created - 3601")
        self.refused(
            await self.by(mine, "PUT", "/me/password", {"new": "correct horse"}), 403, "fresh_login_needed"
        )
        self.database._connection.execute("UPDATE login_sessions SET created = created + 3601")
        self.assertEqual((await self.by(mine, "PUT", "/me/password", {"new": "correct horse"})).status, 204)
        self.assertTrue((await self.by(mine, "GET", "/me")).json["has_password"])


class NotedTests(ByCookie):
    async def test_what_is_noted(self) -> None:
        mine = await self.log_in()
        await self.call("POST", "/login", {"name": "alice", "password": "wrong"}, token="")
        await self.call("POST", "/login", {"name": "hunter2", "password": "wrong"}, token="")
        made = await self.by(mine, "POST", "/tokens", {"label": "laptop"})
        await self.by(mine, "DELETE", f"/tokens/{made.json['number']}")
        key = await self.by(mine, "POST", "/keys", {"key": KEY, "label": "laptop"})
        await self.by(mine, "DELETE", f"/keys/{key.json['number']}")
        console = self.console("main")
        share = await self.by(mine, "POST", "/consoles/main/shares", {"role": "observer"})
        await self.by(mine, "DELETE", f"/consoles/main/shares/{share.json['id']}")
        await self.by(mine, "POST", "/logout")
        number = str(made.json["number"])
        self.assertEqual(
            self.actions()[2:],  # behind the tokens of setUp
            [
                ("alice", "login.ok", "alice"),
                ("", "login.refused", "alice"),
                ("", "login.refused", ""),
                ("alice", "token.add", "laptop"),
                ("alice", "token.revoke", number),
                ("alice", "key.add", "laptop"),
                ("alice", "key.remove", str(key.json["number"])),
                ("alice", "share.add", console.id),
                ("alice", "share.revoke", console.id),
                ("alice", "logout", "alice"),
            ],
        )
        told = "".join(entry.detail + entry.subject for entry in self.database.audit.entries(0))
        for hidden in (made.json["secret"], "wrong_", "hunter2", share.json["url"].rpartition("/")[2]):
            self.assertNotIn(hidden, told.replace("wrong_password", ""))
        self.assertEqual({entry.address for entry in self.database.audit.entries(2)} - {""}, {"127.0.0.1"})


class NoVisitorsTests(ByCookie):
    async def test_a_hub_has_none_unless_its_settings_say_so(self) -> None:
        self.refused(await self.call("POST", "/login/guest", token=""), 403, "no_visitors")
        self.assertFalse((await self.call("GET", "/server", token="")).json["guests"])
        self.assertEqual(len(self.database.users()), 2)


class VisitorTests(ByCookie):
    guests = GuestsSettings(enabled=True, most=AT_ONCE)

    async def come(self) -> tuple[str, User]:
        response = await self.call("POST", "/login/guest", token="")
        self.assertEqual(response.status, 200, response.body)
        user = self.database.user_named(response.json["name"])
        assert user is not None
        return cookie_of(response), user

    async def test_they_have_an_account_of_the_plan_for_guests_that_ends(self) -> None:
        self.assertTrue((await self.call("GET", "/server", token="")).json["guests"])
        cookie, user = await self.come()
        me = (await self.by(cookie, "GET", "/me")).json
        self.assertRegex(me["name"], r"^guest-[a-z2-7]{6}$")
        self.assertEqual((me["plan"], me["is_guest"], me["scopes"]), ("guest", False, ["read", "write"]))
        self.assertEqual(me["expires"], user.created + 3600)
        self.assertEqual((await self.by(cookie, "POST", "/consoles", {"name": "mine"})).status, 201)
        self.assertIn(("", "visitor.add", me["name"]), self.actions())

    async def test_they_get_nothing_that_outlives_them(self) -> None:
        cookie, _ = await self.come()
        for method, path, body in (
            ("POST", "/tokens", {}),
            ("GET", "/tokens", None),
            ("POST", "/keys", {"key": KEY}),
            ("PUT", "/me/password", {"new": "correct horse"}),
            ("GET", "/sessions", None),
        ):
            self.refused(await self.by(cookie, method, path, body), 403, "visitors_may_not")

    async def test_they_let_others_look_on_and_not_type(self) -> None:
        cookie, user = await self.come()
        console = self.console("mine", user)
        shares = "/consoles/mine/shares"
        for role in ("writer", "owner"):
            self.refused(await self.by(cookie, "POST", shares, {"role": role}), 403, "visitors_may_not")
        made = await self.by(cookie, "POST", shares, {"role": "observer", "user": "bob"})
        self.assertEqual(made.status, 201)
        (member,) = await self.shares.members(console.id)
        change = await self.by(cookie, "PATCH", f"/consoles/mine/members/{member.number}", {"role": "writer"})
        self.refused(change, 403, "visitors_may_not")

    async def test_there_are_so_many_and_one_who_leaves_makes_room(self) -> None:
        cookies = [(await self.come())[0] for _ in range(AT_ONCE)]
        self.refused(await self.call("POST", "/login/guest", token=""), 429, "too_many_visitors")
        await self.by(cookies[0], "POST", "/logout")
        self.database._connection.execute("UPDATE users SET created = created - 61 WHERE expires NOT NULL")
        await self.visitors.start()
        await self.watch.look()
        self.assertEqual(len(self.database.users()), 2 + AT_ONCE - 1)
        # Three have come from this address: the next has to wait, though there is room.
        response = await self.call("POST", "/login/guest", token="")
        self.refused(response, 429, "too_many_visitors")
        self.assertGreater(int(response.headers["Retry-After"]), 60)

    async def test_whose_time_is_over_is_refused_and_removed(self) -> None:
        cookie, user = await self.come()
        self.database._connection.execute("UPDATE users SET expires = 1 WHERE number = ?", (user.number,))
        self.refused(await self.by(cookie, "GET", "/me"), 401, "account_expired")
        await self.visitors.start()
        await self.watch.look()
        self.assertIsNone(self.database.user(user.number))

    async def test_who_cannot_be_removed_now_is_removed_later(self) -> None:
        _, user = await self.come()
        self.database._connection.execute("UPDATE users SET expires = 1 WHERE number = ?", (user.number,))
        await self.visitors.start()
        remove = self.visitors._remove

        async def fail(user: User) -> None:
            raise TermhubError("The launcher is away.")

        self.visitors._remove = fail
        await self.watch.look()
        self.assertIsNotNone(self.database.user(user.number))
        self.visitors._remove = remove
        await self.watch.look()
        self.assertIsNone(self.database.user(user.number))

    async def test_a_foreign_page_makes_nobody_a_visitor(self) -> None:
        refused = await self.call("POST", "/login/guest", token="", headers={"Origin": "http://evil.example"})
        self.refused(refused, 403, "foreign_origin")
        self.assertEqual(len(self.database.users()), 2)
