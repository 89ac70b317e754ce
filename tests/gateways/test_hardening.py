"""What a scanner and a hostile page would try: each is refused, whatever the operation."""

from __future__ import annotations

import gzip
import re
import socket
import zlib
from http.cookies import SimpleCookie

from twisted.internet.threads import deferToThread

from termhub.gateways.web.openapi import path_template
from termhub.gateways.web.operations import PREFIX, Operation
from termhub.gateways.web.responses import SECURITY_HEADERS
from termhub.gateways.web.site import OPERATIONS
from tests.support.web import Response, WebTestCase

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "termhub.v1",
}


def target(operation: Operation) -> str:
    """An address of an operation, with the console `main` in it where there is one."""
    known = {"console": "main", "window": "0"}
    return PREFIX + re.sub(r"{(\w+)}", lambda found: known.get(found[1], "1"), path_template(operation))


class HardeningTestCase(WebTestCase):
    async def session(self) -> str:
        """The Cookie header of a browser that is logged in as alice."""
        body = {"name": "alice", "password": "alice's password"}
        response = await self.call("POST", "/login", body, token="")
        (morsel,) = SimpleCookie(response.headers["Set-Cookie"]).values()
        return f"{morsel.key}={morsel.value}"

    def head(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        lines = {"Host": "x", "Connection": "close", **headers}
        if body:
            lines["Content-Length"] = str(len(body))
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {path} HTTP/1.1\r\n{text}\r\n".encode("latin-1") + body


class ForeignPageTests(HardeningTestCase):
    """Cross-site request forgery."""

    async def test_no_foreign_page_causes_any_change(self) -> None:
        self.console("main")
        changing = [operation for operation in OPERATIONS if operation.changes_something]
        self.assertGreater(len(changing), 10)
        foreign: list[dict[str, str]] = [
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": f"{self.origin}.evil.example"},
            {"Origin": f"https://evil.example?{self.origin}"},
            {"Origin": f"http://x@127.0.0.1:{self.address}@evil.example"},
            {"Origin": "http://127.0.0.1:1"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {},
        ]
        for operation in changing:
            cookie = await self.session()  # logging out needs one of its own, should it be let through
            for headers in foreign:
                response = await self.http(
                    operation.method, target(operation), b"{}", {"Cookie": cookie, **headers}
                )
                self.assertEqual(
                    (response.status, response.json["code"]),
                    (403, "foreign_origin"),
                    (operation.name, headers),
                )
                self.assertIsNone(response.headers["Set-Cookie"])
            me = await self.http("GET", "/api/v1/me", headers={"Cookie": cookie})
            self.assertEqual(me.status, 200, operation.name)

    async def test_a_foreign_page_gets_no_leave_to_read(self) -> None:
        cookie = await self.session()
        for operation in OPERATIONS:
            for method in ("OPTIONS", operation.method):
                response = await self.http(
                    method,
                    target(operation),
                    headers={
                        "Cookie": cookie,
                        "Origin": "https://evil.example",
                        "Access-Control-Request-Method": operation.method,
                        "Access-Control-Request-Headers": "authorization",
                    },
                )
                granted = [name for name in response.headers if name.lower().startswith("access-control")]
                self.assertEqual(granted, [], operation.name)

    async def test_a_foreign_page_attaches_nowhere(self) -> None:
        self.console("main")
        cookie = await self.session()
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", ""):
            sent = {**HANDSHAKE, "Origin": origin, "Cookie": cookie}
            answer = await self.raw(self.head("GET", "/api/v1/consoles/main/attach", sent))
            self.assertIn(b" 403 ", answer.partition(b"\r\n")[0], origin)


class SessionTests(HardeningTestCase):
    async def test_a_login_never_takes_a_secret_that_was_brought(self) -> None:
        """Session fixation: what an attacker made a browser send means nothing afterwards."""
        body = {"name": "alice", "password": "alice's password"}
        for planted in ("ths_planted", "ths_" + "A" * 43, "PLANTED"):
            headers = {"Cookie": f"termhub_session={planted}", "Origin": self.origin}
            response = await self.call("POST", "/login", body, token="", headers=headers)
            self.assertEqual(response.status, 200)
            self.assertNotIn(planted, response.headers["Set-Cookie"])
            after = await self.http("GET", "/api/v1/me", headers=headers)
            self.assertEqual(after.status, 401)

    async def test_each_login_has_a_secret_of_its_own(self) -> None:
        first, second = await self.session(), await self.session()
        self.assertNotEqual(first, second)
        out = await self.call("POST", "/logout", token="", headers={"Cookie": first, "Origin": self.origin})
        self.assertEqual(out.status, 204)
        for cookie, status in ((first, 401), (second, 200)):
            self.assertEqual(
                (await self.http("GET", "/api/v1/me", headers={"Cookie": cookie})).status, status
            )

    async def test_secrets_are_not_taken_from_addresses(self) -> None:
        cookie = await self.session()
        secret = cookie.partition("=")[2]
        for query in (f"?token={self.token}", f"?access_token={self.token}", f"?{cookie}", f"?s={secret}"):
            self.assertEqual((await self.http("GET", f"/api/v1/tokens{query}")).status, 401)


class ReflectionTests(HardeningTestCase):
    ODD = (
        "%0d%0aSet-Cookie:%20evil=1",
        "%0d%0a%0d%0a<script>alert(1)</script>",
        "%E5%98%8A%E5%98%8DSet-Cookie:evil=1",  # becomes CR LF where somebody cuts code points to bytes
        "%00",
        "<script>alert(1)</script>",
        "%22onmouseover=%22alert(1)",
        "{{7*7}}",
        "${7*7}",
    )

    def check(self, response: Response, what: str) -> None:
        if response.status != 201:
            self.assertIsNone(response.headers["Location"], what)
        self.assertNotIn("evil", str(response.headers), what)
        for name, value in SECURITY_HEADERS.items():
            self.assertEqual(response.headers.get_all(name), [value], what)
        if b"<script>alert" in response.body:
            self.assertIn("json", response.headers["Content-Type"], what)
        self.assertNotIn(b"Traceback", response.body)
        self.assertNotIn(b"/termhub/", response.body)
        self.assertNotRegex(response.body, rb"\b49\b")

    async def test_nothing_that_was_sent_comes_back_as_a_header_or_page(self) -> None:
        console = self.console("main")
        for odd in self.ODD:
            for path in (
                f"/{odd}",
                f"/c/{odd}",
                f"/c/{odd}/{odd}",
                f"/s/{odd}",
                f"/login?next={odd}",
                f"/assets/{odd}",
                f"/api/v1/{odd}",
                f"/api/v1/consoles/{odd}",
                f"/api/v1/consoles/{console.id}/screen?window={odd}",
                f"/api/v1/consoles/{console.id}/output?since={odd}",
                f"/api/v1/consoles/{console.id}/attach?x={odd}",
                f"/api/v1/keys/offers/{odd}",
            ):
                response = await self.http("GET", path, headers={"Authorization": f"Bearer {self.token}"})
                self.check(response, path)
                self.assertNotEqual(response.status, 500, path)

    async def test_headers_that_were_sent_do_not_come_back(self) -> None:
        for name in (
            "Host",
            "X-Forwarded-Host",
            "Referer",
            "User-Agent",
            "Origin",
            "X-Original-URL",
            "Range",
        ):
            response = await self.http("GET", "/", headers={name: "evil.example"})
            self.check(response, name)
            self.assertNotIn(b"evil.example", response.body, name)

    async def test_nothing_redirects(self) -> None:
        for path in (
            "//evil.example",
            "//evil.example/..",
            "/\\evil.example",
            "/%2f/evil.example",
            "/https://evil.example",
            "/login?next=https://evil.example",
            "/login?return_to=//evil.example",
            "/c/main/",
            "/api/v1//me",
            "/api/v1/me/",
            "/api//v1/consoles",
            "/.",
            "/..",
        ):
            response = await self.http("GET", path)
            self.assertNotIn(response.status // 100, (3, 5), path)
            self.check(response, path)

    async def test_names_cannot_break_out_of_answers(self) -> None:
        for name in ("a\r\nSet-Cookie: evil=1", "a\nb", "a\x00b", "<script>alert(1)</script>", "‮evil"):
            response = await self.call("POST", "/consoles", {"name": name})
            self.assertIn(response.status, (201, 400), repr(name))
            self.check(response, repr(name))


class TraversalTests(HardeningTestCase):
    PATHS = (
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "%252e%252e%252fsecret.txt",
        "..%5csecret.txt",
        "..\\secret.txt",
        "....//secret.txt",
        "..;/secret.txt",
        "%c0%ae%c0%ae/secret.txt",
        "..%00/secret.txt",
        "/etc/passwd",
        "//etc/passwd",
        "..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "file:///etc/passwd",
        "link/secret.txt",
        "link",
    )

    def setUp(self) -> None:
        super().setUp()
        (self.static / "assets").mkdir(parents=True)
        (self.static / "index.html").write_text("<p>client</p>")
        outside = self.static.parent / "outside"
        outside.mkdir()
        for folder in (self.static.parent, outside):
            (folder / "secret.txt").write_text("SECRET root:x:0:0")
        (self.static / "assets" / "link").symlink_to(outside)
        (self.static / "secret-link").symlink_to(outside / "secret.txt")

    async def test_files_outside_are_not_served(self) -> None:
        for path in (*self.PATHS, "secret-link"):
            for prefix in ("/", "/assets/", "/assets/x/", "/c/", "/s/", "/api/v1/", "/api/v1/consoles/"):
                answer = await self.raw(
                    self.head("GET", prefix + path, {"Authorization": f"Bearer {self.token}"})
                )
                self.assertNotIn(b"SECRET", answer, prefix + path)
                self.assertNotIn(b"root:x:0:0", answer, prefix + path)
                self.assertNotIn(b" 500 ", answer.partition(b"\r\n")[0], prefix + path)

    async def test_a_path_leads_to_nobody_elses_console(self) -> None:
        theirs = self.console("theirs", self.bob)
        for path in (theirs.id, "theirs", f"x/../{theirs.id}", f"x%2f..%2f{theirs.id}", f"{theirs.id}%00"):
            for rest in ("", "/screen", "/output", "/shares"):
                response = await self.call("GET", f"/consoles/{path}{rest}")
                self.assertEqual(response.status, 404, path)
                self.assertNotIn("bob", response.body.decode())


class BodyTests(HardeningTestCase):
    async def test_compressed_bodies_are_not_opened(self) -> None:
        bomb = gzip.compress(b" " * (32 << 20))
        for coding, data in (
            ("gzip", bomb),
            ("deflate", zlib.compress(b" " * 1000)),
            ("br", b"x"),
            ("gzip, gzip", gzip.compress(bomb)),
            ("identity, gzip", bomb),
            ("GZIP", bomb),
        ):
            response = await self.call("POST", "/consoles", raw=data, headers={"Content-Encoding": coding})
            self.assertEqual((response.status, response.json["code"]), (415, "bad_encoding"), coding)
        response = await self.call("POST", "/consoles", raw=b"{}", headers={"Content-Encoding": "identity"})
        self.assertEqual(response.status, 201)

    async def test_deep_and_odd_json_is_refused(self) -> None:
        for body in (
            b"[" * 60_000,
            b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
            b'{"name": ' + b"9" * 50_000 + b"}",
            b'{"cols": 1e400}',
            b'{"name": "\\ud800"}',
            b"\xff\xfe",
            b'{"cols": NaN}',
        ):
            response = await self.call("POST", "/consoles", raw=body)
            self.assertEqual(response.status, 400, body[:20])
            self.assertLess(len(response.body), 1000)

    async def test_an_integer_may_be_written_as_any_json_does(self) -> None:
        fits = await self.call("POST", "/consoles", raw=b'{"name": "wide", "cols": 132.0, "rows": 4e1}')
        self.assertEqual(fits.status, 201)
        (window,) = fits.json["windows"]
        self.assertEqual((window["cols"], window["rows"]), (132, 40))
        for odd in (b"80.5", b"1e300", b'"80"', b"true"):
            refused = await self.call("POST", "/consoles", raw=b'{"cols": ' + odd + b"}")
            self.assertEqual((refused.status, refused.json["code"]), (400, "bad_body"), odd)

    async def test_the_websocket_agrees_to_no_compression(self) -> None:
        self.console("main")
        sent = {
            **HANDSHAKE,
            "Authorization": f"Bearer {self.token}",
            "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame",
        }

        def talk() -> tuple[bytes, bytes]:
            with socket.create_connection(("127.0.0.1", self.address), timeout=60) as connection:
                connection.sendall(self.head("GET", "/api/v1/consoles/main/attach", sent))
                answer = b""
                while b"\r\n\r\n" not in answer:
                    answer += connection.recv(4096)
                head, _, frames = answer.partition(b"\r\n\r\n")
                # A binary frame with RSV1, the bit of compression, masked with zeros.
                connection.sendall(b"\xc2\x84\x00\x00\x00\x00abcd")
                while chunk := connection.recv(4096):
                    frames += chunk
                return head, frames

        head, frames = await deferToThread(talk)
        self.assertIn(b" 101 ", head)
        self.assertNotIn(b"extensions", head.lower())
        self.assertEqual(frames[:1], b"\x88")
        self.assertEqual(frames[2:4], (1002).to_bytes(2, "big"))


class SmugglingTests(HardeningTestCase):
    """Requests whose end two servers could see in different places."""

    async def test_an_end_that_is_not_clear_is_refused(self) -> None:
        hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        post = b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\n"
        for head in (
            b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
            b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
            b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
            b"Content-Length: 0, 0\r\n\r\n",
            b"Content-Length: +0\r\n\r\n",
            b"Content-Length: 0x0\r\n\r\n",
            b"Content-Length: \r\n\r\n",
            b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
            b"Content-Length : 0\r\n\r\n",
            b" Content-Length: 0\r\n\r\n",
            b"X: y\r\n Content-Length: 0\r\n\r\n",
            b"X: y\r\n\tz\r\n\r\n",
            b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: identity\r\n\r\n",
            b"Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n",
            b"X: y\nContent-Length: 0\r\n\r\n",
            b"X: y\rContent-Length: 0\r\n\r\n",
            b"Host: y\r\nContent-Length: 0\r\n\r\n",
        ):
            answer = await self.raw(post + head + hidden)
            self.assertEqual(answer[:12], b"HTTP/1.1 400", head[:60])
            if not head.startswith(b"Host"):
                self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d", answer)), 1, head[:60])

    async def test_http_1_0_has_no_chunks(self) -> None:
        answer = await self.raw(
            b"POST /api/v1/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        self.assertEqual(answer[:12], b"HTTP/1.1 400")
        self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d", answer)), 1)

    async def test_a_refused_request_is_not_told_to_go_on(self) -> None:
        answer = await self.raw(
            b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
        )
        self.assertEqual(answer[:12], b"HTTP/1.1 413")
        self.assertNotIn(b"100 Continue", answer)

    async def test_many_requests_at_once_wait_outside(self) -> None:
        """What comes behind a request that is being answered is not read without bound."""
        console = self.console("main")
        wait = self.head(
            "GET",
            "/api/v1/consoles/main/output?since=0&wait=30",
            {"Authorization": f"Bearer {self.token}", "Connection": "keep-alive"},
        )

        def flood() -> int:
            with socket.create_connection(("127.0.0.1", self.address), timeout=60) as connection:
                connection.sendall(wait)
                connection.settimeout(0.5)
                sent = 0
                try:
                    while sent < 64 << 20:
                        sent += connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
                except TimeoutError:
                    pass
                return sent

        self.assertLess(await deferToThread(flood), 32 << 20)
        console.print(b"x")


class PrivacyTests(HardeningTestCase):
    async def test_private_answers_are_kept_nowhere(self) -> None:
        self.console("main")
        cookie = await self.session()
        for operation in OPERATIONS:
            if operation.method == "GET":
                response = await self.http("GET", target(operation), headers={"Cookie": cookie})
                self.assertEqual(response.headers["Cache-Control"], "no-store", operation.name)
                self.assertIsNone(response.headers["ETag"], operation.name)

    async def test_without_a_login_nothing_is_told(self) -> None:
        self.console("main")
        for operation in OPERATIONS:
            if operation.is_public:
                continue
            there = await self.http(operation.method, target(operation), b"{}")
            nowhere = await self.http(operation.method, target(operation).replace("main", "none"), b"{}")
            self.assertEqual(there.status, 401, operation.name)
            self.assertEqual((there.status, there.body), (nowhere.status, nowhere.body), operation.name)

    async def test_others_learn_nothing_of_a_console(self) -> None:
        self.console("main")
        for operation in OPERATIONS:
            if "<console>" not in operation.path:
                continue
            headers = {"Authorization": f"Bearer {self.bobs_token}"}
            there = await self.http(operation.method, target(operation), b"{}", headers)
            nowhere = await self.http(
                operation.method, target(operation).replace("/main", "/none"), b"{}", headers
            )
            self.assertEqual(
                (there.status, there.body.replace(b"main", b"none")),
                (nowhere.status, nowhere.body),
                operation.name,
            )

    async def test_a_defect_tells_nothing_of_the_inside(self) -> None:
        def fail(*arguments: object) -> None:
            raise RuntimeError("SECRET inside /termhub/hub.py")

        self.patch(self.consoles, "of", fail)
        response = await self.call("GET", "/consoles")
        self.assertEqual((response.status, response.json["code"]), (500, "internal_error"))
        self.assertNotIn(b"SECRET", response.body)
        self.assertNotIn(b"RuntimeError", response.body)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_pages_cannot_be_framed_and_say_nothing_of_the_server(self) -> None:
        for path in ("/", "/login", "/c/main", "/s/abc", "/api/v1/openapi.json", "/nothing"):
            response = await self.http("GET", path)
            self.assertEqual(response.headers["X-Frame-Options"], "DENY")
            self.assertIn("frame-ancestors 'none'", response.headers["Content-Security-Policy"])
            self.assertEqual(response.headers.get_all("Server"), ["termhub"])
            self.assertIsNone(response.headers["X-Powered-By"])

    async def test_methods_that_only_attackers_use(self) -> None:
        for method in ("TRACE", "TRACK", "DEBUG", "CONNECT", "PROPFIND", "PUT", "X" * 500):
            answer = await self.raw(self.head(method, "/", {"Cookie": "termhub_session=SECRET"}))
            self.assertIn(answer[9:12], (b"400", b"405", b"501"), method)
            self.assertNotIn(b"SECRET", answer)
