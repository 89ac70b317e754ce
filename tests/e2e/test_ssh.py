"""Real ssh clients and a whole hub: log in, work, resize, detach, move files; and what is refused."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_process import TERMHUB, HubProcess
from tests.support.terminal_process import TerminalProcess

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse"

Open = Callable[..., TerminalProcess]
Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    """A hub with ssh, and an account that has a password and a key."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-ssh-"))
    folder.chmod(0o711)
    hub = HubProcess(folder / "data", ssh=True)
    try:
        hub.start()
        command = [
            str(TERMHUB),
            "user",
            "add",
            "alice",
            "--plan",
            "pro",
            "--password-stdin",
            "--data",
            str(hub.data),
        ]
        subprocess.run(command, input=f"{PASSWORD}\n", text=True, check=True, capture_output=True, timeout=60)
        status, _ = hub.request("POST", "/login", {"name": "alice", "password": PASSWORD})
        assert status == 200
        for name in ("known", "unknown"):
            make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
            subprocess.run(make, check=True, timeout=60)
        add_key(hub, folder / "known")
        yield hub
    finally:
        hub.stop()
        shutil.rmtree(folder, ignore_errors=True)


def add_key(hub: HubProcess, path: Path) -> int:
    status, key = hub.request("POST", "/keys", {"key": path.with_suffix(".pub").read_text()})
    assert status == 201, key
    return int(key["number"])


def options(hub: HubProcess, key: str = "known") -> list[str]:
    folder = hub.data.parent
    return [
        *("-F", "none"),
        *("-o", f"UserKnownHostsFile={folder / f'known_hosts-{hub.ssh_port}'}"),
        *("-o", "StrictHostKeyChecking=accept-new"),
        *("-o", "IdentitiesOnly=yes"),
        *("-o", "IdentityAgent=none"),
        *("-o", f"IdentityFile={folder / key}"),
        *("-o", f"Port={hub.ssh_port}"),
    ]


@pytest.fixture
def connect(hub: HubProcess) -> Iterator[Open]:
    """Run ssh in a terminal."""
    opened: list[TerminalProcess] = []

    def open_terminal(*words: str, key: str = "known") -> TerminalProcess:
        argv = ["ssh", *options(hub, key), "-t", "console@127.0.0.1", *words]
        opened.append(TerminalProcess(argv, {"LANG": "C.UTF-8"}))
        return opened[-1]

    yield open_terminal
    for process in opened:
        process.close()


@pytest.fixture
def run(hub: HubProcess) -> Run:
    """Run ssh without a terminal."""

    def run_command(*words: str) -> Any:
        argv = ["ssh", *options(hub), "-o", "LogLevel=ERROR", "console@127.0.0.1", *words]
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)

    return run_command


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Ask again and again until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.05)


def shown(hub: HubProcess, console: str) -> Any:
    status, screen = hub.request("GET", f"/consoles/{console}/screen")
    assert status == 200, screen
    return screen


def test_work_resize_detach_and_come_back(hub: HubProcess, connect: Open) -> None:
    terminal = connect("new", "--name", "desk")
    terminal.until_text(">>>")
    terminal.type("6*7\r")
    terminal.until(lambda: "42" in terminal.lines)
    terminal.type("print('gr\u00fc\u00df ' + chr(0x65E5))\r")
    terminal.until(lambda: any(line.startswith("gr\u00fc\u00df \u65e5") for line in terminal.lines))
    terminal.resize(100, 30)
    terminal.until(lambda: terminal.lines[29].startswith("["))
    terminal.type("import os; os.get_terminal_size()\r")
    terminal.until_text("columns=100, lines=29")
    # What another way in types is seen here, and the other way round.
    hub.request("POST", "/consoles/desk/input", raw=b"print('over' + 'there')\r")
    terminal.until(lambda: "overthere" in terminal.lines)
    assert "42" in [line.rstrip() for line in shown(hub, "desk")["lines"]]
    terminal.type("\x02d")
    assert terminal.finish() == 0
    assert "[detached from desk]" in terminal.text
    again = connect()  # the one used last
    again.until(lambda: "overthere" in again.lines)


def test_commands(hub: HubProcess, run: Run) -> None:
    assert run("new", "bash", "--name", "job").stdout == b"job\n"
    hub.request("POST", "/consoles/job/input", raw=b"echo $((6*7))$((1+1))\r")
    wait_until(lambda: "422" in shown(hub, "job")["lines"])
    listed = run("ls").stdout.decode().splitlines()
    assert listed[0].split()[:4] == ["NAME", "STATE", "PROGRAM", "IMAGE"]
    assert any(line.startswith("job ") and " bash " in line for line in listed)
    assert b"\n422\n" in run("screen", "job").stdout
    assert b"422\r\n" in run("logs", "job").stdout
    assert run("rename", "job", "done").returncode == 0
    assert run("attach", "done").returncode == 2
    assert run("kill", "done").returncode == 0
    ended = run("logs", "done")
    assert b"\n422\n" in ended.stdout
    assert b"has ended" in ended.stderr


def test_logs_follow_until_the_console_ends(hub: HubProcess, run: Run) -> None:
    run("new", "bash", "--name", "talk")
    with subprocess.Popen(
        ["ssh", *options(hub), "-o", "LogLevel=ERROR", "console@127.0.0.1", "logs", "talk", "--follow"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as follower:
        assert follower.stdout is not None
        hub.request("POST", "/consoles/talk/input", raw=b"echo first$((6*7))\r")
        read = b""
        while b"first42" not in read:
            piece = follower.stdout.read1()  # type: ignore[attr-defined]
            assert piece, read
            read += piece
        run("kill", "talk")
        follower.stdout.read()
        assert follower.wait(60) == 0


def test_an_unknown_key_is_tied_to_an_account(hub: HubProcess, connect: Open) -> None:
    terminal = connect("attach", "-A", "desk", key="unknown")
    terminal.until_text("Account (Enter when the key is added):")
    (line,) = [line for line in terminal.lines if "keys#offer=" in line]
    assert hub.url in line
    code = line.partition("#offer=")[2]
    status, offer = hub.request("GET", f"/keys/offers/{code}")
    assert status == 200
    assert any(offer["fingerprint"] in line for line in terminal.lines)
    status, key = hub.request("POST", f"/keys/offers/{code}", {"label": "tied"})
    assert status == 201, key
    terminal.type("\r")
    terminal.until_text(">>>")
    # And what it opened is closed when it is removed.
    status, _ = hub.request("DELETE", f"/keys/{key['number']}")
    assert status == 204
    assert terminal.finish() == 255
    assert "The key opens no account" in terminal.text


def test_files(hub: HubProcess, tmp_path: Path) -> None:
    data = random.Random(5).randbytes(5_000_000)
    (tmp_path / "sent").write_bytes(data)
    given = [*options(hub), "-o", "LogLevel=ERROR"]

    def do(*argv: str, script: str = "") -> None:
        done = subprocess.run(
            list(argv), input=script, text=True, capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, (argv[0], done.stdout, done.stderr)

    batch = f"put {tmp_path / 'sent'} by-sftp\nrename by-sftp moved\nget moved {tmp_path / 'back'}\n"
    do("sftp", "-b", "-", *given, "console@127.0.0.1", script=batch)
    do("scp", *given, "console@127.0.0.1:moved", str(tmp_path / "by-scp"))
    do("scp", "-O", "-p", *given, str(tmp_path / "sent"), "console@127.0.0.1:'two words'")
    do("scp", "-O", *given, "console@127.0.0.1:two\\ words", str(tmp_path / "by-old-scp"))
    for name in ("back", "by-scp", "by-old-scp"):
        got = (tmp_path / name).read_bytes()
        assert hashlib.sha256(got).digest() == hashlib.sha256(data).digest(), name
    rsh = " ".join(["ssh", *given])
    do("rsync", "-a", "-e", rsh, f"{tmp_path}/", "console@127.0.0.1:~/copies/")
    do("rsync", "-a", "-e", rsh, "console@127.0.0.1:copies/", str(tmp_path / "again"))
    assert (tmp_path / "again" / "sent").read_bytes() == data


def test_files_beyond_the_home_are_the_sandboxes(hub: HubProcess, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sftp", "-b", "-", *options(hub), "-o", "LogLevel=ERROR", "console@127.0.0.1"],
        input=f"-get ../../../../../{hub.data}/hub/termhub.db {tmp_path / 'stolen'}\n-ls {hub.data}\npwd\n",
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert "/home/user" in done.stdout
    assert done.stderr.count("not found") == 2, done.stderr
    assert list(tmp_path.iterdir()) == []


def resident_bytes(pid: int) -> int:
    """Memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_stopped_clients_cost_nothing_and_go_on(hub: HubProcess, connect: Open) -> None:
    """One that draws and one that is sent all there is; neither may make the hub hold the flood."""
    terminal = connect("new", "bash", "--name", "flood")
    terminal.until_text("$")
    follow = ["ssh", *options(hub), "-o", "LogLevel=ERROR", "console@127.0.0.1", "logs", "flood", "--follow"]
    with subprocess.Popen(follow, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as follower:
        stopped = (follower.pid, terminal.process.pid)
        assert follower.stdout is not None
        assert follower.stdout.read(1)
        before = resident_bytes(hub.pid)
        terminal.type("base64 /dev/urandom\r")
        wait_until(lambda: shown(hub, "flood")["offset"] > 1 << 18)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: shown(hub, "flood")["offset"] > 24 << 20)
            assert resident_bytes(hub.pid) - before < 12 << 20
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        terminal.type("\x03echo stopp''ed\r")
        terminal.until(lambda: "stopped" in terminal.lines)
        terminal.type("exit\r")
        while follower.stdout.read(1 << 20):
            pass
        assert follower.wait(60) == 0


def test_garbage_from_anybody_harms_nobody(hub: HubProcess, run: Run) -> None:
    pid, luck = hub.pid, random.Random(22)
    for number in range(60):
        head = [b"", b"SSH-2.0-x\r\n", b"SSH-2.0-x\r\n\0\0\0"][number % 3]
        with socket.create_connection(("127.0.0.1", hub.ssh_port), timeout=60) as connection:
            try:
                connection.sendall(head + luck.randbytes(luck.randrange(3000)))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass  # it was closed
    assert run("ls").returncode == 0
    assert hub.pid == pid
    assert "Traceback" not in hub.errors()


def test_a_hub_that_restarts_gives_the_terminal_back_and_is_known_again(
    hub: HubProcess, connect: Open, run: Run
) -> None:
    terminal = connect("attach", "-A", "desk")
    terminal.until_text(">>>")
    subprocess.run([str(TERMHUB), "down", "--data", str(hub.data)], check=True, timeout=60)
    assert terminal.finish() == 255
    assert "The hub restarts; your consoles go on." in terminal.text
    assert b"\x1b[?1049l" in terminal.raw
    hub.start()
    again = connect("attach", "desk")
    again.until_text(">>>")
    assert oct((hub.data / "hub" / "ssh_host_ed25519_key").stat().st_mode & 0o777) == "0o600"
