"""The ssh gateway with the clients people have: OpenSSH, PuTTY's plink and asyncssh; and ssh-audit."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from tests.support.ssh_server import PASSWORD, SshServer
from tests.support.terminal_process import TerminalProcess

KINDS = ("ed25519", "ecdsa", "rsa")

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Open = Callable[..., TerminalProcess]


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    """A gateway whose alice has a key of each kind."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    for kind in (*KINDS, "unknown"):
        make_key(folder, kind)
    process = SshServer(folder)
    yield process
    process.stop()
    shutil.rmtree(folder)


def make_key(folder: Path, name: str) -> None:
    kind = name if name in KINDS else "ed25519"
    bits = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *bits, "-N", "", "-C", "test", "-f", str(folder / name)],
        check=True,
        timeout=60,
    )


@pytest.fixture
def ssh(server: SshServer) -> Run:
    """Run ssh with these words, by default with a key; standard input is empty."""

    def run(*words: str, key: str | None = "ed25519", user: str = "console", **options: Any) -> Any:
        environment = {**os.environ, **options.pop("env", {})}
        given = [word for option in options.pop("options", ()) for word in ("-o", option)]
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            ["ssh", *given, *server.options(key, user), *words],
            capture_output=True,
            timeout=120,
            env=environment,
            check=False,
            **options,
        )

    return run


@pytest.fixture
def terminal(server: SshServer) -> Iterator[Open]:
    """Run ssh in a terminal."""
    opened: list[TerminalProcess] = []

    def open_terminal(*words: str, key: str | None = "ed25519", user: str = "console") -> TerminalProcess:
        argv = ["ssh", *server.options(key, user)[:-1], "-t", server.options(key, user)[-1], *words]
        opened.append(TerminalProcess(argv, {"LANG": "C.UTF-8"}))
        return opened[-1]

    yield open_terminal
    for process in opened:
        process.close()


# -- OpenSSH -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_keys(ssh: Run, kind: str) -> None:
    done = ssh("screen", "demo", key=kind)
    assert (done.returncode, done.stdout, done.stderr) == (0, b">>>\n", b"")


def test_a_key_with_the_name_of_the_account(ssh: Run) -> None:
    assert ssh("screen", "demo", user="alice").returncode == 0
    other = ssh("screen", "demo", user="bob", options=["BatchMode=yes"])
    assert other.returncode == 255
    assert b"Permission denied" in other.stderr


@pytest.mark.parametrize("method", ["keyboard-interactive", "password"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_passwords(ssh: Run, tmp_path: Path, method: str, password: str) -> None:
    askpass = tmp_path / "askpass"
    askpass.write_text(f'#!/bin/sh\nprintf "%s\\n" "{password}"\n')
    askpass.chmod(0o700)
    done = ssh(
        *("screen", "demo"),
        key=None,
        user="alice",
        options=[f"PreferredAuthentications={method}", "NumberOfPasswordPrompts=1"],
        env={"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"},
    )
    if password == PASSWORD:
        assert (done.returncode, done.stdout) == (0, b">>>\n"), done.stderr
    else:
        assert done.returncode == 255
        assert b"Permission denied" in done.stderr


def test_name_and_password_at_a_terminal(terminal: Open) -> None:
    screen = terminal(key=None)
    screen.until_text("Account:")
    screen.type("alice\r")
    screen.until_text("Password:")
    screen.type("wrong\r")
    screen.until(lambda: sum("Account:" in line for line in screen.lines) == 2)
    screen.type("alice\r")
    screen.until(lambda: sum("Password:" in line for line in screen.lines) == 2)
    screen.type(f"{PASSWORD}\r")
    screen.until_text("ui alice xterm-256color 80x24")
    assert PASSWORD not in screen.text
    screen.type("q")
    assert screen.finish() == 7


def test_an_unknown_key_is_tied_to_an_account(server: SshServer, terminal: Open) -> None:
    screen = terminal(key="unknown")
    screen.until_text("Account (Enter when the key is added):")
    (line,) = [line for line in screen.lines if "keys#offer=" in line]
    told = server.say(f"accept {line.partition('#offer=')[2]}")
    assert any(told["fingerprint"] in line for line in screen.lines)
    screen.type("\r")
    screen.until_text("ui alice")
    screen.type("q")
    assert screen.finish() == 7
    again = terminal("new", "--name", "by-key", key="unknown")
    again.until_text("ui alice xterm-256color 80x24")
    again.until_text("by-key")


def test_a_terminal(terminal: Open) -> None:
    screen = terminal()
    screen.until_text("ui alice xterm-256color 80x24")
    screen.type("x")
    screen.until_text("typed b'x'")
    screen.resize(100, 30)
    screen.until_text("size 100x30")
    screen.type("\x03")
    screen.until_text(r"typed b'\x03'")
    screen.type("\r")
    screen.until_text(r"typed b'\r'")
    screen.type("~B")  # OpenSSH sends a break
    screen.until(lambda: sum(r"typed b'\x03'" in line for line in screen.lines) == 2)
    screen.type("f")
    screen.until(lambda: screen.raw.count(b"flood") == 10_000)
    screen.type("on")
    screen.until_text("typed b'on'")
    screen.type("q")
    assert screen.finish() == 7
    assert "[over]" in screen.text


def test_commands(ssh: Run) -> None:
    assert ssh("lss").returncode == 2
    assert b"did you mean 'ls'?" in ssh("lss").stderr
    assert ssh().returncode == 2
    done = ssh("new", "bash", "--name", "made")
    assert (done.returncode, done.stdout) == (0, b"made\n")
    assert "made" in [each["name"] for each in json.loads(ssh("ls", "--json").stdout)]
    assert ssh("attach", "made").returncode == 2
    assert ssh("kill", "made").stderr == b"Ended made.\n"


def test_a_command_at_a_terminal(terminal: Open) -> None:
    screen = terminal("ls")
    assert screen.finish() == 0
    assert screen.lines[0].startswith("NAME")
    assert screen.lines[1].startswith("demo")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


LINES = b"".join(b"line %07d\r\n" % number for number in range(400_000))


@pytest.mark.parametrize("options", [[], ["RekeyLimit=1M"]], ids=["plain", "new keys by the client"])
def test_much_output(ssh: Run, options: list[str]) -> None:
    done = ssh("logs", "demo", options=options)
    assert (done.returncode, digest(done.stdout)) == (0, digest(LINES))


def test_new_keys_by_us() -> None:
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    make_key(folder, "ed25519")
    server = SshServer(folder, rekey_bytes=300_000)
    try:
        done = subprocess.run(
            ["ssh", *server.options("ed25519"), "logs", "demo"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, digest(done.stdout)) == (0, digest(LINES)), done.stderr
    finally:
        server.stop()
        shutil.rmtree(folder)


def test_forwarding_is_refused(server: SshServer) -> None:
    done = subprocess.run(
        ["ssh", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", *server.options("ed25519"), "ls"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 255
    assert b"forwarding" in done.stderr


def test_a_client_that_does_not_read_is_waited_for(server: SshServer, ssh: Run) -> None:
    with subprocess.Popen(
        ["ssh", *server.options("ed25519"), "logs", "demo"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as client:
        assert client.stdout is not None
        assert client.stdout.read(6) == b"line 0"  # and no more: its pipe and its window fill
        assert ssh("screen", "demo").returncode == 0  # everybody else goes on
        assert digest(b"line 0" + client.stdout.read()) == digest(LINES)


# -- asyncssh ----------------------------------------------------------------------------


def connect(server: SshServer, **options: Any) -> Any:
    arguments: dict[str, Any] = {
        "username": "console",
        "client_keys": [str(server.folder / "ed25519")],
        "known_hosts": None,
        "config": None,
        "agent_path": None,
        "login_timeout": 60,
    }
    return asyncssh.connect("127.0.0.1", server.port, **{**arguments, **options})


def test_asyncssh(server: SshServer) -> None:
    async def talk() -> None:
        async with connect(server) as connection:
            first, second = await asyncio.gather(
                connection.run("screen demo", check=True), connection.run("nonsense")
            )
            assert first.stdout == ">>>\n"
            assert second.exit_status == 2
            async with connection.create_process(term_type="vt100", term_size=(90, 20)) as process:
                assert "ui alice vt100 90x20" in await process.stdout.readline()
                process.change_terminal_size(70, 10)
                assert "size 70x10" in await process.stdout.readline()
                process.send_signal("TERM")
                assert "signal SIGTERM" in await process.stdout.readline()
                process.send_break(100)
                assert r"typed b'\x03'" in await process.stdout.readline()
                process.stdin.write("q")
                assert (await process.wait()).exit_status == 7
            process = await connection.create_process("logs demo --follow", encoding=None)
            await process.stdout.readexactly(len(LINES))
            process.send_signal("INT")
            done = await process.wait()
            assert done.exit_signal is not None
            assert done.exit_signal[0] == "INT"
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", 1)

    asyncio.run(talk())


def test_asyncssh_with_a_password(server: SshServer) -> None:
    async def talk() -> None:
        async with connect(server, username="alice", password=PASSWORD, client_keys=None) as connection:
            assert (await connection.run("screen demo")).stdout == ">>>\n"
        with pytest.raises(asyncssh.PermissionDenied):
            await connect(server, username="alice", password="wrong", client_keys=None)

    asyncio.run(talk())


def test_two_hundred_idle_logins_and_one_more(server: SshServer, ssh: Run) -> None:
    async def talk() -> None:
        gate = asyncio.Semaphore(20)

        async def log_in() -> Any:
            async with gate:
                return await connect(server)

        connections = await asyncio.gather(*(log_in() for _ in range(200)))
        done = await asyncio.to_thread(ssh, "screen", "demo")
        assert (done.returncode, done.stdout) == (0, b">>>\n"), done.stderr
        assert (await connections[0].run("screen demo")).stdout == ">>>\n"
        for connection in connections:
            connection.close()
        await asyncio.gather(*(connection.wait_closed() for connection in connections))

    asyncio.run(talk())


# -- others ------------------------------------------------------------------------------


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_plink(server: SshServer, tmp_path: Path, password: str) -> None:
    done = subprocess.run(
        [
            *("plink", "-ssh", "-batch", "-noagent", "-P", str(server.port), "-hostkey", server.fingerprint),
            *("-l", "alice", "-pw", password, "127.0.0.1", "screen demo"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        env={**os.environ, "HOME": str(tmp_path)},
        check=False,
    )
    if password == PASSWORD:
        assert (done.returncode, done.stdout) == (0, b">>>\n"), done.stderr
    else:
        assert done.returncode == 1
        assert b"password" in done.stderr.lower()


def test_plink_at_a_terminal(server: SshServer, tmp_path: Path) -> None:
    argv = [
        "plink",
        "-ssh",
        "-noagent",
        "-no-antispoof",
        "-P",
        str(server.port),
        "-hostkey",
        server.fingerprint,
    ]
    screen = TerminalProcess([*argv, "console@127.0.0.1"], {"HOME": str(tmp_path)})
    try:
        screen.until_text("Account:")
        screen.type("alice\r")
        screen.until_text("Password:")
        screen.type(f"{PASSWORD}\r")
        screen.until_text("ui alice xterm")
        screen.resize(100, 30)
        screen.until_text("size 100x30")
        screen.type("q")
        assert screen.finish() == 7
    finally:
        screen.close()


def test_ssh_audit_finds_no_failure(server: SshServer) -> None:
    audit = Path(sys.executable).with_name("ssh-audit")
    done = subprocess.run(
        [str(audit), "--skip-rate-test", "-n", "-p", str(server.port), "127.0.0.1"],
        capture_output=True,
        timeout=120,
        text=True,
        check=False,
    )
    assert "(kex) curve25519-sha256" in done.stdout, done.stdout + done.stderr
    assert "[fail]" not in done.stdout, done.stdout
    assert "(nfo)" not in done.stdout, done.stdout
