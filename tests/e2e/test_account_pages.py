"""One's own account in the browser: sessions, tokens, password, leaving; visitors; what a plan allows."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.conftest import WAIT_MILLISECONDS
from tests.support.console_page import ConsolePage
from tests.support.hub_process import TERMHUB, HubProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PASSWORD = "alice's long password"
SETTINGS = """\
[guests]
enabled = true

[plans.small]
description = "Two consoles, for tests."
consoles = 2
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    """A hub with visitors, for all tests of this file."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    (folder / "config.toml").write_text(SETTINGS)
    process = HubProcess(folder / "data", ("--config", str(folder / "config.toml")))
    try:
        process.start()
        yield process
    finally:
        process.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def other(browser: Browser) -> Iterator[BrowserContext]:
    """Another browser, a phone that likes the dark."""
    fresh = browser.new_context(viewport={"width": 390, "height": 760}, has_touch=True, color_scheme="dark")
    fresh.set_default_timeout(WAIT_MILLISECONDS)
    yield fresh
    fresh.close()


def add_user(hub: HubProcess, name: str, plan: str = "small") -> str:
    """An account of its own for a test; its name."""
    subprocess.run(
        [TERMHUB, "user", "add", name, "--plan", plan, "--password-stdin", "--data", hub.data],
        env={**os.environ, "TERMHUB_CONFIG": str(hub.data.with_name("config.toml"))},
        input=f"{PASSWORD}\n".encode(),
        check=True,
        capture_output=True,
    )
    return name


def log_in(page: Page, hub: HubProcess, name: str, password: str = PASSWORD) -> None:
    """Log in by name and password at the address the page has, or the first one."""
    if not page.url.startswith(hub.url):
        page.goto(hub.url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Consoles")).to_be_visible()


def status_with(hub: HubProcess, token: str, method: str, path: str) -> int:
    """What the REST interface answers to somebody who has only `token`."""
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)
    try:
        connection.request(method, "/api/v1" + path, headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


def rows(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name=name).get_by_role("listitem")


def test_where_one_is_logged_in_is_listed_and_ended(
    hub: HubProcess, page: Page, other: BrowserContext
) -> None:
    name = add_user(hub, "sessions")
    log_in(page, hub, name)
    phone, third = other.new_page(), other.browser.new_context()  # type: ignore[union-attr]
    log_in(phone, hub, name)
    away = third.new_page()
    log_in(away, hub, name)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Account").click()
    expect(page).to_have_url(f"{hub.url}/account")
    sessions = rows(page, "Where you are logged in")
    expect(sessions).to_have_count(3)
    expect(sessions.first).to_contain_text("this browser")
    expect(sessions.first).to_contain_text("Chrome on Linux")
    expect(sessions.first.get_by_role("button")).to_have_count(0)
    sessions.last.get_by_role("button", name="Log out").click()
    expect(sessions).to_have_count(2)
    page.get_by_role("button", name="Log out everywhere else…").click()
    page.get_by_role("dialog").get_by_role("button", name="Log out").click()
    expect(sessions).to_have_count(1)
    expect(page.get_by_role("button", name="Log out everywhere else…")).to_be_hidden()
    for gone in (phone, away):
        gone.goto(f"{hub.url}/account")
        expect(gone.get_by_label("Password")).to_be_visible()
    page.reload()
    expect(sessions).to_have_count(1)
    third.close()


def test_a_token_is_made_for_some_things_shown_once_and_revoked(hub: HubProcess, page: Page) -> None:
    name = add_user(hub, "tokens")
    log_in(page, hub, name)
    page.goto(f"{hub.url}/account")
    tokens = rows(page, "Your tokens")
    expect(tokens).to_contain_text("No tokens yet")
    page.get_by_text("Make a token").click()
    expect(page.get_by_role("checkbox", name="admin")).to_have_count(0)
    for scope in ("read", "write"):
        page.get_by_role("checkbox", name=scope).uncheck()
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_role("alert").filter(has_text="Choose what it may do")).to_be_visible()
    page.get_by_role("checkbox", name="read").check()
    page.get_by_label("Label").fill("ci")
    page.get_by_label("Lasts").select_option("a week")
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_role("heading", name="Your new token, ci")).to_be_focused()
    token = page.locator(".card code").inner_text()
    assert status_with(hub, token, "GET", "/consoles") == 200
    assert status_with(hub, token, "DELETE", "/sessions") == 403
    for words in ("ci", "may read", "expires in 7 days", "never used"):
        expect(tokens).to_contain_text(words)
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_text(token)).to_have_count(0)
    page.reload()
    expect(tokens).to_contain_text("ci")
    expect(page.get_by_text(token)).to_have_count(0)
    page.get_by_role("button", name="Revoke ci").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke token").click()
    expect(tokens).to_contain_text("No tokens yet")
    assert status_with(hub, token, "GET", "/consoles") == 401


def test_the_password_is_changed_and_ends_the_other_logins(
    hub: HubProcess, page: Page, other: BrowserContext
) -> None:
    name = add_user(hub, "passwords")
    log_in(page, hub, name)
    phone = other.new_page()
    log_in(phone, hub, name)
    page.goto(f"{hub.url}/account")
    part = page.locator("form").filter(has=page.get_by_role("button", name="Change password"))
    old, new, again = (
        part.get_by_label(label, exact=True)
        for label in ("Current password", "New password", "New password again")
    )
    problem = part.get_by_role("alert")
    button = part.get_by_role("button", name="Change password")
    for values, said in (
        (("", "another password", "another password"), "The current password, please"),
        ((PASSWORD, "another password", "another pass"), "not the same"),
        (("not the password", "another password", "another password"), "password"),
        ((PASSWORD, "short", "short"), "8"),
    ):
        for field, value in zip((old, new, again), values, strict=True):
            field.fill(value)
        button.click()
        expect(problem).to_contain_text(said)
    for field, value in zip(
        (old, new, again), (PASSWORD, "another password", "another password"), strict=True
    ):
        field.fill(value)
    button.click()
    expect(part.get_by_role("status")).to_contain_text("Done")
    expect(new).to_have_value("")
    expect(rows(page, "Where you are logged in")).to_have_count(1)
    phone.goto(hub.url)
    log_in(phone, hub, name, "another password")


def test_everything_is_downloaded_and_the_account_deleted(
    hub: HubProcess, page: Page, tmp_path: Path
) -> None:
    name = add_user(hub, "leaver")
    log_in(page, hub, name)
    console = ConsolePage(page, hub)
    console.open("work")
    console.wait_for_prompt()
    console.type("open('kept.txt', 'w').write('mine')\n")
    console.wait_for_line("4")
    page.goto(f"{hub.url}/account")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    download.value.save_as(tmp_path / "all.tar")
    with tarfile.open(tmp_path / "all.tar") as archive:
        assert any(member.endswith("kept.txt") for member in archive.getnames()), archive.getnames()
    page.get_by_role("button", name="Delete account…").click()
    dialog = page.get_by_role("dialog", name="Delete your account?")
    problem = dialog.get_by_role("alert")
    dialog.get_by_role("button", name="Delete account").click()
    expect(problem).to_contain_text("Type leaver")
    dialog.get_by_label("Type your name").fill(name)
    dialog.get_by_label("Password").fill("not the password")
    dialog.get_by_role("button", name="Delete account").click()
    expect(problem).to_contain_text("password")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Delete account").click()
    expect(page.get_by_role("alert")).to_contain_text("deleted")
    expect(page).to_have_url(f"{hub.url}/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong")


def test_a_visitor_comes_without_an_account_and_reads_until_when(
    hub: HubProcess, other: BrowserContext
) -> None:
    phone = other.new_page()
    phone.goto(hub.url)
    phone.get_by_role("button", name="Try without an account").click()
    expect(phone.get_by_text("You are here without an account")).to_contain_text("deleted then")
    console = ConsolePage(phone, hub)
    console.open("trial")
    console.wait_for_prompt()
    expect(phone.get_by_title("A visitor until")).to_be_in_viewport(ratio=1)
    expect(phone.get_by_role("button", name="Menu", exact=True)).to_be_in_viewport(ratio=1)
    console.type("6 * 7\n")
    console.wait_for_line("42")
    phone.goto(f"{hub.url}/account")
    expect(phone.get_by_text("This visit ends at")).to_be_visible()
    expect(phone.locator(".plan.yours")).to_contain_text("guest")
    # Such an account has no credentials of its own.
    expect(phone.get_by_text("Download everything")).to_be_visible()
    for heading in ("Password", "Where you are logged in", "API tokens"):
        expect(phone.get_by_role("heading", name=heading)).to_have_count(0)
    # The plan has one console.
    phone.goto(f"{hub.url}/c/second")
    note = phone.get_by_role("status").filter(has_text="End one first")
    expect(note).to_contain_text("all the consoles that the plan guest has (1)")
    note.get_by_role("button", name="Your plan and its limits").click()
    expect(phone).to_have_url(f"{hub.url}/account")


def test_what_the_plan_does_not_give_is_said_where_it_is_asked_for(hub: HubProcess, page: Page) -> None:
    name = add_user(hub, "limited")
    log_in(page, hub, name)
    console = ConsolePage(page, hub)
    for one in ("first", "second"):
        console.open(one)
        console.wait_for_prompt()
    page.goto(hub.url)
    page.get_by_role("button", name="New console").click()
    dialog = page.get_by_role("dialog", name="New console")
    dialog.get_by_role("button", name="Start").click()
    problem = dialog.get_by_role("alert")
    expect(problem).to_contain_text("You have all the consoles that the plan small has (2). End one first.")
    problem.get_by_role("link", name="Your plan and its limits").click()
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(f"{hub.url}/account")
    yours = page.locator(".plan.yours")
    for words in ("small", "Two consoles, for tests.", "2 running at a time", "Network", "none"):
        expect(yours).to_contain_text(words)
    page.get_by_text("Other plans of this server").click()
    expect(page.locator(".plan").filter(has_text="Everyday work")).to_be_visible()


def test_usage_is_shown_in_words_plots_and_a_table(
    hub: HubProcess, page: Page, other: BrowserContext
) -> None:
    name = add_user(hub, "usage")
    log_in(page, hub, name)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{hub.url}/usage")
    meters = {
        label: page.get_by_role("meter", name=label)
        for label in ("CPU time today", "Home", "Consoles running")
    }
    expect(meters["Consoles running"]).to_have_attribute("aria-valuetext", "0 of 2")
    console = ConsolePage(other.new_page(), hub)
    log_in(console.page, hub, name)
    console.open("busy")
    console.wait_for_prompt()
    # The page asks again by itself.
    expect(meters["Consoles running"]).to_have_attribute("aria-valuetext", "1 of 2")
    expect(meters["CPU time today"]).to_have_attribute("aria-valuetext", re.compile("of 30 min"))
    expect(page.get_by_text("A new day begins at")).to_be_visible()
    plots = page.get_by_role("img")
    expect(plots).to_have_count(6)
    for plot in plots.all():
        expect(plot).to_have_attribute("aria-label", re.compile("last 30 days"))
    page.get_by_role("button", name="90 days").click()
    expect(plots.first).to_have_attribute("aria-label", re.compile("last 90 days"))
    expect(page.get_by_role("button", name="90 days")).to_have_attribute("aria-pressed", "true")
    page.get_by_text("The same as a table").click()
    assert errors == [], "the content security policy forbids something the page does"


def test_a_consoles_limits_are_told_with_what_holds_them(hub: HubProcess, page: Page) -> None:
    name = add_user(hub, "limits")
    log_in(page, hub, name)
    console = ConsolePage(page, hub)
    console.open("held")
    console.wait_for_prompt()
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("menuitem", name="Limits…").click()
    dialog = page.get_by_role("dialog", name="Limits of held")
    for words in ("small", "bubblewrap", "Memory", "512 MB", "Processes", "64"):
        expect(dialog).to_contain_text(words)
    expect(dialog.get_by_role("meter", name="Memory")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    # The keyboard is the terminal's again.
    page.keyboard.type("6 * 7\n")
    console.wait_for_line("42")
