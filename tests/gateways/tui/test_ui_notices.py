"""What somebody asked to be told of windows: bells, output, silence, commands that have ended."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from termhub.gateways.tui.settings import KEY, VALUES, TerminalSettings
from tests.support.terminal_ui import USER, PlayedConsole, PlayedTerminal, World

COLS = 120


def sit_down(world: World, played: PlayedConsole, **chosen: Any) -> PlayedTerminal:
    """At a console with a second window, ``make``, that is not shown."""
    world.store.kept[USER.number] = TerminalSettings(**chosen).stored_in({})
    Deferred.fromCoroutine(played.console.open_window(argv=["/usr/bin/make"]))
    terminal = world.sit_down(cols=COLS)
    world.advance(0.1)
    return terminal


def bells(terminal: PlayedTerminal) -> int:
    return [event.type for event in terminal.screen.events()].count("bell")


def test_nothing_is_told_that_was_not_asked_for(world: World) -> None:
    played = world.add()
    terminal = sit_down(world, played)
    bells(terminal)
    played.print("\x07noise\x1b]133;C\x07", 1)
    world.advance(30)
    played.print("\x1b]133;D;1\x07\x1b]133;A\x07", 1)
    world.advance(100)
    assert terminal.lines[-1].startswith("[demo] 0:python3* 1:make#! ")
    assert " in 1:make" not in terminal.lines[-1]
    assert bells(terminal) == 0
    assert "silence" not in terminal.ui.timers._timers  # type: ignore[union-attr]


def test_bells_and_output_of_other_windows(world: World) -> None:
    played = world.add()
    terminal = sit_down(world, played, tell_bell=True, tell_activity=True)
    bells(terminal)
    played.print("noise", 1)
    world.advance(2)
    assert "output in 1:make" in terminal.lines[-1]
    assert "0:python3* 1:make#" in terminal.lines[-1], "it takes nothing away"
    world.advance(10)
    played.print("more noise", 1)
    world.advance(2)
    assert "output in" not in terminal.lines[-1], "told once, until it is looked at"
    played.print("\x07", 1)
    world.advance(2)
    assert "bell in 1:make" in terminal.lines[-1]
    assert bells(terminal) == 1
    world.press(terminal, b"\x021")
    world.advance(10)
    world.press(terminal, b"\x020")
    played.print("again", 1)
    world.advance(2)
    assert "output in 1:make" in terminal.lines[-1]


def test_a_window_that_falls_silent(world: World) -> None:
    played = world.add()
    terminal = sit_down(world, played, tell_silence=10)
    for _ in range(3):
        played.print("working", 1)
        world.advance(6)
    assert "~" not in terminal.lines[-1]
    world.advance(6)
    assert "no output for 10 s in 1:make" in terminal.lines[-1]
    assert "1:make#~" in terminal.lines[-1]
    world.advance(60)
    assert "no output" not in terminal.lines[-1], "told once"
    world.press(terminal, b"\x021")
    assert "1:make* " in terminal.lines[-1] + " "
    played.print("working", 1)
    world.advance(20)
    assert "no output" not in terminal.lines[-1], "whoever looks at it sees that"


def test_panes_that_are_shown_fall_silent_too(world: World) -> None:
    played = world.add()
    world.store.kept[USER.number] = TerminalSettings(tell_silence=10).stored_in({})
    terminal = world.sit_down(cols=COLS)
    world.press(terminal, b"\x02%")
    played.print("working", 0)
    world.advance(12)
    assert "no output for 10 s in 0:python3" in terminal.lines[-1]


def test_a_command_that_ran_long_has_ended(world: World) -> None:
    played = world.add()
    terminal = sit_down(world, played, tell_command=5)
    world.press(terminal, b"\x021")
    world.press(terminal, b"slow\r")
    world.press(terminal, b"\x020")
    played.print("slow\r\n\x1b]133;C\x07", 1)
    world.advance(7)
    played.print("\x1b]133;D;2\x07\x1b]133;A\x07$ ", 1)
    world.advance(2)
    assert "1:make finished after 7 s (status 2)" in terminal.lines[-1]
    assert "1:make#+" in terminal.lines[-1]
    world.advance(10)
    assert "finished" not in terminal.lines[-1]
    world.press(terminal, b"\x021")
    world.press(terminal, b"quick\r")
    played.print("quick\r\n\x1b]133;C\x07\x1b]133;D;0\x07\x1b]133;A\x07$ ", 1)
    world.advance(1)
    assert "finished" not in terminal.lines[-1]
    assert "1:make* " in terminal.lines[-1]


def test_without_a_status_line_they_are_messages(world: World) -> None:
    played = world.add()
    terminal = sit_down(world, played, tell_activity=True, status=False)
    played.print("noise", 1)
    world.advance(2)
    assert terminal.lines[-1] == " output in 1:make"
    world.advance(10)
    assert terminal.lines[-1] == ""


def test_any_stored_settings_can_be_read() -> None:
    for name, values in VALUES.items():
        for value in values:
            stored = {KEY: {name: value}}
            assert getattr(TerminalSettings.of(stored), name) == value
        for wrong in (None, "x", 7, [], {"a": 1}):
            assert TerminalSettings.of({KEY: {name: wrong}}) == TerminalSettings()
