"""A whole hub that is looked after: killed in the middle of a removal, drained, and left with an export."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from termhub.host.call import Caller
from termhub.store import Database
from tests.support.console_process import until
from tests.support.hub_process import TERMHUB, HubProcess

pytestmark = pytest.mark.e2e

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(hub: HubProcess, tmp_path: Path) -> dict[str, str]:
    """The variables of the hub's first user, who looks after it."""
    hub.log_in()
    status, token = hub.request("POST", "/tokens", {"label": "test"})
    assert status == 201, token
    return {
        "TERMHUB_HOST": hub.url,
        "TERMHUB_TOKEN": token["secret"],
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATH": str(Path(sys.executable).parent) + ":/usr/bin:/bin",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run `termhub` with these words without a terminal."""

    def run_command(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(TERMHUB), *words],
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run_command


def bob(run: Run, hub: HubProcess) -> dict[str, str]:
    """A new user, as variables for the command."""
    link = run("admin", "add", "bob", "--plan", "plus").stdout.strip()
    secret = link.partition("#login=")[2]
    first, hub.cookie = hub.cookie, None
    try:
        status, body = hub.request("POST", "/login", {"link": secret})
        assert status == 200, body
        status, token = hub.request("POST", "/tokens", {"label": "bob's"})
        assert status == 201, token
    finally:
        hub.cookie = first
    return {"TERMHUB_TOKEN": token["secret"]}


def database(hub: HubProcess) -> Database:
    return Database(hub.data / "hub" / "termhub.db")


def launcher(hub: HubProcess) -> Caller:
    return Caller(hub.data / "run" / "launcher.sock", 60)


def test_a_hub_that_is_killed_while_it_removes_an_account(hub: HubProcess, run: Run) -> None:
    theirs = bob(run, hub)
    assert run("new", "-d", "work", "-p", "bash", **theirs).returncode == 0
    with launcher(hub) as caller:
        pid = int(caller.ask("version")["pid"])
    os.kill(pid, signal.SIGSTOP)  # so that the removal cannot go on
    try:
        asking = threading.Thread(target=run, args=("admin", "rm", "bob", "--yes"))
        asking.start()
        store = database(hub)
        until(store.people.removals, "the removal to begin")
        hub.kill()
        asking.join()
        user = store.user_named("bob")
        assert user is not None  # half removed
        store.close()
    finally:
        os.kill(pid, signal.SIGCONT)
    hub.start()
    assert run("ls", **theirs).returncode == 1  # nothing of it can be used
    store = database(hub)
    until(lambda: store.user_named("bob") is None, "the removal to end")
    assert store.people.removals() == []
    until(lambda: store.audit.newest(None, 1)[0].action == "user.removed", "the note of it")
    (last,) = store.audit.newest(None, 1)
    assert (last.subject, last.detail) == ("bob", '{"by":"admin"}')
    store.close()
    with launcher(hub) as caller:
        assert [each for each in caller.ask("list")["consoles"] if each["owner"] == user.number] == []
    left = [path for path in hub.data.rglob("*") if path.stem == str(user.number)]
    assert left == []


def test_a_drained_hub_says_so_and_goes_on_after_a_restart(hub: HubProcess, run: Run) -> None:
    console = hub.new_console(name="before")
    assert run("admin", "drain").returncode == 0
    for _ in range(2):
        status, body, headers = raw(hub, "POST", "/api/v1/consoles", b"{}")
        assert (status, body["code"]) == (503, "draining")
        assert int(headers["Retry-After"]) > 0
        done = run("new", "-d", "after")
        assert done.returncode == 1
        assert "drained for maintenance" in done.stderr
        assert raw(hub, "GET", "/healthz")[:2] == (200, {"status": "draining", "version": version(hub)})
        assert json.loads(run("admin", "load", "--json").stdout)["draining"] is True
        hub.kill()
        hub.start()
    status, body = hub.request("POST", f"/consoles/{console['id']}/input", raw=b"1+1\n")
    assert status == 202, body
    assert run("admin", "undrain").returncode == 0
    assert run("new", "-d", "after").returncode == 0


def version(hub: HubProcess) -> str:
    status, body = hub.request("GET", "/server")
    assert status == 200
    return str(body["version"])


def raw(
    hub: HubProcess, method: str, path: str, data: bytes | None = None
) -> tuple[int, Any, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=60)
    try:
        connection.request(method, path, data, {"Cookie": hub.cookie or "", "Origin": hub.url})
        response = connection.getresponse()
        return response.status, json.loads(response.read()), response.headers
    finally:
        connection.close()


def test_everything_can_be_taken_along(hub: HubProcess, run: Run, tmp_path: Path) -> None:
    theirs = bob(run, hub)
    script = "head -c 20000000 /dev/urandom > ~/large; echo hi > ~/small; sleep infinity"
    assert run("new", "-d", "work", "--", "sh", "-c", script, **theirs).returncode == 0
    file = tmp_path / "all.tar"

    def is_written() -> bool:
        assert run("export", "--force", str(file), **theirs).returncode == 0
        with tarfile.open(file) as archive:
            return "home/small" in archive.getnames()

    until(is_written, "the files")
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-C", unpacked, "--no-same-owner", "-xf", file], check=True, timeout=60)
    assert (unpacked / "home" / "large").stat().st_size == 20_000_000
    account = json.loads((unpacked / "account.json").read_bytes())
    assert (account["name"], account["plan"]["name"]) == ("bob", "plus")
    assert (unpacked / "consoles" / "work" / "about.json").exists()


def test_the_doctor_sees_what_runs(hub: HubProcess, run: Run) -> None:
    done = run("doctor", "--data", str(hub.data), "--json")
    assert done.returncode == 0, done.stdout
    parts = {each["part"]: each["text"] for each in json.loads(done.stdout)["findings"]}
    assert hub.url in parts["hub"]
    assert parts["launcher"].startswith("runs as process")


def test_the_log_of_a_hub_that_runs(hub: HubProcess, run: Run) -> None:
    run("admin", "users")
    done = run("audit", "verify", "--data", str(hub.data))
    assert done.returncode == 0, done.stderr
    run("admin", "load")
    later = run("audit", "verify", "--data", str(hub.data), "--head", done.stdout.strip())
    assert later.returncode == 0, later.stderr
    listed = run("audit", "ls", "--json", "--data", str(hub.data)).stdout.splitlines()
    assert ["admin.look", "load"] in [[each["action"], each["subject"]] for each in map(json.loads, listed)]
