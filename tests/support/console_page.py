"""A console as somebody sees it in the browser, driven through Playwright."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.sync_api import Page, expect

from tests.support.hub_process import HubProcess


def wait_until(page: Page, condition: str, argument: object = None, seconds: float = 60) -> None:
    """Wait in the page until the JavaScript expression `condition` (of `argument`) is true.

    Playwright's own `wait_for_function` evaluates text inside the page, which its policy forbids.
    """
    terminal = "window.termhub?.terminal"
    held = page.evaluate(
        f"""async ([argument, milliseconds]) => {{
            const end = performance.now() + milliseconds;
            for (;;) {{
                const terminal = {terminal};
                if (terminal && ({condition})) return true;
                if (performance.now() > end) return false;
                await new Promise(resolve => setTimeout(resolve, 20));
            }}
        }}""",
        [argument, seconds * 1000],
    )
    if not held:
        state = page.evaluate(f"{terminal} && [{terminal}.state, {terminal}.offset, {terminal}.screen()]")
        raise AssertionError(f"not within {seconds} s: {condition} of {argument!r}; the page has {state}")


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

    def attached(self, seconds: float = 60) -> None:
        """Wait until the connection stands and the screen is drawn."""
        wait_until(self.page, "terminal.state === 'attached'", None, seconds)

    def type(self, text: str) -> None:
        """Type on the keyboard; a newline is the Enter key."""
        self.page.locator(".xterm-helper-textarea:visible").focus()
        for number, line in enumerate(text.split("\n")):
            if number:
                self.page.keyboard.press("Enter")
            if line:
                self.page.keyboard.type(line)

    def press(self, key: str) -> None:
        """Press one key, such as `Control+c`."""
        self.page.locator(".xterm-helper-textarea:visible").focus()
        self.page.keyboard.press(key)

    def wait_for_line(self, line: str, seconds: float = 60) -> None:
        """Wait until a line of the terminal, stripped, equals `line`."""
        wait_until(self.page, "terminal.lines().some(l => l.trim() === argument)", line, seconds)

    def wait_for_prompt(self, seconds: float = 60) -> None:
        """Wait until the last line with text ends with Python's prompt.

        After Ctrl-C a part of a line that print had not flushed yet may stand before it.
        """
        wait_until(
            self.page,
            "terminal.screen().map(l => l.trim()).filter(l => l).at(-1)?.endsWith(argument)",
            ">>>",
            seconds,
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
    expect(page.get_by_role("heading", name="Consoles")).to_be_visible()
    for cookie in page.context.cookies():
        if cookie.get("name") == "termhub_session":
            hub.cookie = f"termhub_session={cookie.get('value')}"


def share_login(hub: HubProcess, page: Page) -> None:
    """Give another browser profile the same login."""
    assert hub.cookie is not None
    name, _, value = hub.cookie.partition("=")
    page.context.add_cookies([{"name": name, "value": value, "url": hub.url}])
