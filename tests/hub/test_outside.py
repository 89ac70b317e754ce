"""Connections out of consoles by the operator's list: what is decided, and what is dialled.

Names are looked up and addresses dialled by the test, which plays host and peer.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from sandbox.guest import frames
from termhub.errors import ConfigError
from termhub.hub.allow_list import AllowList
from termhub.hub.outside import RESOLVE_SECONDS, Allowance, Outside
from termhub.hub.relay import FAREWELL_SECONDS, IDLE_SECONDS, Pace
from termhub.hub.streams import MOST_ANSWERS
from tests.support.hub_fakes import FakeHost, make_console

FIRST = frames.CONNECTIONS + 1
WINDOW = frames.STREAM_WINDOW
PUBLIC = "151.101.0.223"


class Socket(StringTransport):
    """A connected socket, with what happens to it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_reading = True
        self.is_aborted = False
        self.is_half_closed = False
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.is_reading = False

    def resumeProducing(self) -> None:
        self.is_reading = True

    def loseWriteConnection(self) -> None:
        self.is_half_closed = True

    def abortConnection(self) -> None:
        self.is_aborted = True


class World:
    """A console, its host, a resolver and peers."""

    def __init__(self, *allow: str, connections: int = 4, total: int = 100) -> None:
        self.clock = Clock()
        self.console = make_console(self.clock)
        self.names: dict[str, Any] = {"pypi.org": [PUBLIC]}
        self.looked_up: list[str] = []
        self.dialled: list[tuple[str, int]] = []
        self.sockets: list[Socket] = []
        self.relays: list[Any] = []
        self.dial_fails: list[BaseException | Deferred[None]] = []
        self.allowance = Allowance("plus")
        self.outside = Outside(
            AllowList(allow or ("pypi.org", "*.github.com")),
            connections,
            total,
            self.clock,
            self.resolve,
            self.dial,
            lambda: frozenset({ipaddress.ip_address("151.101.64.223")}),
        )
        self.way = self.outside.way_out(self.ask)
        self.console.streams.way_out = self.way
        self.host = self.new_host()

    def new_host(self) -> FakeHost:
        host = FakeHost(self.console, self.clock)
        host.hello()
        host.take()
        return host

    async def ask(self) -> Allowance:
        return self.allowance

    async def resolve(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        found = self.names.get(host, [host])
        if isinstance(found, Deferred):
            return await found
        if isinstance(found, Exception):
            raise found
        if found and isinstance(found[0], list):
            return found.pop(0)
        return found

    async def dial(self, address: str, port: int, to: Any) -> None:
        self.dialled.append((address, port))
        if self.dial_fails:
            failure = self.dial_fails.pop(0)
            if not isinstance(failure, BaseException):
                await failure
            else:
                raise failure
        socket = Socket()
        self.sockets.append(socket)
        self.relays.append(to)
        to.makeConnection(socket)

    def want(self, host: str = "pypi.org", port: int = 443, number: int = FIRST) -> None:
        event = {"type": "connect", "stream": number, "host": host, "port": port}
        self.host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, event))

    def answers(self) -> list[dict[str, Any]]:
        """What the host was asked, answered."""
        asked = self.host.requests()
        for request in asked:
            self.host.reply(request["id"])
        return [{name: value for name, value in request.items() if name != "id"} for request in asked]

    def connect(self, number: int = FIRST) -> tuple[Socket, Any]:
        self.want(number=number)
        assert self.answers() == [{"op": "connected", "stream": number}]
        return self.sockets[-1], self.relays[-1]

    def told(self) -> list[tuple[str, Any]]:
        told: list[tuple[str, Any]] = []
        for frame in self.host.take():
            if frame.type == frames.STREAM:
                told.append(("data", frames.parse_stream(frame.payload)[1]))
            elif frame.type == frames.CREDIT:
                told.append(("credit", frames.parse_credit(frame.payload)[1]))
            elif frame.type == frames.REQUEST:
                request = json.loads(frame.payload)
                self.host.reply(request["id"])
                told.append((request["op"], request["stream"]))
        return told

    def send(self, data: bytes, number: int = FIRST) -> None:
        self.host.send(frames.stream(frames.CONSOLE, number, data))

    def end(self, number: int = FIRST) -> None:
        event = {"type": "stream", "stream": number, "code": 0, "said": ""}
        self.host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, event))

    def refusal(self, host: str = "pypi.org", port: int = 443) -> tuple[str, str]:
        self.want(host, port)
        (answer,) = self.answers()
        assert answer["op"] == "refused"
        assert self.outside.open == self.way.open == 0
        return answer["code"], answer["error"]


@pytest.fixture
def world() -> World:
    return World()


class TestList:
    @pytest.mark.parametrize(
        ("pattern", "host", "port"),
        [
            ("pypi.org", "pypi.org", 443),
            ("PyPI.org.", "pypi.org", 443),
            ("*.github.com", "a.b.github.com", 443),
            ("git.example.org:8443", "git.example.org", 8443),
            ("bücher.example", "xn--bcher-kva.example", 443),
            ("1.1.1.1", "1.1.1.1", 443),
            ("[2606:4700::1111]:853", "2606:4700::1111", 853),
        ],
    )
    def test_permits(self, pattern: str, host: str, port: int) -> None:
        assert AllowList([pattern]).permits(host, port)

    @pytest.mark.parametrize(
        ("pattern", "host", "port"),
        [
            ("pypi.org", "pypi.org", 80),
            ("pypi.org", "evil-pypi.org", 443),
            ("pypi.org", "pypi.org.evil.example", 443),
            ("pypi.org", "x.pypi.org", 443),
            ("*.github.com", "github.com", 443),
            ("*.github.com", "evilgithub.com", 443),
            ("*.github.com", "github.com.evil.example", 443),
            ("git.example.org:8443", "git.example.org", 443),
        ],
    )
    def test_does_not_permit(self, pattern: str, host: str, port: int) -> None:
        assert not AllowList([pattern]).permits(host, port)

    @pytest.mark.parametrize(
        "pattern",
        [
            *(
                "",
                "*",
                "*.",
                "*.com",
                "localhost",
                "a.*.com",
                "git*.example.org",
                "https://pypi.org",
                "a b.c",
            ),
            *("pypi.org:0", "pypi.org:65536", "pypi.org:", "pypi.org/simple", "-a.example", "a..b"),
            *("10.0.0.1", "127.0.0.1:443", "[::1]", "*.1.1.1.1", "1.2.3", "user@pypi.org", "[1.2.3"),
            "a." * 130 + "example",
        ],
    )
    def test_of_what_is_no_host_says_so(self, pattern: str) -> None:
        with pytest.raises(ConfigError, match=r"network\.allow"):
            AllowList([pattern])

    @given(st.text(max_size=80))
    def test_any_text_is_an_entry_or_refused(self, text: str) -> None:
        try:
            (entry,) = AllowList([text]).entries
        except ConfigError:
            return
        assert entry.host == entry.host.lower()
        assert entry.host.isascii()
        assert AllowList([str(entry)]).entries == (entry,)

    def test_is_told_shortened(self) -> None:
        assert str(AllowList(["pypi.org", "*.github.com", "a.example:8443"])) == (
            "pypi.org, *.github.com, a.example:8443"
        )
        long = str(AllowList([f"host{number}.example.org" for number in range(100)]))
        assert long.endswith("example.org and more")
        assert len(long) < 220


class TestDecision:
    def test_what_is_listed_is_dialled_by_its_checked_address(self, world: World) -> None:
        world.connect()
        assert (world.looked_up, world.dialled) == (["pypi.org"], [(PUBLIC, 443)])

    def test_case_of_the_name_does_not_matter(self, world: World) -> None:
        world.want("PyPI.org")
        assert world.answers()[0]["op"] == "connected"

    def test_what_is_not_listed_is_refused_with_plan_and_list(self, world: World) -> None:
        code, words = world.refusal("evil.example")
        assert code == "not_allowed"
        assert "evil.example:443" in words
        assert "plan plus" in words
        assert "pypi.org, *.github.com" in words
        assert "network.allow" in words
        assert world.looked_up == world.dialled == []

    @pytest.mark.parametrize(
        "host", [".github.com", "a..github.com", f"{'a' * 64}.github.com", "-a.github.com", "a b.github.com"]
    )
    def test_what_is_no_name_is_not_looked_up(self, world: World, host: str) -> None:
        assert world.refusal(host)[0] == "not_allowed"
        assert world.looked_up == []

    def test_plan_without_network(self, world: World) -> None:
        world.allowance = Allowance("free", "the plan free has no network")
        assert world.refusal() == ("not_allowed", "the plan free has no network")

    @pytest.mark.parametrize("host", [PUBLIC, "2606:4700::1111", "127.1", "0x7f.1", "2130706433", "::1"])
    def test_address_that_is_not_listed(self, world: World, host: str) -> None:
        assert world.refusal(host)[0] == "not_allowed"
        assert world.dialled == []

    def test_address_that_is_listed(self) -> None:
        world = World("1.1.1.1:853")
        world.want("1.1.1.1", 853)
        assert world.answers()[0]["op"] == "connected"
        assert world.dialled == [("1.1.1.1", 853)]

    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254"),
            *("0.0.0.0", "224.0.0.251", "255.255.255.255", "198.18.0.1", "192.0.2.2", "203.0.113.9"),
            *("::", "::1", "::ffff:10.0.0.1", "::ffff:151.101.0.223", "fe80::1", "fc00::1", "fd00:ec2::254"),
            *("64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1", "2001:0:a00:1::1", "ff02::1"),
            *("2001:db8::1", "2606:4700::5efe:a00:1", "::10.0.0.1", "fec0::1", "100::1"),
            "151.101.64.223",  # the hub's own
        ],
    )
    def test_name_with_an_address_that_is_not_public(self, world: World, address: str) -> None:
        world.names["pypi.org"] = [address]
        code, words = world.refusal()
        assert code == "not_allowed"
        assert "no public address" in words
        assert world.dialled == []

    def test_of_several_addresses_the_public_ones_are_dialled(self, world: World) -> None:
        world.names["pypi.org"] = ["10.0.0.1", "2606:4700::1111", "::1", PUBLIC]
        world.dial_fails = [error.ConnectionRefusedError()]
        world.connect()
        assert world.dialled == [("2606:4700::1111", 443), (PUBLIC, 443)]

    def test_name_is_looked_up_once_and_what_was_checked_is_dialled(self, world: World) -> None:
        world.names["pypi.org"] = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]
        world.connect()
        assert world.looked_up == ["pypi.org"]
        assert world.dialled == [(PUBLIC, 443)]
        world.want(number=FIRST + 1)
        assert world.answers()[0]["code"] == "not_allowed"
        assert world.dialled == [(PUBLIC, 443)]

    def test_no_such_name(self, world: World) -> None:
        world.names["pypi.org"] = OSError(-2, "Name or service not known")
        assert world.refusal() == ("unreachable", "pypi.org: Name or service not known")

    def test_resolver_that_does_not_answer(self, world: World) -> None:
        world.names["pypi.org"] = Deferred()
        world.want()
        assert world.answers() == []
        world.clock.advance(RESOLVE_SECONDS)
        assert world.answers()[0]["code"] == "timeout"
        assert world.outside.open == 0

    def test_peer_that_refuses_or_does_not_answer(self, world: World) -> None:
        world.dial_fails = [error.ConnectionRefusedError()]
        assert world.refusal()[0] == "unreachable"
        world.dial_fails = [error.TimeoutError()]
        assert world.refusal()[0] == "timeout"

    def test_more_than_a_console_may_have(self, world: World) -> None:
        for number in range(4):
            world.connect(FIRST + number)
        world.want(number=FIRST + 4)
        (answer,) = world.answers()
        assert answer["code"] == "busy"
        world.end(FIRST)
        world.connect(FIRST + 5)

    def test_more_than_all_may_have(self) -> None:
        world = World(total=1)
        world.connect()
        world.want(number=FIRST + 1)
        assert "too many consoles" in world.answers()[0]["error"]


class TestRelay:
    def test_both_ways_and_half_closes(self, world: World) -> None:
        socket, relay = world.connect()
        assert socket.is_reading
        world.send(b"hello")
        assert socket.value() == b"hello"
        relay.dataReceived(b"answer")
        assert world.told() == [("data", b"answer")]
        world.send(b"")
        assert socket.is_half_closed
        relay.readConnectionLost()
        assert world.told() == [("data", b"")]
        world.end()
        assert socket.disconnecting
        assert world.outside.open == 0
        assert (world.way.bytes_in, world.way.bytes_out) == (6, 5)
        relay.connectionLost(Failure(error.ConnectionDone()))

    def test_stream_without_room_stops_the_socket(self, world: World) -> None:
        socket, relay = world.connect()
        data = bytes(range(256)) * 1024
        assert len(data) == WINDOW
        relay.dataReceived(data)
        assert socket.is_reading
        relay.dataReceived(b"beyond")
        assert not socket.is_reading
        assert b"".join(data for _, data in world.told()) == data
        world.host.send(frames.credit(frames.CONSOLE, FIRST, 3))
        assert world.told() == [("data", b"bey")]
        assert not socket.is_reading
        world.host.send(frames.credit(frames.CONSOLE, FIRST, 100))
        assert world.told() == [("data", b"ond")]
        assert socket.is_reading

    def test_end_comes_behind_what_waits(self, world: World) -> None:
        _, relay = world.connect()
        relay.dataReceived(b"x" * WINDOW)
        relay.dataReceived(b"rest")
        relay.readConnectionLost()
        relay.connectionLost(Failure(error.ConnectionDone()))
        world.told()
        world.host.send(frames.credit(frames.CONSOLE, FIRST, 100))
        assert world.told() == [("data", b"rest"), ("data", b"")]

    def test_socket_that_takes_no_more_stops_the_program(self, world: World) -> None:
        socket, _ = world.connect()
        socket.producer.pauseProducing()
        world.send(b"x" * WINDOW)
        assert world.told() == []
        socket.producer.resumeProducing()
        assert world.told() == [("credit", WINDOW)]

    def test_reset_outside_is_a_reset_inside(self, world: World) -> None:
        _, relay = world.connect()
        relay.connectionLost(Failure(error.ConnectionLost()))
        assert world.told() == [("stop", FIRST)]
        assert world.outside.open == 0

    def test_link_that_is_lost_breaks_it(self, world: World) -> None:
        socket, relay = world.connect()
        world.host.die()
        assert socket.is_aborted
        assert world.outside.open == 0
        relay.connectionLost(Failure(error.ConnectionLost()))

    def test_program_that_gives_up_while_it_is_dialled(self, world: World) -> None:
        world.dial_fails = [Deferred()]
        world.want()
        world.end()
        assert world.answers() == []
        assert world.outside.open == 0
        assert not world.sockets

    def test_link_lost_while_a_name_is_looked_up(self, world: World) -> None:
        world.names["pypi.org"] = Deferred()
        world.want()
        world.host.die()
        assert world.outside.open == 0
        world.host = world.new_host()
        world.names["pypi.org"] = [PUBLIC]
        world.connect()

    def test_idle_is_closed(self, world: World) -> None:
        socket, relay = world.connect()
        world.clock.advance(IDLE_SECONDS - 1)
        relay.dataReceived(b"x")
        world.told()
        world.clock.advance(IDLE_SECONDS - 1)
        assert not socket.is_aborted
        world.clock.advance(2)
        assert socket.is_aborted
        assert world.told() == [("stop", FIRST)]

    def test_peer_that_does_not_take_the_last_bytes_is_left(self, world: World) -> None:
        socket, _ = world.connect()
        world.end()
        world.clock.advance(FAREWELL_SECONDS)
        assert socket.is_aborted

    def test_nothing_is_left_to_happen_after_the_end(self, world: World) -> None:
        _, relay = world.connect()
        world.end()
        relay.connectionLost(Failure(error.ConnectionDone()))
        assert not [call for call in world.clock.getDelayedCalls() if "relay" in repr(call.func)]

    def test_rate_holds_both_ways(self, world: World) -> None:
        world.allowance = Allowance("plus", None, 80)  # 10,000 bytes a second
        socket, relay = world.connect()
        relay.dataReceived(b"x" * 20_000)
        assert not socket.is_reading
        world.clock.advance(1.9)
        assert not socket.is_reading
        world.clock.advance(0.2)
        assert socket.is_reading
        world.told()
        world.send(b"y" * 100_000)
        assert world.told() == []
        world.clock.advance(10.1)
        assert world.told() == [("credit", 100_000)]


def test_pace_lets_through_what_the_rate_is() -> None:
    clock = Clock()
    pace = Pace(clock.seconds)
    passed = 0
    while clock.seconds() < 60:
        clock.advance(pace.spend(16_384, 1000))
        passed += 16_384
    assert 0.95 < passed * 8 / 60 / 1_000_000 < 1.1
    assert pace.spend(1 << 20, None) == 0


class TestHostileHost:
    @pytest.mark.parametrize(
        "event",
        [
            {"stream": 1, "host": "pypi.org", "port": 443},
            {"stream": 1 << 32, "host": "pypi.org", "port": 443},
            {"stream": FIRST, "host": "", "port": 443},
            {"stream": FIRST, "host": "pypi.org"},
            {"stream": FIRST, "host": "pypi.org", "port": 0},
            {"stream": FIRST, "host": "x" * 254, "port": 443},
        ],
    )
    def test_connection_that_makes_no_sense_breaks_the_link(self, world: World, event: Any) -> None:
        told = frames.encode_json(frames.EVENT, frames.CONSOLE, {"type": "connect", **event})
        world.host.send(told)
        assert world.host.transport.aborted
        assert world.dialled == []

    def test_number_in_use_breaks_the_link_and_what_was_on_it(self, world: World) -> None:
        socket, _ = world.connect()
        world.want()
        assert world.host.transport.aborted
        assert socket.is_aborted

    def test_more_bytes_than_granted(self, world: World) -> None:
        socket, _ = world.connect()
        socket.producer.pauseProducing()
        world.send(b"x" * WINDOW)
        world.send(b"x")
        assert world.host.transport.aborted

    def test_host_that_takes_no_answers_is_given_up(self, world: World) -> None:
        for number in range(MOST_ANSWERS + 1):
            world.want("evil.example", number=FIRST + number)
        assert world.host.transport.aborted
        assert world.outside.open == 0

    def test_bytes_of_connections_that_are_over_are_late(self, world: World) -> None:
        world.refusal("evil.example")
        world.send(b"late")
        world.host.send(frames.credit(frames.CONSOLE, FIRST, 10))
        world.end()
        assert not world.host.transport.aborted


def test_console_without_a_way_out_is_told_so() -> None:
    world = World()
    world.console.streams.way_out = None
    assert world.refusal() == ("not_allowed", "this console has no network")
