"""What changes while people are at a console: access, roles, control; and what programs ask."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.errors import NotAllowed
from termhub.hub.client_messages import ClientRequest
from termhub.hub.client_requests import OPERATIONS
from termhub.hub.console import Console
from termhub.hub.ended import Ended
from termhub.store import Role, User
from tests.support.hub_fakes import (
    FakeBacking,
    FakeClient,
    FakeHost,
    ask,
    attach,
    make_console,
    somebody,
    type_in,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backing() -> FakeBacking:
    return FakeBacking()


@pytest.fixture
def console(clock: Clock, backing: FakeBacking) -> Console:
    return make_console(clock, backing=backing)


def events(client: FakeClient, kind: str) -> list[dict[str, Any]]:
    return [event for event in client.events() if event["type"] == kind]


def set_roles(console: Console, **roles: Role | None) -> None:
    """Give ``user2`` and others another role; the rest are owners."""
    console.access_changed(lambda user: roles.get(user.name, "owner"))


def test_who_has_no_access_any_more_is_sent_away_at_once(console: Console, host: FakeHost) -> None:
    owner, _ = attach(console, viewer="1")
    client, viewer = attach(console, viewer="2", user=2, role="writer")
    set_roles(console, user2=None)
    assert client.closed is not None
    assert client.closed[0] == 4003
    type_in(viewer, 0, b"x")
    assert b"".join(data for *_, data in host.inputs()) == b""
    assert owner.closed is None
    assert len(console.viewers) == 1


def test_who_waits_for_the_start_is_sent_away_too(console: Console, clock: Clock) -> None:
    client, _ = attach(console, viewer="2", user=2, role="writer")
    set_roles(console, user2=None)
    assert client.closed is not None
    FakeHost(console, clock).hello()
    assert client.take() == []


def test_a_role_changes_while_attached(console: Console, host: FakeHost, clock: Clock) -> None:
    owner, _ = attach(console, viewer="1")
    client, viewer = attach(console, viewer="2", user=2, role="observer")
    clock.advance(1)
    owner.take()
    client.take()
    set_roles(console, user2="writer")
    clock.advance(1)
    assert events(client, "role") == [{"type": "role", "role": "writer"}]
    (told,) = events(owner, "viewers")
    assert [person["role"] for person in told["people"]] == ["owner", "writer"]
    type_in(viewer, 0, b"x")
    assert b"".join(data for *_, data in host.inputs()) == b"x"


def test_who_keeps_the_role_hears_nothing(console: Console, host: FakeHost, clock: Clock) -> None:
    client, _ = attach(console)
    clock.advance(1)
    client.take()
    set_roles(console)
    clock.advance(1)
    assert client.take() == []


def test_a_demoted_holder_loses_control(console: Console, host: FakeHost) -> None:
    client, owner = attach(console, viewer="1")
    _, holder = attach(console, viewer="2", user=2, role="writer")
    _, waiting = attach(console, viewer="3", user=3, role="writer")
    ask(owner, 1, "control", mode="one")
    ask(owner, 2, "control_give", person=holder.person)
    ask(waiting, 1, "control_ask")
    client.take()
    set_roles(console, user2="observer", user3="writer")
    assert events(client, "control")[-1] == {
        "type": "control",
        "mode": "one",
        "holder": waiting.person,
        "name": "user3",
        "waiting": [],
    }


def test_everybody_hears_who_waits(console: Console, host: FakeHost) -> None:
    client, owner = attach(console, viewer="1")
    _, viewer = attach(console, viewer="2", user=2, role="writer")
    ask(owner, 1, "control", mode="one")
    client.take()
    ask(viewer, 1, "control_ask")
    (event,) = events(client, "control")
    assert event["waiting"] == [{"person": viewer.person, "name": "user2"}]
    late, _ = attach(console, viewer="3", user=3, role="observer")
    control = json.loads(late.take()[0].payload)["control"]
    assert control == {key: value for key, value in event.items() if key != "type"}


def test_control_is_held_by_the_person_not_by_one_client(console: Console, host: FakeHost) -> None:
    _, page = attach(console, viewer="1", user=2, role="owner")
    _, phone = attach(console, viewer="2", user=2, role="owner")
    ask(page, 1, "control", mode="one")
    page.detach("gone")
    assert console.together.control.holder == phone.person
    phone.detach("gone")
    assert console.together.control.is_free


def test_a_client_that_comes_again_keeps_control(console: Console, host: FakeHost) -> None:
    _, holder = attach(console, viewer="1", user=2, role="owner")
    _, other = attach(console, viewer="2", user=3, role="writer")
    ask(holder, 1, "control", mode="one")
    ask(other, 1, "control_ask")
    attach(console, viewer="1", user=2, role="owner")
    assert console.together.control.holder == holder.person


def test_control_is_given_to_who_is_here_and_may_write(console: Console, host: FakeHost) -> None:
    client, owner = attach(console, viewer="1")
    _, observer = attach(console, viewer="2", user=2, role="observer")
    ask(owner, 1, "control", mode="one")
    for person in (observer.person, "0123456789abcdef", ""):
        client.take()
        ask(owner, 2, "control_give", person=person)
        (reply,) = [json.loads(frame.payload) for frame in client.take() if frame.type == frames.REPLY]
        assert reply["code"] == "no_such_person"


def written(console: Console, user: User, role: Role) -> list[Any]:
    results: list[Any] = []
    typing = Deferred.fromCoroutine(console.input(user, role, 0, b"x"))
    typing.addBoth(lambda result: results.append(getattr(result, "value", result)))
    return results


def test_a_hub_that_follows_still_knows_who_may_type(
    console: Console, host: FakeHost, clock: Clock, backing: FakeBacking
) -> None:
    _, owner = attach(console)
    ask(owner, 1, "control", mode="owner")
    assert backing.control == "owner"
    following = make_console(clock, backing=backing, control=backing.control)
    FakeHost(following, clock).hello()
    client, viewer = attach(following, user=2, role="writer")
    assert json.loads(client.take()[0].payload)["control"]["mode"] == "owner"
    assert not viewer.may_type


def test_who_may_not_type_does_not_over_rest_either(console: Console, host: FakeHost) -> None:
    _, owner = attach(console)
    (error,) = written(console, somebody(2), "observer")
    assert isinstance(error, NotAllowed)
    ask(owner, 1, "control", mode="one")
    (error,) = written(console, somebody(2), "writer")
    assert (error.code, "user1" in error.message) == ("not_in_control", True)
    assert written(console, somebody(1), "owner") == []
    with pytest.raises(NotAllowed):
        console.check_may_act(somebody(2), "writer")
    ask(owner, 2, "control", mode="anyone")
    assert written(console, somebody(2), "writer") == []
    console.check_may_act(somebody(2), "writer")
    assert [data for *_, data in host.inputs()] == [b"x", b"x"]


# -- what programs ask -----------------------------------------------------------------


def program_asks(host: FakeHost, number: int = 5, role: str = "writer") -> None:
    event = {"type": "ask", "ask": number, "op": "share", "role": role, "seconds": 60.0, "uses": 1}
    host.send(frames.encode_json(frames.EVENT, frames.CONSOLE, event))


def answers(host: FakeHost) -> list[dict[str, Any]]:
    found = []
    for request in host.requests():
        if request["op"] == "answer":
            found.append({key: request.get(key) for key in ("ask", "ok", "url")})
            host.reply(request["id"])
    return found


def test_owners_hear_what_a_program_asks_and_answer(
    console: Console, host: FakeHost, backing: FakeBacking
) -> None:
    owner, viewer = attach(console, viewer="1")
    writer, _ = attach(console, viewer="2", user=2, role="writer")
    program_asks(host)
    (event,) = events(owner, "asks")
    assert (event["ask"], event["role"], event["expires"], event["uses"]) == (5, "writer", 60.0, 1)
    assert events(writer, "asks") == []
    late, _ = attach(console, viewer="3")
    assert len(events(late, "asks")) == 1
    ask(viewer, 1, "answer", ask="5", allow=True)
    assert answers(host) == [{"ask": 5, "ok": True, "url": "https://hub/s/thsh_x"}]
    assert backing.granted == [("writer", 60.0, 1, viewer.user)]
    ask(viewer, 2, "answer", ask=5, allow=True)
    assert answers(host) == []


def test_to_look_needs_no_owner(console: Console, host: FakeHost, backing: FakeBacking) -> None:
    program_asks(host, role="observer")
    assert answers(host) == [{"ask": 5, "ok": True, "url": "https://hub/s/thsh_x"}]
    assert backing.granted == [("observer", 60.0, 1, None)]


def test_nobody_waits_for_an_answer_when_the_console_has_ended(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    attach(console)
    program_asks(host)
    console.has_gone("killed")
    assert clock.getDelayedCalls() == []


# -- what is typed ------------------------------------------------------------------------


def test_who_typed_a_line_is_asked_of_the_host(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, role="observer")
    host.serve()
    client.take()
    ask(viewer, 1, "typed", window=0, limit=5)
    (request,) = host.requests()
    assert (request["op"], request["limit"]) == ("typed", 5)
    line = {"offset": 9, "time": 12.5, "who": ["ann\x1b[31m"], "text": ">>> 1\x07", "lines": 1}
    host.reply(request["id"], lines=[line])
    (reply,) = [json.loads(frame.payload) for frame in client.take() if frame.type == frames.REPLY]
    assert reply["lines"] == [{**line, "who": ["ann\ufffd[31m"], "text": ">>> 1\ufffd"}]


@pytest.mark.parametrize(
    "lines",
    [
        "all",
        [{"offset": -1, "time": 1.0, "who": [], "text": ""}],
        [{"offset": 1, "time": 1.0, "who": ["x" * 65], "text": ""}],
        [{"offset": 1, "time": 1.0, "who": [], "text": "x" * 501}],
        [{"offset": 1, "time": 1.0, "who": [], "text": ""}] * 501,
    ],
)
def test_what_a_broken_host_says_of_it_breaks_its_link_only(
    console: Console, host: FakeHost, lines: object
) -> None:
    client, viewer = attach(console)
    ask(viewer, 1, "typed", window=0)
    (request,) = [request for request in host.requests() if request["op"] == "typed"]
    host.reply(request["id"], lines=lines)
    assert host.transport.aborted
    assert viewer.is_attached
    assert [json.loads(f.payload)["ok"] for f in client.take() if f.type == frames.REPLY] == [False]


# -- whatever comes ------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["0", "1", "anyone", "one", "owner", "\ud800", "x" * 3000]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=2),
    max_leaves=5,
)
FIELDS = st.sampled_from(sorted(set(ClientRequest.__struct_encode_fields__) - {"id", "op"}))
REQUESTS = st.builds(
    lambda id, op, fields: {"id": id, "op": op, **fields},
    st.integers(0, 9) | VALUES,
    st.sampled_from(list(OPERATIONS)) | VALUES,
    st.dictionaries(FIELDS, st.integers(0, 80) | VALUES, max_size=6),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(REQUESTS, min_size=1, max_size=8),
    st.sampled_from(["observer", "writer", "owner"]),
    st.booleans(),
)
def test_whatever_a_client_asks_nothing_is_raised(
    requests: list[dict[str, Any]], role: Role, has_ended: bool
) -> None:
    clock = Clock()
    console = make_console(clock, Ended())
    host = FakeHost(console, clock)
    host.hello()
    other, bystander = attach(console, viewer="1")
    client, viewer = attach(console, viewer="2", user=-2, role=role)
    if has_ended:
        console.has_gone("killed")
    for request in requests:
        payload = json.dumps(request).encode()
        viewer.receive(frames.Frame(frames.REQUEST, frames.CONSOLE, payload))
        host.serve()
        clock.advance(1)
    clock.advance(100)
    assert client.closed is None or client.closed[0] in (1002, 1008)
    for sent in (client, other):
        for frame in sent.take():
            if frame.type in (frames.EVENT, frames.REPLY, frames.HELLO):
                assert json.loads(frame.payload).get("code") != "error", "that is how defects are told"
    if bystander.is_attached:
        ask(bystander, 1, "ping")
        assert [json.loads(f.payload)["ok"] for f in other.take() if f.type == frames.REPLY] == [True]
