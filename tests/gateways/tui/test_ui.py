"""The terminal UI as a person sees it: what is typed, and what a terminal shows then."""

from __future__ import annotations

import base64

import pytest
from twisted.internet.defer import Deferred

from termhub.errors import NoSandbox
from termhub.gateways.tui.interface import Start
from tests.support.terminal_ui import USER, World


def test_the_first_use_makes_a_console_and_shows_it(world: World) -> None:
    terminal = world.sit_down()
    (played,) = world.played.values()
    assert played.sizes[0] == (80, 23)
    played.print(">>> ")
    world.advance(0.1)
    assert terminal.lines[0] == ">>>"
    assert terminal.lines[-1].startswith("[python-1] 0:python3*")
    world.press(terminal, "6*7\r")
    assert played.typed[0] == b"6*7\r"
    played.print("6*7\r\n42\r\n>>> ")
    world.advance(0.1)
    assert terminal.lines[:3] == [">>> 6*7", "42", ">>>"]
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (4, 2)


def test_the_console_used_last_is_shown_and_detaching_leaves_the_terminal_clean(world: World) -> None:
    old = world.add("old")
    world.advance(5)
    new = world.add("new")
    new.print("here")
    terminal = world.sit_down()
    assert terminal.lines[0] == "here"
    world.press(terminal, b"\x02d")
    assert terminal.finished == (0, "[detached from new]")
    assert not terminal.screen.modes.alternate_screen
    assert terminal.screen.modes.mouse == "off"
    assert not terminal.screen.modes.bracketed_paste
    assert not new.console.viewers
    assert not old.console.viewers
    terminal.ui.receive(b"more")  # type: ignore[union-attr]
    assert new.typed[0] == b""
    assert not world.clock.getDelayedCalls() or all(
        call.func.__module__ != "termhub.gateways.tui.ui" for call in world.clock.getDelayedCalls()
    )


def test_what_was_typed_before_the_console_was_there_is_not_lost(world: World) -> None:
    world.refusal = None
    played = world.add(linked=False)
    terminal = world.sit_down()
    assert "starting" in terminal.lines[-1]
    world.press(terminal, "1+1\r")
    played.link()
    world.advance(0.1)
    assert played.typed[0] == b"1+1\r"


def test_a_console_that_cannot_be_made_is_told_and_can_be_tried_again(world: World) -> None:
    world.refusal = NoSandbox("No sandbox can be made here.")
    terminal = world.sit_down()
    assert terminal.lines[-1] == " No sandbox can be made here."
    assert "+ new console" in terminal.text
    world.refusal = None
    world.press(terminal, "\r")
    assert terminal.lines[-1].startswith("[python-1]")


def test_windows_open_and_are_chosen_by_key(world: World) -> None:
    played = world.add()
    played.print("first")
    terminal = world.sit_down()
    world.press(terminal, b"\x02c")
    played.print("second", 1)
    world.advance(0.1)
    assert terminal.lines[0] == "second"
    assert "0:python3 1:bash*" in terminal.lines[-1]
    world.press(terminal, b"\x020")
    assert terminal.lines[0] == "first"
    world.press(terminal, b"\x02n")
    assert terminal.lines[0] == "second"
    world.press(terminal, b"\x02l")
    assert terminal.lines[0] == "first"
    world.press(terminal, b"\x027")
    assert terminal.lines[-1] == " There is no such window."


def test_windows_that_others_open_and_close_are_seen(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    Deferred.fromCoroutine(played.console.open_window(argv=["/usr/bin/top"]))
    world.advance(0.1)
    assert "0:python3* 1:top" in terminal.lines[-1]
    world.press(terminal, b"\x021")
    Deferred.fromCoroutine(played.console.close_window(1))
    world.advance(0.1)
    assert terminal.lines[-1].startswith("[demo] 0:python3* ")


def test_other_windows_show_activity_and_bells(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02c\x020")
    played.print("noise", 1)
    world.advance(2)
    assert "1:bash#" in terminal.lines[-1]
    played.print("\x07", 1)
    world.advance(2)
    assert "1:bash#!" in terminal.lines[-1]
    world.press(terminal, b"\x021")
    assert "1:bash* " in terminal.lines[-1] + " "


def test_panes_show_several_windows_and_zoom_hides_the_others(world: World) -> None:
    played = world.add()
    played.print("left")
    terminal = world.sit_down()
    world.press(terminal, b"\x02%")
    played.print("right", 1)
    world.advance(0.1)
    assert terminal.lines[0] == "left".ljust(40) + "│right"
    assert played.sizes == {0: (40, 23), 1: (39, 23)}
    world.press(terminal, b"typed")
    assert played.typed[1] == b"typed"
    world.press(terminal, b'\x02\x1b[D\x02"')
    played.print("below", 2)
    world.advance(0.1)
    assert terminal.lines[12] == "below".ljust(40) + "│"
    assert terminal.lines[11] == "─" * 40 + "┤"
    world.press(terminal, b"\x02z")
    assert terminal.lines[0] == "below"
    assert "2:bash*Z" in terminal.lines[-1]
    assert played.sizes[2] == (80, 23)
    world.press(terminal, b"\x02z\x02\x1b[1;5A")
    assert terminal.lines[11] == "below".ljust(40) + "│"
    world.press(terminal, b"\x02,\x15logs\r\x02x")
    assert "Close 2:logs? (y/n)" in terminal.lines[-1]
    world.press(terminal, b"y")
    assert played.sizes[0] == (40, 23)
    assert list(played.console.windows) == [0, 1]


def test_the_layout_is_there_again_after_attaching_again(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02%\x02,\x15logs\r\x02d")
    assert terminal.finished is not None
    played.print("right", 1)
    terminal = world.sit_down()
    assert terminal.lines[0] == " " * 40 + "│right"
    assert "1:logs*" in terminal.lines[-1]


def test_renaming_and_ending_the_console(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02$\x15work\r")
    assert played.console.name == "work"
    assert terminal.lines[-1].startswith("[work]")
    world.press(terminal, b"\x02$\r")
    assert "already" in terminal.lines[-1]
    world.press(terminal, b"\x02X")
    assert "End work and all its programs? (y/n)" in terminal.lines[-1]
    world.press(terminal, b"n")
    assert not played.console.has_ended
    played.print("last words")
    world.press(terminal, b"\x02Xy")
    assert terminal.lines[0] == "last words"
    assert terminal.lines[-3].startswith(" work has ended: ended by its owner")
    assert "ended" in terminal.lines[-1]
    world.press(terminal, b"n")
    assert terminal.lines[-1].startswith("[python-2]")


def test_an_ended_console_leads_to_the_others_or_away(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.die("out of memory")
    world.advance(0.1)
    assert "demo has ended: out of memory" in terminal.text
    world.press(terminal, b"s")
    assert terminal.lines[0].startswith(" Consoles")
    assert "ended" in terminal.text
    world.press(terminal, b"\x1b")
    world.press(terminal, b"q")
    assert terminal.finished == (0, "[demo has ended: out of memory]")


def test_a_program_that_fails_stays_to_be_read_and_can_run_again(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    Deferred.fromCoroutine(played.console.open_window(argv=["/usr/bin/make"]))
    world.advance(0.1)
    world.press(terminal, b"\x021")
    played.print("oops", 1)
    played.exit(1, 3)
    world.advance(0.1)
    assert terminal.lines[0] == "oops"
    assert "exited (status 3)" in terminal.lines[-2]
    assert "1:make*x" in terminal.lines[-1]
    world.press(terminal, b"ignored")
    assert played.typed[1] == b""
    world.press(terminal, b"\r")
    assert "exited" not in terminal.text
    world.press(terminal, b"again")
    assert played.typed[1] == b"again"
    played.exit(1, 0)
    world.advance(0.1)
    assert list(played.console.windows) == [0], "what ended well closes"


@pytest.mark.parametrize("status", [0, 1, 127, 130])
def test_a_shells_window_closes_with_it_whatever_the_last_command_did(world: World, status: int) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02c")
    played.exit(1, status)
    world.advance(0.1)
    assert list(played.console.windows) == [0]
    assert "0:python3*" in terminal.lines[-1]


def test_the_consoles_own_program_stays_to_be_read(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02c")
    world.press(terminal, b"\x020")
    played.exit(0, 0)
    world.advance(0.1)
    assert list(played.console.windows) == [0, 1]
    assert "exited (status 0)" in terminal.lines[-2]


def test_the_picker_filters_previews_and_switches(world: World) -> None:
    one, two = world.add("one"), world.add("two")
    two.print(">>> the other")
    terminal = world.sit_down(Start(console=one.console))
    world.press(terminal, b"\x02s")
    assert terminal.lines[0].startswith(" Consoles")
    world.press(terminal, b"two")
    assert "│ >>> the other" in terminal.text
    assert not any(line.startswith(" one ") for line in terminal.lines)
    world.press(terminal, b"\r")
    assert terminal.lines[0] == ">>> the other"
    assert not one.console.viewers
    world.press(terminal, b"\x02sone\x12\x15uno\r")
    assert one.console.name == "uno"
    world.press(terminal, b"\x1b")
    world.press(terminal, b"uno\x18y")
    assert one.console.has_ended


def test_the_list_of_windows_chooses_one(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02c\x02w")
    assert terminal.lines[0].startswith(" Windows of demo")
    played.print("zero")
    world.press(terminal, b"\x1b[A")
    assert "│ zero" in terminal.text
    world.press(terminal, b"\r")
    assert terminal.lines[0] == "zero"


def test_help_and_settings_and_the_screen_preset(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02?")
    assert "C-b d" in terminal.text
    world.press(terminal, b"q\x02O\r")
    assert "C-a, as screen" in terminal.text
    world.press(terminal, b"q\x02\x01a")
    assert played.typed[0] == b"\x02\x01"
    assert world.store.kept[USER.number]["terminal"]["preset"] == "screen"
    world.press(terminal, b"\x01b")
    assert not any(line.startswith("[demo]") for line in terminal.lines)
    assert played.sizes[0] == (80, 24)
    world.press(terminal, b"\x01d")
    again = world.sit_down()
    assert played.sizes[0] == (80, 24)
    world.press(again, b"\x01d")
    assert again.finished == (0, "[detached from demo]")


def test_without_a_prefix_the_start_of_a_line_and_a_lone_key_leave(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    world.press(terminal, b"\x02O\r\rq\x02~")
    assert played.typed[0] == b"\x02~"
    world.press(terminal, b"\r~?")
    assert "C-]" in terminal.text
    world.press(terminal, b"q~.")
    assert played.typed[0] == b"\x02~\r"
    assert terminal.finished == (0, "[detached from demo]")
    terminal = world.sit_down()
    world.press(terminal, b"\x1d")
    assert terminal.finished == (0, "[detached from demo]")


def test_read_only_looks_and_refuses_with_words(world: World) -> None:
    played = world.add()
    terminal = world.sit_down(Start(console=played.console, read_only=True))
    played.print("secret")
    world.advance(0.1)
    assert terminal.lines[0] == "secret"
    assert "read-only" in terminal.lines[-1]
    world.press(terminal, b"x")
    assert "read-only" in terminal.lines[-1]
    world.press(terminal, b"\x02c")
    assert played.typed[0] == b""
    assert list(played.console.windows) == [0]
    for key in (b"\x12", b"\x18"):  # C-r and C-x in the list of consoles
        world.press(terminal, b"\x02s" + key)
        assert "read-only" in terminal.lines[-1]
        world.press(terminal, b"\x1b")
        world.advance(0.1)
    world.press(terminal, b"\x02d")
    assert terminal.finished is not None


def test_others_are_detached_and_see_why(world: World) -> None:
    played = world.add()
    first = world.sit_down()
    second = world.sit_down(Start(console=played.console, detach_others=True))
    world.advance(0.5)
    assert first.finished == (0, "[detached from demo by another viewer]")
    assert second.finished is None


def test_several_viewers_are_counted_and_a_different_size_is_said(world: World) -> None:
    played = world.add()
    small = world.sit_down(cols=40, rows=10)
    large = world.sit_down(cols=80, rows=24)
    world.advance(1)
    assert "2 viewers" in large.lines[-1]
    assert "80x23" in small.lines[-1]
    played.print("\x1b[20;60Hhere")
    world.advance(0.1)
    assert any("here" in line for line in small.lines), "the part around the cursor shows"
    world.press(small, b"x")
    assert played.sizes[0] == (40, 9)
    assert "40x9" in large.lines[-1]
    assert large.lines[9].startswith("····"), "where the window ends"
    world.press(large, b"\x02P")
    assert "smallest" in large.lines[-1]


def test_a_program_that_is_gone_comes_back(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.console.entered("recovering")
    world.advance(0.1)
    assert "recovering" in terminal.lines[-1]


def test_a_removed_console_leads_to_the_picker(world: World) -> None:
    world.add("other")
    played = world.add()
    terminal = world.sit_down(Start(console=played.console))
    Deferred.fromCoroutine(world.remove(played.console))
    world.advance(0.1)
    assert terminal.lines[0].startswith(" Consoles")
    assert "demo was removed" in terminal.lines[-1]


def test_the_hub_restarting_is_told(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.console.close(1012, "the hub restarts")
    assert terminal.finished == (1, "[demo: the hub restarts; the console goes on]")


def test_a_dumb_terminal_is_told_what_works(world: World) -> None:
    terminal = world.sit_down(term="dumb")
    assert terminal.finished is not None
    assert terminal.finished[0] != 0
    assert "ls, logs NAME, screen NAME" in terminal.finished[1]
    assert terminal.written == b""


def test_titles_bells_and_clipboards_of_programs(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    played.print("\x1b]2;my title\x07")
    world.advance(0.1)
    assert terminal.screen.title == "my title · demo"
    terminal.screen.events()
    for _ in range(10):
        played.print("\x07")
    world.advance(0.1)
    assert [event.type for event in terminal.screen.events()].count("bell") == 1
    text = base64.b64encode(b"copied").decode()
    played.print(f"\x1b]52;c;{text}\x07")
    world.advance(0.1)
    assert "C-b y lets it" in terminal.lines[-1]
    assert not terminal.screen.events()
    world.press(terminal, b"\x02y")
    assert [event.data for event in terminal.screen.events() if event.type == "clipboard"] == [b"copied"]
    world.press(terminal, b"\x02]")
    assert played.typed[0] == b"copied"
