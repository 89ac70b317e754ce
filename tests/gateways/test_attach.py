"""The WebSocket: who may attach, what is told to whom may not, and limits on both sides."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import LogLevel, globalLogPublisher
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from sandbox.guest import frames
from termhub.errors import NotAllowed
from termhub.gateways.web import attach, turns
from tests.support.web import FakeViewer, WebTestCase
from tests.support.websocket import attach_request, client_frame

T = TypeVar("T")

HELLO = frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1, "viewer": "0123456789abcdef"})
ONE_INPUT = frames.input_(0, 7, 0, b"6*7\r")


class AttachTestCase(WebTestCase):
    def open(self, path: str = "main", **options: Any) -> ClientConnection:
        options.setdefault("additional_headers", {"Authorization": f"Bearer {self.token}"})
        options.setdefault("subprotocols", ["termhub.v1"])
        return connect(
            f"ws://127.0.0.1:{self.address}/api/v1/consoles/{path}/attach",
            compression=None,
            open_timeout=60,
            close_timeout=2,
            max_size=None,
            **options,
        )

    def in_thread(
        self, talk: Callable[[ClientConnection], T], path: str = "main", **options: Any
    ) -> Deferred[T]:
        """What ``talk`` returns about a connection that was opened for it."""

        def run() -> T:
            with self.open(path, **options) as connection:
                return talk(connection)

        return deferToThread(run)

    def closed(self, *messages: bytes | str, path: str = "main", **options: Any) -> Deferred[tuple[int, str]]:
        """Code and reason with which the hub closes after these messages."""

        def talk(connection: ClientConnection) -> tuple[int, str]:
            try:
                for message in messages:
                    connection.send(message)
                while True:
                    connection.recv(timeout=60)
            except ConnectionClosed as closed:
                assert closed.rcvd is not None, "closed without a close frame"
                return closed.rcvd.code, closed.rcvd.reason

        return self.in_thread(talk, path, **options)

    def refused(self, path: str = "main", **options: Any) -> Deferred[tuple[int, str]]:
        """Status and problem code with which the handshake is refused."""

        def run() -> tuple[int, str]:
            try:
                self.open(path, **options).close()
            except InvalidStatus as refused:
                return refused.response.status_code, (refused.response.body or b"").decode()
            raise AssertionError("the handshake was accepted")

        return deferToThread(run)


class AdmissionTests(AttachTestCase):
    async def test_a_client_says_hello_and_is_the_owner(self) -> None:
        console = self.console("main")

        def talk(connection: ClientConnection) -> frames.Frame:
            connection.send(HELLO)
            (answer,) = frames.Decoder().feed(connection.recv(timeout=60))  # type: ignore[arg-type]
            return answer

        for path in ("main", console.id):
            answer = await self.in_thread(talk, path)
            self.assertEqual(answer.type, frames.HELLO)
            hello = frames.parse_json(answer.payload)
            self.assertEqual((hello["console"]["id"], hello["role"]), (console.id, "owner"))

    async def test_the_cookie_of_a_login_attaches_our_own_pages(self) -> None:
        self.console("main")
        secret = await self.accounts.open_session(self.alice, "", "")
        cookie = {"Cookie": f"termhub_session={secret}"}

        def talk(connection: ClientConnection) -> bytes:
            connection.send(HELLO)
            return bytes(connection.recv(timeout=60))  # type: ignore[arg-type]

        self.assertTrue(await self.in_thread(talk, additional_headers=cookie, origin=self.origin))
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{self.address + 1}"):
            status, body = await self.refused(additional_headers=cookie, origin=origin)
            self.assertEqual(status, 403)
            self.assertIn("foreign_origin", body)

    async def test_who_is_not_logged_in_is_told_by_a_close_code(self) -> None:
        self.console("main")
        for headers in (
            {},
            {"Authorization": "Bearer th_wrong"},
            {"Cookie": "termhub_session=ths_wrong"},
        ):
            code, reason = await self.closed(additional_headers=headers)
            self.assertEqual(code, 1008)
            self.assertTrue(reason)

    async def test_a_token_in_the_address_is_no_credential(self) -> None:
        self.console("main")
        code, _ = await deferToThread(self.closed_of_query)
        self.assertEqual(code, 1008)

    def closed_of_query(self) -> tuple[int, str]:
        with connect(
            f"ws://127.0.0.1:{self.address}/api/v1/consoles/main/attach?token={self.token}",
            subprotocols=["termhub.v1"],  # type: ignore[list-item]
        ) as connection:
            try:
                connection.recv(timeout=60)
            except ConnectionClosed as closed:
                assert closed.rcvd is not None
                return closed.rcvd.code, closed.rcvd.reason
        raise AssertionError("not closed")

    async def test_another_users_console_is_not_there(self) -> None:
        console = self.console("main", self.bob)
        theirs = await self.closed(path=console.id)
        nobodys = await self.closed(path="c-xxxxxxxxxx")
        self.assertEqual(theirs[0], 4004)
        self.assertEqual(
            (theirs[0], theirs[1].replace(console.id, "X")),
            (nobodys[0], nobodys[1].replace("c-xxxxxxxxxx", "X")),
        )

    async def test_logging_out_closes_what_was_attached_with_the_login(self) -> None:
        console = self.console("main")
        secret = await self.accounts.open_session(self.alice, "", "")
        cookie = {"Cookie": f"termhub_session={secret}"}
        by_token = console.attached
        staying = self.in_thread(
            lambda connection: (connection.send(HELLO), connection.recv(), connection.recv())
        )
        await by_token
        by_cookie = console.attached
        closing = self.closed(HELLO, additional_headers=cookie, origin=self.origin)
        await by_cookie
        response = await self.call("POST", "/logout", token="", headers={"Origin": self.origin, **cookie})
        self.assertEqual(response.status, 204)
        self.assertEqual((await closing)[0], 1008)
        # The other connection stands on a token, which is good.
        (viewer,) = console.viewers
        viewer.client.send(frames.accepted(0, 7, 0))
        await staying

    async def test_a_revoked_token_closes_what_was_attached_with_it(self) -> None:
        console = self.console("main")
        attached = console.attached
        closing = self.closed(HELLO)
        await attached
        (token,) = self.database.tokens(self.alice.number)
        response = await self.call("DELETE", f"/tokens/{token.number}")
        self.assertEqual(response.status, 204)
        self.assertEqual((await closing)[0], 1008)

    async def test_a_token_revoked_elsewhere_closes_what_was_attached_with_it(self) -> None:
        console = self.console("main")
        attached = console.attached
        closing = self.closed(HELLO)
        await attached
        (token,) = self.database.tokens(self.alice.number)
        self.database.remove_token(self.alice.number, token.number)
        await self.watch.look()
        self.assertEqual((await closing)[0], 1008)

    async def test_the_subprotocol_is_asked_for(self) -> None:
        self.console("main")
        for subprotocols in (None, ["other.v1"]):
            status, body = await self.refused(subprotocols=subprotocols)
            self.assertEqual(status, 400)
            self.assertIn("termhub.v1", body)

    async def test_the_subprotocol_is_chosen_among_several(self) -> None:
        self.console("main")
        chosen = await self.in_thread(lambda c: c.subprotocol, subprotocols=["other", "termhub.v1"])
        self.assertEqual(chosen, "termhub.v1")

    async def test_compression_is_never_agreed_to(self) -> None:
        self.console("main")

        def run() -> str:
            with socket.create_connection(("127.0.0.1", self.address), timeout=60) as connection:
                offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
                connection.sendall(attach_request("main", self.token, offer))
                return connection.recv(4096).decode()

        answer = await deferToThread(run)
        self.assertIn("101", answer)
        self.assertNotIn("extensions", answer.lower())

    async def test_a_request_that_is_no_websocket(self) -> None:
        self.console("main")
        response = await self.call("GET", "/consoles/main/attach")
        self.assertEqual((response.status, response.json["code"]), (426, "upgrade_required"))
        self.assertEqual(response.headers["Upgrade"], "websocket")


class FloodTests(AttachTestCase):
    async def test_a_flood_is_acted_on_in_turns_and_whole_though_its_client_says_goodbye(self) -> None:
        self.patch(turns, "SLICE_SECONDS", 0.0)  # one frame
        self.patch(turns, "TURN_SECONDS", 0.0)
        console = self.console("main")
        inputs = [frames.input_(0, 7, number, b"x") for number in range(300)]
        turn_of: list[int] = []
        turn = 0

        def count() -> None:
            nonlocal turn
            turn += 1
            calls[0] = reactor.callLater(0, count)

        calls = [reactor.callLater(0, count)]
        self.addCleanup(lambda: calls[0].cancel())

        def talk(connection: ClientConnection) -> FakeViewer:
            connection.send(HELLO)
            connection.recv(timeout=60)
            viewer = console.viewers[0]
            viewer.on_frame = lambda frame: turn_of.append(turn)
            connection.send(b"".join(inputs))
            for each in inputs:
                connection.send(each)
            return viewer

        viewer = await self.in_thread(talk)
        await viewer.left
        self.assertEqual([frame.payload for frame in viewer.received], [each[7:] for each in 2 * inputs])
        # One may be acted on when it comes, and another in its turn.
        self.assertLessEqual(max(turn_of.count(each) for each in turn_of), 2)


class ConversationTests(AttachTestCase):
    async def test_frames_go_to_the_viewer_in_order_several_in_a_message(self) -> None:
        console = self.console("main")

        def talk(connection: ClientConnection) -> list[int]:
            connection.send(HELLO + ONE_INPUT)
            connection.send(frames.input_(0, 7, 4, b"a" * 70_000) + frames.ack(0, 5))
            connection.send(frames.encode_json(frames.REQUEST, 0, {"id": 1, "op": "ping"}))
            decoder = frames.Decoder()
            kinds: list[int] = []
            while frames.REPLY not in kinds:
                kinds += [f.type for f in decoder.feed(connection.recv(timeout=60))]  # type: ignore[arg-type]
            return kinds

        kinds = await self.in_thread(talk)
        self.assertEqual(kinds, [frames.HELLO, frames.ACCEPTED, frames.ACCEPTED, frames.REPLY])
        self.assertEqual(console.typed, b"6*7\r" + b"a" * 70_000)

    async def test_messages_of_every_size_arrive_whole_both_ways(self) -> None:
        console = self.console("main")
        sizes = (1, 101, 102, 103, 125, 126, 127, 65_000, 65_535, 65_536, 1_000_000)

        def talk(connection: ClientConnection) -> bool:
            connection.send(HELLO)
            connection.recv(timeout=60)
            for size in sizes:
                data = bytes([size % 256]) * size
                connection.send(frames.input_(0, 7, 0, data))
                if connection.recv(timeout=60) != frames.output(0, 0, data):
                    return False
                connection.recv(timeout=60)
            return True

        def echo(viewer: FakeViewer) -> None:
            def on_frame(frame: frames.Frame) -> None:
                viewer.client.send(frames.output(0, 0, frames.parse_input(frame.payload)[2]))

            viewer.on_frame = on_frame

        console.attached.addCallback(echo)
        self.assertTrue(await self.in_thread(talk))

    async def test_fragments_of_a_message_are_put_together(self) -> None:
        console = self.console("main")

        def talk(connection: ClientConnection) -> None:
            connection.send(HELLO)
            connection.recv(timeout=60)
            connection.send([ONE_INPUT[i : i + 1] for i in range(len(ONE_INPUT))])
            connection.recv(timeout=60)

        await self.in_thread(talk)
        self.assertEqual(console.typed, b"6*7\r")

    async def test_a_client_that_leaves_is_detached(self) -> None:
        console = self.console("main")
        attached = console.attached

        def talk(connection: ClientConnection) -> None:
            connection.send(HELLO)
            connection.recv(timeout=60)

        left = attached.addCallback(lambda viewer: viewer.left)
        await self.in_thread(talk)
        self.assertTrue(await left)
        self.assertEqual(console.viewers, [])

    async def test_a_client_that_vanishes_is_detached(self) -> None:
        console = self.console("main")
        attached = console.attached

        def talk(connection: ClientConnection) -> None:
            connection.send(HELLO)
            connection.recv(timeout=60)
            connection.socket.shutdown(socket.SHUT_RDWR)

        left = attached.addCallback(lambda viewer: viewer.left)
        await self.in_thread(talk)
        self.assertTrue(await left)

    async def test_the_hub_closes_with_its_code_and_reason(self) -> None:
        console = self.console("main")
        console.attached.addCallback(
            lambda viewer: viewer.client.close(1012, "the hub restarts: " + "é" * 200)
        )
        code, reason = await self.closed(HELLO)
        self.assertEqual(code, 1012)
        self.assertTrue(reason.startswith("the hub restarts: éé"))

    async def test_nothing_reaches_a_viewer_after_its_close(self) -> None:
        console = self.console("main")
        seen: list[FakeViewer] = []

        def close(viewer: FakeViewer) -> None:
            seen.append(viewer)
            viewer.client.close(1000, "enough")
            viewer.client.send(b"too late")
            viewer.client.close(1008, "again")

        console.attached.addCallback(close)
        self.assertEqual(await self.closed(HELLO + ONE_INPUT, ONE_INPUT), (1000, "enough"))
        self.assertEqual(seen[0].received, [])


class BackPressureTests(AttachTestCase):
    def setUp(self) -> None:
        self.patch(attach, "CLOSE_SECONDS", 1.2)
        self.patch(attach, "MAX_UNSENT", 1 << 20)
        super().setUp()
        self.held: list[socket.socket] = []
        self.addCleanup(lambda: [held.close() for held in self.held])

    async def attach_silent(self, name: str = "main") -> tuple[FakeViewer, socket.socket]:
        """A viewer whose client neither reads nor answers anything after its HELLO."""
        console = self.console(name)
        attached = console.attached

        def run() -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", self.address), timeout=60)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(attach_request(name, self.token))
            connection.recv(4096)
            connection.sendall(client_frame(HELLO))
            return connection

        connection = await deferToThread(run)
        self.held.append(connection)
        return await attached, connection

    async def test_what_is_owed_to_all_is_bounded(self) -> None:
        self.patch(attach, "MAX_UNSENT", 8 << 20)
        self.patch(attach, "MAX_UNSENT_TO_ALL", 2 << 20)
        patient, _ = await self.attach_silent()
        greedy, _ = await self.attach_silent("other")
        output = frames.output(0, 0, bytes(256 << 10))
        for _ in range(3):
            patient.client.send(output)
        for _ in range(11):
            greedy.client.send(output)
        await greedy.left
        client: Any = patient.client
        self.assertTrue(client.transport.connected)
        self.assertLess(client.factory.unsent, 1 << 20)
        self.held[0].close()
        await patient.left
        self.assertEqual(client.factory.unsent, 0)

    async def test_the_socket_sends_at_once_and_queues_little(self) -> None:
        viewer, _ = await self.attach_silent()
        client: Any = viewer.client
        handle = client.transport.getHandle()
        self.assertTrue(handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        self.assertEqual(handle.getsockopt(socket.IPPROTO_TCP, attach._TCP_NOTSENT_LOWAT), 16384)
        client.close(1000, "")

    async def test_a_paused_client_is_not_read(self) -> None:
        viewer, _ = await self.attach_silent()
        client: Any = viewer.client
        readers = reactor.getReaders  # type: ignore[attr-defined]
        self.assertIn(client.transport, readers())
        client.pause_input()
        self.assertNotIn(client.transport, readers())
        client.pauseProducing()
        client.resume_input()
        self.assertNotIn(client.transport, readers(), "it does not read what it is sent")
        client.resumeProducing()
        self.assertIn(client.transport, readers())
        client.close(1000, "")

    async def test_a_client_that_does_not_read_is_given_up_before_it_is_owed_too_much(self) -> None:
        viewer, _ = await self.attach_silent()
        client: Any = viewer.client
        sent = 0
        while not client._is_leaving and sent < 1 << 30:
            client.send(b"x" * 65536)
            sent += 65536
        self.assertLess(sent, (1 << 20) + 512 * 1024)
        await viewer.left

    async def test_a_client_that_does_not_read_is_not_read(self) -> None:
        viewer, _ = await self.attach_silent()
        client: Any = viewer.client
        client.send(b"x" * (512 << 10))
        self.assertNotIn(client.transport, reactor.getReaders())  # type: ignore[attr-defined]
        client.close(1000, "")
        await viewer.left

    async def test_a_client_that_does_not_agree_to_a_close_is_dropped(self) -> None:
        viewer, _ = await self.attach_silent()
        viewer.client.send(b"x" * (512 << 10))
        viewer.client.close(1008, "go away")
        await viewer.left

    async def test_what_a_client_says_wrong_is_not_kept_when_it_does_not_read(self) -> None:
        viewer, connection = await self.attach_silent()
        viewer.client.send(b"x" * (512 << 10))
        client: Any = viewer.client
        client.resumeProducing()

        def misbehave() -> None:
            try:
                while True:
                    connection.sendall(b"\xff" * 65536)
            except OSError:
                pass

        await deferToThread(misbehave)
        await viewer.left


class PingTests(AttachTestCase):
    def setUp(self) -> None:
        # Autobahn rounds its timers down to whole seconds.
        self.patch(attach, "PING_SECONDS", 1)
        self.patch(attach, "PONG_SECONDS", 2)
        super().setUp()

    attach_silent = BackPressureTests.attach_silent

    async def test_a_client_that_does_not_answer_pings_is_dropped(self) -> None:
        self.held: list[socket.socket] = []
        viewer, connection = await self.attach_silent()
        await viewer.left
        connection.close()

    async def test_a_client_that_we_do_not_read_is_kept(self) -> None:
        console = self.console("main")
        attached = console.attached
        pings: Deferred[None] = Deferred()

        def pause(viewer: FakeViewer) -> FakeViewer:
            client: Any = viewer.client
            client.pause_input()
            real, seen = client._sendAutoPing, []

            def send_ping() -> None:
                seen.append(real())
                if len(seen) == 2:
                    pings.callback(None)

            client._sendAutoPing = send_ping
            return viewer

        attached.addCallback(pause)

        def talk(connection: ClientConnection) -> bytes:
            connection.send(HELLO)
            connection.recv(timeout=60)
            answer = connection.recv(timeout=60)
            assert isinstance(answer, bytes)
            return answer

        talking = self.in_thread(talk)
        viewer = await attached
        await pings
        viewer.client.resume_input()
        viewer.client.send(b"still here")
        self.assertEqual(await talking, b"still here")


class RefusalTests(AttachTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.console("main")

    async def check(self, part: str, *messages: bytes | str, code: int = 1002) -> None:
        closed, reason = await self.closed(*messages)
        self.assertEqual(closed, code, reason)
        self.assertIn(part, reason)
        self.assertEqual((await self.call("GET", "/me")).status, 200)

    async def test_what_is_not_hello_first(self) -> None:
        await self.check("INPUT came before HELLO", ONE_INPUT)

    async def test_a_hello_that_is_not_usable(self) -> None:
        hello = frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1})
        await self.check("viewer is missing", hello)
        await self.check("not JSON", frames.encode(frames.HELLO, frames.CONSOLE, b"{"))
        await self.check("version 2", frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 2}))

    async def test_text(self) -> None:
        await self.check("binary", "text")
        await self.check("binary", HELLO, "text")

    async def test_a_clients_faults_do_not_fill_the_log(self) -> None:
        lines: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(lines.append)
        self.addCleanup(globalLogPublisher.removeObserver, lines.append)
        await self.check("binary", HELLO, "text")

        def talk(connection: ClientConnection) -> None:
            connection.socket.sendall(client_frame(b"x", 0xC2))
            with self.assertRaises(ConnectionClosed):
                connection.recv(timeout=60)

        await self.in_thread(talk)
        told = [line["log_format"] for line in lines if line["log_level"] != LogLevel.debug]
        self.assertEqual(told, [])

    async def test_bytes_that_are_no_frames(self) -> None:
        await self.check("unknown frame type 255", b"\xff" * 50)
        await self.check("in the middle of a frame", HELLO[:-1])
        await self.check("in the middle of a frame", HELLO, ONE_INPUT + b"\x04\x00")
        await self.check("the limit is", HELLO, b"\x04\x00\x00\xff\xff\xff\xff")
        await self.check("is not a client's", HELLO, frames.output(0, 0, b"x"))
        await self.check("ACK payload", HELLO, frames.encode(frames.ACK, 0, b"x"))

    async def test_a_message_that_is_too_long(self) -> None:
        await self.check("exceeds", HELLO, b"x" * (attach.MAX_MESSAGE + 1), code=1009)

    async def test_a_message_in_too_many_fragments(self) -> None:
        def talk(connection: ClientConnection) -> Any:
            try:
                connection.send([b""] * 5000)
                connection.recv(timeout=60)
            except ConnectionClosed as closed:
                return closed.rcvd
            return None

        closed = await self.in_thread(talk)
        self.assertEqual(closed.code, 1002)
        self.assertIn("fragments", closed.reason)

    async def test_a_defect_closes_one_connection_and_is_logged(self) -> None:
        console = self.consoles.get(self.alice, "main")

        def fail(frame: frames.Frame) -> None:
            raise ZeroDivisionError

        console.attached.addCallback(lambda viewer: setattr(viewer, "on_frame", fail))
        await self.check("defect", HELLO, ONE_INPUT, code=1011)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    async def test_what_is_not_allowed(self) -> None:
        console = self.consoles.get(self.alice, "main")

        def refuse(frame: frames.Frame) -> None:
            raise NotAllowed("You may look, not type.")

        console.attached.addCallback(lambda viewer: setattr(viewer, "on_frame", refuse))
        await self.check("look, not type", HELLO, ONE_INPUT, code=1008)

    async def test_a_client_that_says_nothing(self) -> None:
        self.patch(attach, "HELLO_SECONDS", 0.05)
        await self.check("no HELLO")
