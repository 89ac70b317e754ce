"""The pages of administrators: load and draining, users, consoles, the audit log."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.console_page import ConsolePage, share_login, wait_until
from tests.support.hub_process import HubProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture
def hub(shared_hub: HubProcess) -> HubProcess:
    """One hub for all tests of this file, whose first user looks after it."""
    return shared_hub


@pytest.fixture
def admin(hub: HubProcess, page: Page) -> Page:
    """A browser of the first user, who looks after the hub."""
    share_login(hub, page)
    return page


def call(hub: HubProcess, method: str, path: str, body: Any = None) -> Any:
    """The answer of the REST interface to the administrator."""
    status, answer = hub.request(method, path, body)
    assert status < 300, answer
    return answer


def row(page: Page, words: str) -> Locator:
    """The row of a table that has `words`."""
    return page.get_by_role("table").get_by_role("row").filter(has_text=words)


def choose(page: Page, name: str, item: str) -> None:
    """Choose from the menu of a user."""
    page.get_by_role("button", name=f"More for {name}", exact=True).click()
    page.get_by_role("menuitem", name=item).click()


def test_only_administrators_find_the_pages(hub: HubProcess, browser: Browser, admin: Page) -> None:
    admin.goto(hub.url)
    admin.get_by_role("button", name="Account").click()
    admin.get_by_role("menuitem", name="Administration").click()
    expect(admin).to_have_url(f"{hub.url}/admin")
    expect(admin.get_by_role("heading", name="Server")).to_be_visible()
    link = call(hub, "POST", "/admin/users", {"name": "nobody-special"})["login_link"]
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Account").click()
    expect(page.get_by_role("menuitem", name="Usage")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Administration")).to_have_count(0)
    for path in ("/admin", "/admin/users", "/admin/consoles", "/admin/audit"):
        page.goto(hub.url + path)
        expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    context.close()


def test_a_user_is_added_changed_suspended_and_removed(
    hub: HubProcess, browser: Browser, admin: Page
) -> None:
    admin.goto(f"{hub.url}/admin/users")
    admin.get_by_role("button", name="New user…").click()
    dialog = admin.get_by_role("dialog", name="New user")
    dialog.get_by_label("Name").fill("Not a name!")
    dialog.get_by_role("button", name="Add user").click()
    # The words are the server's.
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    dialog.get_by_label("Name").fill("grace")
    dialog.get_by_label("Plan").select_option("free")
    dialog.get_by_role("button", name="Add user").click()
    dialog = admin.get_by_role("dialog", name="A login link for grace")
    link = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Done").click()
    grace = row(admin, "grace")
    expect(grace).to_contain_text("free")
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", name="Consoles")).to_be_visible()
    console = ConsolePage(page, hub)
    console.open("hers")
    console.wait_for_prompt()

    choose(admin, "grace", "Plan…")
    dialog = admin.get_by_role("dialog", name="Plan of grace")
    dialog.get_by_label("Plan").select_option("plus")
    dialog.get_by_role("button", name="Change plan").click()
    expect(admin.get_by_role("status").filter(has_text="has the plan plus now")).to_be_visible()
    expect(grace).to_contain_text("plus")

    choose(admin, "grace", "Make administrator…")
    admin.get_by_role("dialog").get_by_role("button", name="Make administrator").click()
    expect(grace.get_by_text("administrator", exact=True)).to_be_visible()
    choose(admin, "grace", "No longer administrator…")
    admin.get_by_role("dialog").get_by_role("button", name="Take it away").click()
    expect(grace.get_by_text("administrator", exact=True)).to_be_hidden()

    choose(admin, "grace", "Suspend…")
    dialog = admin.get_by_role("dialog", name="Suspend grace?")
    dialog.get_by_label("End their consoles").check()
    dialog.get_by_role("button", name="Suspend").click()
    expect(grace.get_by_text("suspended", exact=True)).to_be_visible()
    expect(page.get_by_text("Your account is suspended.")).to_be_visible()
    page.goto(hub.url)
    expect(page.get_by_role("alert")).to_contain_text("Your account is suspended.")
    choose(admin, "grace", "Resume")
    expect(grace.get_by_text("suspended", exact=True)).to_be_hidden()

    choose(admin, "grace", "Remove…")
    dialog = admin.get_by_role("dialog", name="Remove grace?")
    dialog.get_by_role("button", name="Remove user").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Type grace")
    dialog.get_by_label("Type grace").fill("grace")
    dialog.get_by_role("button", name="Remove user").click()
    expect(grace).to_have_count(0)
    assert "grace" not in [user["name"] for user in call(hub, "GET", "/admin/users")["users"]]
    # Oneself is not to be shut out by mistake.
    admin.get_by_role("button", name="More for admin", exact=True).click()
    expect(admin.get_by_role("menuitem", name="Plan…")).to_be_visible()
    for item in ("Suspend…", "Remove…", "No longer administrator…"):
        expect(admin.get_by_role("menuitem", name=item)).to_have_count(0)
    context.close()


def test_users_are_found_and_paged(hub: HubProcess, admin: Page) -> None:
    for number in range(55):
        call(hub, "POST", "/admin/users", {"name": f"many-{number:02}"})
    admin.goto(f"{hub.url}/admin/users")
    users = admin.get_by_role("table").get_by_role("row")
    expect(users).to_have_count(51)
    back, forward = (admin.get_by_role("button", name=name, exact=True) for name in ("Back", "Next"))
    expect(back).to_be_disabled()
    forward.click()
    expect(row(admin, "many-54")).to_be_visible()
    expect(row(admin, "many-00")).to_have_count(0)
    expect(forward).to_be_disabled()
    back.click()
    expect(row(admin, "many-00")).to_be_visible()
    admin.get_by_label("Name begins with").fill("many-5")
    expect(users).to_have_count(6)
    expect(users.nth(1)).to_contain_text("many-50")
    admin.get_by_label("Name begins with").fill("no such")
    expect(admin.get_by_text("Nobody here.")).to_be_visible()


def test_a_console_is_sorted_and_ended_with_a_reason(hub: HubProcess, admin: Page) -> None:
    quiet, busy = (hub.new_console(name=name) for name in ("quiet", "busy"))
    hub.request("POST", f"/consoles/{busy['id']}/input", raw=b"while True: pass\n\n")
    admin.goto(f"{hub.url}/admin/consoles")
    admin.get_by_label("Sorted by").select_option("CPU")
    rows = admin.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(3)
    # What it uses is measured now and then; nobody has to ask for it.
    expect(rows.nth(1)).to_contain_text("admin/busy")
    expect(row(admin, "admin/busy").get_by_role("cell").nth(1)).to_contain_text(re.compile(r"[1-9]\d* %"))
    end = admin.get_by_role("button", name="End… busy of admin")
    end.click()
    dialog = admin.get_by_role("dialog", name="End busy of admin?")
    dialog.get_by_label("Reason").fill("makes the fans loud")
    dialog.get_by_role("button", name="End console").click()
    expect(admin.get_by_role("status").filter(has_text="busy of admin is ended")).to_be_visible()
    expect(row(admin, "admin/busy")).to_have_count(0)
    expect(row(admin, "admin/quiet")).to_be_visible()
    assert "makes the fans loud" in str(call(hub, "GET", f"/consoles/{busy['id']}")["reason"])
    assert call(hub, "GET", f"/consoles/{quiet['id']}")["state"] == "running"


def test_what_has_the_focus_keeps_it_while_the_list_is_refreshed(hub: HubProcess, admin: Page) -> None:
    hub.new_console(name="one")
    admin.goto(f"{hub.url}/admin/consoles")
    button = admin.get_by_role("button", name="End… one of admin")
    button.focus()
    hub.new_console(name="two")
    expect(row(admin, "admin/two")).to_be_visible()
    expect(button).to_be_focused()
    admin.goto(f"{hub.url}/admin/users")
    admin.get_by_role("button", name="More for admin", exact=True).click()
    item = admin.get_by_role("menuitem", name="Login link…")
    call(hub, "POST", "/admin/users", {"name": "aaa"})
    expect(row(admin, "aaa")).to_be_visible()
    expect(item).to_be_visible()


def test_the_server_is_drained_and_takes_consoles_again(
    hub: HubProcess, admin: Page, browser: Browser
) -> None:
    admin.goto(f"{hub.url}/admin")
    for name in ("Load", "Memory", "Disk"):
        expect(admin.get_by_role("meter", name=name)).to_be_visible()
    expect(admin.get_by_text("bubblewrap")).to_be_visible()
    admin.get_by_role("button", name="Drain…").click()
    dialog = admin.get_by_role("dialog", name="Drain this server?")
    dialog.get_by_role("button", name="Drain").click()
    expect(admin.get_by_text("Draining: it takes no new consoles.")).to_be_visible()
    context = browser.new_context()
    page = context.new_page()
    share_login(hub, page)
    page.goto(hub.url)
    page.get_by_role("button", name="New console").click()
    dialog = page.get_by_role("dialog", name="New console")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_role("alert")).to_contain_text("being drained for maintenance")
    admin.get_by_role("button", name="Take consoles again").click()
    expect(admin.get_by_text("It takes new consoles.")).to_be_visible()
    dialog.get_by_role("button", name="Start").click()
    wait_until(page, "terminal.state === 'attached'")
    context.close()


def test_the_audit_log_is_read_filtered_and_paged(hub: HubProcess, admin: Page) -> None:
    for number in range(101):
        call(hub, "PUT", "/admin/drain", {"draining": number % 2 == 0})
    call(hub, "PUT", "/admin/drain", {"draining": False})
    admin.goto(f"{hub.url}/admin/audit")
    rows = admin.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(101)
    newest = call(hub, "GET", "/admin/audit?limit=1")["entries"][0]
    expect(row(admin, newest["action"]).first).to_contain_text("admin")
    admin.get_by_label("Filter this page").fill("ADMIN drain")
    drained = rows.count()
    assert drained > 1
    admin.get_by_label("Filter this page").fill("admin drain no such words")
    expect(admin.get_by_text("Nothing here.")).to_be_visible()
    admin.get_by_label("Filter this page").fill("")
    forward, first = admin.get_by_role("button", name="Next", exact=True), row(admin, "login.ok").last
    while forward.is_enabled():
        before = rows.nth(1).inner_text()
        forward.click()
        expect(rows.nth(1)).not_to_have_text(before)
    expect(first).to_contain_text("127.0.0.1")


def test_a_months_usage_is_downloaded(hub: HubProcess, admin: Page) -> None:
    admin.goto(f"{hub.url}/admin")
    with admin.expect_download() as download:
        admin.get_by_role("link", name="Download as CSV").click()
    text = download.value.path().read_text()
    assert "admin" in text
    assert len(text.splitlines()) >= 2, text
