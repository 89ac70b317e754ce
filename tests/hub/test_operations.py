"""Every operation of clients, by every role and whoever types now: what is served and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.hub.client_requests import OPERATIONS
from termhub.hub.console import Console
from termhub.hub.viewers import Viewer
from termhub.store import Role
from tests.support.hub_fakes import FakeClient, FakeHost, ask, attach, frame_of, make_console, type_in

OK = "ok"
NO = "not_allowed"
BUSY = "not_in_control"

SITUATIONS: tuple[tuple[Role, str], ...] = (
    ("observer", "anyone"),
    ("observer", "free"),
    ("writer", "anyone"),
    ("writer", "free"),
    ("writer", "holds"),
    ("writer", "other holds"),
    ("writer", "owner"),
    ("owner", "anyone"),
    ("owner", "other holds"),
    ("owner", "owner"),
)
"""The role, and who may type: anyone, only owners, or one, who is nobody yet, this viewer or another."""

_ALL = (OK,) * 10
_WRITERS = (NO, NO) + (OK,) * 8
_ACTING = (NO, NO, OK, OK, OK, BUSY, BUSY, OK, OK, OK)
_TYPING = (NO, NO, OK, OK, OK, BUSY, BUSY, OK, BUSY, OK)
_OWNERS = (NO,) * 7 + (OK, OK, OK)

EXPECTED: dict[str, tuple[str, ...]] = {
    "ping": _ALL,
    "subscribe": _ALL,
    "unsubscribe": _ALL,
    "keyframe": _ALL,
    "view": _ALL,
    "unview": _ALL,
    "find": _ALL,
    "copy": _ALL,
    "look": _ALL,
    "say": _ALL,
    "chat": _ALL,
    "typed": _ALL,
    "open": _ACTING,
    "close": _ACTING,
    "signal": _ACTING,
    "policy": _ACTING,
    "offer": _WRITERS,
    "withdraw": _WRITERS,
    "run_draft": _TYPING,
    "control_ask": (NO, NO, OK, OK, OK, OK, NO, OK, OK, OK),
    # With one at a time: who holds it and owners. Else there is nothing to give.
    "control_give": (NO, NO, "bad_control", NO, OK, NO, "bad_control", "bad_control", OK, "bad_control"),
    "control": _OWNERS,
    "answer": _OWNERS,
    "detach_others": _OWNERS,
    # No requests, but what a client does too.
    "INPUT": ("closed", "closed", OK, OK, OK, BUSY, BUSY, OK, BUSY, OK),
}

ARGUMENTS: dict[str, dict[str, Any]] = {
    "subscribe": {"window": 0},
    "keyframe": {"window": 0},
    "view": {"window": 0, "cols": 80, "rows": 24},
    "find": {"window": 0, "text": "x"},
    "copy": {"window": 0, "from": [0, 0], "to": [0, 1]},
    "look": {"window": 0, "back": 0},
    "say": {"text": "hello"},
    "open": {"argv": ["sh"]},
    "close": {"window": 0},
    "signal": {"signal": "SIGINT"},
    "policy": {"policy": "smallest"},
    "offer": {"text": "1 + 1"},
    "control": {"mode": "anyone"},
    "answer": {"ask": 5, "allow": False},
}

HOST_REPLIES: dict[str, dict[str, Any]] = {
    "keyframe": {"offset": 0},
    "open": {"window": 1},
    "modes": {"bracketed_paste": True},
    "typed": {"lines": []},
}


class Situation:
    """A viewer of a role while somebody may type, and an owner beside it."""

    def __init__(self, role: Role, who_types: str) -> None:
        self.clock = Clock()
        self.console: Console = make_console(self.clock)
        self.host = FakeHost(self.console, self.clock)
        self.host.hello()
        _, self.owner = attach(self.console, viewer="1")
        self.client, self.viewer = attach(self.console, viewer="2", user=2, role=role)
        control = self.console.together.control
        if who_types in ("anyone", "owner"):
            control.set_mode(who_types, self.owner.person)  # type: ignore[arg-type]
        else:
            control.set_mode("one", "nobody")
            holders = {"free": None, "holds": self.viewer.person, "other holds": self.owner.person}
            control.give("", "owner", holders[who_types])
        self.host.serve()
        self.host.take()
        self.client.take()

    def prepare(self, op: str) -> dict[str, Any]:
        arguments = dict(ARGUMENTS.get(op, {}))
        if op in ("find", "copy", "unview"):
            ask(self.viewer, 1, "view", window=0, cols=80, rows=24)
            self.answer_host()
        if op in ("withdraw", "run_draft"):
            offers = self.viewer if op == "withdraw" else self.owner
            arguments["draft"] = self.console.together.drafts.offer(offers, "1 + 1")
        if op == "answer":
            event = {"type": "ask", "ask": 5, "op": "share", "role": "writer", "seconds": 60.0}
            self.host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, event))
        self.client.take()
        self.host.take()
        return arguments

    def answer_host(self) -> list[str]:
        """Answer what the host is asked; returns the operations."""
        asked = []
        for frame in self.host.take():
            if frame.type == frames.REQUEST:
                request = json.loads(frame.payload)
                asked.append(request["op"])
                if request["op"] == "keyframe":
                    self.host.keyframe(request["id"], 0)
                else:
                    self.host.reply(request["id"], **HOST_REPLIES.get(request["op"], {}))
            elif frame.type == frames.INPUT:
                viewer, sequence, data = frames.parse_input(frame.payload)
                if data:  # else it only asks where the agent is
                    asked.append("INPUT")
                self.host.send(frames.accepted(0, viewer, sequence + len(data)))
        return asked

    def outcome(self, op: str) -> tuple[str, list[str]]:
        """What comes of an operation, and what the host was asked for it."""
        arguments = self.prepare(op)
        if op == "INPUT":
            type_in(self.viewer, 0, b"x")
        else:
            ask(self.viewer, 2, op, **arguments)
        asked = [*self.answer_host(), *self.answer_host()]
        if self.client.closed is not None:
            return "closed" if self.client.closed[0] == 1008 else str(self.client.closed), asked
        if op == "INPUT":
            return (OK if "INPUT" in asked else BUSY), asked
        return code_of(self.client), asked


def code_of(client: FakeClient) -> str:
    replies = [json.loads(frame.payload) for frame in client.take() if frame.type == frames.REPLY]
    (reply,) = [reply for reply in replies if reply["id"] == 2]
    return OK if reply["ok"] else str(reply["code"])


def test_the_table_says_all() -> None:
    assert set(EXPECTED) == {*OPERATIONS, "INPUT"}


@pytest.mark.parametrize("op", list(EXPECTED))
def test_everybody_may_do_what_they_may_and_nothing_else(op: str) -> None:
    wrong = []
    for (role, who_types), expected in zip(SITUATIONS, EXPECTED[op], strict=True):
        situation = Situation(role, who_types)
        outcome, asked = situation.outcome(op)
        left = set(asked) - {"unsubscribe", "unview", "person"}
        if outcome != expected:
            wrong.append(f"{role}, {who_types}: {outcome}, expected {expected}")
        elif expected in (NO, BUSY, "closed") and left:
            wrong.append(f"{role}, {who_types}: the host was asked to {left}")
        if op == "detach_others":
            assert situation.owner.is_attached is (expected != OK)
    assert wrong == []


@pytest.mark.parametrize(("role", "counts"), [("observer", False), ("writer", True), ("owner", True)])
def test_who_may_type_has_a_say_in_the_size(role: Role, counts: bool) -> None:
    situation = Situation(role, "anyone")
    situation.console.set_policy("smallest")
    situation.owner.receive(frame_of(frames.resize(0, 100, 30)))
    situation.viewer.receive(frame_of(frames.resize(0, 60, 20)))
    assert situation.console.windows[0].sizes.wanted() == ((60, 20) if counts else (100, 30))


def test_the_say_goes_with_control() -> None:
    situation = Situation("writer", "anyone")
    sizes = situation.console.windows[0].sizes
    situation.owner.receive(frame_of(frames.resize(0, 100, 30)))
    situation.viewer.receive(frame_of(frames.resize(0, 60, 20)))
    ask(situation.owner, 3, "control", mode="one")
    assert sizes.wanted() == (100, 30)
    ask(situation.owner, 4, "control_give", person=situation.viewer.person)
    assert sizes.wanted() == (60, 20)
    situation.console.access_changed(lambda user: "observer" if user.number == 2 else "owner")
    assert situation.console.together.control.is_free
    assert sizes.wanted() == (100, 30)


def check_draft(situation: Situation, change: Callable[[Viewer], None], code: str) -> None:
    arguments = situation.prepare("run_draft")
    ask(situation.viewer, 2, "run_draft", **arguments)
    change(situation.viewer)
    assert "INPUT" not in [*situation.answer_host(), *situation.answer_host()]
    assert code_of(situation.client) == code


def test_a_draft_is_not_run_by_who_lost_control_meanwhile() -> None:
    situation = Situation("writer", "holds")
    control = situation.console.together.control
    check_draft(situation, lambda viewer: control.set_mode("owner", ""), BUSY)


def test_a_draft_is_not_run_by_who_lost_the_role_meanwhile() -> None:
    situation = Situation("writer", "anyone")
    check_draft(situation, lambda viewer: viewer.set_role("observer"), NO)
