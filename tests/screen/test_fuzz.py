"""Random and mutated output: nothing raises, cuts make no difference, keyframes hold.

Hypothesis derives the examples from the code, so every run has the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from termhub.screen import Screen, open_screen
from tests.screen.recording import load, names

SETTINGS = settings(
    derandomize=True,
    deadline=None,
    max_examples=120,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SIZES = [(80, 24), (40, 10), (132, 43), (10, 5), (5, 1), (3, 2), (2, 1)]
OUTPUT = b"".join(step for name in names() for step in load(name).steps if isinstance(step, bytes))

numbers = st.sampled_from(
    [
        "",
        "0",
        "1",
        "2",
        "3",
        "5",
        "8",
        "24",
        "80",
        "65535",
        "99999999999",
        "5;10",
        "38;5;200",
        "48;2;1;2;3",
        "4:3",
    ]
)
private_modes = st.sampled_from(
    [
        "1",
        "3",
        "5",
        "6",
        "7",
        "25",
        "40;3",
        "47",
        "69",
        "1000",
        "1006",
        "1047",
        "1048",
        "1049",
        "2004",
        "2026",
    ]
)
sequences = st.one_of(
    st.builds(
        "\x1b[{}{}{}{}".format,
        st.sampled_from(["", "", "", "?", ">", "=", "<", "<?"]),
        numbers,
        st.sampled_from(["", "", "", " ", "$", "!", "'"]),
        st.sampled_from("@ABCDEFGHIJKLMPSTXZ`abcdefghlmnqrstu~"),
    ),
    st.builds("\x1b[?{}{}".format, private_modes, st.sampled_from("hl")),
    st.sampled_from(
        ["\n", "\r\n", "\r", "\b", "\t", "\x07", "\x00", "\x7f", "\x18", "\x1a", "\x0e", "\x0f", "\x1b"]
    ),
    st.builds(
        "\x1b{}".format,
        st.sampled_from(["7", "8", "M", "D", "E", "H", "c", "(0", "(B", ")0", "#8", "=", ">"]),
    ),
    st.builds(
        "\x1b{}{}{}".format,
        st.sampled_from(
            ["]0;", "]2;", "]7;", "]8;;", "]52;c;", "]133;D;", "]4;", "]10;", "P$q", "P", "_", "X", "^"]
        ),
        st.text(max_size=8),
        st.sampled_from(["\x07", "\x1b\\", "\x9c", "", "\x18"]),
    ),
).map(lambda text: text.encode("utf-8", "replace"))
texts = st.one_of(
    st.text(alphabet="abc xyz", max_size=100),
    st.text(alphabet="你好👍🏽👩\u200d👧e\u0301ﬀ─│한\u200b\ufe0f", max_size=20),
).map(str.encode)
streams = st.lists(st.one_of(sequences, sequences, texts, st.binary(max_size=12)), max_size=60).map(b"".join)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A piece of a recording with some bytes changed."""
    start = draw(st.integers(0, len(OUTPUT)))
    output = bytearray(OUTPUT[start : start + draw(st.integers(1, 3000))])
    for place, byte in draw(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=25)):
        if place < len(output):
            output[place] = byte
    return bytes(output)


outputs = st.one_of(streams, mutated())
sizes = st.sampled_from(SIZES)


@pytest.mark.parametrize("output", [streams, mutated()], ids=["random", "mutated"])
def test_nothing_raises(engine: str, output: st.SearchStrategy[bytes]):
    @SETTINGS
    @given(sizes, st.lists(st.tuples(output, sizes), min_size=1, max_size=4), st.integers(0, 50))
    def run(size: tuple[int, int], steps: list[tuple[bytes, tuple[int, int]]], lines: int) -> None:
        screen = open_screen(*size, scrollback=50, engine=engine)
        for data, next_size in steps:
            assert isinstance(screen.feed(data), bytes)
            look_at_everything(screen, lines)
            screen.resize(*next_size)
            look_at_everything(screen, lines)
        screen.close()

    run()


def test_cuts_make_no_difference(engine: str):
    @SETTINGS
    @given(outputs, st.lists(st.integers(1, 40), min_size=1, max_size=20))
    def run(data: bytes, lengths: list[int]) -> None:
        whole = open_screen(40, 10, scrollback=100, engine=engine)
        reply = whole.feed(data)
        cut = open_screen(40, 10, scrollback=100, engine=engine)
        assert b"".join(cut.feed(piece) for piece in pieces(data, lengths)) == reply
        assert seen(cut) == seen(whole)
        assert {event.type for event in cut.events()} == {event.type for event in whole.events()}
        whole.close()
        cut.close()

    run()


def test_a_keyframe_on_a_fresh_screen_shows_the_same(engine: str):
    @SETTINGS
    @given(sizes, st.lists(st.tuples(outputs, sizes), min_size=1, max_size=3), st.sampled_from([0, 10, None]))
    def run(size: tuple[int, int], steps: list[tuple[bytes, tuple[int, int]]], lines: int | None) -> None:
        screen = open_screen(*size, scrollback=100, engine=engine)
        for data, next_size in steps:
            assume(not draws_what_cannot_be_drawn_again(data))
            screen.feed(data)
            check_keyframe(screen, lines, engine)
            screen.resize(*next_size)
            check_keyframe(screen, lines, engine)
        screen.close()

    run()


def draws_what_cannot_be_drawn_again(data: bytes) -> bool:
    """Known difference "line drawing of what is no line": ghostty makes wide or odd blanks of those."""
    return any(start in data for start in (b"\x1b(0", b"\x1b)0", b"\x1b*0", b"\x1b+0")) and not data.isascii()


def check_keyframe(screen: Screen, lines: int | None, engine: str) -> None:
    """A fresh screen that is fed the keyframe is seen as this one is."""
    fresh = open_screen(screen.cols, screen.rows, scrollback=100, engine=engine)
    assert fresh.feed(screen.keyframe(lines)) == b""
    assert seen(fresh) == seen(screen)
    fresh.close()


def seen(screen: Screen) -> tuple[object, ...]:
    """Text and state of what is on the screen; synchronised output does not travel with keyframes."""
    modes = evolve(screen.modes, synchronized_output=False)
    return screen.text(), screen.cursor, modes, screen.title, screen.cwd


def look_at_everything(screen: Screen, lines: int) -> None:
    """Call all there is."""
    assert len(screen.text()) == screen.rows
    assert len(screen.text(lines)) <= screen.rows + lines
    cursor = screen.cursor
    assert 0 <= cursor.x < screen.cols
    assert 0 <= cursor.y < screen.rows
    up_to_cursor = screen.rows_to_cursor(lines + 1)
    assert 1 <= len(up_to_cursor) <= lines + 1
    assert up_to_cursor[-1].text == screen.text()[cursor.y]
    assert screen.on_alternate_screen == screen.modes.alternate_screen
    assert all(0 <= y < screen.rows for y in screen.dirty_rows())
    for y in range(0, screen.rows, 7):
        screen.row(y)
        screen.row(y, screen.cols // 3, 5)
    screen.keyframe(lines)
    assert len(screen.events()) <= 64
    assert screen.history_lines <= 50
    assert len(screen.title) <= 2048
    assert len(screen.cwd) <= 2048
    assert screen.modes is not None


def pieces(data: bytes, lengths: list[int]) -> Iterator[bytes]:
    """``data`` cut into pieces of these lengths, over and over."""
    position = turn = 0
    while position < len(data):
        length = lengths[turn % len(lengths)]
        yield data[position : position + length]
        position, turn = position + length, turn + 1
