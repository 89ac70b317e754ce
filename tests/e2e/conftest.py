"""Fixtures of the whole-program tests: a running hub, and real Chromium pages."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.hub_process import HubProcess

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


WAIT_MILLISECONDS = 60_000

expect.set_options(timeout=WAIT_MILLISECONDS)


@contextmanager
def running_hub() -> Iterator[HubProcess]:
    """A termhub of its own, and nothing of it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    process = HubProcess(folder / "data")
    try:
        process.start()
        yield process
    finally:
        process.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def hub() -> Iterator[HubProcess]:
    """A fresh termhub; nobody has used its login link."""
    with running_hub() as process:
        yield process


@pytest.fixture(scope="module")
def module_hub() -> Iterator[HubProcess]:
    """One termhub for all tests of a file, whose first user is logged in over HTTP."""
    with running_hub() as process:
        process.log_in()
        yield process


@pytest.fixture
def shared_hub(module_hub: HubProcess) -> Iterator[HubProcess]:
    """The file's termhub; a test's consoles are removed after it."""
    yield module_hub
    for console in module_hub.request("GET", "/consoles")[1]["consoles"]:
        module_hub.request("DELETE", f"/consoles/{console['id']}?remove=true")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless; without the frame of a desktop browser it takes half the time."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "Chromium is missing: apt-get install chromium-headless-shell"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own, with no cookies."""
    fresh = browser.new_context(viewport={"width": 1000, "height": 700})
    fresh.set_default_timeout(WAIT_MILLISECONDS)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab."""
    return context.new_page()
