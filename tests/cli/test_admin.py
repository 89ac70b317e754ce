"""`termhub admin` and `termhub export`, against a hub that answers what the test says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import FakeHub, Run, problem

USER: dict[str, Any] = {
    "name": "bob",
    "number": 2,
    "plan": "free",
    "created": 1.0,
    "is_admin": False,
    "suspended": None,
    "expires": None,
    "consoles": 1,
    "cpu_seconds_today": 12.4,
    "home_bytes": 5 << 20,
    "last_seen": None,
}
CONSOLE: dict[str, Any] = {
    "id": "c-abcdefghij",
    "name": "work\x1b[31m",
    "owner": "bob",
    "program": "python",
    "image": "3.11",
    "state": "running",
    "created": 1.0,
    "last_activity": 2.0,
    "viewers": 1,
    "memory_bytes": 10 << 20,
    "cpu_seconds": 5.0,
    "cpu_percent": 42.4,
    "network_in": None,
    "network_out": None,
    "slowed": True,
}


def test_users_of_all_pages(termhub: Run, hub: FakeHub) -> None:
    first = "GET /api/v1/admin/users?limit=500"
    hub.answers[first] = 200, {"users": [USER], "after": "bob"}
    other = {**USER, "name": "carol", "suspended": 5.0, "home_bytes": None}
    hub.answers[f"{first}&after=bob"] = 200, {"users": [other], "after": None}
    lines = termhub("admin", "users").out.splitlines()
    assert lines[1].split() == ["bob", "free", "1", "12", "s", "5.0", "MiB", "never"]
    assert lines[2].split()[:3] == ["carol", "free", "suspended"]
    assert [each["name"] for each in json.loads(termhub("admin", "users", "--json").out)] == ["bob", "carol"]


def test_consoles(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/admin/consoles?limit=500"] = 200, {"consoles": [CONSOLE], "after": None}
    done = termhub("admin", "consoles")
    assert "42 % slowed" in done.out
    assert "10 MiB" in done.out
    assert "\x1b" not in done.out
    assert json.loads(termhub("admin", "consoles", "--json").out) == [CONSOLE]


@pytest.mark.parametrize(
    ("words", "call", "body"),
    [
        (("suspend", "bob"), "PATCH /api/v1/admin/users/bob", {"suspended": True, "end_consoles": False}),
        (
            ("suspend", "bob", "--end-consoles"),
            "PATCH /api/v1/admin/users/bob",
            {"suspended": True, "end_consoles": True},
        ),
        (("resume", "bob"), "PATCH /api/v1/admin/users/bob", {"suspended": False}),
        (("plan", "bob", "plus"), "PATCH /api/v1/admin/users/bob", {"plan": "plus"}),
        (("grant", "bob"), "PATCH /api/v1/admin/users/bob", {"is_admin": True}),
        (("revoke", "bob"), "PATCH /api/v1/admin/users/bob", {"is_admin": False}),
        (("rm", "bob", "--yes"), "DELETE /api/v1/admin/users/bob", None),
        (("end", "c-abcdefghij"), "POST /api/v1/admin/consoles/c-abcdefghij/end", {"reason": ""}),
        (("drain",), "PUT /api/v1/admin/drain", {"draining": True}),
        (("undrain",), "PUT /api/v1/admin/drain", {"draining": False}),
    ],
)
def test_what_is_asked(termhub: Run, hub: FakeHub, words: tuple[str, ...], call: str, body: Any) -> None:
    hub.answers[call] = 200, {}
    assert termhub("admin", *words).status == 0
    assert [(asked, sent) for asked, sent, _ in hub.calls] == [(call, body)]


def test_a_refusal_in_the_hubs_words(termhub: Run, hub: FakeHub) -> None:
    hub.answers["PATCH /api/v1/admin/users/bob"] = problem(403, "last_admin", "This is the only account.")
    done = termhub("admin", "revoke", "bob")
    assert (done.status, done.err) == (1, "termhub: This is the only account.\n")


def test_rm_asks(termhub: Run, hub: FakeHub) -> None:
    assert termhub("admin", "rm", "bob", typed="n\n").status == 130
    done = termhub("admin", "rm", "bob", typed="")
    assert done.status == 2
    assert "--yes" in done.err
    assert hub.calls == []


def test_add_prints_the_link(termhub: Run, hub: FakeHub) -> None:
    made = {**USER, "login_link": "https://hub/#login=thl_x"}
    hub.answers["POST /api/v1/admin/users"] = 201, made
    done = termhub("admin", "add", "bob", "--plan", "plus", "--admin")
    assert done.out == "https://hub/#login=thl_x\n"
    assert hub.calls[0][1] == {"name": "bob", "plan": "plus", "is_admin": True}
    termhub("admin", "add", "bob", "--password-stdin", typed="correct horse\n")
    assert hub.calls[1][1] == {"name": "bob", "is_admin": False, "password": "correct horse"}
    assert termhub("admin", "add", "bob", "--password-stdin").status == 2


def test_load(termhub: Run, hub: FakeHub) -> None:
    load = {
        "version": "1.2.3",
        "started": 1_700_000_000.0,
        "draining": True,
        "cpus": 2,
        "load": [0.5, 0.25, 0.125],
        "memory_total": 8 << 30,
        "memory_available": 4 << 30,
        "disk_total": 1 << 40,
        "disk_free": 1 << 39,
        "consoles": 3,
        "viewers": 4,
        "isolation": "bubblewrap",
        "means": [{"name": "memory", "by": "a control group", "enforced": True, "advice": None}],
    }
    hub.answers["GET /api/v1/admin/load"] = 200, load
    out = termhub("admin", "load").out
    for words in (
        "draining: no new consoles",
        "3 running, 4 viewers",
        "4.0 GiB of 8.0 GiB",
        "0.50 0.25 0.12",
    ):
        assert words in out
    assert json.loads(termhub("admin", "load", "--json").out) == load


def test_audit_over_rest(termhub: Run, hub: FakeHub) -> None:
    entry = {
        "number": 7,
        "time": 1_700_000_000.0,
        "actor": "",
        "action": "login.refused",
        "subject": "bob\x1b[2J",
        "detail": {"way": "web"},
        "address": "192.0.2.1",
        "hash": "0" * 64,
    }
    hub.answers["GET /api/v1/admin/audit?limit=50"] = 200, {"entries": [entry], "before": None}
    out = termhub("admin", "audit").out
    assert "login.refused" in out
    assert "\x1b" not in out


def test_export_is_there_when_it_is_whole(termhub: Run, hub: FakeHub, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4000
    hub.answers["GET /api/v1/me/export"] = 200, content
    file = tmp_path / "all.tar"
    done = termhub("export", str(file), "--json")
    assert json.loads(done.out) == {"file": str(file), "bytes": len(content)}
    assert file.read_bytes() == content
    assert file.stat().st_mode & 0o777 == 0o600
    again = termhub("export", str(file))
    assert again.status == 1
    assert "--force" in again.err
    assert termhub("export", str(file), "--force").status == 0


def test_a_refused_export_leaves_no_file(termhub: Run, hub: FakeHub, tmp_path: Path) -> None:
    hub.answers["GET /api/v1/me/export"] = problem(429, "export_runs", "One runs already.")
    file = tmp_path / "all.tar"
    done = termhub("export", str(file))
    assert (done.status, done.err) == (1, "termhub: One runs already.\n")
    assert list(tmp_path.glob("*.tar*")) == []


def test_an_export_that_breaks_off_leaves_no_file(termhub: Run, hub: FakeHub, tmp_path: Path) -> None:
    class Short(bytes):
        def __len__(self) -> int:
            return 100_000

    hub.answers["GET /api/v1/me/export"] = 200, Short(b"only this")
    hub.server.RequestHandlerClass.protocol_version = "HTTP/1.0"
    done = termhub("export", str(tmp_path / "all.tar"))
    assert done.status == 1
    assert "broke off" in done.err
    assert list(tmp_path.glob("*.tar*")) == []


def test_a_folder_that_is_not_there(termhub: Run, hub: FakeHub, tmp_path: Path) -> None:
    hub.answers["GET /api/v1/me/export"] = 200, b"x"
    done = termhub("export", str(tmp_path / "none" / "all.tar"))
    assert done.status == 1
    assert "Cannot write" in done.err
