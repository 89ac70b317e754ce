"""Several people at one console, each at a terminal of their own."""

from __future__ import annotations

import pytest

from termhub.gateways.tui.interface import Start
from termhub.store import Role
from tests.support.terminal_ui import BOB, GUEST, USER, PlayedConsole, PlayedTerminal, World

WIDE = 140


@pytest.fixture
def played(world: World) -> PlayedConsole:
    """A console of alice's, shared with bob as a writer and with a guest as an observer."""
    made = world.add()
    world.shares.let_in(BOB, made.console, "writer")
    world.shares.let_in(GUEST, made.console, "observer")
    return made


def come(
    world: World, played: PlayedConsole, cols: int = WIDE, rows: int = 24
) -> tuple[PlayedTerminal, PlayedTerminal, PlayedTerminal]:
    """Alice, bob and the guest sit down."""
    start = Start(console=played.console)
    terminals = tuple(world.sit_down(start, cols, rows, user=user) for user in (USER, BOB, GUEST))
    world.advance(8)
    return terminals  # type: ignore[return-value]


def test_the_status_line_says_who_is_here_and_who_typed_last(world: World, played: PlayedConsole) -> None:
    alice, bob, carol = come(world, played)
    assert " bob carol? " in alice.lines[-1]
    assert " alice carol? " in bob.lines[-1]
    assert "read-only" in carol.lines[-1]
    world.press(bob, "1")
    world.advance(1)
    assert " bob* carol? " in alice.lines[-1]
    assert " alice carol? " in bob.lines[-1]
    world.press(alice, "2")
    world.advance(1)
    assert " alice* carol? " in bob.lines[-1]


def test_who_comes_and_goes_is_said_quietly(world: World, played: PlayedConsole) -> None:
    alice = world.sit_down(Start(console=played.console), WIDE)
    bob = world.sit_down(Start(console=played.console), WIDE, user=BOB)
    world.advance(0.5)
    assert "bob joined" in alice.lines[-1]
    assert alice.lines[-1].startswith("[demo] 0:python3*")
    world.advance(8)
    assert "bob joined" not in alice.lines[-1]
    world.press(bob, b"\x02d")
    world.advance(0.5)
    assert "bob left" in alice.lines[-1]


def test_the_list_of_people_says_what_they_are(world: World, played: PlayedConsole) -> None:
    alice, bob, _carol = come(world, played)
    world.press(bob, "x")
    world.advance(20)
    world.press(alice, b"\x02a")
    assert alice.lines[0].startswith(" People at demo · anyone may type")
    text = alice.text
    assert "alice (you)" in text
    assert "carol (guest)" in text
    row = next(line for line in alice.lines if line.startswith(" bob"))
    assert "writer · terminal · typed 20 s ago" in row
    world.press(bob, b"\x02d")
    world.advance(0.5)
    assert not any(line.startswith(" bob") for line in alice.lines)
    world.press(alice, "q")
    assert alice.lines[0] == ""


def test_an_owner_promotes_demotes_and_removes(world: World, played: PlayedConsole) -> None:
    alice, _bob, carol = come(world, played)
    world.press(alice, b"\x02a")
    world.press(alice, b"\x1b[B\x1b[Bp")
    assert "carol is a writer now" in alice.lines[-1]
    assert "You may type in this console now." in carol.lines[-1]
    world.press(carol, "hi")
    assert played.typed[0] == b"hi"
    # Who is a writer now stands with the writers.
    world.press(alice, "d")
    assert world.shares.roles[GUEST.number, played.console.id] == "observer"
    assert "You may look" in carol.lines[-1]
    world.press(carol, "no")
    assert "read-only" in carol.lines[-1]
    assert played.typed[0] == b"hi"
    world.press(alice, "d")
    assert "carol is an observer already" in alice.lines[-1]
    world.press(alice, "x")
    assert "Send carol (guest) away?" in alice.lines[-1]
    world.press(alice, "y")
    assert carol.finished is not None
    assert "no longer shared" in carol.finished[1]
    world.press(alice, b"\x1b[A\x1b[Ap")
    assert "That is you" in alice.lines[-1]


@pytest.mark.parametrize("role", ["observer", "writer"])
def test_only_owners_change_who_may_do_what(world: World, played: PlayedConsole, role: Role) -> None:
    world.shares.let_in(BOB, played.console, role)
    _alice, bob, _carol = come(world, played)
    for keys in (b"p", b"d", b"x", b"s", b"l", b"m"):
        world.press(bob, b"\x02a\x1b[B\x1b[B" + keys)
        assert "Only owners" in bob.lines[-1], keys
        world.press(bob, b"q")
    for keys in (b"$", b"X", b"D", b"Y"):
        world.press(bob, b"\x02" + keys)
        assert "Only owners" in bob.lines[-1] or "read-only" in bob.lines[-1], keys
    assert not world.shares.made
    assert world.shares.roles == {
        (BOB.number, played.console.id): role,
        (GUEST.number, played.console.id): "observer",
    }
    assert played.console.together.control.mode == "anyone"


def test_a_co_owner_may_do_what_an_owner_may(world: World, played: PlayedConsole) -> None:
    world.shares.let_in(BOB, played.console, "owner")
    _alice, bob, _carol = come(world, played)
    world.press(bob, b"\x02$\x15work\r")
    assert played.console.name == "work"
    world.press(bob, b"\x02a")
    world.press(bob, b"m")
    world.advance(1)
    assert played.console.together.control.mode == "one"


def test_read_only_is_read_only_whatever_the_role(world: World, played: PlayedConsole) -> None:
    alice = world.sit_down(Start(console=played.console, read_only=True), WIDE)
    world.shares.let_in(BOB, played.console, "owner")
    world.press(alice, "x")
    assert played.typed[0] == b""
    assert "read-only" in alice.lines[-1]
    for keys in (b"\x02as", b"\x02a\x1b[Bp"):
        world.press(alice, keys)
        assert "read-only" in alice.lines[-1]
        world.press(alice, b"q")


def test_control_is_asked_for_given_taken_and_let_go(world: World, played: PlayedConsole) -> None:
    alice, bob, carol = come(world, played)
    world.press(bob, b"\x02C")
    assert "Everybody who may type" in bob.lines[-1]
    world.press(alice, b"\x02am")
    assert "One at a time types now. You have control." in alice.lines[-1]
    world.press(alice, b"q")
    world.advance(8)
    assert "control: alice" in bob.lines[-1]
    assert "control: you" in alice.lines[-1]
    world.press(bob, b"lost")
    assert played.typed[0] == b""
    assert "alice has control; typing does nothing. C-b C asks for it." in bob.lines[-1]
    world.press(bob, b"\x02C")
    assert "alice sees that you ask for control" in bob.lines[-1]
    assert "bob asks for control" in alice.lines[-1]
    world.advance(8)
    assert "control: you, bob asks" in alice.lines[-1]
    world.press(alice, b"\x02C")
    assert "You have control." in bob.lines[-1]
    assert "bob has control." in alice.lines[-1]
    world.press(bob, b"mine")
    assert played.typed[0] == b"mine", "what was refused before is not typed later, and counting goes on"
    world.press(alice, b"no")
    assert "bob has control" in alice.lines[-1]
    world.press(alice, b"\x02C")
    world.press(alice, b"yes")
    assert played.typed[0] == b"mineyes"
    world.press(alice, b"\x02a\x1b[Bg")
    world.advance(1)
    world.press(alice, b"q")
    assert played.console.together.control.holder == played.console.together.people.person_id(BOB)
    world.press(bob, b"\x02C")
    assert "Nobody has control." in bob.lines[-1]
    world.press(carol, b"\x02C")
    assert "read-only" in carol.lines[-1]


def test_only_owners_type_when_they_say_so(world: World, played: PlayedConsole) -> None:
    alice, bob, _carol = come(world, played)
    world.press(alice, b"\x02amm")
    world.advance(1)
    world.press(bob, b"x")
    assert "Only owners" in bob.lines[-1]
    world.press(bob, b"\x02C")
    assert "Only owners type here now." in bob.lines[-1]
    world.press(alice, b"qy")
    assert played.typed[0] == b"y"


def test_the_chat_is_announced_counted_and_read(world: World, played: PlayedConsole) -> None:
    alice, bob, carol = come(world, played)
    played.print(">>> the program")
    world.press(carol, b"\x02Thello all\r")
    assert "carol?: hello all" in alice.lines[-1]
    world.advance(8)
    assert "carol?: hello" not in alice.lines[-1]
    assert "chat 1" in alice.lines[-1]
    world.press(alice, b"\x02T")
    assert "carol (guest): hello all" in alice.text
    assert ">>> the program" in alice.text, "the console stays in view"
    world.press(alice, "hi \u202ecarol\r")
    assert "hi \u202ecarol" not in carol.text
    assert "alice: hi" in carol.text
    world.press(alice, b"\x1b")
    world.advance(0.2)
    assert "chat" not in alice.lines[-1]
    assert "chat 2" in bob.lines[-1]
    world.press(bob, b"\x02T")
    assert [line[7:] for line in bob.lines if "carol" in line and ":" in line[:4]][:1] == [
        "carol (guest): hello all"
    ]
    world.press(bob, b"more\r" * 3)
    assert bob.text.count("bob: more") == 3
    world.press(bob, b"\x1b")
    world.press(bob, b"typed")
    assert played.typed[0] == b"typed"


def test_older_messages_come_when_they_are_scrolled_to(world: World, played: PlayedConsole) -> None:
    _alice, bob, _carol = come(world, played, rows=14)
    for number in range(75):
        world.press(bob, b"\x02T" + b"message %d\r\x1b" % number)
        world.advance(1.2)
    dave = world.sit_down(Start(console=played.console), WIDE, 14)
    world.press(dave, b"\x02T")
    assert "message 74" in dave.text
    for _ in range(40):
        world.press(dave, b"\x1b[5~")
    assert "bob: message 0" in dave.text


def test_a_view_follows_another_until_it_is_scrolled(world: World, played: PlayedConsole) -> None:
    alice, _bob, carol = come(world, played)
    for number in range(100):
        played.print(f"line {number}\r\n")
    world.advance(1)
    world.press(carol, b"\x02a\x1b[Af")
    world.advance(8)
    assert "follow alice" in carol.lines[-1]
    world.press(alice, b"\x02[g")
    world.advance(1)
    assert carol.lines[0].startswith("line 0 ")
    world.press(alice, b"\x1b[6~")
    world.advance(1)
    assert carol.lines[1] == alice.lines[1]
    world.press(alice, b"q\x02c")
    played.print("second", 1)
    world.advance(1)
    assert carol.lines[0] == "second"
    world.press(alice, b"\x020")
    world.press(alice, b"\x02[g")
    world.advance(1)
    assert carol.lines[0].startswith("line 0 ")
    world.press(carol, b"G")
    world.advance(0.2)
    assert "follow" not in carol.lines[-1] or "not following" in carol.lines[-1]
    world.press(alice, b"\x1b[6~")
    world.advance(1)
    assert not carol.lines[0].startswith("line 0 ")


def test_following_ends_when_the_other_leaves_and_with_its_key(world: World, played: PlayedConsole) -> None:
    alice, bob, _carol = come(world, played)
    world.press(alice, b"\x02f")
    assert alice.lines[0].startswith(" Follow whom?")
    world.press(alice, b"\r")
    world.advance(8)
    assert "follow bob" in alice.lines[-1]
    world.press(bob, b"\x02d")
    world.advance(1)
    assert "bob left; not following any more" in alice.lines[-1]
    world.press(alice, b"\x02f")
    world.advance(8)
    assert "follow carol?" in alice.lines[-1], "the only one is followed at once"
    world.press(alice, b"\x02f")
    world.advance(8)
    assert "follow" not in alice.lines[-1]


def test_what_is_selected_is_seen_by_the_others_with_the_name(world: World, played: PlayedConsole) -> None:
    alice, _bob, carol = come(world, played)
    played.print("look at this word\r\nand this")
    world.advance(1)
    world.press(carol, b"\x02[gwwve")
    world.advance(1)
    assert "carol? points" in alice.lines[-1]
    marked = [run.text for run in alice.screen.runs([0])[0] if run.style.bg]
    assert marked == ["this"]
    assert [run.text for run in carol.screen.runs([0])[0] if run.style.attrs] != marked, (
        "no colours of one's own"
    )
    played.print(" more")
    world.advance(0.5)
    assert "and this more" in alice.text
    assert [run.text for run in alice.screen.runs([0])[0] if run.style.bg] == ["this"]
    world.press(carol, b"q")
    world.advance(1)
    assert "points" not in alice.lines[-1]
    assert not [run for run in alice.screen.runs([0])[0] if run.style.bg]


def test_drafts_are_offered_looked_at_run_and_withdrawn(world: World, played: PlayedConsole) -> None:
    alice, bob, carol = come(world, played)
    played.print("print(42)")
    world.advance(0.5)
    world.press(bob, b"\x02[gv$\r")
    world.press(bob, b"\x02eo")
    assert "Offered" in bob.lines[-1]
    assert "bob offers a draft, 1 line" in alice.lines[-1]
    world.advance(8)
    assert "1 draft" in alice.lines[-1]
    world.press(carol, b"\x02e")
    assert any(line.startswith(" print(42)") and "bob · 1 line" in line for line in carol.lines)
    world.press(carol, b"r")
    assert played.typed[0] == b""
    world.press(alice, b"\x02e\r")
    assert alice.lines[0].startswith(" A draft of bob")
    world.press(alice, b"r")
    world.advance(1)
    assert played.typed[0].startswith(b"print(42)")
    assert "alice ran bob's draft" in bob.lines[-1]
    assert "1 draft" not in bob.lines[-1]
    world.press(bob, b"q\x02eo")
    world.advance(1)
    world.press(bob, b"w")
    world.advance(1)
    assert "no drafts" in bob.text


def test_who_typed_a_line_is_said_in_copy_mode(world: World, played: PlayedConsole) -> None:
    alice, bob, carol = come(world, played)
    played.print(">>> ")
    for terminal, line in ((bob, "x = 1"), (alice, "y = 2"), (alice, "x = 1")):
        world.press(terminal, line)
        played.print(line)
        world.press(terminal, "\r")
        played.print("\r\n>>> ")
        world.advance(0.5)
    said = []
    world.press(carol, b"\x02[gggk")
    for _ in range(3):
        world.press(carol, b"a")
        said.append(carol.lines[-1].split(" typed")[0].strip())
        world.press(carol, b"j")
    assert said == ["bob", "alice", "alice"]
    world.press(carol, b"a")
    assert "not known who typed" in carol.lines[-1]


def test_a_link_is_made_and_shown_with_the_command(world: World, played: PlayedConsole) -> None:
    alice, _bob, _carol = come(world, played)
    world.press(alice, b"\x02as")
    assert alice.lines[0].startswith(" Share demo")
    assert "Role: observer" in alice.text
    assert "files of your home" not in alice.text
    world.press(alice, b"\r")
    assert "Role: writer" in alice.text
    assert "files of your home" in alice.text
    world.press(alice, b"\x1b[B\r\x1b[B\x1b[B\r\x1b[B\x1b[B\r")
    (share, token), *_ = world.shares.made
    assert (share.role, share.uses_left, share.is_link) == ("writer", 1, True)
    assert share.expires - share.created == 7 * 86400
    assert f" http://hub.example/s/{token}" in alice.lines
    assert "a writer of demo for 7d, once:" in alice.text
    assert "files of your home" in alice.text
    assert f" ssh {token}@hub.example" in alice.lines
    world.press(alice, b"c")
    assert "Copied" in alice.lines[-1]
    assert world.memory.copied(USER.number) == f"http://hub.example/s/{token}"
    world.press(alice, b"q\x02al")
    assert any("link · writer" in line and "1 use left" in line for line in alice.lines)
    world.press(alice, b"xy")
    assert not world.shares.made
    assert "nothing is shared" in alice.text


def test_a_console_is_shared_with_an_account(world: World, played: PlayedConsole) -> None:
    alice, _bob, _carol = come(world, played)
    world.press(alice, b"\x02as\x1b[B\x1b[B\rdave\r")
    assert "Who: dave" in alice.text
    assert "Uses" not in alice.text
    world.press(alice, b"\x1b[B\r")
    assert world.shares.made[0][0].label == "dave"
    assert "dave is an observer of demo for 1d." in alice.text
    world.press(alice, b"q\x02as\x1b[B\x1b[B\rnobody\r\x1b[B\r")
    assert "There is no account" in alice.lines[-1]


def test_a_programs_question_is_answered_by_an_owner_and_takes_no_key(
    world: World, played: PlayedConsole
) -> None:
    alice, bob, _carol = come(world, played)
    ui = alice.ui
    assert ui is not None
    assert ui.session is not None
    asked = {"type": "asks", "ask": 7, "role": "writer", "expires": 3600, "uses": 2}
    ui.session.happened(0xFFFF, asked)
    world.advance(0.2)
    assert (
        "A program here wants to make a link for writers for 1h, 2 times; C-b Y answers." in alice.lines[-1]
    )
    world.press(alice, "y")
    assert played.typed[0] == b"y", "what is typed goes to the program"
    assert "a program asks" in alice.lines[-1]
    world.press(alice, b"\x02Y")
    assert "Let it? (y/n)" in alice.lines[-1]
    world.press(alice, "n")
    assert "a program asks" not in alice.lines[-1]
    ui.session.happened(0xFFFF, asked)
    ui.session.happened(0xFFFF, {"type": "answered", "ask": 7, "allow": True})
    world.advance(0.2)
    assert "a program asks" not in alice.lines[-1], "another owner has answered"
    ui.session.happened(0xFFFF, asked)
    world.advance(61)
    assert "a program asks" not in alice.lines[-1], "it is too late"
    world.press(bob, b"\x02Y")
    assert "Only owners" in bob.lines[-1]


def test_the_picker_lists_what_others_share_with_the_role(world: World, played: PlayedConsole) -> None:
    bob = world.sit_down(Start(console=played.console), WIDE, user=BOB)
    world.press(bob, b"\x02s")
    row = next(line for line in bob.lines if "alice/demo" in line)
    assert "writer · idle" in row
    assert "+ new console" in bob.text
    world.press(bob, b"demo\x12")
    assert "Only owners" in bob.lines[-1]
    world.press(bob, b"\x18")
    assert "Only owners" in bob.lines[-1]
    assert not played.console.has_ended


def test_a_guest_sees_only_what_is_shared_and_keeps_nothing(world: World, played: PlayedConsole) -> None:
    world.add("secret")
    carol = world.sit_down(cols=WIDE, user=GUEST)
    assert carol.lines[-1].startswith("[alice/demo]"), "the console that is shared is shown first"
    world.press(carol, b"\x02s")
    assert "alice/demo" in carol.text
    assert "secret" not in carol.text
    assert "new console" not in carol.text
    world.press(carol, b"\x0e")
    assert "Guests have no consoles" in carol.lines[-1]
    world.press(carol, b"\x1b\x02b")
    world.advance(0.5)
    assert GUEST.number not in world.store.kept
    world.advance(1)
    del world.shares.roles[GUEST.number, played.console.id]
    later = world.sit_down(cols=WIDE, user=GUEST)
    assert "demo" not in later.text
    assert not world.failures


def test_what_guests_call_themselves_steers_nothing(world: World, played: PlayedConsole) -> None:
    name = "\x1b]2;x\x07e\u202evil\u200b\u0301\u0301\u0301\u0301\u0301" + "w" * 60
    guest = type(GUEST)(-9, name, 0.0, "guest")
    world.shares.let_in(guest, played.console, "writer")
    alice = world.sit_down(Start(console=played.console), WIDE)
    mallory = world.sit_down(Start(console=played.console), WIDE, user=guest)
    world.press(mallory, b"\x02T" + "\x1b[31mred\u2066".encode() + b"\r")
    world.press(mallory, b"x")
    for keys in (b"\x02a", b"\x02T", b"\x02f"):
        world.press(alice, keys + b"")
        for character in "\x07\u202e\u200b\u2066":
            assert character not in alice.text
        world.press(alice, b"\x1b")
        world.advance(0.2)
    assert "\x1b]2;x" not in alice.written.decode()
    assert alice.screen.title.endswith("demo")


@pytest.mark.parametrize(("cols", "rows"), [(20, 5), (10, 2), (1, 1), (40, 12)])
def test_all_of_it_works_on_the_smallest_terminals(
    world: World, played: PlayedConsole, cols: int, rows: int
) -> None:
    alice, bob, _carol = come(world, played, cols, rows)
    world.press(bob, b"\x02Thello there, all of you who are here\r\x1b")
    world.advance(0.2)
    for keys in (b"a", b"as\r", b"al", b"T", b"f", b"e", b"C", b"Y", b"?", b"O"):
        world.press(alice, b"\x02" + keys)
        world.press(alice, b"\x1b[B\x1b[6~")
        alice.ui.resized(cols + 3, rows + 1)  # type: ignore[union-attr]
        world.advance(0.2)
        alice.ui.resized(cols, rows)  # type: ignore[union-attr]
        world.press(alice, b"\x1b")
        world.advance(0.2)
        world.press(alice, b"\x1b")
        world.advance(0.2)
    if rows > 2:
        world.press(alice, b"\x02T")
        assert any("here" in line for line in alice.lines)


def test_many_people_cost_nothing_while_nothing_that_shows_changes(
    world: World, played: PlayedConsole
) -> None:
    alice = world.sit_down(Start(console=played.console))
    ui = alice.ui
    assert ui is not None
    assert ui.session is not None
    company = ui.session.company
    people = [
        {
            "id": f"{number:016x}",
            "person": f"{number:016x}",
            "name": f"person {number}",
            "role": "observer",
            "via": "browser",
            "is_guest": True,
            "member": number,
            "typed": None,
        }
        for number in range(64)
    ]

    def told(round_: int) -> None:
        from termhub.gateways.tui.people import people_of

        people[0]["typed"] = 100.0 + round_
        ui.session.happened(0xFFFF, {"type": "viewers", "count": 64, "people": people_of(people)})  # type: ignore[union-attr]

    told(0)
    world.advance(8)
    composed = 0
    stale = ui.display.stale

    def count() -> None:
        nonlocal composed
        composed += 1
        stale()

    ui.display.stale = count  # type: ignore[method-assign]
    for round_ in range(1, 26):
        told(round_)
        world.advance(0.04)
    assert composed == 0
    assert company.brief == "person 0?* person 1?+62"
