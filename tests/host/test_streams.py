"""Streams through a host: whose they are, what they may hold, and what breaks the protocol."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import frames
from termhub.host.agent_link import EVENTS_AT_ONCE
from termhub.host.streams import MAX_CONNECTIONS, MAX_STREAMS, REQUEST_SECONDS
from tests.support.console_core import ConsoleCore, LinkCore

WINDOW = frames.STREAM_WINDOW


class Core(ConsoleCore):
    """A console whose agent answers with what the test says."""

    def take(self) -> list[frames.Frame]:
        return [frame for frame in self.to_agent() if frame.type not in (frames.ACK, frames.HELLO)]

    def streamed(self) -> list[tuple[int, bytes]]:
        return [frames.parse_stream(f.payload) for f in self.take() if f.type == frames.STREAM]

    def send(self, number: int, data: bytes) -> None:
        self.console.receive(frames.stream(frames.CONSOLE, number, data))

    def credit(self, number: int, count: int) -> None:
        self.console.receive(frames.credit(frames.CONSOLE, number, count))

    def run(self, link: LinkCore, number: int, **arguments: Any) -> int:
        """Have a link start a program; the agent's number of its stream."""
        link.request("run", stream=number, argv=["cat"], **arguments)
        (request,) = [entry for entry in self.asked() if entry["op"] == "run"]
        self.reply(id=request["id"], ok=True, pid=77)
        assert link.replies() == [{"id": "run", "ok": True}]
        return int(request["stream"])


@pytest.fixture
def core(tmp_path):
    return Core(tmp_path)


@pytest.fixture
def link(core):
    return LinkCore(core, subscribe=False)


def received(link: LinkCore) -> list[tuple[str, Any]]:
    """What a link is told of streams."""
    found: list[tuple[str, Any]] = []
    for kind, _, payload in link.frames():
        if kind == frames.STREAM:
            found.append(("data", frames.parse_stream(payload)))
        elif kind == frames.CREDIT:
            found.append(("credit", frames.parse_credit(payload)))
        elif kind == frames.EVENT:
            found.append(("event", frames.parse_json(payload)))
    return found


def to_host(link: LinkCore, number: int, data: bytes) -> None:
    link.send(frames.stream(frames.CONSOLE, number, data))


def test_each_side_has_its_own_numbers(core, link):
    other = LinkCore(core, subscribe=False)
    first, second = core.run(link, 9), core.run(other, 9)
    assert first != second
    to_host(link, 9, b"one")
    to_host(other, 9, b"two")
    assert sorted(core.streamed()) == [(first, b"one"), (second, b"two")]
    core.send(second, b"for the other")
    core.send(first, b"for the one")
    assert received(link) == [("data", (9, b"for the one"))]
    assert received(other) == [("data", (9, b"for the other"))]


def test_program_and_surroundings_reach_the_agent(core, link):
    link.request("run", stream=1, argv=["a", "b"], env={"C": "d"}, cwd="/e", other=1)
    (request,) = core.asked()
    assert {name: request[name] for name in ("argv", "env", "cwd")} == {
        "argv": ["a", "b"],
        "env": {"C": "d"},
        "cwd": "/e",
    }
    assert "other" not in request


def test_end_comes_behind_the_output(core, link):
    number = core.run(link, 3)
    core.send(number, b"last words")
    core.send(number, b"")
    core.event({"type": "stream", "stream": number, "code": 4, "said": "oh"}, frames.CONSOLE)
    assert received(link) == [
        ("data", (3, b"last words")),
        ("data", (3, b"")),
        ("event", {"type": "stream", "stream": 3, "code": 4, "said": "oh"}),
    ]
    to_host(link, 3, b"late")  # crossed the end on its way
    link.send(frames.credit(frames.CONSOLE, 3, 10))
    assert core.take() == []
    assert core.run(link, 3) != number


def test_end_by_a_signal_is_told(core, link):
    number = core.run(link, 3)
    core.event({"type": "stream", "stream": number, "signal": "SIGTERM", "said": 5 * "x" * 4096})
    ((_, event),) = received(link)
    assert event["signal"] == "SIGTERM"
    assert len(event["said"]) == 4096


def test_large_input_goes_in_whole_writes_and_keeps_its_order(core, link):
    number = core.run(link, 1)
    data = bytes(range(256)) * (WINDOW // 256)
    to_host(link, 1, data)
    to_host(link, 1, b"")
    pieces = core.streamed()
    assert {of for of, _ in pieces} == {number}
    assert b"".join(piece for _, piece in pieces) == data
    assert pieces[-1][1] == b""


def test_streams_take_turns_and_input_goes_first(core, link):
    one, two = core.run(link, 1), core.run(link, 2)
    to_host(link, 1, b"x" * 50_000)
    to_host(link, 2, b"y" * 50_000)
    link.send(frames.input_(0, 7, 0, b"typed"))
    written = []
    for _ in range(3):
        written += frames.Decoder().feed(core.console.agent.to_send())
        core.console.agent.sent()
    assert written[0].type == frames.INPUT
    seen = [frames.parse_stream(frame.payload)[0] for frame in written[1:]]
    assert seen == [one, two, one, two]


def test_stream_and_window_take_turns_on_a_link(core, link):
    number = core.run(link, 1)
    link.request("subscribe", window=0, since=0)
    core.output(0, b"o" * 500_000)
    for _ in range(4):
        core.send(number, b"s" * (1 << 16))
    kinds = [frame.type for frame in link.frames(400_000)]
    assert {frames.OUTPUT, frames.STREAM} <= set(kinds)


class TestCredit:
    def test_is_passed_on_each_way(self, core, link):
        number = core.run(link, 5)
        core.send(number, b"x" * 1000)
        assert received(link) == [("data", (5, b"x" * 1000))]
        link.send(frames.credit(frames.CONSOLE, 5, 600))
        assert [frames.parse_credit(f.payload) for f in core.take()] == [(number, 600)]
        to_host(link, 5, b"y" * 500)
        assert core.streamed() == [(number, b"y" * 500)]
        core.credit(number, 400)
        assert received(link) == [("credit", (5, 400))]

    def test_host_holds_a_window_each_way_and_not_more(self, core, link):
        number = core.run(link, 5)
        for _ in range(4):
            core.send(number, b"x" * (WINDOW // 4))
        to_host(link, 5, b"y" * WINDOW)
        with pytest.raises(frames.FrameError, match="beyond its credit"):
            to_host(link, 5, b"y")
        core.send(number, b"x")
        assert "beyond its credit" in core.console.failure
        assert core.kills == 1

    def test_agent_may_not_grant_what_it_was_not_sent(self, core, link):
        number = core.run(link, 5)
        to_host(link, 5, b"y" * 1000)  # still waits here
        core.credit(number, 1000)
        assert "was not sent" in core.console.failure

    def test_link_may_not_grant_what_it_was_not_sent(self, core, link):
        core.run(link, 5)
        with pytest.raises(frames.FrameError, match="was not sent"):
            link.send(frames.credit(frames.CONSOLE, 5, 1))
        assert core.console.failure is None

    def test_nothing_comes_after_the_end_of_a_direction(self, core, link):
        number = core.run(link, 5)
        to_host(link, 5, b"")
        with pytest.raises(frames.FrameError, match="after its end"):
            to_host(link, 5, b"more")
        core.send(number, b"")
        core.send(number, b"")
        assert "after its end" in core.console.failure


class TestRefusals:
    def test_of_the_agent_is_passed_on_and_frees_the_number(self, core, link):
        link.request("run", stream=1, argv=["nothing"])
        (request,) = core.asked()
        core.reply(id=request["id"], ok=False, code="cannot_start", error="nothing: command not found")
        (reply,) = link.replies()
        assert (reply["ok"], reply["code"], reply["error"]) == (
            False,
            "cannot_start",
            "nothing: command not found",
        )
        core.run(link, 1)

    @pytest.mark.parametrize("number", [None, -1, "1", 1 << 32])
    def test_of_a_number_that_is_none(self, core, link, number):
        link.request("run", stream=number, argv=["cat"])
        assert link.replies()[0]["code"] == "bad_request"
        assert core.asked() == []

    def test_of_a_number_in_use(self, core, link):
        core.run(link, 1)
        link.request("run", stream=1, argv=["cat"])
        assert link.replies()[0]["code"] == "bad_request"

    def test_of_what_does_not_fit_a_write(self, core, link):
        link.request("run", stream=1, argv=["x" * 5000])
        assert link.replies()[0]["code"] == "too_long"

    def test_of_too_many(self, core, link):
        for number in range(MAX_STREAMS):
            core.run(link, number)
        link.request("run", stream=MAX_STREAMS, argv=["cat"])
        assert link.replies()[0]["code"] == "too_many_streams"

    def test_when_the_agent_is_silent(self, core, link):
        link.request("run", stream=1, argv=["cat"])
        (request,) = core.asked()
        core.clock.advance(REQUEST_SECONDS)
        assert link.replies()[0]["code"] == "no_answer"
        assert [asked["op"] for asked in core.asked()] == ["stop"]
        core.reply(id=request["id"], ok=True)  # too late
        core.send(request["stream"], b"nobody wants it")
        assert received(link) == []
        assert core.console.failure is None

    def test_when_the_sandbox_is_gone(self, core, link):
        link.request("run", stream=1, argv=["cat"])
        core.console.end("over")
        assert link.replies()[0]["code"] == "ended"


class TestGivenUp:
    def test_by_its_link(self, core, link):
        number = core.run(link, 1)
        to_host(link, 1, b"unsent")
        link.request("stop", stream=1)
        assert link.replies() == [{"id": "stop", "ok": True}]
        assert [(r["op"], r["stream"]) for r in core.asked()] == [("stop", number)]
        core.send(number, b"on its way already")
        assert received(link) == []
        core.reply(id=f"stop {number}", ok=True)
        core.send(number, b"after that it is not running")
        assert "not running" in core.console.failure

    def test_with_its_link(self, core, link):
        other = LinkCore(core, subscribe=False)
        gone, kept = core.run(link, 1), core.run(other, 1)
        core.console.remove_link(link.link)
        assert [(r["op"], r["stream"]) for r in core.asked()] == [("stop", gone)]
        core.event({"type": "stream", "stream": gone, "code": 0, "said": ""})  # they crossed
        core.reply(id=f"stop {gone}", ok=True)
        core.send(kept, b"goes on")
        assert received(other) == [("data", (1, b"goes on"))]
        assert core.console.failure is None

    def test_what_is_not_known_may_be_stopped(self, core, link):
        link.request("stop", stream=8)
        assert link.replies() == [{"id": "stop", "ok": True}]
        assert core.asked() == []


class TestHostileAgent:
    def test_streams_nobody_started(self, core, link):
        core.send(1, b"x")
        assert "not running" in core.console.failure

    def test_ends_nobody_waits_for(self, core, link):
        core.event({"type": "stream", "stream": 1, "code": 0})
        assert "not running" in core.console.failure

    def test_end_that_makes_no_sense(self, core, link):
        number = core.run(link, 1)
        core.event({"type": "stream", "stream": number, "code": "x", "said": None})
        assert received(link) == [("event", {"type": "stream", "stream": 1, "code": 255, "said": "None"})]

    def test_answers_do_not_count_as_a_flood_but_repeated_ones_do(self, core, link):
        for _ in range(int(EVENTS_AT_ONCE) + 10):
            number = core.run(link, 1)
            core.event({"type": "stream", "stream": number, "code": 0, "said": ""})
            received(link)
        assert core.console.failure is None
        number = core.run(link, 1)
        for _ in range(int(EVENTS_AT_ONCE) + 10):
            core.reply(id=f"run {number}", ok=True)
        assert "events a second" in core.console.failure

    @given(st.lists(st.tuples(st.sampled_from("dcer"), st.integers(0, 3), st.binary(max_size=40))))
    def test_anything_is_relayed_or_ends_the_console(self, tmp_path_factory, said):
        core = Core(tmp_path_factory.mktemp("journal"))
        link = LinkCore(core, subscribe=False)
        numbers = [core.run(link, number) for number in (1, 2)]
        for kind, index, data in said:
            number = [*numbers, 99, 0][index]
            if kind == "d":
                core.send(number, data)
            elif kind == "c":
                core.console.receive(frames.encode(frames.CREDIT, frames.CONSOLE, data))
            elif kind == "e":
                core.event({"type": "stream", "stream": number, "code": 0, "said": data.hex()})
            else:
                core.reply(id=f"stop {number}", ok=True)
        link.frames()
        core.to_agent()
        core.close()


class TestConnections:
    """What programs of an allow-list ask for; made by the newest link."""

    NUMBER = frames.CONNECTIONS + 5

    def want(self, core: Core, number: int = NUMBER, **fields: Any) -> None:
        event = {"type": "connect", "stream": number, "host": "pypi.org", "port": 443, **fields}
        core.event(event, frames.CONSOLE)

    def connect(self, core: Core, link: LinkCore, number: int = NUMBER) -> int:
        """The link's number of a connection that it has made."""
        self.want(core, number)
        ((_, event),) = received(link)
        link.request("connected", stream=event["stream"])
        assert link.replies() == [{"id": "connected", "ok": True}]
        (request,) = core.asked()
        core.reply(id=request["id"], ok=True)
        return int(event["stream"])

    def test_is_asked_of_the_newest_link_and_relayed(self, core, link):
        newest = LinkCore(core, subscribe=False)
        theirs = self.connect(core, newest)
        assert theirs >= frames.CONNECTIONS
        assert received(link) == []
        core.send(self.NUMBER, b"hello")
        assert received(newest) == [("data", (theirs, b"hello"))]
        to_host(newest, theirs, b"answer")
        assert core.streamed() == [(self.NUMBER, b"answer")]
        core.event({"type": "stream", "stream": self.NUMBER, "code": 0, "said": ""}, frames.CONSOLE)
        assert received(newest)[-1][1]["type"] == "stream"

    def test_says_what_the_link_refuses(self, core, link):
        self.want(core)
        ((_, event),) = received(link)
        assert (event["type"], event["host"], event["port"]) == ("connect", "pypi.org", 443)
        link.request("refused", stream=event["stream"], code="not_allowed", error="No." + "x" * 9000)
        (request,) = core.asked()
        assert (request["op"], request["stream"], request["code"]) == ("refused", self.NUMBER, "not_allowed")
        assert request["error"].startswith("No.")
        core.reply(id=request["id"], ok=True)
        self.want(core)
        assert core.console.failure is None

    def test_without_a_link_is_refused_at_once(self, core):
        self.want(core)
        (request,) = core.asked()
        assert (request["op"], request["code"]) == ("refused", "busy")

    def test_link_that_is_lost_gives_it_up(self, core, link):
        self.connect(core, link)
        core.console.remove_link(link.link)
        assert [(r["op"], r["stream"]) for r in core.asked()] == [("stop", self.NUMBER)]

    def test_program_that_goes_first_crosses_the_answer(self, core, link):
        self.want(core)
        ((_, event),) = received(link)
        core.event({"type": "stream", "stream": self.NUMBER, "code": 0, "said": ""}, frames.CONSOLE)
        link.request("connected", stream=event["stream"])
        link.request("refused", stream=event["stream"], code="busy", error="late")
        assert core.console.failure is None

    @pytest.mark.parametrize(
        "fields",
        [
            {"stream": 1},
            {"stream": None},
            {"stream": 1 << 32},
            {"host": ""},
            {"host": "x" * 254},
            {"host": "b\u00fccher.example"},
            {"host": 7},
            {"port": 0},
            {"port": 65536},
            {"port": "443"},
            {"port": True},
        ],
    )
    def test_that_make_no_sense_end_the_console(self, core, link, fields):
        self.want(core, **{"number": fields.pop("stream")} if "stream" in fields else fields)
        assert core.kills == 1
        assert received(link) == []

    def test_number_in_use_ends_the_console(self, core, link):
        self.want(core)
        self.want(core)
        assert core.kills == 1

    def test_more_than_there_may_be_end_the_console(self, core, link):
        for number in range(MAX_CONNECTIONS):
            self.want(core, self.NUMBER + number)
        assert core.kills == 0
        self.want(core, self.NUMBER + MAX_CONNECTIONS)
        assert core.kills == 1

    def test_flood_ends_the_console(self, core, link):
        for number in range(int(EVENTS_AT_ONCE) + 1):
            self.want(core, self.NUMBER + number)
            core.event({"type": "stream", "stream": self.NUMBER + number, "code": 0}, frames.CONSOLE)
            received(link)
        assert "events a second" in core.console.failure

    def test_programs_keep_their_own_limit_and_numbers(self, core, link):
        for number in range(MAX_CONNECTIONS):
            self.want(core, self.NUMBER + number)
        received(link)
        core.run(link, 1)
        link.request("run", stream=frames.CONNECTIONS, argv=["cat"])
        assert link.replies()[0]["code"] == "bad_request"
