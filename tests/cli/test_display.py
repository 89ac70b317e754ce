"""What a person sees: the display's bytes on a terminal, which here is pyte's."""

from __future__ import annotations

import pyte
import pytest

from termhub.cli.display import Display


class Terminal:
    """A terminal with scrollback, as a person has it."""

    def __init__(self, cols: int = 20, rows: int = 5) -> None:
        self.screen = pyte.HistoryScreen(cols, rows, history=100)
        self.stream = pyte.ByteStream(self.screen)

    def show(self, data: bytes) -> None:
        # pyte takes no private marks that it does not know; a real terminal ignores them.
        for unknown in (b"\x1b[!p", b"\x1b[>4;0m", b"\x1b[=0;1u"):
            data = data.replace(unknown, b"")
        self.stream.feed(data)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def history(self) -> list[str]:
        return [
            "".join(line[x].data for x in range(self.screen.columns)).rstrip()
            for line in self.screen.history.top
        ]

    @property
    def cursor(self) -> tuple[int, int]:
        return self.screen.cursor.x, self.screen.cursor.y


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def keyframe(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


def test_the_same_size_gets_the_programs_own_bytes(terminal: Terminal) -> None:
    display = Display(20, 5)
    terminal.show(display.keyframe(20, 5, keyframe("one", "two")))
    assert not display.is_fitted
    assert display.output(b"\x1b[1mthree") == b"\x1b[1mthree"
    terminal.show(b"\r\nthree")
    assert terminal.lines == ["one", "two", "three", "", ""]


def test_queries_do_not_reach_the_terminal() -> None:
    display = Display(20, 5)
    assert b"\x1b[6n" not in display.keyframe(20, 5, b"a\x1b[6nb")
    assert display.output(b"x\x1b[cy") == b"xy"


def test_what_was_on_the_screen_moves_into_the_scrollback(terminal: Terminal) -> None:
    terminal.show(b"$ make\r\n$ termhub attach")
    terminal.show(Display(20, 5).keyframe(20, 5, keyframe(">>> ")))
    assert terminal.lines == [">>>", "", "", "", ""]
    assert terminal.history[:2] == ["$ make", "$ termhub attach"]


def test_a_second_keyframe_does_not_scroll(terminal: Terminal) -> None:
    display = Display(20, 5)
    terminal.show(display.keyframe(20, 5, keyframe("one")))
    before = terminal.history
    terminal.show(display.keyframe(20, 5, keyframe("two")))
    assert terminal.lines[0] == "two"
    assert terminal.history == before


def test_a_keyframe_undoes_what_the_program_had_changed(terminal: Terminal) -> None:
    display = Display(20, 5)
    terminal.show(display.keyframe(20, 5, b""))
    terminal.show(display.output(b"\x1b[2;3r\x1b[?6h\x1b[4h\x1b[7m\x1b(0\x1b[?25l\x1b]0;cut"))
    terminal.show(display.keyframe(20, 5, keyframe("a", "b", "c", "d", "e")))
    assert terminal.lines == ["a", "b", "c", "d", "e"]
    assert not terminal.screen.cursor.hidden
    assert not terminal.screen.buffer[0][0].reverse


def test_leaving_puts_the_cursor_below(terminal: Terminal) -> None:
    display = Display(20, 5)
    terminal.show(display.keyframe(20, 5, keyframe("one", "two")))
    terminal.show(display.leave())
    assert terminal.history[-1] == "one"
    assert terminal.cursor == (0, 4)


def test_leaving_without_having_shown_anything_writes_nothing() -> None:
    assert Display(20, 5).leave() == b""


def test_a_larger_console_is_shown_in_part_and_follows_the_cursor(terminal: Terminal) -> None:
    display = Display(20, 5)
    lines = [f"line {n} " + "." * 30 + "|" for n in range(10)]
    terminal.show(display.keyframe(40, 10, keyframe(*lines) + b"\x1b[1;1H"))
    assert display.is_fitted
    assert terminal.lines[0].startswith("line 0")
    assert terminal.lines[4].startswith("line 4")
    assert display.output(b"\x1b[10;40H") == b""
    terminal.show(display.frame())
    assert terminal.lines[4].endswith("|")
    assert terminal.cursor == (19, 4)


def test_a_smaller_console_says_why(terminal: Terminal) -> None:
    display = Display(20, 5)
    terminal.show(display.keyframe(10, 2, keyframe("ab", "cd")))
    assert terminal.lines[:2] == ["ab", "cd"]
    assert terminal.lines[2].startswith("[10x2: another view")
    assert terminal.cursor == (2, 1)
    display.output(b"!\x1b[?25l")
    terminal.show(display.frame())
    assert terminal.lines[1] == "cd!"
    assert terminal.screen.cursor.hidden


def test_a_fitted_frame_draws_only_what_changed() -> None:
    display = Display(20, 5)
    display.keyframe(40, 10, keyframe(*["some text"] * 10) + b"\x1b[1;1H")
    assert len(display.frame()) < 200
    display.output(b"x")
    drawn = display.frame()
    assert b"xome text" in drawn
    assert drawn.count(b"some text") == 0


def test_the_same_size_again_gets_the_bytes_again(terminal: Terminal) -> None:
    display = Display(20, 5)
    terminal.show(display.keyframe(10, 2, keyframe("ab", "cd")))
    terminal.show(display.keyframe(20, 5, keyframe("whole")))
    assert terminal.lines == ["whole", "", "", "", ""]
    assert display.output(b"y") == b"y"


def test_the_status_line_stays_until_it_goes(terminal: Terminal) -> None:
    display = Display(20, 5)
    terminal.show(display.keyframe(20, 5, keyframe("one", "two")))
    at = terminal.cursor
    terminal.show(display.status("no connection"))
    assert terminal.lines == ["one", "two", "", "", " no connection"]
    assert terminal.cursor == at
    terminal.show(display.keyframe(20, 5, keyframe("three")))
    assert terminal.lines[4] == " no connection"
    terminal.show(display.status(""))
    terminal.show(display.keyframe(20, 5, keyframe("four")))
    assert terminal.lines == ["four", "", "", "", ""]


def test_the_status_line_loses_no_output(terminal: Terminal) -> None:
    display = Display(20, 5)
    lines = [f"line {n}" for n in range(5)]
    terminal.show(display.keyframe(20, 5, keyframe(*lines)))
    terminal.show(display.status("no connection"))
    assert terminal.lines == [*lines[1:], " no connection"]
    terminal.show(display.status("still none"))
    assert terminal.lines == [*lines[1:], " still none"]
    terminal.show(display.status(""))
    terminal.show(display.output(b" goes on\r\nline 5"))
    assert [*terminal.history, *terminal.lines][-6:] == [*lines[:4], "line 4 goes on", "line 5"]


def test_a_long_status_is_cut(terminal: Terminal) -> None:
    display = Display(20, 5)
    terminal.show(display.keyframe(20, 5, b""))
    terminal.show(display.status("x" * 100))
    assert terminal.lines == ["", "", "", "", " " + "x" * 19]
