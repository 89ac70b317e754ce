"""Real programs against xterm.js: a viewer may come at any moment and sees what all others see.

A recording is cut anywhere; the screen is fed what came before, a fresh xterm.js its keyframe and then
the rest.  It must end as an xterm.js that was fed everything: text, attributes, both screens' state,
modes, title, cursor and scrollback.  Where the size changes, terminals wrap lines anew in ways of their
own, so viewers get a keyframe then, as from the host; all of them then show what our screen shows.

No recording needs an exception; differences that other output shows are named in test_against_xterm.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from termhub.screen import Screen
from tests.screen.conftest import Open
from tests.screen.oracle import Step, XTerm, differences, text
from tests.screen.recording import Recording, load, names

CUTS = 8
RECORDINGS = {name: load(name) for name in names()}
STEADY = [name for name, recording in RECORDINGS.items() if not recording.is_resized]
RESIZED = [name for name, recording in RECORDINGS.items() if recording.is_resized]


@pytest.fixture(scope="module")
def whole(xterm: XTerm) -> dict[str, dict[str, Any]]:
    """What xterm.js makes of each recording fed in one go."""
    return {name: _run(xterm, RECORDINGS[name], RECORDINGS[name].steps) for name in STEADY}


def test_all_programs_are_recorded():
    wanted = {
        "python3.11",
        "python3.13",
        "ipython",
        "ptpython",
        "vim",
        "less",
        "htop",
        "pytest",
        "rich",
        "mc",
    }
    assert wanted | {"tmux"} <= set(STEADY)
    assert len(RESIZED) >= 3
    assert all(recording.length > 1500 for recording in RECORDINGS.values())


@pytest.mark.parametrize("name", STEADY)
def test_a_viewer_who_comes_at_any_moment_ends_with_the_same(
    opened: Open, xterm: XTerm, whole: dict[str, dict[str, Any]], name: str
):
    recording = RECORDINGS[name]
    for position in _cuts(recording):
        before, rest = recording.cut(position)
        screen = opened(recording.cols, recording.rows, scrollback=10_000)
        _feed(screen, before)
        keyframe = screen.keyframe()
        shown = xterm.state(recording.cols, recording.rows, [keyframe])
        assert not differences(_run(xterm, recording, before), shown), f"keyframe at {position}"
        assert_same(screen, shown)
        end = xterm.state(recording.cols, recording.rows, [keyframe, *rest])
        assert not differences(whole[name], end), f"after the keyframe at {position}"
        _feed(screen, rest)
        assert_same(screen, end)


@pytest.mark.parametrize("name", STEADY)
def test_a_viewer_in_use_is_brought_up_to_date(
    opened: Open, xterm: XTerm, whole: dict[str, dict[str, Any]], name: str
):
    recording = RECORDINGS[name]
    position = _cuts(recording)[0]
    before, rest = recording.cut(position)
    screen = opened(recording.cols, recording.rows, scrollback=10_000)
    _feed(screen, before)
    stale = recording.cut(position // 2)[0]
    end = xterm.state(recording.cols, recording.rows, [*stale, None, screen.keyframe(0), *rest])
    assert not differences(whole[name], end, ignored=["history"])


@pytest.mark.parametrize("name", RESIZED)
def test_viewers_are_brought_up_to_date_when_the_size_changes(opened: Open, xterm: XTerm, name: str):
    recording = RECORDINGS[name]
    for position in _cuts(recording):
        before, rest = recording.cut(position)
        screen = opened(recording.cols, recording.rows, scrollback=10_000)
        _feed(screen, before)
        size = (screen.cols, screen.rows)
        end = xterm.state(*size, _as_the_host_sends(screen, [screen.keyframe(0)], rest))
        assert_same(screen, end)


@pytest.mark.parametrize("name", RESIZED)
def test_rows_draw_what_a_keyframe_draws(opened: Open, xterm: XTerm, name: str):
    recording = RECORDINGS[name]
    screen = opened(recording.cols, recording.rows)
    _feed(screen, recording.cut(recording.length * 2 // 3)[0])
    cols, rows = screen.cols, screen.rows
    by_keyframe = xterm.state(cols, rows, [screen.keyframe(0)])
    drawn = b"".join(b"\x1b[%dH" % (y + 1) + screen.row(y) for y in range(rows))
    by_rows = xterm.state(cols, rows, [b"\x1b[45m\x1b[2J\x1b[m", b"\x1b[?7l", drawn])
    assert not differences({"screen": by_keyframe["screen"]}, {"screen": by_rows["screen"]})


@pytest.mark.parametrize("name", ["vim", "htop", "python3.13", "mc"])
def test_rows_that_are_not_dirty_have_not_changed(opened: Open, name: str):
    recording = RECORDINGS[name]
    screen = opened(recording.cols, recording.rows)
    shown = [b""] * recording.rows
    for step in recording.steps:
        assert isinstance(step, bytes)
        for start in range(0, len(step), 700):
            screen.feed(step[start : start + 700])
            for y in screen.dirty_rows():
                shown[y] = screen.row(y)
            assert shown == [screen.row(y) for y in range(recording.rows)]


def assert_same(screen: Screen, state: dict[str, Any]) -> None:
    """The screen's own text and cursor are what xterm.js shows."""
    assert screen.text() == text(state)
    cursor = screen.cursor
    shown = (state["x"], state["y"], state["visible"])
    assert (cursor.x + cursor.pending_wrap, cursor.y, cursor.visible) == shown
    assert screen.modes.alternate_screen == state["alternate"]
    assert screen.title == state["title"]


def _cuts(recording: Recording) -> list[int]:
    """The same places every time, and the end."""
    places = random.Random(recording.name)
    return [*(places.randrange(1, recording.length) for _ in range(CUTS)), recording.length]


def _run(xterm: XTerm, recording: Recording, steps: Iterable[Step]) -> dict[str, Any]:
    return xterm.state(recording.cols, recording.rows, steps)


def _feed(screen: Screen, steps: Iterable[Step]) -> None:
    for step in steps:
        if isinstance(step, bytes):
            screen.feed(step)
        elif step is not None:
            screen.resize(*step)


def _as_the_host_sends(screen: Screen, sent: list[Step], rest: Iterable[Step]) -> Iterator[Step]:
    """Output as it comes, and after each change of size a keyframe."""
    yield from sent
    for step in rest:
        _feed(screen, [step])
        yield step
        if isinstance(step, tuple):
            yield None
            yield screen.keyframe(0)
