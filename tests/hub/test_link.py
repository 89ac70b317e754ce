"""A host is heard within limits, and given up when it does not keep to the protocol."""

from __future__ import annotations

import random
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.errors import ConsoleError
from termhub.hub.console import Console
from termhub.hub.link import ACK_BYTES, HELLO_SECONDS, MAX_KEYFRAME_BYTES, REQUEST_SECONDS
from tests.support.hub_fakes import FakeHost, attach, make_console


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


@pytest.fixture
def host(console: Console, clock: Clock) -> FakeHost:
    return FakeHost(console, clock)


def outcome(deferred: Deferred[Any]) -> Any:
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "not answered yet"
    return getattr(results[0], "value", results[0])


def test_hello_both_ways_links_the_console(console: Console, host: FakeHost) -> None:
    (hello,) = host.take()
    assert frames.parse_json(hello.payload) == {"version": 1}
    assert console.state == "starting"
    host.hello({"window": 0, "title": "t", "exit": {"code": 3}}, {"window": 4})
    assert console.state == "running"
    assert sorted(console.windows) == [0, 4]
    assert console.windows[0].exit == {"code": 3}


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"console": "c-bbbbbbbbbb"},
        {"windows": [{"window": 70_000, "offset": 0, "cols": 80, "rows": 24}]},
        {"windows": [{"window": 0, "offset": -1, "cols": 80, "rows": 24}]},
        {"windows": [{"window": 0, "offset": 0, "cols": 0, "rows": 24}]},
        {"windows": [{"window": n, "offset": 0, "cols": 80, "rows": 24} for n in range(100)]},
        {"windows": [{"window": 0, "offset": 0, "cols": 80, "rows": 24, "title": "x" * 5000}]},
        {"windows": "none"},
    ],
)
def test_wrong_hello_is_no_link(console: Console, host: FakeHost, fields: dict[str, Any]) -> None:
    host.hello(**fields)
    assert host.transport.aborted
    assert console.state == "starting"


@pytest.mark.parametrize("first", [frames.output(0, 0, b"x"), frames.accepted(0, 1, 1), b"\xff" * 20])
def test_hello_comes_first(console: Console, host: FakeHost, first: bytes) -> None:
    host.send(first)
    assert host.transport.aborted
    host.hello()
    assert console.state == "starting"


def test_title_steers_nobody(console: Console, host: FakeHost) -> None:
    hostile = "a\x1b]0;b\x07\x9b31m\u202ec"
    host.hello({"title": hostile})
    assert console.windows[0].title == "a\ufffd]0;b\ufffd\ufffd31m\ufffdc"
    client, _ = attach(console)
    host.send(frames.encode_json(frames.EVENT, 0, {"type": "title", "title": "<b>" + hostile}))
    assert console.windows[0].title == "<b>a\ufffd]0;b\ufffd\ufffd31m\ufffdc"
    assert console.windows[0].title in [event.get("title") for event in client.events()]


def test_words_of_a_host_steer_nobody(console: Console, host: FakeHost) -> None:
    hostile, shown = "a\x1b]0;b\x07\x9b31m\u202ec", "a\ufffd]0;b\ufffd\ufffd31m\ufffdc"
    host.hello()
    refused = host.link.request("text", 0, {})
    answer = {"id": 1, "ok": False, "code": "x", "error": hostile}
    host.send(frames.encode_json(frames.REPLY, frames.CONSOLE, answer))
    assert outcome(refused).message == shown
    host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, {"type": "ended", "reason": hostile}))
    assert console.reason == shown


def test_silent_host_is_given_up(host: FakeHost, clock: Clock) -> None:
    clock.advance(HELLO_SECONDS + 1)
    assert host.transport.aborted
    assert "HELLO" in outcome(host.link.lost)


@pytest.mark.parametrize(
    "frame",
    [
        frames.encode(99 % 13 or 1, 0, b""),
        frames.encode(frames.OUTPUT, 0, b"1234567"),
        frames.encode(frames.ACCEPTED, 0, b"1234567"),
        frames.encode(frames.RESIZE, 0, b"\0\0\0\0"),
        frames.encode(frames.KEYFRAME, 0, b"short"),
        frames.encode(frames.EVENT, 0, b"{"),
        frames.encode_json(frames.EVENT, 0, {"type": "title", "title": "x" * 10_000}),
        frames.encode_json(frames.EVENT, 0, {"type": 7}),
        frames.encode_json(frames.EVENT, 0, {"type": "clipboard", "data": "x" * 200_000}),
        frames.encode(frames.EVENT, 0, b'{"status": ' + b"[" * 100_000),
        frames.encode(frames.REPLY, 0, b'{"id": "one"}'),
        frames.encode(frames.REPLY, 0, b"\xff\xfe"),
        frames.ack(0, 0),
        frames.input_(0, 0, 0, b""),
        frames.stream(0, 0, b""),
        b"\x63\0\0\0\0\0\0",
        b"\x02\0\0\xff\xff\xff\xff",
    ],
)
def test_broken_frame_breaks_the_link_and_nothing_else(
    console: Console, host: FakeHost, frame: bytes
) -> None:
    host.hello()
    client, _ = attach(console)
    host.send(frame)
    assert host.transport.aborted
    assert console.state == "recovering"
    host.output(0, b"after")
    assert client.output() == b""
    assert client.closed is None


def test_keyframe_without_end_is_refused(console: Console, host: FakeHost) -> None:
    host.hello()
    piece = frames.keyframes(0, 0, 80, 24, b"x" * (2 * frames.MAX_PAYLOAD))[0]
    for _ in range(MAX_KEYFRAME_BYTES // frames.MAX_PAYLOAD + 1):
        host.send(piece)
    assert host.transport.aborted


def test_output_is_acknowledged_in_steps(console: Console, host: FakeHost) -> None:
    host.hello()
    host.take()
    host.output(0, b"x" * 100)
    assert host.take() == []
    host.output(100, b"x" * ACK_BYTES)
    (ack,) = host.take()
    assert frames.parse_ack(ack.payload) == 100 + ACK_BYTES


def test_request_is_answered_refused_or_times_out(host: FakeHost, clock: Clock) -> None:
    host.hello()
    host.take()
    answered = host.link.request("a", 0, {}, lambda payload: frames.parse_json(payload)["x"])
    refused = host.link.request("b", 0, {})
    late = host.link.request("c", 0, {})
    first, second, third = host.requests()
    host.refuse(second["id"], "busy", "Later.")
    host.reply(first["id"], x=5)
    assert outcome(answered) == 5
    error = outcome(refused)
    assert (error.code, error.message) == ("busy", "Later.")
    clock.advance(REQUEST_SECONDS)
    assert outcome(late).code == "timeout"
    host.reply(third["id"])
    assert not host.transport.aborted


def test_requests_fail_when_the_link_is_lost(host: FakeHost) -> None:
    host.hello()
    waiting = [host.link.request("a", 0, {}), host.link.request_keyframe(0, 0)]
    host.die()
    waiting.append(host.link.request("a", 0, {}))
    for deferred in waiting:
        error = outcome(deferred)
        assert isinstance(error, ConsoleError)
        assert error.code == "recovering"


def test_late_keyframe_is_not_taken_for_one_that_nobody_asked_for(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    host.hello()
    client, _ = attach(console)
    host.serve()
    client.take()
    asked = host.link.request_keyframe(0, None)
    (request,) = host.requests()
    clock.advance(REQUEST_SECONDS)
    assert outcome(asked).code == "timeout"
    host.keyframe(request["id"], 0, b"x" * 1000)
    assert "KEYFRAME" not in client.kinds()


def test_answer_that_makes_no_sense_fails_the_request_and_breaks_the_link(host: FakeHost) -> None:
    import msgspec

    from termhub.hub.host_messages import Resumed

    host.hello()
    host.take()
    asked = host.link.request("subscribe", 0, {}, msgspec.json.Decoder(Resumed).decode)
    (request,) = host.requests()
    host.reply(request["id"], offset="soon")
    assert isinstance(outcome(asked), ConsoleError)
    assert host.transport.aborted


def test_random_bytes_never_raise(clock: Clock) -> None:
    generator = random.Random(5)
    for turn in range(500):
        console = make_console(clock)
        host = FakeHost(console, clock)
        if turn % 2:
            host.hello()
            attach(console)
        for _ in range(10):
            kind = generator.choice([*frames.NAMES, 99])
            payload = generator.randbytes(generator.choice([0, 8, 12, 16, 40]))
            if generator.random() < 0.3:
                payload = b'{"type":"exit","id":1,"ok":true}'
            head = frames.HEADER.pack(kind, generator.choice([0, 1, 65535]), len(payload))
            host.send(head + payload)
        console.close(1000, "done")
        assert host.transport.aborted


def test_lines_that_people_typed_steer_nobody_and_stay_lines(console: Console, host: FakeHost) -> None:
    host.hello()
    host.take()
    told = Deferred.fromCoroutine(console.typed(0, 10))
    (request,) = host.requests()
    assert (request["op"], request["window"], request["limit"]) == ("typed", 0, 10)
    line = {"offset": 7, "time": 5.0, "who": ["al\x1b[2Jice"], "text": ">>> a\n... b\x1b[2J", "lines": 2}
    host.reply(request["id"], lines=[line])
    (typed,) = outcome(told)
    assert typed.who == ["al\ufffd[2Jice"]
    assert typed.text == ">>> a\n... b\ufffd[2J"
