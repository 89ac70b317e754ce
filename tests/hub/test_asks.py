"""A program may ask that its console be shared: what it gets, who is asked, and how often."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from termhub.errors import BadRequest, ConsoleError, NotAllowed, TermhubError
from termhub.hub.asks import (
    DEFAULT_SECONDS,
    MOST_AN_HOUR,
    MOST_OPEN,
    MOST_REPLIES,
    MOST_TRIES,
    OPEN_SECONDS,
    Asks,
)
from termhub.hub.host_messages import HostEvent
from termhub.hub.invitations import Invitation
from termhub.store import User

ALICE = User(1, "alice", 0.0, "default")
GUEST = User(-1, "bob", 0.0, "guest")


class Around:
    """What asks are given, played by a test."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.owners = 1
        self.told: list[dict[str, Any]] = []
        self.granted: list[tuple[Any, ...]] = []
        self.answers: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.slow: Deferred[None] | None = None
        self.deaf: Deferred[None] | None = None
        self.losses = 0
        self.asks = Asks(self.grant, self.answer, self.tell_owners, self.clock)

    async def grant(self, role: str, seconds: float, uses: int | None, by: User | None) -> Invitation:
        if self.slow is not None:
            await self.slow
        if self.error is not None:
            raise self.error
        self.granted.append((role, seconds, uses, by))
        return Invitation("https://hub/s/thsh_x", "ssh thsh_x@hub")

    async def answer(self, answer: dict[str, Any]) -> None:
        self.answers.append(answer)
        if self.deaf is not None:
            await self.deaf
        if self.losses:
            self.losses -= 1
            raise ConsoleError("The console's host is gone.", "recovering")

    def tell_owners(self, event: dict[str, Any]) -> int:
        self.told.append(event)
        return self.owners

    def ask(self, number: int = 1, role: str = "observer", **fields: Any) -> None:
        event = {"type": "ask", "op": "share", "seconds": 3600, **fields}
        self.asks.asked(msgspec.convert({**event, "ask": number, "role": role}, HostEvent))

    def decide(self, number: int, allow: bool, by: User = ALICE) -> Any:
        outcome: list[Any] = []
        Deferred.fromCoroutine(self.asks.decide(number, allow, by)).addBoth(outcome.append)
        return getattr(outcome[0], "value", outcome[0]) if outcome else "not yet"


@pytest.fixture
def around() -> Around:
    return Around()


LINKS = {"ok": True, "url": "https://hub/s/thsh_x", "ssh": "ssh thsh_x@hub"}


def test_to_look_is_granted_at_once(around: Around) -> None:
    around.ask(7, uses=2)
    assert around.granted == [("observer", 3600.0, 2, None)]
    assert around.answers == [{"ask": 7, **LINKS}]
    assert around.told == []


def test_a_share_lasts_a_day_unless_it_says_otherwise(around: Around) -> None:
    around.ask(seconds=None)
    assert around.granted == [("observer", DEFAULT_SECONDS, None, None)]


def test_to_look_for_more_than_a_day_takes_the_yes_of_an_owner(around: Around) -> None:
    around.ask(7, seconds=DEFAULT_SECONDS + 1)
    assert around.granted == []
    assert around.decide(7, True) is None
    assert around.granted == [("observer", DEFAULT_SECONDS + 1, None, ALICE)]


def test_to_write_takes_the_yes_of_an_owner(around: Around) -> None:
    around.ask(7, "writer")
    told = {"type": "asks", "ask": 7, "role": "writer", "expires": 3600.0, "uses": None}
    assert around.told == [told]
    assert around.asks.events() == [told]
    assert around.answers == around.granted == []
    assert around.decide(7, True) is None
    assert around.granted == [("writer", 3600.0, None, ALICE)]
    assert around.answers == [{"ask": 7, **LINKS}]
    assert around.told[1:] == [{"type": "answered", "ask": 7, "allow": True}]
    assert around.asks.events() == []
    around.clock.advance(OPEN_SECONDS * 2)
    assert len(around.answers) == 1


def test_an_owner_may_say_no(around: Around) -> None:
    around.ask(7, "writer")
    assert around.decide(7, False) is None
    assert around.answers == [{"ask": 7, "ok": False, "error": "alice said no."}]
    assert around.granted == []
    assert around.told[1:] == [{"type": "answered", "ask": 7, "allow": False}]


def test_the_first_owner_decides(around: Around) -> None:
    around.slow = Deferred()
    around.ask(7, "writer")
    assert around.decide(7, True) == "not yet"
    for allow in (True, False):
        refused = around.decide(7, allow)
        assert isinstance(refused, BadRequest)
        assert refused.code == "no_such_ask"
    around.slow.callback(None)
    assert len(around.granted) == len(around.answers) == 1


def test_nobody_decides_what_was_not_asked(around: Around) -> None:
    around.ask(1)
    for number in (1, 2):
        assert isinstance(around.decide(number, True), BadRequest)


def test_a_guest_who_is_an_owner_may_say_no_but_not_share(around: Around) -> None:
    around.ask(7, "writer")
    assert isinstance(around.decide(7, True, GUEST), NotAllowed)
    assert around.answers == []
    assert around.decide(7, False, GUEST) is None
    assert around.answers == [{"ask": 7, "ok": False, "error": "bob (guest) said no."}]


def test_without_an_owner_to_ask_it_is_refused_at_once(around: Around) -> None:
    around.owners = 0
    around.ask(7, "writer")
    (answer,) = around.answers
    assert not answer["ok"]
    assert "No owner" in answer["error"]
    assert around.asks.events() == []


def test_owners_have_a_minute(around: Around) -> None:
    around.ask(7, "writer")
    around.clock.advance(OPEN_SECONDS - 1)
    assert around.answers == []
    around.clock.advance(1)
    assert around.answers == [{"ask": 7, "ok": False, "error": "No owner has answered in 60 seconds."}]
    assert around.told[1:] == [{"type": "answered", "ask": 7, "allow": None}]
    assert isinstance(around.decide(7, True), BadRequest)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"role": "owner"}, "observers and writers"), ({"role": ""}, "observers"), ({"op": "delete"}, "shares")],
)
def test_nothing_else_can_be_asked_for(around: Around, fields: dict[str, Any], words: str) -> None:
    around.ask(7, **fields)
    (answer,) = around.answers
    assert not answer["ok"]
    assert words in answer["error"]
    assert around.granted == around.told == []


def test_only_so_many_are_open(around: Around) -> None:
    for number in range(MOST_OPEN + 1):
        around.ask(number, "writer")
    assert [answer["ask"] for answer in around.answers] == [MOST_OPEN]
    assert around.decide(0, False) is None
    around.ask(9, "writer")
    assert len(around.asks.events()) == MOST_OPEN


def test_only_so_many_an_hour(around: Around) -> None:
    for number in range(MOST_AN_HOUR + 1):
        around.ask(number)
    assert len(around.granted) == MOST_AN_HOUR
    last = around.answers[-1]
    assert not last["ok"]
    assert "try again in 360 seconds" in last["error"]
    around.clock.advance(360)
    around.ask(99)
    assert len(around.granted) == MOST_AN_HOUR + 1


def test_what_refuses_the_share_is_told_to_the_program_and_the_owner(around: Around) -> None:
    around.error = TermhubError("The console has 50 shares; revoke one.", "too_many")
    around.ask(1)
    assert around.answers == [{"ask": 1, "ok": False, "error": around.error.message}]
    around.ask(2, "writer")
    assert around.decide(2, True) is around.error
    assert around.answers[1:] == [{"ask": 2, "ok": False, "error": around.error.message}]


def test_a_host_that_asks_again_after_a_break_gets_one_link(around: Around) -> None:
    around.deaf = Deferred()
    around.ask(7)
    around.ask(7)
    around.ask(8, "writer")
    around.ask(8, "writer")
    assert len(around.granted) == 1
    assert len(around.told) == 1
    around.deaf.errback(ConsoleError("The console's host is gone."))
    assert around.asks.events() != []


def test_an_answer_that_was_lost_with_its_host_goes_to_the_next(around: Around) -> None:
    around.losses = 1
    around.ask(7)
    assert around.answers == [{"ask": 7, **LINKS}] * 2
    around.losses = 100
    around.ask(8)
    assert len(around.answers) == 2 + MOST_TRIES
    assert len(around.granted) == 2


def test_a_host_that_takes_no_answers_gets_no_more(around: Around) -> None:
    around.deaf = Deferred()
    for number in range(1000):
        around.ask(number, "owner")
    assert len(around.answers) == MOST_REPLIES


def test_the_end_stops_waiting(around: Around) -> None:
    around.ask(7, "writer")
    around.asks.close()
    assert around.clock.getDelayedCalls() == []
    assert isinstance(around.decide(7, True), BadRequest)


@settings(max_examples=200)
@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("ask"),
                st.integers(0, 5),
                st.sampled_from(["observer", "writer", "owner", "", "\x1b[2J"]),
                st.one_of(st.none(), st.floats(0, 1e9)),
                st.one_of(st.none(), st.integers(1, 2**31 - 1)),
            ),
            st.tuples(st.just("decide"), st.integers(0, 6), st.booleans()),
            st.tuples(st.just("wait"), st.floats(0, 120)),
        ),
        max_size=40,
    )
)
def test_every_question_is_answered_once(steps: list[tuple[Any, ...]]) -> None:
    around = Around()
    asked: list[int] = []
    for number, step in enumerate(steps):
        if step[0] == "ask":
            # Numbers of an agent are new each time.
            asked.append(step[1] + 10 * number)
            around.ask(asked[-1], step[2], seconds=step[3], uses=step[4])
        elif step[0] == "decide":
            around.decide(asked[step[1] % len(asked)] if asked else step[1], step[2])
        else:
            around.clock.advance(step[1])
        assert len(around.asks.events()) <= MOST_OPEN
    around.clock.advance(OPEN_SECONDS)
    assert sorted(answer["ask"] for answer in around.answers) == sorted(asked)
    assert around.asks.events() == []
    assert around.clock.getDelayedCalls() == []
