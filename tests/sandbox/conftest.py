"""Fixtures of the sandbox tests: agents with and without a sandbox around them."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import ptyprocess
import pytest

import sandbox
from sandbox.images import Image, find_images
from sandbox.launch import Bubblewrap, Launch, Sandbox, SandboxSpec, expose, guest, network_words, start
from sandbox.limits import Limits
from sandbox.network import CONNECT_SECONDS, Network, NetworkError
from tests.support.agents import Peer
from tests.support.inside_pythons import PYTHONS, PYTHONS_2

FREE_UID = 640_000_000 + os.getpid() % 100_000
SYSTEM = Image("3", "3", "/usr/bin/python3")


@pytest.fixture(scope="session", autouse=True)
def _reachable():
    """As root the sandbox's user must reach code and interpreters."""
    packages = [str(Path(module.__file__).resolve().parents[1]) for module in (sandbox, ptyprocess)]
    prefixes = [prefix for image in find_images() for prefix in image.prefixes]
    older = [python.prefix for python in PYTHONS] + PYTHONS_2
    expose([*packages, *prefixes, *older, sys.prefix, sys.base_prefix])


@pytest.fixture
def folder():
    """A folder that other users can pass."""
    path = tempfile.mkdtemp(prefix="termhub-test-")
    os.chmod(path, 0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def fifos(folder):
    """The FIFOs in ``folder``, open as the agent has them."""
    for name in ("in", "out"):
        os.mkfifo(f"{folder}/{name}")
    fds = [os.open(f"{folder}/{name}", os.O_RDWR) for name in ("in", "out")]
    yield fds
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)


class RunningAgent:
    """An agent without a sandbox, and a peer that talks to it."""

    def __init__(self, process: subprocess.Popen, peer: Peer, folder: str) -> None:
        self.process = process
        self.peer = peer
        self.folder = folder

    def another_peer(self, **options) -> Peer:
        """The host dies, another comes."""
        self.peer.close()
        self.peer = Peer(self.folder, **options)
        return self.peer


@pytest.fixture
def run_agent(folder, fifos):
    """Starts an agent on the FIFOs: ``run_agent("cat", python=…, acknowledges=…)``."""
    running: list[RunningAgent] = []

    def run(*argv, python=sys.executable, acknowledges=True, greet=True, limits=None, env=None, network=None):
        spec = SandboxSpec(
            console="c-test",
            hostname="test",
            uid=None,
            gid=None,
            home=folder,
            image=SYSTEM,
            argv=argv or ("cat",),
            stdin_fd=fifos[0],
            stdout_fd=fifos[1],
            limits=limits or Limits(processes=5000),
            network=network or Network(),
        )
        folders = [str(Path(module.__file__).resolve().parents[1]) for module in (sandbox, ptyprocess)]
        peer = Peer(folder, acknowledges=acknowledges)
        process = subprocess.Popen(
            guest.command(spec, python, folders, folder),
            stdin=fifos[0],
            stdout=fifos[1],
            env={**os.environ, "HOME": folder, "TERM": "xterm-256color", "PS1": "$ ", **(env or {})},
        )
        for fd in fifos:
            os.close(fd)
        agent = RunningAgent(process, peer, folder)
        running.append(agent)
        if greet:
            peer.greet()
        return agent

    yield run
    for agent in running:
        agent.peer.close()
        if agent.process.poll() is None:
            agent.process.terminate()
        agent.process.wait(60)


class RunningSandbox:
    """A sandbox, and a peer that talks to its agent."""

    def __init__(self, launch: Launch, box: Sandbox, peer: Peer, home: str) -> None:
        self.launch = launch
        self.box = box
        self.peer = peer
        self.home = home


def outcome(connecting):
    """What comes of a network that is being made, or why there is none."""
    try:
        while (words := connecting.words()) is None:
            assert select.select([connecting.fd], [], [], 2 * CONNECT_SECONDS)[0], "no word of the network"
        return words
    except NetworkError as error:
        return error
    finally:
        connecting.close()


@pytest.fixture
def run_sandbox(folder, fifos):
    """Starts a real sandbox: ``run_sandbox("python3", limits=…, make_group=…)``."""
    running: list[RunningSandbox] = []

    def run(*argv, limits=None, make_group=None, image=SYSTEM, acknowledges=True, network=None):
        missing = Bubblewrap().check()
        if missing:
            pytest.skip("; ".join(missing))
        home = f"{folder}/home"
        os.mkdir(home, 0o700)
        uid = None
        if os.geteuid() == 0:
            uid = FREE_UID
            os.chown(home, uid, uid)
        launch = Bubblewrap(make_group).prepare(
            SandboxSpec(
                console=f"c-test{os.getpid()}",
                hostname="test",
                uid=uid,
                gid=uid,
                home=home,
                image=image,
                argv=argv or ("/bin/sh",),
                stdin_fd=fifos[0],
                stdout_fd=fifos[1],
                limits=limits or Limits(),
                network=network or Network(),
            )
        )
        peer = Peer(folder, acknowledges=acknowledges)
        box = start(launch)
        if box.connecting is not None:
            box.isolation += network_words(outcome(box.connecting))
        for fd in fifos:
            os.close(fd)
        sandbox_ = RunningSandbox(launch, box, peer, home)
        running.append(sandbox_)
        peer.greet()
        return sandbox_

    yield run
    for each in running:
        each.peer.close()
        each.box.kill()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(each.box.monitor, 0)
        each.box.close()
        group = each.launch.group
        while group is not None and not group.remove():
            group.kill()


@pytest.fixture(scope="session")
def every_python():
    """Path of each interpreter on this machine that can be an image."""
    return [image.python for image in find_images()]
