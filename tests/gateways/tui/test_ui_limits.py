"""The terminal UI on slow links and tiny terminals, with hostile bytes, and whatever is typed."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from termhub.gateways.tui.display import HURRIED_FRAME_SECONDS
from termhub.gateways.tui.interface import Start
from tests.support.terminal_ui import PlayedTerminal, World


def test_at_most_sixty_pictures_a_second(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    pictures = 0
    for number in range(200):
        before = terminal.written
        played.print(f"\r{number}")
        world.clock.advance(0.005)
        world.host_clock.advance(0.005)
        world.settle()
        pictures += terminal.written != before
    assert 20 <= pictures <= 62
    world.advance(0.1)
    assert terminal.lines[0] == "199"


def test_what_follows_a_key_does_not_wait_for_the_next_frames_turn(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.advance(1)
    played.print("a")
    world.settle()
    assert terminal.lines[0] == "a"
    world.clock.advance(HURRIED_FRAME_SECONDS)
    world.host_clock.advance(HURRIED_FRAME_SECONDS)
    played.print("b")
    world.settle()
    assert terminal.lines[0] == "a"
    assert terminal.ui is not None
    terminal.ui.receive(b"x")
    world.settle()
    assert terminal.lines[0] == "ab"
    terminal.ui.receive(b"y")
    world.settle()
    played.print("c")
    world.settle()
    assert terminal.lines[0] == "abc", "each key's first change is painted at once"


def test_a_screen_of_a_thousand_colours_is_painted_in_turns(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    writes: list[int] = []
    write = terminal.write

    def note(data: bytes) -> None:
        writes.append(len(data))
        write(data)

    terminal.write = note  # type: ignore[method-assign]
    cells = b"".join(
        b"\x1b[48;5;%d;38;5;%dm%c" % (n * 7 % 251, n * 5 % 241, 65 + n % 26) for n in range(80 * 22)
    )
    played.print(b"\x1b[H" + cells)
    world.advance(1)
    assert len(writes) >= 4
    assert max(writes) < 16_000
    letters = "".join(chr(65 + n % 26) for n in range(80 * 22))
    assert terminal.lines[:22] == [letters[start : start + 80] for start in range(0, len(letters), 80)]


def test_a_terminal_of_absurd_size_is_used_in_part(world: World) -> None:
    world.add()
    terminal = world.sit_down()
    assert terminal.ui is not None
    terminal.ui.resized(1000, 500)
    world.advance(0.2)
    canvas = terminal.ui.display.canvas
    assert (canvas.cols, canvas.rows) == (1000, 120)


def test_a_slow_terminal_gets_the_latest_picture_and_nothing_queues(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    terminal.is_clear = False
    terminal.written = b""
    for number in range(500):
        played.print(f"line {number}\r\n\x07\x1b]2;title {number}\x07")
    world.advance(1)
    assert terminal.written == b""
    terminal.is_clear = True
    assert terminal.ui is not None
    terminal.ui.drained()
    world.advance(0.5)
    assert terminal.lines[21] == "line 499"
    assert terminal.screen.title.startswith("title 499")
    assert len(terminal.written) < 20_000


@pytest.mark.parametrize("closes", [0, 1])
def test_a_window_closes_while_a_slow_terminal_shows_two(world: World, closes: int) -> None:
    """The hub tells of it when the second of both pictures was asked for, out of that call."""
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b'\x02"')
    terminal.is_clear = False
    for window in (0, 1):
        played.print(f"in window {window}\r\n", window)
    world.advance(0.2)
    played.close_window(closes)
    terminal.is_clear = True
    assert terminal.ui is not None
    terminal.ui.drained()
    world.advance(0.5)
    assert [f"in window {window}" in terminal.lines for window in (0, 1)] == [closes == 1, closes == 0]


def test_a_paste_that_the_program_does_not_take_stops_reading_and_arrives_whole(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.takes_input = False
    text = b"".join(b"%07d\r" % number for number in range(30_000))
    sent = 0
    while not terminal.is_paused and sent < len(text):
        world.press(terminal, text[sent : sent + 8192])
        sent += 8192
    assert terminal.is_paused
    assert sent < len(text)
    played.accept()
    world.advance(0.5)
    assert not terminal.is_paused
    while sent < len(text):
        world.press(terminal, text[sent : sent + 8192])
        sent += 8192
    assert played.typed[0] == text


def test_reading_goes_on_when_the_window_that_takes_nothing_is_closed(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02c")
    played.takes_input = False
    world.press(terminal, b"x" * 300_000)
    assert terminal.is_paused
    played.console.windows[1].exit = {"code": 0}
    played.takes_input = True
    played.exit(1)
    world.advance(0.2)
    assert not terminal.is_paused
    world.press(terminal, b"y")
    assert played.typed[0] == b"y"


def test_much_that_is_typed_at_once_is_taken_in_turns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others have their turn meanwhile, and the program gets few pieces of it."""
    played = world.add()
    terminal = world.sit_down()
    seconds = world.clock.seconds
    looks = itertools.count()
    # Time goes on whenever somebody looks at it.
    monkeypatch.setattr(world.clock, "seconds", lambda: seconds() + next(looks) * 1e-5)
    pieces: list[bytes] = []

    def take(window: int, data: bytes) -> bytes:
        pieces.append(data)
        return b""

    played.answers = take
    text = b"".join(b"%06d \xe6\xc3\xa9\x1b[A" % number for number in range(3_000))
    assert terminal.ui is not None
    terminal.ui.receive(text)
    world.settle()
    assert terminal.is_paused
    assert len(played.typed[0]) < 4_000
    world.advance(5)
    assert not terminal.is_paused
    assert played.typed[0] == text
    assert len(pieces) < 600


def test_what_was_typed_and_not_yet_taken_reaches_the_program_after_detaching(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.takes_input = False
    world.press(terminal, b"x" * 100_000)
    world.press(terminal, b"\x02d")
    assert terminal.finished is not None
    played.accept()
    world.advance(0.5)
    assert played.typed[0] == b"x" * 100_000


def test_a_bracketed_paste_stays_one(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.print("\x1b[?2004h")
    world.advance(0.1)
    for piece in (b"\x1b[200~one\r", b"two\x02d\r", b"three\x1b[20", b"1~"):
        world.press(terminal, piece)
    assert played.typed[0] == b"\x1b[200~one\rtwo\x02d\rthree\x1b[201~"
    assert terminal.finished is None, "nothing in a paste is a command"


def test_a_lone_escape_is_a_key_after_a_moment(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    assert terminal.ui is not None
    terminal.ui.receive(b"\x1b")
    world.settle()
    assert played.typed[0] == b""
    world.advance(0.1)
    assert played.typed[0] == b"\x1b"


def test_the_terminal_that_is_lost_leaves_nothing_behind(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    assert terminal.ui is not None
    terminal.written = b""
    terminal.ui.lost("connection lost")
    played.print("more")
    world.advance(1)
    assert terminal.written == b""
    assert terminal.finished is None
    assert not played.console.viewers


def test_resizing_follows_everywhere(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02%")
    assert terminal.ui is not None
    terminal.screen.resize(100, 30)
    terminal.ui.resized(100, 30)
    world.advance(0.2)
    assert played.sizes == {0: (50, 29), 1: (49, 29)}
    assert terminal.lines[29].startswith("[demo]")


@pytest.mark.parametrize(("cols", "rows"), [(80, 1), (20, 3), (5, 2), (2, 1), (1, 1), (300, 100)])
def test_every_size_of_terminal_works(world: World, cols: int, rows: int) -> None:
    played = world.add()
    terminal = world.sit_down(cols=cols, rows=rows)
    played.print("\x1b[2J\x1b[Hhello 日本語\r\n" * 3)
    for keys in (
        b"\x02%", b'\x02"', b"\x02z", b"\x02[", b"/x\r", b"q", b"\x02?", b"q", b"\x02s", b"x\x1b", b"\x1b",
        b"\x02O", b"\x1b[B\r", b"q", b"\x02$", b"\x1b", b"\x02x", b"n", b"\x02w", b"\x1b", b"\x02b", b"\x02P",
    ):  # fmt: skip
        world.press(terminal, keys)
    played.die("enough")
    world.advance(0.1)
    world.press(terminal, b"\x02d")
    assert terminal.finished == (0, "[detached from demo]")


@pytest.mark.parametrize("term", ["vt100", "linux", "ansi", "screen", "xterm-kitty", "putty", "rxvt"])
def test_every_kind_of_terminal_shows_the_same(world: World, term: str) -> None:
    played = world.add()
    terminal = world.sit_down(term=term)
    played.print("\x1b[31mred\x1b[m \x1b[38;2;1;2;3mtrue\x1b[m")
    world.advance(0.1)
    assert terminal.lines[0] == "red true"
    assert terminal.lines[-1].startswith("[demo] 0:python3*")
    world.press(terminal, b"\x02d")
    assert terminal.finished is not None


keys = st.one_of(
    st.sampled_from(
        [
            *(b"\x02" + key.encode() for key in 'dDs$XObrPcnpl0123w,&"%ozxy[]!?'),
            *(b"\x02\x1b[" + key for key in (b"A", b"B", b"C", b"D", b"1;5A", b"1;5C", b"5~")),
            *(b"\x1b[<%d;%d;%d%s" % (code, x, y, final)
              for code in (0, 32, 64, 65) for x, y in ((1, 1), (40, 12), (5, 24)) for final in (b"M", b"m")),
            b"\r", b"\x1b", b"y", b"n", b"q", b"/", b"g", b"G", b" ", b"v", b"\x1b[A", b"\x1b[6~", b"\x1b[I",
            b"\x1b[200~paste\x1b[201~", b"\x1b[200~", b"\x1b[?1;2c", b"\x1b[?2026;2$y",
            b"\x18", b"\x0e", b"\x12",
        ]
    ),
    st.binary(max_size=6),
)  # fmt: skip
events = st.one_of(
    st.tuples(st.just("keys"), keys),
    st.tuples(st.just("print"), st.binary(max_size=60)),
    st.tuples(st.just("resize"), st.tuples(st.integers(1, 120), st.integers(1, 40))),
    st.tuples(st.just("exit"), st.tuples(st.integers(0, 3), st.integers(0, 1))),
    st.tuples(st.just("slow"), st.booleans()),
)


def do(world: World, terminal: PlayedTerminal, what: str, value: object) -> None:
    """One thing that can happen."""
    played = next(iter(world.played.values()), None)
    assert terminal.ui is not None
    if what == "keys" and isinstance(value, bytes):
        world.press(terminal, value)
    elif what == "print" and isinstance(value, bytes) and played and 0 in played.console.windows:
        played.print(value)
    elif what == "resize" and isinstance(value, tuple):
        terminal.screen.resize(*value)
        terminal.ui.resized(*value)
    elif what == "exit" and isinstance(value, tuple) and played is not None:
        if value[0] in played.console.windows and not played.console.has_ended:
            played.exit(*value)
    elif what == "slow":
        terminal.is_clear = bool(value)
        terminal.ui.drained()
    world.advance(0.04)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, max_size=30))
def test_whatever_is_typed_and_happens_the_ui_goes_on(happens: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        try:
            played = world.add()
            world.add("other")
            terminal = world.sit_down(Start(console=played.console))
            for what, value in happens:
                if terminal.finished is not None:
                    break
                do(world, terminal, what, value)
            if terminal.finished is None:
                terminal.is_clear = True
                assert terminal.ui is not None
                terminal.ui.drained()
                world.advance(6)
                for _ in range(5):
                    world.press(terminal, b"\x1b[201~\x1b")
                assert terminal.ui.prompt is None
                world.press(terminal, b"\x02d")
                assert terminal.finished is not None or terminal.ui.settings.preset != "tmux"
        finally:
            world.close()
