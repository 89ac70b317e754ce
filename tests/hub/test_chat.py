"""What people say at a console: told to all, kept, cleaned, and not too much of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.errors import BadRequest
from termhub.hub.chat import BURST, BURST_OF_ALL, MOST_CHARACTERS, PAGE_MESSAGES, SECONDS_EACH
from termhub.hub.clean_text import clean_text, said_text
from termhub.hub.console import Console
from termhub.hub.ended import Ended
from termhub.hub.viewers import Viewer
from termhub.store import ChatMessage
from tests.support.hub_fakes import FakeBacking, FakeClient, FakeHost, ask, attach, make_console


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1000)
    return clock


@pytest.fixture
def backing() -> FakeBacking:
    return FakeBacking()


@pytest.fixture
def console(clock: Clock, backing: FakeBacking) -> Console:
    return make_console(clock, backing=backing)


def asked(client: FakeClient, viewer: Viewer, op: str, **arguments: Any) -> dict[str, Any]:
    client.take()
    ask(viewer, 1, op, **arguments)
    (reply,) = [json.loads(frame.payload) for frame in client.take() if frame.type == frames.REPLY]
    return dict(reply)


def chats(client: FakeClient) -> list[dict[str, Any]]:
    return [event for event in client.events() if event["type"] == "chat"]


def test_everybody_hears_it_also_who_says_it(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, viewer="1", user=-3, role="observer")
    other, _ = attach(console, viewer="2", user=3)
    other.take()
    ask(viewer, 1, "say", text="Hello,\n\tyou")
    expected = {
        "type": "chat",
        "number": 1,
        "time": 1000.0,
        "person": viewer.person,
        "name": "guest3 (guest)",
        "text": "Hello,\n\tyou",
    }
    assert chats(other) == [expected]
    assert chats(client) == [expected]


def test_it_is_told_once_it_is_kept(console: Console, host: FakeHost, backing: FakeBacking) -> None:
    kept: Deferred[ChatMessage] = Deferred()

    async def add_chat(time: float, name: str, text: str) -> ChatMessage:
        return await kept

    backing.add_chat = add_chat  # type: ignore[method-assign]
    client, viewer = attach(console)
    ask(viewer, 1, "say", text="hello")
    assert chats(client) == []
    kept.callback(ChatMessage(12, 1.0, "user1", "hello"))
    assert [event["number"] for event in chats(client)] == [12]


def test_it_is_read_page_by_page(console: Console, host: FakeHost, backing: FakeBacking) -> None:
    backing.messages = [ChatMessage(number, 1.0, "ann", str(number)) for number in range(1, 121)]
    client, viewer = attach(console, role="observer")
    last = asked(client, viewer, "chat")
    assert [message["number"] for message in last["messages"]] == list(range(71, 121))
    assert last["more"]
    assert last["messages"][0] == {"number": 71, "time": 1.0, "person": None, "name": "ann", "text": "71"}
    first = asked(client, viewer, "chat", before=21)
    assert [message["number"] for message in first["messages"]] == list(range(1, 21))
    assert not first["more"]
    assert len(asked(client, viewer, "chat", before=71)["messages"]) == PAGE_MESSAGES


@pytest.mark.parametrize("text", ["", "  \n ", "\x1b\x07\u202e", "x" * (MOST_CHARACTERS + 1)])
def test_nothing_and_too_much_are_not_said(
    console: Console, host: FakeHost, backing: FakeBacking, text: str
) -> None:
    client, viewer = attach(console)
    assert not asked(client, viewer, "say", text=text)["ok"]
    assert backing.messages == []


def test_who_says_too_much_too_fast_waits_also_after_coming_again(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, viewer = attach(console, viewer="1")
    replies = [asked(client, viewer, "say", text="x")["ok"] for _ in range(BURST + 1)]
    assert replies == [True] * BURST + [False]
    viewer.detach("gone")
    client, viewer = attach(console, viewer="2")
    assert asked(client, viewer, "say", text="x")["code"] == "too_many_attempts"
    clock.advance(SECONDS_EACH)
    assert asked(client, viewer, "say", text="x")["ok"]


def test_many_cannot_say_too_much_together(
    console: Console, host: FakeHost, backing: FakeBacking, clock: Clock
) -> None:
    for number in range(2, 102):
        client, viewer = attach(console, viewer=f"{number:x}", user=-number)
        asked(client, viewer, "say", text="x")
    assert len(backing.messages) == BURST_OF_ALL


def test_a_client_that_is_behind_gets_all_that_it_can_keep(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, viewer="1")
    host.serve()
    host.output(0, b"x" * 1_000_000)
    client.take()
    _, other = attach(console, viewer="2", user=2)
    for number in range(5):
        ask(other, number, "say", text=str(number))
    assert chats(client) == []
    assert [key for _, key in viewer._pending if key.startswith("chat")] == [f"chat {n}" for n in range(1, 6)]


def test_people_still_talk_about_a_console_that_has_ended(clock: Clock) -> None:
    console = make_console(clock, Ended(reason="done"), ended=900.0)
    client, viewer = attach(console, viewer="1")
    other, _ = attach(console, viewer="2", user=2)
    other.take()
    assert asked(client, viewer, "say", text="what happened?")["ok"]
    assert [event["text"] for event in chats(other)] == ["what happened?"]


@given(st.text(max_size=200))
def test_text_is_cleaned_of_what_steers(text: str) -> None:
    clean = clean_text(text)
    assert all(character in "\n\t" or ord(character) >= 32 for character in clean)
    assert not {"\x7f", "\x9b", "\u202e", "\u2066", "\u2028", "\r"} & set(clean)
    assert clean_text(clean) == clean
    clean.encode()
    try:
        said = said_text(text, 100)
    except BadRequest:
        return
    assert 1 <= len(said) <= 100
