"""Keys, pastes, the mouse and answers, as terminals of all kinds send them; and as programs get them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termhub.gateways.tui.encode import focus_bytes, key_bytes, paste_bytes
from termhub.gateways.tui.events import Event, Focus, Key, Mouse, Paste, Report
from termhub.gateways.tui.keys import MOST_STRING_BYTES, KeyReader
from termhub.gateways.tui.mouse import mouse_bytes
from termhub.screen.interface import Modes, MouseEncoding, MouseTracking


def read(*pieces: bytes, utf8: bool = True) -> list[Event]:
    """The events of some bytes, when nothing follows them for a while."""
    reader = KeyReader(utf8)
    events: list[Event] = []
    for piece in pieces:
        events += reader.feed(piece)
    return joined(events + reader.flush())


def joined(events: Iterable[Event]) -> list[Event]:
    """With the pieces of each paste as one."""
    out: list[Event] = []
    for event in events:
        last = out[-1] if out else None
        if isinstance(event, Paste) and isinstance(last, Paste) and not event.begins:
            out[-1] = Paste(last.data + event.data, last.begins, event.ends)
        else:
            out.append(event)
    return out


def raw(key: Event) -> bytes:
    """What a program gets when it has set no modes."""
    assert isinstance(key, Key)
    return key_bytes(key, Modes())


TYPED = {
    b"a": Key("a", "a"),
    b"A": Key("A", "A"),
    b" ": Key("Space", " "),
    b"\r": Key("Enter"),
    b"\t": Key("Tab"),
    b"\x7f": Key("Backspace"),
    b"\x1b": Key("Escape"),
    b"\x02": Key("b", ctrl=True),
    b"\n": Key("j", ctrl=True),
    b"\x08": Key("h", ctrl=True),
    b"\x00": Key("Space", ctrl=True),
    b"\x1c": Key("\\", ctrl=True),
    b"\x1f": Key("_", ctrl=True),
    b"\x1bx": Key("x", alt=True),
    b"\x1b\x02": Key("b", ctrl=True, alt=True),
    b"\x1b\r": Key("Enter", alt=True),
    b"\x1b\x7f": Key("Backspace", alt=True),
    b"\x1b[": Key("[", alt=True),
    b"\x1bO": Key("O", alt=True),
    b"\x1b]": Key("]", alt=True),
    "é".encode(): Key("é", "é"),
    "漢".encode(): Key("漢", "漢"),
    "😀".encode(): Key("😀", "😀"),
    "\x1bé".encode(): Key("é", alt=True),
}
XTERM = {
    b"\x1b[A": Key("Up"),
    b"\x1b[D": Key("Left"),
    b"\x1b[H": Key("Home"),
    b"\x1b[F": Key("End"),
    b"\x1b[E": Key("Begin"),
    b"\x1b[1;5C": Key("Right", ctrl=True),
    b"\x1b[1;2A": Key("Up", shift=True),
    b"\x1b[1;3B": Key("Down", alt=True),
    b"\x1b[1;8H": Key("Home", ctrl=True, alt=True, shift=True),
    b"\x1bOP": Key("F1"),
    b"\x1b[1;2R": Key("F3", shift=True),
    b"\x1b[15~": Key("F5"),
    b"\x1b[24;5~": Key("F12", ctrl=True),
    b"\x1b[2~": Key("Insert"),
    b"\x1b[3~": Key("Delete"),
    b"\x1b[5~": Key("PageUp"),
    b"\x1b[6;5~": Key("PageDown", ctrl=True),
    b"\x1b[34~": Key("F20"),
    b"\x1b[Z": Key("Tab", shift=True),
}
# What other terminals send, and what a program that expects an xterm gets for it.
OTHERS = {
    b"\x1bOA": (Key("Up"), b"\x1b[A"),
    b"\x1bOH": (Key("Home"), b"\x1b[H"),
    b"\x1b[1~": (Key("Home"), b"\x1b[H"),  # Linux, PuTTY
    b"\x1b[4~": (Key("End"), b"\x1b[F"),
    b"\x1b[[A": (Key("F1"), b"\x1bOP"),  # Linux
    b"\x1b[[E": (Key("F5"), b"\x1b[15~"),
    b"\x1b[11~": (Key("F1"), b"\x1bOP"),  # PuTTY, rxvt
    b"\x1b[7~": (Key("Home"), b"\x1b[H"),  # rxvt
    b"\x1b[7^": (Key("Home", ctrl=True), b"\x1b[1;5H"),
    b"\x1b[3$": (Key("Delete", shift=True), b"\x1b[3;2~"),
    b"\x1b[6@": (Key("PageDown", ctrl=True, shift=True), b"\x1b[6;6~"),
    b"\x1b[a": (Key("Up", shift=True), b"\x1b[1;2A"),
    b"\x1bOd": (Key("Left", ctrl=True), b"\x1b[1;5D"),
    b"\x1b\x1b[A": (Key("Up", alt=True), b"\x1b\x1b[A"),
    b"\x1bOM": (Key("KPEnter"), b"\r"),
    b"\x1bOu": (Key("KP5", "5"), b"5"),
    b"\x1bOk": (Key("KPAdd", "+"), b"+"),
    b"\x1b[97;5u": (Key("a", ctrl=True), b"\x01"),  # kitty
    b"\x1b[97;3u": (Key("a", alt=True), b"\x1ba"),
    b"\x1b[97;4u": (Key("A", alt=True), b"\x1bA"),
    b"\x1b[97:65;2u": (Key("A", "A"), b"A"),
    b"\x1b[228;;228u": (Key("ä", "ä"), "ä".encode()),
    b"\x1b[27u": (Key("Escape"), b"\x1b"),
    b"\x1b[13;2u": (Key("Enter", shift=True), b"\r"),
    b"\x1b[32;5u": (Key("Space", ctrl=True), b"\x00"),
    b"\x1b[57404u": (Key("KP5", "5"), b"5"),
    b"\x1b[27;5;98~": (Key("b", ctrl=True), b"\x02"),  # modifyOtherKeys
    b"\x1b[27;2;13~": (Key("Enter", shift=True), b"\r"),
    b"\x1b[27;6;9~": (Key("Tab", ctrl=True, shift=True), b"\x1b[Z"),
}


@pytest.mark.parametrize("data", [*TYPED, *XTERM])
def test_a_key_goes_to_the_program_as_it_came(data: bytes) -> None:
    (key,) = read(data)
    assert key == {**TYPED, **XTERM}[data]
    assert raw(key) == data


@pytest.mark.parametrize("data", OTHERS)
def test_keys_of_other_terminals_reach_the_program_as_those_of_an_xterm(data: bytes) -> None:
    (key,) = read(data)
    expected, sent = OTHERS[data]
    assert key == expected
    assert raw(key) == sent


def test_releases_of_keys_are_nothing() -> None:
    assert read(b"\x1b[97;1:3ub") == [Key("b", "b")]


def test_what_means_nothing_goes_on_untouched() -> None:
    for data in (b"\x1b[99~", b"\x1bOz", b"\xff", b"\xc3", b"\xed\xa0\x80"):
        events = read(data + b"!")
        assert b"".join(raw(event) for event in events) == data + b"!", data
        assert events[-1] == Key("!", "!")


def test_escape_and_what_follows_later_are_two_keys() -> None:
    reader = KeyReader()
    assert reader.feed(b"\x1b") == []
    assert reader.is_waiting
    assert reader.flush() == [Key("Escape")]
    assert not reader.is_waiting
    assert reader.feed(b"[A") == [Key("[", "["), Key("A", "A")]
    assert read(b"\x1b\x1b") == [Key("Escape"), Key("Escape")]


def test_a_sequence_that_comes_late_is_still_one_key() -> None:
    reader = KeyReader()
    assert reader.feed(b"\x1b[1") == []
    assert not reader.is_waiting
    assert reader.flush() == []
    assert reader.feed(b";5A") == [Key("Up", ctrl=True)]


def test_ctrl_c_ends_any_unfinished_sequence() -> None:
    for begun in (b"\x1b[1;", b"\x1b]10;rgb", b"\x1bP>|x", b"\x1bO", b"\x1b[M!", b"\xe6\xbc"):
        assert KeyReader().feed(begun + b"\x03")[-1] == Key("c", ctrl=True), begun


def test_latin_1_becomes_utf_8() -> None:
    (key,) = read(b"\xe9", utf8=False)
    assert key == Key("é", "é")
    assert raw(key) == "é".encode()


ANSWERS = {
    b"\x1b[?62;22c": Report("attributes", (62, 22), "?"),
    b"\x1b[>41;354;0c": Report("attributes", (41, 354, 0), ">"),
    b"\x1b[?2026;2$y": Report("mode", (2026, 2)),
    b"\x1b[12;40R": Report("cursor", (12, 40)),
    b"\x1b[?1u": Report("keyboard", (1,)),
    b"\x1b[8;24;80t": Report("window", (8, 24, 80)),
    b"\x1b]11;rgb:1a1a/1a1a/1a1a\x07": Report("colour", (11,), "rgb:1a1a/1a1a/1a1a"),
    b"\x1b]10;rgb:0/0/0\x1b\\": Report("colour", (10,), "rgb:0/0/0"),
    b"\x1b]52;c;aGk=\x07": Report("clipboard", (), "aGk="),
    b"\x1bP>|kitty(0.35.2)\x1b\\": Report("version", (), "kitty(0.35.2)"),
    b"\x1bP1$r0m\x1b\\": Report("other", (), "1$r0m"),
    b"\x1b_Gi=1;OK\x1b\\": Report("other", (), "Gi=1;OK"),
}


@pytest.mark.parametrize("data", ANSWERS)
def test_answers_are_not_keys(data: bytes) -> None:
    assert read(b"a" + data + b"b") == [Key("a", "a"), ANSWERS[data], Key("b", "b")]


def test_an_endless_answer_is_thrown_away_and_does_not_pile_up() -> None:
    reader = KeyReader()
    assert reader.feed(b"\x1b]52;c;") == []
    for _ in range(100):
        assert reader.feed(b"A" * 1000) == []
        assert len(reader._held) <= MOST_STRING_BYTES + 1000
    assert reader.feed(b"\x07x") == [Key("x", "x")]


def test_a_paste_comes_in_pieces_and_goes_on_as_it_is() -> None:
    reader = KeyReader()
    events = reader.feed(b"\x1b[200~one\r\x1b[31m\x02\x1b[20")
    assert events == [Paste(b"one\r\x1b[31m\x02", begins=True)]
    assert reader.feed(b"2~\x1b") == [Paste(b"\x1b[202~")]
    assert reader.feed(b"[201~q") == [Paste(b"", ends=True), Key("q", "q")]
    assert read(b"\x1b[200~\x1b[201~") == [Paste(b"", begins=True, ends=True)]


def test_a_program_gets_the_brackets_of_a_paste_only_when_it_wants_them() -> None:
    pieces = [Paste(b"a", begins=True), Paste(b"b"), Paste(b"", ends=True)]
    assert b"".join(paste_bytes(piece, Modes()) for piece in pieces) == b"ab"
    wanted = Modes(bracketed_paste=True)
    assert b"".join(paste_bytes(piece, wanted) for piece in pieces) == b"\x1b[200~ab\x1b[201~"


def test_focus() -> None:
    assert read(b"\x1b[I\x1b[O") == [Focus(True), Focus(False)]
    assert focus_bytes(Focus(True), Modes(focus_events=True)) == b"\x1b[I"
    assert focus_bytes(Focus(False), Modes()) == b""


def test_keys_by_the_modes_of_the_program() -> None:
    application = Modes(application_cursor_keys=True, application_keypad=True, newline=True)
    sent = {
        Key("Up"): b"\x1bOA",
        Key("Home"): b"\x1bOH",
        Key("Up", ctrl=True): b"\x1b[1;5A",
        Key("KP5", "5"): b"\x1bOu",
        Key("KPEnter"): b"\x1bOM",
        Key("Enter"): b"\r\n",
        Key("Enter", alt=True): b"\x1b\r\n",
        Key("a", "a"): b"a",
    }
    assert {key: key_bytes(key, application) for key in sent} == sent


def test_keys_for_a_program_that_speaks_the_kitty_protocol() -> None:
    sent = {
        Key("Escape"): b"\x1b[27u",
        Key("a", ctrl=True): b"\x1b[97;5u",
        Key("a", alt=True): b"\x1b[97;3u",
        Key("A", alt=True): b"\x1b[97;4u",
        Key("Enter", shift=True): b"\x1b[13;2u",
        Key("Enter"): b"\r",
        Key("A", "A"): b"A",
        Key("Space", ctrl=True): b"\x1b[32;5u",
        Key("Up"): b"\x1b[A",
        Key("F5"): b"\x1b[15~",
    }
    assert {key: key_bytes(key, Modes(kitty_keyboard=1)) for key in sent} == sent
    every = {
        Key("a", "a"): b"\x1b[97;1;97u",
        Key("A", "A"): b"\x1b[97;2;65u",
        Key("Enter"): b"\x1b[13u",
    }
    assert {key: key_bytes(key, Modes(kitty_keyboard=1 | 8 | 16)) for key in every} == every


MOUSE = {
    b"\x1b[<0;3;4M": Mouse("press", 1, 2, 3),
    b"\x1b[<2;3;4m": Mouse("release", 3, 2, 3),
    b"\x1b[<64;1;1M": Mouse("wheel", 4, 0, 0),
    b"\x1b[<65;1;1M": Mouse("wheel", 5, 0, 0),
    b"\x1b[<32;300;200M": Mouse("drag", 1, 299, 199),
    b"\x1b[<35;3;4M": Mouse("move", 0, 2, 3),
    b"\x1b[<20;3;4M": Mouse("press", 1, 2, 3, shift=True, ctrl=True),
    b"\x1b[<128;3;4M": Mouse("press", 8, 2, 3),
    b"\x1b[M #$": Mouse("press", 1, 2, 3),
    b"\x1b[M\x60#$": Mouse("wheel", 4, 2, 3),
    b"\x1b[M@\xff\xff": Mouse("drag", 1, 222, 222),
    b"\x1b[32;3;4M": Mouse("press", 1, 2, 3),
}


@pytest.mark.parametrize("data", MOUSE)
def test_the_mouse(data: bytes) -> None:
    assert read(data) == [MOUSE[data]]


def test_a_release_without_a_button_is_that_of_the_button_pressed_last() -> None:
    assert read(b'\x1b[M"#$\x1b[M##$') == [Mouse("press", 3, 2, 3), Mouse("release", 3, 2, 3)]


def test_broken_mouse_reports_are_nothing() -> None:
    assert read(b"\x1b[<0;0;4M\x1b[<1M\x1b[<999;1;1M\x1b[<0;99999;1Mx") == [Key("x", "x")]


def test_programs_get_the_mouse_as_they_asked() -> None:
    press, drag, move = Mouse("press", 1, 12, 8), Mouse("drag", 1, 12, 8), Mouse("move", 0, 12, 8)

    def sent(tracking: MouseTracking, encoding: MouseEncoding = "sgr") -> list[bytes]:
        modes = Modes(mouse=tracking, mouse_encoding=encoding)
        return [mouse_bytes(event, modes, 10, 5) for event in (press, drag, move)]

    assert sent("off") == [b"", b"", b""]
    assert sent("normal") == [b"\x1b[<0;3;4M", b"", b""]
    assert sent("button") == [b"\x1b[<0;3;4M", b"\x1b[<32;3;4M", b""]
    assert sent("any") == [b"\x1b[<0;3;4M", b"\x1b[<32;3;4M", b"\x1b[<35;3;4M"]
    assert sent("x10", "default") == [b"\x1b[M #$", b"", b""]
    assert sent("normal", "urxvt")[0] == b"\x1b[32;3;4M"
    assert sent("normal", "sgr-pixels")[0] == b"\x1b[<0;20;56M"
    far = Mouse("press", 1, 500, 3)
    assert mouse_bytes(far, Modes(mouse="normal")) == b""
    assert mouse_bytes(far, Modes(mouse="normal", mouse_encoding="utf8")) == "\x1b[M \u0215$".encode()


def test_the_wheel_is_arrow_keys_for_full_screen_programs_without_a_mouse() -> None:
    up, right = Mouse("wheel", 4, 0, 0), Mouse("wheel", 7, 0, 0)
    assert mouse_bytes(up, Modes(alternate_scroll=True)) == b""
    full = Modes(alternate_screen=True, alternate_scroll=True)
    assert mouse_bytes(up, full) == b"\x1b[A" * 3
    assert mouse_bytes(right, full) == b""


SPECIAL = [b"\x1b", b"\x1b[", b"\x1b]", b"\x1bO", b"\x1bP>|", b"[", b"~", b"M", b"<", b"\x1b\\", b"\x07"]
SPECIAL += [b"\x1b[200~", b"\x1b[201~", "漢".encode(), b"1;5", b"$y", b"u", b"R", *XTERM, *OTHERS, *ANSWERS]
streams = st.lists(st.one_of(st.binary(max_size=4), st.sampled_from(SPECIAL)), max_size=12).map(b"".join)


@given(data=streams, cuts=st.lists(st.integers(0, 60), max_size=6), utf8=st.booleans())
@settings(max_examples=400, deadline=None)
def test_however_the_bytes_are_cut_the_events_are_the_same(data: bytes, cuts: list[int], utf8: bool) -> None:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in pairwise(places)]
    whole = read(data, utf8=utf8)
    assert read(*pieces, utf8=utf8) == whole
    assert read(*(bytes([byte]) for byte in data), utf8=utf8) == whole
    assert [raw(event) for event in whole if isinstance(event, Key)] == [
        raw(event) for event in read(*pieces, utf8=utf8) if isinstance(event, Key)
    ]


@given(text=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40))
def test_any_text_arrives_as_it_was_typed(text: str) -> None:
    assert b"".join(raw(event) for event in read(text.encode())) == text.encode()


NAMED = ["Up", "Down", "Left", "Right", "Home", "End", "PageUp", "PageDown", "Insert", "Delete", "F1", "F3"]
NAMED += ["F5", "F12", "F20", "Begin"]


@given(
    name=st.sampled_from(NAMED),
    modifiers=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    application=st.booleans(),
)
def test_keys_survive_the_way_to_a_program_and_back(
    name: str, modifiers: tuple[bool, bool, bool], application: bool
) -> None:
    ctrl, alt, shift = modifiers
    key = Key(name, ctrl=ctrl, alt=alt, shift=shift)
    assert read(key_bytes(key, Modes(application_cursor_keys=application))) == [key]


@given(
    event=st.builds(
        Mouse,
        st.sampled_from(["press", "release", "drag"]),
        st.sampled_from([1, 2, 3, 8, 9]),
        st.integers(0, 200),
        st.integers(0, 200),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
)
def test_the_mouse_survives_the_way_to_a_program_and_back(event: Mouse) -> None:
    assert read(mouse_bytes(event, Modes(mouse="any", mouse_encoding="sgr"))) == [event]
