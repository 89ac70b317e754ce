"""Links under load and over the hub's life, with a real hub: its store's thread, its HTTP, its sandboxes."""

from __future__ import annotations

import http.client
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sandbox.guest import frames
from tests.support.hub_process import HubProcess

RACERS = 100
WAIT_SECONDS = 60
HELLO = frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1, "viewer": "0123456789abcdef"})


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    folder = Path(tempfile.mkdtemp(prefix="termhub-share-"))
    process = HubProcess(folder / "data")
    try:
        process.start()
        process.log_in()
        yield process
    finally:
        process.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Visitor:
    """A browser without a login, at most with the cookie of a guest."""

    def __init__(self, hub: HubProcess) -> None:
        self._hub = hub
        self.cookie = ""

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._hub.port, timeout=WAIT_SECONDS)
        try:
            headers = {"Origin": self._hub.url, "Cookie": self.cookie}
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, "/api/v1" + path, body=data, headers=headers)
            response = connection.getresponse()
            content = response.read()
            self.cookie = (response.getheader("Set-Cookie") or self.cookie).partition(";")[0]
            return response.status, json.loads(content) if content else None
        finally:
            connection.close()

    def attach(self, console: str) -> ClientConnection:
        return connect(
            f"ws://127.0.0.1:{self._hub.port}/api/v1/consoles/{console}/attach",
            subprotocols=["termhub.v1"],  # type: ignore[list-item]
            additional_headers={"Cookie": self.cookie},
            compression=None,
            open_timeout=WAIT_SECONDS,
            close_timeout=2,
        )


def share(hub: HubProcess, console: str, **wanted: Any) -> tuple[str, str]:
    """The id and the token of a new link."""
    status, made = hub.request("POST", f"/consoles/{console}/shares", wanted)
    assert status == 201, made
    return made["id"], made["url"].rpartition("/")[2]


def sent_away(connection: ClientConnection, *messages: bytes) -> int:
    """The code with which the hub closes, after these messages at the latest."""
    try:
        for message in messages:
            connection.send(message)
        while True:
            connection.recv(WAIT_SECONDS)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code


def test_of_a_hundred_who_race_for_one_use_one_wins(hub: HubProcess) -> None:
    console = hub.new_console()["id"]
    _, token = share(hub, console, role="writer", uses=1)
    visitors = [Visitor(hub) for _ in range(RACERS)]
    start = Barrier(RACERS)

    def race(number: int) -> tuple[int, Any]:
        start.wait(WAIT_SECONDS)
        return visitors[number].call("POST", "/shares/take", {"token": token, "name": f"racer {number}"})

    with ThreadPoolExecutor(RACERS) as racers:
        answers = list(racers.map(race, range(RACERS)))
    outcomes = Counter((status, body.get("code")) for status, body in answers)
    assert outcomes == {(200, None): 1, (403, "share_used_up"): RACERS - 1}
    (winner,) = [number for number, (status, _) in enumerate(answers) if status == 200]
    told = hub.request("GET", f"/consoles/{console}/shares")[1]
    assert [(one["name"], one["is_guest"]) for one in told["members"]] == [(f"racer {winner}", True)]
    assert told["shares"][0]["uses_left"] == 0
    for number, expected in ((winner, 200), ((winner + 1) % RACERS, 401)):
        assert visitors[number].call("GET", f"/consoles/{console}")[0] == expected


def test_a_hub_that_was_killed_still_knows_whom_it_let_in(hub: HubProcess) -> None:
    console = hub.new_console()["id"]
    private = hub.new_console()["id"]
    kept, token = share(hub, console, role="observer")
    visitor = Visitor(hub)
    assert visitor.call("POST", "/shares/take", {"token": token, "name": "Ann"})[0] == 200
    hub.kill()
    hub.start()
    assert visitor.call("GET", "/me")[1]["name"] == "Ann"
    assert [each["role"] for each in visitor.call("GET", "/consoles")[1]["consoles"]] == ["observer"]
    assert visitor.call("GET", f"/consoles/{private}")[0] == 404
    assert visitor.call("POST", f"/consoles/{console}/signal", {"signal": "SIGINT"})[0] == 403
    # A console that has ended may be looked at, as long as it is shared.
    with visitor.attach(console) as connection:
        connection.send(HELLO)
        hello = next(frame for frame in frames.Decoder().feed(bytes(connection.recv(WAIT_SECONDS))))
        assert json.loads(hello.payload)["role"] == "observer"
        assert hub.request("DELETE", f"/consoles/{console}")[0] == 204
        status, screen = visitor.call("GET", f"/consoles/{console}/screen")
        assert status == 200
        assert any(">>>" in line for line in screen["lines"])
        assert hub.request("DELETE", f"/consoles/{console}/shares/{kept}")[0] == 204
        assert sent_away(connection) == 4003
    assert visitor.call("GET", f"/consoles/{console}/screen")[0] == 401
    assert visitor.call("POST", "/shares/take", {"token": token})[1]["code"] == "no_such_share"


def test_who_is_attached_when_a_share_expires_or_is_revoked_has_to_leave(hub: HubProcess) -> None:
    console = hub.new_console()["id"]
    for way in ("revoked", "removed", "expired"):
        id, token = share(hub, console, role="writer", expires=1 if way == "expired" else 600)
        visitor = Visitor(hub)
        taken, _ = visitor.call("POST", "/shares/take", {"token": token, "name": "Ann"})
        if taken == 404 and way == "expired":
            continue  # a machine so slow that the second was over
        with visitor.attach(console) as connection:
            if way == "expired":
                code = sent_away(connection, HELLO)
                # The second may have been over before the client was attached.
                assert code in (4003, 4004, 1008)
                continue
            connection.send(HELLO)
            connection.recv(WAIT_SECONDS)
            if way == "revoked":
                assert hub.request("DELETE", f"/consoles/{console}/shares/{id}")[0] == 204
            else:
                (member,) = hub.request("GET", f"/consoles/{console}/shares")[1]["members"]
                assert hub.request("DELETE", f"/consoles/{console}/members/{member['member']}")[0] == 204
            assert sent_away(connection) == 4003, way
