"""Real telnet clients in a terminal: log in, work, resize, detach; and what is refused."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.hub_process import TERMHUB, HubProcess
from tests.support.terminal_process import TerminalProcess

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse"

CLIENTS = {
    "inetutils": ("inetutils-telnet", "127.0.0.1", "{port}"),
    "busybox": ("busybox", "telnet", "127.0.0.1", "{port}"),
    "putty": ("plink", "-telnet", "127.0.0.1", "-P", "{port}"),
}

Connect = Callable[[str], TerminalProcess]


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    """A hub with telnet and an account for each client."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-telnet-"))
    folder.chmod(0o711)
    hub = HubProcess(folder / "data", telnet=True)
    try:
        hub.start()
        for name in CLIENTS:
            command = [str(TERMHUB), "user", "add", name, "--password-stdin", "--data", str(hub.data)]
            subprocess.run(
                command, input=PASSWORD + "\n", text=True, check=True, capture_output=True, timeout=60
            )
        yield hub
    finally:
        hub.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def connect(hub: HubProcess) -> Iterator[Connect]:
    """Starts a client in a terminal of its own."""
    terminals: list[TerminalProcess] = []

    def start(client: str) -> TerminalProcess:
        argv = [word.format(port=hub.telnet_port) for word in CLIENTS[client]]
        terminals.append(TerminalProcess(argv, {"LANG": "C.UTF-8"}))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def log_in(terminal: TerminalProcess, name: str) -> None:
    """Log in and wait for Python's prompt."""
    terminal.until_text("termhub login:")
    terminal.type(name + "\r")
    terminal.until_text("Password:")
    terminal.type(PASSWORD + "\r")
    terminal.until_text(">>>")
    assert PASSWORD not in terminal.text


@pytest.mark.parametrize("client", CLIENTS)
def test_log_in_work_resize_detach_and_come_back(client: str, hub: HubProcess, connect: Connect) -> None:
    terminal = connect(client)
    log_in(terminal, client)
    terminal.type("6*7\r")
    terminal.until(lambda: "42" in terminal.lines)
    terminal.type("print('gr\u00fc\u00df ' + chr(0x65E5))\r")
    terminal.until(lambda: any(line.startswith("gr\u00fc\u00df \u65e5") for line in terminal.lines))
    if client != "busybox":  # which tells its size once
        terminal.resize(100, 30)
        terminal.until(lambda: terminal.lines[29].startswith("["))
        terminal.type("import os; os.get_terminal_size()\r")
        terminal.until_text("columns=100, lines=29")

    # What another way in types is seen here, and the other way round.
    status, _ = hub.request("POST", "/login", {"name": client, "password": PASSWORD})
    assert status == 200
    (console,) = hub.request("GET", "/consoles")[1]["consoles"]
    hub.request("POST", f"/consoles/{console['id']}/input", raw=b"print('over' + 'there')\r")
    terminal.until(lambda: "overthere" in terminal.lines)
    shown = hub.request("GET", f"/consoles/{console['id']}/screen")[1]["lines"]
    assert "42" in [line.rstrip() for line in shown]

    terminal.type("\x02d")
    terminal.finish()
    assert f"[detached from {console['name']}]" in terminal.text
    again = connect(client)
    log_in(again, client)
    again.until(lambda: "overthere" in again.lines)


def test_wrong_passwords_end_it(connect: Connect) -> None:
    terminal = connect("inetutils")
    for guess in range(1, 4):
        terminal.until(lambda guess=guess: terminal.text.count("termhub login:") == guess)  # type: ignore[misc]
        terminal.type("inetutils\r")
        terminal.until(lambda guess=guess: terminal.text.count("Password:") == guess)  # type: ignore[misc]
        terminal.type("wrong guess\r")
    terminal.finish()
    assert terminal.text.count("The name or the password is wrong.") == 3
    assert "wrong guess" not in terminal.text
    assert ">>>" not in terminal.text


def test_hub_that_stops_gives_the_terminal_back(hub: HubProcess, connect: Connect) -> None:
    terminal = connect("putty")
    log_in(terminal, "putty")
    subprocess.run([str(TERMHUB), "down", "--data", str(hub.data)], check=True, timeout=60)
    terminal.finish()
    assert "The hub restarts; the console goes on." in terminal.text
    assert b"\x1b[?1049l" in terminal.raw
    hub.start()
    again = connect("putty")
    log_in(again, "putty")
