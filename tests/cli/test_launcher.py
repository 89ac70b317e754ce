"""The launcher as a service of its own, and what a service manager is told."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from termhub.host.call import Caller
from termhub.notify import READY, notify

TERMHUB = [sys.executable, "-m", "termhub"]


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def manager(folder: Path) -> Iterator[socket.socket]:
    """Where a service manager listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        (folder / "notify").chmod(0o777)  # as systemd's: a hub has become another user
        listening.settimeout(60)
        yield listening


def test_states_are_sent(manager: socket.socket, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
    notify(READY)
    assert manager.recv(100) == b"READY=1"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as abstract:
        name = f"termhub-test-{os.getpid()}"
        abstract.bind("\0" + name)
        abstract.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        notify(READY)
        assert abstract.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "nonsense", "/nowhere/at/all", "@nobody-listens-here"])
def test_where_nobody_listens_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify(READY)


def test_a_hub_uses_the_launcher_that_runs_and_leaves_it(manager: socket.socket, folder: Path) -> None:
    data = folder / "data"
    environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}
    launcher = subprocess.Popen([*TERMHUB, "launcher", "--data", str(data)], env=environment)
    try:
        assert manager.recv(100) == b"READY=1"
        with Caller(data / "run" / "launcher.sock") as caller:
            pid = caller.ask("version")["pid"]
        for _ in range(2):
            hub = subprocess.Popen(
                [
                    *TERMHUB,
                    "up",
                    "--data",
                    str(data),
                    "--web",
                    "127.0.0.1:0",
                    "--ssh",
                    "off",
                    "--telnet",
                    "off",
                ],
                env=environment,
                stdout=subprocess.DEVNULL,
            )
            try:
                assert manager.recv(100) == b"READY=1"
            finally:
                hub.send_signal(signal.SIGTERM)
                assert hub.wait(60) == 0
            with Caller(data / "run" / "launcher.sock") as caller:
                assert caller.ask("version")["pid"] == pid
        assert launcher.poll() is None
        subprocess.run([*TERMHUB, "down", "--all", "--data", str(data)], check=True, timeout=120)
        assert launcher.wait(60) == 0
    finally:
        if launcher.poll() is None:
            launcher.kill()
            launcher.wait(60)
