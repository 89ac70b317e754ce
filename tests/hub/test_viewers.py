"""What clients may send, what it does, and that nonsense closes only who sent it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.errors import BadRequest
from termhub.hub.console import Console
from termhub.hub.input import LIMIT_BYTES, PAUSE_BYTES
from termhub.hub.viewers import viewer_key
from tests.support.hub_fakes import (
    FakeClient,
    FakeHost,
    acknowledge,
    ask,
    attach,
    frame_of,
    make_console,
    somebody,
    type_in,
)


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1000)
    return clock


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


def answer(client: FakeClient) -> dict[str, Any]:
    (reply,) = (frame for frame in client.take() if frame.type == frames.REPLY)
    return dict(json.loads(reply.payload))


def test_hello_tells_console_role_and_windows(console: Console, host: FakeHost) -> None:
    client, _ = attach(console, role="writer")
    hello = json.loads(client.take()[0].payload)
    assert hello["version"] == 1
    assert hello["role"] == "writer"
    assert hello["policy"] == "latest"
    assert hello["console"]["id"] == console.id
    assert hello["console"]["state"] == "running"
    assert [window["window"] for window in hello["windows"]] == [0]


@pytest.mark.parametrize(
    "hello",
    [
        {},
        {"version": 2, "viewer": "ab"},
        {"version": 1, "viewer": "xyz"},
        {"version": 1, "viewer": "ab", "windows": {"a": None}},
        {"version": 1, "viewer": "ab", "windows": {"0": -1}},
        {"version": 1, "viewer": "ab", "windows": {"65535": None}},
        {"version": 1, "viewer": "ab", "cols": 1, "rows": 24},
        {"version": 1, "viewer": "ab", "windows": {str(n): None for n in range(100)}},
        [],
        "hello",
    ],
)
def test_bad_hello_is_refused_and_leaves_nothing(console: Console, host: FakeHost, hello: object) -> None:
    with pytest.raises(BadRequest):
        console.attach(FakeClient(), somebody(), "owner", hello)
    assert not console.viewers


def test_typing_reaches_the_host_under_a_key_of_user_and_viewer(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, viewer="ab")
    host.take()
    type_in(viewer, 0, b"ls\r")
    assert list(host.inputs()) == [(0, viewer_key(1, 0xAB), 0, b"ls\r")]
    host.send(frames.accepted(0, viewer_key(1, 0xAB), 3))
    accepted = client.take()[-1]
    assert frames.parse_accepted(accepted.payload) == (0xAB, 3)


def test_two_users_with_the_same_number_do_not_share_a_sequence() -> None:
    assert viewer_key(1, 5) != viewer_key(2, 5)
    assert viewer_key(1, 15) != viewer_key(11, 5)


def test_accepted_of_others_is_not_passed_on(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console)
    client.take()
    type_in(viewer, 0, b"a")
    host.send(frames.accepted(0, 12345, 1))
    assert client.take() == []


def test_observer_who_types_is_closed(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, role="observer")
    type_in(viewer, 0, b"rm")
    assert client.closed is not None
    assert client.closed[0] == 1008
    assert not list(host.inputs())
    assert not console.viewers


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        ("open", {"argv": ["sh"]}),
        ("close", {"window": 0}),
        ("signal", {"signal": "SIGINT"}),
        ("policy", {"policy": "smallest"}),
    ],
)
def test_observer_may_change_nothing(
    console: Console, host: FakeHost, op: str, arguments: dict[str, Any]
) -> None:
    client, viewer = attach(console, role="observer")
    host.serve()
    client.take()
    ask(viewer, 1, op, **arguments)
    assert answer(client)["code"] == "not_allowed"
    assert host.requests() == []


def test_input_sent_twice_is_answered_with_what_is_accepted(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console)
    type_in(viewer, 0, b"abc")
    host.send(frames.accepted(0, viewer.key, 3))
    client.take()
    type_in(viewer, 0, b"abc")
    assert frames.parse_accepted(client.take()[-1].payload) == (viewer.number, 3)
    type_in(viewer, 9, b"hole")
    assert frames.parse_accepted(client.take()[-1].payload) == (viewer.number, 3)


def test_client_is_paused_while_the_program_does_not_read(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console)
    sequence = 0
    while not client.paused:
        assert sequence < 2 * PAUSE_BYTES
        type_in(viewer, sequence, b"x" * 30_000)
        sequence += 30_000
    assert viewer.paused
    host.send(frames.accepted(0, viewer.key, sequence - 1000))
    assert not client.paused


def test_client_that_ignores_the_pause_is_not_stored_without_bound(console: Console, host: FakeHost) -> None:
    _client, viewer = attach(console)
    for turn in range(100):
        type_in(viewer, turn * 1_000_000, b"x" * 1_000_000)
    stream = console.input_stream(viewer, 0)
    assert stream is not None
    assert stream.held_bytes <= LIMIT_BYTES


def test_input_waits_for_the_next_host_and_goes_out_once_more(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    _, viewer = attach(console)
    type_in(viewer, 0, b"one ")
    host.send(frames.accepted(0, viewer.key, 2))
    host.die()
    type_in(viewer, 4, b"two")
    successor = FakeHost(console, clock)
    successor.hello()
    assert list(successor.inputs()) == [(0, viewer.key, 2, b"e two")]


def test_input_of_a_viewer_that_left_is_still_delivered(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    _, viewer = attach(console)
    type_in(viewer, 0, b"last words")
    host.die()
    viewer.detach("gone")
    successor = FakeHost(console, clock)
    successor.hello()
    assert list(successor.inputs()) == [(0, viewer.key, 0, b"last words")]


def test_same_viewer_again_replaces_the_old_connection(console: Console, host: FakeHost) -> None:
    old, _ = attach(console, viewer="7")
    attach(console, viewer="7")
    assert old.closed == (1000, "connected again")
    assert len(console.viewers) == 1


@pytest.mark.parametrize(
    "frame",
    [
        frames.encode_json(frames.HELLO, 0, {"version": 1}),
        frames.output(0, 0, b"x"),
        frames.accepted(0, 1, 1),
        frames.keyframes(0, 0, 80, 24, b"")[0],
        frames.encode_json(frames.EVENT, 0, {"type": "bell"}),
        frames.encode_json(frames.REPLY, 0, {"id": 1, "ok": True}),
        frames.stream(0, 1, b"x"),
        frames.encode(frames.ROWS, 0, b""),
        frames.encode(frames.ACK, 0, b"short"),
        frames.encode(frames.INPUT, 0, b"short"),
        frames.input_(0, 1, 0, b"of another viewer"),
        frames.encode(frames.RESIZE, 0, b"\0\0\0\0"),
        frames.encode(frames.REQUEST, 0, b"no json"),
        frames.encode(frames.REQUEST, 0, b"[]"),
        frames.encode(frames.REQUEST, 0, b'{"op": "ping"}'),
        frames.encode(frames.REQUEST, 0, b"\xff" * 100),
        frames.encode(frames.REQUEST, 0, b'{"id":' + b"[" * 10_000),
    ],
)
def test_what_is_not_the_protocol_closes_with_a_reason(
    console: Console, host: FakeHost, frame: bytes
) -> None:
    client, viewer = attach(console)
    other, bystander = attach(console, viewer="99")
    host.serve()
    viewer.receive(frame_of(frame))
    assert client.closed is not None
    assert client.closed[0] == 1002
    assert client.closed[1]
    viewer.receive(frame_of(frames.ack(0, 0)))
    assert other.closed is None
    host.output(0, b"on")
    assert b"on" in other.objects[-1]
    assert bystander.is_attached


def test_request_with_bad_fields_is_refused(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console)
    host.serve()
    for body in ({"window": -1}, {"cols": 0}, {"argv": "sh"}, {"policy": "biggest"}, {"scrollback": "all"}):
        client.take()
        ask(viewer, 3, "open", **body)
        assert answer(client)["code"] == "bad_request"
    client.take()
    ask(viewer, 4, "destroy")
    assert answer(client)["code"] == "unknown_op"
    client.take()
    ask(viewer, 5, "ping", t=12.5)
    assert answer(client) == {"id": 5, "ok": True, "t": 12.5}
    assert client.closed is None


def test_requests_without_answer_are_bounded(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console)
    host.take()
    client.take()
    for number in range(100):
        ask(viewer, number, "signal", signal="SIGINT")
    assert len(host.requests()) == 32
    refused = [json.loads(f.payload) for f in client.take() if f.type == frames.REPLY]
    assert {reply["code"] for reply in refused} == {"too_many"}
    assert len(refused) == 68


def test_open_runs_a_program_of_the_image_and_shows_the_window(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, size=(100, 30))
    host.serve()
    client.take()
    ask(viewer, 1, "open", program="ipython")
    (request,) = host.requests()
    assert request["argv"] == ["/3.11/ipython"]
    assert (request["cols"], request["rows"]) == (100, 30)
    host.send(frames.encode_json(frames.EVENT, 1, {"type": "opened", "argv": ["/3.11/ipython"]}))
    host.reply(request["id"], window=1)
    assert client.kinds() == ["EVENT", "REPLY"]
    ask(viewer, 2, "subscribe", window=1)
    host.serve(end=0)
    assert client.kinds() == ["REPLY", "KEYFRAME"]
    host.output(0, b"In [1]: ", window=1)
    assert client.output() == b"In [1]: "


def test_events_wait_while_the_client_is_behind_and_only_the_last_of_a_kind(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, viewer = attach(console)
    host.serve()
    host.output(0, b"x" * 1_000_000)
    sent = len(client.output())
    for number in range(1000):
        host.send(frames.encode_json(frames.EVENT, 0, {"type": "title", "title": str(number)}))
        host.send(frames.encode_json(frames.EVENT, 0, {"type": "bell"}))
    assert client.take() == []
    clock.advance(0.1)
    acknowledge(viewer, sent)
    host.serve(end=1_000_000)
    acknowledge(viewer, 1_000_000)
    kinds = [event["type"] for event in client.events() if event["type"] != "viewers"]
    assert sorted(kinds) == ["bell", "title"]
    assert console.windows[0].title == "999"


def test_size_of_who_typed_last_is_asked_for(console: Console, host: FakeHost) -> None:
    def sizes() -> list[tuple[int, int]]:
        return [frames.parse_resize(f.payload) for f in host.take() if f.type == frames.RESIZE]

    _, one = attach(console, viewer="1", size=(100, 30))
    assert sizes() == [(100, 30)]
    _, two = attach(console, viewer="2", size=(120, 40))
    assert sizes() == [(120, 40)]
    type_in(one, 0, b"x")
    type_in(one, 1, b"y")
    assert sizes() == [(100, 30)]
    two.receive(frame_of(frames.resize(0, 90, 20)))
    assert sizes() == [(90, 20)]
    ask(one, 1, "policy", policy="largest")
    assert sizes() == [(100, 30)]
    one.detach("gone")
    assert sizes() == [(90, 20)]
    ask(two, 1, "policy", policy="manual", cols=70, rows=10)
    assert sizes() == [(70, 10)]
    two.receive(frame_of(frames.resize(0, 200, 50)))
    assert sizes() == []


def test_number_of_viewers_is_told_but_not_for_each(console: Console, host: FakeHost, clock: Clock) -> None:
    client, _ = attach(console, viewer="1")
    host.serve()
    for number in range(2, 200):
        attach(console, viewer=f"{number:x}")
    client.take()
    clock.advance(1)
    (event,) = client.events()
    assert (event["type"], event["count"], len(event["people"])) == ("viewers", 199, 64)


def test_random_frames_never_raise(console: Console, host: FakeHost, clock: Clock) -> None:
    generator = random.Random(11)
    for turn in range(400):
        client, viewer = attach(console, viewer=f"{turn:x}", size=(80, 24))
        for _ in range(5):
            kind = generator.choice(list(frames.NAMES))
            if generator.random() < 0.5:
                payload = generator.randbytes(generator.choice([0, 4, 8, 12, 16, 20, 40]))
            else:
                value = generator.choice([None, -1, 1, "x", [], {}, 1e308, 1 << 70])
                body = {generator.choice(["id", "op", "window", "since", "argv", "t"]): value}
                payload = json.dumps({"id": 1, "op": "open", **body}).encode()
            viewer.receive(frames.Frame(kind, generator.choice([0, 1, 65535]), payload))
        viewer.detach("done")
        assert client.closed is None or client.closed[0] in (1002, 1008)
    assert not console.viewers
    assert console.state == "running"


def test_input_for_windows_that_never_come_is_not_kept(console: Console, clock: Clock) -> None:
    _, viewer = attach(console)
    for number in range(1000):
        type_in(viewer, 0, b"x" * 1000, window=number)
    host = FakeHost(console, clock)
    host.hello()
    assert [(window, len(data)) for window, _, _, data in host.inputs()] == [(0, 1000)]
    assert len(console._inputs._streams) == 1
