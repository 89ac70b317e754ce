"""A console with people: who typed, how a paste should look, how long a command took, what programs ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.guest import frames
from termhub.host.asks import MOST_OPEN, OPEN_SECONDS
from termhub.host.people import MOST_PEOPLE
from termhub.screen import Modes, ScreenEvent
from tests.support.console_core import ConsoleCore, LinkCore

ALICE, BOB = 0xA11CE, 0xB0B


@pytest.fixture
def core(tmp_path: Path) -> ConsoleCore:
    return ConsoleCore(tmp_path)


@pytest.fixture
def link(core: ConsoleCore) -> LinkCore:
    made = LinkCore(core, subscribe=False)
    for viewer, name in ((ALICE, "alice"), (BOB, "bob")):
        made.request("person", viewer=f"{viewer:016x}", name=name)
    assert [reply["ok"] for reply in made.replies()] == [True, True]
    return made


def ask(link: LinkCore, op: str, **arguments: Any) -> dict[str, Any]:
    link.request(op, **arguments)
    (reply,) = link.replies()
    return reply


def typed(link: LinkCore, **arguments: Any) -> list[tuple[list[str], str]]:
    return [(line["who"], line["text"]) for line in ask(link, "typed", window=0, **arguments)["lines"]]


def enter(core: ConsoleCore, link: LinkCore, viewer: int, text: bytes, at: int, sequence: int = 0) -> int:
    """A line typed and echoed behind a prompt; the offset after it."""
    link.send(frames.input_(0, viewer, sequence, text + b"\r"))
    output = b"> " + text + b"\r\n"
    core.output(at, output)
    core.work()
    return at + len(output)


# -- who typed --------------------------------------------------------------------


def test_lines_are_told_with_who_typed_them(core: ConsoleCore, link: LinkCore):
    at = enter(core, link, ALICE, b"one", 0)
    link.send(frames.input_(0, ALICE, 4, b"t"))
    link.send(frames.input_(0, BOB, 0, b"wo\r"))
    core.output(at, b"> two\r\n")
    core.work()
    assert typed(link) == [(["alice"], "> one"), (["alice", "bob"], "> two")]
    (line, _) = ask(link, "typed", window=0)["lines"]
    assert line == {"offset": 6, "time": core.clock.seconds, "who": ["alice"], "text": "> one", "lines": 1}
    assert typed(link, limit=1) == [(["alice", "bob"], "> two")]
    assert typed(link, limit=0) == []


def test_typed_waits_for_the_screen(core: ConsoleCore, link: LinkCore):
    link.send(frames.input_(0, ALICE, 0, b"one\r"))
    core.output(0, b"> one\r\n")
    link.request("typed", window=0)
    assert link.replies() == []
    core.work()
    (reply,) = link.replies()
    assert [line["text"] for line in reply["lines"]] == ["> one"]


def test_a_link_speaks_of_its_own_viewers_only(core: ConsoleCore, link: LinkCore):
    other = LinkCore(core, subscribe=False)
    at = enter(core, other, ALICE, b"one", 0)
    assert typed(link) == []
    core.console.remove_link(link.link)
    enter(core, other, BOB, b"two", at)
    assert typed(other) == []


@pytest.mark.parametrize(
    "person",
    [
        {},
        {"viewer": "x"},
        {"viewer": "A" * 16, "name": "n"},
        {"viewer": 7, "name": "n"},
        {"viewer": "0" * 16},
    ],
)
def test_a_person_has_a_viewer_and_a_name(link: LinkCore, person: dict[str, Any]):
    assert ask(link, "person", **person)["code"] == "bad_request"


def test_people_are_bounded(core: ConsoleCore, link: LinkCore):
    for number in range(MOST_PEOPLE + 10):
        link.request("person", viewer=f"{number:016x}", name="n" * 10_000)
        link.frames()
    (names,) = core.console.people._names.values()
    assert len(names) == MOST_PEOPLE
    assert max(map(len, names.values())) <= 64


def test_a_successor_knows_over_a_new_segment(tmp_path: Path):
    core = ConsoleCore(tmp_path, segment_bytes=20_000)
    link = LinkCore(core, subscribe=False)
    link.request("person", viewer=f"{ALICE:016x}", name="alice")
    link.replies()
    at = enter(core, link, ALICE, b"one", 0)
    for sequence in range(4, 44, 4):
        core.output(at, b"x" * 10_000 + b"\r\n")
        at = enter(core, link, ALICE, b"two", at + 10_002, sequence)
    assert len(list(tmp_path.glob("0/*.seg"))) > 2
    before = typed(link)
    assert before == [(["alice"], "> one"), *[(["alice"], "> two")] * 10]
    core.close()
    successor = ConsoleCore(tmp_path, start=False)
    successor.console.recover()
    assert typed(LinkCore(successor, subscribe=False)) == before


def test_a_window_that_is_closed_takes_its_lines_along(core: ConsoleCore, link: LinkCore):
    link.send(frames.input_(0, ALICE, 0, b"one\r"))
    core.event({"type": "closed"})
    assert ask(link, "typed", window=0)["code"] == "no_such_window"
    link.send(frames.input_(0, ALICE, 4, b"one\r"))
    core.console.look_at_input()


# -- modes and prompts --------------------------------------------------------------


def test_modes(core: ConsoleCore, link: LinkCore):
    core.screens[0].modes = Modes(bracketed_paste=True)
    reply = ask(link, "modes", window=0)
    assert (reply["bracketed_paste"], reply["alternate_screen"]) == (True, False)
    core.screens[0].modes = Modes(alternate_screen=True)
    core.output(0, b"x")
    link.request("modes", window=0)
    assert link.replies() == []
    core.work()
    (reply,) = link.replies()
    assert (reply["bracketed_paste"], reply["alternate_screen"]) == (False, True)


def test_prompts_tell_how_long_a_command_took(core: ConsoleCore, link: LinkCore):
    def prompt(mark: str, at: int) -> dict[str, Any]:
        core.screens[0]._events.append(ScreenEvent("prompt", mark))
        core.output(at, b"x")
        core.work()
        (event,) = [event for event in link.events() if event["type"] == "prompt"]
        return event

    assert prompt("A", 0) == {"type": "prompt", "mark": "A", "seconds": None}
    assert prompt("B", 1) == {"type": "prompt", "mark": "B"}
    link.send(frames.input_(0, ALICE, 0, b"sleep 5\r"))
    core.console.look_at_input()
    assert prompt("C", 2) == {"type": "prompt", "mark": "C"}
    core.clock.advance(5)
    assert prompt("D", 3)["seconds"] == 5
    assert prompt("A", 4)["seconds"] == 5


# -- what programs ask ----------------------------------------------------------------

ASK = {"type": "ask", "ask": 3, "op": "share", "role": "observer", "seconds": 3600, "uses": None}


def asks(link: LinkCore) -> list[dict[str, Any]]:
    return [event for event in link.events() if event["type"] == "ask"]


def answers(core: ConsoleCore) -> list[dict[str, Any]]:
    found = [request for request in core.asked() if request["op"] == "answer"]
    for request in found:
        core.reply(id=request["id"], ok=True)
    return [
        {name: request[name] for name in request if name not in ("id", "op", "window")} for request in found
    ]


def test_a_question_goes_to_the_hub_and_the_answer_back(core: ConsoleCore, link: LinkCore):
    core.event(ASK, frames.CONSOLE)
    assert asks(link) == [ASK]
    link.request("answer", ask=3, ok=True, url="https://hub/s/x", ssh="ssh x@hub")
    assert answers(core) == [{"ask": 3, "ok": True, "url": "https://hub/s/x", "ssh": "ssh x@hub"}]
    assert [reply["ok"] for reply in link.replies()] == [True]
    core.clock.advance(OPEN_SECONDS * 2)
    assert answers(core) == []


def test_a_hub_that_comes_later_hears_of_it(core: ConsoleCore):
    core.event(ASK, frames.CONSOLE)
    first = LinkCore(core, subscribe=False)
    assert asks(first) == [ASK]
    first.request("answer", ask=3, ok=False, error="no")
    assert asks(LinkCore(core, subscribe=False)) == []


def test_an_answer_to_what_a_host_before_was_asked_is_passed_on(core: ConsoleCore, link: LinkCore):
    link.request("answer", ask=9, ok=False, error="no")
    assert answers(core) == [{"ask": 9, "ok": False, "error": "no"}]


def test_without_a_hub_it_is_refused_in_time(core: ConsoleCore):
    core.event(ASK, frames.CONSOLE)
    core.clock.advance(OPEN_SECONDS)
    assert answers(core) == [{"ask": 3, "ok": False, "error": "Nobody has answered."}]


def test_only_so_many_wait(core: ConsoleCore, link: LinkCore):
    for number in range(MOST_OPEN + 1):
        core.event({**ASK, "ask": number}, frames.CONSOLE)
    assert len(asks(link)) == MOST_OPEN
    (refused,) = answers(core)
    assert (refused["ask"], refused["ok"]) == (MOST_OPEN, False)
    core.event({**ASK, "ask": 0}, frames.CONSOLE)
    assert len(asks(link)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"op": "delete"},
        {"role": "root"},
        {"role": ["observer"]},
        {"seconds": 0},
        {"seconds": "1d"},
        {"seconds": 1e300},
        {"seconds": True, "uses": 0},
        {"uses": -1},
        {"uses": 1.5},
        {"uses": 1 << 40},
    ],
)
def test_what_cannot_be_asked_is_refused(core: ConsoleCore, link: LinkCore, wrong: dict[str, Any]):
    core.event({**ASK, **wrong}, frames.CONSOLE)
    assert asks(link) == []
    (answer,) = answers(core)
    assert answer["ask"] == 3
    assert not answer["ok"]
    assert answer["error"].endswith(".")


@pytest.mark.parametrize(
    "answer",
    [
        {"ask": 3},
        {"ok": True},
        {"ask": "3", "ok": True},
        {"ask": True, "ok": True},
        {"ask": 3, "ok": None},
        {"ask": 3, "ok": True, "url": 7},
        {"ask": 3, "ok": False, "error": "x" * 2000},
    ],
)
def test_answers_are_checked(core: ConsoleCore, link: LinkCore, answer: dict[str, Any]):
    assert ask(link, "answer", **answer)["code"] == "bad_request"
    assert answers(core) == []


def test_the_end_of_the_sandbox_ends_the_waiting(core: ConsoleCore, link: LinkCore):
    core.event(ASK, frames.CONSOLE)
    core.console.end("it ended")
    core.clock.advance(OPEN_SECONDS * 2)
    assert answers(core) == []


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(["ask", "op", "role", "seconds", "uses"]), ODD),
            st.booleans(),
            st.sampled_from([frames.CONSOLE, 0, 77]),
        ),
        max_size=20,
    )
)
def test_hostile_questions(tmp_path_factory: pytest.TempPathFactory, events: list[tuple[Any, bool, int]]):
    core = ConsoleCore(tmp_path_factory.mktemp("core"))
    link = LinkCore(core, subscribe=False)
    for fields, like_one, window in events:
        event = {**(ASK if like_one else {"type": "ask"}), **fields}
        core.event(event, window)
        assert core.console.failure is None
        for told in asks(link):
            assert window == frames.CONSOLE
            assert told["op"] == "share"
            assert type(told["ask"]) is int
        answers(core)
    assert len(core.console.asks._open) <= MOST_OPEN
    core.close()


def test_too_many_questions_break_the_protocol(core: ConsoleCore):
    for number in range(3000):
        core.event({**ASK, "ask": number}, frames.CONSOLE)
    assert core.kills
    assert "events a second" in str(core.console.failure)
