"""The operator's hook: signed, told at least once and in order, and never in anybody's way."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from termhub.config import HooksSettings
from termhub.errors import ConfigError
from termhub.hub import hooks
from termhub.hub.hooks import Hooks, Target, read_target, signature
from termhub.store import Database, User
from tests.support.folders import temporary_folder
from tests.support.stores import InlineStore

SECRET = b"a secret of the operator's"
ALICE = User(7, "alice", 0.0, "free")
NOW = 1_795_435_200.0


class Receiver:
    """A hook on loopback; answers are taken from ``answers``, then 204."""

    def __init__(self) -> None:
        self.answers: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.came.append((self.path, dict(self.headers), body))
                answer = receiver.answers.pop(0) if receiver.answers else status(204)
                answer(self)

            do_GET = do_POST

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key=1"

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.came]

    def stop(self) -> None:
        if self.thread.is_alive():
            self.server.shutdown()
            self.server.server_close()
            self.thread.join()


def status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with a status."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def break_off(handler: BaseHTTPRequestHandler) -> None:
    """Closes the connection without an answer."""
    handler.close_connection = True


def nonsense(handler: BaseHTTPRequestHandler) -> None:
    """Answers with what is not HTTP."""
    handler.wfile.write(b"\x00\x01 nonsense\r\n\r\n")


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answers with a body that does not end."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"x" * 65536)
    except OSError:
        pass


class HookTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.patch(hooks, "FIRST_PAUSE_SECONDS", 0.01)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.addCleanup(self.database.close)
        self.time = NOW
        self.hooks = self.new_hooks()

    def new_hooks(self, target: Target | None = None) -> Hooks:
        made = Hooks(
            target or Target(self.receiver.url, SECRET),
            InlineStore(self.database),
            reactor,
            lambda: self.time,
        )
        self.addCleanup(made.stop)
        return made

    async def all_told(self) -> None:
        """Wait until nothing waits; the clock runs fast meanwhile."""
        while self.database.hooks.due(inf):
            self.time += 1
            await deferLater(reactor, 0.01)

    async def test_an_event_comes_signed(self) -> None:
        await self.hooks.note("user.near_limit", ALICE, "free", name="home_mb", limit=512, used=480)
        await self.all_told()
        (path, headers, body), *more = self.receiver.came
        self.assertEqual((path, more), ("/hook?key=1", []))
        event = json.loads(body)
        self.assertRegex(event.pop("id"), "^ev-[0-9a-f]{24}$")
        self.assertEqual(
            event,
            {
                "time": NOW,
                "type": "user.near_limit",
                "user": "alice",
                "number": 7,
                "plan": "free",
                "name": "home_mb",
                "limit": 512,
                "used": 480,
            },
        )
        stamp, mac = (part.partition("=")[2] for part in headers["Termhub-Signature"].split(","))
        self.assertEqual(mac, hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest())
        self.assertEqual(headers["Content-Type"], "application/json")

    async def test_who_does_not_take_it_is_told_again_in_order(self) -> None:
        self.receiver.answers = [
            status(500),
            break_off,
            nonsense,
            status(302, Location="/elsewhere"),
            status(404),
        ]
        for number in range(3):
            await self.hooks.note("user.near_limit", ALICE, "free", used=number)
        await self.all_told()
        used = [event["used"] for event in self.receiver.bodies()]
        self.assertEqual(used, [0, 0, 0, 0, 0, 0, 1, 2])
        self.assertEqual(len({event["id"] for event in self.receiver.bodies()}), 3)
        self.assertEqual({path for path, _, _ in self.receiver.came}, {"/hook?key=1"})

    async def test_nobody_there_is_tried_again(self) -> None:
        self.receiver.stop()
        await self.hooks.note("user.near_limit", ALICE, "free")
        while not self.database.hooks.due(float("inf"))[0].tries > 1:
            self.time += 1
            await deferLater(reactor, 0.01)

    async def test_what_the_last_hub_did_not_tell_the_next_one_does(self) -> None:
        self.receiver.answers = [status(503)] * 3
        self.hooks.stop()
        await self.hooks.note("user.suspended", ALICE, "free")
        self.assertEqual(self.receiver.came, [])
        self.new_hooks().start()
        await self.all_told()
        self.assertEqual(len(self.receiver.came), 4)

    async def test_an_answer_that_does_not_end_is_enough(self) -> None:
        self.receiver.answers = [endless]
        await self.hooks.note("user.near_limit", ALICE, "free")
        await self.hooks.note("user.over_limit", ALICE, "free")
        await self.all_told()
        self.assertEqual(
            [event["type"] for event in self.receiver.bodies()], ["user.near_limit", "user.over_limit"]
        )

    async def test_silence_is_no_answer(self) -> None:
        self.patch(hooks, "ANSWER_SECONDS", 0.2)
        silent = threading.Event()
        self.addCleanup(silent.set)
        self.receiver.answers = [lambda handler: (silent.wait(), break_off(handler))[1]]
        await self.hooks.note("user.near_limit", ALICE, "free")
        await self.all_told()
        self.assertEqual(len(self.receiver.came), 2)

    async def test_after_a_day_an_event_is_given_up(self) -> None:
        self.receiver.answers = [status(500)] * 2
        await self.hooks.note("user.near_limit", ALICE, "free")
        while not self.receiver.came:
            await deferLater(reactor, 0.01)
        self.time += hooks.GIVE_UP_SECONDS + 1
        await self.hooks.note("user.over_limit", ALICE, "free")
        await self.all_told()
        types = [event["type"] for event in self.receiver.bodies()]
        self.assertEqual(types, ["user.near_limit", "user.near_limit", "user.over_limit"])

    async def test_without_an_address_nothing_is_kept(self) -> None:
        quiet = Hooks(None, InlineStore(self.database), reactor, lambda: NOW)
        quiet.start()
        await quiet.note("user.near_limit", ALICE, "free")
        self.assertEqual(self.database.hooks.due(inf), [])

    async def test_a_stop_in_the_middle_leaves_the_event(self) -> None:
        came: Deferred[None] = Deferred()
        silent = threading.Event()
        self.addCleanup(silent.set)

        def wait(handler: BaseHTTPRequestHandler) -> None:
            reactor.callFromThread(came.callback, None)  # type: ignore[attr-defined]
            silent.wait()
            break_off(handler)

        self.receiver.answers = [wait]
        await self.hooks.note("user.near_limit", ALICE, "free")
        await came
        self.hooks.stop()
        silent.set()
        self.assertTrue(self.database.hooks.due(inf))


# -- settings ------------------------------------------------------------------------


def settings(path: Path | str = "", url: str = "https://pay.example.org/hook") -> HooksSettings:
    return HooksSettings(url=url, secret_file=str(path))


def secret_file(tmp_path: Path, content: bytes = SECRET + b"\n", mode: int = 0o600) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_the_secret_is_read_without_its_line_end(tmp_path: Path) -> None:
    target = read_target(settings(secret_file(tmp_path)))
    assert target == Target("https://pay.example.org/hook", SECRET)
    assert "secret" not in repr(target)
    assert read_target(HooksSettings()) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [("ftp://x/", "no address"), ("https://", "no address"), ("pay.example.org", "no address")],
)
def test_addresses_that_cannot_be(tmp_path: Path, url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read_target(settings(secret_file(tmp_path), url))


def test_secrets_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs hooks\.secret_file"):
        read_target(settings())
    with pytest.raises(ConfigError, match="No such file"):
        read_target(settings(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"cannot be read|is no file"):
        read_target(settings(tmp_path))
    with pytest.raises(ConfigError, match="chmod 600"):
        read_target(settings(secret_file(tmp_path, mode=0o644)))
    for content in (b"", b"short\n", b"x" * 5000):
        with pytest.raises(ConfigError, match="bytes; it needs"):
            read_target(settings(secret_file(tmp_path, content)))
    if os.geteuid() != 0:
        with pytest.raises(ConfigError, match="Permission denied"):
            read_target(settings(secret_file(tmp_path, mode=0o000)))


def test_a_secret_is_no_pipe_to_wait_at(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigError, match="is no file"):
        read_target(settings(tmp_path / "pipe"))


@given(st.binary(max_size=100), st.integers(0, 1 << 40))
def test_signatures_tell_bodies_and_times_apart(body: bytes, time: int) -> None:
    assert signature(SECRET, time, body) != signature(SECRET, time + 1, body)
    assert signature(SECRET, time, body) != signature(SECRET, time, body + b" ")
    assert signature(SECRET, time, body).startswith(f"t={time},v1=")
