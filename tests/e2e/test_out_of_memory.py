"""Memory runs out in a console that people look at in every way: they are told, and go on in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from termhub.host.folder import Folder
from termhub.host.memory import GroupMemory
from tests.support.console_page import ConsolePage, share_login, wait_until
from tests.support.hub_process import TERMHUB
from tests.support.ssh_terminal import SshAccount, SshTerminal, ssh_account
from tests.support.terminal_process import TerminalProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

KILLED = "killed: out of memory, limit 96 MB"
FRESH = f"{KILLED} – Enter starts a fresh one"


@pytest.fixture(scope="module")
def account() -> Iterator[SshAccount]:
    """An account whose consoles have little memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERMHUB_PLANS_PRO_MEMORY_MB", "96")
        patch.setenv("TERMHUB_PLANS_PRO_NETWORK", "none")
        with ssh_account() as account:
            yield account


def memory_is_held(account: SshAccount, name: str) -> None:
    console = account.hub.request("GET", f"/consoles/{name}")[1]
    if GroupMemory(Folder(account.hub.data / "run" / "consoles" / console["id"])).kills() is None:
        pytest.skip("no control group can hold memory here")


@pytest.fixture
def attached(account: SshAccount, tmp_path: Path) -> Iterator[list[TerminalProcess]]:
    """Terminals, which are closed at the end."""
    opened: list[TerminalProcess] = []
    yield opened
    for terminal in opened:
        terminal.close()


def attach(account: SshAccount, name: str, folder: Path) -> TerminalProcess:
    """`termhub attach` in a terminal."""
    status, token = account.hub.request("POST", "/tokens", {"label": "test"})
    assert status == 201, token
    environment = {
        "TERMHUB_HOST": account.hub.url,
        "TERMHUB_TOKEN": token["secret"],
        "XDG_CONFIG_HOME": str(folder / "config"),
        "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin",
    }
    return TerminalProcess([str(TERMHUB), "attach", name], environment)


def test_it_is_told_apart_everywhere_and_a_fresh_prompt_is_one_key_away(
    account: SshAccount, page: Page, attached: list[TerminalProcess], tmp_path: Path
) -> None:
    share_login(account.hub, page)
    browser = ConsolePage(page, account.hub)
    browser.open("eater")
    browser.wait_for_prompt()
    memory_is_held(account, "eater")
    before = account.hub.request("GET", "/consoles/eater")[1]
    ssh, line = SshTerminal(account, "attach", "eater"), attach(account, "eater", tmp_path)
    attached += [ssh, line]
    ssh.until_text(">>>")
    line.until_text(">>>")
    browser.type("x = bytearray(1 << 30)\n")
    browser.wait_for_line(FRESH)
    told = page.get_by_role("status").filter(has_text=f"was {KILLED}. Enter starts a fresh one.")
    expect(told).to_be_visible()
    expect(page.locator(".note")).to_be_hidden()
    page.screenshot(path=tmp_path / "killed.png")
    ssh.until_text(FRESH)
    line.until_text(FRESH)
    line.type("\r")
    browser.wait_for_prompt()
    browser.type("'x' in globals(), 6 * 7\n")
    browser.wait_for_line("(False, 42)")
    ssh.until_text("(False, 42)")
    line.until_text("(False, 42)")
    after = account.hub.request("GET", "/consoles/eater")[1]
    assert (after["id"], after["state"]) == (before["id"], "running")
    assert after["windows"][0]["argv"] == before["windows"][0]["argv"]
    assert after["windows"][0]["exit"] is None


def test_of_a_program_below_a_shell_everybody_is_told(
    account: SshAccount, page: Page, attached: list[TerminalProcess], tmp_path: Path
) -> None:
    status, console = account.hub.request("POST", "/consoles", {"name": "shell", "program": "bash"})
    assert status == 201, console
    memory_is_held(account, "shell")
    share_login(account.hub, page)
    browser = ConsolePage(page, account.hub)
    browser.open("shell")
    ssh, line = SshTerminal(account, "attach", "shell"), attach(account, "shell", tmp_path)
    attached += [ssh, line]
    ssh.until_text(":~$")
    line.until_text(":~$")
    browser.type("python3 -c 'x = bytearray(1 << 30)'; echo status $?\n")
    browser.wait_for_line("status 137")
    words = "A program was ended: out of memory, limit 96 MB."
    ssh.until_text(words)
    line.until_text(words)
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()
    browser.type("echo go''ing on\n")
    browser.wait_for_line("going on")


def test_a_program_that_goes_on_eating_ends_with_the_reason(account: SshAccount, page: Page) -> None:
    eater = ["/usr/bin/python3", "-c", "x = bytearray(1 << 30)"]
    status, console = account.hub.request(
        "POST", "/consoles", {"name": "glutton", "program": "script", "argv": eater}
    )
    assert status == 201, console
    memory_is_held(account, "glutton")
    share_login(account.hub, page)
    browser = ConsolePage(page, account.hub)
    browser.open("glutton")
    for count in range(1, 5):
        wait_until(
            page,
            "terminal.lines().filter(l => l.includes(argument[0])).length >= argument[1]",
            [FRESH, count],
        )
        browser.type("\n")
    expect(page.locator(".note")).to_have_text(re.compile(re.escape(f"This console has ended ({KILLED}).")))
    assert account.hub.request("GET", "/consoles/glutton")[1]["reason"] == KILLED
