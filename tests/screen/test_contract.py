"""What every screen does, whichever engine stands behind it."""

from __future__ import annotations

import pytest

from termhub.screen import Cursor, Modes, ScreenEvent, TextRow, engines, open_screen
from tests.screen.conftest import Open


def test_auto_takes_the_best_engine_there_is():
    with_auto = open_screen(80, 24)
    assert with_auto.engine == engines()[0]


def test_an_unknown_engine_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="auto, ghostty, pyte"):
        open_screen(80, 24, engine="vte")


def test_sizes_are_brought_within_limits(opened: Open):
    assert (opened(0, 0).cols, opened(0, 0).rows) == (2, 1)
    large = opened(99999, 99999)
    assert (large.cols, large.rows) == (1000, 500)
    large.resize(-1, 501)
    assert (large.cols, large.rows) == (2, 500)


def test_a_fresh_screen_is_empty(opened: Open):
    screen = opened(10, 3)
    assert screen.text() == ["", "", ""]
    assert screen.cursor == Cursor(0, 0)
    assert screen.modes == Modes(alternate_scroll=True)
    assert (screen.title, screen.cwd, screen.history_lines) == ("", "", 0)
    assert screen.events() == []


def test_text_wraps_and_scrolls_into_the_history(opened: Open):
    screen = opened(5, 2, b"one\r\nabcdefg\r\nlast")
    assert screen.text() == ["fg", "last"]
    assert screen.text(1) == ["abcde", "fg", "last"]
    assert screen.text(100) == ["one", "abcde", "fg", "last"]
    assert screen.history_lines == 2


def test_history_is_bounded(opened: Open):
    screen = opened(20, 4, b"".join(b"line %d\r\n" % n for n in range(5000)), scrollback=100)
    assert screen.history_lines == 100
    assert screen.text(1000)[0] == "line 4897"
    none = opened(20, 4, b"x\r\n" * 100, scrollback=0)
    assert none.history_lines == 0
    assert len(none.text(10)) == 4


def test_all_the_history_asked_for_is_there(opened: Open):
    screen = opened(80, 24, b"".join(b"line %d\r\n" % n for n in range(12_000)), scrollback=10_000)
    assert screen.history_lines == 10_000
    lines = screen.text(10_000)
    assert lines[:-1] == [f"line {n}" for n in range(12_000 - 10_000 - 23, 12_000)]


def test_wide_and_combining_characters_take_the_cells_of_the_width_table(opened: Open):
    screen = opened(12, 2, "你好e\u0301👍x".encode())
    assert screen.text() == ["你好e\u0301👍x", ""]
    assert screen.cursor.x == 8


def test_a_wide_character_that_does_not_fit_goes_to_the_next_row(opened: Open):
    screen = opened(5, 2, "abcd你".encode())
    assert screen.text() == ["abcd", "你"]


def test_half_of_an_overwritten_wide_character_is_blanked(opened: Open):
    assert opened(10, 1, "你好\x1b[1;2Hx".encode()).text() == [" x好"]
    assert opened(10, 1, "你好\x1b[1;3Hx".encode()).text() == ["你x"]


def test_line_drawing_characters(opened: Open):
    assert opened(10, 1, b"\x1b(0lqk\x1b(Blqk").text() == ["┌─┐lqk"]
    assert opened(10, 1, b"\x1b)0l\x0eq\x0fk").text() == ["l─k"]


def test_the_cursor_and_its_pending_wrap(opened: Open):
    screen = opened(5, 3, b"ab\x1b[2;4H")
    assert (screen.cursor.x, screen.cursor.y) == (3, 1)
    screen.feed(b"xy")
    assert (screen.cursor.x, screen.cursor.pending_wrap) == (4, True)
    screen.feed(b"z")
    assert (screen.cursor.x, screen.cursor.y, screen.cursor.pending_wrap) == (1, 2, False)


@pytest.mark.parametrize(
    ("parameter", "shape", "blinking"),
    [(1, "block", True), (2, "block", False), (3, "underline", True), (5, "bar", True), (6, "bar", False)],
)
def test_cursor_shapes(opened: Open, parameter: int, shape: str, blinking: bool):
    screen = opened(10, 2, b"\x1b[%d q\x1b[?25l" % parameter)
    assert (screen.cursor.shape, screen.cursor.blinking, screen.cursor.visible) == (shape, blinking, False)


def test_the_alternate_screen_comes_and_goes(opened: Open):
    screen = opened(10, 3, b"shell\x1b[?1049h\x1b[Heditor")
    assert screen.modes.alternate_screen
    assert screen.text() == ["editor", "", ""]
    screen.feed(b"\x1b[?1049l$")
    assert not screen.modes.alternate_screen
    assert screen.text() == ["shell$", "", ""]


def test_the_alternate_screen_writes_no_history(opened: Open):
    screen = opened(10, 3, b"\x1b[?1049h" + b"x\r\n" * 50 + b"\x1b[?1049l")
    assert screen.history_lines == 0


def test_modes(opened: Open):
    screen = opened(10, 3, b"\x1b[?1;7;1004;2004;2026;5h\x1b[4;20h\x1b=\x1b[?1003;1006h\x1b[?7l")
    assert screen.modes == Modes(
        application_cursor_keys=True,
        application_keypad=True,
        bracketed_paste=True,
        alternate_scroll=True,
        mouse="any",
        mouse_encoding="sgr",
        focus_events=True,
        insert=True,
        newline=True,
        autowrap=False,
        reverse_video=True,
        synchronized_output=True,
    )
    screen.feed(b"\x1bc")
    assert screen.modes == Modes(alternate_scroll=True)


def test_scrolling_regions_inserting_and_deleting(opened: Open):
    screen = opened(6, 5, b"a\r\nb\r\nc\r\nd\r\ne\x1b[2;4r\x1b[4;1H\n")
    assert screen.text() == ["a", "c", "d", "", "e"]
    screen.feed(b"\x1b[2;1H\x1bM")
    assert screen.text() == ["a", "", "c", "d", "e"]
    screen.feed(b"\x1b[r\x1b[1;1H\x1b[Lxyz\x1b[1;2H\x1b[@\x1b[P\x1b[1X")
    assert screen.text() == ["x z", "a", "", "c", "d"]
    screen.feed(b"\x1b[2;1H\x1b[M\x1b[2S")
    assert screen.text() == ["c", "d", "", "", ""]


@pytest.mark.parametrize(
    ("query", "reply"),
    [
        (b"\x1b[c", b"\x1b[?62;22c"),
        (b"\x1b[>c", b"\x1b[>1;277;0c"),
        (b"\x1b[5n", b"\x1b[0n"),
        (b"ab\r\nc\x1b[6n", b"\x1b[2;2R"),
        (b"\x1b[18t", b"\x1b[8;24;80t"),
        (b"\x1b[?2004$p", b"\x1b[?2004;2$y"),
        (b"\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y"),
        (b"\x1b[?9999$p", b"\x1b[?9999;0$y"),
        (b"\x1b[4h\x1b[4$p", b"\x1b[4;1$y"),
        (b"\x1bP$qr\x1b\\", b"\x1bP1$r1;24r\x1b\\"),
        (b"\x1b[1;31m\x1bP$qm\x1b\\", b"\x1bP1$r0;1;31m\x1b\\"),
        (b"\x1b[>q", b"\x1bP>|termhub\x1b\\"),
        (b"\x1b]11;?\x07", b"\x1b]11;rgb:1a1a/1a1a/1a1a\x07"),
        (b"\x1b]10;?\x1b\\", b"\x1b]10;rgb:d8d8/d8d8/d8d8\x1b\\"),
        # What xterm.js cannot do, no program is told of.
        (b"\x1b[?69$p", b"\x1b[?69;0$y"),
        (b"\x1b[?2027$p", b"\x1b[?2027;0$y"),
        (b"\x1b[?2048$p", b"\x1b[?2048;0$y"),
        (b"\x1b[?u", b""),
        # What could leak: the clipboard and the title.
        (b"\x1b]52;c;?\x07", b""),
        (b"\x1b]2;rm -rf ~\x07\x1b[21t", b""),
        (b"plain", b""),
    ],
)
def test_queries_are_answered(opened: Open, query: bytes, reply: bytes):
    assert opened().feed(query) == reply
    in_bytes = opened()
    assert b"".join(in_bytes.feed(query[i : i + 1]) for i in range(len(query))) == reply


def test_hidden_modes_do_nothing(opened: Open):
    screen = opened(20, 3, b"\x1b[?7;69h\x1b[5;10s\x1b[3;1Habcdefghijklmnop")
    assert screen.text() == ["", "", "abcdefghijklmnop"]
    screen.feed(b"\x1b[?40;3h")
    assert (screen.cols, len(screen.text())) == (20, 3)


def test_events(opened: Open):
    screen = opened()
    screen.feed(b"\x07\x07\x1b]2;first\x07\x1b]0;second\x1b\\\x1b]7;file://host/tmp/a%20b\x07")
    screen.feed(b"\x1b]52;c;aGVsbG8=\x07\x1b]52;x;!!!\x07")
    events = {event.type: event for event in screen.events()}
    assert events == {
        "bell": ScreenEvent("bell"),
        "title": ScreenEvent("title", text="second"),
        "cwd": ScreenEvent("cwd", text="/tmp/a b"),
        "clipboard": ScreenEvent("clipboard", selection="c", data=b"hello"),
    }
    assert (screen.title, screen.cwd) == ("second", "/tmp/a b")
    assert screen.events() == []


def test_prompt_marks_with_exit_status_cut_anywhere(opened: Open):
    output = b"x\x1b]133;A\x07$ \x1b]133;B\x1b\\make\r\n\x1b]133;C;cmd=make\x07out\r\n\x1b]133;D;2;aid=7\x07"
    for size in (1, 2, 3, 7, len(output)):
        screen = opened()
        for start in range(0, len(output), size):
            screen.feed(output[start : start + size])
        marks = [(event.text, event.exit_status) for event in screen.events()]
        assert marks == [("A", None), ("B", None), ("C", None), ("D", 2)]
        # The marks themselves draw nothing, and start no new line either.
        assert screen.text()[:2] == ["x$ make", "out"]


def test_events_are_bounded(opened: Open):
    screen = opened()
    for n in range(500):
        screen.feed(b"\x1b]133;D;%d\x07\x07\x1b]2;title %d\x07" % (n, n))
    screen.feed(b"\x1b]52;c;" + b"QUFB" * 40_000 + b"\x07")
    events = screen.events()
    assert len(events) <= 64
    assert events[-1].text == "title 499" or any(event.text == "title 499" for event in events)
    assert all(len(event.data) <= 100_000 for event in events)


def test_titles_and_strings_without_end_cost_bounded_memory(opened: Open):
    screen = opened(20, 2)
    screen.feed(b"\x1b]2;" + b"x" * 50_000 + b"\x07")
    assert len(screen.title) <= 2048
    screen.feed(b"\x1b]2;")
    for _ in range(50):
        screen.feed(b"y" * 100_000)
    assert len(screen.keyframe()) < 2_000_000
    screen.feed(b"\x07after")
    assert screen.text() == ["after", ""]


def test_dirty_rows(opened: Open):
    screen = opened(20, 5)
    assert list(screen.dirty_rows()) == [0, 1, 2, 3, 4]
    assert list(screen.dirty_rows()) == []
    screen.feed(b"\x1b[3;1Hhello")
    screen.keyframe()
    screen.text()
    # The row that the cursor left may count, too.
    assert list(screen.dirty_rows()) in ([2], [0, 2])
    screen.feed(b"\x1b[?1049h")
    assert list(screen.dirty_rows()) == [0, 1, 2, 3, 4]
    screen.resize(30, 4)
    assert list(screen.dirty_rows()) == [0, 1, 2, 3]


def test_resizing_keeps_what_fits(opened: Open):
    screen = opened(10, 4, b"one\r\ntwo\r\nthree\r\nfour")
    screen.resize(10, 2)
    assert screen.text() == ["three", "four"]
    assert screen.text(10) == ["one", "two", "three", "four"]
    assert (screen.cursor.x, screen.cursor.y) == (4, 1)
    screen.resize(20, 4)
    assert screen.text() == ["one", "two", "three", "four"]


def test_repetitions_are_capped_and_end_in_the_same_place(opened: Open):
    for count in (3, 200, 60_000):
        screen = opened(80, 24, b"ab\x1b[%db" % count)
        column = (2 + count) % 80
        assert (screen.cursor.x if not screen.cursor.pending_wrap else 80) in (column, column or 80)
        if count == 60_000:
            assert screen.text()[:23] == ["b" * 80] * 23


def test_floods_of_repetitions_are_cheap(opened: Open, engine: str):
    screen = opened(80, 24)
    screen.feed(b"x" + b"\x1b[65535b" * 200)
    assert screen.text()[0] == "x" * 80 or screen.text()[0] == ""


def test_rows_up_to_the_cursor_tell_which_go_on_in_the_next(opened: Open):
    screen = opened(10, 4, b"one\r\n\r\n>>> abcdefghijklmnop\r\nlast  \r\n\x1b[A")
    wrapped = [TextRow(">>> abcdef", True), TextRow("ghijklmnop", False)]
    assert screen.rows_to_cursor(1) == [TextRow("last", False)]
    assert screen.rows_to_cursor(3) == [*wrapped, TextRow("last", False)]
    everything = [TextRow("one", False), TextRow("", False), *wrapped, TextRow("last", False)]
    assert screen.rows_to_cursor(100) == everything


def test_rows_up_to_the_cursor_of_the_alternate_screen_have_no_history(opened: Open):
    screen = opened(10, 2, b"1\r\n2\r\n3\r\n\x1b[?1049h\x1b[H\x1b[2Jvim\r\nhere")
    assert screen.on_alternate_screen
    assert screen.rows_to_cursor(9) == [TextRow("vim", False), TextRow("here", False)]
    screen.feed(b"\x1b[?1049l")
    assert not screen.on_alternate_screen
    assert [row.text for row in screen.rows_to_cursor(9)] == ["1", "2", "3", ""]
