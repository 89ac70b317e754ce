"""The page for keys: what opens an account by ssh, in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.console_page import log_in
from tests.support.hub_process import TERMHUB, HubProcess
from tests.support.terminal_process import TerminalProcess

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
    for words in ("alice@laptop", FINGERPRINT, "Ed25519", "added", "never used"):
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
    field.fill("something else")
    page.locator("input[type=file]").set_input_files(tmp_path / "id")
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


@pytest.fixture
def ssh_hub() -> Iterator[HubProcess]:
    """A hub that serves ssh too, with the user alice."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    process = HubProcess(folder / "data", ssh=True)
    try:
        process.start()
        subprocess.run(
            [TERMHUB, "user", "add", "alice", "--plan", "pro", "--password-stdin", "--data", process.data],
            input=b"alice's password\n",
            check=True,
            capture_output=True,
        )
        yield process
    finally:
        process.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ssh(ssh_hub: HubProcess, tmp_path: Path) -> Iterator[TerminalProcess]:
    """An ssh client with a key of its own that opens no account, in a terminal."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    options = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no", "IdentitiesOnly=yes"]
    chosen = [word for option in [*options, "IdentityAgent=none"] for word in ("-o", option)]
    command = ["ssh", "-F", "none", *chosen, "-i", str(tmp_path / "id"), "-p", str(ssh_hub.ssh_port)]
    process = TerminalProcess([*command, "console@127.0.0.1"], cols=100, rows=30)
    yield process
    process.close()


def code_on(ssh: TerminalProcess) -> str:
    """The code that ssh shows."""
    shown = re.compile(r"#offer=([0-9A-Z]{4}-[0-9A-Z]{4})\b")
    ssh.until(lambda: shown.search(ssh.text) and "Enter when" in ssh.text)
    found = shown.search(ssh.text)
    assert found is not None
    return found[1]


def test_a_key_that_came_by_ssh_is_confirmed_after_logging_in(
    ssh_hub: HubProcess, ssh: TerminalProcess, page: Page, tmp_path: Path
) -> None:
    code = code_on(ssh)
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", tmp_path / "id"], check=True, capture_output=True, text=True
    )
    fingerprint = shown.stdout.split()[1]
    assert fingerprint in ssh.text
    page.goto(f"{ssh_hub.url}/keys#offer={code}")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill("alice's password")
    page.keyboard.press("Enter")
    card = page.get_by_role("region", name="Is this your key?")
    for words in (code, fingerprint, "Ed25519", "127.0.0.1", "Whoever has the key"):
        expect(card).to_contain_text(words)
    card.get_by_label("Label").fill("phone")
    page.keyboard.press("Enter")
    done = page.get_by_role("region", name="The key opens your account now")
    expect(done).to_contain_text("Go back to your terminal and press Enter")
    expect(page).to_have_url(f"{ssh_hub.url}/keys")
    expect(page.get_by_role("list", name="Your keys")).to_contain_text("phone")
    expect(page.get_by_text(f"ssh -p {ssh_hub.ssh_port} console@127.0.0.1")).to_be_visible()
    ssh.type("\r")
    ssh.until_text(">>>")
    page.get_by_role("button", name="Remove phone").click()
    page.get_by_role("button", name="Remove key").click()
    expect(page.get_by_role("list", name="Your keys")).to_contain_text("No keys yet")
    assert ssh.finish() != 0, "the connection ends with its key"


def test_a_code_is_typed_declined_and_wrong(ssh_hub: HubProcess, ssh: TerminalProcess, page: Page) -> None:
    log_in(page, ssh_hub)
    code = code_on(ssh)
    page.goto(f"{ssh_hub.url}/keys")
    field = page.get_by_label("code shown by ssh")
    field.fill(code.replace("-", "").lower())
    page.keyboard.press("Enter")
    card = page.get_by_role("region", name="Is this your key?")
    expect(card).to_contain_text(code)
    card.get_by_role("button", name="No").click()
    expect(card).to_have_count(0)
    expect(page).to_have_url(f"{ssh_hub.url}/keys")
    field.fill("0000-0000")
    page.get_by_role("button", name="Look it up").click()
    expect(page.get_by_role("region", name="A key from your terminal")).to_contain_text(
        "This code is wrong, was used already or has expired"
    )
    assert keys(ssh_hub) == []
    ssh.type("\r")
    ssh.until_text("has not been added yet")
