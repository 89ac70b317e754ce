"""What the page shows of limits that the hub tells of."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from sandbox.guest import frames
from tests.support.console_page import ConsolePage, log_in
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

MESSAGE = "The CPU time of today is used up: this console is slowed"


@pytest.mark.parametrize("width", [1000, 375])
def test_a_limit_is_told_until_it_is_closed_and_marked_until_it_is_over(
    hub: HubProcess, page: Page, width: int, tmp_path: Path
) -> None:
    sockets: list[WebSocketRoute] = []

    def relay(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    def tell(state: str, until: float | None = None) -> None:
        """As the hub does."""
        event = {"type": "limit", "name": "cpu", "state": state, "message": MESSAGE, "until": until}
        sockets[-1].send(frames.encode_json(frames.EVENT, frames.CONSOLE, event))

    page.set_viewport_size({"width": width, "height": 700})
    page.route_web_socket(re.compile("/attach"), relay)
    log_in(page, hub)
    console = ConsolePage(page, hub)
    console.open("slow")
    console.wait_for_prompt()
    until = time.time() + 3600
    tell("over", until)
    banner, mark = page.get_by_role("status").filter(has_text=MESSAGE), page.locator(".limit-mark")
    expect(banner).to_have_text(re.compile(r"\(until .*\d\d:\d\d.*\)"))
    expect(mark).to_have_text(re.compile(r"slowed until .*\d\d:\d\d"))
    expect(mark).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("button", name="Menu", exact=True)).to_be_in_viewport(ratio=1)
    page.screenshot(path=tmp_path / "limit.png")
    banner.get_by_role("button", name="Close").click()
    expect(banner).to_be_hidden()
    expect(mark).to_be_visible()
    # The keyboard is the terminal's again, and what was closed stays so.
    page.keyboard.type("6 * 7\n")
    console.wait_for_line("42")
    tell("over", until)
    tell("ok")
    expect(mark).to_have_count(0)
    expect(banner).to_be_hidden()
    tell("over", until + 86_400)
    expect(banner).to_be_visible()
    tell("ok")
    expect(banner).to_be_hidden()
