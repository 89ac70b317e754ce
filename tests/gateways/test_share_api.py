"""Sharing over REST, coming by a link in a browser, and what a link's token never gets into."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http.cookies import Morsel, SimpleCookie
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.logger import formatEvent, globalLogPublisher
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sandbox.guest import frames
from tests.support.web import FakeConsole, Response, WebTestCase

OURS = {"Sec-Fetch-Site": "same-origin"}
HELLO = frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1, "viewer": "0123456789abcdef"})


def cookies_of(response: Response) -> dict[str, Morsel[str]]:
    """The cookies that a response sets."""
    found: dict[str, Morsel[str]] = {}
    for line in response.headers.get_all("Set-Cookie") or []:
        found.update(SimpleCookie(line).items())
    return found


class ShareTestCase(WebTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.main = self.console("main")
        self.private = self.console("private")

    async def link(self, role: str = "writer", console: str = "main", **body: object) -> str:
        response = await self.call("POST", f"/consoles/{console}/shares", {"role": role, **body})
        self.assertEqual(response.status, 201, response.body)
        return str(response.json["url"].rpartition("/")[2])

    async def post(self, path: str, body: object, **headers: str) -> Response:
        """As a browser without a login, unless a cookie is given."""
        return await self.call("POST", path, body, token="", headers={**OURS, **headers})

    async def take(self, token: str, **body: object) -> Response:
        return await self.post("/shares/take", {"token": token, **body})

    async def guest(self, role: str = "writer", name: str = "Ann", **body: object) -> dict[str, str]:
        """The headers of a new guest's browser."""
        taken = await self.take(await self.link(role, **body), name=name)
        self.assertEqual(taken.status, 200, taken.body)
        return {**OURS, "Cookie": f"termhub_guest={cookies_of(taken)['termhub_guest'].value}"}

    async def by(self, headers: dict[str, str], method: str, path: str, body: Any = None) -> Response:
        return await self.call(method, path, body, token="", headers=headers)


class ShareTests(ShareTestCase):
    async def test_what_has_a_number_that_nothing_can_have_is_not_there(self) -> None:
        for path in ("/consoles/main/members/{}", "/tokens/{}", "/keys/{}"):
            for number in (1 << 63, 10**40):
                response = await self.call("DELETE", path.format(number))
                self.assertEqual(response.status, 404, path)

    async def test_a_link_is_told_once(self) -> None:
        self.addresses["ssh"] = "ssh -p 2222 console@hub.example"
        made = await self.call("POST", "/consoles/main/shares", {"role": "observer", "uses": 2})
        token = made.json["url"].removeprefix("https://hub.example/s/")
        self.assertRegex(token, r"^thsh_[a-z2-7]{32}$")
        self.assertEqual(made.json["ssh"], f"ssh -p 2222 {token}@hub.example")
        self.assertEqual(
            (made.json["role"], made.json["user"], made.json["uses_left"]), ("observer", None, 2)
        )
        self.assertEqual(made.json["expires"] - made.json["created"], 86400)
        listed = await self.call("GET", "/consoles/main/shares")
        self.assertNotIn(token, listed.body.decode())
        expected = {name: value for name, value in made.json.items() if name not in ("url", "ssh")}
        self.assertEqual(listed.json, {"shares": [expected], "members": []})
        self.assertEqual((await self.call("GET", "/consoles/private/shares")).json["shares"], [])

    async def test_a_share_with_an_account(self) -> None:
        made = await self.call("POST", "/consoles/main/shares", {"role": "writer", "user": "bob"})
        self.assertEqual((made.json["user"], made.json["url"], made.json["ssh"]), ("bob", None, None))
        found = await self.call("GET", "/consoles", token=self.bobs_token)
        (console,) = found.json["consoles"]
        self.assertEqual((console["name"], console["owner"], console["role"]), ("main", "alice", "writer"))
        own = await self.call("GET", "/consoles/main")
        self.assertEqual((own.json["owner"], own.json["role"]), ("alice", "owner"))
        told = await self.call("GET", "/consoles/main/shares")
        (member,) = told.json["members"]
        self.assertEqual((member["name"], member["role"], member["is_guest"]), ("bob", "writer", False))
        one = f"/consoles/{console['id']}"
        typed = await self.call("POST", f"{one}/input", raw=b"1\n", token=self.bobs_token)
        self.assertEqual(typed.status, 202)
        path = f"/consoles/main/members/{member['member']}"
        self.assertEqual((await self.call("PATCH", path, {"role": "observer"})).status, 204)
        typed = await self.call("POST", f"{one}/input", raw=b"1\n", token=self.bobs_token)
        self.assertEqual((typed.status, typed.json["code"]), (403, "not_allowed"))
        self.assertEqual((await self.call("DELETE", path)).status, 204)
        self.assertEqual(
            (await self.call("GET", f"/consoles/{console['id']}", token=self.bobs_token)).status, 404
        )
        self.assertEqual(bytes(self.main.typed), b"1\n")

    async def test_what_cannot_be_shared_so(self) -> None:
        for body, code in (
            ({}, "bad_body"),
            ({"role": "god"}, "bad_body"),
            ({"role": "writer", "expires": 0}, "bad_body"),
            ({"role": "writer", "expires": 1e300}, "bad_body"),
            ({"role": "writer", "uses": 0}, "bad_body"),
            ({"role": "writer", "passphrase": "x", "user": "bob"}, "bad_request"),
            ({"role": "writer", "user": "nobody"}, "no_such_user"),
            ({"role": "writer", "user": "alice"}, "share_with_oneself"),
            ({"role": "writer", "by": 1}, "bad_body"),
        ):
            response = await self.call("POST", "/consoles/main/shares", body)
            self.assertEqual((response.status, response.json["code"]), (400, code), body)

    async def test_a_renamed_console_stays_shared(self) -> None:
        guest = await self.guest("observer")
        await self.call("PATCH", "/consoles/main", {"name": "renamed"})
        (found,) = (await self.by(guest, "GET", "/consoles")).json["consoles"]
        self.assertEqual((found["name"], found["owner"]), ("renamed", "alice"))
        self.assertEqual((await self.by(guest, "GET", f"/consoles/{found['id']}")).status, 200)

    async def test_a_removed_console_is_shared_with_nobody(self) -> None:
        guest = await self.guest("owner")
        response = await self.by(guest, "DELETE", f"/consoles/{self.main.id}?remove=true")
        self.assertEqual(response.status, 204)
        self.assertEqual((await self.by(guest, "GET", "/me")).status, 401)
        self.assertEqual((await self.call("GET", "/consoles/main/shares")).status, 404)

    async def test_an_answer_that_was_waited_for_comes_only_to_who_may_still_have_it(self) -> None:
        guest = await self.guest("observer")
        waiting = self.by(guest, "GET", f"/consoles/{self.main.id}/output?wait=60")
        waited = Deferred.fromCoroutine(waiting)
        await deferToThread(lambda: None)
        while not self.main.output_waits:
            await deferToThread(lambda: None)
        await self.shares.revoke_all(self.main.id, self.alice)
        self.main.print(b"a secret")
        response = await waited
        self.assertEqual(response.status, 404)
        self.assertNotIn(b"secret", response.body)

    async def test_long_input_stops_where_the_role_ends(self) -> None:
        guest = await self.guest("writer")
        real = self.main.input

        async def input(user: Any, role: str, window: int, data: bytes) -> None:
            await real(user, role, window, data)
            (member,) = await self.shares.members(self.main.id)
            await self.shares.set_role(self.main.id, member.number, "observer")

        self.main.input = input  # type: ignore[method-assign]
        path = f"/consoles/{self.main.id}/input"
        response = await self.call("POST", path, raw=b"x" * (3 << 20), token="", headers=guest)
        self.assertEqual(response.status, 403)
        self.assertEqual(len(self.main.typed), 1 << 20)


class LinkTests(ShareTestCase):
    async def test_a_guest_comes_by_a_link(self) -> None:
        token = await self.link("writer", uses=1)
        seen = await self.post("/shares/look", {"token": token})
        self.assertEqual(
            {name: value for name, value in seen.json.items() if name != "expires"},
            {
                "owner": "alice",
                "name": "main",
                "role": "writer",
                "needs_passphrase": False,
                "is_used_up": False,
            },
        )
        taken = await self.take(token, name="Ann\x1b[2J")
        self.assertEqual(
            taken.json, {"console": self.main.id, "owner": "alice", "name": "main", "role": "writer"}
        )
        cookie = cookies_of(taken)["termhub_guest"]
        self.assertEqual(
            (cookie["path"], cookie["httponly"], cookie["samesite"].lower(), cookie["secure"]),
            ("/", True, "lax", ""),
        )
        headers = {**OURS, "Cookie": f"termhub_guest={cookie.value}"}
        me = await self.by(headers, "GET", "/me")
        self.assertEqual((me.json["name"], me.json["is_guest"]), ("Ann[2J", True))
        self.assertIn("termhub_guest", cookies_of(me), "asking who one is prolongs the cookie")
        self.assertEqual(self.comings, [], "nothing is prepared for a guest")
        typed = await self.call(
            "POST", f"/consoles/{self.main.id}/input", raw=b"1\n", token="", headers=headers
        )
        self.assertEqual(typed.status, 202)
        # The same browser again, and another one.
        self.assertEqual((await self.by(headers, "POST", "/shares/take", {"token": token})).status, 200)
        another = await self.take(token, name="Bea")
        self.assertEqual((another.status, another.json["code"]), (403, "share_used_up"))
        self.assertEqual(cookies_of(another), {})

    async def test_who_is_logged_in_comes_as_that(self) -> None:
        token = await self.link("observer")
        login = {"name": "bob", "password": "bob's password"}
        session = cookies_of(await self.post("/login", login))["termhub_session"].value
        guest = (await self.guest())["Cookie"]
        for headers in (
            {**OURS, "Cookie": f"termhub_session={session}"},
            {**OURS, "Cookie": f"{guest}; termhub_session={session}"},
            {"Authorization": f"Bearer {self.bobs_token}"},
        ):
            taken = await self.by(headers, "POST", "/shares/take", {"token": token, "name": "Ann"})
            self.assertEqual((taken.status, taken.json["role"]), (200, "observer"))
            self.assertEqual(cookies_of(taken), {})
            self.assertEqual((await self.by(headers, "GET", "/me")).json["name"], "bob")
        members = (await self.call("GET", "/consoles/main/shares")).json["members"]
        self.assertEqual([one["name"] for one in members], ["Ann", "bob"])

    async def test_a_login_that_is_over_leaves_the_guest(self) -> None:
        guest = await self.guest("observer")
        headers = {**guest, "Cookie": f"{guest['Cookie']}; termhub_session=ths_over"}
        self.assertEqual((await self.by(headers, "GET", "/me")).json["name"], "Ann")
        self.assertEqual(len((await self.by(headers, "GET", "/consoles")).json["consoles"]), 1)
        bearer = {"Authorization": "Bearer th_wrong", **guest}
        self.assertEqual((await self.by(bearer, "GET", "/me")).status, 401)
        token = await self.link()
        self.assertEqual((await self.by(bearer, "POST", "/shares/take", {"token": token})).status, 401)

    async def test_logging_out_forgets_the_guest(self) -> None:
        guest = await self.guest()
        response = await self.by(guest, "POST", "/logout")
        self.assertEqual(cookies_of(response)["termhub_guest"].value, "")

    async def test_a_pass_phrase(self) -> None:
        token = await self.link(passphrase="correct horse")
        seen = await self.post("/shares/look", {"token": token})
        self.assertEqual((seen.json["name"], seen.json["needs_passphrase"]), (None, True))
        for given, code in (({}, "passphrase_needed"), ({"passphrase": "wrong"}, "wrong_passphrase")):
            response = await self.take(token, **given)
            self.assertEqual((response.status, response.json["code"]), (403, code))
        self.assertEqual((await self.take(token, passphrase="correct horse")).status, 200)

    async def test_wrong_links_are_counted(self) -> None:
        for _ in range(20):
            response = await self.post("/shares/look", {"token": "thsh_wrong"})
            self.assertEqual((response.status, response.json["code"]), (404, "no_such_share"))
        for path in ("/shares/look", "/shares/take"):
            response = await self.post(path, {"token": "thsh_wrong"})
            self.assertEqual(response.status, 429)
            self.assertGreater(int(response.headers["Retry-After"]), 0)
            self.assertEqual((await self.post(path, {"token": await self.link()})).status, 200)

    async def test_no_foreign_page_takes_a_link_or_acts_as_a_guest(self) -> None:
        token = await self.link()
        foreign = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        for path in ("/shares/look", "/shares/take"):
            response = await self.call("POST", path, {"token": token}, token="", headers=foreign)
            self.assertEqual((response.status, response.json["code"]), (403, "foreign_origin"))
        cookie = {"Cookie": (await self.guest())["Cookie"]}
        for headers in ({**cookie, **foreign}, cookie):
            path = f"/consoles/{self.main.id}/input"
            response = await self.call("POST", path, raw=b"x", token="", headers=headers)
            self.assertEqual((response.status, response.json["code"]), (403, "foreign_origin"))
        self.assertEqual(bytes(self.main.typed), b"")

    async def test_the_page_of_a_link_and_of_a_shared_console(self) -> None:
        self.static.mkdir()
        (self.static / "index.html").write_text("the client")
        for path in (f"/s/{await self.link()}", "/s/thsh_wrong", "/c/alice/main", "/c/main"):
            response = await self.http("GET", path)
            self.assertEqual((response.status, response.body), (200, b"the client"))
            self.assertEqual(response.headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(response.headers["Cache-Control"], "no-cache")

    async def test_no_token_is_logged(self) -> None:
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        token = await self.link(passphrase="correct horse")
        secret = token.removeprefix("thsh_")
        taken = await self.take(token, name="Ann", passphrase="correct horse")
        guest = cookies_of(taken)["termhub_guest"].value
        for path in (
            f"/s/{token}",
            f"/s/{token}/more",
            f"/%73/{token}",
            f"/s/thsh%5F{secret}",
            f"/s/x?{token}",
            f"/c/{token}",
            f"/{token}",
            f"/api/v1/consoles/{token}",
            f"/api/v1/shares/{token}",
        ):
            await self.http("GET", path)
        await self.take(token, name="Ann", passphrase="wrong")
        await self.call("GET", "/consoles/main/shares")
        await self.shares.revoke_all(self.main.id, self.alice)

        def fail(*_: object) -> None:
            raise RuntimeError("a defect")

        self.patch(self.consoles, "get", fail)
        await self.call("GET", f"/consoles/{token}")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertGreater(len(events), 10)
        # The failure itself keeps the locals of what failed; they are not written.
        told = repr([(formatEvent(e), {k: v for k, v in e.items() if k != "log_failure"}) for e in events])
        for hidden in (secret, guest, "correct horse"):
            self.assertNotIn(hidden, told)


class AttachTests(ShareTestCase):
    def open(self, console: FakeConsole, headers: dict[str, str]) -> ClientConnection:
        return connect(
            f"ws://127.0.0.1:{self.address}/api/v1/consoles/{console.id}/attach",
            compression=None,
            open_timeout=60,
            close_timeout=2,
            subprotocols=["termhub.v1"],  # type: ignore[list-item]
            additional_headers={name: value for name, value in headers.items() if name != "Sec-Fetch-Site"},
        )

    def closed(
        self,
        console: FakeConsole,
        headers: dict[str, str],
        before_hello: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> Deferred[tuple[int, str]]:
        """Code and reason with which somebody is sent away.

        :param before_hello: what happens between the handshake and HELLO.
        """

        def talk() -> tuple[int, str]:
            with self.open(console, headers) as connection:
                if before_hello is not None:
                    blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(before_hello()))
                try:
                    connection.send(HELLO)
                    while True:
                        connection.recv(timeout=60)
                except ConnectionClosed as closed:
                    assert closed.rcvd is not None
                    return closed.rcvd.code, closed.rcvd.reason

        return deferToThread(talk)

    async def test_a_guest_attaches_with_the_role_of_the_share(self) -> None:
        guest = await self.guest("observer")
        attached = self.main.attached
        closed = self.closed(self.main, guest)
        viewer = await attached
        user: Any = viewer.user
        self.assertEqual((user.name, user.is_guest, viewer.role), ("Ann", True, "observer"))
        viewer.client.close(4003, "no longer shared with you")
        self.assertEqual(await closed, (4003, "no longer shared with you"))

    async def test_other_consoles_are_not_there(self) -> None:
        guest = await self.guest("owner")
        self.assertEqual((await self.closed(self.private, guest))[0], 4004)
        self.assertEqual((await self.closed(self.private, OURS))[0], 1008)

    async def test_the_role_is_that_at_hello(self) -> None:
        guest = await self.guest("writer")
        (member,) = await self.shares.members(self.main.id)
        attached = self.main.attached
        closed = self.closed(
            self.main, guest, lambda: self.shares.set_role(self.main.id, member.number, "observer")
        )
        viewer = await attached
        self.assertEqual(viewer.role, "observer")
        viewer.client.close(1000, "")
        await closed

    async def test_who_lost_access_before_hello_is_sent_away(self) -> None:
        guest = await self.guest("writer")
        # Another share keeps the guest known.
        await self.by(guest, "POST", "/shares/take", {"token": await self.link(console="private")})
        closed = self.closed(self.main, guest, lambda: self.shares.revoke_all(self.main.id, self.alice))
        self.assertEqual(await closed, (4003, "no longer shared with you"))
        self.assertEqual(self.main.viewers, [])
