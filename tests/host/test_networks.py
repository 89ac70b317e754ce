"""Full networks are made beside everything else, and said in words when they are there or cannot be."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.launch import without_network
from sandbox.network import check, is_connected
from termhub.errors import TermhubError
from termhub.host.folder import SANDBOX, Folder
from termhub.host.networks import LOOK_SECONDS, Networks
from termhub.host.supervised import Supervised
from termhub.hub.names import new_id
from tests.support.console_process import ConsoleProcess, LauncherProcess, until

CONSOLE = new_id()  # control groups are named after it, whoever runs beside us
FULL = {"mode": "full", "kbits": None}

pytestmark = pytest.mark.skipif(bool(check()), reason="; ".join(check()))

WAITING_IP = """#!/bin/sh
touch {began}
while [ ! -e {gate} ]; do sleep 0.02; done
exec {ip} "$@"
"""


class Slow:
    """A launcher whose networks are not there before :meth:`go_on`."""

    def __init__(self, folder, monkeypatch):
        self.gate, self.began = folder / "gate", folder / "began"
        fake = folder / "ip"
        ip = shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        fake.write_text(WAITING_IP.format(began=self.began, gate=self.gate, ip=ip))
        fake.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        self.launcher = LauncherProcess()
        self._threads = ThreadPoolExecutor(1)

    def begin(self):
        """Ask for a console whose network is being made when this comes back; the reply to come."""
        spec = {"console": CONSOLE, "user": "alice", "number": 1, "program": "python", "network": FULL}
        reply = self._threads.submit(self.launcher.ask, "create", spec=spec)
        until(lambda: self.began.exists() or reply.done(), "a network that is being made")
        assert self.began.exists(), reply.result()
        until(lambda: self.console.folder.has(SANDBOX), "its sandbox")
        return reply

    @property
    def console(self):
        return ConsoleProcess(self.launcher, CONSOLE)

    def go_on(self):
        """Let the network be made."""
        self.gate.touch()


@pytest.fixture
def slow(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    folder.chmod(0o777)  # the console's user leaves a file there
    try:
        slow = Slow(folder, monkeypatch)
        with slow.launcher:
            yield slow
            slow.go_on()
    finally:
        shutil.rmtree(folder)


def test_nobody_waits_for_a_network_but_who_made_the_console(slow):
    reply = slow.begin()
    assert [entry["console"] for entry in slow.launcher.ask("list")["consoles"]] == [CONSOLE]
    with slow.console.link() as link:
        assert link.hello["isolation"] == ""  # not known yet
    assert not reply.done()
    slow.go_on()
    assert "network: public network" in reply.result()["isolation"]
    with slow.console.link() as link:
        assert "network: public network" in link.hello["isolation"]


def test_console_that_ends_meanwhile_has_none(slow):
    reply = slow.begin()
    slow.launcher.ask("end", console=CONSOLE)
    assert reply.result()["console"] == CONSOLE
    slow.launcher.ask("remove", console=CONSOLE)
    assert not slow.console.path.exists()


def test_a_launcher_that_is_killed_meanwhile_leaves_it_to_the_next(slow):
    reply = slow.begin()
    slow.launcher.kill()
    with pytest.raises((TermhubError, OSError)):
        reply.result()
    slow.launcher.start()
    assert slow.launcher.ask("list")["consoles"]
    assert slow.console.folder.isolation() == ""
    slow.go_on()
    until(slow.console.folder.isolation, "words")
    assert slow.console.folder.isolation().endswith("; network: public network")


def test_a_network_is_taken_away_and_not_given_back(slow):
    slow.go_on()
    slow.begin().result()
    folder = slow.console.folder
    pid = folder.read(SANDBOX)["pid"]
    assert is_connected(pid)
    answer = slow.launcher.ask("limit", console=CONSOLE, limits={}, network="full")
    assert (answer["applied"], answer["refused"]) == (["network"], {})
    answer = slow.launcher.ask("limit", console=CONSOLE, limits={}, network="none")
    assert (answer["applied"], answer["refused"]) == (["network"], {})
    assert answer["isolation"] == folder.isolation()
    assert folder.isolation().endswith("; no network: it was taken away")
    assert not is_connected(pid)
    for mode, refused in (("none", []), ("allowlist", ["network"]), ("full", ["network"])):
        answer = slow.launcher.ask("limit", console=CONSOLE, limits={}, network=mode)
        assert list(answer["refused"]) == refused
    assert folder.isolation().endswith("; no network: it was taken away")


def test_a_network_that_is_being_made_is_taken_away_when_it_is_there(slow):
    reply = slow.begin()
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(slow.launcher.ask, "limit", console=CONSOLE, limits={}, network="none")
        assert slow.launcher.ask("list")["consoles"]  # nobody waits for it
        assert not answer.done()
        slow.go_on()
        assert answer.result()["refused"] == {}
    reply.result()
    assert slow.console.folder.isolation().endswith("; no network: it was taken away")


def test_what_two_have_taken_away_is_said_once():
    once = without_network("walls; network: public network, at most 9 kbit/s")
    assert once == "walls; no network: it was taken away"
    assert without_network(once) == once


def test_a_kind_that_there_is_not_is_refused(slow):
    slow.go_on()
    slow.begin().result()
    with pytest.raises(TermhubError, match="no network 'much'"):
        slow.launcher.ask("limit", console=CONSOLE, limits={}, network="much")


class Clock:
    """The loop's timers alone."""

    def __init__(self):
        self.time = 0.0
        self.timers = []

    def now(self):
        return self.time

    def call_later(self, seconds, callback, *arguments):
        self.timers.append((self.time + seconds, callback, arguments))
        return self

    def cancel(self):
        pass

    def run_next(self):
        self.time, callback, arguments = self.timers.pop(0)
        callback(*arguments)


def test_network_that_an_ended_launcher_did_not_finish_is_said_to_be_none(tmp_path):
    folder = Folder(tmp_path)
    folder.write(SANDBOX, {"pid": 0, "isolation": "walls", "connecting": True})
    clock = Clock()
    entry = Supervised(folder)
    told = []
    networks = Networks(clock)
    networks.adopt(entry, folder.read(SANDBOX))
    networks.when_decided(entry, told.append)
    clock.run_next()
    assert (clock.time, folder.isolation(), told) == (LOOK_SECONDS, "", [])
    while clock.timers:
        clock.run_next()
    assert folder.isolation().startswith("walls; no network, as")
    assert told == [None]
    assert entry.connecting is None
