"""Drafts: offered to all, run once by whoever is first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.hub.console import Console
from termhub.hub.drafts import BURST, BURST_OF_ALL, DRAFT_BYTES, MOST_BYTES, MOST_DRAFTS, SECONDS_EACH
from termhub.hub.viewers import Viewer
from tests.support.hub_fakes import FakeClient, FakeHost, ask, attach, make_console


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


Attached = tuple[FakeClient, Viewer]


@pytest.fixture
def ann(console: Console, host: FakeHost) -> Attached:
    return attach(console, viewer="1", user=2, role="writer")


@pytest.fixture
def bob(console: Console, host: FakeHost) -> Attached:
    return attach(console, viewer="2", user=3, role="writer")


def asked(attached: Attached, op: str, **arguments: Any) -> dict[str, Any] | None:
    """The reply, if there is one yet."""
    client, viewer = attached
    client.take()
    ask(viewer, 1, op, **arguments)
    return reply_of(client)


def reply_of(client: FakeClient) -> dict[str, Any] | None:
    replies = [json.loads(frame.payload) for frame in client.take() if frame.type == frames.REPLY]
    return replies[-1] if replies else None


def drafts_told(client: FakeClient) -> list[dict[str, Any]]:
    return [event for event in client.events() if event["type"] == "draft"]


def answer_modes(host: FakeHost, **modes: bool) -> list[bytes]:
    """Answer what is asked of the modes, and take what is typed then."""
    for frame in host.take():
        if frame.type == frames.REQUEST:
            request = json.loads(frame.payload)
            if request["op"] == "modes":
                host.reply(request["id"], **modes)
    return [data for *_, data in host.inputs()]


def offered(attached: Attached, text: str) -> str:
    reply = asked(attached, "offer", text=text)
    assert reply is not None
    return str(reply["draft"])


def test_a_draft_is_offered_to_all_and_to_who_comes_later(
    console: Console, ann: Attached, bob: Attached
) -> None:
    bob[0].take()
    draft = offered(ann, "x = 1\r\ny = 2\x1b\n")
    expected = {
        "draft": draft,
        "person": ann[1].person,
        "name": "user2",
        "text": "x = 1\ny = 2",
        "state": "offered",
        "by": None,
    }
    assert drafts_told(bob[0]) == [{"type": "draft", **expected}]
    late, _ = attach(console, viewer="3", user=4, role="observer")
    assert json.loads(late.take()[0].payload)["drafts"] == [expected]


def test_it_is_pasted_where_the_program_wants_that(host: FakeHost, ann: Attached, bob: Attached) -> None:
    draft = offered(ann, "if 1:\n    x = 1")
    ann[0].take()
    assert asked(bob, "run_draft", draft=draft, window=0) is None
    (typed,) = answer_modes(host, bracketed_paste=True)
    assert typed == b"\x1b[200~if 1:\r    x = 1\r\x1b[201~\r"
    (event,) = drafts_told(ann[0])
    assert (event["state"], event["by"]) == ("run", "user3")


def test_it_is_typed_line_by_line_elsewhere(host: FakeHost, ann: Attached, bob: Attached) -> None:
    draft = offered(ann, "if 1:\n\n    x = 1\ny = 2")
    asked(bob, "run_draft", draft=draft, window=0)
    assert answer_modes(host) == [b"if 1:\r    x = 1\r\ry = 2\r"]


def test_a_host_that_does_not_know_modes_gets_lines(host: FakeHost, ann: Attached) -> None:
    draft = offered(ann, "x = 1")
    asked(ann, "run_draft", draft=draft, window=0)
    (request,) = [request for request in host.requests() if request["op"] == "modes"]
    host.refuse(request["id"], "unknown_op")
    assert [data for *_, data in host.inputs()] == [b"x = 1\r"]


def test_of_two_who_run_it_at_the_same_time_one_does(host: FakeHost, ann: Attached, bob: Attached) -> None:
    draft = offered(ann, "launch()")
    assert asked(ann, "run_draft", draft=draft, window=0) is None
    second = asked(bob, "run_draft", draft=draft, window=0)
    assert second is not None
    assert second["code"] == "draft_gone"
    assert answer_modes(host) == [b"launch()\r"]
    third = asked(bob, "run_draft", draft=draft, window=0)
    assert third is not None
    assert third["error"] == "The draft was run already by user2."
    assert answer_modes(host) == []


def test_it_can_be_tried_again_when_the_console_was_not_reached(
    console: Console, host: FakeHost, clock: Clock, ann: Attached, bob: Attached
) -> None:
    draft = offered(ann, "x = 1")
    ann[0].take()
    ask(ann[1], 1, "run_draft", draft=draft, window=0)
    host.die()
    reply = reply_of(ann[0])
    assert reply is not None
    assert reply["code"] == "recovering"
    successor = FakeHost(console, clock)
    successor.hello()
    asked(bob, "run_draft", draft=draft, window=0)
    assert answer_modes(successor) == [b"x = 1\r"]


def test_it_waits_for_the_next_host_with_what_is_typed(
    console: Console, host: FakeHost, clock: Clock, ann: Attached
) -> None:
    draft = offered(ann, "x = 1")
    asked(ann, "run_draft", draft=draft, window=0)
    assert answer_modes(host) == [b"x = 1\r"]
    host.die()
    successor = FakeHost(console, clock)
    successor.hello()
    assert [data for *_, data in successor.inputs()] == [b"x = 1\r"]


def test_no_window_no_run(ann: Attached, bob: Attached) -> None:
    draft = offered(ann, "x = 1")
    reply = asked(bob, "run_draft", draft=draft, window=7)
    assert reply is not None
    assert reply["code"] == "no_such_window"
    assert asked(bob, "run_draft", draft=draft, window=0) is None


def test_who_leaves_meanwhile_runs_nothing(host: FakeHost, ann: Attached, bob: Attached) -> None:
    draft = offered(ann, "x = 1")
    asked(bob, "run_draft", draft=draft, window=0)
    bob[1].detach("gone")
    assert answer_modes(host) == []
    asked(ann, "run_draft", draft=draft, window=0)
    assert answer_modes(host) == [b"x = 1\r"]


def test_who_runs_it_takes_control_that_is_free(console: Console, host: FakeHost, ann: Attached) -> None:
    console.together.control.set_mode("one", "")
    console.together.control.give("", "owner", None)
    draft = offered(ann, "x = 1")
    asked(ann, "run_draft", draft=draft, window=0)
    answer_modes(host)
    assert console.together.control.holder == ann[1].person


def test_only_who_offered_it_and_owners_withdraw_it(console: Console, ann: Attached, bob: Attached) -> None:
    first, second = offered(ann, "1"), offered(ann, "2")
    refused = asked(bob, "withdraw", draft=first)
    assert refused is not None
    assert refused["code"] == "not_allowed"
    bob[0].take()
    asked(ann, "withdraw", draft=first)
    asked(attach(console, viewer="9"), "withdraw", draft=second)
    assert [(event["draft"], event["by"]) for event in drafts_told(bob[0])] == [
        (first, "user2"),
        (second, "user1"),
    ]
    gone = asked(ann, "run_draft", draft=first, window=0)
    assert gone is not None
    assert gone["code"] == "draft_gone"


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\x1b\x00", "x" * (DRAFT_BYTES + 1), "é" * (DRAFT_BYTES // 2 + 1)]
)
def test_what_is_no_draft(ann: Attached, text: str) -> None:
    reply = asked(ann, "offer", text=text)
    assert reply is not None
    assert not reply["ok"]


def test_who_offers_very_many_has_to_wait(clock: Clock, ann: Attached, bob: Attached) -> None:
    replies = [asked(ann, "offer", text="x") for _ in range(BURST + 1)]
    assert [reply and reply["ok"] for reply in replies] == [True] * BURST + [False]
    assert (asked(bob, "offer", text="x") or {})["ok"]
    clock.advance(SECONDS_EACH)
    assert (asked(ann, "offer", text="x") or {})["ok"]


def test_all_together_offer_only_so_many(console: Console, ann: Attached) -> None:
    many = [attach(console, viewer=f"{n}", user=n, role="writer") for n in range(10, 10 + BURST_OF_ALL)]
    replies = [asked(one, "offer", text="x") for one in many]
    assert all(reply is not None and reply["ok"] for reply in replies)
    refused = asked(ann, "offer", text="x")
    assert refused is not None
    assert not refused["ok"]


def test_what_is_kept_is_bounded_and_the_oldest_goes(clock: Clock, ann: Attached, bob: Attached) -> None:
    bob[0].take()
    for number in range(MOST_DRAFTS + 3):
        offered(ann, str(number))
        clock.advance(SECONDS_EACH)
    events = drafts_told(bob[0])
    assert [(event["text"], event["by"]) for event in events if event["state"] == "withdrawn"] == [
        ("0", None),
        ("1", None),
        ("2", None),
    ]


def test_all_drafts_fit_into_hello(console: Console, clock: Clock, ann: Attached) -> None:
    for _ in range(10):
        offered(ann, '"' * DRAFT_BYTES)
        clock.advance(SECONDS_EACH)
    late, _ = attach(console, viewer="3", user=4)
    hello = late.take()[0]
    assert len(hello.payload) <= frames.MAX_PAYLOAD
    assert len(json.loads(hello.payload)["drafts"]) == MOST_BYTES // DRAFT_BYTES


def test_those_that_were_run_make_room_first(
    console: Console, host: FakeHost, clock: Clock, ann: Attached
) -> None:
    kept = [offered(ann, str(number)) for number in range(3)]
    asked(ann, "run_draft", draft=kept[1], window=0)
    answer_modes(host)
    for number in range(MOST_DRAFTS - 2):
        clock.advance(SECONDS_EACH)
        offered(ann, f"more {number}")
    left = [draft["draft"] for draft in console.together.drafts.describe()]
    assert kept[0] in left
    assert kept[1] not in left
    assert len(left) == MOST_DRAFTS


def test_what_is_being_run_is_kept_and_no_more_than_there_is_room_for(
    host: FakeHost, clock: Clock, ann: Attached
) -> None:
    large = "x" * DRAFT_BYTES
    for _ in range(MOST_BYTES // DRAFT_BYTES):
        asked(ann, "run_draft", draft=offered(ann, large), window=0)
        clock.advance(SECONDS_EACH)
    refused = asked(ann, "offer", text="1")
    assert refused is not None
    assert refused["code"] == "busy"
    assert len(answer_modes(host)) > 0
    clock.advance(SECONDS_EACH)
    assert offered(ann, large)
