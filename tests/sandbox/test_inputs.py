"""Input written exactly once, however it is split, repeated and interrupted."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.guest.inputs import Inputs


def written(inputs, most=1 << 16):
    """Write what the queue gives; all of it."""
    result = b""
    while True:
        data = inputs.next(most)
        if not data:
            return result
        inputs.written(len(data))
        result += data


def test_in_order():
    inputs = Inputs()
    inputs.receive(7, 0, b"abc")
    inputs.receive(7, 3, b"def")
    assert inputs.pending_bytes == 6
    assert written(inputs) == b"abcdef"
    assert inputs.answers() == [(7, 6)]
    assert inputs.pending_bytes == 0


def test_a_new_viewer_may_start_anywhere():
    inputs = Inputs()
    inputs.receive(7, 2**63, b"abc")
    assert written(inputs) == b"abc"
    assert inputs.answers() == [(7, 2**63 + 3)]


def test_what_was_had_is_trimmed():
    inputs = Inputs()
    inputs.receive(7, 0, b"abcdef")
    inputs.receive(7, 2, b"cdefgh")
    inputs.receive(7, 0, b"abc")
    assert written(inputs) == b"abcdefgh"


def test_a_hole_is_refused_with_what_is_written_and_only_once():
    inputs = Inputs()
    inputs.receive(7, 0, b"abc")
    written(inputs)
    inputs.answers()
    inputs.receive(7, 5, b"xyz")
    inputs.receive(7, 8, b"xyz")
    assert inputs.answers() == [(7, 3)]
    assert written(inputs) == b""
    inputs.receive(7, 3, b"de")
    inputs.receive(7, 9, b"xyz")
    assert inputs.answers() == [(7, 3)]
    assert written(inputs) == b"de"


def test_partial_writes_are_answered_as_far_as_they_went():
    inputs = Inputs()
    inputs.receive(7, 0, b"abcdef")
    assert inputs.next() == b"abcdef"
    inputs.written(2)
    assert inputs.answers() == [(7, 2)]
    assert inputs.next() == b"cdef"
    inputs.written(4)
    assert inputs.answers() == [(7, 6)]


def test_viewers_keep_their_own_sequence():
    inputs = Inputs()
    inputs.receive(1, 0, b"aa")
    inputs.receive(2, 50, b"bb")
    inputs.receive(1, 2, b"cc")
    assert inputs.next() == b"aabbcc"
    inputs.written(5)
    assert sorted(inputs.answers()) == [(1, 3), (2, 52)]
    assert written(inputs) == b"c"


def test_beyond_the_limit_is_refused_and_told_once_there_is_room():
    inputs = Inputs(limit_bytes=10)
    inputs.receive(7, 0, b"0123456789")
    inputs.receive(7, 10, b"x")
    inputs.receive(8, 0, b"y")
    assert inputs.answers() == []
    assert inputs.pending_bytes == 10
    inputs.written(4)
    assert inputs.answers() == [(7, 4)]
    inputs.written(4)
    assert inputs.answers() == [(7, 8), (7, 8), (8, 0)]
    inputs.receive(7, 10, b"x")
    inputs.receive(8, 0, b"y")
    assert written(inputs) == b"89xy"


def test_dropped_input_counts_as_written():
    inputs = Inputs()
    inputs.receive(7, 0, b"abc")
    inputs.written(1)
    inputs.answers()
    inputs.drop()
    assert inputs.answers() == [(7, 3)]
    assert inputs.pending_bytes == 0
    inputs.receive(7, 3, b"d")
    assert written(inputs) == b"d"


def test_remembers_a_bounded_number_of_viewers():
    inputs = Inputs()
    inputs.receive(0, 0, b"waiting")
    for number in range(1, 5000):
        inputs.receive(number, 0, b"")
    assert len(inputs._viewers) <= 1024
    assert 0 in inputs._viewers  # whose input is not written yet


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.binary(min_size=1, max_size=3000))
def test_a_sender_that_follows_the_rules_gets_everything_through_once(seed, data):
    """Two viewers, lost links, repetitions, any split, a small window, a slow terminal.

    Frames get lost only when a party on the way ends; then the link is new and everything
    that is not accepted goes again.
    """
    chance = random.Random(seed)
    inputs = Inputs(limit_bytes=500)
    terminal, link_is_broken = b"", False
    senders = {number: {"data": data, "sent": 0, "accepted": 0, "told": None} for number in (1, 2)}
    for _ in range(100_000):
        if all(sender["accepted"] == len(data) for sender in senders.values()):
            break
        for number, sender in senders.items():
            if sender["sent"] < len(data) and sender["sent"] - sender["accepted"] < 400:
                start = max(sender["accepted"], sender["sent"] - chance.randrange(20))
                piece = data[start : start + chance.randrange(1, 200)]
                link_is_broken = link_is_broken or chance.random() < 0.05
                if not link_is_broken or (number in inputs._viewers and chance.random() < 0.5):
                    inputs.receive(number, start, piece)
                sender["sent"] = max(sender["sent"], start + len(piece))
        if chance.random() < 0.7:
            offered = inputs.next(chance.randrange(1, 300))
            count = chance.randrange(len(offered) + 1)
            inputs.written(count)
            terminal += offered[:count]
        for number, sequence in [] if link_is_broken else inputs.answers():
            sender = senders[number]
            if sequence == sender["told"]:
                sender["sent"] = sequence
            sender["told"] = sequence
            sender["accepted"] = max(sender["accepted"], sequence)
            sender["sent"] = max(sender["sent"], sender["accepted"])
        if link_is_broken and chance.random() < 0.5:
            link_is_broken = False
            inputs.new_peer()
            for sender in senders.values():
                sender["sent"] = sender["accepted"]
    assert all(sender["accepted"] == len(data) for sender in senders.values())
    terminal += written(inputs)
    assert len(terminal) == 2 * len(data)
    assert sorted(terminal) == sorted(data + data)


def test_whoever_sends_again_is_answered_again():
    inputs = Inputs()
    inputs.receive(1, 0, b"abc")
    inputs.written(3)
    assert inputs.answers() == [(1, 3)]
    inputs.receive(1, 0, b"abc")  # somebody behind the peer missed the answer
    assert inputs.answers() == [(1, 3)]
    inputs.receive(1, 3, b"de")
    inputs.receive(1, 3, b"de")  # not written yet: the answer comes when it is
    assert inputs.answers() == []
    inputs.written(2)
    assert inputs.answers() == [(1, 5)]
