"""How a screen is split: every cell belongs to one pane or one border, whatever is done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.tui import tree
from termhub.gateways.tui.tree import Part, Rect, Split

SCREEN = Rect(0, 0, 80, 23)
BESIDE = tree.split(0, 0, 1, side_by_side=True)
THREE = tree.split(BESIDE, 1, 2, side_by_side=False)


def test_halves_lie_beside_each_other_with_a_border_between() -> None:
    assert tree.places(BESIDE, SCREEN) == {0: Rect(0, 0, 40, 23), 1: Rect(41, 0, 39, 23)}
    (border,) = tree.borders(BESIDE, SCREEN)
    assert border.rect == Rect(40, 0, 1, 23)


def test_a_split_in_the_same_direction_shares_the_same_row() -> None:
    node = tree.split(BESIDE, 1, 2, side_by_side=True)
    assert isinstance(node, Split)
    assert [part.node for part in node.parts] == [0, 1, 2]
    assert tree.windows(tree.split(THREE, 0, 3, side_by_side=False)) == [0, 3, 1, 2]


def test_the_place_of_a_pane_that_goes_is_shared_and_single_parts_are_not_kept() -> None:
    assert tree.without(THREE, 2) == Split(True, (Part(0, 1.0), Part(1, 1.0)))
    assert tree.without(THREE, 0) == Split(False, (Part(1, 1.0), Part(2, 1.0)))
    assert tree.without(BESIDE, 1) == 0
    assert tree.without(0, 0) is None


def test_neighbours_are_found_by_direction_and_around_the_edge() -> None:
    places = tree.places(THREE, SCREEN)
    assert tree.neighbour(places, 0, "right", [1, 2]) == 2  # used last
    assert tree.neighbour(places, 0, "right", [2, 1]) == 1
    assert tree.neighbour(places, 1, "down", []) == 2
    assert tree.neighbour(places, 1, "up", []) == 2
    assert tree.neighbour(places, 2, "left", []) == 0
    assert tree.neighbour({0: SCREEN}, 0, "left", []) is None


def test_a_border_moves_as_far_as_both_sides_allow() -> None:
    (border,) = tree.borders(BESIDE, SCREEN)
    assert tree.places(tree.moved(BESIDE, SCREEN, border, 10), SCREEN)[0].cols == 10
    assert tree.places(tree.moved(BESIDE, SCREEN, border, -5), SCREEN)[0].cols == tree.LEAST_COLS
    assert tree.places(tree.moved(BESIDE, SCREEN, border, 500), SCREEN)[1].cols == tree.LEAST_COLS


def test_the_border_that_moves_is_the_one_in_the_direction_or_the_other() -> None:
    right = tree.border_of(THREE, SCREEN, 0, "right")
    left = tree.border_of(THREE, SCREEN, 1, "right")
    assert right == left
    assert tree.border_of(THREE, SCREEN, 0, "up") is None
    down = tree.border_of(THREE, SCREEN, 2, "up")
    assert down is not None
    assert down.path == (1,)


steps = st.lists(
    st.tuples(
        st.sampled_from(["split", "close", "move"]), st.integers(0, 30), st.booleans(), st.integers(0, 90)
    ),
    max_size=12,
)


@given(steps, st.integers(1, 90), st.integers(1, 40))
def test_panes_and_borders_cover_the_screen_once(
    steps: list[tuple[str, int, bool, int]], cols: int, rows: int
) -> None:
    screen = Rect(2, 1, cols, rows)
    node: tree.Node = 0
    for number, (what, which, side_by_side, position) in enumerate(steps, 1):
        windows = tree.windows(node)
        window = windows[which % len(windows)]
        if what == "split":
            node = tree.split(node, window, number, side_by_side)
        elif what == "close":
            node = tree.without(node, window) or number
        elif tree.fits(node, screen) and (borders := list(tree.borders(node, screen))):
            node = tree.moved(node, screen, borders[which % len(borders)], position)
    assert len(set(tree.windows(node))) == len(tree.windows(node))
    if not tree.fits(node, screen):
        return
    covered: set[tuple[int, int]] = set()
    places = tree.places(node, screen)
    rects = [*places.values(), *(border.rect for border in tree.borders(node, screen))]
    for rect in rects:
        cells = {(x, y) for x in range(rect.x, rect.x + rect.cols) for y in range(rect.y, rect.y + rect.rows)}
        assert not covered & cells
        covered |= cells
    assert len(covered) == cols * rows
    assert all(rect.cols >= tree.LEAST_COLS and rect.rows >= tree.LEAST_ROWS for rect in places.values())
