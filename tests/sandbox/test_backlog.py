"""The kept output of a window: bounded, without gaps, marks in their places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sandbox.guest import frames
from sandbox.guest.backlog import FRAME_BYTES, LIMIT_BYTES, Backlog


def sent(backlog):
    """Everything it has to send: offsets and data of output, other frames as they are."""
    result = []
    while True:
        taken = backlog.take(0)
        if taken is None:
            return result
        head, rest = taken
        if rest is None:
            result.append(head)
        else:
            (frame,) = frames.Decoder().feed(head + bytes(rest))
            rest.release()
            result.append(frames.parse_output(frame.payload))


def test_sends_what_was_added():
    backlog = Backlog()
    backlog.append(b"hello ")
    backlog.append(b"world")
    assert sent(backlog) == [(0, b"hello world")]
    assert sent(backlog) == []
    backlog.append(b"!")
    assert sent(backlog) == [(11, b"!")]


def test_cuts_much_into_frames():
    backlog = Backlog()
    backlog.append(b"x" * (FRAME_BYTES * 2 + 5))
    assert [(offset, len(data)) for offset, data in sent(backlog)] == [
        (0, FRAME_BYTES),
        (FRAME_BYTES, FRAME_BYTES),
        (FRAME_BYTES * 2, 5),
    ]


def test_acknowledged_bytes_make_room():
    backlog = Backlog(limit_bytes=10)
    backlog.append(b"0123456789")
    assert backlog.room == 0
    sent(backlog)
    backlog.acknowledge(4)
    assert (backlog.room, backlog.start, backlog.end) == (4, 4, 10)
    backlog.acknowledge(2)
    assert backlog.start == 4


def test_what_was_never_sent_cannot_be_acknowledged():
    backlog = Backlog()
    backlog.append(b"0123456789")
    backlog.acknowledge(2**64 - 1)
    assert (backlog.start, backlog.end) == (0, 10)


def test_rewind_sends_again():
    backlog = Backlog()
    backlog.append(b"0123456789")
    sent(backlog)
    backlog.acknowledge(3)
    backlog.rewind(5)
    assert sent(backlog) == [(5, b"56789")]
    backlog.rewind(0)
    assert sent(backlog) == [(3, b"3456789")]
    backlog.rewind(2**64 - 1)
    assert sent(backlog) == []


def test_marks_go_out_at_their_place():
    backlog = Backlog()
    backlog.mark(b"born")
    backlog.append(b"abc")
    backlog.mark(b"size")
    backlog.append(b"def")
    backlog.mark(b"exit")
    expected = [b"born", (0, b"abc"), b"size", (3, b"def"), b"exit"]
    assert sent(backlog) == expected
    backlog.rewind(0)
    assert sent(backlog) == expected
    backlog.acknowledge(4)
    backlog.rewind(0)
    assert sent(backlog) == [(4, b"ef"), b"exit"]


def test_a_mark_at_the_acknowledged_end_is_sent_again():
    backlog = Backlog()
    backlog.append(b"abc")
    sent(backlog)
    backlog.acknowledge(3)
    backlog.mark(b"exit")
    assert sent(backlog) == [b"exit"]
    backlog.rewind(3)
    assert sent(backlog) == [b"exit"]


def test_settled_is_when_all_was_acknowledged_after_it_was_sent():
    backlog = Backlog()
    assert backlog.is_settled
    backlog.append(b"abc")
    assert not backlog.is_settled
    sent(backlog)
    backlog.acknowledge(3)
    assert backlog.is_settled
    backlog.mark(b"exit")
    backlog.acknowledge(3)
    assert not backlog.is_settled
    sent(backlog)
    backlog.acknowledge(3)
    assert backlog.is_settled


def test_marks_nobody_takes_are_bounded_and_the_last_stays():
    backlog = Backlog()
    for number in range(5000):
        backlog.mark(b"%d" % number)
    marks = sent(backlog)
    assert len(marks) <= 256
    assert marks[-1] == b"4999"


@given(st.integers(1, 100))
def test_events_are_written_when_they_are_sent(window):
    backlog = Backlog()
    backlog.mark({"type": "exit", "code": 0})
    head, rest = backlog.take(window)
    assert rest is None
    assert head == frames.encode_json(frames.EVENT, window, {"type": "exit", "code": 0})


class Any(RuleBasedStateMachine):
    """Whatever is added, acknowledged and sent again: the reader sees one stream."""

    def __init__(self):
        super().__init__()
        self.backlog = Backlog(limit_bytes=200)
        self.stream = b""
        self.marks = []
        self.seen = b""
        self.seen_marks = []

    @rule(data=st.binary(max_size=60))
    def add(self, data):
        data = data[: self.backlog.room]
        self.backlog.append(data)
        self.stream += data

    @rule()
    def mark(self):
        self.marks.append((len(self.stream), b"mark %d" % len(self.marks)))
        self.backlog.mark(self.marks[-1][1])

    @rule(count=st.integers(1, 3))
    def send(self, count):
        for _ in range(count):
            taken = self.backlog.take(0)
            if taken is None:
                return
            head, rest = taken
            if rest is None:
                place = next(offset for offset, mark in self.marks if mark == head)
                assert place == len(self.seen)
                if head not in self.seen_marks:
                    self.seen_marks.append(head)
            else:
                self.seen += bytes(rest)
                rest.release()

    @rule(part=st.floats(0, 1))
    def acknowledge(self, part):
        self.backlog.acknowledge(int(len(self.seen) * part))

    @rule()
    def another_reader(self):
        start = self.backlog.start
        self.seen = self.seen[:start]
        self.backlog.rewind(start)

    @invariant()
    def is_one_stream(self):
        assert self.stream.startswith(self.seen)
        assert self.backlog.start <= self.backlog.sent <= self.backlog.end == len(self.stream)
        assert self.backlog.room >= 0
        assert self.seen_marks == [mark for _, mark in self.marks][: len(self.seen_marks)]


TestAny = Any.TestCase


def test_the_limit_is_a_quarter_of_a_mebibyte():
    assert LIMIT_BYTES == 1 << 18
    assert Backlog().room == LIMIT_BYTES


def test_a_view_must_be_released_first():
    backlog = Backlog()
    backlog.append(b"abc")
    _, rest = backlog.take(0)
    with pytest.raises(BufferError):
        backlog.append(b"x" * 100_000)
    rest.release()
    backlog.append(b"d")
    assert sent(backlog) == [(3, b"d")]
