"""Small outputs against xterm.js: where our screens draw as it does, and where they are known not to.

What a screen holds is looked at through its keyframe on a fresh xterm.js.  A difference that goes away
is a failure too, so the list stays true; docs/screen.md says what the differences mean for people.
"""

from __future__ import annotations

import pytest

from tests.screen.conftest import Open
from tests.screen.oracle import Step, XTerm, differences
from tests.screen.test_keyframes import CONTINUATIONS, STREAMS

FULL_ROW = b"x" * 80
SAME: dict[str, bytes] = {
    "tabs": b"\ta\tb\x1b[3g\tc",
    "erase history": b"x\r\n" * 40 + b"\x1b[3J",
    "erase screen": b"x\r\n" * 30 + b"\x1b[2J",
    "alternate screen again": b"shell\x1b[?1049hfull\x1b[?1049l\x1b[?1049h",
    "alignment test": b"\x1b#8",
    "scroll in margins": b"a\r\nb\r\nc\x1b[1;2r\x1b[2;1H\n\n",
    "left and right margins": b"\x1b[?69h\x1b[5;10s\x1b[3;1Habcdefghijklmnop",
    "132 columns": b"abc\x1b[?40h\x1b[?3hdef",
    "variation selector": "❤️x☺️y".encode(),
    "joined emoji": "👨‍👩‍👧x🇩🇪y".encode(),
    "underlines": b"\x1b[21ma\x1b[24mb\x1b[4:0mx\x1b[4:3my\x1b[4my\x1b[58;5;3mz",
    "link": b"\x1b]8;;http://a\x07x\x1b]8;;\x07y",
    "line drawing": b"\x1b(0abcdefghijklmnopqrstuvwxyz{|}~_",
    "substitute": b"ab\x1acd",
    "origin": b"\x1b[3;6r\x1b[?6h\x1b[9;9Hx",
    "wide without wrap": "\x1b[?7l\x1b[1;79Hab你c".encode(),
    "insert wide": "abc你d\x1b[4h\x1b[1;2H好".encode(),
    "erase half a wide one": "你好\x1b[1;2H\x1b[X".encode(),
    "delete half a wide one": "你好吗\x1b[1;2H\x1b[P".encode(),
    "erase to the left, coloured": b"abcdef\x1b[1;3H\x1b[44m\x1b[1K",
    "backspace at a pending wrap": FULL_ROW + b"\by",
    "tab at a pending wrap": FULL_ROW + b"\ty",
    "new line at a pending wrap": FULL_ROW + b"\r\ny",
    "insert lines": b"a\r\nb\r\nc\x1b[2;3H\x1b[L",
    "saved cursors of two screens": b"\x1b[5;5H\x1b7\x1b[?1049h\x1b8x\x1b[?1049l\x1b8y",
    "saved cursor by mode": b"\x1b[5;5H\x1b[?1048h\x1b[H\x1b[?1048lx",
    "soft reset": b"\x1b[1;31m\x1b[3;6r\x1b[4h\x1b[5;5H\x1b[!px",
    "repetition": b"ab\x1b[5b\x1b[1;31mc\x1b[90b",
    "broken sequences": b"a\x1b[31\x18b\x1b[3\x1b[32mc\x1b]2;t\x1b[mD\x1b[1:2:3xE\x1b[ 5F",
}

BOTH = ("ghostty", "pyte")
# name: (engines, steps)
KNOWN: dict[str, tuple[tuple[str, ...], tuple[Step, ...]]] = {
    "a change of size wraps the cursor's line anew, too": (("ghostty",), (b"word " * 40, (40, 24))),
    "a change of size cuts lines": (("pyte",), (b"word " * 40 + b"\r\n", (40, 24))),
    "bytes that are not UTF-8 are dropped by xterm.js": (BOTH, (b"a\xff\xfe\xe4\xbdb",)),
    "a combining character on its own has a cell in xterm.js": (BOTH, ("abc\x1b[1;2H\u0301x".encode(),)),
    "rows scrolled out by CSI S are kept": (BOTH, (b"a\r\nb\r\n\x1b[3S",)),
    "erasing at a pending wrap takes the last character": (BOTH, (FULL_ROW + b"\x1b[K",)),
    "inserting into a wide character blanks both halves": (BOTH, ("你好吗\x1b[1;2H\x1b[@".encode(),)),
    "long repetitions leave less history": (BOTH, (b"a\x1b[9999b",)),
    "DECRC restores origin mode": (BOTH, (b"\x1b[5;10r\x1b[?6h\x1b[?6l\x1b[?6hin\x1b8x",)),
    "xterm.js moves wrongly in origin mode": (BOTH, (b"\x1b[5;10r\x1b[?6h\x1b[2;3Hin\x1b[A",)),
    "margins belong to both screens": (BOTH, (b"\x1b[?1049h\x1b[2;20r\x1b[?1049l",)),
    "malformed colours": (BOTH, (b"\x1b[38;5mx\x1b[38:2:1:2:3mx",)),
    "C1 controls in UTF-8": (("ghostty",), ("a\u0085b".encode(),)),
    "a repetition after something else than text": (("ghostty",), (b"abc\x1b[3;3H\x1b[5b",)),
    "DECRC leaves the link open": (("ghostty",), (b"\x1b]8;;https://b.org\x07open\x1b8x",)),
    "protected characters": (("pyte",), (b'\x1b[1"qabc\x1b[0"qdef\x1b[1;1H\x1b[?J',)),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_as_xterm(opened: Open, xterm: XTerm, name: str):
    output = SAME[name]
    screen = opened(80, 24, output)
    assert not differences(xterm.state(80, 24, [output]), xterm.state(80, 24, [screen.keyframe()]))


@pytest.mark.parametrize("name", [name for name in STREAMS if "margins" not in name and "origin" not in name])
def test_states_of_all_kinds_are_the_same_as_in_xterm(opened: Open, xterm: XTerm, engine: str, name: str):
    for continuation in (b"", *CONTINUATIONS):
        screen = opened(80, 24, STREAMS[name], continuation)
        found = differences(
            xterm.state(80, 24, [STREAMS[name], continuation]), xterm.state(80, 24, [screen.keyframe()])
        )
        if name == "alternate" and b"?1049l" in continuation:
            assert found.pop("margins", None), "known: margins belong to both screens"
        if (engine, name) == ("ghostty", "link") and b"\x1b8" in continuation:
            assert found.pop("screen", None), "known: DECRC leaves the link open"
        assert not found, continuation


@pytest.mark.parametrize("name", KNOWN)
def test_known_differences(opened: Open, xterm: XTerm, engine: str, name: str):
    engines, steps = KNOWN[name]
    screen = opened(80, 24, scrollback=10_000)
    for step in steps:
        if isinstance(step, bytes):
            screen.feed(step)
        elif step is not None:
            screen.resize(*step)
    ours = xterm.state(screen.cols, screen.rows, [screen.keyframe()])
    assert bool(differences(xterm.state(80, 24, steps), ours)) == (engine in engines)


def test_known_differences_are_counted():
    per_engine = {engine: sum(engine in engines for engines, _ in KNOWN.values()) for engine in BOTH}
    assert per_engine == {"ghostty": 14, "pyte": 12}
