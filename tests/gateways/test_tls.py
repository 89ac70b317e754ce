"""TLS: what is spoken and refused, new certificates while it serves, and the web below it."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher
from websockets.asyncio.client import ClientConnection, connect

from sandbox.guest import frames
from termhub.errors import ConfigError
from termhub.gateways.connections import Connections
from termhub.gateways.web import http as web_http
from termhub.gateways.web.attach import NOTSENT_LOWAT
from termhub.gateways.web.guards import Guards
from termhub.gateways.web.rates import Rates
from termhub.gateways.web.tls import Certificate, _version
from tests.support.certificates import write_pair
from tests.support.folders import temporary_folder
from tests.support.web import WebTestCase


class TlsTestCase(WebTestCase):
    """The site of WebTestCase, also by TLS."""

    def setUp(self) -> None:
        super().setUp()
        folder = temporary_folder(self)
        self.certificate_file, self.key_file = folder / "fullchain.pem", folder / "privkey.pem"
        write_pair(self.certificate_file, self.key_file, "first.example")
        self.certificate = Certificate(str(self.certificate_file), str(self.key_file))
        port = reactor.listenTCP(  # type: ignore[attr-defined]
            0, self.certificate.wrap(self.site, reactor), interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        self.plain_port, self.address = self.address, port.getHost().port
        self.logged: list[str] = []

        def observe(event: dict[str, Any]) -> None:
            if event.get("log_namespace", "").endswith("web.tls"):
                self.logged.append(str(event["log_format"]).format(**event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def site_options(self) -> dict[str, Any]:
        return {**super().site_options(), "guards": Guards(is_tls=True, hsts_seconds=1000)}

    def context(self, **options: Any) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificate_file))
        for name, value in options.items():
            setattr(context, name, value)
        return context

    def connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.address), timeout=60)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def raw_tls(self, data: bytes) -> bytes:
        with self.connect(self.context()) as connection:
            connection.sendall(data)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except ConnectionError:
                answer += b"(reset)"
            return answer

    def shown(self) -> str:
        """The name in the certificate that a new connection gets."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with self.connect(context) as connection:
            certificate = connection.getpeercert(binary_form=True)
        assert certificate is not None
        return str(x509.load_der_x509_certificate(certificate).subject.rfc4514_string())

    async def check(self) -> None:
        """Look at the files as the timer does."""
        self.certificate._reactor = reactor
        await self.certificate.check()


class SpokenTests(TlsTestCase):
    async def test_a_request(self) -> None:
        def run() -> tuple[int, http.client.HTTPMessage]:
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.address, timeout=60, context=self.context()
            )
            connection.request("GET", "/healthz")
            response = connection.getresponse()
            response.read()
            connection.close()
            return response.status, response.headers

        status, headers = await deferToThread(run)
        self.assertEqual(status, 200)
        self.assertEqual(headers["Strict-Transport-Security"], "max-age=1000")

    async def test_without_tls_there_is_no_promise_of_it(self) -> None:
        self.address = self.plain_port
        self.assertIsNone((await self.http("GET", "/healthz")).headers["Strict-Transport-Security"])

    async def test_only_what_is_safe_today(self) -> None:
        def run() -> None:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = self.context(minimum_version=version, maximum_version=version)
                context.set_alpn_protocols(["h2", "http/1.1"])
                with self.connect(context) as connection:
                    self.assertEqual(connection.selected_alpn_protocol(), "http/1.1")
                    cipher = connection.cipher()
                    assert cipher is not None
                    self.assertRegex(cipher[0], "GCM|CHACHA20")
                    self.assertIsNone(connection.compression())
            old = self.context()
            old.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore"):
                old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            with self.assertRaises(ssl.SSLError):
                self.connect(old)
            for ciphers in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256"):
                weak = self.context(maximum_version=ssl.TLSVersion.TLSv1_2)
                weak.set_ciphers(ciphers)
                with self.assertRaises(ssl.SSLError):
                    self.connect(weak)

        await deferToThread(run)

    async def test_cookies_are_for_https_and_this_host_alone(self) -> None:
        body = b'{"name": "alice", "password": "alice\'s password"}'
        head = b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        answer = (await deferToThread(self.raw_tls, head % len(body) + body)).decode()
        cookie = next(line for line in answer.split("\r\n") if line.startswith("Set-Cookie: "))
        self.assertRegex(cookie, "^Set-Cookie: __Host-termhub_session=ths_")
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        self.assertLessEqual({"secure", "httponly", "samesite=lax", "path=/"}, parts)
        self.assertFalse([part for part in parts if part.startswith("domain")])
        secret = cookie.partition("=")[2].partition(";")[0]
        get = "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {}={}\r\n\r\n"
        for name, status in (("__Host-termhub_session", " 200 "), ("termhub_session", " 401 ")):
            answered = await deferToThread(self.raw_tls, get.format(name, secret).encode())
            self.assertIn(status, answered.decode().partition("\r\n")[0], name)

    async def test_what_is_no_tls_is_dropped(self) -> None:
        answer = await self.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertNotIn(b"HTTP/1.1 200", answer)
        self.assertEqual((await deferToThread(self.raw_tls, b"nonsense\r\n\r\n"))[:12], b"HTTP/1.1 400")


class RefusedTests(TlsTestCase):
    async def test_a_client_reads_why_it_is_refused_while_it_still_sends(self) -> None:
        def run() -> bytes:
            with self.connect(self.context()) as connection:
                connection.sendall(
                    b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
                )
                try:
                    for _ in range(50):
                        connection.sendall(b"x" * 65536)
                except OSError:
                    pass
                answer = b""
                try:
                    while chunk := connection.recv(65536):
                        answer += chunk
                except OSError:
                    pass
                return answer

        answer = await deferToThread(run)
        self.assertIn(b" 413 ", answer)
        self.assertIn(b"Strict-Transport-Security: max-age=1000", answer)

    async def test_a_client_that_never_says_goodbye_is_given_up(self) -> None:
        self.patch(web_http, "CLOSE_SECONDS", 0.2)

        def run() -> None:
            with self.connect(self.context()) as connection:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                connection.recv(65536)
                # The close alert is there, and is not answered; the hub ends it by itself.
                raw = socket.socket(fileno=os.dup(connection.fileno()))
                raw.settimeout(60)
                with raw:
                    try:
                        while raw.recv(65536):
                            pass
                    except ConnectionResetError:
                        pass

        await deferToThread(run)
        await DeferredList(self.connections)


class FloodTests(TlsTestCase):
    def site_options(self) -> dict[str, Any]:
        rates = Rates(lambda: 0.0, per_address=5)
        return {**super().site_options(), "guards": Guards(Connections(0, 2), rates, is_tls=True)}

    async def test_handshakes_count_as_requests(self) -> None:
        def run() -> list[bool]:
            made = []
            for _ in range(6):
                try:
                    self.connect(self.context()).close()
                    made.append(True)
                except OSError:
                    made.append(False)
            return made

        self.assertEqual(await deferToThread(run), [True] * 5 + [False])

    async def test_too_many_connections_cost_no_handshake(self) -> None:
        def run() -> None:
            taken = [self.connect(self.context()) for _ in range(2)]
            with self.assertRaises(OSError):
                self.connect(self.context())
            for connection in taken:
                connection.close()

        await deferToThread(run)
        await DeferredList(self.connections)


class ReloadTests(TlsTestCase):
    async def test_new_files_are_taken_and_connections_go_on(self) -> None:
        before = await deferToThread(self.connect, self.context())
        write_pair(self.certificate_file, self.key_file, "second.example")
        self.assertEqual(await deferToThread(self.shown), "CN=first.example")
        await self.check()
        self.assertEqual(await deferToThread(self.shown), "CN=second.example")
        self.assertIn("A new certificate is used", self.logged[-1])

        def ask() -> bytes:
            with before:
                before.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return before.recv(65536)

        self.assertIn(b" 200 ", await deferToThread(ask))

    async def test_a_broken_pair_is_refused_once_and_the_old_one_goes_on(self) -> None:
        other = self.certificate_file.parent / "other"
        for breakage in (
            lambda: self.key_file.write_text("nonsense"),
            lambda: write_pair(other, self.key_file, "another.example"),
            self.key_file.unlink,
            lambda: self.certificate_file.write_bytes(b""),
        ):
            breakage()
            told = len(self.logged)
            await self.check()
            await self.check()
            self.assertEqual(await deferToThread(self.shown), "CN=first.example")
            self.assertEqual(len(self.logged), told + 1)
            self.assertIn("is not used", self.logged[-1])
        write_pair(self.certificate_file, self.key_file, "repaired.example")
        await self.check()
        self.assertEqual(await deferToThread(self.shown), "CN=repaired.example")

    async def test_the_timer_looks(self) -> None:
        write_pair(self.certificate_file, self.key_file, "timer.example")
        self.certificate.follow(reactor)
        self.addCleanup(self.certificate.stop)
        while not self.logged:
            pause: Deferred[None] = Deferred()
            reactor.callLater(0.01, pause.callback, None)  # type: ignore[attr-defined]
            await pause
        self.assertEqual(await deferToThread(self.shown), "CN=timer.example")

    async def test_an_end_that_is_near_is_told(self) -> None:
        write_pair(self.certificate_file, self.key_file, "late.example", days=3)
        await self.check()
        await self.check()
        self.assertEqual(len([line for line in self.logged if "renew it" in line]), 1)


class AttachTests(TlsTestCase):
    """Clients of one thread each: two that share a TLS connection disturb each other in OpenSSL."""

    async def attach(self) -> ClientConnection:
        link = await connect(
            f"wss://127.0.0.1:{self.address}/api/v1/consoles/main/attach",
            ssl=self.context(),
            subprotocols=["termhub.v1"],  # type: ignore[list-item]
            additional_headers={"Authorization": f"Bearer {self.token}"},
            max_size=None,
            open_timeout=60,
        )
        await link.send(frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1, "viewer": "1"}))
        assert frames.Decoder().feed(bytes(await link.recv()))  # type: ignore[arg-type]
        return link

    async def test_keys_and_screens_go_both_ways(self) -> None:
        console = self.console("main")
        attached = console.attached

        async def run() -> None:
            async with await self.attach() as link:
                for sequence, key in enumerate(b"print(1)\r"):
                    await link.send(frames.input_(0, 1, sequence, bytes([key])))
                    await link.recv()

        await deferToThread(asyncio.run, run())
        await DeferredList([(await attached).left])
        self.assertEqual(bytes(console.typed), b"print(1)\r")

    async def test_much_arrives_whole_and_a_client_that_does_not_read_holds_it_up(self) -> None:
        console = self.console("main")
        attached = console.attached
        runner = asyncio.Runner()
        self.addCleanup(runner.close)
        link = await deferToThread(runner.run, self.attach())
        viewer = await attached
        client: Any = viewer.client
        below = client.transport.transport
        lowat = below.getHandle().getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        self.assertEqual(lowat, NOTSENT_LOWAT)
        pieces = 0
        data = frames.output(0, 0, b"x" * 60_000)
        while not client._output_is_paused and pieces < 2000:
            client.send(data)
            pieces += 1
            pause: Deferred[None] = Deferred()
            reactor.callLater(0, pause.callback, None)  # type: ignore[attr-defined]
            await pause
        self.assertTrue(client._output_is_paused, "the client reads nothing, and the hub notices")

        async def read() -> int:
            count = 0
            async with link:
                while count < pieces:
                    self.assertEqual(await link.recv(), data)
                    count += 1
            return count

        self.assertEqual(await deferToThread(runner.run, read()), pieces)
        await viewer.left
        await DeferredList(self.connections)


def files(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "cert.pem", folder / "key.pem"
    write_pair(certificate, key)
    return certificate, key


def test_one_file_may_have_both(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    assert Certificate(str(both)).expires


def test_unusable_files_are_refused_with_a_reason(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    other, other_key = tmp_path / "other.pem", tmp_path / "other-key.pem"
    write_pair(other, other_key)
    locked = tmp_path / "locked.pem"
    private: Any = serialization.load_pem_private_key(key.read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    empty = tmp_path / "empty.pem"
    empty.touch()
    large = tmp_path / "large.pem"
    large.write_bytes(b"x" * (2 << 20))
    for one, two, words in (
        ("", str(key), "TLS needs both"),
        (str(tmp_path / "none.pem"), str(key), "Cannot read the certificate"),
        (str(certificate), str(tmp_path / "none.pem"), "Cannot read the key"),
        (str(certificate), str(other_key), "is not that of the first certificate"),
        (str(certificate), str(locked), "has a pass-phrase"),
        (str(certificate), str(empty), "no private key"),
        (str(empty), str(key), "no certificate"),
        (str(large), str(key), "more than"),
        (str(tmp_path), str(key), "Cannot read"),
    ):
        with pytest.raises(ConfigError, match=words):
            Certificate(one, two)


@pytest.mark.skipif(os.geteuid() != 0, reason="root drops to another user")
def test_files_that_only_root_reads_are_warned_of(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    loaded = Certificate(str(certificate), str(key))
    assert loaded.warning() is None
    key.chmod(0o600)
    os.seteuid(65534)
    try:
        warning = loaded.warning()
    finally:
        os.seteuid(0)
    assert warning is not None
    assert "only taken with a restart" in warning


def test_files_that_become_readable_are_read_again(tmp_path: Path) -> None:
    certificate, key = files(tmp_path)
    before = _version(certificate, key)
    key.chmod(0o640)
    assert _version(certificate, key) != before
