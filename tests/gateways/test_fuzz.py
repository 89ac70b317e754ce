"""Three hundred of each kind of malformed thing: clear errors, nothing left behind, and it goes on.

A defect that is logged fails the test by itself.
"""

from __future__ import annotations

import gc
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from twisted.internet.defer import DeferredList
from twisted.internet.threads import deferToThread

from sandbox.guest import frames
from termhub.gateways.web.attach import MAX_MESSAGE, AttachProtocol
from termhub.gateways.web.http import TermhubChannel, TermhubRequest
from tests.support.web import WebTestCase
from tests.support.websocket import attach_request, client_frame

T = TypeVar("T")
R = TypeVar("R")

TIMES = 300
TALKERS = 16
CLEAR_CODES = {1000, 1002, 1007, 1008, 1009}
HELLO = frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1, "viewer": "0123456789abcdef"})


class FuzzTestCase(WebTestCase):
    timeout = 240

    def setUp(self) -> None:
        super().setUp()
        self.random = random.Random(2)
        self.console("main")

    def bytes(self, most: int) -> bytes:
        return self.random.randbytes(self.random.randrange(most + 1))

    def mutated(self, data: bytes) -> bytes:
        """The data with a few bytes changed, left out, doubled or put in."""
        changed = bytearray(data)
        for _ in range(self.random.randrange(1, 6)):
            place = self.random.randrange(len(changed) + 1)
            match self.random.randrange(4):
                case 0:
                    changed[place : place + 1] = self.random.randbytes(1)
                case 1:
                    del changed[place : place + self.random.randrange(1, 5)]
                case 2:
                    changed[place:place] = self.random.randbytes(self.random.randrange(1, 5))
                case _:
                    changed[place:place] = changed[place : place + 8]
        return bytes(changed)

    async def all_talk(self, talk: Callable[[T], R], things: Iterable[T]) -> list[R]:
        """What ``talk`` returns for each thing, several at a time."""

        def run() -> list[R]:
            with ThreadPoolExecutor(TALKERS) as talkers:
                return list(talkers.map(talk, things))

        return await deferToThread(run)

    async def check_nothing_is_left(self) -> None:
        response = await self.call("GET", "/consoles/main")
        self.assertEqual(response.status, 200)
        await DeferredList(self.connections)
        self.connections.clear()
        self.assertEqual(self.consoles.get(self.alice, "main").viewers, [])
        gc.collect()
        kinds = (TermhubChannel, TermhubRequest, AttachProtocol)
        left = Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds))
        self.assertLessEqual(sum(left.values()), 4, left)


class HttpFuzzTests(FuzzTestCase):
    def ask(self, data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.address), timeout=30) as connection:
            answer = b""
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65536):
                    answer += chunk
            except ConnectionError:
                pass
            return answer

    def check_answers(self, answers: list[bytes]) -> Counter[str]:
        statuses: Counter[str] = Counter()
        for answer in answers:
            if not answer:
                statuses["none"] += 1
                continue
            head, _, body = answer.partition(b"\r\n\r\n")
            status = int(head.split()[1])
            statuses[str(status)] += 1
            self.assertLess(status, 500, answer)
            if status >= 400 and not head.startswith(b"HEAD"):
                self.assertIn(b"application/problem+json", head)
                if body:
                    problem, _ = json.JSONDecoder().raw_decode(body.decode())
                    self.assertEqual(problem["status"], status)
                    self.assertTrue(problem["detail"])
        return statuses

    def requests(self) -> list[bytes]:
        token = f"Authorization: Bearer {self.token}\r\n"
        json_body = b'{"name": "x", "cols": 80, "argv": ["a"], "env": {"A": "b"}}'
        seeds = [
            f"GET /api/v1/consoles HTTP/1.1\r\nHost: x\r\n{token}\r\n".encode(),
            f"GET /api/v1/consoles/main/output?since=0&wait=0 HTTP/1.1\r\nHost: x\r\n{token}\r\n".encode(),
            f"POST /api/v1/consoles HTTP/1.1\r\nHost: x\r\n{token}"
            f"Content-Length: {len(json_body)}\r\n\r\n".encode()
            + json_body,
            f"POST /api/v1/consoles/main/input HTTP/1.1\r\nHost: x\r\n{token}"
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".encode(),
            b"GET /c/main HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n",
            b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nCookie: termhub_session=ths_x; a=b\r\n"
            b'Origin: http://x\r\nContent-Length: 15\r\n\r\n{"link": "abc"}',
        ]
        return [self.mutated(self.random.choice(seeds)) for _ in range(TIMES)]

    async def test_malformed_requests(self) -> None:
        statuses = self.check_answers(await self.all_talk(self.ask, self.requests()))
        self.assertGreater(statuses["400"], TIMES // 10, statuses)
        await self.check_nothing_is_left()

    async def test_noise(self) -> None:
        noise = [self.bytes(3000) + b"\r\n\r\n" for _ in range(TIMES)]
        statuses = self.check_answers(await self.all_talk(self.ask, noise))
        self.assertEqual(set(statuses) - {"none", "400", "431"}, set())
        self.assertGreater(statuses["400"], TIMES // 2, statuses)
        await self.check_nothing_is_left()

    async def test_malformed_bodies(self) -> None:
        seeds = {
            "/consoles": b'{"name": "n", "program": "python", "cols": 80, "rows": 24, "argv": ["a", "b"]}',
            "/consoles/main/resize": b'{"cols": 80, "rows": 24, "window": 0}',
            "/consoles/main/signal": b'{"signal": "SIGINT", "window": 0}',
            "/login": b'{"name": "alice", "password": "wrong"}',
            "/tokens": b'{"label": "text"}',
            "/keys": b'{"key": "ssh-ed25519 AAAA a comment", "label": "text"}',
            "/keys/offers/ABCD-EFGH": b'{"label": "text"}',
            "/consoles/main/shares": b'{"role": "writer", "expires": 60, "uses": 1, "user": null}',
            "/shares/look": b'{"token": "thsh_wrong"}',
            "/shares/take": b'{"token": "thsh_wrong", "name": "Ann", "passphrase": "correct horse"}',
        }

        def request(path: str) -> bytes:
            body = self.mutated(seeds[path])
            head = (
                f"POST /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
                f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            return head.encode() + body

        wanted = [request(self.random.choice(list(seeds))) for _ in range(TIMES)]
        statuses = self.check_answers(await self.all_talk(self.ask, wanted))
        self.assertGreater(statuses["400"], TIMES // 2, statuses)
        self.assertEqual(statuses["none"], 0)
        await self.check_nothing_is_left()


class WebSocketFuzzTests(FuzzTestCase):
    def attach(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.address), timeout=30)
        connection.sendall(attach_request("main", self.token))
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(1)
        assert b" 101 " in answer, answer
        return connection

    def closed(self, data: bytes) -> tuple[int, str] | None:
        """Code and reason of the close that these bytes cause; None when they cause none."""
        with self.attach() as connection:
            try:
                connection.sendall(data + client_frame(b"", 0x88))
            except ConnectionError:
                pass
            connection.settimeout(60)
            answer = b""
            while True:
                while len(answer) >= 2:
                    length, start = answer[1], 2
                    if length == 126:
                        if len(answer) < 4:
                            break
                        length, start = struct.unpack_from(">H", answer, 2)[0], 4
                    if len(answer) < start + length:
                        break
                    payload = answer[start : start + length]
                    if answer[0] == 0x88:
                        if not payload:
                            return (1000, "agreed")
                        return struct.unpack_from(">H", payload)[0], payload[2:].decode()
                    answer = answer[start + length :]
                try:
                    chunk = connection.recv(65536)
                except (TimeoutError, ConnectionError):
                    return None
                if not chunk:
                    return None
                answer += chunk

    def check_closes(self, closes: list[tuple[int, str] | None], least: int) -> None:
        told = [close for close in closes if close is not None]
        self.assertEqual({code for code, _ in told} - CLEAR_CODES, set())
        for code, reason in told:
            self.assertTrue(reason or code == 1000, code)
        refusals = sum(code != 1000 for code, _ in told)
        self.assertGreaterEqual(refusals, least, Counter(told).most_common(20))

    def malformed_frames(self) -> list[bytes]:
        pick = self.random.choice

        def one() -> bytes:
            payload = self.bytes(60)
            return pick(
                (
                    lambda: client_frame(payload, 0x80 | pick((3, 4, 5, 6, 7, 11, 12, 13, 14, 15))),
                    lambda: client_frame(payload, 0x82 | pick((0x10, 0x20, 0x40, 0x70))),
                    lambda: bytes((0x82, len(payload))) + payload,
                    lambda: client_frame(payload, pick((0x08, 0x09, 0x0A))),
                    lambda: client_frame(b"x" * 126, pick((0x88, 0x89, 0x8A))),
                    lambda: struct.pack(">BBH4s", 0x82, 0xFE, 5, b"abcd") + b"12345",
                    lambda: struct.pack(">BBQ4s", 0x82, 0xFF, 500, b"abcd") + b"1" * 500,
                    lambda: struct.pack(">BBQ4s", 0x82, 0xFF, MAX_MESSAGE + 1, b"abcd"),
                    lambda: struct.pack(">BBQ4s", 0x82, 0xFF, 2**64 - 1, b"abcd"),
                    lambda: struct.pack(">BBQ4s", 0x82, 0xFF, 2**63 - 1, b"abcd") + payload,
                    lambda: client_frame(payload, 0x80),
                    lambda: client_frame(payload, 0x02) + client_frame(payload, 0x82),
                    lambda: client_frame(b"\x03", 0x88),
                    lambda: client_frame(struct.pack(">H", pick((0, 999, 1004, 1005, 1006, 5000))), 0x88),
                    lambda: client_frame(b"\x03\xe8\xff\xfe", 0x88),
                    lambda: client_frame(b"\xff\xfe text", 0x81),
                    lambda: client_frame(b"text", 0x81),
                    lambda: client_frame(b"", 0x02) + client_frame(b"", 0x00) * 2000,
                )
            )()

        hello = client_frame(HELLO)
        return [(hello if self.random.random() < 0.5 else b"") + one() for _ in range(TIMES)]

    async def test_malformed_websocket_frames(self) -> None:
        self.check_closes(await self.all_talk(self.closed, self.malformed_frames()), TIMES * 3 // 4)
        await self.check_nothing_is_left()

    async def test_malformed_stream_frames(self) -> None:
        seeds = [
            frames.input_(0, 7, 0, b"print(6*7)\r"),
            frames.ack(0, 12),
            frames.resize(0, 80, 24),
            frames.encode_json(frames.REQUEST, 0, {"id": 1, "op": "keyframe", "window": 0}),
            frames.output(0, 5, b"output"),
            frames.stream(0, 5, b"stream"),
        ]
        wanted = []
        for _ in range(TIMES):
            message = self.mutated(self.random.choice(seeds))
            if self.random.random() < 0.8:
                wanted.append(client_frame(HELLO) + client_frame(message))
            else:
                wanted.append(client_frame(self.mutated(HELLO)) + client_frame(message))
        self.check_closes(await self.all_talk(self.closed, wanted), TIMES // 3)
        await self.check_nothing_is_left()

    async def test_noise_in_messages(self) -> None:
        wanted = [client_frame(HELLO) + client_frame(b"\xff" + self.bytes(5000)) for _ in range(TIMES)]
        closes = await self.all_talk(self.closed, wanted)
        self.check_closes(closes, TIMES)
        await self.check_nothing_is_left()

    async def test_malformed_handshakes(self) -> None:
        handshake = attach_request(
            "main",
            self.token,
            "Origin: http://x",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        )

        def ask(data: bytes) -> bytes:
            with socket.create_connection(("127.0.0.1", self.address), timeout=30) as connection:
                connection.settimeout(2.0)
                try:
                    connection.sendall(data)
                    return connection.recv(65536)
                except (TimeoutError, ConnectionError):
                    return b""

        statuses: Counter[int] = Counter()
        for answer in await self.all_talk(ask, [self.mutated(handshake) for _ in range(TIMES)]):
            if answer:
                status = int(answer.split()[1])
                statuses[status] += 1
                self.assertTrue(status in (101, 200) or 400 <= status < 500 or status == 505, answer)
                if status >= 400:
                    self.assertIn(b"application/problem+json", answer)
        self.assertGreater(
            sum(count for status, count in statuses.items() if status >= 400), TIMES // 4, statuses
        )
        await self.check_nothing_is_left()
