"""Streams as the hub sees them, with a host that the test plays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import ConsoleError
from termhub.hub.console import Console
from termhub.hub.link import REQUEST_SECONDS
from termhub.hub.streams import CREDIT_BYTES, FRAME_BYTES, Stream
from tests.support.hub_fakes import CONSOLE, FakeHost, make_console

WINDOW = frames.STREAM_WINDOW


class Owner:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.drained = 0
        self.ends: list[dict[str, Any] | None] = []

    def stream_data(self, data: bytes) -> None:
        self.data.append(data)

    def stream_drained(self) -> None:
        self.drained += 1

    def stream_ended(self, status: dict[str, Any] | None) -> None:
        self.ends.append(status)


class Here:
    """A console that is linked, and an owner of a stream."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.console: Console = make_console(self.clock)
        self.host = self.new_host()
        self.owner = Owner()

    def new_host(self) -> FakeHost:
        host = FakeHost(self.console, self.clock)
        host.hello()
        host.take()
        return host

    def start(self, owner: Owner | None = None, **arguments: Any) -> tuple[Deferred[Stream], dict[str, Any]]:
        """A run that is not answered yet, and what the host was asked."""
        started = Deferred.fromCoroutine(self.console.run(owner or self.owner, ["prog"], **arguments))
        (request,) = self.host.requests()
        return started, request

    def run(self, owner: Owner | None = None) -> Stream:
        started, request = self.start(owner)
        self.host.reply(request["id"])
        streams: list[Stream] = []
        started.addCallback(streams.append)
        return streams[0]

    def told(self) -> list[tuple[int, bytes]]:
        """What the host was told on streams."""
        return [frames.parse_stream(f.payload) for f in self.host.take() if f.type == frames.STREAM]

    def send(self, number: int, data: bytes) -> None:
        self.host.send(frames.stream(frames.CONSOLE, number, data))

    def end(self, number: int, **fields: Any) -> None:
        body = {"type": "stream", "stream": number, **fields}
        self.host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, body))


@pytest.fixture
def here() -> Here:
    return Here()


def refusal(started: Deferred[Stream]) -> ConsoleError:
    failures: list[Failure] = []
    started.addErrback(failures.append)
    error = failures[0].value
    assert isinstance(error, ConsoleError)
    return error


def test_asks_for_the_program(here):
    _, request = here.start(env={"A": "b"}, cwd="/c")
    wanted = {"op": "run", "stream": 1, "argv": ["prog"], "env": {"A": "b"}, "cwd": "/c"}
    assert {name: request[name] for name in wanted} == wanted


def test_data_goes_both_ways(here):
    stream = here.run()
    stream.write(b"in")
    stream.end()
    stream.end()
    assert here.told() == [(1, b"in"), (1, b"")]
    here.send(1, b"out")
    here.send(1, b"")
    here.end(1, code=3, said="oh\ndear")
    assert here.owner.data == [b"out", b""]
    assert here.owner.ends == [{"code": 3, "said": "oh\ndear"}]
    assert len(here.console.streams) == 0


def test_end_by_a_signal(here):
    here.run()
    here.end(1, signal="SIGKILL")
    assert here.owner.ends == [{"signal": "SIGKILL", "said": ""}]


def test_data_directly_behind_the_reply_is_heard(here):
    started, request = here.start()
    body = {"id": request["id"], "ok": True}
    reply = frames.encode_json(frames.REPLY, frames.CONSOLE, body)
    here.host.send(reply + frames.stream(frames.CONSOLE, 1, b"quick"))
    assert here.owner.data == [b"quick"]
    assert started.called


def test_streams_have_owners_of_their_own(here):
    other = Owner()
    here.run()
    here.run(other)
    here.send(2, b"for the other")
    assert (here.owner.data, other.data) == ([], [b"for the other"])


class TestRoom:
    def test_is_a_window_and_comes_back_with_credit(self, here):
        stream = here.run()
        stream.write(bytes(WINDOW))
        assert stream.room == 0
        assert max(len(data) for _, data in here.told()) == FRAME_BYTES
        with pytest.raises(ValueError, match="room for 0"):
            stream.write(b"x")
        here.host.send(frames.credit(frames.CONSOLE, 1, 1000))
        assert (stream.room, here.owner.drained) == (1000, 1)
        stream.write(b"x" * 1000)

    def test_nothing_is_written_after_the_end(self, here):
        stream = here.run()
        stream.end()
        with pytest.raises(ValueError, match="after its end"):
            stream.write(b"x")

    def test_is_given_back_in_steps(self, here):
        stream = here.run()
        for _ in range(4):
            here.send(1, bytes(WINDOW // 4))
        stream.consumed(CREDIT_BYTES - 1)
        assert here.host.take() == []
        stream.consumed(1)
        (frame,) = here.host.take()
        assert frames.parse_credit(frame.payload) == (1, CREDIT_BYTES)

    def test_host_that_sends_more_than_there_is_room_for_loses_its_link(self, here):
        here.run()
        for _ in range(4):
            here.send(1, bytes(WINDOW // 4))
        here.send(1, b"x")
        assert here.host.transport.aborted
        assert here.owner.ends == [None]

    def test_host_that_grants_what_was_not_used_loses_its_link(self, here):
        here.run()
        here.host.send(frames.credit(frames.CONSOLE, 1, 1))
        assert here.host.transport.aborted


class TestEnd:
    def test_refusal(self, here):
        started, request = here.start()
        here.host.refuse(request["id"], "cannot_start", "prog: command not found")
        error = refusal(started)
        assert (error.code, error.message) == ("cannot_start", "prog: command not found")
        assert len(here.console.streams) == 0
        assert here.owner.ends == []

    def test_host_that_does_not_answer_is_told_to_stop(self, here):
        started, _ = here.start()
        here.clock.advance(REQUEST_SECONDS)
        assert refusal(started).code == "timeout"
        assert [(r["op"], r["stream"]) for r in here.host.requests()] == [("stop", 1)]

    def test_who_waits_no_longer_leaves_no_program(self, here):
        started, _ = here.start()
        started.addErrback(lambda failure: None)
        started.cancel()
        assert [(r["op"], r["stream"]) for r in here.host.requests()] == [("stop", 1)]
        assert len(here.console.streams) == 0

    def test_lost_link_ends_streams_and_refuses_those_that_start(self, here):
        stream = here.run()
        started, _ = here.start()
        here.host.die()
        assert here.owner.ends == [None]
        assert refusal(started).code == "recovering"
        stream.write(b"nobody hears this")
        stream.consumed(WINDOW)
        stream.end()
        stream.close()
        here.host = here.new_host()
        assert here.host.take() == []
        assert here.run().number == 3

    def test_close_stops_the_program_and_its_owner_hears_no_more(self, here):
        stream = here.run()
        stream.close()
        stream.close()
        (request,) = here.host.requests()
        assert (request["op"], request["stream"]) == ("stop", 1)
        here.send(1, b"on its way")
        here.end(1, code=0)
        here.host.refuse(request["id"])
        assert (here.owner.data, here.owner.ends) == ([], [])
        assert not here.host.transport.aborted

    def test_console_that_has_ended_runs_nothing(self, here):
        here.run()
        here.console.has_gone("it was time")
        assert here.owner.ends == [None]
        started = Deferred.fromCoroutine(here.console.run(here.owner, ["prog"]))
        assert refusal(started).code == "ended"

    def test_idle_is_told_when_the_last_is_over(self, here):
        idle: list[int] = []
        here.console.streams.on_idle = lambda: idle.append(len(here.console.streams))
        first, _ = here.run(), here.run()
        here.end(2, code=0)
        assert idle == []
        first.close()
        assert idle == [0]


KINDS = st.sampled_from([frames.STREAM, frames.CREDIT, frames.EVENT])


@given(st.lists(st.tuples(KINDS, st.integers(0, 4), st.binary(max_size=30))))
def test_whatever_a_host_says_harms_nobody(said):
    here = Here()
    here.run()
    here.run().close()
    for kind, number, data in said:
        if kind == frames.EVENT:
            here.end(number, code=len(data), said=data.hex())
        else:
            here.host.send(frames.encode(kind, frames.CONSOLE, number.to_bytes(4, "big")[: len(data)] + data))
    assert len(here.owner.ends) <= 1
    assert sum(map(len, here.owner.data)) <= WINDOW
    assert here.console.id == CONSOLE
