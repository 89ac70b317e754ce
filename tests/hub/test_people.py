"""Who is at a console, as everybody there is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.hub.console import Console
from termhub.hub.people import MAX_TOLD, PRESENCE_SECONDS, QUIET_SECONDS
from termhub.store import User
from tests.support.hub_fakes import FakeBacking, FakeClient, FakeHost, attach, make_console, somebody, type_in


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.advance(1000)
    return clock


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock, backing=FakeBacking(lambda user: 7 if user.number == -3 else None))


def hello_of(client: FakeClient) -> dict[str, Any]:
    return dict(json.loads(client.take()[0].payload))


def told(client: FakeClient) -> list[dict[str, Any]]:
    return [event for event in client.events() if event["type"] == "viewers"]


def test_hello_says_who_you_are_and_who_is_here(console: Console, host: FakeHost) -> None:
    guest = User(-3, "Ann", 0.0, "guest")
    attach(console, viewer="1")
    client, viewer = attach(console, viewer="2", user=guest, role="observer", via="terminal")
    hello = hello_of(client)
    assert hello["you"] == {"id": viewer.id, "person": viewer.person, "name": "Ann", "is_guest": True}
    assert [person["name"] for person in hello["people"]] == ["user1", "Ann"]
    assert hello["people"][1] == {
        "id": viewer.id,
        "person": viewer.person,
        "name": "Ann",
        "role": "observer",
        "via": "terminal",
        "is_guest": True,
        "member": 7,
        "typed": None,
    }


def test_ids_stay_over_reconnects_and_say_nothing(console: Console, host: FakeHost, clock: Clock) -> None:
    _, first = attach(console, viewer="1")
    first.detach("gone")
    _, again = attach(console, viewer="1")
    _, other = attach(console, viewer="2")
    assert (again.id, again.person) == (first.id, first.person)
    assert other.person == again.person
    assert other.id != again.id
    elsewhere = make_console(clock)
    assert elsewhere.together.people.person_id(somebody()) != first.person
    assert f"{first.key:016x}" != first.id


def test_clients_say_what_kind_they_are(console: Console, host: FakeHost) -> None:
    _, page = attach(console, viewer="1")
    _, terminal = attach(console, viewer="2", hello={"via": "terminal"})
    assert (page.via, terminal.via) == ("browser", "terminal")


def test_who_only_wants_to_look_is_an_observer(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, hello={"read_only": True})
    assert hello_of(client)["role"] == viewer.role == "observer"
    console.access_changed(lambda user: "owner")
    assert viewer.role == "observer"


def test_owners_and_writers_are_listed_first_and_not_everybody(console: Console, host: FakeHost) -> None:
    for number in range(2, 100):
        attach(console, viewer=f"{number:x}", user=number, role="observer")
    attach(console, viewer="aaa", user=100, role="writer")
    client, _ = attach(console, viewer="bbb", user=1, role="owner")
    people = hello_of(client)["people"]
    assert len(people) == MAX_TOLD
    assert [person["role"] for person in people[:3]] == ["owner", "writer", "observer"]


def test_two_hundred_viewers_who_come_at_once_cost_a_few_events(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, _ = attach(console, viewer="1")
    others = [attach(console, viewer=f"{number:x}", user=number)[0] for number in range(2, 201)]
    client.take()
    sent_before = [len(other.objects) for other in others]
    clock.pump([0.1] * 100)
    (event,) = told(client)
    assert (event["count"], len(event["people"])) == (200, MAX_TOLD)
    for other, before in zip(others, sent_before, strict=True):
        (frame,) = other.objects[before:]
        assert frame is others[0].objects[-1], "encoded once for all"


def test_with_many_viewers_it_is_told_less_often(console: Console, host: FakeHost, clock: Clock) -> None:
    client, _ = attach(console, viewer="1")
    others = [attach(console, viewer=f"{number:x}", user=number)[1] for number in range(2, 201)]
    clock.advance(10)
    client.take()
    for other in others[:100]:
        other.detach("gone")
        clock.advance(0.1)
    assert 1 <= len(told(client)) <= 10


def test_others_hear_that_somebody_else_begins_to_type(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, one = attach(console, viewer="1")
    _, two = attach(console, viewer="2", user=2)
    clock.advance(1)
    client.take()
    type_in(two, 0, b"a")
    clock.advance(1)
    (event,) = told(client)
    assert {person["id"]: person["typed"] for person in event["people"]} == {one.id: None, two.id: 1001.0}
    type_in(two, 1, b"b")
    clock.advance(1)
    assert told(client) == []
    type_in(one, 0, b"c")
    clock.advance(1)
    assert len(told(client)) == 1
    clock.advance(QUIET_SECONDS + 1)
    type_in(one, 1, b"d")
    clock.advance(1)
    assert len(told(client)) == 1


def test_nobody_else_hears_of_typing(console: Console, host: FakeHost, clock: Clock) -> None:
    client, viewer = attach(console)
    clock.advance(1)
    client.take()
    type_in(viewer, 0, b"a")
    clock.advance(1)
    assert told(client) == []


def test_who_typed_last_is_told_to_who_comes_then(console: Console, host: FakeHost) -> None:
    _, viewer = attach(console, viewer="1")
    type_in(viewer, 0, b"a")
    client, _ = attach(console, viewer="2", user=2)
    assert [person["typed"] for person in hello_of(client)["people"]] == [1000.0, None]


def test_a_client_that_is_behind_hears_of_the_last_state_only(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    client, _ = attach(console, viewer="1")
    host.serve()
    host.output(0, b"x" * 1_000_000)
    client.take()
    for number in range(2, 20):
        attach(console, viewer=f"{number:x}", user=number)
        clock.advance(1)
    assert told(client) == []


def test_no_timer_is_left_when_all_have_gone(console: Console, host: FakeHost, clock: Clock) -> None:
    viewers = [attach(console, viewer=f"{number:x}", user=number)[1] for number in range(2, 9)]
    for viewer in viewers:
        type_in(viewer, 0, b"a")
        viewer.detach("gone")
    host.take()
    soon = clock.seconds() + 10 * PRESENCE_SECONDS
    assert [call for call in clock.getDelayedCalls() if call.getTime() < soon] == []


def test_hosts_hear_who_types_before_the_first_input_on_each_link(
    console: Console, host: FakeHost, clock: Clock
) -> None:
    _, viewer = attach(console, user=User(5, "Åsa", 0.0, "default"))
    host.take()
    type_in(viewer, 0, b"a")
    type_in(viewer, 1, b"b")
    person, first, second = host.take()
    body = json.loads(person.payload)
    assert (body["op"], body["viewer"], body["name"]) == ("person", f"{viewer.key:016x}", "Åsa")
    assert (first.type, second.type) == (frames.INPUT, frames.INPUT)
    host.refuse(body["id"], "unknown_op")
    host.die()
    successor = FakeHost(console, clock)
    successor.hello()
    assert [request["op"] for request in successor.requests()].count("person") == 1
