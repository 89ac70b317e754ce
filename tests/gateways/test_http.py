"""HTTP below the routes: limits, malformed requests, headers."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import websockets.sync.client
from twisted.internet.defer import DeferredList
from twisted.internet.threads import deferToThread

from sandbox.guest import frames
from termhub.gateways.connections import Connections
from termhub.gateways.web import http
from termhub.gateways.web.guards import Guards
from termhub.gateways.web.http import MAX_BODY, MAX_INPUT_BODY
from termhub.gateways.web.responses import SECURITY_HEADERS
from tests.support.web import WebTestCase


def parsed(answer: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers (lower case) and body of one response."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(status.split()[1]), headers, msgspec.json.decode(body)


class LimitTests(WebTestCase):
    async def test_a_json_body_may_have_64_kilobytes(self) -> None:
        fits = await self.call("POST", "/consoles", raw=b" " * (MAX_BODY - 2) + b"{}")
        self.assertEqual(fits.status, 201)
        refused = await self.call("POST", "/consoles", raw=b" " * (MAX_BODY - 1) + b"{}")
        self.assertEqual((refused.status, refused.json["code"]), (413, "too_large"))

    async def test_input_may_have_8_megabytes(self) -> None:
        console = self.console("main")
        response = await self.call("POST", "/consoles/main/input", raw=b"x" * MAX_INPUT_BODY)
        self.assertEqual(response.json, {"accepted": MAX_INPUT_BODY})
        self.assertEqual(len(console.typed), MAX_INPUT_BODY)

    def sent_while_refused(self, head: str, piece: bytes) -> Any:
        """The answer to a body that goes on and on, read while it is sent."""

        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", self.address), timeout=60) as connection:
                connection.sendall(head.encode())
                sent = 0
                try:
                    while sent < 3 * MAX_INPUT_BODY:
                        connection.sendall(piece)
                        sent += len(piece)
                except OSError:
                    pass  # the connection was ended in the middle, as it should be
                self.sent = sent
                answer = b""
                while chunk := connection.recv(65536):
                    answer += chunk
                return answer

        return deferToThread(talk)

    async def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_read(self) -> None:
        status, headers, problem = parsed(
            await self.sent_while_refused(
                "POST /api/v1/consoles/main/input HTTP/1.1\r\nHost: x\r\n"
                f"Content-Length: {MAX_INPUT_BODY * 100}\r\n\r\n",
                b"x" * 65536,
            )
        )
        self.assertEqual((status, problem["code"]), (413, "too_large"))
        self.assertEqual(headers["connection"], "close")

    async def test_a_chunked_body_is_refused_once_it_is_too_long(self) -> None:
        status, _, problem = parsed(
            await self.sent_while_refused(
                "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"1000\r\n" + b"x" * 4096 + b"\r\n",
            )
        )
        self.assertEqual((status, problem["code"]), (413, "too_large"))


class MalformedTests(WebTestCase):
    async def test_what_is_not_http_gets_a_problem(self) -> None:
        for data in (
            b"nonsense\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET  / HTTP/1.1\r\n\r\n",
            b"G\x00T / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nbad name: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nab",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        ):
            answer = await self.raw(data)
            status, headers, problem = parsed(answer)
            self.assertEqual(status, 400, data[:60])
            self.assertEqual(headers["content-type"], "application/problem+json")
            self.assertEqual(problem["code"], "bad_request")
            self.assertEqual(int(headers["content-length"]), len(answer.partition(b"\r\n\r\n")[2]))
            for name, value in SECURITY_HEADERS.items():
                self.assertEqual(headers[name.lower()], value)

    async def test_a_head_that_is_too_long(self) -> None:
        for data in (
            b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
            b"a" * 200_000,
        ):
            status, _, problem = parsed(await self.raw(data))
            self.assertEqual((status, problem["code"]), (431, "too_large"))

    async def test_addresses_that_are_no_text(self) -> None:
        for target in ("/%FF", "/api/v1/consoles/%C3%28", "/c/%ED%A0%80"):
            response = await self.http("GET", target)
            self.assertEqual((response.status, response.json["code"]), (400, "bad_request"))

    async def test_a_refused_connection_answers_once(self) -> None:
        answer = await self.raw(b"nonsense\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\nmore nonsense\r\n")
        self.assertEqual(answer.count(b"HTTP/1.1 400 "), 1)
        self.assertNotIn(b"200", answer)


class HeaderTests(WebTestCase):
    async def test_every_answer_has_the_security_headers(self) -> None:
        for target, status in (
            ("/", 200),
            ("/healthz", 200),
            ("/api/v1/me", 401),
            ("/nothing", 404),
            ("/%FF", 400),
        ):
            response = await self.http("GET", target)
            self.assertEqual(response.status, status)
            for name, value in SECURITY_HEADERS.items():
                self.assertEqual(response.headers[name], value, target)
            self.assertEqual(response.headers["Server"], "termhub")
        policy = SECURITY_HEADERS["Content-Security-Policy"]
        self.assertIn("script-src 'self';", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertNotIn("unsafe", policy)

    async def test_answers_of_the_api_are_not_kept(self) -> None:
        for path in ("/me", "/consoles", "/nothing"):
            self.assertEqual((await self.call("GET", path)).headers["Cache-Control"], "no-store")

    async def test_health(self) -> None:
        response = await self.http("GET", "/healthz")
        self.assertEqual((response.status, response.json), (200, {"status": "ok", "version": "1.2.3"}))

    async def test_head_has_no_body(self) -> None:
        response = await self.http("HEAD", "/healthz")
        self.assertEqual((response.status, response.body), (200, b""))

    async def test_a_connection_serves_many_requests(self) -> None:
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = await self.raw(request * 20 + last)
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 21)


class ConnectionsTests(WebTestCase):
    def site_options(self) -> dict[str, Any]:
        guards = Guards(Connections(4, 3))
        return {**super().site_options(), "guards": guards}

    def connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.address), timeout=60)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection

    async def test_one_address_has_so_many(self) -> None:
        def run() -> None:
            taken = [self.connected() for _ in range(3)]
            for connection in taken:
                self.assertIn(b" 200 OK", connection.recv(4096))
            with self.connected() as refused:
                answer = b"".join(iter(lambda: refused.recv(4096), b""))
            self.assertIn(b" 503 ", answer)
            self.assertIn(b"too_many_connections", answer)
            for connection in taken:
                connection.close()

        await deferToThread(run)
        await DeferredList(self.connections)  # the site has seen that they are gone
        self.assertEqual((await self.call("GET", "/me")).status, 200)

    async def test_an_attached_client_is_counted_until_it_is_gone(self) -> None:
        console = self.console("main")
        for _ in range(5):
            attached = console.attached

            def run() -> None:
                with websockets.sync.client.connect(
                    f"ws://127.0.0.1:{self.address}/api/v1/consoles/main/attach",
                    subprotocols=["termhub.v1"],  # type: ignore[list-item]
                    additional_headers={"Authorization": f"Bearer {self.token}"},
                ) as link:
                    hello = {"version": 1, "viewer": "1"}
                    link.send(frames.encode_json(frames.HELLO, frames.CONSOLE, hello))
                    link.recv(timeout=60)
                    others = [self.connected() for _ in range(2)]
                    for other in others:
                        self.assertIn(b" 200 OK", other.recv(4096))
                    with self.connected() as refused:
                        self.assertIn(b" 503 ", refused.recv(4096))
                    for other in others:
                        other.close()

            await deferToThread(run)
            await (await attached).left
            await DeferredList(self.connections)


class SlowTests(WebTestCase):
    async def test_a_head_that_drips_is_given_up(self) -> None:
        self.patch(http, "HEAD_SECONDS", 0.3)

        def run() -> bytes:
            with socket.create_connection(("127.0.0.1", self.address), timeout=60) as connection:
                connection.settimeout(0.05)
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
                answer = b""
                while True:
                    try:
                        data = connection.recv(4096)
                        if not data:
                            return answer
                        answer += data
                    except TimeoutError:
                        try:
                            connection.sendall(b"X")
                        except ConnectionError:
                            connection.settimeout(60)  # it was given up; what it was told is still to be read
                    except ConnectionResetError:
                        return answer  # a drop came too late

        self.assertIn(b" 408 ", await deferToThread(run))

    async def test_a_body_that_drips_is_given_up(self) -> None:
        self.patch(http, "BODY_SECONDS", 0.2)

        def run() -> bytes:
            with socket.create_connection(("127.0.0.1", self.address), timeout=60) as connection:
                connection.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
                return b"".join(iter(lambda: connection.recv(4096), b""))

        self.assertIn(b" 408 ", await deferToThread(run))
