"""The list to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.picker import Entry, Picker
from termhub.gateways.tui.picking import Previews
from termhub.gateways.tui.text import clipped
from termhub.gateways.tui.tree import Rect

ENTRIES = [Entry("a", "work", "2 windows"), Entry("b", "play", "idle 3m"), Entry("", "+ new console")]


class Used:
    """A picker, and what was done with it."""

    def __init__(self, entries: Sequence[Entry] = ENTRIES, key: str = "a") -> None:
        self.entries = list(entries)
        self.chosen: list[str] = []
        self.previewed: list[str] = []
        self.killed: list[str] = []
        self.closed = 0
        self.picker = Picker(
            "Consoles",
            "Enter shows",
            lambda: self.entries,
            self.chosen.append,
            self.previewed.append,
            self._close,
            {"C-x": self.killed.append},
            key,
        )

    def _close(self) -> None:
        self.closed += 1

    def press(self, *names: str) -> None:
        for name in names:
            self.picker.key(name, name if len(name) == 1 else "")

    def lines(self, cols: int = 80, rows: int = 10) -> list[str]:
        canvas = Canvas(cols, rows)
        cursor = self.picker.draw(canvas, Rect(0, 0, cols, rows))
        assert cursor is None or (0 <= cursor[0] < cols and 0 <= cursor[1] < rows)
        return ["".join(row).rstrip() for row in canvas.texts]


def test_arrows_choose_and_enter_takes() -> None:
    used = Used()
    used.press("Down", "Enter")
    assert (used.chosen, used.previewed) == (["b"], ["b"])
    used.press("End", "Enter", "Home", "Enter")
    assert used.chosen == ["b", "", "a"]


def test_typing_filters_by_name_and_by_what_is_said() -> None:
    used = Used()
    used.press(*"idle")
    assert [entry.key for entry in used.picker.matching] == ["b"]
    used.press("Enter")
    assert used.chosen == ["b"]
    used.press("Backspace", "z")
    assert "nothing matches" in "\n".join(used.lines())
    used.press("Enter")
    assert used.chosen == ["b"]
    used.press("Escape")
    assert (used.picker.filter, used.closed) == ("", 0)
    used.press("Escape")
    assert used.closed == 1


def test_commands_are_for_the_chosen_row_and_not_for_new_ones() -> None:
    used = Used()
    used.press("C-x", "End", "C-x")
    assert used.killed == ["a"]


def test_a_row_that_goes_is_not_chosen_any_longer() -> None:
    used = Used()
    used.entries = used.entries[1:]
    used.picker.refresh()
    assert used.picker.key_chosen == "b"


def test_the_preview_of_the_chosen_row_stands_beside_the_list() -> None:
    used = Used()
    used.picker.preview("a", [">>> 6*7", "42", "", ""])
    assert any("│ 42" in line for line in used.lines())
    used.press("Down")
    assert not any("42" in line for line in used.lines())
    assert "│" not in "".join(used.lines(cols=40))


def test_the_mouse_chooses_and_takes() -> None:
    used = Used()
    used.lines()
    used.picker.click(2, 3)
    assert used.picker.key_chosen == "b"
    used.picker.click(2, 3)
    used.picker.click(2, 7)
    assert used.chosen == ["b"]


@given(
    st.lists(st.builds(Entry, st.text(max_size=3), st.text(max_size=40), st.text(max_size=40)), max_size=9),
    st.lists(st.sampled_from(["Up", "Down", "PageDown", "End", "Home", "Enter", "a", "Backspace"])),
    st.integers(1, 100),
    st.integers(1, 12),
)
def test_any_list_is_drawn_in_any_size(entries: list[Entry], keys: list[str], cols: int, rows: int) -> None:
    used = Used(entries)
    used.lines(cols, rows)
    used.press(*keys)
    used.lines(cols, rows)
    assert used.picker.key_chosen is None or used.picker.key_chosen in {entry.key for entry in entries}


def test_endless_lines_of_a_preview_are_not_looked_at() -> None:
    used = Used()
    used.picker.preview("a", ["x" * 1_000_000])
    with mock.patch("termhub.gateways.tui.picker.clipped", side_effect=clipped) as looked_at:
        assert any("xxxx" in line for line in used.lines(100))
    assert max(len(call.args[0]) for call in looked_at.call_args_list) <= 2000


def test_previews_are_asked_for_one_at_a_time() -> None:
    previews = Previews()
    asked: list[tuple[int, Deferred[None]]] = []

    def ask(number: int) -> None:
        def now() -> Deferred[None]:
            asked.append((number, Deferred()))
            return asked[-1][1]

        previews.ask(now)

    for number in range(1000):
        ask(number)
    assert [number for number, _ in asked] == [0]
    asked[0][1].callback(None)
    assert [number for number, _ in asked] == [0, 999]
    asked[1][1].callback(None)
    ask(5)
    assert asked[-1][0] == 5
