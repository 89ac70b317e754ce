"""Tabs, panes and focus of one session."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.tui import tree
from termhub.gateways.tui.layout import Layout
from termhub.gateways.tui.memory import MAX_LAYOUTS, Memory
from termhub.gateways.tui.tree import Rect

SCREEN = Rect(0, 0, 80, 23)


def layout(*windows: int) -> Layout:
    made = Layout()
    made.windows_are(windows or (0, 1, 2))
    return made


def test_the_first_window_is_shown_and_later_ones_wait() -> None:
    shown = layout(0)
    shown.opened(1)
    assert (shown.focus, list(shown.places(SCREEN))) == (0, [0])
    shown.select(1)
    assert shown.places(SCREEN) == {1: SCREEN}


def test_next_and_previous_go_around_and_pass_over_what_is_on_the_screen() -> None:
    shown = layout(0, 1, 2, 3)
    shown.split(1, side_by_side=True)
    assert shown.step(1) == 2
    assert shown.step(-1) == 3
    shown.select(3)
    assert shown.step(1) == 1, "the pane of the split that was used last"
    assert layout(0).step(1) is None


def test_the_window_before_is_the_last_used_of_another_group() -> None:
    shown = layout(0, 1, 2)
    shown.select(2)
    shown.select(1)
    assert shown.before == 2
    shown.split(2, side_by_side=False)
    assert shown.before == 0


def test_closing_gives_the_focus_to_the_neighbour_then_to_the_window_before() -> None:
    shown = layout(0, 1, 2)
    shown.split(2, side_by_side=True)
    shown.closed(2)
    assert shown.focus == 0
    shown.select(1)
    shown.closed(1)
    assert shown.focus == 0
    shown.closed(0)
    assert (shown.focus, shown.groups, shown.places(SCREEN)) == (None, [], {})


def test_zoom_shows_one_pane_until_another_is_selected() -> None:
    shown = layout(0, 1)
    shown.zoom()
    assert not shown.is_zoomed, "there is nothing to hide"
    shown.split(1, side_by_side=True)
    shown.zoom()
    assert shown.places(SCREEN) == {1: SCREEN}
    shown.focus_next()
    assert len(shown.places(SCREEN)) == 2


def test_where_panes_do_not_fit_the_focused_one_is_shown() -> None:
    shown = layout(0, 1)
    shown.split(1, side_by_side=True)
    assert shown.places(Rect(0, 0, 4, 3)) == {1: Rect(0, 0, 4, 3)}
    assert not shown.can_split(Rect(0, 0, 4, 2), side_by_side=True)


def test_breaking_out_makes_a_pane_a_window_of_its_own() -> None:
    shown = layout(0, 1)
    assert not shown.break_out()
    shown.split(1, side_by_side=True)
    assert shown.break_out()
    assert shown.places(SCREEN) == {1: SCREEN}
    assert shown.step(1) == 0


def test_borders_move_by_key() -> None:
    shown = layout(0, 1)
    shown.split(1, side_by_side=True)
    shown.grow("left", 5, SCREEN)
    assert shown.places(SCREEN)[1].cols == 44
    shown.focus_towards("left", SCREEN)
    assert shown.focus == 0


def test_memory_keeps_copies_and_forgets_the_oldest() -> None:
    memory = Memory()
    shown = layout(0, 1)
    shown.labels[1] = "logs"
    memory.keep_layout(7, "c-a", shown)
    shown.closed(1)
    again = memory.layout(7, "c-a")
    assert (again.windows, again.labels) == ([0, 1], {1: "logs"})
    assert memory.layout(8, "c-a").windows == []
    for number in range(MAX_LAYOUTS):
        memory.keep_layout(9, f"c-{number}", shown)
    assert memory.layout(7, "c-a").windows == []
    memory.keep_copied(7, "x" * 200_000)
    assert len(memory.copied(7)) == 100_000
    assert memory.copied(8) == ""


steps = st.lists(
    st.tuples(
        st.sampled_from(["open", "close", "select", "split", "zoom", "out", "next", "towards", "grow"]),
        st.integers(0, 9),
        st.booleans(),
    ),
    max_size=30,
)


@given(steps, st.integers(1, 100), st.integers(1, 40))
def test_every_window_is_in_one_group_whatever_is_done(
    steps: list[tuple[str, int, bool]], cols: int, rows: int
) -> None:
    screen = Rect(0, 0, cols, rows)
    shown, windows = layout(0), {0}
    directions: list[tree.Direction] = ["left", "right", "up", "down"]
    for what, number, flag in steps:
        if what == "open":
            shown.opened(number)
            windows.add(number)
        elif what == "close":
            shown.closed(number)
            windows.discard(number)
        elif what == "select":
            shown.select(number)
        elif what == "split" and shown.focus is not None and number != shown.focus:
            shown.split(number, flag)
            windows.add(number)
        elif what == "zoom":
            shown.zoom()
        elif what == "out":
            shown.break_out()
        elif what == "next":
            shown.focus_next()
        elif what == "towards":
            shown.focus_towards(directions[number % 4], screen)
        elif what == "grow":
            shown.grow(directions[number % 4], number, screen)
        assert shown.windows == sorted(windows)
        assert (shown.focus in windows) if windows else shown.focus is None
        assert not windows or shown.focus in shown.places(screen)
