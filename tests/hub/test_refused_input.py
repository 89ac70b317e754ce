"""Input of who may not type now is thrown away, and no byte that was typed while allowed is lost or doubled.

Two real clients, the hub, and the real agent's bookkeeping of input are joined by queues that deliver
when the test says so.  Connections, hosts and hubs break at any moment.
"""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.task import Clock

from sandbox.guest import frames
from sandbox.guest.inputs import Inputs as AgentInputs
from termhub.cli.viewer import Viewer as ClientViewer
from termhub.hub.console import Console
from termhub.hub.input import InputStream
from termhub.hub.viewers import Viewer
from termhub.store import Role
from tests.support.hub_fakes import (
    FakeClient,
    FakeHost,
    ask,
    attach,
    frame_of,
    make_console,
    somebody,
    type_in,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(clock: Clock) -> Console:
    return make_console(clock)


def refusals(client: FakeClient) -> list[int]:
    return [event["sequence"] for event in client.events() if event["type"] == "refused"]


def test_input_is_refused_from_where_it_was_not_allowed(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, role="writer", user=2)
    type_in(viewer, 0, b"one")
    host.send(frames.accepted(0, viewer.key, 3))
    console.together.control.set_mode("owner", "")
    type_in(viewer, 3, b"two")
    type_in(viewer, 6, b"three")
    assert refusals(client) == [3]
    console.together.control.set_mode("anyone", "")
    type_in(viewer, 11, b"sent before it heard")
    type_in(viewer, 3, b"")
    type_in(viewer, 3, b"four")
    assert b"".join(data for *_, data in host.inputs()) == b"onefour"


def test_what_was_typed_before_the_refusal_is_written(console: Console, host: FakeHost, clock: Clock) -> None:
    client, viewer = attach(console, role="writer", user=2)
    type_in(viewer, 0, b"a")
    host.send(frames.accepted(0, viewer.key, 1))
    host.die()
    type_in(viewer, 1, b"held")
    console.together.control.set_mode("owner", "")
    type_in(viewer, 5, b"refused")
    assert refusals(client) == [5]
    successor = FakeHost(console, clock)
    successor.hello()
    assert [data for *_, data in successor.inputs()] == [b"held"]


def test_a_refusal_is_told_again_after_a_reconnect(console: Console, host: FakeHost) -> None:
    _, viewer = attach(console, role="writer", user=2)
    type_in(viewer, 0, b"a")
    host.send(frames.accepted(0, viewer.key, 1))
    console.together.control.set_mode("owner", "")
    type_in(viewer, 1, b"refused")
    viewer.detach("gone")
    console.together.control.set_mode("anyone", "")
    client, viewer = attach(console, role="writer", user=2)
    type_in(viewer, 1, b"refused")
    assert refusals(client) == [1]
    type_in(viewer, 1, b"")
    type_in(viewer, 1, b"b")
    assert b"".join(data for *_, data in host.inputs()) == b"ab"


def test_who_comes_again_hears_what_was_written_with_what_is_refused(
    console: Console, host: FakeHost
) -> None:
    _, viewer = attach(console, role="writer", user=2)
    type_in(viewer, 0, b"written")
    viewer.detach("gone")
    host.send(frames.accepted(0, viewer.key, 7))
    console.together.control.set_mode("owner", "")
    client, viewer = attach(console, role="writer", user=2)
    client.take()
    type_in(viewer, 0, b"writtenrefused")
    told = client.take()
    assert [frames.NAMES[frame.type] for frame in told] == ["ACCEPTED", "EVENT"]
    assert frames.parse_accepted(told[0].payload)[1] == frames.parse_json(told[1].payload)["sequence"] == 7


def test_a_new_hub_asks_the_agent_where_input_goes_on(console: Console, host: FakeHost) -> None:
    console.together.control.set_mode("owner", "")
    client, viewer = attach(console, role="writer", user=2)
    host.take()
    type_in(viewer, 100, b"sent to the hub before this one too")
    assert refusals(client) == []
    ((_, _, sequence, data),) = host.inputs()
    assert (sequence, data) == (100, b"")
    host.send(frames.accepted(0, viewer.key, 120))
    ((_, _, sequence, data),) = host.inputs()
    assert (sequence, data) == (120, b"")
    host.send(frames.accepted(0, viewer.key, 120))
    assert refusals(client) == [120]


def test_refusals_of_another_hub_are_not_taken_for_known_ones(clock: Clock) -> None:
    numbers = set()
    for _ in range(2):
        console = make_console(clock)
        host = FakeHost(console, clock)
        host.hello()
        console.together.control.set_mode("owner", "")
        client, viewer = attach(console, role="writer", user=2)
        type_in(viewer, 0, b"x")
        host.send(frames.accepted(0, viewer.key, 0))
        numbers |= {event["refusal"] for event in client.events() if event["type"] == "refused"}
    assert len(numbers) == 2


def test_the_refusal_waits_for_a_host(console: Console, clock: Clock) -> None:
    console.together.control.set_mode("owner", "")
    client, viewer = attach(console, role="writer", user=2)
    type_in(viewer, 5, b"x")
    host = FakeHost(console, clock)
    host.hello()
    assert [data for *_, data in host.inputs()] == [b""]
    host.send(frames.accepted(0, viewer.key, 5))
    assert refusals(client) == [5]


def test_who_may_not_type_is_not_taken_for_the_one_who_typed_last(console: Console, host: FakeHost) -> None:
    _, owner = attach(console, viewer="1", size=(100, 30))
    _, writer = attach(console, viewer="2", user=2, role="writer", size=(80, 20))
    console.together.control.set_mode("owner", "")
    type_in(owner, 0, b"x")
    type_in(writer, 0, b"y")
    wanted = console.windows[0].sizes.wanted()
    assert wanted == (100, 30)
    assert (owner.typed is None, writer.typed is None) == (False, True)


def test_a_demoted_writer_who_still_types_is_refused_and_stays(console: Console, host: FakeHost) -> None:
    client, viewer = attach(console, role="writer", user=2)
    type_in(viewer, 0, b"a")
    host.send(frames.accepted(0, viewer.key, 1))
    console.access_changed(lambda user: "observer")
    type_in(viewer, 1, b"b")
    assert refusals(client) == [1]
    assert client.closed is None
    assert b"".join(data for *_, data in host.inputs()) == b"a"


def test_what_is_free_is_had_by_who_types_first(console: Console, host: FakeHost) -> None:
    _, one = attach(console, viewer="1", user=2, role="writer")
    client, two = attach(console, viewer="2", user=3, role="writer")
    console.together.control.set_mode("one", "somebody who left")
    console.together.control.left("somebody who left")
    type_in(one, 0, b"first")
    type_in(two, 0, b"second")
    assert console.together.control.holder == one.person
    assert b"".join(data for *_, data in host.inputs()) == b"first"
    ask(two, 1, "control_ask")
    ask(one, 1, "control_give", person=two.person)
    assert console.together.control.holder == two.person
    client.take()


def test_a_client_drops_what_is_refused_and_goes_on() -> None:
    sent: list[tuple[int, bytes]] = []
    stream = InputStream(lambda sequence, data: sent.append((sequence, data)), True)
    stream.receive(0, b"kept")
    stream.receive(4, b"refused")
    stream.refused(4, 1)
    assert sent[-1] == (4, b"")
    assert stream.held_bytes == 4, "what is before is written as usual, perhaps by a hub that has yet to come"
    stream.receive(stream.end, b"new")
    assert sent[-1] == (4, b"new")
    stream.refused(4, 1)
    assert sent[-2:] == [(4, b""), (4, b"new")], "only the answer to a refusal that was heard of was lost"
    stream.on_accepted(7)
    assert stream.held_bytes == 0


@pytest.mark.parametrize("sequence", [0, 2, 20])
def test_a_client_goes_on_where_the_hub_says_even_if_that_makes_no_sense(sequence: int) -> None:
    stream = InputStream(lambda sequence, data: None, True)
    stream.receive(0, b"0123456789")
    stream.on_accepted(5)
    stream.refused(sequence, 1)
    assert (stream.end, stream.held_bytes) == (sequence, 0)


# -- any interleaving --------------------------------------------------------------------


class Agent:
    """The agent's bookkeeping of input to window 0; outlives hosts and hubs."""

    def __init__(self) -> None:
        self._inputs = AgentInputs()
        self.taken: dict[int, bytes] = {}

    def take(self, viewer: int, sequence: int, data: bytes) -> list[tuple[int, int]]:
        before = len(self._inputs._queue)
        self._inputs.receive(viewer, sequence, data)
        for typist, new in list(self._inputs._queue)[before:]:
            self.taken[typist.number] = self.taken.get(typist.number, b"") + new
        return self._inputs.answers()

    def write(self, most_bytes: int) -> list[tuple[int, int]]:
        """The terminal takes some bytes."""
        self._inputs.written(min(most_bytes, self._inputs.pending_bytes))
        return self._inputs.answers()

    def new_peer(self) -> None:
        self._inputs.new_peer()


class Nothing:
    """Shows nothing."""

    def keyframe(self, *_: Any) -> None:
        pass

    output = event = keyframe


class Person:
    """A person with a client, and the connection between it and the hub.

    :param must: numbers of what was typed while allowed, and reached the hub at once.
    :param must_not: of what was refused.
    :param unheard: of what was refused, and the client has not said that it knows.
    """

    def __init__(self, number: int) -> None:
        self.user = somebody(number)
        self.role: Role = "writer"
        self.client = ClientViewer(Nothing(), self._send, 80, observes=False, rows=24)
        self.viewer: Viewer | None = None
        self.key = 0
        self.to_hub: deque[bytes] = deque()
        self.to_client: deque[bytes] = deque()
        self.closed: tuple[int, str] | None = None
        self.typed: list[bytes] = []
        self.must: set[int] = set()
        self.must_not: set[int] = set()
        self.unheard: set[int] = set()

    # -- as a client of the hub

    def send(self, data: bytes) -> None:
        self.to_client.append(data)

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    def pause_input(self) -> None:
        pass

    resume_input = pause_input

    # -- the connection

    def _send(self, data: bytes) -> None:
        self.to_hub.append(data)

    def connect(self, console: Console) -> None:
        self.client.connected()
        hello = frames.parse_json(frame_of(self.to_hub.popleft()).payload)
        self.viewer = console.attach(self, self.user, self.role, hello)
        self.key = self.viewer.key

    def disconnect(self) -> None:
        if self.viewer is not None:
            self.client.disconnected()
            self.viewer.detach("the connection is gone")
            self.viewer = None
            self.to_hub.clear()
            self.to_client.clear()

    def deliver_to_hub(self) -> None:
        if self.to_hub and self.viewer is not None:
            self.viewer.receive(frame_of(self.to_hub.popleft()))

    def deliver_to_client(self) -> None:
        if self.to_client:
            self.client.receive(self.to_client.popleft())

    def type(self, size: int) -> int:
        """Type something that can be told from everything else; its number."""
        number = len(self.typed)
        self.typed.append(b"<%d:%s>" % (number, b"x" * size))
        self.client.type(self.typed[-1])
        return number


WHO = st.integers(0, 1)
SIZES = st.sampled_from([1, 1, 3, 20_000])


class World(RuleBasedStateMachine):
    """All of it.  Once everything is delivered, what the agent has taken is compared with what was typed."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.agent = Agent()
        self.people = [Person(2), Person(3)]
        self._new_hub()
        for person in self.people:
            person.connect(self.console)
            self._settle()
            person.must.add(person.type(1))
        self._settle()

    def _new_hub(self) -> None:
        self.console = make_console(self.clock)
        self._new_host()

    def _new_host(self) -> None:
        self.host = FakeHost(self.console, self.clock)
        self.host.hello()
        self.agent.new_peer()

    def _accepted(self, answers: list[tuple[int, int]]) -> None:
        for viewer, sequence in answers:
            self.host.send(frames.accepted(0, viewer, sequence))

    def _deliver_to_agent(self) -> bool:
        inputs = list(self.host.inputs())
        for _, viewer, sequence, data in inputs:
            self._accepted(self.agent.take(viewer, sequence, data))
        return bool(inputs)

    def _settle(self) -> None:
        """Deliver everything."""
        for person in self.people:
            if person.viewer is None:
                person.connect(self.console)
        moves = True
        while moves:
            moves = any(person.to_hub or person.to_client for person in self.people)
            for person in self.people:
                person.deliver_to_hub()
                person.deliver_to_client()
            moves = self._deliver_to_agent() or moves
            while answers := self.agent.write(1 << 20):
                self._accepted(answers)
                moves = True

    # -- typing

    @rule(who=WHO, size=SIZES)
    def types(self, who: int, size: int) -> None:
        person = self.people[who]
        if person.client.role != "observer" and person.client.wants_input:
            person.type(size)

    @rule(who=WHO, size=SIZES)
    def types_and_it_reaches_the_hub(self, who: int, size: int) -> None:
        person = self.people[who]
        viewer, held = person.viewer, person.client._input()
        if viewer is None or person.client.role == "observer":
            return
        while person.to_hub:
            person.deliver_to_hub()
        if not person.client.is_connected or held.sent != held.end or held.held_bytes > 40_000:
            return
        stream = self.console.input_stream(viewer, 0)
        assert stream is not None
        is_wanted = viewer.may_type and not stream.is_refusing
        number = person.type(size)
        while person.to_hub:
            person.deliver_to_hub()
        (person.must if is_wanted else person.must_not).add(number)

    # -- what is on its way

    @rule(who=WHO, count=st.integers(1, 3))
    def some_reaches_the_hub(self, who: int, count: int) -> None:
        for _ in range(count):
            self.people[who].deliver_to_hub()

    @rule(who=WHO)
    def all_reaches_the_client(self, who: int) -> None:
        while self.people[who].to_client:
            self.people[who].deliver_to_client()

    @rule()
    def some_reaches_the_agent(self) -> None:
        self._deliver_to_agent()

    @rule(most_bytes=st.sampled_from([1, 7, 1000, 1 << 20]))
    def the_program_reads(self, most_bytes: int) -> None:
        self._accepted(self.agent.write(most_bytes))

    # -- what breaks

    @rule(who=WHO)
    def connects_anew(self, who: int) -> None:
        self.people[who].disconnect()
        self.people[who].connect(self.console)

    @rule(who=WHO)
    def connection_breaks(self, who: int) -> None:
        self.people[who].disconnect()

    @rule()
    def host_dies(self) -> None:
        self.host.die()
        self._new_host()

    @rule(only_owners_type=st.booleans())
    def hub_restarts(self, only_owners_type: bool) -> None:
        """It does not know who may type, nor what was refused; clients send again what was not accepted."""
        for person in self.people:
            person.disconnect()
        self.console.close(1012, "the hub restarts")
        self._new_hub()
        if only_owners_type:
            self.console.together.control.set_mode("owner", "")
        for person in self.people:
            person.must_not -= person.unheard
            person.unheard.clear()
            if person.role != "owner" and (only_owners_type or person.role == "observer"):
                taken = self.agent.taken.get(person.key, b"")
                person.must = {number for number in person.must if person.typed[number] in taken}
        self._settle()

    # -- who may type

    @rule(to=st.sampled_from([0, 0, 1, 1, None, "owner"]))
    def is_handed_over(self, to: Any) -> None:
        control = self.console.together.control
        if to in (0, 1):
            control.set_mode("one", "")
            control.give("", "owner", self.console.together.people.person_id(self.people[to].user))
        else:
            control.set_mode("owner" if to == "owner" else "anyone", "")

    @rule(who=WHO, lets_go=st.booleans())
    def gives(self, who: int, lets_go: bool) -> None:
        giver, other = self.people[who].viewer, self.people[1 - who].viewer
        if giver is not None and (lets_go or other is not None):
            ask(giver, 2, "control_give", person=None if lets_go or other is None else other.person)

    @rule(who=WHO, role=st.sampled_from(["observer", "writer", "writer", "owner"]))
    def role_changes(self, who: int, role: Role) -> None:
        self.people[who].role = role
        roles = {person.user.number: person.role for person in self.people}
        self.console.access_changed(lambda user: roles[user.number])

    # -- what must hold

    @invariant()
    def note_what_clients_know(self) -> None:
        for person in self.people:
            stream = dict(self.console._inputs.of(person.key)).get(0)
            person.unheard = set(person.must_not) if stream is not None and stream.is_refusing else set()

    @rule()
    def all_is_delivered(self) -> None:
        self._settle()
        for person in self.people:
            assert person.closed is None or person.closed[0] == 1000
            assert person.client._input().held_bytes == 0
            rest = self.agent.taken.get(person.key, b"")
            reached = set()
            for number, chunk in enumerate(person.typed):
                if rest.startswith(chunk):
                    rest = rest[len(chunk) :]
                    reached.add(number)
                elif number not in person.must | person.must_not:
                    # It may have been refused in the middle; then the next begins there.
                    same = takewhile(lambda pair: pair[0] == pair[1], zip(chunk, rest, strict=False))
                    size = sum(1 for _ in same)
                    if rest[size : size + 1] in (b"", b"<"):
                        rest = rest[size:]
            assert rest == b"", (person.user.name, rest[:60])
            assert person.must <= reached, (person.user.name, person.must - reached)
            assert not person.must_not & reached, (person.user.name, person.must_not & reached)

    def teardown(self) -> None:
        self.all_is_delivered()
        for person in self.people:
            person.disconnect()
        self.console.close(1012, "done")


TestAnyInterleaving = World.TestCase
TestAnyInterleaving.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
