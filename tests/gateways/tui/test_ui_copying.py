"""Copy mode and the mouse, as a person uses them."""

from __future__ import annotations

from termhub.gateways.tui.interface import Start
from tests.support.terminal_ui import USER, PlayedTerminal, World


def copied(terminal: PlayedTerminal) -> list[bytes]:
    """What was put into the clipboard since the last call."""
    return [event.data for event in terminal.screen.events() if event.type == "clipboard"]


def click(button: int, x: int, y: int, final: str = "M") -> bytes:
    """A mouse report, cells counted from 0."""
    return b"\x1b[<%d;%d;%d%s" % (button, x + 1, y + 1, final.encode())


def drag(x: int, y: int, to_x: int, to_y: int) -> bytes:
    return click(0, x, y) + click(32, to_x, to_y) + click(0, to_x, to_y, "m")


def with_history(world: World) -> PlayedTerminal:
    played = world.add()
    terminal = world.sit_down()
    played.print("".join(f"line {number}\r\n" for number in range(100)))
    world.advance(0.1)
    return terminal


def test_looking_back_while_the_program_goes_on(world: World) -> None:
    terminal = with_history(world)
    played = next(iter(world.played.values()))
    world.press(terminal, b"\x02[")
    assert terminal.lines[0] == "line 78".ljust(74) + "[0/78]"
    played.print("more\r\n" * 5)
    world.advance(0.1)
    assert terminal.lines[1] == "line 79", "it stands still"
    world.press(terminal, b"g")
    assert terminal.lines[0].startswith("line 0 ")
    assert terminal.lines[0].endswith("[83/83]")
    played.print("more\r\n" * 5)
    world.advance(0.1)
    world.press(terminal, b"\x1b[6~")
    assert terminal.lines[1] == "line 23"
    world.press(terminal, b"q")
    assert terminal.lines[21] == "more"
    assert "[" not in terminal.lines[0]
    world.press(terminal, b"x")
    assert played.typed[0] == b"x"


def test_what_happens_to_the_console_is_heard_while_looking_back(world: World) -> None:
    terminal = with_history(world)
    played = next(iter(world.played.values()))
    world.press(terminal, b"\x02[")
    played.print("more")
    played.console.renamed("work")
    world.advance(0.1)
    assert terminal.lines[-1].startswith("[work]")


def test_searching_and_copying(world: World) -> None:
    terminal = with_history(world)
    world.press(terminal, b"\x02[?LINE 4\x7f4\r")
    assert "not found" in terminal.lines[0], "capitals make case count"
    world.press(terminal, b"?line 4\r")
    assert terminal.lines[0].startswith("line 49")
    world.press(terminal, b"n")
    assert terminal.lines[0].startswith("line 48")
    world.press(terminal, b"v$\r")
    assert copied(terminal) == [b"line 48"]
    assert "Copied 7 characters; C-b ] types it." in terminal.lines[-1]
    assert world.memory.copied(USER.number) == "line 48"
    world.press(terminal, b"\x02]")
    assert next(iter(world.played.values())).typed[0] == b"line 48"


def test_copied_lines_are_typed_as_a_paste(world: World) -> None:
    terminal = with_history(world)
    played = next(iter(world.played.values()))
    world.press(terminal, b"\x02[kkVky")
    assert copied(terminal) == [b"line 97\nline 98"]
    world.press(terminal, b"\x02]")
    assert played.typed[0] == b"line 97\rline 98"
    played.print("\x1b[?2004h")
    world.advance(0.1)
    world.press(terminal, b"\x02]")
    assert played.typed[0].endswith(b"\x1b[200~line 97\rline 98\x1b[201~")


def test_the_wheel_looks_back_and_returns(world: World) -> None:
    terminal = with_history(world)
    world.press(terminal, click(64, 5, 5))
    assert terminal.lines[0].startswith("line 75")
    world.press(terminal, click(64, 5, 5) * 4)
    assert terminal.lines[0].startswith("line 63"), "each turn of the wheel counts"
    world.press(terminal, click(65, 5, 5) * 5)
    assert terminal.lines[0] == "line 78"
    played = next(iter(world.played.values()))
    played.print("\x1b[?1049h\x1b[?1h")
    world.advance(0.1)
    world.press(terminal, click(64, 5, 5))
    assert played.typed[0] == b"\x1bOA" * 3, "a full-screen program without a mouse gets arrows"


def test_dragging_copies(world: World) -> None:
    terminal = with_history(world)
    world.press(terminal, drag(5, 2, 3, 4))
    assert copied(terminal) == [b"80\nline 81\nline"]
    assert "[" not in terminal.lines[0]


def test_the_mouse_goes_to_programs_that_ask_for_it(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    assert terminal.screen.modes.mouse == "button"
    world.press(terminal, b"\x02%")
    played.print("\x1b[?1003h\x1b[?1006h", 1)
    world.advance(0.1)
    assert terminal.screen.modes.mouse == "any"
    world.press(terminal, click(0, 45, 3) + click(0, 45, 3, "m") + click(35, 46, 3))
    assert played.typed[1] == b"\x1b[<0;5;4M\x1b[<0;5;4m\x1b[<35;6;4M"
    world.press(terminal, click(0, 3, 3) + click(0, 3, 3, "m"))
    assert "0:python3*" in terminal.lines[-1], "a click gives the focus"
    assert played.typed[0] == b""
    world.press(terminal, drag(40, 5, 30, 5))
    assert played.sizes == {0: (30, 23), 1: (49, 23)}
    world.press(terminal, click(0, 19, 23))
    assert "1:bash*" in terminal.lines[-1], "a click on a tab"


def test_the_mouse_can_be_left_to_the_terminal(world: World) -> None:
    world.store.kept[USER.number] = {"terminal": {"mouse": False}}
    played = world.add()
    terminal = world.sit_down()
    assert terminal.screen.modes.mouse == "off"
    played.print("\x1b[?1000h")
    world.advance(0.1)
    assert terminal.screen.modes.mouse == "normal"


def test_focus_is_passed_on_to_programs_that_ask(world: World) -> None:
    played = world.add()
    terminal = world.sit_down()
    assert terminal.screen.modes.focus_events
    world.press(terminal, b"\x1b[O\x1b[I")
    assert played.typed[0] == b""
    played.print("\x1b[?1004h")
    world.advance(0.1)
    world.press(terminal, b"\x1b[O")
    assert played.typed[0] == b"\x1b[O"
    world.press(terminal, b"\x1b[I\x02c")
    assert played.typed[0] == b"\x1b[O\x1b[I\x1b[O"
    world.press(terminal, b"\x020")
    assert played.typed[0] == b"\x1b[O\x1b[I\x1b[O\x1b[I"


def test_looking_back_in_a_console_that_has_ended(world: World) -> None:
    terminal = with_history(world)
    played = next(iter(world.played.values()))
    played.die("enough")
    world.advance(0.1)
    assert "has ended" in terminal.text
    world.press(terminal, b"\x02[kk")
    assert "has ended" not in terminal.text
    world.press(terminal, b"q")
    assert "has ended: enough" in terminal.text


def test_a_window_larger_than_the_terminal_is_looked_through(world: World) -> None:
    played = world.add(cols=80, rows=23)
    terminal = world.sit_down(Start(console=played.console, read_only=True), cols=30, rows=6)
    large = world.sit_down()
    world.press(large, b" ")
    played.print("".join(f"line {number}\r\n" for number in range(50)) + "end")
    world.advance(0.1)
    assert terminal.lines[4] == "end"
    world.press(terminal, b"\x02[kkkkkk")
    assert terminal.lines[0].startswith("line 44")
    world.press(terminal, b"gk")
    assert terminal.lines[0].startswith("line 0 ")
