"""Screens of each engine, and xterm.js to compare them with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from termhub.screen import Screen, engines, open_screen
from tests.screen.oracle import XTerm

Open = Callable[..., Screen]


@pytest.fixture(params=["ghostty", "pyte"])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of each engine in turn."""
    name: str = request.param
    if name not in engines():
        pytest.skip("pyghostty has no wheel for this machine")
    return name


@pytest.fixture
def opened(engine: str) -> Iterator[Open]:
    """Opens screens of the engine; closes them at the end."""
    screens: list[Screen] = []

    def open_(cols: int = 80, rows: int = 24, *output: bytes, scrollback: int = 1000) -> Screen:
        screen = open_screen(cols, rows, scrollback=scrollback, engine=engine)
        screens.append(screen)
        for data in output:
            screen.feed(data)
        return screen

    yield open_
    for screen in screens:
        screen.close()


@pytest.fixture(scope="session")
def xterm() -> Iterator[XTerm]:
    """One xterm.js for all tests."""
    terminal = XTerm()
    yield terminal
    terminal.close()
