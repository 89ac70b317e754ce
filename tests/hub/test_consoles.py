"""The directory: names, limits, life, prepared consoles, and what a new hub finds."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sandbox.guest import frames
from termhub.config import ConsolesSettings, Plan, Settings
from termhub.errors import (
    BadRequest,
    ConsoleError,
    NameTaken,
    NoSandbox,
    NoSuchConsole,
    NotAllowed,
    TermhubError,
    TooMany,
)
from termhub.hub.console import Console
from termhub.hub.consoles import LINK_SECONDS, Consoles, NewConsole
from termhub.hub.ended import Ended
from termhub.hub.files import IDLE_SECONDS, SFTP_SERVER
from termhub.hub.link import HostLink
from termhub.hub.prepared import RENEW_SECONDS
from termhub.store import ConsoleRecord, Database, User
from tests.support.hub_fakes import FakeTransport, SilentOwner, attach
from tests.support.stores import AccountsOfTest, InlineStore


class FakeLauncher:
    """Consoles as the launcher has them."""

    def __init__(self) -> None:
        self.consoles: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.failure: TermhubError | None = None
        self.hosts_are_dead = False

    async def request(self, op: str, **arguments: Any) -> dict[str, Any]:
        self.asked.append(op)
        if self.failure is not None:
            raise self.failure
        if op == "images":
            names = ("3.11", "3.13")
            return {
                "images": [
                    {"name": n, "version": f"{n}.0", "python": f"/usr/bin/python{n}", "source": "system"}
                    for n in names
                ]
            }
        if op == "list":
            rest = [
                entry for name, entry in sorted(self.consoles.items()) if name > arguments.get("after", "")
            ]
            after = rest[0]["console"] if len(rest) > 1 else ""
            return {"consoles": rest[:1], "after": after}
        if op == "create":
            spec = arguments["spec"]
            self.add(spec["console"], spec["number"], spec=spec)
        elif arguments["console"] not in self.consoles:
            raise NoSuchConsole("there is none")
        elif op == "end":
            self.consoles[arguments["console"]]["state"] = "ended"
        elif op == "remove":
            del self.consoles[arguments["console"]]
        elif op == "host":
            self.hosts_are_dead = False
        return {}

    def add(self, console: str, owner: int, state: str = "running", spec: Any = None) -> None:
        spec = spec or {"program": "python", "image": "3.11"}
        self.consoles[console] = {"console": console, "owner": owner, "state": state, "spec": spec}

    def close(self) -> None:
        pass


class HostTransport(FakeTransport):
    """A host that ends when it is told to."""

    def __init__(self, link: HostLink) -> None:
        super().__init__()
        self._link = link

    def write(self, data: bytes) -> None:
        super().write(data)
        for frame in frames.Decoder().feed(data):
            if frame.type == frames.REQUEST:
                request = frames.parse_json(frame.payload)
                if request["op"] == "run":
                    reply = {"id": request["id"], "ok": True}
                    self._link.dataReceived(frames.encode_json(frames.REPLY, frames.CONSOLE, reply))
                elif request["op"] == "end":
                    reply = {"id": request["id"], "ok": True}
                    event = {"type": "ended", "reason": request["reason"]}
                    self._link.dataReceived(frames.encode_json(frames.REPLY, frames.CONSOLE, reply))
                    self._link.dataReceived(frames.encode_json(frames.EVENT, frames.CONSOLE, event))


class Here:
    """A hub's directory of consoles with everything around it faked."""

    def __init__(self, folder: Path, most: int = 50, **settings: Any) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.launcher = FakeLauncher()
        self.database = Database(folder / "test.db")
        self.alice = self.database.add_user("alice", 0.0, "default")
        self.bob = self.database.add_user("bob", 0.0, "default")
        self.store = InlineStore(self.database)
        self.settings = Settings(
            data=str(folder),
            default_plan="default",
            plans={"default": Plan(consoles=most)},
            consoles=ConsolesSettings(**settings),
        )
        self.links: dict[str, HostLink] = {}
        self.consoles = self.new_hub()

    def new_hub(self) -> Consoles:
        self.links.clear()
        launcher: Any = self.launcher
        self.shares = AccountsOfTest(self.store, self.clock).shares
        return Consoles(
            self.settings, self.store, self.shares, launcher, self, self.clock, self.clock.seconds
        )

    def connect(self, folder: Path, link: HostLink) -> None:
        if self.launcher.hosts_are_dead:
            raise ConnectionRefusedError("nobody there")
        link.transport = HostTransport(link)
        link.connectionMade()
        self.links[folder.name] = link
        hello = {
            "version": 1,
            "console": folder.name,
            "windows": [{"window": 0, "offset": 0, "cols": 80, "rows": 24}],
        }
        link.dataReceived(frames.encode_json(frames.HELLO, frames.CONSOLE, hello))

    async def read_ended(self, folder: Path) -> Ended | None:
        return Ended(reason="the program ended", time=1234.0)

    def create(self, user: User | None = None, **new: Any) -> Console:
        return result(self.consoles.create(user or self.alice, NewConsole(**new)))

    def names(self, user: User | None = None) -> list[str]:
        return [console.name for console in self.consoles.of(user or self.alice)]


def result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that needs no waiting returns; raises what it raises."""
    results: list[Any] = []
    failures: list[Any] = []
    Deferred.fromCoroutine(coroutine).addCallbacks(results.append, failures.append)
    if failures:
        raise failures[0].value
    assert results, "it still waits for something"
    return results[0]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    here = Here(tmp_path, prepare=False)
    result(here.consoles.start())
    yield here
    here.consoles.stop(1012, "test is over")
    here.database.close()


def test_new_console_has_a_name_of_its_program(here: Here) -> None:
    console = here.create()
    assert (console.name, console.program, console.image, console.state) == (
        "python-1",
        "python",
        "3.11",
        "running",
    )
    assert here.create(program="ipython").name == "ipython-1"
    assert here.create().name == "python-2"
    assert here.create(argv=["ls"]).program == "script"
    spec = here.launcher.consoles[console.id]["spec"]
    assert (spec["number"], spec["user"], spec["cols"], spec["rows"]) == (here.alice.number, "alice", 80, 24)
    assert spec["limits"]["memory_bytes"] == 512 << 20
    assert (spec["limits"]["home_files"], spec["limits"]["cpu_percent"]) == (20_000, 50)
    assert (spec["journal_bytes"], spec["network"]) == (16 << 20, {"mode": "none", "kbits": None})
    assert here.database.console(console.id) is not None


def test_scripts_wait_after_an_error_unless_nobody_wants_that(here: Here) -> None:
    def variables(**new: Any) -> Any:
        return here.launcher.consoles[here.create(**new).id]["spec"]["env"]

    script = ["python3", "x.py"]
    assert variables(argv=script, env={"A": "b"}) == {"A": "b", "TERMHUB_POST_MORTEM": "1"}
    assert variables(argv=script, post_mortem=False) == {}
    assert variables() == {}
    assert variables(program="bash") == {}


def test_image_is_resolved_by_name_or_version(here: Here) -> None:
    assert here.create(image="3.13").image == "3.13"
    assert here.create(image="python3.13.0").image == "3.13"
    with pytest.raises(BadRequest, match=r"no image '2\.7'"):
        here.create(image="2.7")


@pytest.mark.parametrize(
    "name", ["", "-x", ".hidden", "a b", "a/b", "x" * 41, "ünï", "c-abcdefghij", "a\n", "../x"]
)
def test_names_that_cannot_be(here: Here, name: str) -> None:
    with pytest.raises(BadRequest, match="cannot be a console's name"):
        here.create(name=name)
    assert here.names() == []


def test_names_are_unique_for_their_owner(here: Here) -> None:
    console = here.create(name="Work.1_a-b")
    with pytest.raises(NameTaken):
        here.create(name="Work.1_a-b")
    assert here.create(here.bob, name="Work.1_a-b").owner == here.bob.number
    other = here.create(name="other")
    with pytest.raises(NameTaken):
        result(here.consoles.rename(other, "Work.1_a-b"))
    client, _ = attach(console)
    result(here.consoles.rename(console, "new"))
    assert here.consoles.get(here.alice, "new") is console
    assert {"type": "renamed", "name": "new"} in client.events()


def test_nobody_sees_anothers_console(here: Here) -> None:
    console = here.create(name="mine")
    for key in (console.id, "mine", "nothing", ""):
        with pytest.raises(NoSuchConsole):
            here.consoles.get(here.bob, key)
    assert here.consoles.of(here.bob) == []
    assert here.consoles.get(here.alice, console.id) is here.consoles.get(here.alice, "mine")


def test_number_of_consoles_is_limited(tmp_path: Path) -> None:
    here = Here(tmp_path, prepare=False, most=2)
    result(here.consoles.start())
    first = here.create()
    here.create()
    with pytest.raises(TooMany):
        here.create()
    assert here.create(here.bob)
    result(here.consoles.end(first))
    assert here.create()
    here.consoles.stop(1012, "")
    here.database.close()


def test_console_that_is_being_made_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Here(tmp_path, prepare=False, most=2)
    result(here.consoles.start())
    monkeypatch.setattr(here, "connect", lambda folder, link: None)  # no link comes
    waiting = Deferred.fromCoroutine(here.consoles.create(here.alice, NewConsole()))
    second = Deferred.fromCoroutine(here.consoles.create(here.alice, NewConsole()))
    with pytest.raises(TooMany, match=r"You have all the consoles that the plan default has \(2\)\."):
        here.create()
    here.clock.advance(LINK_SECONDS)
    assert [console.name for console in (waiting.result, second.result)] == ["python-1", "python-2"]
    here.consoles.stop(1012, "")
    here.database.close()


@pytest.mark.parametrize("failure", [NoSandbox("bubblewrap is missing"), ConsoleError("away", "no_launcher")])
def test_console_that_cannot_be_made_leaves_nothing(here: Here, failure: TermhubError) -> None:
    here.launcher.failure = failure
    with pytest.raises(type(failure)):
        here.create()
    assert here.names() == []
    assert here.database.consoles() == []
    here.launcher.failure = None
    assert here.create().name == "python-1"


def test_ended_console_stays_listed_until_it_is_removed(here: Here) -> None:
    console = here.create()
    result(here.consoles.end(console, "enough"))
    assert (console.state, console.reason, console.ended) == ("ended", "enough", 1000)
    assert here.names() == ["python-1"]
    record = here.database.console(console.id)
    assert record is not None
    assert (record.ended, record.reason) == (1000, "enough")
    assert "end" not in here.launcher.asked
    client, _ = attach(console)
    result(here.consoles.remove(console))
    assert here.names() == []
    assert here.database.console(console.id) is None
    assert here.launcher.consoles == {}
    assert client.closed is not None
    assert client.closed[0] == 4004


def test_console_that_does_not_end_when_told_is_killed(here: Here) -> None:
    console = here.create()
    here.links[console.id].transport = FakeTransport()
    results: list[Any] = []
    Deferred.fromCoroutine(here.consoles.end(console, "enough")).addBoth(results.append)
    here.clock.advance(60)
    assert results == [None]
    assert "end" in here.launcher.asked
    assert (console.state, console.reason, console.ended) == ("ended", "the program ended", 1234.0)


def test_console_that_ends_by_itself_is_noted(here: Here) -> None:
    console = here.create()
    event = {"type": "ended", "reason": "the program ended with status 3"}
    here.links[console.id].dataReceived(frames.encode_json(frames.EVENT, frames.CONSOLE, event))
    record = here.database.console(console.id)
    assert record is not None
    assert record.reason == "the program ended with status 3"


def test_only_so_many_ended_consoles_are_kept(tmp_path: Path) -> None:
    here = Here(tmp_path, prepare=False, kept_ended=2)
    result(here.consoles.start())
    for number in range(4):
        here.clock.advance(1)
        console = here.create(name=f"n{number}")
        event = {"type": "ended", "reason": "over"}
        here.links[console.id].dataReceived(frames.encode_json(frames.EVENT, frames.CONSOLE, event))
    assert here.names() == ["n2", "n3"]
    assert len(here.launcher.consoles) == 2
    here.database.close()


# -- prepared ------------------------------------------------------------------------


@pytest.fixture
def preparing(tmp_path: Path) -> Iterator[Here]:
    here = Here(tmp_path, prepared_total=2)
    result(here.consoles.start())
    yield here
    here.consoles.stop(1012, "test is over")
    here.database.close()


def test_prepared_console_is_hidden_and_claimed_by_create(preparing: Here) -> None:
    preparing.consoles.logged_in(preparing.alice)
    (identity,) = preparing.launcher.consoles
    assert preparing.names() == []
    with pytest.raises(NoSuchConsole):
        preparing.consoles.get(preparing.alice, identity)
    console = preparing.create(name="mine", cols=100, rows=30)
    assert console.id == identity
    assert preparing.names() == ["mine"]
    record = preparing.database.console(identity)
    assert record is not None
    assert (record.name, record.prepared) == ("mine", False)
    written = preparing.links[identity].transport.written  # type: ignore[attr-defined]
    assert frames.resize(0, 100, 30) in written
    assert len(preparing.launcher.consoles) == 1
    preparing.clock.advance(RENEW_SECONDS)
    assert len(preparing.launcher.consoles) == 2


@pytest.mark.parametrize(
    "new", [{"program": "ipython"}, {"image": "3.13"}, {"argv": ["python3", "-q"]}, {"env": {"A": "b"}}]
)
def test_prepared_console_is_not_given_to_who_wants_another(preparing: Here, new: dict[str, Any]) -> None:
    preparing.consoles.logged_in(preparing.alice)
    (identity,) = preparing.launcher.consoles
    assert preparing.create(**new).id != identity


def test_prepared_console_of_another_user_is_not_given(preparing: Here) -> None:
    preparing.consoles.logged_in(preparing.alice)
    (identity,) = preparing.launcher.consoles
    assert preparing.create(preparing.bob).id != identity


def test_one_for_each_user_and_a_bounded_number_for_all(preparing: Here) -> None:
    carol = preparing.database.add_user("carol", 0.0, "default")
    for _ in range(3):
        for user in (preparing.alice, preparing.bob, carol):
            preparing.consoles.logged_in(user)
    assert len(preparing.launcher.consoles) == 2


def test_prepared_console_that_nobody_takes_ends(preparing: Here) -> None:
    preparing.consoles.logged_in(preparing.alice)
    preparing.clock.advance(3599)
    assert len(preparing.launcher.consoles) == 1
    preparing.clock.advance(2)
    assert preparing.launcher.consoles == {}
    assert preparing.database.consoles() == []


def test_logging_out_ends_what_is_prepared(preparing: Here) -> None:
    preparing.consoles.logged_in(preparing.alice)
    preparing.consoles.logged_out(preparing.alice)
    assert preparing.launcher.consoles == {}
    assert preparing.database.consoles() == []


def test_prepared_console_that_dies_is_forgotten(preparing: Here) -> None:
    preparing.consoles.logged_in(preparing.alice)
    (identity,) = preparing.launcher.consoles
    event = {"type": "ended", "reason": "out of memory"}
    preparing.links[identity].dataReceived(frames.encode_json(frames.EVENT, frames.CONSOLE, event))
    assert preparing.database.consoles() == []
    assert preparing.create().id != identity


def test_preparing_that_fails_is_no_trouble(preparing: Here) -> None:
    preparing.launcher.failure = NoSandbox("no")
    preparing.consoles.logged_in(preparing.alice)
    preparing.launcher.failure = None
    assert preparing.create().name == "python-1"


def test_prepared_consoles_outlive_the_hub(preparing: Here) -> None:
    preparing.consoles.logged_in(preparing.alice)
    (identity,) = preparing.launcher.consoles
    preparing.consoles.stop(1012, "")
    preparing.consoles = preparing.new_hub()
    result(preparing.consoles.start())
    assert preparing.names() == []
    assert preparing.create().id == identity


# -- files ---------------------------------------------------------------------------


def test_sandbox_for_files_is_hidden_and_counts_for_nothing(tmp_path: Path) -> None:
    here = Here(tmp_path, most=1, prepare=False)
    result(here.consoles.start())
    result(here.consoles.run_for_files(here.alice, SilentOwner(), SFTP_SERVER))
    (identity,) = here.launcher.consoles
    assert here.names() == []
    with pytest.raises(NoSuchConsole):
        here.consoles.get(here.alice, identity)
    assert here.create().id != identity
    result(here.consoles.run_for_files(here.bob, SilentOwner(), SFTP_SERVER))
    assert len(here.launcher.consoles) == 3
    here.consoles.stop(1012, "")
    here.database.close()


def test_sandbox_for_files_outlives_the_hub_and_is_no_prepared_console(preparing: Here) -> None:
    result(preparing.consoles.run_for_files(preparing.alice, SilentOwner(), SFTP_SERVER))
    (identity,) = preparing.launcher.consoles
    preparing.consoles.stop(1012, "")
    preparing.consoles = preparing.new_hub()
    result(preparing.consoles.start())
    assert preparing.names() == []
    stream = result(preparing.consoles.run_for_files(preparing.alice, SilentOwner(), SFTP_SERVER))
    assert list(preparing.launcher.consoles) == [identity]
    assert preparing.create().id != identity
    stream.close()
    preparing.clock.advance(IDLE_SECONDS)
    assert identity not in preparing.launcher.consoles
    assert preparing.database.console(identity) is None


def test_sandbox_for_files_that_died_is_forgotten_and_made_again(here: Here) -> None:
    result(here.consoles.run_for_files(here.alice, SilentOwner(), SFTP_SERVER))
    (identity,) = here.launcher.consoles
    event = {"type": "ended", "reason": "killed"}
    here.links[identity].dataReceived(frames.encode_json(frames.EVENT, frames.CONSOLE, event))
    assert here.launcher.consoles == {}
    assert here.database.consoles() == []
    result(here.consoles.run_for_files(here.alice, SilentOwner(), SFTP_SERVER))
    assert len(here.launcher.consoles) == 1


# -- a new hub -----------------------------------------------------------------------


def test_new_hub_finds_what_runs_and_what_has_ended(here: Here) -> None:
    running = here.create(name="running").id
    ended = here.create(name="ended").id
    result(here.consoles.end(here.consoles.get(here.alice, ended)))
    here.consoles.stop(1012, "")
    died = "c-diedmeanwh"
    here.launcher.add(died, here.alice.number, "ended")
    here.database.add_console(ConsoleRecord(died, here.alice.number, "died", "python", "3.11", 5.0))
    here.consoles = here.new_hub()
    result(here.consoles.start())
    states = {console.name: console.state for console in here.consoles.of(here.alice)}
    assert states == {"running": "running", "ended": "ended", "died": "ended"}
    assert here.consoles.get(here.alice, "died").reason == "the program ended"
    assert list(here.links) == [running]


def test_console_whose_folder_is_gone_is_listed_as_ended(here: Here) -> None:
    console = here.create()
    here.consoles.stop(1012, "")
    here.launcher.consoles.clear()
    here.consoles = here.new_hub()
    result(here.consoles.start())
    found = here.consoles.get(here.alice, console.id)
    assert (found.state, found.reason) == ("ended", "Its folder is gone.")
    record = here.database.console(console.id)
    assert record is not None
    assert record.ended is not None


def test_console_that_a_hub_died_over_is_adopted(here: Here) -> None:
    here.launcher.add("c-abcdefgh22", here.alice.number)
    here.launcher.add("c-abcdefgh33", 999)
    here.consoles = here.new_hub()
    result(here.consoles.start())
    (console,) = here.consoles.of(here.alice)
    assert (console.id, console.name, console.state) == ("c-abcdefgh22", "python-1", "running")
    assert list(here.launcher.consoles) == ["c-abcdefgh22"]


def test_hosts_that_are_away_at_the_start_are_asked_for(here: Here) -> None:
    console = here.create()
    here.consoles.stop(1012, "")
    here.launcher.hosts_are_dead = True
    here.consoles = here.new_hub()
    result(here.consoles.start())
    for _ in range(5):
        here.clock.advance(0.1)
    assert "host" in here.launcher.asked
    assert here.consoles.get(here.alice, console.id).state == "running"


def test_host_that_dies_is_followed_by_another_at_once(here: Here) -> None:
    console = here.create()
    client, _ = attach(console)
    here.links[console.id].connectionLost()
    assert console.state == "running"
    states = [event["state"] for event in client.events() if event["type"] == "state"]
    assert states == ["recovering", "running"]


def test_hosts_that_die_again_and_again_are_waited_for_longer(here: Here) -> None:
    console = here.create()
    for _ in range(8):
        before = here.launcher.asked.count("host")
        here.links[console.id].connectionLost()
        here.clock.advance(60)
        assert here.launcher.asked.count("host") == before + 1
        here.links[console.id].connectionLost()
        assert here.launcher.asked.count("host") <= before + 2


def test_console_whose_folder_vanishes_has_ended(here: Here) -> None:
    console = here.create()
    here.launcher.consoles.clear()
    here.links[console.id].connectionLost()
    assert (console.state, console.reason) == ("ended", "Its folder is gone.")


def test_images_are_listed_with_what_they_can_run(here: Here) -> None:
    listed = result(here.consoles.images.listed())
    assert [image["version"] for image in listed][:1] == ["3.11.0"]
    assert all("python" in image["programs"] for image in listed)


def test_guests_have_no_consoles_files_or_anything_ready(tmp_path: Path) -> None:
    here = Here(tmp_path, prepare=True)
    result(here.consoles.start())
    guest = User(-1, "Ann", 0.0, "guest")
    for call in (
        here.consoles.create(guest, NewConsole()),
        here.consoles.run_for_files(guest, SilentOwner(), [SFTP_SERVER]),
    ):
        with pytest.raises(NotAllowed) as refused:
            result(call)
        assert refused.value.code == "guests_may_not"
    asked = len(here.launcher.asked)
    here.consoles.logged_in(guest)
    here.clock.advance(RENEW_SECONDS)
    assert len(here.launcher.asked) == asked
    assert here.consoles.of(guest) == []
    here.consoles.logged_in(here.alice)
    assert len(here.launcher.asked) > asked
    here.consoles.stop(1012, "test is over")
    here.database.close()


def test_who_loses_access_is_sent_away_and_who_gets_another_role_has_it(here: Here) -> None:
    result(here.shares.start())
    console = here.create(name="main")
    share, _ = result(here.shares.create(console.id, here.alice, "writer", user="bob"))
    client, viewer = attach(console, user=here.bob, role="writer")
    mine, own = attach(console, user=here.alice, role="owner", viewer="cd")
    (member,) = result(here.shares.members(console.id))
    result(here.shares.set_role(console.id, member.number, "observer"))
    assert viewer.role == "observer"
    result(here.shares.revoke(console.id, share.id, here.alice))
    assert client.closed is not None
    assert client.closed[0] == 4003
    assert (mine.closed, own.role) == (None, "owner")
    with pytest.raises(NoSuchConsole):
        here.consoles.get(here.bob, "alice/main", "observer")


def test_a_share_that_expires_sends_away(here: Here) -> None:
    result(here.shares.start())
    console = here.create(name="main")
    result(here.shares.create(console.id, here.alice, "writer", user="bob", seconds=60))
    client, _ = attach(console, user=here.bob, role="writer")
    here.clock.advance(59)
    assert client.closed is None
    here.clock.advance(2)
    assert client.closed is not None
    assert client.closed[0] == 4003


def test_a_removed_console_takes_its_shares_along(here: Here) -> None:
    result(here.shares.start())
    console = here.create(name="main")
    result(here.shares.create(console.id, here.alice, "observer", user="bob"))
    result(here.consoles.end(console))
    assert here.consoles.get(here.bob, "alice/main", "observer") is console
    result(here.consoles.remove(console))
    assert here.consoles.shared(here.bob) == []
    assert result(here.shares.of(console.id)) == []
