"""The page for keys: what opens an account by ssh, in a real browser."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.console_page import log_in
from tests.support.hub_process import TERMHUB, HubProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
FINGERPRINT = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"


def keys(hub: HubProcess) -> list[dict[str, Any]]:
    status, answer = hub.request("GET", "/keys")
    assert status == 200, answer
    found: list[dict[str, Any]] = answer["keys"]
    return found


def test_a_key_is_pasted_listed_and_removed(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("menuitem", name="Keys for ssh").click()
    expect(page).to_have_url(f"{hub.url}/keys")
    rows = page.get_by_role("list", name="Your keys").get_by_role("listitem")
    expect(rows).to_contain_text("No keys yet")
    page.get_by_label("Public key").fill(f"{KEY} alice@laptop\n")
    page.get_by_label("Public key").press("Tab")
    page.get_by_label("Label").press("Enter")
    expect(rows).to_have_count(1)
    for words in ("alice@laptop", FINGERPRINT, "Ed25519", "added just now", "never used"):
        expect(rows).to_contain_text(words)
    expect(page.get_by_label("Public key")).to_have_value("")
    assert [key["fingerprint"] for key in keys(hub)] == [FINGERPRINT]
    page.reload()
    page.get_by_role("button", name="Remove alice@laptop").click()
    dialog = page.get_by_role("dialog", name="Remove alice@laptop?")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    page.get_by_role("button", name="Remove alice@laptop").click()
    dialog.get_by_role("button", name="Remove key").click()
    expect(rows).to_contain_text("No keys yet")
    assert keys(hub) == []


def test_what_is_no_public_key_is_said_at_the_field(hub: HubProcess, page: Page, tmp_path: Path) -> None:
    log_in(page, hub)
    page.goto(f"{hub.url}/keys")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    field, problem = page.get_by_label("Public key"), page.get_by_role("alert")
    field.fill((tmp_path / "id").read_text())
    page.get_by_role("button", name="Add key").click()
    expect(problem).to_contain_text("PRIVATE key: never give it to anybody")
    expect(field).to_have_value("")
    page.locator("input[type=file]").set_input_files(tmp_path / "id")
    expect(problem).to_contain_text("PRIVATE key")
    expect(field).to_have_value("")
    assert sent == [], "a private key leaves the browser"
    field.fill("ssh-ed25519 AAAA")
    page.get_by_role("button", name="Add key").click()
    expect(problem).to_contain_text("cut off")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.locator("input[type=file]").set_input_files(tmp_path / "id.pub")
    expect(field).to_have_value((tmp_path / "id.pub").read_text().strip())
    page.get_by_label("Label").fill("my laptop")
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_role("list", name="Your keys")).to_contain_text("my laptop")
    expect(problem).to_have_count(0)


def test_a_file_is_dropped(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    page.goto(f"{hub.url}/keys")
    page.get_by_label("Public key").evaluate(
        """(field, text) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([text], "id_ed25519.pub"));
            for (const kind of ["dragover", "drop"])
                field.dispatchEvent(new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true}));
        }""",
        f"{KEY} alice@laptop\n",
    )
    expect(page.get_by_label("Public key")).to_have_value(f"{KEY} alice@laptop")
    expect(page.get_by_role("button", name="Add key")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Your keys")).to_contain_text("alice@laptop")


def offer(page: Page) -> list[dict[str, Any]]:
    """Let the code ABCD-EFGH be that of a key; returns what the page sends when it is accepted."""
    accepted: list[dict[str, Any]] = []
    shown = {"code": "ABCD-EFGH", "algorithm": "ssh-ed25519", "fingerprint": FINGERPRINT}
    made = {"number": 1, "label": "phone", "created": 1.0, "last_used": None}

    def answer(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json={**shown, "address": "192.0.2.7", "expires": 2e9})
        else:
            accepted.append(json.loads(route.request.post_data or ""))
            route.fulfill(status=201, json={**shown, **made})

    page.route(re.compile(r"/api/v1/keys/offers/ABCD-EFGH$"), answer)
    return accepted


def test_a_key_that_came_by_ssh_is_confirmed_after_logging_in(
    hub: HubProcess, browser: Browser, page: Page
) -> None:
    subprocess.run(
        [TERMHUB, "user", "add", "alice", "--password-stdin", "--data", hub.data],
        input=b"alice's password\n",
        check=True,
        capture_output=True,
    )
    accepted = offer(page)
    page.goto(f"{hub.url}/keys#offer=ABCD-EFGH")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill("alice's password")
    page.keyboard.press("Enter")
    card = page.get_by_role("region", name="Is this your key?")
    for words in ("ABCD-EFGH", FINGERPRINT, "Ed25519", "192.0.2.7", "Whoever has the key"):
        expect(card).to_contain_text(words)
    card.get_by_label("Label").fill("phone")
    page.keyboard.press("Enter")
    done = page.get_by_role("region", name="The key opens your account now")
    expect(done).to_contain_text("Go back to your terminal and press Enter")
    assert accepted == [{"label": "phone"}]
    expect(page).to_have_url(f"{hub.url}/keys")


def test_a_code_is_typed_declined_and_wrong(hub: HubProcess, page: Page) -> None:
    log_in(page, hub)
    accepted = offer(page)
    page.goto(f"{hub.url}/keys")
    page.get_by_label("code shown by ssh").fill("ABCD-EFGH")
    page.keyboard.press("Enter")
    card = page.get_by_role("region", name="Is this your key?")
    card.get_by_role("button", name="No").click()
    expect(card).to_have_count(0)
    expect(page).to_have_url(f"{hub.url}/keys")
    page.get_by_label("code shown by ssh").fill("0000-0000")
    page.get_by_role("button", name="Look it up").click()
    expect(page.get_by_role("region", name="A key from your terminal")).to_contain_text(
        "This code is wrong, was used already or has expired"
    )
    assert accepted == []
