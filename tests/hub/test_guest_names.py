"""Whoever has only said a name is told apart from accounts, wherever others are told it."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from termhub.hub.console import Console
from termhub.store import User
from tests.support.hub_fakes import FakeHost, ask, attach, make_console, type_in

ALICE = User(1, "alice", 0.0, "default")
GUEST = User(-1, "alice", 0.0, "guest")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


def test_a_guest_who_is_called_as_an_account_is_told_as_a_guest(console: Console, host: FakeHost) -> None:
    client, _ = attach(console, user=ALICE)
    _, viewer = attach(console, user=GUEST, role="writer")
    client.events()
    ask(viewer, 1, "say", text="I am alice")
    ask(viewer, 2, "offer", text="rm -r .")
    ask(viewer, 3, "look", window=0, back=1)
    told = {event["type"]: event["name"] for event in client.events()}
    assert told == {"chat": "alice (guest)", "draft": "alice (guest)", "looks": "alice (guest)"}
    ask(viewer, 4, "withdraw", draft="1")
    assert [event["by"] for event in client.events() if event["type"] == "draft"] == ["alice (guest)"]
    type_in(viewer, 0, b"x")
    assert [each["name"] for each in host.requests() if each["op"] == "person"] == ["alice (guest)"]


def test_control_and_history_tell_guests_too(console: Console, host: FakeHost) -> None:
    client, owner = attach(console, user=ALICE)
    _, viewer = attach(console, user=GUEST, role="writer")
    ask(owner, 1, "control", mode="one")
    ask(viewer, 1, "control_ask")
    (waiting,) = client.events()[-1]["waiting"]
    assert waiting["name"] == "alice (guest)"
    ask(owner, 2, "control_give", person=viewer.person)
    assert client.events()[-1]["name"] == "alice (guest)"
    ask(viewer, 2, "say", text="hello")
    ask(owner, 3, "say", text="hello")
    read = Deferred.fromCoroutine(console.together.chat.read(None))
    names: list[str] = []
    read.addCallback(lambda found: names.extend(each["name"] for each in found["messages"]))
    assert names == ["alice (guest)", "alice"]
