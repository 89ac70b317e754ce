"""Sharing a console in the browser: the dialog, the page of a link, the people at a console."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import zxingcpp
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import WAIT_MILLISECONDS
from tests.support.console_page import ConsolePage, share_login, wait_until
from tests.support.console_process import until
from tests.support.hub_process import TERMHUB, HubProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PASSWORD = "bob's long password"


@pytest.fixture
def hub(shared_hub: HubProcess) -> HubProcess:
    """One hub for all that is shared here."""
    return shared_hub


@pytest.fixture
def other(browser: Browser) -> Iterator[BrowserContext]:
    """Another person's browser, a phone."""
    fresh = browser.new_context(viewport={"width": 390, "height": 760}, has_touch=True)
    fresh.set_default_timeout(WAIT_MILLISECONDS)
    yield fresh
    fresh.close()


def open_console(page: Page, hub: HubProcess, name: str) -> ConsolePage:
    share_login(hub, page)
    console = ConsolePage(page, hub)
    console.open(name)
    console.wait_for_prompt()
    return console


def make_link(hub: HubProcess, console: str, **wanted: Any) -> str:
    """The address of a new link."""
    status, share = hub.request("POST", f"/consoles/{console}/shares", wanted)
    assert status == 201, share
    return str(share["url"])


def come_in(page: Page, link: str, name: str) -> None:
    """Open a link as somebody without an account."""
    page.goto(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Come in").click()


def pixels(page: Page, png: bytes) -> memoryview:
    """The brightness of a picture's pixels, as rows of bytes."""
    width, height, data = page.evaluate(
        """async png => {
            const bytes = Uint8Array.from(atob(png), c => c.charCodeAt(0));
            const picture = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
            const {width, height} = picture;
            const drawing = new OffscreenCanvas(width, height).getContext("2d");
            drawing.drawImage(picture, 0, 0);
            const rgba = drawing.getImageData(0, 0, width, height).data;
            return [width, height, Array.from({length: width * height}, (_, n) => rgba[4 * n + 1])];
        }""",
        base64.b64encode(png).decode(),
    )
    return memoryview(bytes(data)).cast("B", (height, width))


def listen(page: Page) -> None:
    """Keep what the line over the terminal says; it goes away by itself."""
    page.evaluate(
        """() => {
            const line = document.querySelector(".comings");
            window.heard = [line.textContent];
            new MutationObserver(() => window.heard.push(line.textContent)).observe(line, {childList: true});
        }"""
    )


def heard(page: Page, words: str) -> None:
    """Wait until the line has said this."""
    wait_until(page, "window.heard.includes(argument)", words)


def test_a_writer_is_let_in_demoted_and_sent_away(hub: HubProcess, page: Page, other: BrowserContext) -> None:
    owner = open_console(page, hub, "demo")
    page.get_by_role("button", name="Share this console").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("radio", name="Observer")).to_be_checked()
    dialog.get_by_role("radio", name="Writer").check()
    expect(dialog.get_by_text("files of your home")).to_be_visible()
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.locator(".command code").first.inner_text()
    assert re.fullmatch(rf"{re.escape(hub.url)}/s/thsh_[\w-]+", link)
    qr = dialog.get_by_role("img", name="QR code of the link")
    [found] = zxingcpp.read_barcodes(pixels(page, qr.screenshot()))
    assert found.text == link
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_attached()
    expect(page.get_by_role("button", name="Share this console")).to_be_focused()

    listen(page)
    guest_page = other.new_page()
    come_in(guest_page, link, "Carol")
    guest = ConsolePage(guest_page, hub)
    guest.attached()
    listen(guest_page)
    assert guest_page.url == f"{hub.url}/c/admin/demo"
    heard(page, "Carol (guest) joined")
    guest.type("6*7\n")
    for console in (owner, guest):
        console.wait_for_line("42")

    page.get_by_role("button", name="People and chat").click()
    people = page.get_by_role("list", name="Who is here")
    carol = people.get_by_role("listitem").filter(has_text="Carol")
    expect(carol).to_contain_text("Writer")
    expect(carol).to_contain_text("guest")
    expect(carol).to_contain_text("typed last")
    page.get_by_role("button", name="More for Carol").click()
    page.get_by_role("menuitemcheckbox", name="Observer").click()
    heard(guest_page, "You can watch, point and chat now")
    expect(guest_page.get_by_text("read-only")).to_be_visible()
    guest.type("1234567\n")
    owner.type("3*5\n")
    guest.wait_for_line("15")
    assert "1234567" not in "".join(guest.history())

    page.get_by_role("button", name="More for Carol").click()
    page.get_by_role("menuitem", name="Remove…").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(guest_page.get_by_text("no longer shared with you")).to_be_visible()
    wait_until(guest_page, "terminal.state === 'closed'")
    expect(carol).not_to_be_attached()
    heard(page, "Carol (guest) left")
    come_back = other.new_page()
    come_back.goto(link)
    come_back.get_by_role("button", name="Come in").click()
    come_back.get_by_role("alert").filter(has_text="sent away").wait_for()


def test_an_observer_looks_on_until_the_share_is_revoked(
    hub: HubProcess, page: Page, other: BrowserContext
) -> None:
    owner = open_console(page, hub, "lecture")
    link = make_link(hub, "lecture", role="observer", uses=1, passphrase="open sesame")
    guest_page = other.new_page()
    guest_page.goto(link)
    expect(guest_page.get_by_text("can watch, point and chat")).to_be_visible()
    assert guest_page.url == f"{hub.url}/s/"
    come = guest_page.get_by_role("button", name="Come in")
    guest_page.get_by_label("Pass-phrase").fill("close sesame")
    come.click()
    expect(guest_page.get_by_text("The pass-phrase is wrong")).to_be_visible()
    guest_page.get_by_label("Pass-phrase").fill("open sesame")
    come.click()
    guest = ConsolePage(guest_page, hub)
    guest.attached()
    owner.type("6*7\n")
    guest.wait_for_line("42")
    expect(guest_page.get_by_role("button", name="Share this console")).not_to_be_visible()

    guest_page.get_by_role("link", name="All consoles").first.click()
    shared = guest_page.get_by_role("list", name="Shared with you")
    expect(shared.get_by_role("link", name="admin/lecture")).to_be_visible()
    expect(guest_page.get_by_role("button", name="New console")).not_to_be_attached()
    overflow = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert guest_page.evaluate(overflow) == 0
    shared.get_by_role("link", name="admin/lecture").click()
    guest.attached()
    guest.wait_for_line("42")

    page.get_by_role("button", name="Share this console").click()
    now = page.get_by_role("dialog").get_by_role("list", name="Shared now")
    expect(now).to_contain_text("used up")
    now.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog").get_by_text("Shared now")).not_to_be_visible()
    expect(guest_page.get_by_text("no longer shared with you")).to_be_visible()


def test_a_link_that_does_not_work_says_why(hub: HubProcess, page: Page, other: BrowserContext) -> None:
    hub.new_console(name="short")
    for link in (
        f"{hub.url}/s/thsh_nothing-that-was-ever-made",
        make_link(hub, "short", role="observer", expires=1),
    ):
        token = link.rpartition("/")[2]
        until(lambda token=token: hub.request("POST", "/shares/look", {"token": token})[0] != 200, "its end")
        page.goto(link)
        expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
        expect(page.get_by_role("alert")).to_contain_text(re.compile("link", re.I))
    once = make_link(hub, "short", role="observer", uses=1)
    come_in(other.new_page(), once, "Carol")
    other.pages[0].wait_for_url("**/c/admin/short")
    page.goto(once)
    expect(page.get_by_text("It has been used as often as it may be")).to_be_visible()


def test_an_account_finds_what_is_shared_with_it_and_comes_by_links_as_itself(
    hub: HubProcess, page: Page, other: BrowserContext
) -> None:
    subprocess.run(
        [str(TERMHUB), "user", "add", "bob", "--plan", "pro", "--password-stdin", "--data", str(hub.data)],
        input=PASSWORD.encode(),
        check=True,
        timeout=60,
    )
    share_login(hub, page)
    for name in ("mine", "theirs"):
        hub.new_console(name=name)
    page.goto(hub.url)
    page.get_by_role("button", name="More for mine").click()
    page.get_by_role("menuitem", name="Share…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="An account").check()
    dialog.get_by_label("Account name").fill("bob")
    dialog.get_by_role("radio", name="Writer").check()
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_text("bob can watch and type")).to_be_visible()

    bob = other.new_page()
    bob.goto(make_link(hub, "theirs", role="observer"))
    bob.get_by_role("button", name="Log in first").click()
    bob.get_by_label("Name").fill("bob")
    bob.get_by_label("Password").fill(PASSWORD)
    bob.get_by_role("button", name="Log in").click()
    bob.get_by_role("button", name="Come in as bob").click()
    ConsolePage(bob, hub).attached()
    assert bob.url == f"{hub.url}/c/admin/theirs"
    bob.goto(hub.url)
    shared = bob.get_by_role("list", name="Shared with you")
    expect(shared.get_by_role("listitem")).to_have_count(2)
    shared.get_by_role("link", name="admin/mine").click()
    console = ConsolePage(bob, hub)
    console.attached()
    console.type("6*7\n")
    console.wait_for_line("42")


def test_a_program_that_asks_for_a_writer_is_answered_by_an_owner(hub: HubProcess, page: Page) -> None:
    console = open_console(page, hub, "asks")
    terminal = page.locator(".xterm-helper-textarea:visible")
    ask = 'import console; link = console.share("writer", expires="2h", uses=3)\n'
    notice = page.get_by_text("A program in this console asks to share it.")
    console.type(ask)
    expect(notice).to_be_visible()
    # What is being typed when the question comes must not answer it.
    expect(terminal).to_be_focused()
    page.get_by_role("button", name="Answer…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("files of your home")).to_be_visible()
    expect(dialog.get_by_text("3 people")).to_be_visible()
    expect(dialog.get_by_text("2 hours")).to_be_visible()
    expect(dialog.get_by_role("button", name="Refuse")).to_be_focused()
    dialog.get_by_role("button", name="Allow").click()
    wait_until(page, "/\\/s\\/thsh_\\w+/.test(terminal.screen().join(''))")
    [share] = hub.request("GET", "/consoles/asks/shares")[1]["shares"]
    assert (share["role"], share["uses_left"]) == ("writer", 3)

    # Of several owners one answers, and the others are asked no longer.
    elsewhere = page.context.new_page()
    ConsolePage(elsewhere, hub).open("asks")
    page.bring_to_front()
    console.type(ask)
    asked_too = elsewhere.get_by_text("A program in this console asks to share it.")
    for each in (notice, asked_too):
        expect(each).to_be_visible()
    page.get_by_role("button", name="Refuse").click()
    expect(asked_too).not_to_be_attached()
    wait_until(page, "/Error/.test(terminal.screen().join('\\n'))")
    assert len(hub.request("GET", "/consoles/asks/shares")[1]["shares"]) == 1
