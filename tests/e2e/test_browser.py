"""What a person sees in a real browser, from the printed link on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.console_page import ConsolePage, log_in, share_login, wait_until
from tests.support.hub_process import HubProcess
from tests.support.viewer_client import ViewerClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def numbers(lines: list[str]) -> list[int]:
    return [int(line) for line in lines if re.fullmatch(r"\d+", line.strip())]


def test_the_printed_link_leads_to_a_prompt_that_computes(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    assert "login=" not in page.url
    page.get_by_role("button", name="New console").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("start|create|new", re.I)).click()
    console = ConsolePage(page, hub)
    console.attached()
    console.wait_for_prompt()
    console.type("6*7\n")
    console.wait_for_line("42")
    assert any("Python 3" in line for line in console.history())


def test_the_link_works_once(hub: HubProcess, page: Page, browser: Browser) -> None:
    log_in(page, hub)
    with browser.new_context() as other:
        second = other.new_page()
        assert hub.login_link is not None
        second.goto(hub.login_link)
        expect(second.get_by_role("heading", name="Consoles")).not_to_be_visible()
        expect(second.get_by_role("alert").or_(second.get_by_text(re.compile("link")))).not_to_have_count(0)


def test_a_loop_goes_on_after_the_tab_is_closed_and_is_seen_elsewhere(
    hub: HubProcess, page: Page, browser: Browser
) -> None:
    log_in(page, hub)
    console = ConsolePage(page, hub)
    console.open("loop")
    console.wait_for_prompt()
    console.type("import time\n")
    console.type("for i in range(10**6): print(i); time.sleep(.01)\n\n")
    console.wait_for_line("50")
    page.close()
    with browser.new_context(viewport={"width": 1000, "height": 700}) as elsewhere:
        other = elsewhere.new_page()
        share_login(hub, other)
        again = ConsolePage(other, hub)
        again.open("loop")
        wait_until(other, "terminal.screen().some(l => Number(l) > argument)", 300)
        seen = numbers(list(again.history()))
        assert seen[0] == 0
        assert seen == list(range(len(seen)))
        assert len(seen) > 300
        again.press("Control+c")
        again.wait_for_line("KeyboardInterrupt")


def test_ctrl_c_stops_a_flood(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    console = ConsolePage(page, hub)
    console.open("flood")
    console.wait_for_prompt()
    console.type('while 1: print("x"*80)\n\n')
    console.wait_for_line("x" * 80)
    wait_until(page, "terminal.offset > argument", 2_000_000, 60)
    console.press("Control+c")
    console.wait_for_prompt()
    console.type("6*7\n")
    console.wait_for_line("42")


def test_a_viewer_that_never_reads_does_not_slow_the_page(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    console = ConsolePage(page, hub)
    console.open("slow")
    console.wait_for_prompt()
    stuck = ViewerClient(hub, "slow")
    stuck.connect()  # and nothing is received or acknowledged from here on
    console.type("for i in range(100000): print(i)\n\n")
    console.wait_for_line("99999", 60)
    console.type("6*7\n")
    console.wait_for_line("42")
    stuck.close()


@pytest.mark.parametrize("what", ["hub", "host", "both"])
def test_the_page_comes_back_by_itself_after_a_kill_with_complete_text(
    hub: HubProcess, page: Page, what: str
) -> None:
    log_in(page, hub)
    console = ConsolePage(page, hub)
    console.open("kill")
    console.wait_for_prompt()
    identifier = hub.request("GET", "/consoles/kill")[1]["id"]
    console.type("for i in range(200000): print(i)\n\n")
    wait_until(page, "terminal.offset > argument", 100_000, 60)
    if what in ("host", "both"):
        hub.kill_host(identifier)
    if what in ("hub", "both"):
        hub.kill()
        hub.start()
    console.wait_for_line("199999", 90)
    console.wait_for_prompt()
    seen = numbers(list(console.history()))
    assert seen == list(range(seen[0], 200000))
    assert len(seen) > 9900
    console.type("6*7\n")
    console.wait_for_line("42")


def test_windows_open_close_and_keep_their_own_screens(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    console = ConsolePage(page, hub)
    console.open("windows")
    console.wait_for_prompt()
    console.type("first = 6*7; first\n")
    console.wait_for_line("42")
    page.get_by_role("button", name=re.compile("new window", re.I)).click()
    page.get_by_role("menuitem", name=re.compile("bash", re.I)).click()
    expect(page.get_by_role("tab")).to_have_count(2)
    wait_until(page, "terminal.window === argument", 1)
    wait_until(page, "terminal.lines().some(l => l.trim().endsWith('$'))")
    console.type("echo $((5+4))-second\n")
    console.wait_for_line("9-second")
    page.get_by_role("tab").first.click()
    wait_until(page, "terminal.window === argument", 0)
    console.wait_for_line("42")


def test_end_asks_first_and_shows_the_console_as_ended(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    hub.new_console(name="mortal", program="python", cols=80, rows=24)
    page.goto(hub.url)
    page.get_by_role("button", name="More for mortal").click()
    page.get_by_role("menuitem", name=re.compile("End")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name=re.compile("^end", re.I)).click()
    expect(
        page.locator("[data-id]").filter(has_text="mortal").get_by_text("Ended", exact=True)
    ).to_be_visible()


def test_an_exited_program_shows_its_last_screen_and_why(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    console = ConsolePage(page, hub)
    console.open("exits")
    console.wait_for_prompt()
    console.type("print('last' + ' words'); exit(3)\n")
    console.wait_for_line("last words")
    expect(page.get_by_text(re.compile("ended|exited", re.I)).first).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("ended|exited", re.I)).first).to_be_visible()
    console.wait_for_line("last words")


def test_no_script_error_and_no_policy_violation_on_the_way(hub: HubProcess, page: Page) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    log_in(page, hub)
    hub.new_console(name="clean", program="python", cols=80, rows=24)
    console = ConsolePage(page, hub)
    console.open("clean")
    console.wait_for_prompt()
    console.type("print('\\x1b[31mred\\x1b[0m \\u4f60\\u597d \\U0001f600')\n")
    wait_until(page, "terminal.lines().some(l => l.startsWith(argument))", "red")
    assert problems == []
