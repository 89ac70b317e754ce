"""The link to an agent: found in the middle of anything, bounded, fair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import frames
from termhub.host.agent_link import INPUT_HIGH_BYTES, AgentError, AgentLink

NONCE = "0123456789abcdef"


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def hello(nonce: str = NONCE) -> bytes:
    return frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 1, "nonce": nonce, "windows": []})


def synchronised(clock: Clock | None = None) -> AgentLink:
    link = AgentLink(NONCE, clock or Clock())
    list(link.feed(hello()))
    return link


def sent(link: AgentLink) -> list[frames.Frame]:
    found = []
    while data := link.to_send():
        assert len(data) <= frames.PIPE_BUF
        decoder = frames.Decoder()
        found += decoder.feed(data)
        assert decoder.pending_bytes == 0
        link.sent()
    return found


@given(
    before=st.binary(max_size=300),
    sizes=st.lists(st.integers(1, 40), max_size=30),
    output=st.binary(max_size=100),
)
def test_everything_before_the_hello_is_thrown_away(before, sizes, output):
    data = before + frames.output(0, 5, b"old")[3:] + hello() + frames.output(0, 7, output)
    link = AgentLink(NONCE, Clock())
    found = []
    for size in sizes:
        found += link.feed(data[:size])
        data = data[size:]
    found += link.feed(data)
    assert [frame.type for frame in found] == [frames.HELLO, frames.OUTPUT]
    assert frames.parse_output(found[1].payload) == (7, output)


def test_the_hello_to_another_host_is_not_ours():
    link = AgentLink(NONCE, Clock())
    assert list(link.feed(hello("f" * 16) + frames.output(0, 0, b"x"))) == []
    assert not link.is_synchronised


def test_what_is_thrown_away_is_not_held():
    link = AgentLink(NONCE, Clock())
    for _ in range(100):
        list(link.feed(b"x" * 65536))
    assert link.held_bytes < 200_000


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 20,
        frames.HEADER.pack(frames.OUTPUT, 0, 900_000),
        frames.input_(0, 1, 2, b"x"),
        frames.encode(frames.KEYFRAME, 0, b"x" * 20),
        frames.encode_json(frames.REQUEST, 0, {}),
    ],
)
def test_what_no_agent_sends_is_an_error(data):
    link = synchronised()
    with pytest.raises(AgentError):
        list(link.feed(data))


def test_events_beyond_the_rate_are_an_error():
    clock = Clock()
    link = synchronised(clock)
    event = frames.encode_json(frames.EVENT, 0, {"type": "closed"})
    for _ in range(100):
        clock.seconds += 1.0
        list(link.feed(event * 100))
    with pytest.raises(AgentError, match="a second"):
        list(link.feed(event * 5000))


def test_long_input_is_split_into_whole_writes():
    link = synchronised()
    data = bytes(range(256)) * 100
    link.input("a", 3, 99, 1000, data)
    pieces = [frames.parse_input(frame.payload) for frame in sent(link)]
    assert b"".join(piece for _, _, piece in pieces) == data
    expected = 1000
    for viewer, sequence, piece in pieces:
        assert (viewer, sequence) == (99, expected)
        expected += len(piece)


def test_requests_go_before_input_and_input_of_all_sources_in_turn():
    link = synchronised()
    link.input("a", 0, 1, 0, b"a" * 20_000)
    link.input("b", 0, 2, 0, b"b" * 20)
    assert link.request({"id": 1, "op": "signal"})
    order = [(f.type, f.payload[16:17] if f.type == frames.INPUT else b"") for f in sent(link)]
    assert order[0][0] == frames.REQUEST
    assert b"b" in [letter for _, letter in order[1:4]]


def test_acknowledgements_are_merged_and_not_starved_by_input():
    link = synchronised()
    link.input("a", 0, 1, 0, b"a" * 100_000)
    for offset in range(50):
        link.ack(0, offset)
    first = frames.Decoder().feed(link.to_send())
    assert [frames.parse_ack(f.payload) for f in first if f.type == frames.ACK] == [49]
    assert any(f.type == frames.INPUT for f in first)


def test_a_source_that_is_ahead_is_told_from_the_others():
    link = synchronised()
    link.input("a", 0, 1, 0, b"a" * (INPUT_HIGH_BYTES + 1))
    link.input("b", 0, 1, 0, b"b")
    assert link.is_ahead("a")
    assert not link.is_ahead("b")
    sent(link)
    assert not link.is_ahead("a")


def test_what_a_closed_source_sent_still_goes_out():
    link = synchronised()
    link.input("a", 0, 1, 0, b"last words")
    link.forget("a")
    (frame,) = sent(link)
    assert frames.parse_input(frame.payload)[2] == b"last words"


def test_a_request_that_does_not_fit_is_refused():
    assert not synchronised().request({"id": 1, "op": "open", "argv": ["x" * 5000]})
