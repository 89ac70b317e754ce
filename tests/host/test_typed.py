"""Who typed which line: found on the screen when it ends, however it was typed and shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termhub.host.typed import (
    MOST_ENTERED,
    MOST_ENTRIES,
    NAME_CHARACTERS,
    PATIENCE_LINES,
    PATIENCE_SECONDS,
    TEXT_CHARACTERS,
    Typed,
    TypedLine,
)
from termhub.screen import Screen, engines, open_screen
from tests.support.console_core import FakeClock


class Terminal:
    """People who type into a program that a test plays."""

    def __init__(self, engine: str = "auto", cols: int = 40, rows: int = 10) -> None:
        self.clock = FakeClock()
        self.noted: list[dict[str, Any]] = []
        self.screen: Screen = open_screen(cols, rows, engine=engine)
        self.typed = Typed(self.clock.now, self.noted.append)
        self._sequences: dict[str, int] = {}
        self._offset = 0

    def types(self, name: str, data: bytes | str) -> None:
        data = data.encode() if isinstance(data, str) else data
        sequence = self._sequences.get(name, 0)
        self._sequences[name] = sequence + len(data)
        self.typed.took(hash(name), name, sequence, data, self.screen, is_current=True)

    def prints(self, data: bytes | str) -> None:
        """As :class:`termhub.host.window.Window` feeds it: cut before each line feed that is wanted."""
        left = data.encode() if isinstance(data, str) else data
        while left:
            cut = len(left)
            if self.typed.is_expecting:
                if left.startswith(b"\n"):
                    self.typed.line_ends(self.screen, self._offset, self.clock.seconds)
                at = left.find(b"\n", 1)
                cut = at if at > 0 else cut
            self.screen.feed(left[:cut])
            self._offset += cut
            left = left[cut:]

    def echoes(self, name: str, text: str, prompt: str = ">>> ") -> None:
        """A prompt, a line typed at it by somebody, and its echo."""
        self.prints(prompt)
        self.types(name, text + "\r")
        self.prints(text + "\r\n")

    @property
    def found(self) -> list[tuple[tuple[str, ...], str]]:
        return [(line.who, line.text) for line in self.typed.lines]


Open = Callable[..., Terminal]


@pytest.fixture(params=engines())
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    made = Terminal(request.param)
    yield made
    made.screen.close()


@pytest.fixture
def one() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.screen.close()


# -- what is found ----------------------------------------------------------------


def test_a_line_is_found_with_its_prompt(terminal: Terminal):
    terminal.prints("Python 3.11\r\n>>> ")
    terminal.types("alice", "x = 1")
    terminal.prints("x = 1")
    assert not terminal.typed.is_expecting
    terminal.clock.advance(5)
    terminal.types("alice", "\r")
    assert terminal.typed.is_expecting
    terminal.prints("\r\n>>> ")
    assert list(terminal.typed.lines) == [TypedLine(23, 105.0, ("alice",), ">>> x = 1", 1)]
    assert not terminal.typed.is_expecting


def test_several_people_on_one_line(terminal: Terminal):
    terminal.prints(">>> ")
    for name, text in (("alice", "pri"), ("bob", "nt"), ("alice", "(1"), ("carol", ")\r")):
        terminal.types(name, text)
    terminal.prints("print(1)\r\n1\r\n>>> ")
    terminal.echoes("bob", "2", prompt="")
    assert terminal.found == [(("alice", "bob", "carol"), ">>> print(1)"), (("bob",), ">>> 2")]


def test_who_only_presses_enter_had_a_hand_in_it(one: Terminal):
    one.prints(">>> ")
    one.types("alice", "launch()")
    one.types("bob", "\r")
    one.prints("launch()\r\n")
    assert one.found == [(("alice", "bob"), ">>> launch()")]


def test_an_empty_line_is_nobodys(one: Terminal):
    one.prints(">>> ")
    one.types("alice", "\r")
    assert not one.typed.is_expecting
    one.prints("\r\n>>> ")
    assert one.found == []


def test_a_paste_line_by_line_with_output_between(terminal: Terminal):
    terminal.prints(">>> ")
    terminal.types("alice", "if x:\r    print(7)\r    y\r\rprint(8)\r")
    terminal.prints(">>> if x:\r\n...     print(7)\r\n...     y\r\n... \r\n7\r\n>>> print(8)\r\n8\r\n>>> ")
    assert [text for _, text in terminal.found] == [
        ">>> >>> if x:",
        "...     print(7)",
        "...     y",
        ">>> print(8)",
    ]


def test_a_bracketed_paste_is_one_entry(terminal: Terminal):
    terminal.prints(">>> ")
    terminal.types("alice", "\x1b[200~def f():\r    return 1\r\r\x1b[201~")
    terminal.prints("def f():\r\n...     return 1\r\n... \r\n... ")
    terminal.types("bob", "\r")
    terminal.prints("\r\n>>> ")
    (line,) = terminal.typed.lines
    assert (line.who, line.lines) == (("alice", "bob"), 4)
    assert line.text == ">>> def f():\n...     return 1\n...\n..."


def test_a_bracketed_paste_and_enter_at_once(terminal: Terminal):
    """The line feeds with which it is drawn are not its end."""
    terminal.prints("$ ")
    terminal.types("alice", "\x1b[200~echo a\recho b\x1b[201~\r")
    terminal.prints(
        "\x1b[7mecho a\x1b[27m\r\n\r\x1b[7mecho b\x1b[27m"
        "\x1b[A\r$ echo a\r\n\recho b\r\n\x1b[?2004l\ra\r\nb\r\n"
    )
    assert terminal.found == [(("alice",), "$ echo a\necho b")]


def test_a_long_line_that_the_terminal_wraps(terminal: Terminal):
    text = "".join(f"item {number}, " for number in range(12)) + "end"
    terminal.echoes("alice", text)
    assert terminal.found == [(("alice",), ">>> " + text)]


def test_a_long_line_that_the_program_wraps(terminal: Terminal):
    """Python's own prompt ends rows with a backslash and goes to the next one itself."""
    terminal.prints(">>> ")
    terminal.types("alice", "a" * 30 + "b" * 50 + "\r")
    terminal.prints("a" * 30 + "b" * 5 + "\\\r\n" + "b" * 39 + "\\\r\n" + "b" * 6 + "\n\r")
    assert terminal.found == [(("alice",), ">>> " + "a" * 30 + "b" * 50)]


def test_a_long_line_whose_rows_have_prompts(terminal: Terminal):
    """As IPython shows it."""
    terminal.prints("In [1]: ")
    terminal.types("alice", "a" * 30 + "b" * 30 + "c" * 5 + "\r")
    terminal.prints("a" * 30 + "b" * 2 + "\r\n   ...: " + "b" * 28 + "c" * 4 + "\r\n   ...: c\r\n")
    rows = ["In [1]: " + "a" * 30 + "bb", "   ...: " + "b" * 28 + "cccc", "   ...: c"]
    assert terminal.found == [(("alice",), "\n".join(rows))]


def test_a_line_longer_than_the_screen_and_than_what_is_kept(terminal: Terminal):
    text = "x" * 20_000
    terminal.echoes("alice", text)
    ((who, shown),) = terminal.found
    assert who == ("alice",)
    assert set(shown) == {"x"}
    assert len(shown) == TEXT_CHARACTERS
    terminal.echoes("bob", "ok")
    assert terminal.found[1] == (("bob",), ">>> ok")


def test_lines_that_were_edited(terminal: Terminal):
    terminal.prints(">>> ")
    terminal.types("alice", "prin\x7f\x7fint(1)\r")
    terminal.prints("prin\b \b\b \bint(1)\r\n1\r\n>>> ")
    terminal.types("alice", "\x1b[A\r")
    terminal.prints("print(1)\r\n1\r\n>>> ")
    terminal.types("bob", "pri\tx)\r")
    terminal.prints("print(x)\r\n")
    assert [text for _, text in terminal.found] == [">>> print(1)", ">>> print(1)", ">>> print(x)"]


def test_wide_characters(terminal: Terminal):
    terminal.prints(">>> ")
    for part in "x = '好é😀'\r".encode():
        terminal.types("alice", bytes([part]))
    terminal.prints("x = '好é😀'\r\n")
    assert terminal.found == [(("alice",), ">>> x = '好é😀'")]


def test_keys_for_a_program_before_do_not_hide_a_line(one: Terminal):
    one.prints("Continue? [y/n]")
    one.types("alice", "y")
    one.prints("\r\n")
    one.echoes("alice", "ls -l", prompt="$ ")
    assert one.found == [(("alice",), "$ ls -l")]


def test_a_line_given_up_is_forgotten(one: Terminal):
    one.prints(">>> ")
    one.types("alice", "secret thought\x03")
    one.prints("secret thought\r\nKeyboardInterrupt\r\n")
    one.echoes("bob", "1")
    assert one.found == [(("bob",), ">>> 1")]


def test_the_end_of_input_is_part_of_no_line(one: Terminal):
    one.types("alice", "\x04")
    one.echoes("bob", "ls")
    assert one.found == [(("bob",), ">>> ls")]


def test_moving_the_mouse_and_looking_away_is_not_typing(one: Terminal):
    one.types("carol", "\x1b[I\x1b[<35;3;4M\x1b[O")
    one.echoes("alice", "1")
    assert one.found == [(("alice",), ">>> 1")]


# -- what is not kept -------------------------------------------------------------


def test_what_is_not_shown_is_never_kept(terminal: Terminal):
    terminal.prints("Password: ")
    terminal.types("alice", "hunter2\r")
    terminal.prints("\r\nLast login\r\n")
    terminal.echoes("alice", "ls", prompt="$ ")
    assert terminal.found == [(("alice",), "$ ls")]
    assert "hunter2" not in repr(terminal.noted)


def test_stars_are_not_what_was_typed(one: Terminal):
    one.prints("Password: ")
    one.types("alice", "hunter2\r")
    one.prints("*******\r\nok\r\n")
    assert one.found == []


def test_full_screen_programs_are_left_alone(terminal: Terminal):
    terminal.echoes("alice", "vim x", prompt="$ ")
    terminal.prints("\x1b[?1049h\x1b[H\x1b[2J~\r\n~\r\n\x1b[H")
    terminal.types("alice", "ihello\r\x1b:wq\r")
    assert not terminal.typed.is_expecting
    terminal.prints("hello\r\n\x1b[9;1H:wq\r\n\x1b[?1049l$ ")
    terminal.echoes("bob", "ls", prompt="")
    assert terminal.found == [(("alice",), "$ vim x"), (("bob",), "$ ls")]


def test_a_line_entered_when_a_full_screen_program_has_begun(one: Terminal):
    one.types("alice", "q\r")
    one.prints("\x1b[?1049h\x1b[2J\x1b[Hq\r\n")
    assert one.found == []


def test_who_is_not_known_is_not_told(one: Terminal):
    one.echoes("", "ls", prompt="$ ")
    assert one.found == []
    assert one.noted == []


# -- bounds -----------------------------------------------------------------------


def test_nothing_is_looked_for_for_ever(one: Terminal):
    one.types("alice", "hunter2\r")
    for number in range(PATIENCE_LINES):
        one.prints(f"line {number}\r\n")
    assert one.typed.is_expecting
    one.prints("the last hunter2\r\n")
    assert not one.typed.is_expecting
    assert one.found == []
    one.types("alice", "hunter2\r")
    one.clock.advance(PATIENCE_SECONDS + 1)
    one.prints("hunter2\r\n")
    assert one.found == []


def test_a_line_known_by_nothing_is_the_first_or_none(one: Terminal):
    one.types("alice", "\x1b[A\r")
    one.prints("\r\nsomething else\r\n")
    assert one.found == []


def test_numbers_are_bounded():
    terminal = Terminal(rows=2)
    terminal.types("alice", "a\r" * 50_000)
    assert len(terminal.typed._entered) == MOST_ENTERED
    for number in range(MOST_ENTRIES + 100):
        terminal.echoes(f"{number} " + "n" * 100, "ls")
    assert len(terminal.typed.lines) == MOST_ENTRIES
    assert len(terminal.typed._typists) <= 256
    for number in range(40):
        terminal.types(f"person {number}", "x")
    terminal.types("alice", "\r")
    terminal.prints("x" * 40 + "\r\n")
    assert len(terminal.typed.lines[-1].who) == 16
    terminal.types("alice", "x" * 100_000)
    assert sum(map(len, terminal.typed._line.runs)) <= 1000


def test_the_newest_that_fit(one: Terminal):
    for number in range(20):
        one.echoes("alice", f"f({number})")
    assert [line.text for line in one.typed.newest(2, 10_000)] == [">>> f(18)", ">>> f(19)"]
    assert len(one.typed.newest(100, 1000)) < 20
    assert one.typed.newest(100, 1000)[-1].text == ">>> f(19)"
    assert one.typed.newest(0, 1000) == []


# -- again after a break ------------------------------------------------------------


def test_input_that_is_sent_again_is_not_typed_again(one: Terminal):
    one.prints(">>> ")
    for sequence, data in (
        (100, b"x ="),
        (100, b"x = 1"),
        (102, b"= 1\r"),
        (100, b"x = 1\r"),
        (200, b"hole\r"),
    ):
        one.typed.took(7, "alice", sequence, data, one.screen, is_current=True)
    one.prints("x = 1\r\n>>> \r\n")
    assert one.found == [(("alice",), ">>> x = 1")]
    assert not one.typed.is_expecting


def test_another_program_starts_anew(one: Terminal):
    one.types("alice", "half a")
    one.typed.program_changed()
    one.echoes("bob", "line")
    assert one.found == [(("bob",), ">>> line")]


# -- how long a command took -----------------------------------------------------------


def test_a_prompt_tells_how_long_ago_enter_was(one: Terminal):
    assert one.typed.prompted("A") is None
    one.types("alice", "sleep 3\r")
    one.clock.advance(3)
    assert one.typed.prompted("D") == 3
    assert one.typed.prompted("A") == 3
    one.clock.advance(600)
    assert one.typed.prompted("A") is None  # drawn again, and nothing was entered


def test_the_last_line_of_a_block_counts(one: Terminal):
    one.types("alice", "for x in y:\r")
    one.clock.advance(100)
    one.types("alice", "  f(x)\r\r")
    one.clock.advance(1)
    assert one.typed.prompted("A") == 1


def test_what_is_typed_ahead_does_not_shorten_the_command_that_runs(one: Terminal):
    one.types("alice", "sleep 10\r")
    one.typed.prompted("C")
    one.clock.advance(9)
    one.types("alice", "sleep 20\r")
    one.clock.advance(1)
    assert one.typed.prompted("D") == 10
    assert one.typed.prompted("A") == 10
    one.typed.prompted("C")
    one.clock.advance(20)
    assert one.typed.prompted("A") == 20


# -- the journal ----------------------------------------------------------------------


def restored(terminal: Terminal) -> Terminal:
    """A successor that has read what was noted and sees the same screen."""
    successor = Terminal()
    successor.screen.feed(terminal.screen.keyframe())
    for event in terminal.noted:
        successor.typed.restore(event)
    return successor


def test_a_successor_knows_the_lines(one: Terminal):
    one.echoes("alice", "x = 1")
    one.echoes("bob", "y = 2")
    assert list(restored(one).typed.lines) == list(one.typed.lines)


def test_a_successor_knows_who_began_the_line(one: Terminal):
    one.echoes("carol", "0")
    one.prints(">>> ")
    one.types("alice", "x =")
    one.prints("x =")
    successor = restored(one)
    successor.types("bob", " 1\r")
    successor.prints(" 1\r\n")
    assert successor.found[1:] == [(("alice", "bob"), ">>> x = 1")]


def test_a_successor_knows_who_entered_a_line_that_is_about_to_end(one: Terminal):
    one.prints(">>> ")
    one.types("alice", "x = 1\r")
    one.prints("x = 1")
    successor = restored(one)
    successor.prints("\r\nout\r\n>>> ")
    assert successor.found == [(("alice",), ">>> x = 1")]
    again = restored(successor)
    again.echoes("bob", "2", prompt="")
    assert again.found[-1] == (("bob",), ">>> 2")


def test_a_journal_that_begins_anew_has_all_of_it(one: Terminal):
    for number in range(30):
        one.echoes("alice", f"f({number})")
    one.types("bob", "half")
    one.noted[:] = one.typed.events(100_000)
    successor = restored(one)
    assert list(successor.typed.lines) == list(one.typed.lines)
    assert list(successor.typed._line.who) == ["bob"]
    few = one.typed.events(1000)
    assert sum(len(repr(event)) for event in few) < 2000
    assert few[-2]["line"]["text"] == ">>> f(29)"


def test_what_is_noted_is_names_and_what_was_shown(one: Terminal):
    one.types("alice", "hunter2")
    one.types("bob", "\r")
    assert one.noted == [
        {"type": "typing", "who": ["alice"]},
        {"type": "typing", "who": [], "entered": ["alice", "bob"]},
    ]


LINE = {"offset": 5, "time": 7.5, "who": ["alice"], "text": ">>> x", "lines": 1}
ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=30,
)


@settings(max_examples=300)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["typed", "typing"])},
            optional={
                "line": ODD
                | st.dictionaries(st.sampled_from(sorted(LINE)), ODD).map(lambda odd: {**LINE, **odd}),
                "who": ODD | st.lists(st.text(max_size=100), max_size=40),
                "entered": ODD | st.lists(st.text(max_size=100), max_size=40),
            },
        ),
        max_size=8,
    )
)
def test_no_journal_breaks_it(events: list[dict[str, Any]]):
    terminal = Terminal(engine="pyte")
    for event in events:
        terminal.typed.restore(event)
    terminal.echoes("bob", "ls", prompt="$ ")
    assert terminal.typed.lines[-1].who[-1] == "bob" or len(terminal.typed.lines[-1].who) == 16
    for line in terminal.typed.newest(500, 1 << 19):
        assert TypedLine.from_fields(line.fields()) == line
        assert len(line.text) <= TEXT_CHARACTERS
        assert len(line.who) <= 16
        assert all(len(name) <= NAME_CHARACTERS for name in line.who)


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["alice", "bob", "prints"]),
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from(
                    [b"ab\r", b"\r\n", b"\x1b[200~", b"\x1b[201~", b"\x1b[?1049h", b"\x1b[A", b"ab"]
                ),
            ),
        ),
        max_size=40,
    )
)
def test_anything_may_be_typed_and_printed(steps: list[tuple[str, bytes]]):
    terminal = Terminal(engine="pyte", cols=8, rows=3)
    for who, data in steps:
        if who == "prints":
            terminal.prints(data)
        else:
            terminal.types(who, data)
    for line in terminal.typed.lines:
        assert line.text.strip()
        assert set(line.who) <= {"alice", "bob"}
