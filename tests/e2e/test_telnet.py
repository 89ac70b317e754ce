"""Real telnet clients in a terminal: log in, work, resize, detach; and what is refused."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

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

SIZE_AND_TYPE = (
    b"\xff\xfb\x1f\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0" + b"\xff\xfb\x18\xff\xfa\x18\x00XTERM\xff\xf0"
)
"""What a client says of its terminal: NAWS 80x24, TERMINAL-TYPE IS XTERM."""

Connect = Callable[[str], TerminalProcess]


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    """A hub with telnet and an account for each client."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-telnet-"))
    folder.chmod(0o711)
    hub = HubProcess(folder / "data", telnet=True)
    try:
        hub.start()
        for name in (*CLIENTS, "stalled"):
            command = [
                str(TERMHUB),
                "user",
                "add",
                name,
                "--plan",
                "pro",
                "--password-stdin",
                "--data",
                str(hub.data),
            ]
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


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Ask again and again until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.05)


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


def resident_bytes(pid: int) -> int:
    """Memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_client_that_reads_nothing_costs_nothing_and_its_keys_count(hub: HubProcess) -> None:
    status, _ = hub.request("POST", "/login", {"name": "stalled", "password": PASSWORD})
    assert status == 200
    console = hub.new_console(program="bash")
    path = f"/consoles/{console['id']}"

    def shown() -> Any:
        return hub.request("GET", path + "/screen")[1]

    with socket.create_connection(("127.0.0.1", hub.telnet_port), timeout=60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        connection.sendall(SIZE_AND_TYPE + b"stalled\r" + PASSWORD.encode() + b"\r")
        read = b""
        while b"$" not in read:
            read += connection.recv(65536)
        before = resident_bytes(hub.pid)
        connection.sendall(b"base64 /dev/urandom\r")
        wait_until(lambda: shown()["offset"] > 32 << 20)
        assert resident_bytes(hub.pid) - before < 24 << 20
        # It is still heard, though it has read nothing since.
        connection.sendall(b"\x03echo stopp''ed\r")
        wait_until(lambda: "stopped" in shown()["lines"])
        # And what it sees in the end is the present.
        read = b""
        while b"stopped" not in read:
            read += connection.recv(65536)
        assert len(read) < 8 << 20


def test_garbage_from_anybody_harms_nobody(hub: HubProcess, connect: Connect) -> None:
    pid, random = hub.pid, Random(854)
    pieces = [bytes((255, verb, option)) for verb in range(236, 256) for option in (0, 1, 24, 31, 34, 42)]
    for _ in range(40):
        garbage = b"".join(random.choice([random.choice(pieces), random.randbytes(9)]) for _ in range(300))
        with socket.create_connection(("127.0.0.1", hub.telnet_port), timeout=60) as connection:
            try:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass  # it was closed, for wrong names
    log_in(connect("busybox"), "busybox")
    assert hub.pid == pid
    assert "Traceback" not in hub.errors()


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
