"""The client side of the stream protocol: output by offset, input once, across broken connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.guest import frames
from termhub.cli.viewer import Viewer


class Recorder:
    """A terminal that takes everything, and the hub's end of the connection."""

    def __init__(self, window: int = 0) -> None:
        self.shown: list[Any] = []
        self.skips: list[bool] = []
        self.done: list[Callable[[], None]] = []
        self.decoder = frames.Decoder()
        self.sent: list[frames.Frame] = []
        self.viewer = Viewer(self, self.send, 80, 24, window)

    def keyframe(self, cols: int, rows: int, data: bytes, skips: bool, done: Callable[[], None]) -> None:
        self.shown.append((cols, rows, data))
        self.skips.append(skips)
        self.done.append(done)

    def output(self, data: bytes, done: Callable[[], None]) -> None:
        self.shown.append(data)
        self.done.append(done)

    def event(self, window: int, event: dict[str, Any]) -> None:
        self.shown.append((window, event))

    def send(self, data: bytes) -> None:
        self.sent += self.decoder.feed(data)

    def take(self, kind: int) -> list[frames.Frame]:
        found = [frame for frame in self.sent if frame.type == kind]
        self.sent = [frame for frame in self.sent if frame.type != kind]
        return found

    def greet(self, *windows: int, offset: int = 0) -> None:
        self.viewer.connected()
        value = {
            "version": 1,
            "console": {"id": "c-x"},
            "role": "owner",
            "windows": [{"window": window, "offset": offset} for window in windows or (0,)],
        }
        self.viewer.receive(frames.encode_json(frames.HELLO, frames.CONSOLE, value))

    def inputs(self) -> list[tuple[int, bytes]]:
        return [frames.parse_input(frame.payload)[1:] for frame in self.take(frames.INPUT)]

    def accept(self, sequence: int, window: int = 0) -> None:
        self.viewer.receive(frames.accepted(window, 0, sequence))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def keyframe(offset: int, data: bytes = b"K", window: int = 0) -> bytes:
    return b"".join(frames.keyframes(window, offset, 80, 24, data))


def test_hello_asks_for_a_keyframe_and_later_for_the_rest(recorder: Recorder) -> None:
    recorder.greet()
    first = frames.parse_json(recorder.take(frames.HELLO)[0].payload)
    assert first["windows"] == {"0": None}
    assert first["via"] == "terminal"
    assert (first["cols"], first["rows"]) == (80, 24)
    recorder.viewer.receive(keyframe(100) + frames.output(0, 100, b"abc"))
    recorder.viewer.disconnected()
    recorder.greet()
    second = frames.parse_json(recorder.take(frames.HELLO)[0].payload)
    assert second["windows"] == {"0": 103}
    assert second["viewer"] == first["viewer"]


def test_output_is_shown_once_and_in_order(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.receive(keyframe(10))
    recorder.viewer.receive(frames.output(0, 10, b"abc"))
    recorder.viewer.receive(frames.output(0, 11, b"bcd"))
    recorder.viewer.receive(frames.output(0, 10, b"abcd"))
    assert recorder.shown == [(80, 24, b"K"), b"abc", b"d"]


def test_it_is_caught_up_with_what_was_there_when_it_connected(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.receive(keyframe(10))
    recorder.viewer.disconnected()
    recorder.greet(offset=15)
    recorder.viewer.receive(frames.output(0, 10, b"abc"))
    assert not recorder.viewer.is_caught_up
    recorder.viewer.receive(frames.output(0, 13, b"de"))
    assert recorder.viewer.is_caught_up


def test_a_skip_waits_for_its_keyframe(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.receive(keyframe(10) + frames.output(0, 50, b"later") + keyframe(60, b"L"))
    recorder.viewer.receive(frames.output(0, 60, b"x"))
    assert recorder.shown == [(80, 24, b"K"), (80, 24, b"L"), b"x"]
    recorder.viewer.receive(keyframe(61, b"R"))
    assert recorder.skips == [True, True, False]


def test_a_keyframe_of_several_frames(recorder: Recorder) -> None:
    data = b"k" * (frames.MAX_PAYLOAD + 5)
    recorder.greet()
    recorder.viewer.receive(keyframe(10, data))
    assert recorder.shown == [(80, 24, data)]
    assert recorder.viewer.offset == 10


def test_acknowledged_when_the_terminal_has_it(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.receive(keyframe(10) + frames.output(0, 10, b"abc"))
    assert recorder.take(frames.ACK) == []
    for done in recorder.done:
        done()
    assert [frames.parse_ack(frame.payload) for frame in recorder.take(frames.ACK)] == [10, 13]


def test_input_waits_for_the_hub_and_is_numbered_by_bytes(recorder: Recorder) -> None:
    recorder.viewer.type(b"early")
    assert recorder.sent == []
    recorder.greet()
    recorder.viewer.type(b"more")
    assert recorder.inputs() == [(0, b"early"), (5, b"more")]


def test_after_a_break_input_goes_on_from_the_accepted_byte(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.type(b"0123456789")
    recorder.inputs()
    recorder.accept(4)
    recorder.viewer.disconnected()
    recorder.viewer.type(b"ab")
    assert recorder.inputs() == []
    recorder.greet()
    assert recorder.inputs() == [(4, b"456789ab")]


def test_the_same_accepted_again_sends_again(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.type(b"0123")
    recorder.accept(2)
    recorder.inputs()
    recorder.accept(2)
    assert recorder.inputs() == [(2, b"23")]


def event(kind: str, window: int = frames.CONSOLE, **fields: Any) -> bytes:
    return frames.encode_json(frames.EVENT, window, {"type": kind, **fields})


def test_who_is_no_writer_any_more_types_nothing(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.receive(event("role", role="observer"))
    recorder.viewer.type(b"lost")
    assert recorder.inputs() == []
    recorder.viewer.receive(event("role", role="writer"))
    recorder.viewer.type(b"kept")
    assert recorder.inputs() == [(0, b"kept")]


def test_input_that_is_refused_is_dropped_and_its_numbers_are_used_again(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.type(b"abc")
    recorder.accept(2)
    recorder.viewer.type(b"def")
    recorder.inputs()
    recorder.viewer.receive(event("refused", 0, sequence=3, refusal=1))
    assert recorder.inputs() == [(3, b"")]
    recorder.accept(3)
    recorder.viewer.type(b"x")
    assert recorder.inputs() == [(3, b"x")]


def test_an_answer_to_a_refusal_that_was_lost_is_given_again(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.type(b"abc")
    recorder.viewer.receive(event("refused", 0, sequence=0, refusal=1))
    recorder.viewer.type(b"new")
    recorder.viewer.disconnected()
    recorder.inputs()
    recorder.greet()
    recorder.viewer.receive(event("refused", 0, sequence=0, refusal=1))
    assert (0, b"") in (inputs := recorder.inputs())
    assert inputs[-1] == (0, b"new")


def test_a_long_paste_asks_for_patience_and_arrives_whole(recorder: Recorder) -> None:
    paste = bytes(range(256)) * 1000
    recorder.greet()
    for start in range(0, len(paste), 4096):
        recorder.viewer.type(paste[start : start + 4096])
    assert not recorder.viewer.wants_input
    arrived = b""
    while len(arrived) < len(paste):
        pieces = recorder.inputs()
        assert pieces, "nothing more is sent"
        for sequence, data in pieces:
            assert sequence == len(arrived)
            arrived += data
        assert len(arrived) - (len(arrived) - sum(len(d) for _, d in pieces)) <= 64 << 10
        recorder.accept(len(arrived))
    assert arrived == paste
    assert recorder.viewer.wants_input


def test_another_window_has_its_own_output_and_input(recorder: Recorder) -> None:
    recorder.greet(0, 1)
    recorder.viewer.receive(keyframe(10))
    recorder.viewer.type(b"zero")
    recorder.viewer.show(1)
    recorder.viewer.receive(frames.output(0, 10, b"late") + keyframe(0, b"W", window=1))
    recorder.viewer.type(b"one")
    requests = [frames.parse_json(frame.payload)["op"] for frame in recorder.take(frames.REQUEST)]
    assert requests == ["unsubscribe", "subscribe"]
    sent = [(frame.window, *frames.parse_input(frame.payload)[1:]) for frame in recorder.take(frames.INPUT)]
    assert sent == [(0, 0, b"zero"), (1, 0, b"one")]
    assert recorder.shown == [(80, 24, b"K"), (80, 24, b"W")]


def test_windows_come_and_go(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.receive(frames.encode_json(frames.EVENT, 2, {"type": "opened", "argv": ["bash"]}))
    assert recorder.viewer.windows == [0, 2]
    recorder.viewer.receive(frames.encode_json(frames.EVENT, 2, {"type": "closed"}))
    assert recorder.viewer.windows == [0]


def test_garbage_is_a_clear_error(recorder: Recorder) -> None:
    recorder.greet()
    with pytest.raises(frames.FrameError):
        recorder.viewer.receive(b"GET / HTTP/1.1\r\n")


def test_resize_tells_the_hub(recorder: Recorder) -> None:
    recorder.greet()
    recorder.viewer.resize(100, 30)
    assert [frames.parse_resize(frame.payload) for frame in recorder.take(frames.RESIZE)] == [(100, 30)]
