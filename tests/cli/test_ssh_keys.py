"""`termhub key`, through a hub and on a data folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from termhub.store import Database

from .conftest import FakeHub, Run, problem

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
FINGERPRINT = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"
ROW = {
    "number": 3,
    "label": "lap\x1btop",
    "algorithm": "ssh-ed25519",
    "fingerprint": FINGERPRINT,
    "created": 1795417696.02,
    "last_used": None,
}
PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home, without keys."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    return tmp_path


@pytest.fixture
def alice(termhub: Run, data: Path) -> list[str]:
    """The words that mean alice's keys on the hub's machine."""
    termhub("user", "add", "alice", "--no-password", "--data", str(data))
    return ["--user", "alice", "--data", str(data)]


def test_add_sends_the_file_to_the_hub(termhub: Run, hub: FakeHub, home: Path) -> None:
    hub.answers["POST /api/v1/keys"] = 201, ROW
    (home / "other.pub").write_text(f"{KEY} alice@laptop\n")
    done = termhub("key", "add", str(home / "other.pub"))
    assert (done.status, done.out) == (0, "")
    assert done.err == f"Added key 3 (lap\N{REPLACEMENT CHARACTER}top): ssh-ed25519 {FINGERPRINT}\n"
    _, body, headers = hub.calls[0]
    assert body == {"key": f"{KEY} alice@laptop\n"}
    assert headers["Authorization"] == "Bearer th_token"
    shown = json.loads(termhub("key", "add", "-", "--label", "phone", "--json", typed=KEY).out)
    assert hub.calls[1][1] == {"key": KEY, "label": "phone"}
    assert (shown["number"], shown["created"], shown["last_used"]) == (3, "2026-11-23T07:08:16Z", None)


def test_without_a_file_it_is_the_key_that_ssh_uses(termhub: Run, hub: FakeHub, home: Path) -> None:
    none = termhub("key", "add")
    assert none.status == 1
    assert "ssh-keygen -t ed25519" in none.err
    assert hub.calls == []
    (home / ".ssh" / "id_rsa.pub").write_text("ssh-rsa nothing")
    (home / ".ssh" / "id_ed25519.pub").write_text(KEY)
    hub.answers["POST /api/v1/keys"] = 201, {**ROW, "label": ""}
    assert termhub("key", "add").err == f"Added key 3: ssh-ed25519 {FINGERPRINT}\n"
    assert hub.calls[0][1] == {"key": KEY}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PRIVATE, "PRIVATE key: never give it to anybody"),
        ("hello", "no public key"),
        ("", "no key in that"),
        (f"{KEY}\n{KEY}", "one key at a time"),
        ("x" * 100_000, "too long"),
        ("\udcff" * 10, "no public key"),
    ],
)
def test_what_is_no_public_key_is_sent_nowhere(
    termhub: Run,
    hub: FakeHub,
    tmp_path: Path,
    text: str,
    said: str,
) -> None:
    file = tmp_path / "key"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = termhub("key", "add", str(file))
    assert done.status == 1
    assert said in done.err
    assert "c2VjcmV0" not in done.err
    assert hub.calls == []


def test_a_file_that_is_not_there(termhub: Run, hub: FakeHub, tmp_path: Path) -> None:
    done = termhub("key", "add", str(tmp_path / "none.pub"))
    assert done.status == 1
    assert "No such file" in done.err


def test_the_hubs_refusal_is_shown(termhub: Run, hub: FakeHub) -> None:
    hub.answers["POST /api/v1/keys"] = problem(409, "key_taken", "This key opens another account here.")
    done = termhub("key", "add", "-", typed=KEY)
    assert (done.status, done.err) == (1, "termhub: This key opens another account here.\n")


def test_ls(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/keys"] = 200, {"keys": [ROW]}
    head, line = termhub("key", "ls").out.splitlines()
    assert head.split() == ["NUMBER", "LABEL", "TYPE", "FINGERPRINT", "CREATED", "LAST", "USED"]
    assert line.split()[0] == "3"
    assert FINGERPRINT in line
    assert line.endswith("never")
    assert "\x1b" not in line
    (shown,) = json.loads(termhub("key", "ls", "--json").out)
    assert shown["fingerprint"] == FINGERPRINT
    hub.answers["GET /api/v1/keys"] = 200, {"keys": []}
    assert "termhub key add" in termhub("key", "ls").err


def test_rm_by_number_and_by_fingerprint(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/keys"] = 200, {"keys": [ROW, {**ROW, "number": 4, "fingerprint": "SHA256:x"}]}
    hub.answers["DELETE /api/v1/keys/3"] = 204, b""
    hub.answers["DELETE /api/v1/keys/4"] = 204, b""
    assert termhub("key", "rm", FINGERPRINT, "4", "3").status == 0
    assert [call for call, _, _ in hub.calls[1:]] == ["DELETE /api/v1/keys/3", "DELETE /api/v1/keys/4"]
    done = termhub("key", "rm", "3", "7")
    assert done.status == 1
    assert "There is no key 7" in done.err
    assert len(hub.calls) == 4, "nothing is removed when one of them is wrong"


def test_on_the_hubs_machine_for_anybody(termhub: Run, data: Path, alice: list[str]) -> None:
    done = termhub("key", "add", "-", *alice, "--json", typed=f"{KEY} alice@laptop")
    made: dict[str, Any] = json.loads(done.out)
    assert sorted(made) == ["algorithm", "created", "fingerprint", "label", "last_used", "number"]
    assert (made["label"], made["fingerprint"]) == ("alice@laptop", FINGERPRINT)
    assert json.loads(termhub("key", "ls", *alice, "--json").out) == [made]
    termhub("user", "add", "bob", "--no-password", "--data", str(data))
    bob = ["--user", "bob", "--data", str(data)]
    taken = termhub("key", "add", "-", *bob, typed=KEY)
    assert "opens another account" in taken.err
    assert "alice" not in taken.err
    assert termhub("key", "rm", str(made["number"]), *bob).status == 1
    assert termhub("key", "rm", str(made["number"]), *alice).status == 0
    database = Database(data / "hub" / "termhub.db")
    try:
        assert database.keys(1) == []
    finally:
        database.close()
    nobody = termhub("key", "ls", "--user", "nobody", "--data", str(data))
    assert (nobody.status, nobody.err) == (1, "termhub: There is no user nobody.\n")


def test_a_data_folder_needs_a_user(termhub: Run, hub: FakeHub, data: Path) -> None:
    done = termhub("key", "ls", "--data", str(data))
    assert done.status == 2
    assert "--user NAME" in done.err
    assert hub.calls == []
