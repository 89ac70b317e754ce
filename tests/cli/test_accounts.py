"""`termhub user` and `termhub token` on a data folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from termhub.accounts.passwords import verify_password
from termhub.accounts.secret import hash_secret
from termhub.store import Database

from .conftest import Run


def users(data: Path) -> dict[str, object]:
    database = Database(data / "hub" / "termhub.db")
    try:
        return {each.name: each.password_hash for each in database.users()}
    finally:
        database.close()


def test_add_with_a_password(termhub: Run, data: Path) -> None:
    done = termhub("user", "add", "alice", "--password-stdin", "--data", str(data), typed="correct horse\n")
    assert (done.status, done.out, done.err) == (0, "", "Made the user alice.\n")
    assert verify_password(str(users(data)["alice"]), "correct horse")


def test_add_without_a_terminal_has_no_password_and_says_the_next_step(termhub: Run, data: Path) -> None:
    done = termhub("user", "add", "bob", "--data", str(data))
    assert done.status == 0
    assert "termhub user link bob" in done.err
    assert users(data) == {"bob": None}


def test_a_name_is_given_once(termhub: Run, data: Path) -> None:
    termhub("user", "add", "alice", "--no-password", "--data", str(data))
    done = termhub("user", "add", "alice", "--no-password", "--data", str(data))
    assert (done.status, done.err) == (1, "termhub: There is already a user alice.\n")


@pytest.mark.parametrize("name", ["Alice", "a b", "", "-x"])
def test_names_that_cannot_be(termhub: Run, data: Path, name: str) -> None:
    done = termhub("user", "add", "--no-password", "--data", str(data), "--", name)
    assert done.status == 1
    assert "cannot be a user name" in done.err


def test_a_bad_name_is_refused_before_the_password_is_read(termhub: Run, data: Path) -> None:
    done = termhub("user", "add", "Bad", "--password-stdin", "--data", str(data), typed="")
    assert "cannot be a user name" in done.err


def test_a_short_password_is_refused(termhub: Run, data: Path) -> None:
    done = termhub("user", "add", "alice", "--password-stdin", "--data", str(data), typed="short\n")
    assert done.status == 1
    assert "8" in done.err
    assert users(data) == {}


def test_an_empty_standard_input_is_wrong_usage(termhub: Run, data: Path) -> None:
    done = termhub("user", "add", "alice", "--password-stdin", "--data", str(data))
    assert done.status == 2


def test_ls(termhub: Run, data: Path) -> None:
    termhub("user", "add", "bob", "--no-password", "--data", str(data))
    termhub("user", "add", "alice", "--password-stdin", "--data", str(data), typed="correct horse\n")
    table = termhub("user", "ls", "--data", str(data)).out.splitlines()
    assert [line.split()[0] for line in table] == ["NAME", "alice", "bob"]
    listed = json.loads(termhub("user", "ls", "--json", "--data", str(data)).out)
    assert [(each["name"], each["password"]) for each in listed] == [("alice", True), ("bob", False)]


def test_rm_and_passwd(termhub: Run, data: Path) -> None:
    termhub("user", "add", "alice", "--no-password", "--data", str(data))
    assert termhub("user", "passwd", "alice", "--data", str(data)).status == 2
    done = termhub("user", "passwd", "alice", "--password-stdin", "--data", str(data), typed="new password\n")
    assert done.status == 0
    assert verify_password(str(users(data)["alice"]), "new password")
    assert termhub("user", "passwd", "alice", "--none", "--data", str(data)).status == 0
    assert users(data) == {"alice": None}
    assert termhub("user", "rm", "alice", "--data", str(data)).status == 0
    done = termhub("user", "resume", "alice", "--data", str(data))
    assert (done.status, done.err) == (1, "termhub: This account is being removed.\n")


def row(termhub: Run, data: Path, name: str) -> dict[str, object]:
    listed = json.loads(termhub("user", "ls", "--json", "--data", str(data)).out)
    return next(each for each in listed if each["name"] == name)


def noted(data: Path) -> list[tuple[str, str, str]]:
    database = Database(data / "hub" / "termhub.db")
    try:
        return [
            (entry.actor.partition(":")[0], entry.action, entry.subject) for entry in database.audit.entries()
        ]
    finally:
        database.close()


def test_suspend_resume_plan_and_admin(termhub: Run, data: Path) -> None:
    def does(*words: str) -> tuple[int, str]:
        done = termhub("user", *words, "--data", str(data))
        return done.status, done.err

    assert does("add", "alice", "--no-password", "--admin")[0] == 0
    assert does("add", "bob", "--no-password")[0] == 0
    assert does("suspend", "bob")[0] == 0
    assert row(termhub, data, "bob")["suspended"] is not None
    assert "suspended" in termhub("user", "ls", "--data", str(data)).out
    assert does("resume", "bob")[0] == 0
    assert row(termhub, data, "bob")["suspended"] is None
    assert does("plan", "bob", "plus")[0] == 0
    assert row(termhub, data, "bob")["plan"] == "plus"
    status, said = does("plan", "bob", "gold")
    assert status == 2
    assert "free, plus, pro, guest" in said
    status, said = does("admin", "alice", "--no")
    assert status == 1
    assert "only account that looks after the hub" in said
    assert does("admin", "bob")[0] == 0
    assert does("admin", "alice", "--no")[0] == 0
    assert (row(termhub, data, "alice")["admin"], row(termhub, data, "bob")["admin"]) == (False, True)
    assert noted(data) == [
        ("local", "user.add", "alice"),
        ("local", "user.add", "bob"),
        ("local", "user.suspend", "bob"),
        ("local", "user.resume", "bob"),
        ("local", "user.plan", "bob"),
        ("local", "user.admin", "bob"),
        ("local", "user.admin", "alice"),
    ]


def test_sessions_are_listed_and_ended(termhub: Run, data: Path) -> None:
    termhub("user", "add", "alice", "--no-password", "--data", str(data))
    database = Database(data / "hub" / "termhub.db")
    for agent in ("Firefox", "evil\x1b[2J"):
        database.add_session(1, hash_secret(agent), 1.0, 2e9, "192.0.2.1", agent)
    table = termhub("user", "sessions", "alice", "--data", str(data)).out
    assert "Firefox" in table
    assert "\x1b" not in table
    assert termhub("user", "sessions", "alice", "--end", "1", "--data", str(data)).status == 0
    assert [session.number for session in database.sessions(1)] == [2]
    done = termhub("user", "sessions", "alice", "--end", "1", "--data", str(data))
    assert (done.status, done.err) == (1, "termhub: alice has no login session 1.\n")
    assert termhub("user", "sessions", "alice", "--end-all", "--data", str(data)).status == 0
    assert database.sessions(1) == []
    database.close()


def test_tokens_have_scopes_and_an_end(termhub: Run, data: Path) -> None:
    termhub("user", "add", "alice", "--no-password", "--data", str(data))
    create = ("token", "create", "--user", "alice", "--data", str(data), "--json")
    made = json.loads(termhub(*create, "--scope", "read", "--scope", "write", "--expires", "30d").out)
    assert made["scopes"] == ["read", "write"]
    assert made["expires"] > made["created"]
    assert json.loads(termhub(*create).out)["scopes"] == ["read", "write", "account", "admin"]
    assert termhub(*create, "--scope", "everything").status == 2
    assert termhub(*create, "--expires", "soon").status == 2
    table = termhub("token", "ls", "--user", "alice", "--data", str(data)).out.splitlines()
    assert "read write" in table[1]
    assert table[2].endswith("read write account admin  never")


@pytest.mark.parametrize("command", [("rm",), ("passwd", "--none"), ("link",)])
def test_nobody_of_that_name(termhub: Run, data: Path, command: tuple[str, ...]) -> None:
    done = termhub("user", *command, "nobody", "--data", str(data))
    assert (done.status, done.err) == (1, "termhub: There is no user nobody.\n")


def test_a_link_is_printed_with_the_public_address(termhub: Run, data: Path) -> None:
    (data / "config.toml").write_text('[web]\npublic_url = "https://hub.example.org/"\n')
    termhub("user", "add", "alice", "--no-password", "--data", str(data))
    done = termhub("user", "link", "alice", "--data", str(data))
    address, _, secret = done.out.strip().partition("#login=")
    assert address == "https://hub.example.org/"
    database = Database(data / "hub" / "termhub.db")
    found = database.take_link(hash_secret(secret))
    database.close()
    assert found is not None
    assert found[1].name == "alice"


def test_tokens(termhub: Run, data: Path) -> None:
    termhub("user", "add", "alice", "--no-password", "--data", str(data))
    here = ("--user", "alice", "--data", str(data))
    secret = termhub("token", "create", "--label", "backup", *here).out.strip()
    made = json.loads(termhub("token", "create", "--json", *here).out)
    assert secret.startswith("th_")
    assert secret != made["secret"]
    listed = json.loads(termhub("token", "ls", "--json", *here).out)
    assert [each["label"] for each in listed] == ["backup", ""]
    assert "secret" not in listed[0]
    assert secret not in termhub("token", "ls", *here).out
    database = Database(data / "hub" / "termhub.db")
    found = database.token(hash_secret(secret))
    database.close()
    assert found is not None
    assert termhub("token", "revoke", str(found[0].number), *here).status == 0
    assert len(json.loads(termhub("token", "ls", "--json", *here).out)) == 1
    again = termhub("token", "revoke", str(found[0].number), *here)
    assert again.status == 1
    assert "no token" in again.err


def test_no_hub_here_says_what_to_do(termhub: Run, tmp_path: Path) -> None:
    done = termhub("user", "ls", "--data", str(tmp_path / "none"))
    assert done.status == 1
    assert "termhub up" in done.err
    assert not (tmp_path / "none").exists()


def test_the_data_folder_from_the_environment(
    termhub: Run, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMHUB_DATA", str(data))
    assert termhub("user", "add", "alice", "--no-password").status == 0
    assert users(data) == {"alice": None}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts for another user")
def test_as_root_the_files_stay_the_hubs(termhub: Run, data: Path) -> None:
    hub_uid = 54321
    os.chown(data / "hub", hub_uid, hub_uid)
    assert termhub("user", "add", "alice", "--no-password", "--data", str(data)).status == 0
    hub = Database(data / "hub" / "termhub.db")  # keeps SQLite's other files there
    try:
        for name in ("termhub.db-wal", "termhub.db-shm"):
            os.chown(data / "hub" / name, hub_uid, hub_uid)
        assert termhub("user", "add", "bob", "--no-password", "--data", str(data)).status == 0
        owners = {path.name: path.stat().st_uid for path in (data / "hub").iterdir()}
        assert len(owners) == 3
        assert set(owners.values()) == {hub_uid}
    finally:
        hub.close()


def test_a_link_in_place_of_the_database_is_not_followed(termhub: Run, data: Path, tmp_path: Path) -> None:
    (data / "hub" / "termhub.db").symlink_to(tmp_path / "elsewhere")
    assert termhub("user", "add", "alice", "--no-password", "--data", str(data)).status == 1
    assert not (tmp_path / "elsewhere").exists()
