"""What people do together at one console, each in a browser of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.e2e.conftest import WAIT_MILLISECONDS
from tests.support.console_page import ConsolePage, share_login, wait_until
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


class Desk:
    """One person at the console: their page, its terminal and its sidebar."""

    def __init__(self, page: Page, hub: HubProcess) -> None:
        self.page = page
        self.console = ConsolePage(page, hub)

    @property
    def bar(self) -> Locator:
        """What is said about control over the terminal."""
        return self.page.locator(".control-bar")

    def panel(self, name: str) -> Locator:
        """Open the sidebar at the tab `name`; its panel."""
        tab = self.page.get_by_role("tab", name=re.compile(f"^{name}"))
        if not tab.is_visible():
            self.page.get_by_role("button", name="People and chat").click()
        tab.click()
        return self.page.get_by_role("tabpanel", name=re.compile(f"^{name}"))

    def choose(self, menu: str, item: str | re.Pattern[str]) -> None:
        """Choose `item` in the menu of the button `menu`."""
        self.page.get_by_role("button", name=re.compile(f"^{menu}")).click()
        self.page.get_by_role("menu", name=menu).get_by_text(item).click()

    def say(self, text: str) -> None:
        """Write `text` in the chat."""
        field = self.panel("Chat").get_by_label("Message", exact=True)
        field.fill(text)
        field.press("Enter")
        expect(field).to_have_value("")

    def drag(self, row: int, columns: tuple[int, int]) -> None:
        """Select cells of a row of the terminal with the mouse."""
        screen = self.page.locator(".xterm-screen:visible")
        box = screen.bounding_box()
        assert box is not None
        cols, rows = self.page.evaluate("[termhub.terminal.cols, termhub.terminal.rows]")
        width, height = box["width"] / cols, box["height"] / rows
        y = box["y"] + (row + 0.5) * height
        self.page.mouse.move(box["x"] + (columns[0] + 0.1) * width, y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + (columns[1] - 0.1) * width, y, steps=5)
        self.page.mouse.up()

    def row_of(self, text: str) -> int:
        """The row of the screen that begins with `text`."""
        return int(
            self.page.evaluate("text => termhub.terminal.screen().findIndex(l => l.startsWith(text))", text)
        )


class Meeting:
    """The owner's console `demo`, and whoever comes to it."""

    def __init__(self, browser: Browser, hub: HubProcess, stack: ExitStack) -> None:
        self.browser, self.hub, self.stack = browser, hub, stack
        self.problems: list[str] = []

    def context(self, **settings: object) -> BrowserContext:
        """A browser profile of its own, whose pages must not break the content policy."""
        viewport = {"width": 1100, "height": 700}
        context = self.browser.new_context(**{"viewport": viewport, **settings})  # type: ignore[arg-type]
        self.stack.callback(context.close)
        context.set_default_timeout(WAIT_MILLISECONDS)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.problems.append(str(error.error)))
        return context

    def _heard(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.problems.append(message.text)

    def owner(self, **settings: object) -> Desk:
        """The owner, whose console it is."""
        page = self.context(**settings).new_page()
        share_login(self.hub, page)
        desk = Desk(page, self.hub)
        desk.console.open("demo")
        desk.console.wait_for_prompt()
        return desk

    def guest(self, name: str, role: str, **settings: object) -> Desk:
        """Somebody without an account, by a link."""
        status, share = self.hub.request("POST", "/consoles/demo/shares", {"role": role})
        assert status == 201, share
        context = self.context(**settings)
        answer = context.request.post(
            f"{self.hub.url}/api/v1/shares/take",
            data={"token": share["url"].rpartition("/")[2], "name": name},
            headers={"Origin": self.hub.url},
        )
        assert answer.ok, answer.text()
        desk = Desk(context.new_page(), self.hub)
        desk.console.open("admin/demo")
        return desk


@pytest.fixture
def meeting(browser: Browser, shared_hub: HubProcess) -> Iterator[Meeting]:
    """A hub with a console that several browsers come to."""
    with ExitStack() as stack:
        meeting = Meeting(browser, shared_hub, stack)
        yield meeting
        assert meeting.problems == []


def test_chat_goes_both_ways_and_is_kept(meeting: Meeting) -> None:
    owner = meeting.owner()
    bob = meeting.guest("bob", "observer")
    said = "<b>look</b> at https://example.org/ \u202eplease"
    bob.say(said)
    expect(owner.page.get_by_role("button", name=re.compile("something new"))).to_be_visible()
    messages = owner.panel("Chat").get_by_role("list", name="Messages")
    expect(messages).to_contain_text("<b>look</b> at https://example.org/")
    expect(messages.locator("a, b")).to_have_count(0)
    expect(owner.page.get_by_role("button", name=re.compile("something new"))).not_to_be_visible()
    owner.say("which line?")
    expect(bob.panel("Chat").get_by_role("list", name="Messages")).to_contain_text("which line?")
    bob.page.reload()
    bob.console.attached()
    kept = bob.panel("Chat").get_by_role("list", name="Messages").get_by_role("listitem")
    expect(kept).to_have_count(2)
    expect(kept.first).to_contain_text("look")
    expect(kept.last).to_contain_text("admin")
    expect(kept.last).to_contain_text("which line?")


def test_control_goes_from_hand_to_hand_and_nothing_typed_is_lost_or_doubled(meeting: Meeting) -> None:
    owner = meeting.owner()
    bob = meeting.guest("bob", "writer")
    owner.choose("Who may type", "One at a time")
    expect(bob.page.get_by_role("button", name="Who may type")).to_contain_text("admin")
    bob.console.type("refused = 1\n")
    expect(bob.bar).to_contain_text("admin has control; what you type is not sent.")
    bob.page.get_by_role("button", name="Ask for control").click()
    expect(owner.bar).to_contain_text("bob (guest) asks for control.")
    owner.page.get_by_role("button", name="Give it").click()
    expect(owner.page.get_by_role("button", name="Who may type")).to_contain_text("bob")
    expect(bob.page.get_by_role("button", name="Who may type")).to_contain_text("you")
    bob.console.type("'refused' in globals(), 'accep' + 'ted'\n")
    for desk in (owner, bob):
        desk.console.wait_for_line("(False, 'accepted')")
    owner.console.type("x")
    expect(owner.bar).to_contain_text("bob (guest) has control; what you type is not sent.")
    owner.page.get_by_role("button", name="Take control").click()
    expect(bob.page.get_by_role("button", name="Who may type")).to_contain_text("admin")
    owner.console.type("len('ab' + 'c' * 10)\n")
    bob.console.wait_for_line("12")
    owner.choose("Who may type", "Every writer")
    expect(bob.page.get_by_role("button", name="Who may type")).not_to_be_visible()
    bob.console.type("'bo' + 'th'\n")
    owner.console.wait_for_line("'both'")
    wait_until(owner.page, "terminal.unacceptedBytes === 0")
    assert sum("accep' + 'ted" in line for line in owner.console.history()) == 1


def test_a_draft_that_two_run_runs_once(meeting: Meeting) -> None:
    owner = meeting.owner()
    bob = meeting.guest("bob", "writer")
    owner.console.type("runs = []\n")
    bob.console.wait_for_line(">>> runs = []")
    drafts = bob.panel("Drafts")
    drafts.get_by_label("Python draft").click()
    # The editor indents by itself.
    bob.page.keyboard.type("for n in range(2):\nruns.append(n)\nif n:\nprint('dra' + 'ft', len(runs))")
    drafts.get_by_role("button", name="Offer").click()
    offered = owner.panel("Drafts").get_by_role("listitem").filter(has_text="offers")
    expect(offered).to_contain_text("runs.append(n)")
    expect(offered.get_by_role("button", name="Withdraw")).to_be_visible()
    mine = drafts.get_by_role("listitem")
    press = "button => button.click()"
    run = re.compile("^Run")
    first = offered.get_by_role("button", name=run).element_handle()
    second = mine.get_by_role("button", name=run).element_handle()
    assert first is not None
    assert second is not None
    first.evaluate(press)
    second.evaluate(press)
    owner.console.wait_for_line("draft 2")
    expect(owner.panel("Drafts").get_by_role("listitem")).to_contain_text("run by")
    expect(mine).to_contain_text("run by")
    mine.get_by_role("button", name="Edit a copy").click()
    bob.page.keyboard.press("Control+End")
    bob.page.keyboard.type("\nprint('aga' + 'in')")
    drafts.get_by_role("button", name="Run", exact=True).click()
    owner.console.wait_for_line("draft 4")
    owner.console.wait_for_line("again")


def test_a_selection_is_seen_and_scrolling_is_followed(meeting: Meeting) -> None:
    owner = meeting.owner()
    bob = meeting.guest("bob", "observer")
    owner.console.type("for n in range(300): print('line', n)\n\n")
    for desk in (owner, bob):
        desk.console.wait_for_line("line 299")
        desk.console.wait_for_prompt()
    bob.drag(bob.row_of("line 290"), (5, 8))
    name = owner.page.locator(".pointer-name")
    expect(name).to_have_text("bob (guest)")
    mark = owner.page.locator(".pointed")
    expect(mark).to_have_count(1)
    box, screen = mark.bounding_box(), owner.page.locator(".xterm-screen:visible").bounding_box()
    assert box is not None
    assert screen is not None
    cols, rows = owner.page.evaluate("[termhub.terminal.cols, termhub.terminal.rows]")
    assert round((box["y"] - screen["y"]) * rows / screen["height"]) == owner.row_of("line 290")
    assert round((box["x"] - screen["x"]) * cols / screen["width"]) == 5

    bob.panel("People").get_by_role("button", name="More for admin").click()
    bob.page.get_by_role("menuitemcheckbox", name="Follow").click()
    expect(bob.panel("People")).to_contain_text("you follow them")
    owner.console.press("Shift+PageUp")
    owner.console.press("Shift+PageUp")
    wait_until(owner.page, "terminal.back > 0")
    back = owner.page.evaluate("termhub.terminal.back")
    wait_until(bob.page, "terminal.back === argument", back)
    bob.console.press("Shift+End")
    expect(bob.panel("People")).not_to_contain_text("you follow them")
    bob.page.close()
    expect(name).not_to_be_attached()


def test_who_typed_a_line_is_known_after_a_restart(meeting: Meeting) -> None:
    owner = meeting.owner()
    bob = meeting.guest("bob", "writer")
    bob.console.type("'from ' + 'bob'\n")
    owner.console.wait_for_line("'from bob'")
    owner.console.type("'from ' + 'admin'\n")
    owner.console.wait_for_line("'from admin'")
    meeting.hub.kill()
    wait_until(owner.page, "terminal.state !== 'attached'")
    meeting.hub.start()
    owner.console.attached()
    for line, who in ((">>> 'from ' + 'bob'", "bob"), (">>> 'from ' + 'admin'", "admin")):
        row = owner.row_of(line)
        owner.drag(row, (0, 3))
        owner.console.press("Control+Shift+Y")
        expect(owner.page.get_by_role("status").filter(has_text="typed this")).to_contain_text(who)
    lines = owner.panel("Typed").get_by_role("listitem")
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text("bob")


def test_a_command_that_finished_out_of_view_is_told(meeting: Meeting) -> None:
    owner = meeting.owner(permissions=["notifications"])
    page = owner.page
    page.evaluate(
        """() => {
            window.told = [];
            window.Notification = class extends EventTarget {
                static permission = "granted";
                constructor(title, options) { super(); window.told.push([title, options.body]); }
                close() {}
            };
        }"""
    )
    owner.choose("Menu", "Notifications…")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("A command ended that took").fill("1")
    dialog.get_by_role("button", name="Save").click()
    owner.choose("New window", "Shell (bash)")
    wait_until(page, "terminal.window === 1")
    page.get_by_role("tab").first.click()
    wait_until(page, "terminal.window === 0")
    owner.console.type("import os, time\nwhile not os.path.exists('go'): time.sleep(0.1)\n\n")
    page.get_by_role("tab").nth(1).click()
    owner.console.type("sleep 2; touch go\n")
    finished = page.get_by_role("tab", name=re.compile("a command finished"))
    expect(finished).to_be_visible()
    assert page.evaluate("told") == []
    finished.click()
    expect(finished).not_to_be_attached()

    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => true})")
    owner.console.type("time.sleep(1.5)\n")
    expect(page).to_have_title(re.compile("^●"))
    wait_until(page, "told.length === 1")
    assert re.fullmatch(r"A command finished after \d+ s\.", page.evaluate("told[0][1]"))


def test_three_at_a_console_each_see_what_they_may_do(meeting: Meeting) -> None:
    owner = meeting.owner()
    writer = meeting.guest("walt", "writer")
    observer = meeting.guest("olga", "observer", viewport={"width": 390, "height": 760}, has_touch=True)
    people = owner.panel("People").get_by_role("list", name="Who is here")
    expect(people.get_by_role("listitem")).to_have_count(3)
    expect(observer.page.get_by_role("button", name="New window")).not_to_be_visible()
    expect(writer.page.get_by_role("button", name="New window")).to_be_visible()
    writer.page.get_by_role("button", name="Menu", exact=True).click()
    expect(writer.page.get_by_role("menuitem", name=re.compile("Paste"))).to_be_visible()
    expect(writer.page.get_by_role("menuitem", name=re.compile("End console"))).not_to_be_attached()
    writer.page.keyboard.press("Escape")
    drafts = observer.panel("Drafts")
    expect(drafts.get_by_role("button", name="Offer")).not_to_be_visible()

    owner.page.get_by_role("button", name="More for olga").click()
    owner.page.get_by_role("menuitemcheckbox", name="Writer").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Make writer").click()
    editor = drafts.get_by_label("Python draft")
    editor.tap()
    observer.page.keyboard.insert_text("'from a ' + 'phone'")
    drafts.get_by_role("button", name="Run", exact=True).tap()
    for desk in (owner, writer, observer):
        desk.console.wait_for_line("'from a phone'")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert observer.page.evaluate(overflow) == 0
    new_window = observer.page.get_by_role("button", name="New window").bounding_box()
    state = observer.page.locator(".status").bounding_box()
    assert new_window is not None
    assert state is not None
    assert new_window["x"] + new_window["width"] <= state["x"], "what is in the bar lies over each other"

    owner.page.get_by_role("button", name="More for olga").click()
    owner.page.get_by_role("menuitemcheckbox", name="Observer").click()
    expect(editor).not_to_be_visible()
    expect(observer.page.get_by_role("button", name=re.compile("People and chat"))).to_contain_text(
        "read-only"
    )
