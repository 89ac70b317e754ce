"""A console between its agent and its hubs: what is passed on, when, and in which order."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.guest import frames
from termhub.host.console import ACK_SECONDS, MAX_WINDOWS
from termhub.host.hub_link import WINDOW_BYTES
from termhub.host.window import BACKLOG_BYTES
from tests.support.console_core import ConsoleCore, LinkCore


@pytest.fixture
def core(tmp_path):
    return ConsoleCore(tmp_path)


def types(found):
    return [frames.NAMES[frame.type] for frame in found]


# -- output ---------------------------------------------------------------------


def test_output_goes_to_links_before_it_is_parsed_and_is_acknowledged_after(core):
    link = LinkCore(core)
    core.to_agent()
    core.output(0, b"hello")
    assert link.output() == [(0, b"hello")]
    assert core.screens[0].fed == b""
    assert core.acks() == []
    core.work()
    assert core.screens[0].fed == b"hello"
    assert core.acks() == []
    core.clock.advance(ACK_SECONDS)
    assert core.acks() == [4]  # the last byte once the program's end is known


def test_what_is_acknowledged_is_in_the_journal(core, tmp_path):
    core.output(0, b"x" * 50_000)
    while core.console.work(0.0):
        (segment,) = tmp_path.glob("0/*.seg")
        journaled = segment.read_bytes().count(b"x")
        assert all(offset <= journaled for offset in core.acks())


def test_overlaps_from_the_agent_are_trimmed(core):
    link = LinkCore(core)
    core.output(0, b"hello")
    core.output(3, b"lo world")
    core.output(0, b"hel")
    core.work()
    assert link.output() == [(0, b"hello world")]
    assert core.screens[0].fed == b"hello world"


def test_a_gap_from_the_agent_is_a_skip_for_links(core):
    link = LinkCore(core)
    core.output(0, b"hello")
    link.frames()
    core.output(100, b"later")
    core.work()
    assert link.output() == [(100, b"later")]
    assert core.screens[0].fed == b"hello\x18later"


def test_the_screen_is_fed_in_slices(core):
    core.output(0, b"x" * 100_000)
    core.work()
    assert max(core.screens[0].slices) <= 16_384
    assert sum(core.screens[0].slices) == 100_000


def test_a_turn_of_work_is_short_even_when_the_screen_is_slow(tmp_path):
    core = ConsoleCore(tmp_path, cost=1e-5)  # 16 KiB take 0.16 s
    core.output(0, b"x" * 200_000)
    turns = []
    while True:
        before = core.clock.seconds
        more = core.console.work(0.001)
        turns.append(core.clock.seconds - before)
        if not more:
            break
    assert max(turns[8:]) < 0.011


def test_the_agent_is_left_alone_while_the_screen_is_behind(core):
    core.output(0, b"x" * BACKLOG_BYTES)
    assert core.console.is_behind
    core.work()
    assert not core.console.is_behind


def test_queries_are_answered_as_input_of_the_hosts_own(core):
    link = LinkCore(core)
    core.output(0, b"\x05")
    core.work()
    (answer,) = [f for f in core.to_agent() if f.type == frames.INPUT]
    viewer, sequence, data = frames.parse_input(answer.payload)
    assert (sequence, data) == (0, b"answer")
    link.frames()
    core.console.receive(frames.accepted(0, viewer, 6))
    assert link.frames() == []
    core.output(1, b"\x05")
    core.work()
    (answer,) = [f for f in core.to_agent() if f.type == frames.INPUT]
    assert frames.parse_input(answer.payload) == (viewer, 6, b"answer")


def test_answers_nobody_reads_are_dropped_at_last(core):
    for number in range(100):
        core.output(number * 1000, b"\x05" * 1000)
        core.work()
    waiting = sum(len(f.payload) - 16 for f in core.to_agent() if f.type == frames.INPUT)
    assert 50_000 < waiting <= 65_536


# -- links ----------------------------------------------------------------------


def test_hello_tells_the_windows(core):
    core.output(0, b"<title me>")
    core.work()
    hello = LinkCore(core).hello
    assert hello == {
        "version": 1,
        "console": "c-aaaaaaaaaa",
        "windows": [
            {
                "window": 0,
                "argv": ["prog"],
                "start": 0,
                "offset": 10,
                "cols": 80,
                "rows": 24,
                "title": "me",
                "exit": None,
            }
        ],
        "isolation": "a fake sandbox",
        "ended": None,
    }


def test_a_link_of_another_version_is_told(core):
    link = core.console.add_link()
    with pytest.raises(frames.FrameError, match="version 2"):
        link.feed(frames.encode_json(frames.HELLO, frames.CONSOLE, {"version": 2}))


def test_the_first_frame_is_a_hello(core):
    with pytest.raises(frames.FrameError, match="before HELLO"):
        core.console.add_link().feed(frames.ack(0, 0))


def test_nothing_is_told_to_a_link_before_its_hello(core):
    link = core.console.add_link()
    core.output(0, b"\x07")
    core.console.receive(frames.accepted(0, 5, 6))
    core.work()
    assert link.to_send() == b""


def test_subscribing_starts_at_the_offset_wanted_or_at_the_end(core):
    core.output(0, b"0123456789")
    core.work()
    link = LinkCore(core, since=4)
    assert link.subscribed["offset"] == 4
    assert link.output() == [(4, b"456789")]
    for since in (None, 11, -1, "4"):
        link = LinkCore(core, since=since)
        assert link.subscribed["offset"] == 10
        assert link.output() == []


def test_older_output_than_is_in_memory_comes_from_the_journal(core):
    whole = random.Random(1).randbytes(3 << 20)
    for offset in range(0, len(whole), 65536):
        core.output(offset, whole[offset : offset + 65536].replace(b"\x05", b"?").replace(b"\x07", b"?"))
        core.work()
    link = LinkCore(core, since=1000)
    output = b""
    while pieces := link.output():
        for offset, data in pieces:
            assert offset == 1000 + len(output)
            output += data
            link.ack(offset + len(data))
    assert output == whole[1000:].replace(b"\x05", b"?").replace(b"\x07", b"?")


def test_a_link_that_does_not_acknowledge_is_skipped_ahead(core):
    link = LinkCore(core)
    other = LinkCore(core)
    sent = seen = 0
    for offset in range(0, 4 << 20, 65536):
        core.output(offset, b"x" * 65536)
        core.work()
        sent += sum(len(data) for _, data in link.output())
        for at, data in other.output():
            assert at == seen
            seen += len(data)
            other.ack(seen)
    assert sent == WINDOW_BYTES
    assert seen == 4 << 20
    link.ack(WINDOW_BYTES)
    assert link.output() == [(4 << 20, b"")]
    core.output(4 << 20, b"now")
    assert link.output() == [(4 << 20, b"now")]


def test_a_link_that_catches_up_in_time_misses_nothing(core):
    link = LinkCore(core)
    sent = 0
    for offset in range(0, WINDOW_BYTES + 65536, 65536):
        core.output(offset, b"x" * 65536)
        core.work()
        sent += sum(len(data) for _, data in link.output())
    assert sent == WINDOW_BYTES
    link.ack(WINDOW_BYTES)
    assert link.output() == [(WINDOW_BYTES, b"x" * 65536)]


def test_a_keyframe_follows_its_reply_and_is_exact(core):
    link = LinkCore(core)
    core.output(0, b"hello")
    link.request("keyframe", window=0, scrollback=0)
    assert types(link.frames()) == ["OUTPUT"]
    core.work()
    reply, keyframe = link.frames()
    assert frames.parse_json(reply.payload) == {"id": "keyframe", "ok": True, "offset": 5}
    assert frames.parse_keyframe(keyframe.payload) == (5, 80, 24, b"hello")


def test_a_keyframe_is_made_where_the_screen_was_when_it_was_asked_for(core):
    link = LinkCore(core)
    core.output(0, b"x" * 60_000)
    link.request("keyframe", window=0)
    core.console.work(0.0)
    core.output(60_000, b"y" * 60_000)
    while not (found := [f for f in link.frames() if f.type == frames.KEYFRAME]):
        assert core.console.work(0.0)
    offset, _, _, data = frames.parse_keyframe(found[0].payload)
    assert 60_000 <= offset < 120_000
    assert len(data) == offset


def test_output_after_a_keyframe_starts_no_later_than_it(core):
    """A link that subscribed at the end while the screen is behind needs what lies between."""
    core.output(0, b"x" * 60_000)
    link = LinkCore(core)
    link.request("keyframe", window=0)
    core.output(60_000, b"y" * 60_000)
    core.console.work(0.0)
    core.work()
    offset = end = None
    for frame in link.frames():
        if frame.type == frames.KEYFRAME:
            offset = frames.parse_keyframe(frame.payload)[0]
            end = offset
        elif frame.type == frames.OUTPUT and offset is not None:
            at, data = frames.parse_output(frame.payload)
            assert at <= end
            end = max(end, at + len(data))
    assert end == 120_000


def test_a_long_keyframe_is_continued(core):
    link = LinkCore(core, subscribe=False)
    for number in range(40):
        core.output(number * 60_000, b"x" * 60_000)
        core.work()
    link.request("keyframe", window=0, scrollback=None)
    found = [f for f in link.frames(piece=10_000) if f.type == frames.KEYFRAME]
    assert [frames.keyframe_continues(f.payload) for f in found] == [True, True, False]
    assert sum(len(frames.parse_keyframe(f.payload)[3]) for f in found) == 40 * 60_000


def test_a_size_is_applied_at_its_place_in_the_stream_and_followed_by_a_keyframe(core):
    link = LinkCore(core)
    link.send(frames.resize(0, 100, 30))
    assert [frames.parse_resize(f.payload) for f in core.to_agent() if f.type == frames.RESIZE] == [(100, 30)]
    core.console.receive(
        frames.output(0, 0, b"narrow") + frames.resize(0, 100, 30) + frames.output(0, 6, b"wide")
    )
    assert core.screens[0].sizes == [(80, 24)]
    before = link.frames()
    core.work()
    found = before + link.frames()
    assert types(found) == ["OUTPUT", "RESIZE", "KEYFRAME", "OUTPUT"]
    assert frames.parse_output(found[0].payload) == (0, b"narrow")
    assert frames.parse_keyframe(found[2].payload) == (6, 100, 30, b"narrow")
    assert frames.parse_output(found[3].payload) == (6, b"wide")


def test_the_same_size_again_is_nothing(core):
    link = LinkCore(core)
    core.console.receive(frames.resize(0, 80, 24))
    core.work()
    assert link.frames() == []


def test_links_hear_of_activity_elsewhere_once_a_second(core):
    link = LinkCore(core, subscribe=False)
    for number in range(10):
        core.output(number, b"x")
        core.work()
    assert link.events() == [{"type": "activity"}]
    core.clock.advance(1.0)
    assert link.events() == [{"type": "activity"}]
    core.clock.advance(5.0)
    assert link.events() == []


def test_titles_and_bells_are_told_at_a_bounded_rate_and_the_last_title_is(core):
    link = LinkCore(core)
    offset = 0
    for number in range(500):
        data = b"\x07<title %d>" % number
        core.output(offset, data)
        offset += len(data)
        core.work()
    core.clock.advance(0.2)
    events = link.events()
    assert len(events) < 100
    assert [event for event in events if event["type"] == "title"][-1] == {"type": "title", "title": "499"}


def test_input_is_passed_on_with_its_numbers(core):
    link = LinkCore(core)
    link.send(frames.input_(0, 77, 1000, b"ls\n"))
    (frame,) = [f for f in core.to_agent() if f.type == frames.INPUT]
    assert (frame.window, frames.parse_input(frame.payload)) == (0, (77, 1000, b"ls\n"))
    core.console.receive(frames.accepted(0, 77, 1003))
    assert [frames.parse_accepted(f.payload) for f in link.frames()] == [(77, 1003)]


def test_a_link_far_ahead_with_its_input_is_not_read_further(core):
    link, other = LinkCore(core), LinkCore(core)
    for number in range(300):
        link.send(frames.input_(0, 1, number * 1000, b"x" * 1000))
    assert not core.console.may_read(link.link)
    assert core.console.may_read(other.link)
    core.to_agent()
    assert core.console.may_read(link.link)


def test_a_link_that_takes_no_answers_is_not_read_further(core):
    link = LinkCore(core)
    core.output(0, b"x" * 60_000)
    core.work()
    link.frames()
    for _ in range(100):
        link.request("keyframe", window=0)
    assert not core.console.may_read(link.link)
    link.frames()
    assert core.console.may_read(link.link)


def test_text_and_read_answer_from_screen_and_stream(core):
    link = LinkCore(core)
    core.output(0, b"one\ntwo")
    core.work()
    link.frames()
    link.request("text", window=0)
    assert link.replies() == [
        {
            "id": "text",
            "ok": True,
            "lines": ["one", "two"],
            "cursor": {"x": 0, "y": 0},
            "cols": 80,
            "rows": 24,
            "offset": 7,
            "title": "",
        }
    ]
    link.request("read", window=0, since=4, limit=2)
    data = base64.b64encode(b"tw").decode()
    assert link.replies() == [{"id": "read", "ok": True, "offset": 4, "data": data, "start": 0}]


def test_what_no_host_knows_is_refused(core):
    link = LinkCore(core)
    for request in ({"op": "dance"}, {}, {"op": ["x"]}):
        link.send(frames.encode_json(frames.REQUEST, 0, {"id": 1, **request}))
        assert link.replies()[0]["code"] == "unknown_op"
    for op in ("subscribe", "keyframe", "text", "read", "close", "signal"):
        link.request(op, window=9)
        assert link.replies()[0]["code"] == "no_such_window"


# -- windows --------------------------------------------------------------------


def test_a_window_is_opened_by_the_agent_and_told_to_all(core):
    link, other = LinkCore(core), LinkCore(core)
    link.request("open", argv=["bash"], cols=100, rows=30)
    (asked,) = core.asked()
    assert asked["op"] == "open"
    assert (asked["window"], asked["argv"], asked["cols"]) == (1, ["bash"], 100)
    core.event({"type": "opened", "argv": ["bash"]}, 1)
    core.reply(id=asked["id"], ok=True, pid=5)
    core.work()
    assert link.replies() == [{"id": "open", "ok": True, "window": 1}]
    assert {"type": "opened", "argv": ["bash"]} in other.events()
    assert (core.windows[1].cols, core.windows[1].rows) == (100, 30)


def test_two_windows_being_opened_get_two_numbers(core):
    link = LinkCore(core)
    link.request("open", argv=["a"])
    link.request("open", argv=["b"])
    assert [asked["window"] for asked in core.asked()] == [1, 2]


def test_an_agent_that_refuses_is_quoted(core):
    link = LinkCore(core)
    link.request("open", argv=["nothing"])
    (asked,) = core.asked()
    core.reply(id=asked["id"], ok=False, code="cannot_start", error="no such program")
    assert link.replies() == [{"id": "open", "ok": False, "code": "cannot_start", "error": "no such program"}]


def test_an_agent_that_does_not_answer_is_not_waited_for(core):
    link = LinkCore(core)
    link.request("signal", window=0, signal="SIGINT")
    core.clock.advance(60.0)
    assert link.replies()[0]["code"] == "no_answer"


def test_a_program_too_long_to_pass_on_is_refused(core):
    link = LinkCore(core)
    link.request("open", argv=["x" * 5000])
    assert link.replies()[0]["code"] == "too_long"
    assert core.asked() == []


def test_windows_are_bounded(core):
    link = LinkCore(core)
    for number in range(1, MAX_WINDOWS):
        core.event({"type": "opened", "argv": ["x"]}, number)
    link.request("open", argv=["one more"])
    assert "too_many_windows" in [reply.get("code") for reply in link.replies()]


def test_an_exit_is_told_after_the_last_output_was_parsed(core):
    link = LinkCore(core)
    core.output(0, b"bye")
    core.event({"type": "exit", "code": 3})
    assert link.output() == [(0, b"bye")]
    core.to_agent()
    core.work()
    assert link.events() == [{"type": "exit", "code": 3}]
    assert core.windows[0].exit == {"code": 3}
    assert core.acks() == [3]
    core.event({"type": "exit", "code": 3})  # again, after a new HELLO
    core.work()
    assert link.events() == []
    core.clock.advance(ACK_SECONDS)
    assert core.acks() == [3]


def test_a_closed_window_is_forgotten(core, tmp_path):
    link = LinkCore(core)
    core.output(0, b"x" * 100_000)
    link.request("keyframe", window=0)
    link.frames()
    core.event({"type": "closed"})
    assert core.windows == {}
    assert core.screens[0].is_closed
    assert not (tmp_path / "0").exists()
    assert {"type": "closed"} in link.events()
    core.event({"type": "opened", "argv": ["x"]})
    assert 0 in core.windows


# -- a successor ----------------------------------------------------------------


def successor(tmp_path, **window):
    core = ConsoleCore(tmp_path, start=False)
    core.console.recover()
    core.hello({"window": 0, **window})
    return core


def test_a_successor_goes_on_where_the_journal_ends(core, tmp_path):
    core.console.receive(frames.output(0, 0, b"one") + frames.resize(0, 90, 20) + frames.output(0, 3, b"two"))
    core.work()
    core.output(6, b"never journaled")
    after = ConsoleCore(tmp_path, start=False)
    after.console.recover()
    window = after.windows[0]
    assert (window.parsed, window.cols, window.rows) == (6, 90, 20)
    assert after.screens[0].fed == b"onetwo"
    assert after.screens[0].sizes == [(80, 24), (90, 20)]
    after.console.start()
    (hello,) = after.to_agent()
    assert frames.parse_json(hello.payload)["offsets"] == {"0": 6}
    after.answer_hello(
        frames.parse_json(hello.payload)["nonce"], {"window": 0, "end": 21, "cols": 90, "rows": 20}
    )
    after.output(6, b"never journaled")
    after.work()
    assert after.screens[0].fed == b"onetwonever journaled"
    after.clock.advance(ACK_SECONDS)
    assert after.acks() == [20]


def test_a_successor_does_not_answer_old_queries_again(core, tmp_path):
    core.output(0, b"\x05")
    core.work()
    after = successor(tmp_path)
    after.work()
    assert [f for f in after.to_agent() if f.type == frames.INPUT] == []


def test_a_successor_knows_windows_opened_and_closed_meanwhile(core, tmp_path):
    core.output(0, b"one")
    core.work()
    after = ConsoleCore(tmp_path, start=False)
    after.console.recover()
    link = LinkCore(after, subscribe=False)
    after.hello({"window": 4, "start": 100, "end": 105, "cols": 50, "rows": 10, "argv": ["bash"]})
    assert list(after.windows) == [4]
    assert (after.windows[4].cols, after.windows[4].stream.end) == (50, 100)
    assert {"type": "closed"} in link.events()


def test_a_size_lost_with_a_host_is_taken_from_the_hello(core, tmp_path):
    core.output(0, b"one")
    core.work()
    after = successor(tmp_path, end=6, cols=120, rows=50)
    link = LinkCore(after, since=3)
    after.output(3, b"two")
    assert after.windows[0].cols == 80
    before = link.frames()
    after.work()
    assert after.windows[0].cols == 120
    assert types(before + link.frames()) == ["OUTPUT", "RESIZE", "KEYFRAME"]


def test_a_blank_successor_keeps_offset_and_size_only(core, tmp_path):
    core.output(0, b"poison")
    core.work()
    after = ConsoleCore(tmp_path, start=False)
    after.console.recover(blank=True)
    assert after.windows[0].parsed == 6
    assert after.screens[0].fed == b""
    after.hello({"window": 0})
    after.output(6, b"fine")
    after.work()
    again = successor(tmp_path)
    assert again.screens[0].fed == b"fine"


def test_an_exit_is_known_to_a_successor(core, tmp_path):
    core.event({"type": "exit", "signal": "SIGKILL"})
    core.work()
    after = ConsoleCore(tmp_path, start=False)
    after.console.recover()
    assert after.windows[0].exit == {"signal": "SIGKILL"}


# -- hostile agents -------------------------------------------------------------

HOSTILE = [
    b"\xff" * 10,
    frames.encode(frames.HELLO, frames.CONSOLE, b"[]"),
    frames.encode(frames.EVENT, 0, b"{"),
    frames.output(7, 0, b"of no window"),
    frames.output(0, (1 << 64) - 2, b"beyond"),
    frames.encode(frames.OUTPUT, 0, b"short"),
    frames.encode(frames.RESIZE, 0, b"\0\0\0\0"),
    frames.resize(0, 5000, 5000),
    frames.encode_json(frames.EVENT, 0, {"type": "exit"}),
    frames.encode_json(frames.EVENT, 0, {"type": "exit", "code": "x"}),
    frames.encode_json(frames.EVENT, frames.CONSOLE, {"type": "opened", "argv": []}),
    frames.encode_json(frames.HELLO, frames.CONSOLE, {"windows": [{}]}),
    frames.encode_json(frames.HELLO, frames.CONSOLE, {"windows": [5]}),
    frames.encode_json(frames.HELLO, frames.CONSOLE, {"windows": 5}),
    frames.encode(frames.ACCEPTED, 0, b"x"),
    frames.input_(0, 1, 2, b"x"),
    b"".join(frames.encode_json(frames.EVENT, n, {"type": "opened", "argv": []}) for n in range(100)),
]


@pytest.mark.parametrize("data", HOSTILE)
def test_an_agent_that_breaks_the_protocol_ends_its_console_with_that_reason(core, data):
    core.console.receive(data)
    assert core.kills == 1
    assert core.console.failure is not None
    assert core.console.failure.startswith("the sandbox's agent broke the protocol: ")
    core.output(0, b"ignored")
    assert core.windows[0].stream.end == 0


@pytest.mark.parametrize(
    "event",
    [{"type": "unknown"}, {}, {"type": 5}, {"type": "opened"}, {"type": "opened", "argv": [1] * 100_000}],
)
def test_odd_events_are_bounded_or_ignored(core, event):
    if len(str(event)) < 65_000:
        core.event(event)
        core.work()
        assert core.console.failure is None
        assert len(core.windows[0].argv) <= 100


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.sampled_from(HOSTILE), max_size=6))
def test_no_bytes_of_an_agent_raise(tmp_path_factory, pieces):
    core = ConsoleCore(tmp_path_factory.mktemp("core"))
    LinkCore(core)
    for piece in pieces:
        core.console.receive(piece)
        core.work()
    core.console.settle()
    core.console.end("over")
    core.close()


# -- the end --------------------------------------------------------------------


def test_links_get_all_output_then_the_end(core):
    link = LinkCore(core)
    for offset in range(0, 2 << 20, 65536):
        core.output(offset, b"x" * 65536)
        core.work()
    core.console.settle()
    core.console.end("the program ended", {"code": 0})
    seen = 0
    last = None
    for frame in iter(lambda: next(iter(link.frames(1)), None), "never"):
        if frame is None and last is not None:
            break
        if frame is not None and frame.type == frames.OUTPUT:
            offset, data = frames.parse_output(frame.payload)
            seen = offset + len(data)
            link.ack(seen)
        elif frame is not None and frame.type == frames.EVENT:
            last = frames.parse_json(frame.payload)
            break
    assert last == {"type": "ended", "reason": "the program ended", "status": {"code": 0}}
    assert seen == 2 << 20
    assert link.link.is_done


def test_ending_asks_politely_then_kills(core):
    link = LinkCore(core)
    link.request("end", reason="closed by alice")
    assert link.replies()[0]["ok"]
    assert [(a["op"], a.get("signal")) for a in core.asked()] == [
        ("signal", "SIGHUP"),
        ("signal", "SIGTERM"),
        ("close", None),
    ]
    core.event({"type": "closed"})
    assert 0 in core.windows, "its last screen is wanted"
    core.clock.advance(3.0)
    assert core.kills == 1
    assert core.console.end_reason == "closed by alice"


def test_accepted_input_is_told_in_one_write_behind_the_output_that_came_with_it(core):
    link = LinkCore(core)
    core.console.receive(frames.accepted(0, 7, 1) + frames.output(0, 0, b"a"))
    whole = bytes(link.link.to_send())
    link.link.sent(len(whole))
    assert whole == frames.output(0, 0, b"a") + frames.accepted(0, 7, 1)
    core.console.receive(frames.accepted(0, 7, 2))
    assert bytes(link.link.to_send()) == frames.accepted(0, 7, 2)


def test_every_answer_is_told_because_a_repeated_one_asks_for_input_again(core):
    link = LinkCore(core)
    for _ in range(100):
        core.console.receive(frames.accepted(0, 7, 1))
    assert [frame.type for frame in link.frames()] == [frames.ACCEPTED] * 100


def test_input_takes_along_what_is_to_be_acknowledged(core):
    link = LinkCore(core)
    core.output(0, b"hello")
    core.work()
    assert core.acks() == []
    link.send(frames.input_(0, 7, 0, b"x"))
    assert core.acks() == [4]
    core.clock.advance(ACK_SECONDS)
    assert core.acks() == []
