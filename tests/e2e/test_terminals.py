"""A console in terminals and a browser at once; floods, pastes, panes, and what is killed meanwhile."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support.console_page import ConsolePage, share_login
from tests.support.hub_process import HubProcess
from tests.support.ssh_terminal import SshAccount, SshTerminal, ssh_account
from tests.support.terminal_process import TerminalProcess
from tests.support.viewer_client import ViewerClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

Attach = Callable[..., SshTerminal]


@pytest.fixture(scope="module")
def account() -> Iterator[SshAccount]:
    """An account of a hub that serves everything."""
    with ssh_account(telnet=True) as account:
        yield account


@pytest.fixture
def hub(account: SshAccount) -> HubProcess:
    """The hub of the account."""
    return account.hub


@pytest.fixture
def ssh(account: SshAccount) -> Iterator[Attach]:
    """Run ssh with words for the hub."""
    terminals: list[SshTerminal] = []

    def start(*words: str, cols: int = 100, rows: int = 30) -> SshTerminal:
        terminals.append(SshTerminal(account, *words, cols=cols, rows=rows))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def console_with_shell(ssh: Attach, name: str) -> SshTerminal:
    """A terminal attached to a new console with a shell, whose prompt has come."""
    terminal = ssh("new", "--name", name, "bash")
    terminal.until_text("$")
    terminal.type("PS1='$ '; clear; echo rea''dy\r")
    terminal.until(lambda: "ready" in terminal.lines)
    return terminal


def test_one_console_by_ssh_in_the_browser_and_by_telnet(
    account: SshAccount, hub: HubProcess, ssh: Attach, page: Page
) -> None:
    terminal = ssh("new", "--name", "everywhere")
    terminal.until_text(">>>")
    terminal.type("6*7\r")
    terminal.until(lambda: "42" in terminal.lines)
    terminal.resize(120, 35)
    terminal.until(lambda: terminal.lines[-1].startswith("[everywhere]"))
    terminal.type("import os; os.get_terminal_size()\r")
    terminal.until_text("columns=120, lines=34")

    share_login(hub, page)
    console = ConsolePage(page, hub)
    console.open("everywhere")
    console.wait_for_line("42")
    console.type("print('from', 'the page')\n")
    terminal.until(lambda: "from the page" in terminal.lines)
    terminal.type("print('from', 'ssh')\r")
    console.wait_for_line("from ssh")

    telnet = TerminalProcess(["inetutils-telnet", "127.0.0.1", str(hub.telnet_port)], {"LANG": "C.UTF-8"})
    try:
        telnet.until_text("termhub login:")
        telnet.type(f"{account.name}\r")
        telnet.until_text("Password:")
        telnet.type(f"{account.password}\r")
        telnet.until(lambda: "from ssh" in telnet.lines)
        telnet.type("print('from', 'telnet')\r")
        # It has the size of the telnet client now; dots fill the rest.
        terminal.until(lambda: any(line.startswith("from telnet  ") for line in terminal.lines))
        terminal.until_text(" 3 viewers 80x23 ")
        console.wait_for_line("from telnet")
    finally:
        telnet.close()

    terminal.type("\x02d")
    assert terminal.finish() == 0
    assert "[detached from everywhere]" in terminal.lines
    again = ssh("attach", "everywhere")
    again.until(lambda: "from telnet" in again.lines)
    # Without words it is the console used last.
    last = ssh()
    last.until(lambda: "from telnet" in last.lines)
    assert last.lines[-1].startswith("[everywhere]")


def test_ctrl_c_ends_a_flood(ssh: Attach) -> None:
    terminal = ssh("new", "--name", "flood")
    terminal.until_text(">>>")
    terminal.type("while 1: print('x' * 80)\r\r")
    terminal.until(lambda: terminal.lines.count("x" * 80) > 20)
    terminal.type("\x03")
    terminal.until_text("KeyboardInterrupt")
    # A part of a line that print had not flushed yet may stand before the prompt.
    terminal.until(lambda: [line for line in terminal.lines[:-1] if line][-1].endswith(">>>"))
    terminal.type("6*7\r")
    terminal.until(lambda: "42" in terminal.lines)


def wait_until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    """Ask again and again until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.05)


def resident_bytes(pid: int) -> int:
    """Memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_stopped_client_costs_no_memory_and_then_shows_the_present(hub: HubProcess, ssh: Attach) -> None:
    terminal = console_with_shell(ssh, "stopped")
    terminal.type("seq -f '%090.0f' 1000000000\r")  # so that each drawing is a whole screen
    terminal.until(lambda: terminal.lines[20].startswith("0" * 80))

    def offset() -> int:
        return int(hub.request("GET", "/consoles/stopped/screen")[1]["offset"])

    os.kill(terminal.process.pid, signal.SIGSTOP)
    start, before = offset(), resident_bytes(hub.pid)
    wait_until(lambda: offset() - start > 16 << 20)
    assert resident_bytes(hub.pid) - before < 8 << 20
    viewer = ViewerClient(hub, "stopped", cols=100, rows=29)
    viewer.connect()
    viewer.type("\x03echo the pre''sent\n")
    viewer.until_text("the present")
    drawn = len(terminal.raw)
    os.kill(terminal.process.pid, signal.SIGCONT)
    terminal.until(lambda: "the present" in terminal.lines)
    assert len(terminal.raw) - drawn < 256 << 10, "what was skipped is not sent later"
    terminal.until_same(viewer)
    viewer.close()


def test_a_long_paste_arrives_whole(hub: HubProcess, ssh: Attach) -> None:
    terminal = console_with_shell(ssh, "paste")
    line = "0123456789 \u00fcber \u6f22\u5b57 \U0001f600 C-b d ~. "
    text = "".join(f"{number:05} {line}\n" for number in range(5000))
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert len(text.encode()) > 200_000
    terminal.type("clear; echo re''ads; cat > f; sha256sum f\r")
    terminal.until(lambda: "reads" in terminal.lines)
    terminal.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")
    terminal.until_text(f"04999 {line.strip()}")
    terminal.type("\x04")
    terminal.until_text(digest)


def test_panes_have_programs_of_their_own(hub: HubProcess, ssh: Attach, page: Page) -> None:
    terminal = console_with_shell(ssh, "panes")
    terminal.type("\x02%")
    terminal.until_text("1:bash*")
    terminal.type("PS1='> '; clear; seq 2000 > f; vim -u NONE -N f\r")
    terminal.until_text("2000L")
    terminal.until(lambda: terminal.lines[3] == " " * 50 + "\u25024")
    # The mouse in the right pane is vim's, with its own coordinates.
    terminal.type(":set mouse=a number\r")
    terminal.until_text("│   4 4")
    terminal.type("\x1b[<0;60;12M\x1b[<0;60;12m:echo 'line' line('.') winwidth(0)\r")
    terminal.until_text("line 12 49")
    terminal.type("\x02z")
    terminal.until_text("1:bash*Z")
    terminal.until(lambda: terminal.lines[3] == "   4 4")
    terminal.type("\x02z")
    terminal.until(lambda: "\u2502   4 4" in terminal.lines[3])

    # The page shows the windows one by one, and what it types is seen in its pane.
    share_login(hub, page)
    console = ConsolePage(page, hub)
    console.open("panes")
    console.wait_for_line("ready")
    console.type("echo from the page\n")
    terminal.until(lambda: any(line.startswith("from the page ") for line in terminal.lines))

    terminal.resize(80, 20)
    # Until vim has drawn itself anew: its last row is empty.
    terminal.until(lambda: terminal.lines[-1].startswith("[panes]") and terminal.lines[-2][40:] == "\u2502")
    terminal.type(":echo 'size' &columns &lines\r")
    terminal.until_text("size 39 19")
    terminal.type(":q\r")
    terminal.until(lambda: terminal.lines[0].endswith("\u2502>"))
    terminal.type("exit\r")
    terminal.until(lambda: not any("\u2502" in line for line in terminal.lines))
    terminal.type("echo $COLUMNS $(stty size)\r")
    terminal.until_text("80 19 80")


def test_the_host_and_the_hub_may_be_killed(hub: HubProcess, ssh: Attach) -> None:
    terminal = console_with_shell(ssh, "killed")
    terminal.type("clear; for n in $(seq 10000); do echo at $n; sleep .1; done\r")

    def last() -> int:
        numbers = [int(line[3:]) for line in terminal.lines if re.fullmatch(r"at \d+", line)]
        return max(numbers, default=0)

    terminal.until(lambda: last() > 2)
    hub.kill_host(hub.request("GET", "/consoles/killed")[1]["id"])
    then = last()
    terminal.until(lambda: last() > then + 10)
    terminal.type("\x03clear; echo still he''re\r")
    terminal.until(lambda: "still here" in terminal.lines)
    terminal.type("sleep 1; echo la''ter\r")
    terminal.until_text("sleep 1")
    hub.kill()
    assert terminal.finish() == 255
    hub.start()
    again = ssh("attach", "killed")
    again.until(lambda: "later" in again.lines)
    assert "still here" in again.lines
    again.type("echo $((6*7))\r")
    again.until(lambda: "42" in again.lines)
