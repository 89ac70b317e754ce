"""What a viewer is sent: raw output while it keeps up, one keyframe when it does not."""

from __future__ import annotations

import random

import pytest
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.hub.console import Console
from termhub.hub.pace import FIRST_WINDOW, MAX_WINDOW
from tests.support.hub_fakes import FakeHost, acknowledge, ask, attach, make_console


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1000)
    return clock


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


def test_new_viewer_gets_hello_and_one_keyframe_then_output(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    assert client.kinds() == ["HELLO"]
    assert host.serve(end=500) == ["subscribe", "keyframe"]
    assert client.kinds() == ["KEYFRAME"]
    host.output(500, b"live")
    assert client.output() == b"live"


def test_output_is_the_same_object_for_all(console: Console, host: FakeHost) -> None:
    clients = [attach(console, viewer=f"{number:x}")[0] for number in range(5)]
    host.serve()
    host.output(0, b"x" * 1000)
    assert len({id(client.objects[-1]) for client in clients}) == 1


def test_one_keyframe_request_serves_all_that_wait(console: Console, host: FakeHost) -> None:
    clients = [attach(console, viewer=f"{number:x}")[0] for number in range(20)]
    assert host.serve(end=9) == ["subscribe", "keyframe"]
    assert len({id(client.objects[-1]) for client in clients}) == 1


def test_fresh_keyframe_is_given_again_without_asking(console: Console, host: FakeHost) -> None:
    attach(console, viewer="1")
    host.serve(end=9)
    host.output(9, b"little")
    late, _ = attach(console, viewer="2")
    assert host.serve() == []
    assert late.kinds() == ["HELLO", "KEYFRAME", "OUTPUT"]


def test_viewer_that_never_acknowledges_gets_a_window_and_no_more(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    host.serve()
    for turn in range(1000):
        host.output(turn * 10_000, b"x" * 10_000)
    assert len(client.output()) <= FIRST_WINDOW
    assert host.serve() == []


def test_stuck_viewer_does_not_touch_another(console: Console, host: FakeHost, clock: Clock) -> None:
    stuck, _ = attach(console, viewer="1")
    fast, viewer = attach(console, viewer="2")
    host.serve()
    sent = 0
    received = 0
    for _turn in range(500):
        host.output(sent, b"y" * 8000)
        sent += 8000
        clock.advance(0.0005)
        received += len(fast.output())
        acknowledge(viewer, received)
    assert received == sent
    assert len(stuck.output()) <= FIRST_WINDOW


def test_slow_viewer_skips_and_gets_one_keyframe_when_it_has_caught_up(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, viewer = attach(console)
    host.serve()
    host.output(0, b"x" * 1_000_000)
    got = len(client.output())
    assert 0 < got <= FIRST_WINDOW
    clock.advance(0.1)
    acknowledge(viewer, got // 2)
    assert host.serve() == []
    acknowledge(viewer, got)
    assert host.serve(end=1_000_000) == ["keyframe"]
    assert client.kinds() == ["KEYFRAME"]
    host.output(1_000_000, b"and on")
    assert client.output() == b"and on"


def test_a_burst_of_two_windows_is_passed_on_whole(console: Console, host: FakeHost, clock: Clock) -> None:
    client, viewer = attach(console)
    host.serve()
    data = random.Random(2).randbytes(FIRST_WINDOW + 30_000)
    host.output(0, data)
    received = b""
    while piece := client.output():
        received += piece
        clock.advance(0.001)
        acknowledge(viewer, len(received))
    assert received == data
    assert host.serve() == []


def test_keyframes_come_at_most_thirty_times_a_second(console: Console, host: FakeHost, clock: Clock) -> None:
    client, viewer = attach(console)
    host.serve()
    offset = keyframes = 0
    for _turn in range(1000):
        host.output(offset, b"x" * 600_000)
        offset += 600_000
        for frame in client.take():
            if frame.type == frames.KEYFRAME:
                keyframes += 1
        acknowledge(viewer, offset)
        clock.advance(0.001)
        host.serve(end=offset)
    assert 25 <= keyframes <= 31


def test_fast_viewer_reaches_the_largest_window(console: Console, host: FakeHost, clock: Clock) -> None:
    client, viewer = attach(console)
    host.serve()
    offset = 0
    most = 0
    for _turn in range(300):
        host.output(offset, b"x" * 60_000)
        offset += 60_000
        host.output(offset, b"x" * 60_000)
        offset += 60_000
        host.output(offset, b"x" * 180_000)
        offset += 180_000
        clock.advance(0.004)
        most = max(most, len(client.output()))
        acknowledge(viewer, offset)
        host.serve(end=offset)
    assert most > MAX_WINDOW - 32 * 1024


def test_viewer_that_comes_back_goes_on_at_its_offset(console: Console, host: FakeHost) -> None:
    attach(console, viewer="1")
    host.serve()
    host.output(0, b"0123456789")
    client, _ = attach(console, {"0": 4}, viewer="2")
    assert host.serve() == []
    assert client.output() == b"456789"


def test_first_viewer_that_comes_back_makes_the_host_send_from_its_offset(
    console: Console, host: FakeHost
) -> None:
    client, _ = attach(console, {"0": 4})
    (request,) = host.requests()
    assert (request["op"], request["since"]) == ("subscribe", 4)
    host.reply(request["id"], offset=4)
    host.output(4, b"456")
    assert client.output() == b"456"


def test_viewer_whose_offset_is_no_longer_held_is_drawn_anew(console: Console, host: FakeHost) -> None:
    client, _ = attach(console, {"0": 4})
    (request,) = host.requests()
    host.reply(request["id"], offset=5_000_000)
    assert host.serve(end=5_000_000) == ["keyframe"]
    assert client.kinds() == ["HELLO", "KEYFRAME"]


def test_viewer_that_comes_back_far_behind_still_gets_the_bytes(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    attach(console, viewer="1")
    host.serve()
    data = random.Random(1).randbytes(300_000)
    host.output(0, data)
    client, viewer = attach(console, {"0": 0}, viewer="2")
    received = b""
    while piece := client.output():
        received += piece
        clock.advance(0.01)
        acknowledge(viewer, len(received))
    assert received == data


def test_host_that_skips_leads_to_a_keyframe(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console)
    host.serve()
    host.output(0, b"abc")
    acknowledge(viewer, 3)
    host.output(5_000_000, b"later")
    console.clock.advance(0.1)  # type: ignore[attr-defined]
    assert host.serve(end=5_000_005) == ["keyframe"]
    assert client.kinds() == ["HELLO", "KEYFRAME", "OUTPUT", "KEYFRAME"]


def test_keyframe_that_is_older_than_the_subscription_is_followed_by_all_output(
    console: Console, host: FakeHost
) -> None:
    """A host whose screen is behind sends output again from the keyframe on."""
    client, _ = attach(console)
    subscribe, keyframe = host.requests()
    host.reply(subscribe["id"], offset=1000)
    host.keyframe(keyframe["id"], 900)
    host.output(900, b"n" * 150)
    assert [frame.type for frame in client.take()] == [frames.HELLO, frames.KEYFRAME, frames.OUTPUT]


def test_keyframe_ahead_of_the_link_swallows_what_it_shows(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    subscribe, keyframe = host.requests()
    host.reply(subscribe["id"], offset=1000)
    host.keyframe(keyframe["id"], 1003)
    host.output(1000, b"abcdef")
    assert client.output() == b"def"


def test_new_size_redraws_everybody(console: Console, host: FakeHost) -> None:
    client, _ = attach(console)
    host.serve()
    host.output(0, b"before")
    client.take()
    host.send(frames.resize(0, 100, 30))
    host.send(frames.keyframes(0, 6, 100, 30, b"picture")[0])
    resize, keyframe = client.take()
    assert frames.parse_resize(resize.payload) == (100, 30)
    assert frames.parse_keyframe(keyframe.payload) == (6, 100, 30, b"picture")
    host.output(6, b"after")
    assert client.output() == b"after"
    assert console.windows[0].describe()["cols"] == 100


def test_stuck_viewer_is_not_redrawn_again_and_again(console: Console, host: FakeHost, clock: Clock) -> None:
    client, viewer = attach(console)
    host.serve()
    host.output(0, b"x" * 1_000_000)
    sent = len(client.output())
    for turn in range(50):
        host.send(frames.resize(0, 100 + turn, 30))
        host.send(frames.keyframes(0, 1_000_000, 100 + turn, 30, b"p" * 5000)[0])
    assert client.take() == []
    clock.advance(1)
    acknowledge(viewer, sent)
    (keyframe,) = (frame for frame in client.take() if frame.type == frames.KEYFRAME)
    assert frames.parse_keyframe(keyframe.payload)[1] == 149


def test_no_resume_over_a_change_of_size(console: Console, host: FakeHost) -> None:
    attach(console, viewer="1")
    host.serve()
    host.output(0, b"before")
    host.send(frames.resize(0, 100, 30))
    host.send(frames.keyframes(0, 6, 100, 30, b"picture")[0])
    client, _ = attach(console, {"0": 2}, viewer="2")
    assert client.kinds() == ["HELLO", "KEYFRAME"]


def test_last_viewer_to_leave_ends_the_subscription(console: Console, host: FakeHost) -> None:
    _, one = attach(console, viewer="1")
    _, two = attach(console, viewer="2")
    host.serve()
    one.detach("gone")
    assert host.requests() == []
    two.detach("gone")
    assert [request["op"] for request in host.requests()] == ["unsubscribe"]
    host.output(0, b"unseen")


def test_successor_host_is_asked_to_go_on_where_the_stream_stopped(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, _ = attach(console)
    host.serve()
    host.output(0, b"0123456789")
    host.die()
    successor = FakeHost(console, clock)
    successor.hello({"offset": 8})
    (request,) = successor.requests()
    assert (request["op"], request["since"]) == ("subscribe", 10)
    successor.reply(request["id"], offset=8)
    successor.output(8, b"89abc")
    assert client.output() == b"0123456789abc"


def test_keyframe_that_was_asked_for_when_the_host_died_comes_from_the_next(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, _ = attach(console)
    host.take()
    host.die()
    successor = FakeHost(console, clock)
    successor.hello()
    assert successor.serve(end=7) == ["subscribe", "keyframe"]
    assert "KEYFRAME" in client.kinds()


def test_scrollback_on_demand_goes_to_who_asked(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, viewer="1")
    other, _ = attach(console, viewer="2")
    host.serve()
    client.take()
    other.take()
    ask(viewer, 5, "keyframe", window=0, scrollback=None)
    (request,) = host.requests()
    assert request["scrollback"] is None
    long = b"h" * (2 * frames.MAX_PAYLOAD)
    host.keyframe(request["id"], 0, long)
    reply, *keyframe = client.take()
    assert reply.type == frames.REPLY
    assert b"".join(frames.parse_keyframe(f.payload)[3] for f in keyframe) == long
    assert other.take() == []


def test_random_floods_always_leave_a_terminal_that_can_be_trusted(clock: Clock) -> None:
    """Whatever is skipped: a viewer's output is contiguous from its last keyframe on, and at the end
    it has everything."""
    generator = random.Random(7)
    for _round in range(30):
        console = make_console(clock)
        host = FakeHost(console, clock)
        host.hello()
        host.take()
        data = generator.randbytes(3_000_000)
        client, viewer = attach(console)
        shown = end = 0
        acknowledged = 0
        for _turn in range(120):
            size = generator.choice([0, 1, 30, 5000, 60_000, 150_000])
            size = min(size, len(data) - end)
            if size:
                host.output(end, data[end : end + size])
            end += size
            clock.advance(generator.choice([0.0, 0.001, 0.02, 0.05]))
            host.serve(end=end)
            for frame in client.take():
                if frame.type == frames.KEYFRAME:
                    shown = frames.parse_keyframe(frame.payload)[0]
                elif frame.type == frames.OUTPUT:
                    offset, piece = frames.parse_output(frame.payload)
                    assert offset == shown
                    assert piece == data[offset : offset + len(piece)]
                    shown += len(piece)
            if generator.random() < 0.6:
                acknowledged = generator.randint(min(acknowledged, shown), shown)
                acknowledge(viewer, acknowledged)
        for _turn in range(100):
            acknowledge(viewer, shown)
            clock.advance(0.05)
            host.serve(end=end)
            for frame in client.take():
                if frame.type == frames.KEYFRAME:
                    shown = frames.parse_keyframe(frame.payload)[0]
                elif frame.type == frames.OUTPUT:
                    offset, piece = frames.parse_output(frame.payload)
                    assert (offset, piece) == (shown, data[offset : offset + len(piece)])
                    shown += len(piece)
        assert shown == end
        console.close(1000, "done")


class SlowReader:
    """A viewer whose connection passes ``rate`` bytes a second, in ticks of a millisecond."""

    def __init__(self, console: Console, host: FakeHost, clock: Clock, rate: float) -> None:
        self.client, self.viewer = attach(console)
        self.host, self.clock = host, clock
        self.per_tick = rate / 1000
        self.shown = 0
        self._unread: list[tuple[int, int]] = []
        self._credit = 0.0

    def tick(self) -> None:
        self.clock.advance(0.001)
        for frame in self.client.take():
            if frame.type == frames.KEYFRAME:
                offset, *_ = frames.parse_keyframe(frame.payload)
                self._unread.append((len(frame.payload), offset))
            elif frame.type == frames.OUTPUT:
                offset, data = frames.parse_output(frame.payload)
                self._unread.append((len(frame.payload), offset + len(data)))
        self._credit = self._credit + self.per_tick if self._unread else 0.0
        while self._unread and self._unread[0][0] <= self._credit:
            size, offset = self._unread.pop(0)
            self._credit -= size
            self.shown = offset
            acknowledge(self.viewer, offset)


@pytest.mark.parametrize("flood_ticks", [150, 400, 401, 407, 413, 419, 433, 447, 900])
def test_interrupt_under_a_flood_shows_within_fifty_milliseconds_at_a_megabyte_a_second(
    console: Console, host: FakeHost, clock: Clock, flood_ticks: int
) -> None:
    reader = SlowReader(console, host, clock, rate=1e6)
    end = 0
    host.serve(end=0, keyframe=b"k" * 4000)
    for _tick in range(flood_ticks):
        host.output(end, b"x" * 40_000)
        end += 40_000
        reader.tick()
        host.serve(end=end, keyframe=b"k" * 4000)
    host.output(end, b"KeyboardInterrupt\r\n>>> ")
    end += 23
    waited = 0
    while reader.shown < end:
        reader.tick()
        host.serve(end=end, keyframe=b"k" * 4000)
        waited += 1
        assert waited < 50
