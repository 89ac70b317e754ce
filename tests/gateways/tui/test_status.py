"""The status line in every width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.status import Status, Tab, draw_status
from termhub.gateways.tui.text import clean, clipped, padded
from termhub.screen.runs import count_cells

TABS = (
    Tab(0, "python", is_current=True, is_shown=True),
    Tab(1, "bash", has_activity=True),
    Tab(2, "top", has_bell=True, has_exited=True),
)


def shown(status: Status, cols: int) -> str:
    canvas = Canvas(cols, 1)
    draw_status(canvas, 0, status)
    return "".join(canvas.texts[0])


def test_it_names_the_console_its_windows_and_what_is_to_know() -> None:
    status = Status("demo", TABS, ["read-only", "2 viewers"], "recovering", "10:32")
    line = shown(status, 80)
    assert line.startswith("[demo] 0:python* 1:bash# 2:top!x ")
    assert line.rstrip().endswith("10:32")
    for words in ("recovering", "read-only", "2 viewers"):
        assert words in line


def test_where_there_is_little_room_the_important_stays() -> None:
    status = Status("demo", TABS, ["read-only", "2 viewers"], "recovering", "10:32")
    line = shown(status, 34)
    assert "0:python*" in line
    assert "recovering" in line
    assert "2 viewers" not in line
    assert shown(status, 3) == "[d…"


def test_the_current_tab_is_shown_among_many() -> None:
    tabs = [Tab(number, "bash", is_current=number == 7) for number in range(20)]
    line = shown(Status("demo", tabs), 40)
    assert "7:bash*" in line
    assert "<" in line
    assert ">" in line


def test_a_message_takes_the_line() -> None:
    assert shown(Status("demo", TABS, message="No."), 12) == " No.        "


def test_it_tells_where_the_tabs_are() -> None:
    places = draw_status(Canvas(80, 1), 0, Status("demo", TABS))
    assert places == [(range(7, 16), 0), (range(17, 24), 1), (range(25, 32), 2)]
    tabs = [Tab(number, "bash", is_current=number == 7) for number in range(20)]
    places = draw_status(Canvas(40, 1), 0, Status("demo", tabs))
    assert 7 in [number for _, number in places]
    assert 0 not in [number for _, number in places]


@given(st.text(), st.text(), st.integers(1, 60), st.integers(0, 6))
def test_nothing_breaks_the_line(name: str, words: str, cols: int, count: int) -> None:
    tabs = [Tab(number, words, is_current=number == 2) for number in range(count)]
    line = shown(Status(name, tabs, [words, words], words, "10:32", ""), cols)
    assert count_cells(line) == cols
    assert line.isprintable() or not (name + words).isprintable()


@given(st.text(), st.integers(0, 20))
def test_text_is_cut_to_cells(text: str, cols: int) -> None:
    assert count_cells(clipped(text, cols)) <= cols
    assert count_cells(padded(text, cols)) == cols
    assert not any(ord(character) < 32 for character in clean(text))
