"""What a terminal shows of memory that ran out, and of other limits."""

from __future__ import annotations

import re

from twisted.internet.defer import Deferred

from termhub.host.out_of_memory import MOST_AT_ONCE
from tests.support.terminal_ui import World

KILLED = "killed: out of memory, limit 512 MB"
SLOWED = "The CPU time of today is used up, so this console is slowed"


def test_a_program_that_ran_out_of_memory_is_told_of_and_its_window_goes_on(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.print(">>> ")
    played.run_out_of_memory()
    world.advance(0.1)
    assert f"0:python3: {KILLED}" in terminal.lines[-1]
    assert "exited" not in terminal.text
    played.print(f"\r\n{KILLED} – Enter starts a fresh one\r\n")
    world.press(terminal, b"\r")
    assert played.typed[0] == b"\r", "Enter is for what waits there"
    world.advance(10)
    assert "0:python3* " in terminal.lines[-1], "it has the name it had"
    assert played.console.window(0).argv == ["/usr/bin/python3"]


def test_a_window_that_is_not_opened_again_says_why(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    Deferred.fromCoroutine(played.console.open_window(argv=["/usr/bin/make"]))
    world.advance(0.1)
    world.press(terminal, b"\x021")
    for _ in range(MOST_AT_ONCE):
        played.run_out_of_memory(1)
    world.advance(0.1)
    assert f"{KILLED} · Enter starts a fresh one · q closes" in terminal.lines[-2]
    world.press(terminal, b"\r")
    assert KILLED not in terminal.lines[-2]


def test_of_a_program_below_a_shell_it_is_told(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.memory.killed += 1
    played.print("Killed\r\n$ ")
    world.advance(6)
    assert "A program was ended: out of memory, limit 512 MB." in terminal.lines[-1]
    world.advance(10)
    assert "out of memory" not in terminal.text


def test_a_limit_is_told_and_what_lasts_stays_in_the_status_line(world: World) -> None:
    played = world.add()
    terminal = world.sit_down(cols=120)
    played.console.tell_limit("cpu", "over", SLOWED, world.now() + 3600)
    world.advance(0.1)
    assert re.search(rf"{SLOWED} \(until \d\d:\d\d\)", terminal.lines[-1])
    world.advance(10)
    assert re.search(r"slowed until \d\d:\d\d", terminal.lines[-1])
    later = world.sit_down(cols=120)
    world.advance(10)
    assert re.search(r"slowed until \d\d:\d\d", later.lines[-1])
    played.console.tell_limit("cpu", "ok", "It runs at full speed again")
    world.advance(0.1)
    assert "slowed" not in terminal.text


def test_a_warning_passes(world: World) -> None:
    played = world.add()
    terminal = world.sit_down(cols=120)
    played.console.tell_limit("home", "near", "The home is nearly\x1b[31m full")
    world.advance(0.1)
    assert "The home is nearly" in terminal.lines[-1]
    assert "\x1b" not in terminal.lines[-1]
    world.advance(10)
    assert "home" not in terminal.lines[-1]
