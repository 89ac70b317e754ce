"""Logging in, the cookie, and what foreign pages must not be able to do."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

from termhub.accounts import manage
from termhub.gateways.web.guards import Guards
from tests.support.web import Response, WebTestCase


def cookie_of(response: Response) -> str:
    """The Cookie header that answers this response's Set-Cookie."""
    (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
    return f"{morsel.key}={morsel.value}"


class LoginTests(WebTestCase):
    async def log_in(self, body: dict[str, Any] | None = None, **headers: str) -> Response:
        given = {"name": "alice", "password": "alice's password"} if body is None else body
        return await self.call("POST", "/login", given, token="", headers=headers)

    async def by_cookie(
        self, cookie: str, method: str = "GET", path: str = "/me", body: Any = None, **headers: str
    ) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call(method, path, body, token="", headers={"Cookie": cookie, **named})

    async def test_a_password_gives_a_cookie_that_works(self) -> None:
        response = await self.log_in()
        self.assertEqual(response.status, 200)
        expected = {
            "name": "alice",
            "plan": "default",
            "created": 1.0,
            "is_guest": False,
            "is_admin": False,
            "has_password": True,
            "scopes": ["read", "write", "account"],
            "expires": None,
        }
        self.assertEqual(response.json, expected)
        (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
        self.assertEqual(morsel.key, "termhub_session")
        self.assertEqual(
            (morsel["path"], morsel["httponly"], morsel["samesite"].lower(), morsel["secure"]),
            ("/", True, "lax", ""),
        )
        self.assertEqual(morsel["max-age"], str(30 * 24 * 3600))
        me = await self.by_cookie(cookie_of(response))
        self.assertEqual((me.status, me.json["name"]), (200, "alice"))
        self.assertIn("Max-Age", me.headers["Set-Cookie"], "asking who one is prolongs the cookie")

    async def test_a_link_works_once(self) -> None:
        link = manage.create_link(self.database, "bob")
        response = await self.log_in({"link": link})
        self.assertEqual((response.status, response.json["name"]), (200, "bob"))
        again = await self.log_in({"link": link})
        self.assertEqual((again.status, again.json["code"]), (401, "bad_link"))

    async def test_wrong_credentials(self) -> None:
        for body, status, code in (
            ({"name": "alice", "password": "wrong"}, 401, "wrong_password"),
            ({"name": "nobody", "password": "wrong"}, 401, "wrong_password"),
            ({"link": "thl_wrong"}, 401, "bad_link"),
            ({"name": "alice"}, 400, "bad_request"),
            ({"name": "alice", "password": "x", "link": "y"}, 400, "bad_request"),
            ({}, 400, "bad_request"),
            ({"name": 1, "password": "x"}, 400, "bad_body"),
        ):
            response = await self.log_in(body)
            self.assertEqual((response.status, response.json["code"]), (status, code))
            self.assertIsNone(response.headers["Set-Cookie"])

    async def test_guessing_is_limited(self) -> None:
        for _ in range(10):
            await self.log_in({"name": "alice", "password": "wrong"})
        response = await self.log_in()
        self.assertEqual((response.status, response.json["code"]), (429, "too_many_attempts"))
        self.assertTrue(1 <= int(response.headers["Retry-After"]) <= 30)
        self.assertEqual((await self.call("GET", "/me")).status, 200, "a token still works")

    async def test_logging_out(self) -> None:
        cookie = cookie_of(await self.log_in())
        response = await self.by_cookie(cookie, "POST", "/logout", Origin=self.origin)
        self.assertEqual(response.status, 204)
        self.assertIn("Max-Age=0", response.headers["Set-Cookie"])
        self.assertEqual((await self.by_cookie(cookie)).status, 401)

    async def test_the_hub_is_told_who_comes_and_goes(self) -> None:
        await self.log_in({"name": "alice", "password": "wrong"})
        await self.call("GET", "/me")
        self.assertEqual(self.comings, [], "a program with a token does not come and go")
        cookie = cookie_of(await self.log_in())
        await self.by_cookie(cookie)
        await self.by_cookie(cookie, "POST", "/logout", Origin=self.origin)
        self.assertEqual(self.comings, [("in", "alice"), ("in", "alice"), ("out", "alice")])

    async def test_logging_out_without_a_login_is_fine(self) -> None:
        self.assertEqual((await self.call("POST", "/logout", token="")).status, 204)

    async def test_without_credentials_nothing_is_told(self) -> None:
        self.console("main")
        for method, path in (
            ("GET", "/me"),
            ("GET", "/consoles/main"),
            ("POST", "/consoles"),
            ("GET", "/images"),
        ):
            response = await self.call(method, path, token="")
            self.assertEqual((response.status, response.json["code"]), (401, "not_logged_in"))
            self.assertIn("Bearer", response.headers["WWW-Authenticate"])

    async def test_wrong_headers(self) -> None:
        cookie = cookie_of(await self.log_in())
        for value in ("Bearer", "Bearer ", "Basic YTpi", "Bearer th_wrong", "nonsense"):
            response = await self.call(
                "GET", "/me", token="", headers={"Authorization": value, "Cookie": cookie}
            )
            self.assertEqual((response.status, response.json["code"]), (401, "bad_token"), value)
        for value in ("termhub_session=", "termhub_session=ths_wrong", "other=1", ";;=;"):
            self.assertEqual((await self.by_cookie(value)).status, 401, value)

    async def test_a_foreign_page_changes_nothing(self) -> None:
        cookie = cookie_of(await self.log_in())
        for headers in (
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": f"http://127.0.0.1:{self.address + 1}"},
            {"Origin": "http://evil.example", "Sec_Fetch_Site": "same-origin"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
            {"Origin": "file://"},
            {"Origin": "http://[broken"},
            {},
        ):
            response = await self.by_cookie(cookie, "POST", "/consoles", {}, **headers)
            self.assertEqual((response.status, response.json["code"]), (403, "foreign_origin"), headers)
        self.assertEqual(self.consoles.all, {})

    async def test_our_own_pages_may(self) -> None:
        cookie = cookie_of(await self.log_in())
        for headers in (
            {"Origin": self.origin},
            {"Origin": self.origin, "Sec_Fetch_Site": "same-origin"},
            {"Sec_Fetch_Site": "same-origin"},
        ):
            response = await self.by_cookie(cookie, "POST", "/consoles", {}, **headers)
            self.assertEqual(response.status, 201, headers)

    async def test_a_foreign_page_logs_nobody_in(self) -> None:
        response = await self.log_in(Origin="http://evil.example")
        self.assertEqual(response.status, 403)
        self.assertEqual((await self.log_in(Origin=self.origin)).status, 200)

    async def test_a_token_needs_no_origin(self) -> None:
        response = await self.call("POST", "/consoles", {}, headers={"Origin": "http://elsewhere.example"})
        self.assertEqual(response.status, 201)

    async def test_tokens_are_made_listed_and_revoked_by_their_owner(self) -> None:
        made = await self.call("POST", "/tokens", {"label": "laptop"})
        self.assertEqual(made.status, 201)
        self.assertEqual((await self.call("GET", "/me", token=made.json["secret"])).json["name"], "alice")
        listed = (await self.call("GET", "/tokens")).json["tokens"]
        self.assertEqual([token["label"] for token in listed], ["", "laptop"])
        self.assertNotIn(made.json["secret"], str(listed))
        number = made.json["number"]
        theirs = await self.call("DELETE", f"/tokens/{number}", token=self.bobs_token)
        self.assertEqual((theirs.status, theirs.json["code"]), (404, "no_such_token"))
        self.assertEqual((await self.call("DELETE", f"/tokens/{number}")).status, 204)
        self.assertEqual((await self.call("GET", "/me", token=made.json["secret"])).status, 401)


class BehindProxyTests(WebTestCase):
    def site_options(self) -> dict[str, Any]:
        return {"static_folder": self.static, "guards": Guards(public_url="https://hub.example/")}

    async def test_the_public_origin_is_ours_and_cookies_are_secure(self) -> None:
        body = {"name": "alice", "password": "alice's password"}
        response = await self.call(
            "POST", "/login", body, token="", headers={"Origin": "https://hub.example"}
        )
        self.assertEqual(response.status, 200)
        self.assertIn("Secure", response.headers["Set-Cookie"])
        headers = {"Origin": "https://hub.example.evil", "Cookie": cookie_of(response)}
        self.assertEqual((await self.call("POST", "/consoles", {}, token="", headers=headers)).status, 403)
