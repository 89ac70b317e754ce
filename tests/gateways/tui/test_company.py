"""What the hub tells of people, control, chat, drafts and pointing, as values; and how it is shown."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.chat import MOST_KEPT, MOST_LINES, Chat, Message
from termhub.gateways.tui.chat_panel import ChatPanel
from termhub.gateways.tui.choices import Choice, Choices
from termhub.gateways.tui.company import Ask, Company
from termhub.gateways.tui.control import Control
from termhub.gateways.tui.drafts import Drafts
from termhub.gateways.tui.pager import Pager
from termhub.gateways.tui.people import (
    Person,
    arrivals,
    brief,
    came_and_went,
    others,
    parse_event,
    people_of,
)
from termhub.gateways.tui.pointers import Pointer, Pointers
from termhub.gateways.tui.share_form import NewShare, ShareForm
from termhub.gateways.tui.text import told, wrapped
from termhub.gateways.tui.tree import Rect
from termhub.gateways.tui.typists import TypedLine, typist
from termhub.screen.runs import count_cells

STEERING = "\x00\x07\x1b\x7f\x9b\u200b\u200e\u202e\u2028\u2066\u061c\ufeff\U000e0041"


def person(name: str, typed: float | None = None, id: str = "", **more: Any) -> Person:
    return Person(id or f"at {name}", name, name, "writer", "browser", typed=typed, **more)


# -- text ------------------------------------------------------------------------------


@given(st.text() | st.text(alphabet=STEERING + "ab\u0301\u4e16"))
def test_words_of_others_steer_and_hide_nothing(text: str) -> None:
    shown = told(text)
    assert not any(character in shown for character in STEERING)
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in shown)
    marks = 0
    for character in shown:
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        assert marks <= 2
    assert told(shown) == shown


@given(st.text().map(told), st.integers(1, 30))
def test_wrapped_text_is_whole_and_fits(text: str, cols: int) -> None:
    lines = wrapped(text, cols)
    assert lines
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert count_cells(line) <= max(cols, 2)


def test_text_is_wrapped_between_words() -> None:
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("abcdefghij k", 4) == ["abcd", "efgh", "ij k"]
    assert wrapped("世界世界", 5) == ["世界", "世界"]


# -- people ----------------------------------------------------------------------------


def test_the_others_are_told_in_few_cells() -> None:
    you, bob, carol = person("you"), person("bob"), person("carol")
    assert brief([you], 1, "you") == ""
    assert brief([you, person("you", id="phone")], 2, "you") == "2 viewers"
    assert brief([you, bob, carol], 3, "you") == "bob carol"
    assert brief([you, bob, bob._replace(id="phone"), carol, person("dave")], 5, "you") == "bob carol+1"
    assert brief([you, bob, carol], 40, "you") == "bob carol+37"
    typed = [you._replace(typed=1.0), bob, carol._replace(typed=2.0)]
    assert brief(typed, 3, "you") == "carol* bob"
    assert brief([*typed[1:], you._replace(typed=3.0)], 3, "you") == "bob carol"
    assert brief([you, person("someone with a long name")], 2, "you") == "someone w…"
    guests = [person("someone with a long name", is_guest=True), person("dave", 1.0, is_guest=True)]
    assert brief([you, *guests], 3, "you") == "dave?* someone …?"


def test_of_several_attachments_the_one_typed_at_last_counts() -> None:
    old, new = person("bob", 1.0, "old"), person("bob", 5.0, "new")
    assert others([old, new, person("you")], "you") == [new]
    assert others([new, old], "you") == [new]


def test_who_came_and_went_is_said_once_each() -> None:
    before = [person("you"), person("bob")]
    after = [person("you"), person("carol"), person("carol", id="phone"), person("dave")]
    came, went = arrivals(before, after, "you")
    assert came_and_went(came, went) == "carol and 1 more joined, bob left"
    assert came_and_went(*arrivals(before, [*before, person("bob", id="phone")], "you")) == ""


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.text(max_size=8),
                "person": st.text(max_size=3),
                "name": st.text(),
                "role": st.sampled_from(("observer", "writer", "owner")),
                "via": st.sampled_from(("browser", "terminal")),
                "is_guest": st.booleans(),
                "member": st.none() | st.integers(1, 99),
                "typed": st.none() | st.floats(0, 1e10),
            }
        ),
        max_size=70,
    ),
    st.integers(0, 200),
)
def test_any_list_of_people_is_shown_in_one_short_line(listed: list[dict[str, Any]], count: int) -> None:
    event = parse_event(json.dumps({"type": "viewers", "count": count, "people": listed}).encode())
    people = event["people"]
    assert people == people_of(listed)
    words = brief(people, count, "a")
    assert count_cells(words) <= 30
    assert told(words) == words
    arrivals(people, people[1:], "a")


# -- control ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "holder", "role", "lets"),
    [
        ("anyone", None, "writer", True),
        ("anyone", None, "observer", False),
        ("one", "me", "writer", True),
        ("one", "bob", "owner", False),
        ("one", None, "writer", True),
        ("one", None, "observer", False),
        ("owner", None, "writer", False),
        ("owner", None, "owner", True),
    ],
)
def test_whose_keys_count(mode: str, holder: str | None, role: str, lets: bool) -> None:
    assert Control(mode, holder).lets("me", role) is lets


def test_control_in_words() -> None:
    waiting = [{"person": "carol", "name": "carol"}]
    held = Control.of({"mode": "one", "holder": "bob", "name": "bob", "waiting": waiting})
    assert held.brief("bob", "writer") == "control: you, carol asks"
    assert held.brief("me", "writer") == "control: bob"
    assert held.brief("me", "owner") == "control: bob, carol asks"
    assert Control("one").brief("me", "writer") == "control: free"
    assert Control("owner").brief("me", "owner") == "owners type"
    assert Control().brief("me", "owner") == ""
    assert "C-b C asks for it" in held.refusal("C-b C")
    assert "asks" not in held.refusal("")
    assert "free now" in Control("one").refusal("C-b C")


# -- pointing --------------------------------------------------------------------------


def looks(id: str = "a", start: Any = (0, 0), end: Any = (0, 5), **more: Any) -> dict[str, Any]:
    return {"id": id, "person": id, "name": id, "window": 0, "back": 0, "from": start, "to": end, **more}


def test_the_cells_that_somebody_points_at() -> None:
    pointer = Pointers().heard(looks(start=[-1, 5], end=[1, 3]))
    assert pointer.marked(-2, 80) is None
    assert pointer.marked(-1, 80) == (5, 80)
    assert pointer.marked(0, 80) == (0, 80)
    assert pointer.marked(1, 80) == (0, 3)
    assert pointer.marked(2, 80) is None
    assert pointer.marked(-1, 4) is None


def test_pointers_are_the_latest_of_those_who_are_here() -> None:
    pointers = Pointers()
    pointers.heard(looks("a"))
    pointers.heard(looks("b", window=1))
    pointers.heard(looks("c", start=None, end=None))
    assert [each.id for each in pointers.in_window(0)] == ["a"]
    assert [each.id for each in pointers.in_window(1)] == ["b"]
    pointers.heard(looks("a", start=None, end=None, back=7))
    assert pointers.in_window(0) == []
    latest = pointers.of_person("a")
    assert latest is not None
    assert latest.back == 7
    pointers.keep({"b"})
    assert pointers.of("a") is None
    for number in range(200):
        pointers.heard(looks(str(number)))
    assert len(pointers.in_window(0)) == Pointers.MOST


@given(st.tuples(*[st.integers(-(1 << 31), 1 << 31)] * 4), st.integers(-100, 100), st.integers(1, 300))
def test_whatever_is_selected_is_within_the_row(
    cells: tuple[int, int, int, int], row: int, cols: int
) -> None:
    pointer = Pointer("a", "a", "a", 0, 0, cells[:2], (cells[2], max(0, cells[3])))
    marked = pointer._replace(start=(cells[0], max(0, cells[1]))).marked(row, cols)
    assert marked is None or 0 <= marked[0] < marked[1] <= cols


# -- chat ------------------------------------------------------------------------------


def message(number: int, text: str = "words", person: str | None = "bob") -> Message:
    return Message(number, 0.0, person, "bob", text)


def test_messages_are_kept_once_in_order_and_counted() -> None:
    chat = Chat()
    assert chat.heard(message(3), "me")
    assert not chat.heard(message(4, person="me"), "me")
    assert (chat.unread, list(chat.messages)) == (1, []), "the hub keeps them"
    chat.shown(True)
    assert not chat.heard(message(5), "me")
    assert chat.unread == 0
    read = [attrs_of(message(number)) for number in (2, 3, 4, 5)]
    chat.read_on({"messages": read, "more": True})
    assert [each.number for each in chat.messages] == [2, 3, 4, 5]
    assert (chat.oldest, chat.has_more) == (2, True)
    for number in range(6, MOST_KEPT * 2):
        chat.heard(message(number), "me")
    assert len(chat.messages) == MOST_KEPT
    chat.read_on({"messages": [], "more": True})
    assert not chat.has_more, "there is no room for older ones"


def attrs_of(said: Message) -> dict[str, Any]:
    return {**said._asdict()}


@given(st.text(max_size=300), st.text(max_size=60), st.integers(1, 40))
def test_any_message_is_shown_in_lines_that_fit(text: str, name: str, cols: int) -> None:
    said = Message.of({"number": 1, "time": 0.0, "person": None, "name": name, "text": text})
    lines = said.lines(cols)
    assert len(lines) <= MOST_LINES
    for line in lines:
        assert told(line) == line
        assert count_cells(line) <= max(cols, 4)
    assert count_cells(said.hint) <= 40


def test_the_panel_keeps_out_of_the_cursors_way() -> None:
    panel = ChatPanel(Chat(), lambda text: None, lambda: None, lambda: None)
    area = Rect(0, 0, 80, 23)
    low, high = panel.place(area, 22), panel.place(area, 0)
    assert not low.holds(0, 22)
    assert not high.holds(0, 0)
    assert panel.place(Rect(0, 0, 20, 4), 0) == Rect(0, 0, 20, 4)


@given(st.lists(st.text(max_size=200), max_size=20), st.integers(1, 60), st.integers(1, 20))
def test_the_panel_is_drawn_in_any_size(texts: list[str], cols: int, rows: int) -> None:
    chat = Chat()
    chat.shown(True)
    for number, text in enumerate(texts):
        chat.heard(message(number, text), "me")
    said: list[str] = []
    panel = ChatPanel(chat, said.append, lambda: None, lambda: None)
    canvas = Canvas(cols, rows)
    for name in ("x", "PageUp", "Up", "Down", "y", "Enter", "PageDown"):
        panel.key(name, name if len(name) == 1 else "")
        panel.draw(canvas, panel.place(Rect(0, 0, cols, rows), 0))
        panel.wheel(-3)
    assert said == ["xy"]


# -- drafts ----------------------------------------------------------------------------


def draft(id: str, state: str = "offered", text: str = "a\nb", by: str | None = None) -> dict[str, Any]:
    return {"draft": id, "person": "p", "name": "bob", "text": text, "state": state, "by": by}


def test_drafts_are_on_offer_until_they_are_run_or_withdrawn() -> None:
    drafts = Drafts()
    drafts.begin([draft("1"), draft("2")])
    assert drafts.heard(draft("3")).news == "bob offers a draft, 2 lines"
    assert drafts.heard(draft("1", "run", by="carol")).news == "carol ran bob's draft"
    assert drafts.heard(draft("2", "withdrawn")).news == "bob's draft was withdrawn"
    assert [each.id for each in drafts.offered] == ["3"]
    assert drafts.get("1") is None


@given(st.text())
def test_any_draft_can_be_shown(text: str) -> None:
    made = Drafts().heard(draft("1", text=text))
    assert all(told(line) == line for line in [*made.lines, made.title])


# -- who typed -------------------------------------------------------------------------


def line(who: str, text: str, time: float = 0.0) -> TypedLine:
    return TypedLine(time, (who,), text)


def test_a_line_is_found_among_those_that_were_typed() -> None:
    typed = [line("a", ">>> x = 1"), line("b", ">>> y"), line("c", ">>> x = 1"), line("d", ">>> f(\n... 1)")]
    assert typist([">>> x = 1", ">>> y", ">>> x  =  1"], typed) == typed[0]
    assert typist([">>> x = 1", ">>> y"], typed) == typed[2]
    assert typist([">>> x = 1"] * 3, typed) is None, "it stands there more often than it was typed"
    assert typist(["... 1)"], typed) == typed[3]
    assert typist([">> x ="], typed) == typed[2], "part of it, where it was wrapped"
    assert typist(["1"], typed) is None
    assert typist(["output"], typed) is None
    assert typist([""], typed) is None
    assert typist([], typed) is None


def test_who_typed_in_words() -> None:
    told_of = {"time": 0, "who": ["bob", "carol", "\x1bdave"], "text": ""}
    words = TypedLine.of(told_of).words
    assert words.startswith("bob, carol and \ufffddave typed this line at ")


@given(st.lists(st.text()), st.lists(st.tuples(st.text(), st.text())))
def test_any_lines_are_looked_for(lines: list[str], typed: list[tuple[str, str]]) -> None:
    typist(lines, [line(who, text) for who, text in typed])


# -- what programs ask -----------------------------------------------------------------


def test_a_programs_question_in_words() -> None:
    assert Ask("1", "writer", 3600, 1).words == "make a link for writers for 1h, once"
    assert Ask("1", "observer", 86400, None).words == "make a link for observers for 1d"


# -- the company as a whole ------------------------------------------------------------


class Heard:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.changes = 0

    def changed(self) -> None:
        self.changes += 1

    def say(self, words: str) -> None:
        self.words.append(words)

    hint = say

    def asked(self, ask: Ask) -> None:
        self.words.append(ask.words)

    def answered(self, ask: str) -> None:
        pass

    def pointed(self, pointer: Pointer) -> None:
        pass

    def people_changed(self) -> None:
        pass


def raw(each: Person) -> dict[str, Any]:
    return each._asdict()


def test_what_does_not_show_is_not_drawn() -> None:
    heard = Heard()
    company = Company("writer", heard)
    you = {"id": "at me", "person": "me", "name": "me", "is_guest": False}
    company.greeted(
        {
            "you": you,
            "role": "owner",
            "people": [raw(person("me")), raw(person("bob"))],
            "console": {"viewers": 2},
            "control": {"mode": "anyone", "holder": None, "name": None, "waiting": []},
            "drafts": [],
        }
    )
    assert (company.role, company.may_type, company.is_alone) == ("owner", True, False)
    here = people_of([raw(person("me")), raw(person("bob"))])
    company.happened({"type": "viewers", "count": 2, "people": here})
    company.happened({"type": "looks", **looks(start=None, end=None)})
    company.happened({"type": "looks", **looks(start=None, end=None, back=5)})
    company.happened({"type": "control", "mode": "anyone", "holder": None, "name": None, "waiting": []})
    company.happened({"type": "something new"})
    assert (heard.changes, heard.words) == (0, [])
    company.happened({"type": "looks", **looks()})
    assert heard.changes == 1
    company.happened({"type": "viewers", "count": 2, "people": (*here[:1], person("bob", 5.0))})
    assert (heard.changes, company.brief) == (2, "bob*")
    company.happened({"type": "viewers", "count": 70, "people": (*here, person("carol"))})
    assert heard.words == [], "of many nobody knows who came"
    company.happened({"type": "viewers", "count": 1, "people": here[:1]})
    company.happened({"type": "viewers", "count": 2, "people": here})
    assert heard.words == ["bob joined"]


# -- screens ---------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(("Up", "Down", "Home", "End", "PageUp", "PageDown", "Enter", "z"))),
    st.lists(st.tuples(st.text(), st.text()), max_size=12),
    st.integers(1, 40),
    st.integers(1, 12),
)
def test_a_list_is_moved_through_in_any_size(
    names: list[str], rows: list[tuple[str, str]], cols: int, height: int
) -> None:
    listed = [Choice(str(number), *words) for number, words in enumerate(rows)]
    chosen: list[str] = []
    choices = Choices(lambda: "T", "F", lambda: listed, {"Enter": chosen.append}, lambda: None, "nothing")
    canvas = Canvas(cols, height)
    for name in names:
        choices.key(name, "")
        choices.draw(canvas, Rect(0, 0, cols, height))
        choices.click(0, height // 2)
    assert all(key in ("", *[each.key for each in listed]) for key in chosen)
    assert choices.key_chosen in ("", *[each.key for each in listed])


@given(st.lists(st.text().map(told)), st.booleans(), st.integers(1, 40), st.integers(1, 12))
def test_a_text_is_read_in_any_size(lines: list[str], wraps: bool, cols: int, rows: int) -> None:
    pager = Pager("T", "F", lines, {}, lambda: None, wraps)
    canvas = Canvas(cols, rows)
    for name in ("End", "PageUp", "Down", "G", "g", "Space"):
        pager.key(name, "")
        pager.draw(canvas, Rect(0, 0, cols, rows))


def test_the_form_makes_what_was_chosen() -> None:
    made: list[NewShare] = []
    asked: list[Any] = []
    form = ShareForm("demo", made.append, asked.append, lambda: None)
    for name in ("Enter", "Down", "Left", "Down", "Down", "Right", "Down", "Enter"):
        form.key(name, "")
    asked.pop().key("Enter", "")
    for name in ("Enter",):
        form.key(name, "")
    prompt = asked.pop()
    prompt.paste("open sesame")
    prompt.key("Enter", "")
    form.key("Down", "")
    form.key("Left", "")
    assert made == []
    form.key("Enter", "")
    assert made == [NewShare("writer", 8 * 3600.0, 1, "", "open sesame")]
    assert "open sesame" not in repr(made)
    assert attrs.evolve(made[0], user="bob").words("uses") == ""


@given(st.lists(st.sampled_from(("Up", "Down", "Enter", "Left"))), st.integers(1, 40), st.integers(1, 12))
def test_the_form_is_drawn_in_any_size(names: list[str], cols: int, rows: int) -> None:
    form = ShareForm("demo", lambda new: None, lambda prompt: None, lambda: None)
    canvas = Canvas(cols, rows)
    for name in names:
        form.key(name, "")
        form.draw(canvas, Rect(0, 0, cols, rows))
        form.click(0, rows // 2)
