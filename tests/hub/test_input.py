"""Input arrives whole, in order, once, whatever is lost or repeated on the way."""

from __future__ import annotations

import random

import pytest

from termhub.hub.input import IN_FLIGHT_BYTES, LIMIT_BYTES, PIECE_BYTES, InputStream


class Sent(list[tuple[int, bytes]]):
    """What a stream sent."""

    def __call__(self, sequence: int, data: bytes) -> None:
        self.append((sequence, data))

    def take(self) -> list[tuple[int, bytes]]:
        taken = list(self)
        self.clear()
        return taken


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def stream(sent: Sent) -> InputStream:
    return InputStream(sent, linked=True)


def test_keystroke_goes_out_at_once(stream: InputStream, sent: Sent) -> None:
    assert stream.receive(7, b"a")
    assert stream.receive(8, b"b")
    assert sent == [(7, b"a"), (8, b"b")]
    assert stream.on_accepted(9)
    assert stream.held_bytes == 0


def test_repeated_input_is_trimmed(stream: InputStream, sent: Sent) -> None:
    stream.receive(0, b"abc")
    assert stream.receive(1, b"bcd")
    assert stream.receive(0, b"abcd")
    assert sent == [(0, b"abc"), (3, b"d")]


def test_hole_and_what_was_accepted_send_the_client_back(stream: InputStream, sent: Sent) -> None:
    stream.receive(0, b"abc")
    assert not stream.receive(4, b"e")
    stream.on_accepted(3)
    assert not stream.receive(0, b"abc")
    assert stream.accepted == 3
    assert sent == [(0, b"abc")]


def test_at_most_a_window_is_in_flight(stream: InputStream, sent: Sent) -> None:
    data = random.Random(1).randbytes(300_000)
    stream.receive(0, data)
    assert sum(len(piece) for _, piece in sent) == IN_FLIGHT_BYTES
    assert max(len(piece) for _, piece in sent) == PIECE_BYTES
    stream.on_accepted(10_000)
    assert b"".join(piece for _, piece in sent) == data[: 10_000 + IN_FLIGHT_BYTES]


def test_nothing_is_sent_without_a_link(stream: InputStream, sent: Sent) -> None:
    stream.receive(0, b"abc")
    stream.link_lost()
    stream.receive(3, b"def")
    assert sent.take() == [(0, b"abc")]
    stream.link_made()
    assert sent == [(0, b"abcdef")]


def test_same_number_again_sends_back_once(stream: InputStream, sent: Sent) -> None:
    stream.receive(0, b"abc")
    stream.receive(3, b"def")
    stream.on_accepted(2)
    sent.clear()
    for _ in range(5):
        assert not stream.on_accepted(2)
    assert sent == [(2, b"cdef")]


def test_agent_may_be_ahead_of_a_new_hub(stream: InputStream, sent: Sent) -> None:
    stream.receive(100, b"abc")
    assert stream.on_accepted(150)
    assert stream.held_bytes == 0
    assert not stream.receive(100, b"abc")
    assert stream.receive(149, b"xy")
    assert sent[-1] == (150, b"y")


def test_more_than_the_limit_is_refused_and_forgotten(stream: InputStream) -> None:
    assert stream.receive(0, b"x" * LIMIT_BYTES)
    assert not stream.receive(LIMIT_BYTES, b"y")
    assert stream.held_bytes == LIMIT_BYTES
    stream.on_accepted(10)
    assert stream.receive(LIMIT_BYTES, b"y")


class Agent:
    """Accepts as an agent does: in order, once, refusing holes."""

    def __init__(self) -> None:
        self.expected = 0
        self.written = b""

    def take(self, sequence: int, data: bytes) -> int | None:
        if sequence > self.expected:
            return self.expected
        new = data[self.expected - sequence :]
        self.written += new
        self.expected += len(new)
        return self.expected


def test_everything_arrives_once_over_links_that_break() -> None:
    for seed in range(40):
        generator = random.Random(seed)
        wire: list[tuple[int, bytes]] = []
        stream = InputStream(lambda sequence, data, wire=wire: wire.append((sequence, data)), linked=True)
        agent = Agent()
        answers: list[int] = []
        data = generator.randbytes(200_000)
        position = 0
        while agent.written != data:
            move = generator.random()
            if move < 0.4 and position < len(data):
                size = generator.choice([1, 10, 5000, 40_000])
                start = max(stream.accepted, position - generator.choice([0, 0, 3]))
                if stream.receive(start, data[start : position + size]):
                    position = max(position, min(len(data), position + size))
            elif move < 0.8 and wire:
                answer = agent.take(*wire.pop(0))
                if answer is not None and generator.random() < 0.95:
                    answers.append(answer)
            elif move < 0.97 and answers:
                stream.on_accepted(answers.pop(0))
            elif move >= 0.97 or not (wire or answers):
                # The host dies: what is under way is lost, in both directions.
                stream.link_lost()
                del wire[: generator.randint(0, len(wire))]
                wire.clear()
                answers.clear()
                stream.link_made()
        assert agent.written == data
