"""Accounts of a hub that runs: suspended on the command line, and visitors who come and go."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sandbox.guest import frames
from tests.support.console_process import until
from tests.support.hub_process import TERMHUB, HubProcess

pytestmark = pytest.mark.e2e

HELLO = {"version": 1, "viewer": "0123456789abcdef", "cols": 80, "rows": 24, "windows": {"0": None}}


@pytest.fixture(scope="module")
def hub() -> Iterator[HubProcess]:
    folder = Path(tempfile.mkdtemp(prefix="termhub-accounts-"))
    folder.chmod(0o711)
    (folder / "config.toml").write_text(
        "[guests]\nenabled = true\nmost = 2\n[plans.guest]\nlifetime_seconds = 10\n"
    )
    hub = HubProcess(folder / "data", ("--config", str(folder / "config.toml")))
    try:
        hub.start()
        hub.log_in()
        yield hub
    finally:
        hub.stop()


def termhub(hub: HubProcess, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TERMHUB), *words],
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def here(hub: HubProcess, *words: str) -> str:
    """What a command on the hub's machine says."""
    done = termhub(hub, *words, "--data", str(hub.data))
    assert done.returncode == 0, done.stderr
    return done.stdout


def goodbye(connection: ClientConnection) -> tuple[int, str]:
    """Code and reason with which the hub closes."""
    try:
        while True:
            connection.recv(timeout=60)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code, closed.rcvd.reason


def test_who_is_suspended_beside_a_running_hub_is_out_within_seconds(hub: HubProcess) -> None:
    here(hub, "user", "add", "bob", "--no-password")
    token = here(hub, "token", "create", "--user", "bob").strip()
    headers = {"Authorization": f"Bearer {token}"}

    def by_token(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        cookie, hub.cookie = hub.cookie, None
        try:
            return hub.request(method, path, body, headers=headers)
        finally:
            hub.cookie = cookie

    status, console = by_token("POST", "/consoles", {"name": "main", "program": "bash"})
    assert status == 201, console
    with connect(
        f"ws://127.0.0.1:{hub.port}/api/v1/consoles/main/attach",
        additional_headers=headers,
        subprotocols=["termhub.v1"],  # type: ignore[list-item]
        open_timeout=60,
    ) as connection:
        connection.send(frames.encode_json(frames.HELLO, frames.CONSOLE, HELLO))
        connection.recv(timeout=60)
        here(hub, "user", "suspend", "bob")
        code, reason = goodbye(connection)
    assert code == 1008
    assert "suspended" in reason
    status, problem = by_token("GET", "/me")
    assert (status, problem["code"]) == (401, "suspended")
    said = termhub(hub, "ls", TERMHUB_HOST=hub.url, TERMHUB_TOKEN=token)
    assert "Your account is suspended." in said.stderr
    here(hub, "user", "resume", "bob")
    status, found = by_token("GET", "/consoles/main")
    assert (status, found["id"], found["state"]) == (200, console["id"], "running")


def test_a_visitor_goes_with_everything_when_the_time_is_over(hub: HubProcess) -> None:
    mine, hub.cookie = hub.cookie, None
    try:
        status, me = hub.request("POST", "/login/guest")
        assert (status, me["plan"]) == (200, "guest"), me
        console = hub.new_console(program="bash")
        assert (hub.data / "run" / "consoles" / console["id"]).exists()
        until(lambda: hub.request("GET", "/me")[0] == 401, "the end of the visit")
    finally:
        hub.cookie = mine
    until(lambda: me["name"] not in here(hub, "user", "ls"), "the account to be gone")
    until(lambda: not (hub.data / "run" / "consoles" / console["id"]).exists(), "the console to be gone")
