"""What the page does beyond showing a terminal: names, programs, keys, sizes, searches, pastes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.console_page import ConsolePage, log_in, share_login, wait_until
from tests.support.hub_process import HubProcess
from tests.support.viewer_client import ViewerClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SHOW_KEYS = (
    "import os; os.system(\"printf '\\\\033[?2004h'; stty -echo -icanon -isig; echo re''ady; cat -v\")\n"
)


def open_console(page: Page, hub: HubProcess, name: str) -> ConsolePage:
    console = ConsolePage(page, hub)
    console.open(name)
    console.wait_for_prompt()
    return console


def test_a_console_is_renamed_from_the_list(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    hub.new_console(name="before", program="python")
    page.goto(hub.url)
    page.get_by_role("button", name="More for before").click()
    page.get_by_role("menuitem", name=re.compile("Rename")).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("after")
    dialog.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("button", name="More for after")).to_be_visible()
    assert hub.request("GET", "/consoles/after")[0] == 200


def test_the_dialog_works_by_keyboard_and_offers_what_the_image_can_run(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    images = hub.request("GET", "/images")[1]["images"]
    page.get_by_role("button", name="New console").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    wanted = sorted({"python", "ipython", "ptpython", "bash"} & set(images[0]["programs"]))
    expect(dialog.get_by_label("Python version").locator("option")).to_have_count(len(images) + 1)
    values = dialog.get_by_label("Program").locator("option").evaluate_all("all => all.map(o => o.value)")
    assert sorted(values) == wanted
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()


def test_lines_are_pasted_as_one_bracketed_paste(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    console = open_console(page, hub, "paste")
    console.type(SHOW_KEYS)
    console.wait_for_line("ready")
    page.locator(".xterm-helper-textarea:visible").evaluate(
        """area => {
            const data = new DataTransfer();
            data.setData("text/plain", "one\\ntwo");
            area.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }"""
    )
    wait_until(page, "/\\^\\[\\[200~one[^]*two\\^\\[\\[201~/.test(terminal.lines().join('\\n'))")


def test_a_phone_has_the_keys_it_lacks(hub: HubProcess, page: Page, browser: Browser) -> None:
    log_in(page, hub)
    with browser.new_context(viewport={"width": 390, "height": 720}, has_touch=True, is_mobile=True) as phone:
        screen = phone.new_page()
        share_login(hub, screen)
        console = open_console(screen, hub, "phone")
        console.type(SHOW_KEYS)
        console.wait_for_line("ready")
        keys = screen.get_by_role("toolbar", name="Keys")
        keys.get_by_role("button", name="Esc").tap()
        wait_until(screen, "terminal.lines().some(l => l.endsWith('^['))")
        keys.get_by_role("button", name="Control, for the next key").tap()
        screen.keyboard.press("b")
        wait_until(screen, "terminal.lines().some(l => l.includes('^[^B'))")


def test_search_counts_what_it_finds(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    console = open_console(page, hub, "search")
    console.type("for i in range(3): print('need' + 'le', i)\n\n")
    console.wait_for_line("needle 2")
    console.press("Control+Shift+F")
    box = page.get_by_label("Search in the terminal")
    expect(box).to_be_visible()
    box.fill("needle")
    expect(page.get_by_text(re.compile(r"\bof 3\b"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).not_to_be_visible()


def test_another_viewers_size_is_shown_whole(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    open_console(page, hub, "sizes")
    other = ViewerClient(hub, "sizes", cols=61, rows=17)
    other.connect()
    other.type(" ")
    wait_until(page, "terminal.cols === 61 && terminal.rows === 17")
    other.close()


def test_light_and_dark_follow_the_person(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    colours = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


def test_a_lost_connection_is_said_and_comes_back(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    console = open_console(page, hub, "lost")
    hub.kill()
    wait_until(page, "terminal.state !== 'attached'")
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    hub.start()
    console.attached()
    expect(page.get_by_role("button", name="Try now")).not_to_be_visible()
