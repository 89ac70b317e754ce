"""The command line against a running hub, in a terminal as a person has it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.hub_process import TERMHUB, HubProcess
from tests.support.terminal_process import TerminalProcess

pytestmark = pytest.mark.e2e

Open = Callable[..., TerminalProcess]


@pytest.fixture
def environment(hub: HubProcess, tmp_path: Path) -> dict[str, str]:
    """The variables of a person who uses the hub, with a token."""
    hub.log_in()
    status, token = hub.request("POST", "/tokens", {"label": "test"})
    assert status == 201, token
    return {
        "TERMHUB_HOST": hub.url,
        "TERMHUB_TOKEN": token["secret"],
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin",
    }


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Open]:
    """Run `termhub` with these words in a terminal."""
    opened: list[TerminalProcess] = []

    def open_terminal(*words: str, cols: int = 80, rows: int = 24) -> TerminalProcess:
        process = TerminalProcess([str(TERMHUB), *words], environment, cols=cols, rows=rows)
        opened.append(process)
        return process

    yield open_terminal
    for process in opened:
        process.close()


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., str]:
    """Run `termhub` with these words without a terminal; what it printed."""

    def run_command(*words: str) -> str:
        done = subprocess.run(
            [str(TERMHUB), *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_command


def test_new_type_detach_attach_and_end(terminal: Open, run: Callable[..., str]) -> None:
    first = terminal("new", "work")
    first.until_text(">>>")
    first.type("6*7\r")
    first.until_text("42")
    first.type("\x02d")
    assert first.finish() == 0
    assert "[detached · work]" in first.text
    second = terminal("attach", "work")
    second.until_text("42")
    second.type("~.")
    assert second.finish() == 0
    third = terminal("attach")
    third.until_text("42")
    third.type("raise SystemExit(3)\r")
    assert third.finish() == 3
    assert "ended" in third.lines[-1] or "ended" in third.text
    (console,) = json.loads(run("ls", "--json"))
    assert (console["name"], console["state"]) == ("work", "ended")


def test_the_terminal_is_given_back_as_it_was(environment: dict[str, str], terminal: Open) -> None:
    script = f"stty -a; {TERMHUB} new work; echo status=$?; stty -a"
    shell = TerminalProcess(["/bin/sh", "-c", script], environment)
    try:
        shell.until_text(">>>")
        shell.type("print('\\x1b[?1049h\\x1b[?1000h\\x1b[?25l')\r")
        shell.until(lambda: b"\x1b[?1049h" in shell.raw)
        shell.type("\x02d")
        shell.finish()
        settings = re.findall(r"speed .*?-extproc|speed .*?\n(?=\n|\Z)", shell.text, re.S)
        before, _, after = shell.text.partition("status=0")
        assert re.findall(r"-?\b(?:icanon|echo|isig|icrnl|opost|ixon)\b", before.split(">>>")[0]) == (
            re.findall(r"-?\b(?:icanon|echo|isig|icrnl|opost|ixon)\b", after)
        ), settings
        assert not shell.screen.cursor.hidden
        assert shell.raw.rindex(b"\x1b[?1049l") > shell.raw.rindex(b"\x1b[?1049h")
    finally:
        shell.close()


def test_a_killed_hub_is_waited_for_and_nothing_is_missing(hub: HubProcess, terminal: Open) -> None:
    screen = terminal("new", "work")
    screen.until_text(">>>")
    screen.type("import time\r")
    screen.type("for i in range(4000): _ = print('n', i), time.sleep(.001)\r\r")
    screen.until(lambda: re.search(r"^n [1-9]\d\d", screen.text, re.M))
    hub.kill()
    screen.until_text("trying again")
    screen.type("'typed ' + 'meanwhile'\r")
    hub.start()
    screen.until_text("typed meanwhile")
    screen.until(lambda: "trying again" not in screen.text)
    numbers = [int(n) for n in re.findall(r"^n (\d+)$", screen.text, re.M)]
    missing = set(range(4000)) - set(numbers)
    assert not missing, sorted(missing)[:5]
    assert screen.text.count("\n'typed meanwhile'") == 1


def test_the_console_has_the_terminals_size_and_follows_it(terminal: Open) -> None:
    screen = terminal("new", "work", cols=100, rows=30)
    screen.until_text(">>>")
    screen.type("import os; os.get_terminal_size()\r")
    screen.until_text("columns=100, lines=30")
    screen.type("while os.get_terminal_size() != (90, 20): pass\r\r")
    screen.resize(90, 20)
    screen.type("'it has ' + 'changed'\r")
    screen.until_text("it has changed")


def test_a_second_terminal_of_another_size_sees_the_console(terminal: Open) -> None:
    large = terminal("new", "work", cols=100, rows=30)
    large.until_text(">>>")
    large.type("'x' * 90\r")
    large.until_text("x" * 90)
    small = terminal("attach", "work", cols=40, rows=10)
    small.until_text(">>>")
    large.type("'seen by ' + 'both'\r")
    large.until_text("seen by both")
    small.until_text("seen by both")
    small.type("1000 + 1\r")
    small.until_text("1001")
    large.until_text("1001")


def test_read_only_types_nothing(terminal: Open, hub: HubProcess) -> None:
    writer = terminal("new", "work")
    writer.until_text(">>>")
    reader = terminal("attach", "-r", "work")
    reader.until_text(">>>")
    reader.type("'from the ' + 'reader'\r")
    writer.type("'from the ' + 'writer'\r")
    reader.until_text("from the writer")
    assert "reader" not in writer.text
    reader.type("\x02d")
    assert reader.finish() == 0


def test_queries_are_answered_once_and_not_by_the_terminal(terminal: Open) -> None:
    screen = terminal("new", "work")
    screen.until_text(">>>")
    screen.type(
        "import sys, tty, termios; before = termios.tcgetattr(0); tty.setraw(0); "
        "_ = sys.stdout.write('\\x1b[6n'), sys.stdout.flush(); "
        "answer = sys.stdin.buffer.raw.read(20); termios.tcsetattr(0, 0, before); print('answer', answer)\r"
    )
    screen.until_text("answer b'\\x1b[")
    assert b"\x1b[6n" not in screen.raw
    assert re.search(r"answer b'\\x1b\[\d+;\d+R'", screen.text)


def test_a_long_paste_arrives_whole(terminal: Open) -> None:
    screen = terminal("new", "work")
    screen.until_text(">>>")
    screen.type(
        "import sys, tty, hashlib; tty.setraw(0); print('ready' + '!'); "
        "data = sys.stdin.buffer.read(600000); print(hashlib.sha256(data).hexdigest())\r"
    )
    screen.until_text("ready!")
    import hashlib

    data = (b"0123456789abcdef" * 4 + b"\n") * 10_000
    screen.type(data[:600_000])
    screen.until_text(hashlib.sha256(data[:600_000]).hexdigest())


def test_ctrl_c_under_a_flood(terminal: Open) -> None:
    screen = terminal("new", "work")
    screen.until_text(">>>")
    screen.type("while 1: print('flood ' * 12)\r\r")
    screen.until(lambda: screen.text.count("flood flood") > 500)
    screen.type("\x03")
    # A part of a line that print had not flushed yet may stand before the prompt.
    screen.until(lambda: screen.lines[screen.screen.cursor.y].rstrip().endswith(">>>"))


def test_windows(terminal: Open) -> None:
    screen = terminal("new", "work")
    screen.until_text(">>>")
    screen.type("'in the ' + 'first'\r")
    screen.until_text("in the first")
    screen.type("\x02c")
    screen.until(lambda: not any(">>>" in line for line in screen.lines))
    screen.type("echo second $((40 + 2))\r")
    screen.until_text("second 42")
    screen.type("\x020")
    screen.until_text("in the first")
    screen.type("\x021")
    screen.until_text("second 42")
    screen.type("exit\r")
    screen.until_text("in the first")


def test_kill_and_rename_and_a_program_of_ones_own(run: Callable[..., str], terminal: Open) -> None:
    assert run("new", "-d", "one", "--", "/bin/sh", "-c", "echo started; exec sleep 600") == "one\n"
    run("rename", "one", "two")
    screen = terminal("attach", "two")
    screen.until_text("started")
    run("kill", "two")
    screen.finish()
    assert "[ended" in screen.text
    assert [each["state"] for each in json.loads(run("ls", "--json"))] == ["ended"]
    run("kill", "--remove", "two")
    assert json.loads(run("ls", "--json")) == []


def test_login_beside_the_hub_and_by_its_link(hub: HubProcess, tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    assert hub.login_link is not None
    subprocess.run([str(TERMHUB), "login", hub.login_link], env=environment, check=True, timeout=60)
    done = subprocess.run(
        [str(TERMHUB), "ls", "--json"], env=environment, check=True, timeout=60, capture_output=True
    )
    assert json.loads(done.stdout) == []
    subprocess.run([str(TERMHUB), "logout"], env=environment, check=True, timeout=60)
    assert subprocess.run([str(TERMHUB), "ls"], env=environment, check=False, timeout=60).returncode == 1


def test_commands_beside_the_hub_know_where_it_runs(hub: HubProcess, tmp_path: Path) -> None:
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "TERMHUB_DATA": str(hub.data), "PATH": "/usr/bin:/bin"}

    def run(*words: str) -> str:
        done = subprocess.run(
            [str(TERMHUB), *words], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("login")
    assert json.loads(run("ls", "--json")) == []
    name = re.search(r"\S+", run("user", "ls").splitlines()[-1])
    assert name is not None
    assert run("user", "link", name[0]).startswith(f"{hub.url}/#login=")
