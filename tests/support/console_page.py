"""A console as somebody sees it in the browser, driven through Playwright."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.sync_api import Page, expect

from tests.support.hub_process import HubProcess


class ConsolePage:
    """The attach page of one console.

    :param page: a tab of a logged-in browser.
    """

    def __init__(self, page: Page, hub: HubProcess) -> None:
        self.page, self.hub = page, hub

    def open(self, name: str) -> None:
        """Go to the console's address and wait until it is attached."""
        self.page.goto(f"{self.hub.url}/c/{name}")
        self.attached()

    def attached(self, seconds: float = 30) -> None:
        """Wait until the connection stands and the screen is drawn."""
        self.page.wait_for_function(
            "window.termhub && window.termhub.terminal.state === 'attached'", timeout=seconds * 1000
        )

    def type(self, text: str) -> None:
        """Type on the keyboard; a newline is the Enter key."""
        self.page.locator(".xterm-helper-textarea").focus()
        for number, line in enumerate(text.split("\n")):
            if number:
                self.page.keyboard.press("Enter")
            if line:
                self.page.keyboard.type(line)

    def press(self, key: str) -> None:
        """Press one key, such as `Control+c`."""
        self.page.locator(".xterm-helper-textarea").focus()
        self.page.keyboard.press(key)

    def wait_for_line(self, line: str, seconds: float = 30) -> None:
        """Wait until a line of the terminal, stripped, equals `line`."""
        self.page.wait_for_function(
            "line => window.termhub && window.termhub.terminal.lines().some(l => l.trim() === line)",
            arg=line,
            timeout=seconds * 1000,
        )

    def wait_for_prompt(self, seconds: float = 30) -> None:
        """Wait until the last line with text is Python's prompt."""
        self.page.wait_for_function(
            "() => { const lines = window.termhub?.terminal.screen().map(l => l.trim()).filter(l => l);"
            " return lines?.length && lines[lines.length - 1] === '>>>'; }",
            timeout=seconds * 1000,
        )

    def history(self) -> Sequence[str]:
        """All lines, the server's scrollback included."""
        assert self.page.evaluate("window.termhub.terminal.loadHistory()")
        lines = self.page.evaluate("window.termhub.terminal.lines()")
        return [str(line).rstrip() for line in lines]


def log_in(page: Page, hub: HubProcess) -> None:
    """Open the one-time link that the first start printed, and share the login with the HTTP helper."""
    assert hub.login_link is not None
    page.goto(hub.login_link)
    expect(page.get_by_role("heading", name="Consoles")).to_be_visible(timeout=20_000)
    for cookie in page.context.cookies():
        if cookie.get("name") == "termhub_session":
            hub.cookie = f"termhub_session={cookie.get('value')}"


def share_login(hub: HubProcess, page: Page) -> None:
    """Give another browser profile the same login."""
    assert hub.cookie is not None
    name, _, value = hub.cookie.partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": hub.url}])
