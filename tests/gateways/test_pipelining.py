"""Requests sent ahead of their answers, and bodies and heads in crumbs, hold up nobody."""

from __future__ import annotations

from typing import Any, cast

import pytest
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource

from termhub.gateways.connections import Connections
from termhub.gateways.web.guards import Guards
from termhub.gateways.web.http import CHUNK_BYTES, MAX_CHUNKS, TermhubSite

REQUEST = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK"


class Root(Resource):
    """Answers at once, and counts."""

    isLeaf = True
    count = 0

    def render(self, request: Any) -> bytes:
        self.count += 1
        return b"%d" % len(request.content.read())


class Transport(StringTransport):
    """What a connection of TCP has besides."""

    has_ended = False

    def said(self) -> bytes:
        """What was answered."""
        return bytes(self.value())  # type: ignore[no-untyped-call]

    def loseConnection(self) -> None:
        self.has_ended = True

    def loseWriteConnection(self) -> None:
        self.has_ended = True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing is delayed here."""


class World:
    def __init__(self) -> None:
        self.clock: Any = Clock()
        self.root: Any = Root()  # type: ignore[no-untyped-call]
        self.site = TermhubSite(cast(Any, self.root), self.clock, Guards(Connections(0, 0)))

    def connect(self) -> tuple[Any, Transport]:
        channel: Any = self.site.buildProtocol(None)  # type: ignore[no-untyped-call]
        channel = getattr(channel, "_channel", channel)
        channel.callLater = self.clock.callLater
        transport = Transport()  # type: ignore[no-untyped-call]
        channel.makeConnection(transport)
        return channel, transport


@pytest.fixture
def world() -> World:
    return World()


def test_who_sends_many_at_once_takes_turns(world: World) -> None:
    greedy, answers = world.connect()
    greedy.dataReceived(REQUEST * 50)
    assert world.root.count == 1
    other, answer = world.connect()
    other.dataReceived(REQUEST)
    assert answer.said().count(OK) == 1
    world.clock.advance(0)
    assert answers.said().count(OK) == 50


def test_answers_that_wait_still_go_out_when_the_client_sends_no_more(world: World) -> None:
    channel, answers = world.connect()
    channel.dataReceived(REQUEST * 3)
    channel.readConnectionLost()
    assert not answers.has_ended
    world.clock.advance(0)
    assert answers.said().count(OK) == 3
    assert answers.has_ended


def test_nobody_is_answered_who_is_gone(world: World) -> None:
    channel, _ = world.connect()
    channel.dataReceived(REQUEST * 3)
    channel.connectionLost(Failure(ConnectionLost()))  # type: ignore[no-untyped-call]
    world.clock.advance(0)
    assert world.root.count == 1


def test_lines_behind_what_is_refused_are_not_looked_at(world: World) -> None:
    channel, answers = world.connect()
    seen = []
    received = channel.lineReceived

    def count(line: bytes) -> None:
        seen.append(line)
        received(line)

    channel.lineReceived = count
    channel.dataReceived(b"\r\n" * 10_000)
    assert answers.said().startswith(b"HTTP/1.1 400 ")
    assert len(seen) < 5


def chunked(size: int, count: int) -> bytes:
    head = b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + (b"%x\r\n%s\r\n" % (size, b"x" * size)) * count + b"0\r\n\r\n"


def test_body_in_crumbs_is_refused_and_the_rest_not_looked_at(world: World) -> None:
    channel, answers = world.connect()
    channel.dataReceived(chunked(1, 20 * MAX_CHUNKS))
    assert answers.said().startswith(b"HTTP/1.1 413 ")
    assert b"too many chunks" in answers.said()
    assert world.root.count == 0


@pytest.mark.parametrize(("size", "count"), [(1, MAX_CHUNKS), (CHUNK_BYTES, 3 * MAX_CHUNKS), (4096, 16)])
def test_body_in_some_chunks_is_taken(world: World, size: int, count: int) -> None:
    channel, answers = world.connect()
    channel.dataReceived(chunked(size, count))
    assert answers.said().endswith(b"%d" % (size * count))
