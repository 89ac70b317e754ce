"""Which keys are commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.tui.bindings import (
    PRESETS,
    TABLES,
    Action,
    Bindings,
    Command,
    Preset,
    Typed,
    Unbound,
    help_rows,
    key_name,
)
from termhub.gateways.tui.commands import _EVERYWHERE, _IN_CONSOLE
from termhub.gateways.tui.events import Key
from termhub.gateways.tui.keys import KeyReader


def typed(preset: Preset, data: bytes, now: float = 0.0) -> list[Typed]:
    """What typed bytes mean, from the start of a line."""
    bindings, reader = Bindings(preset), KeyReader()
    events = reader.feed(data) + reader.flush()
    found: list[Typed] = []
    for event in events:
        if isinstance(event, Key):
            for each in bindings.feed(event, now):
                found.append(each)
                if isinstance(each, Key):
                    bindings.passed_on(each)
    return found


def meant(preset: Preset, data: bytes) -> list[str]:
    """The same, as words."""
    return [
        each.command.name
        if isinstance(each, Action)
        else f"no {each.key}"
        if isinstance(each, Unbound)
        else key_name(each)
        for each in typed(preset, data)
    ]


@pytest.mark.parametrize(
    ("preset", "data", "words"),
    [
        ("tmux", b"a\x02d", ["a", "DETACH"]),
        ("tmux", b"\x02\x02", ["C-b"]),
        ("tmux", b'\x02"\x02%', ["SPLIT_DOWN", "SPLIT_RIGHT"]),
        ("tmux", b"\x02\x1b[A", ["FOCUS_UP"]),
        ("tmux", b"\x02\x1b[1;5D", ["GROW_LEFT"]),
        ("tmux", b"\x02\x1b[5~", ["PAGE_BACK"]),
        ("tmux", b"\x02\x01x", ["no C-a", "x"]),
        ("tmux", b"\x1b[98;5ud", ["DETACH"]),
        ("tmux", b"~.\x1d", ["~", ".", "C-]"]),
        ("screen", b"\x01d\x01a\x02", ["DETACH", "C-a", "C-b"]),
        ("screen", b"\x01\x01", ["LAST_WINDOW"]),
        ("screen", b"\x01 \x01\x7f", ["NEXT_WINDOW", "PREVIOUS_WINDOW"]),
        ("screen", b'\x01"\x01k\x01A\x01S', ["PICK_WINDOW", "KILL_PANE", "RENAME_WINDOW", "SPLIT_DOWN"]),
        ("none", b"\x02d", ["C-b", "d"]),
        ("none", b"~.", ["DETACH"]),
        ("none", b"a~.", ["a", "~", "."]),
        ("none", b"a\r~?", ["a", "Enter", "HELP"]),
        ("none", b"~~.", ["~", "."]),
        ("none", b"~/x", ["~", "/", "x"]),
        ("none", b"x\x1d", ["x", "DETACH"]),
    ],
)  # fmt: skip
def test_keys_mean(preset: Preset, data: bytes, words: list[str]) -> None:
    assert meant(preset, data) == words


def test_resizing_repeats_without_the_prefix_for_a_moment() -> None:
    bindings = Bindings()
    left, up = Key("Left", ctrl=True), Key("Up")
    bindings.feed(Key("b", ctrl=True), 0.0)
    assert bindings.awaits
    assert bindings.feed(left, 1.0) == [Action(Command.GROW_LEFT, "C-Left")]
    assert bindings.feed(left, 1.4) == [Action(Command.GROW_LEFT, "C-Left")]
    assert bindings.feed(up, 1.5) == [up], "only what repeats"
    assert bindings.feed(left, 1.6) == [left]


def test_a_window_is_selected_by_its_digit() -> None:
    assert typed("tmux", b"\x023") == [Action(Command.SELECT_WINDOW, "3")]


def test_a_paste_does_not_begin_a_line() -> None:
    bindings = Bindings("none")
    bindings.passed_on(None)
    assert bindings.feed(Key("~", "~"), 0.0) == [Key("~", "~")]


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_is_bound_twice_and_every_command_has_help(preset: Preset) -> None:
    keys = [key for keys in TABLES[preset].values() for key in keys]
    assert len(keys) == len(set(keys))
    words = {words for _, words in help_rows(preset)}
    assert {command.value for command in TABLES[preset]} <= words


def test_both_prefixes_reach_every_command_and_every_command_does_something() -> None:
    assert set(TABLES["tmux"]) == set(TABLES["screen"]) == set(Command)
    assert set(_EVERYWHERE) | set(_IN_CONSOLE) == set(Command) - {Command.SEND_PREFIX}


@given(st.sampled_from(PRESETS), st.lists(st.sampled_from(["a", "~", ".", "b", "Enter", "x"]), max_size=20))
def test_what_is_no_command_reaches_the_program_in_order(preset: Preset, names: list[str]) -> None:
    bindings = Bindings(preset)
    keys = [Key(name, name if len(name) == 1 else "") for name in names]
    out: list[Typed] = []
    for key in keys:
        for each in bindings.feed(key, 0.0):
            out.append(each)
            if isinstance(each, Key):
                bindings.passed_on(each)
    if not bindings.awaits and not any(isinstance(each, Action) for each in out):
        # Of ~~ one is sent.
        sent = "".join(each.name for each in out if isinstance(each, Key))
        assert sent == "".join(names) or (
            preset == "none" and sent.replace("~", "") == "".join(names).replace("~", "")
        )
