"""A hub that speaks TLS itself: browser, command line, a new certificate while people are attached."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from playwright.sync_api import Browser, expect

from tests.support.certificates import write_pair
from tests.support.console_page import ConsolePage, wait_until
from tests.support.console_process import until
from tests.support.hub_process import TERMHUB, HubProcess
from tests.support.terminal_process import TerminalProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def files() -> Iterator[Path]:
    """A folder for the certificate, as other users may read it."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def hub(files: Path) -> Iterator[HubProcess]:
    write(files, "first.example")
    config = files / "config.toml"
    pair = f'tls_certificate = "{files}/cert.pem"\ntls_key = "{files}/key.pem"\n'
    config.write_text(f"[web]\n{pair}")
    process = HubProcess(files / "data", ("--config", str(config)))
    try:
        process.start()
        yield process
    finally:
        process.stop()


def write(files: Path, name: str) -> None:
    write_pair(files / "cert.pem", files / "key.pem", name)
    for file in ("cert.pem", "key.pem"):
        (files / file).chmod(0o644)  # the hub has become another user


def shown(hub: HubProcess) -> str:
    """The name in the certificate that a new connection gets."""
    pem = ssl.get_server_certificate(("127.0.0.1", hub.port))
    return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()


def test_a_browser_works_and_a_new_certificate_disturbs_nobody(
    hub: HubProcess, browser: Browser, files: Path
) -> None:
    assert hub.url.startswith("https://")
    assert hub.login_link is not None
    with browser.new_context(ignore_https_errors=True, viewport={"width": 1000, "height": 700}) as context:
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(hub.login_link)
        expect(page.get_by_role("heading", name="Consoles")).to_be_visible()
        (cookie,) = [each for each in context.cookies() if each.get("name") == "__Host-termhub_session"]
        assert cookie.get("secure")
        hub.cookie = f"__Host-termhub_session={cookie.get('value')}"
        console = ConsolePage(page, hub)
        console.open("secure")
        console.wait_for_prompt()
        console.type("6*7\n")
        console.wait_for_line("42")
        write(files, "second.example")
        os.kill(hub.pid, signal.SIGHUP)
        until(lambda: shown(hub) == "CN=second.example", "the new certificate")
        console.type("print('x' * 3 * 10**6)\n")
        wait_until(page, "terminal.offset > argument", 3_000_000, 60)
        console.wait_for_prompt()
        console.type("6*9\n")
        console.wait_for_line("54")


def test_the_command_line_trusts_whom_it_is_told_to(hub: HubProcess, files: Path) -> None:
    hub.log_in()
    status, token = hub.request("POST", "/tokens", {"label": "test"})
    assert status == 201, token
    environment = {
        "TERMHUB_HOST": hub.url,
        "TERMHUB_TOKEN": token["secret"],
        "XDG_CONFIG_HOME": str(files / "config"),
        "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin",
    }
    refused = subprocess.run(
        [str(TERMHUB), "ls"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert refused.returncode == 1
    assert "is not trusted" in refused.stderr
    trusting = {**environment, "SSL_CERT_FILE": str(files / "cert.pem")}
    terminal = TerminalProcess([str(TERMHUB), "new", "secure"], trusting, cols=80, rows=24)
    try:
        terminal.until_text(">>>")
        terminal.type("6*7\n")
        terminal.until_text("42")
    finally:
        terminal.close()
    listed = subprocess.run(
        [str(TERMHUB), "ls"], env=trusting, capture_output=True, text=True, timeout=120, check=True
    )
    assert "secure" in listed.stdout
