"""What programs ask of termhub, from the module ``console`` to the agent's events and back."""

import contextlib
import json
import os
import socket
import stat
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.guest import asks, frames
from sandbox.guest.loop import Loop
from sandbox.guest.modules._termhub import wire
from tests.support.inside_pythons import PYTHONS, SYSTEM, Inside

QUESTION = {"op": "share", "role": "observer", "seconds": 86400, "uses": None}


def encoded(**changes):
    return json.dumps({**QUESTION, **changes}).encode()


class TestParse:
    def test_a_question(self):
        assert asks.parse(encoded()) == QUESTION
        assert asks.parse(encoded(role="writer", seconds=60, uses=3, more=1))["uses"] == 3

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"\xff",
            b"[]",
            b"null",
            b"{" * 4000,
            b"[" * 4000,
            b'"' + b"x" * 5000 + b'"',
            encoded(op="run"),
            encoded(role="root"),
            encoded(role=["observer"]),
            encoded(seconds=0),
            encoded(seconds=True),
            encoded(seconds="1"),
            encoded(seconds=10**30),
            encoded(seconds=1.5),
            encoded(uses=0),
            encoded(uses=-1),
            encoded(uses=10**30),
            encoded(uses="1"),
        ],
    )
    def test_what_is_none(self, line):
        with pytest.raises(asks.AskError):
            asks.parse(line)

    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
    like_one = st.fixed_dictionaries(
        {"op": st.just("share") | values},
        optional={
            "role": st.sampled_from(["observer", "writer", "owner"]) | values,
            "seconds": st.integers() | values,
            "uses": values,
        },
    ).map(lambda value: json.dumps(value).encode())

    @given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()) | like_one)
    def test_any_line(self, line):
        try:
            question = asks.parse(line)
        except asks.AskError:
            return
        assert set(question) == set(QUESTION)
        assert question["role"] in ("observer", "writer", "owner")
        assert type(question["seconds"]) is int
        assert 1 <= question["seconds"] <= 10 * 365 * 86400
        assert question["uses"] is None or type(question["uses"]) is int


class Here:
    """Questions, asked over a socket in this process."""

    def __init__(self, folder):
        self.loop = Loop()
        self.now = 1000.0
        self.loop.now = lambda: self.now
        self.told = []
        self.path = f"{folder}/private/agent.sock"
        self.asks = asks.Asks(self.loop, self.path, self.told.append)

    def connect(self, data=b""):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(60)
        client.connect(self.path)
        client.sendall(data)
        self.turn()
        return client

    def turn(self):
        for _ in range(4):
            self.loop.turn(0)

    def answer(self, client):
        self.turn()
        with client.makefile("rb") as file:
            return json.loads(file.readline())


@pytest.fixture
def here(tmp_path):
    here = Here(tmp_path)
    yield here
    here.asks.close()
    here.loop.close()
    assert not os.path.exists(os.path.dirname(here.path))


class TestAsks:
    def test_a_question_and_its_answer(self, here):
        client = here.connect(encoded() + b"\n")
        assert here.told == [{"type": "ask", "ask": 1, **QUESTION}]
        assert here.asks.answer(1, {"ok": True, "url": "https://x/s/y"})
        assert here.answer(client) == {"ok": True, "url": "https://x/s/y"}
        assert client.recv(1) == b""
        assert not here.asks.answer(1, {"ok": True})

    def test_in_pieces(self, here):
        client = here.connect()
        for byte in encoded() + b"\n":
            client.sendall(bytes([byte]))
            here.turn()
        assert len(here.told) == 1
        client.close()

    def test_another_host_hears_of_what_is_open(self, here):
        with here.connect(encoded() + b"\n"), here.connect(encoded(uses=1) + b"\n"):
            here.told.clear()
            here.asks.repeat()
            assert [event["ask"] for event in here.told] == [1, 2]

    def test_who_has_gone_is_not_answered(self, here):
        here.connect(encoded() + b"\n").close()
        here.turn()
        assert not here.asks.answer(1, {"ok": True})

    @pytest.mark.parametrize("line", [b"nonsense\n", encoded(role="root") + b"\n", b"x" * 5000])
    def test_what_is_no_question_is_answered_at_once(self, here, line):
        with here.connect(line) as client:
            answer = here.answer(client)
        assert answer["ok"] is False
        assert answer["error"]
        assert here.told == []

    def test_eight_at_a_time(self, here):
        clients = [here.connect() for _ in range(10)]
        for client in clients:
            client.sendall(encoded() + b"\n")
        here.turn()
        assert len(here.told) == 8
        here.asks.answer(1, {"ok": False})
        here.turn()
        assert len(here.told) == 9
        for client in clients:
            client.close()

    def test_too_many_in_a_row_are_refused_and_others_later_are_not(self, here):
        errors = []
        for _ in range(12):
            with here.connect(encoded() + b"\n") as client:
                if here.asks.answer(len(here.told), {"ok": True}):
                    assert here.answer(client)["ok"]
                else:
                    errors.append(here.answer(client)["error"])
        assert len(here.told) == 10
        assert len(errors) == 2
        here.now += 1.5
        with here.connect(encoded() + b"\n"):
            assert len(here.told) == 11

    def test_who_says_nothing_is_not_waited_for(self, here):
        with here.connect() as client:
            here.now += 11
            here.turn()
            assert client.recv(1) == b""

    def test_what_nobody_answers_is_answered_in_the_end(self, here):
        with here.connect(encoded() + b"\n") as client:
            here.now += 91
            assert here.answer(client) == {"ok": False, "error": "nobody has answered"}

    def test_the_socket_is_for_its_user_alone(self, here):
        assert stat.S_IMODE(os.stat(here.path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(here.path)).st_mode) == 0o700

    def test_a_folder_that_is_open_to_others_is_not_taken(self, tmp_path):
        os.mkdir(tmp_path / "open", 0o755)
        with pytest.raises(OSError, match="not private"):
            asks.Asks(Loop(), f"{tmp_path}/open/agent.sock", print)


@pytest.mark.parametrize("python", PYTHONS, ids=lambda python: python.name)
def test_console_share(run_agent, tmp_path, python):
    inside = Inside(tmp_path / "inside")
    code = (
        "import console\nmade = console.share('writer', expires='90m', uses=2)\n"
        "print([made.url, made.ssh, made.role, made.seconds])\n"
    )
    agent = run_agent(python.path, "-c", code, env=inside.env)
    agent.peer.wait_for("Waiting for an owner")
    agent.peer.wait(lambda: bool(asked(agent)), "nobody asks")
    event = {"type": "ask", "ask": 1, "op": "share", "role": "writer", "seconds": 5400, "uses": 2}
    assert asked(agent) == [event]
    shown = len(agent.peer.streams[0])
    peer = agent.another_peer()
    peer.greet({0: shown})
    peer.wait(lambda: asked(agent) == [event], "the new host does not hear of it")
    url, ssh = "https://hub/s/thsh_x", "ssh thsh_x@hub"
    assert peer.request("answer", ask=1, ok=True, url=url, ssh=ssh)["ok"]
    assert peer.request("answer", ask=1, ok=True)["code"] == "no_such_ask"
    peer.wait(lambda: bool(peer.exits()), "no exit")
    text = peer.text().replace("\r\n", "\n")
    assert f"Who has this link can type, for 90 minutes:\n  {url}\n  {ssh}\n" in text
    assert f"['{url}', '{ssh}', 'writer', 5400]" in text


def asked(agent):
    return [e for window, e in agent.peer.events if window == frames.CONSOLE and e["type"] == "ask"]


def test_from_a_shell_and_refused(run_agent, tmp_path):
    inside = Inside(tmp_path / "inside")
    shell = "python3 -m console share --expires 2h; echo status $?"
    agent = run_agent("sh", "-c", shell, env=inside.env)
    agent.peer.wait(lambda: bool(asked(agent)), "nobody asks")
    assert asked(agent)[0]["seconds"] == 7200
    agent.peer.request("answer", ask=1, ok=False, error="not today")
    agent.peer.wait_for("status 1")
    assert "console: not today" in agent.peer.text()


def test_a_hub_without_browsers_gives_the_command_for_ssh_alone(run_agent, tmp_path):
    inside = Inside(tmp_path / "inside")
    shell = "for n in 1 2; do python3 -m console share; done; echo both"
    agent = run_agent("sh", "-c", shell, env=inside.env)
    for number, ways in ((1, {"ssh": "ssh thsh_x@hub"}), (2, {})):
        agent.peer.wait(lambda number=number: len(asked(agent)) == number, "nobody asks")
        agent.peer.request("answer", ask=number, ok=True, **ways)
    agent.peer.wait_for("both\r\n")
    text = agent.peer.text().replace("\r\n", "\n")
    assert "can watch, for 1 day:\n  ssh thsh_x@hub\nconsole: termhub serves neither" in text


@pytest.mark.parametrize("expires", ["never", "", "-1h", "0", "1y", "1e9", "9" * 40])
def test_durations_that_are_none(tmp_path, expires):
    done = Inside(tmp_path / "inside").run(SYSTEM, "-m", "console", "share", f"--expires={expires}")
    assert done.returncode == 1
    assert "is no duration" in done.stderr


def test_without_an_agent(tmp_path):
    inside = Inside(tmp_path / "inside")
    assert "cannot be reached" in inside.run(SYSTEM, "-m", "console", "share").stderr
    assert "does not run" in inside.run(SYSTEM, "-m", "console", "share", TERMHUB_SOCKET="").stderr
    help_ = inside.run(SYSTEM, "-m", "console")
    assert "share" in help_.stdout
    assert help_.returncode == 2


def test_an_agent_leaves_no_socket(run_agent, tmp_path):
    inside = Inside(tmp_path / "inside")
    socket_path = tmp_path / "made" / "agent.sock"
    agent = run_agent("true", env={**inside.env, "TERMHUB_SOCKET": str(socket_path)})
    agent.peer.wait(lambda: bool(agent.peer.exits()), "no exit")
    assert agent.process.wait(60) == 0
    assert not socket_path.parent.exists()


def test_an_agent_that_cannot_listen_runs_programs_all_the_same(run_agent):
    agent = run_agent("echo", "runs", env={"TERMHUB_SOCKET": "/proc/no/agent.sock"})
    agent.peer.wait_for("runs")


class TestDebuggersLink:
    """What either end of a debugging session may get from the other."""

    @given(st.binary(max_size=100) | TestParse.values.map(lambda value: json.dumps(value).encode()))
    def test_any_line(self, line):
        assert isinstance(wire.parse(line), dict | None)

    @given(st.lists(st.binary(max_size=50), max_size=10))
    def test_any_bytes_in_any_pieces(self, pieces):
        ours, theirs = socket.socketpair()
        link = wire.Link(ours)
        for piece in pieces:
            theirs.sendall(piece)
        theirs.close()
        for _ in range(b"".join(pieces).count(b"\n") + 1):
            assert isinstance(link.receive(), dict | None)
        assert link.receive() is None
        link.close()

    def test_a_line_without_end_is_not_kept_forever(self):
        ours, theirs = socket.socketpair()
        link = wire.Link(ours)
        sender = threading.Thread(target=self.flood, args=(theirs,))
        sender.start()
        assert link.receive() is None
        link.close()
        sender.join(60)
        theirs.close()

    def flood(self, sock):
        with contextlib.suppress(OSError):
            while True:
                sock.sendall(b"x" * 65536)

    def test_deep_nesting(self):
        assert wire.parse(b"[" * 100_000) is None
        assert wire.parse(b'{"a": 1}') == {"a": 1}
