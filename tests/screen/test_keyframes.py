"""Keyframes: a fresh screen that is fed one is the same screen, and stays so."""

from __future__ import annotations

import pytest

from termhub.screen import Screen
from tests.screen.conftest import Open

STREAMS = {
    "text": b"one\r\ntwo\x1b[31;1;4:3mred\x1b[0m\r\nthree",
    "background": b"\x1b[44m\x1b[2J\x1b[3;3Hx\x1b[42m\x1b[5;1H\x1b[K\x1b[0m\x1b[7;2H\x1b[41m   \x1b[0m",
    "gaps": b"\x1b[41mab\x1b[0m\x1b[10Ccd\x1b[3;10H\x1b[7mx\x1b[27m",
    "colors": b"\x1b[38;5;200mA\x1b[48;2;1;2;3mB\x1b[58:5:7;4:2mC\x1b[53;9;2;3;5;8mD\x1b[0;91;104mE",
    "wide": "你好\r\n─│e\u0301👍🏽".encode() + b"\x1b[1;80H\xe4\xbd\xa0",
    "link": b"\x1b]8;;https://example.org\x07link\x1b]8;;\x07 \x1b]8;id=1;https://b.org\x07open",
    "pending wrap": b"\x1b[5;1H" + b"x" * 80,
    "pending wrap, wide": b"\x1b[5;79H\xe4\xbd\xa0",
    "history": b"".join(b"line %d\r\n" % n for n in range(200)),
    "blank history": b"a\r\n" + b"\r\n" * 60 + b"b" + b"\r\n" * 30,
    "soft wraps": b"word " * 400,
    "erased wraps": b"x" * 200 + b"\x1b[2;1H\x1b[2K\x1b[1;70H\x1b[5P\x1b[3;1H\x1b[1K",
    "margins": b"\x1b[5;10r\x1b[?6h\x1b[2;3Hin",
    "saved cursor": b"\x1b[3;4H\x1b[35m\x1b7\x1b[0m\x1b[9;9H",
    "saved cursor, origin and wrap": b"\x1b[?6h\x1b[1;1H" + b"y" * 80 + b"\x1b7\x1b[?6l\x1b[9;9H",
    "tab stops": b"\x1b[3g\x1b[5G\x1bH\x1b[33G\x1bH\rx",
    "alternate": b"shell$ \x1b[32m\x1b7\x1b[?1049h\x1b[0m\x1b[H\x1b[44mfull\x1b[K\x1b[0m\x1b[5;5Hx\x1b[2;20r",
    "alternate, 47": b"shell$ \x1b[?47h\x1b[Hfull",
    "alternate, 1047": b"a\r\nb\x1b[?1047h\x1b[Hfull\x1b7\x1b[7;7H",
    "modes": b"\x1b[?1;25;1002;1006;1004;2004;5h\x1b=\x1b[4;20hxy\x1b[2G\x1b[?7l",
    "cursor": b"\x1b[5 q\x1b[?25l\x1b[7;7H",
    "palette": b"\x1b]4;1;rgb:ff/00/80\x07\x1b]10;#102030\x07\x1b]12;rgb:00/ff/00\x07",
    "title and cwd": b"\x1b]2;a title \xe2\x82\xac\x07\x1b]7;file://host/srv\x07",
    "line drawing": b"\x1b(0lqqk\x1b(B\x1b)0\x0e",
    "kitty keyboard": b"\x1b[>5u",
}
CONTINUATIONS = (
    b"more text\r\nand \x1b[1mbold\x1b[0m",
    b"\x1b8restored\x1b[?1049l after",
    b"\n" * 30 + b"x\ty",
    b"\x1b[A\x1b[10D\x1b[J\x1b[3Lz\x1b[M",
)
CUT = (
    b"abc\x1b",
    b"abc\x1b[",
    b"abc\x1b[3",
    b"abc\x1b[38;2;1",
    b"abc\x1b[?20",
    b"abc\x1b]",
    b"abc\x1b]2;titl",
    b"abc\x1b]133",
    b"abc\x1b]133;D;",
    b"abc\x1bP$q",
    b"abc\xe4\xbd",
    b"abc\x1b(",
    b"abc\x1b]52;c;aGVs",
    b"abc",
    "ab👩".encode(),
)
ENDINGS = (
    b"m red\x1b[0m",
    b"[31mred",
    b";5;9mred",
    b"e\x07after",
    b"m\x1b\\after",
    b"04h",
    b"\xa0\xe5\xa5\xbd",
    b"0lqk",
    b"\xcc\x81x",
    b"\x1b[5b",
    "\u200d👧".encode(),
)


def state(screen: Screen) -> dict[str, object]:
    """All that can be asked of a screen."""
    return {
        "text": screen.text(),
        "history": screen.text(10_000)[: -screen.rows],
        "cells": [screen.row(y) for y in range(screen.rows)],
        "cursor": screen.cursor,
        "modes": screen.modes,
        "title": screen.title,
        "cwd": screen.cwd,
    }


@pytest.mark.parametrize("name", STREAMS)
def test_a_keyframe_restores_everything(opened: Open, name: str):
    screen = opened(80, 24, STREAMS[name])
    keyframe = screen.keyframe()
    fresh = opened(80, 24, keyframe)
    assert state(fresh) == state(screen)
    # Making one changes nothing, and nothing grows when it is done again.
    assert screen.keyframe() == keyframe
    assert len(fresh.keyframe()) <= len(keyframe) + 64


@pytest.mark.parametrize("name", STREAMS)
def test_what_follows_is_the_same(opened: Open, name: str):
    for continuation in CONTINUATIONS:
        screen = opened(80, 24, STREAMS[name])
        fresh = opened(80, 24, screen.keyframe())
        assert fresh.feed(continuation) == screen.feed(continuation)
        assert state(fresh) == state(screen), continuation


@pytest.mark.parametrize("name", STREAMS)
def test_a_terminal_in_use_is_brought_up_to_date_by_can_and_ris(opened: Open, name: str):
    screen = opened(80, 24, STREAMS[name])
    before = b"\x1b]2;old\x07\x1b[?25l\x1b[3;3r\x1b]2;cut"
    used = opened(80, 24, STREAMS["alternate"], STREAMS["modes"], before)
    used.feed(b"\x18\x1bc" + screen.keyframe())
    after = state(used)
    if not screen.cwd:
        after["cwd"] = ""
    assert after == state(screen)


@pytest.mark.parametrize("begun", CUT)
def test_sequences_may_be_cut(opened: Open, begun: bytes):
    for ending in ENDINGS:
        screen = opened(40, 5, begun)
        fresh = opened(40, 5, screen.keyframe())
        assert fresh.feed(ending) == screen.feed(ending)
        assert state(fresh) == state(screen), ending


@pytest.mark.parametrize("lines", [0, 1, 10, 500])
def test_only_the_history_asked_for_is_included(opened: Open, lines: int):
    screen = opened(80, 24, b"".join(b"line %d\r\n" % n for n in range(2000)), scrollback=1000)
    fresh = opened(80, 24, screen.keyframe(lines))
    assert fresh.history_lines == lines
    assert fresh.text(lines) == screen.text(lines)
    assert fresh.cursor == screen.cursor


@pytest.mark.parametrize("lines", [0, 10, None])
def test_the_history_is_there_under_an_alternate_screen(opened: Open, lines: int | None):
    output = b"".join(b"line %d\r\n" % n for n in range(2000)) + b"\x1b[?1049h\x1b[Hfull"
    screen = opened(80, 24, output, scrollback=1000)
    fresh = opened(80, 24, screen.keyframe(lines))
    assert fresh.text() == screen.text()
    for one in (screen, fresh):
        one.feed(b"\x1b[?1049l")
    assert fresh.text() == screen.text()
    expected = 1000 if lines is None else lines
    assert fresh.text(expected)[: -fresh.rows] == screen.text(expected)[: -fresh.rows]


def test_a_keyframe_without_history_is_small(opened: Open):
    prompt = b"".join(b"\x1b[1;32m>>> \x1b[0mprint(%d)\r\n%d\r\n" % (n, n) for n in range(5000))
    assert len(opened(80, 24, prompt, scrollback=10_000).keyframe(0)) < 1500
    editor = b"\x1b[?1049h" + b"".join(
        b"\x1b[%dH\x1b[33m%4d \x1b[m\x1b[95mdef\x1b[m name(\x1b[96margument\x1b[m): \x1b[34m# %s\x1b[m"
        % (y, y, b"x" * 30)
        for y in range(1, 25)
    )
    assert len(opened(80, 24, prompt + editor).keyframe(0)) < 4096


@pytest.mark.parametrize("size", [(40, 10), (120, 40), (80, 10), (20, 24)])
def test_keyframes_after_a_resize(opened: Open, size: tuple[int, int]):
    for name in ("soft wraps", "wide", "history", "alternate", "saved cursor", "background"):
        screen = opened(80, 24, STREAMS[name])
        screen.resize(*size)
        fresh = opened(*size, screen.keyframe())
        expected, found = state(screen), state(fresh)
        if name == "background":
            # Known: rows of background only lose it in the history, and what wraps of them is one row.
            expected.pop("history")
            found.pop("history")
        assert found == expected, name


def test_a_keyframe_rings_no_bell_and_answers_nothing(opened: Open):
    for stream in STREAMS.values():
        fresh = opened()
        assert fresh.feed(opened(80, 24, stream).keyframe()) == b""
        assert {event.type for event in fresh.events()} <= {"title", "cwd"}
