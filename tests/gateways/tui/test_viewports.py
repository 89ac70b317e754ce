"""What a session looks at stays in step with its panes, however fast these change."""

from __future__ import annotations

import random

from termhub.gateways.tui.client import Answered
from termhub.gateways.tui.viewports import MOST_ASKED, Viewport, Viewports
from tests.support.terminal_ui import World


class Hub:
    """Answers when it is told to."""

    def __init__(self, at_once: bool = False) -> None:
        self.at_once = at_once
        self.shown: dict[int, Viewport | None] = {}
        self.waiting: list[tuple[int, Answered]] = []

    def view(self, window: int, viewport: Viewport, answered: Answered) -> None:
        self._take(window, viewport, answered)

    def unview(self, window: int, answered: Answered) -> None:
        self._take(window, None, answered)

    def _take(self, window: int, viewport: Viewport | None, answered: Answered) -> None:
        self.shown[window] = viewport
        if self.at_once:
            answered({"ok": True})
        else:
            self.waiting.append((window, answered))

    def answer(self) -> None:
        _, answered = self.waiting.pop(0)
        answered({"ok": True})


def test_the_last_that_was_wanted_is_asked_for() -> None:
    hub = Hub()
    viewports = Viewports(hub.view, hub.unview)
    for cols in range(10, 100):
        viewports.want(3, Viewport(cols, 24, 0))
    assert len(hub.waiting) == 1
    hub.answer()
    hub.answer()
    assert hub.shown == {3: Viewport(99, 24, 0)}
    assert not hub.waiting


def test_few_are_asked_for_at_a_time() -> None:
    hub = Hub()
    viewports = Viewports(hub.view, hub.unview)
    for window in range(60):
        viewports.want(window, Viewport(80, 24, 0))
    seen = 0
    while hub.waiting:
        assert len(hub.waiting) <= MOST_ASKED
        hub.answer()
        seen += 1
    assert seen == 60


def test_whoever_waits_hears_of_the_last_answer() -> None:
    hub = Hub()
    viewports = Viewports(hub.view, hub.unview)
    heard: list[str] = []
    viewports.want(0, Viewport(80, 24, 1), lambda reply: heard.append("first"))
    viewports.want(0, Viewport(80, 24, 2), lambda reply: heard.append("second"))
    hub.answer()
    assert heard == []
    hub.answer()
    assert heard == ["first", "second"]


def test_anything_wanted_ends_as_it_was_wanted_last() -> None:
    numbers = random.Random(7)
    for at_once in (False, True):
        hub = Hub(at_once)
        viewports = Viewports(hub.view, hub.unview)
        wanted: dict[int, Viewport | None] = {}
        for _ in range(3_000):
            window = numbers.randrange(20)
            if numbers.random() < 0.2 and wanted.get(window) is not None:
                viewports.leave(window)
                wanted[window] = None
            elif numbers.random() < 0.6:
                wanted[window] = viewport = Viewport(numbers.randrange(2, 200), 24, 0)
                viewports.want(window, viewport)
            elif hub.waiting:
                hub.answer()
        while hub.waiting:
            hub.answer()
        assert hub.shown == wanted


def test_a_terminal_that_changes_its_size_many_times_ends_with_a_whole_picture(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    assert terminal.ui is not None
    for count in range(200):
        terminal.ui.resized(100 + count % 7, 30 + count % 5)
    terminal.screen.resize(90, 28)
    terminal.ui.resized(90, 28)
    world.advance(1)
    assert played.sizes[0] == (90, 27)
    played.print("\x1b[2J\x1b[27;88Hend")
    world.advance(0.2)
    assert terminal.lines[26].endswith(" " * 87 + "end")


def test_windows_changed_to_faster_than_they_are_drawn(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02c\x02c")
    for window in range(3):
        played.print(f"this is {window}\r\n", window)
    assert terminal.ui is not None
    terminal.ui.receive(b"\x02n" * 301)
    world.advance(1)
    assert terminal.lines[0] == "this is 0"
