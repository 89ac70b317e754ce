"""One-line questions, settings and help."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.line_editor import _EDITS
from termhub.gateways.tui.overlay import Help
from termhub.gateways.tui.prompts import Confirm, TextPrompt
from termhub.gateways.tui.settings import KEY, VALUES, SettingsScreen, TerminalSettings
from termhub.gateways.tui.tree import Rect

AREA = Rect(0, 0, 60, 12)


def lines(canvas: Canvas) -> list[str]:
    return ["".join(row).rstrip() for row in canvas.texts]


def typed(prompt: TextPrompt, *names: str) -> str:
    for name in names:
        prompt.key(name, name if len(name) == 1 else "")
    return prompt.text


def test_a_text_is_edited_as_in_a_shell() -> None:
    answers: list[str] = []
    prompt = TextPrompt("name:", "work", answers.append)
    assert typed(prompt, "C-a", "x", "End", "y") == "xworky"
    assert typed(prompt, "Left", "Backspace", "Delete") == "xwor"
    assert typed(prompt, " ", "z", "z", "C-w") == "xwor "
    prompt.paste("one\ntwo")
    assert prompt.text == "xwor one"
    assert prompt.key("Enter", "")
    assert answers == ["xwor one"]


def test_a_prompt_that_is_given_up_answers_nothing() -> None:
    answers: list[str] = []
    assert TextPrompt("name:", "work", answers.append).key("Escape", "")
    assert Confirm("sure?", lambda: answers.append("yes")).key("n", "n")
    assert answers == []
    assert Confirm("sure?", lambda: answers.append("yes")).key("y", "y")
    assert answers == ["yes"]


def test_a_prompt_shows_the_place_where_one_types() -> None:
    canvas = Canvas(20, 1)
    prompt = TextPrompt("name:", "a" * 30, lambda text: None)
    x, _ = prompt.draw(canvas, 0)
    assert x == 19
    assert lines(canvas)[0].startswith("name: aaa")
    Confirm("End everything that there is?", lambda: None).draw(canvas, 0)
    assert "(y/n)" in lines(canvas)[0]


@given(
    st.text(max_size=30),
    st.lists(st.one_of(st.sampled_from(sorted(_EDITS)), st.characters())),
    st.integers(1, 30),
)
def test_a_prompt_takes_any_keys_in_any_width(text: str, names: list[str], cols: int) -> None:
    prompt = TextPrompt("name:", text, lambda text: None)
    for name in names:
        prompt.key(name, name if len(name) == 1 else "")
        assert 0 <= prompt.line.place <= len(prompt.text)
    x, y = prompt.draw(Canvas(cols, 1), 0)
    assert (0 <= x < cols, y) == (True, 0)


def test_settings_survive_what_others_have_stored() -> None:
    stored = {"theme": "dark", KEY: {"preset": "screen", "mouse": 0, "status": "no", "copying": "always"}}
    settings = TerminalSettings.of(stored)
    assert settings == TerminalSettings(preset="screen", copying="always")
    assert settings.stored_in(stored)["theme"] == "dark"
    assert TerminalSettings.of(settings.stored_in(stored)) == settings
    assert TerminalSettings.of({KEY: ["x"]}) == TerminalSettings()


def test_the_settings_screen_changes_at_once() -> None:
    chosen: list[TerminalSettings] = []
    closed: list[bool] = []
    screen = SettingsScreen(TerminalSettings(), chosen.append, lambda: closed.append(True))
    for name in ("Enter", "Down", "Down", "Space", "Up", "Left", *["Down"] * 9, "Enter"):
        screen.key(name, "")
    assert chosen[-1] == TerminalSettings(preset="screen", mouse=False, status=False, tell_command=5)
    canvas = Canvas(60, 12)
    screen.draw(canvas, AREA)
    assert " Keys: C-a, as screen" in lines(canvas)
    screen.click(3, 1)
    screen.click(3, 1)
    assert chosen[-1].preset == "none"
    screen.key("q", "q")
    assert closed == [True]
    for rows in range(1, 4):
        screen.draw(Canvas(10, rows), Rect(0, 0, 10, rows))
    assert all(len(values) > 1 for values in VALUES.values())


def test_help_lists_the_keys_of_the_preset_and_scrolls() -> None:
    closed: list[bool] = []
    shown = Help("screen", ["In a browser: http://hub/"], lambda: closed.append(True))
    canvas = Canvas(60, 12)
    shown.draw(canvas, AREA)
    assert any("C-a d" in line for line in lines(canvas))
    shown.key("End", "")
    shown.draw(canvas, AREA)
    assert any("http://hub/" in line for line in lines(canvas))
    assert not any("C-a d" in line for line in lines(canvas))
    shown.key("q", "q")
    assert closed == [True]
