"""A console for one viewer alone: `termhub attach -d` and what the others see."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.console_page import ConsolePage, log_in
from tests.support.hub_process import TERMHUB, HubProcess
from tests.support.terminal_process import TerminalProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

Attach = Callable[..., TerminalProcess]


@pytest.fixture
def attach(hub: HubProcess, page: Page, tmp_path: Path) -> Iterator[Attach]:
    """Run `termhub attach` with these words in a terminal, as whom the page is logged in."""
    log_in(page, hub)
    status, token = hub.request("POST", "/tokens", {"label": "test"})
    assert status == 201, token
    environment = {
        "TERMHUB_HOST": hub.url,
        "TERMHUB_TOKEN": token["secret"],
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin",
    }
    opened: list[TerminalProcess] = []

    def attach_terminal(*words: str) -> TerminalProcess:
        opened.append(TerminalProcess([str(TERMHUB), "attach", *words], environment))
        return opened[-1]

    yield attach_terminal
    for process in opened:
        process.close()


def test_who_asks_for_it_is_the_only_one(hub: HubProcess, page: Page, attach: Attach) -> None:
    console = ConsolePage(page, hub)
    console.open("work")
    console.wait_for_prompt()
    first = attach("work")
    first.until_text(">>>")
    second = attach("-d", "work")
    assert first.finish() == 0
    assert "[detached by another viewer · work]" in first.text
    expect(page.get_by_text("Detached by another viewer.")).to_be_visible()
    second.until_text(">>>")
    second.type("6*7\r")
    second.until_text("42")
    page.get_by_role("button", name="Reattach").click()
    console.attached()
    console.wait_for_line("42")
    console.type("'from the' + ' page'\n")
    second.until_text("'from the page'")
    second.type("~.")
    assert second.finish() == 0
