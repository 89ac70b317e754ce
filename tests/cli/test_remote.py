"""Commands that talk to a hub, against one that answers what the test says."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from termhub.cli.profile import Profile, saved_profile

from .conftest import FakeHub, Run, problem

CONSOLE = {
    "id": "c-abcdefghij",
    "name": "work",
    "state": "running",
    "reason": None,
    "program": "python",
    "image": "3.11",
    "isolation": "bubblewrap",
    "created": 1795417696.02,
    "last_activity": 1795417698.4,
    "windows": [{"window": 0, "title": "evil\x1b]0;x\x07", "cols": 80, "rows": 24}],
}


def test_new_prints_the_name_where_there_is_no_terminal(termhub: Run, hub: FakeHub) -> None:
    hub.answers["POST /api/v1/consoles"] = 201, CONSOLE
    done = termhub("new", "work", "-i", "3.13", "-e", "A=b=c", "--", "make", "-j4")
    assert (done.status, done.out) == (0, "work\n")
    _, body, headers = hub.calls[0]
    assert headers["Authorization"] == "Bearer th_token"
    assert {key: body[key] for key in ("name", "image", "program", "argv", "env")} == {
        "name": "work",
        "image": "3.13",
        "program": "script",
        "argv": ["make", "-j4"],
        "env": {"A": "b=c"},
    }


def test_new_sends_only_what_was_said(termhub: Run, hub: FakeHub) -> None:
    hub.answers["POST /api/v1/consoles"] = 201, CONSOLE
    assert json.loads(termhub("new", "--json").out) == CONSOLE
    assert set(hub.calls[0][1]) <= {"cols", "rows"}


def test_new_with_a_bad_variable_is_wrong_usage(termhub: Run, hub: FakeHub) -> None:
    done = termhub("new", "-e", "A")
    assert done.status == 2
    assert "NAME=VALUE" in done.err
    assert hub.calls == []


def test_new_or_existing(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/consoles/work"] = 200, CONSOLE
    assert termhub("new", "-A", "-d", "work").out == "work\n"
    hub.answers["GET /api/v1/consoles/work"] = problem(404, "no_such_console", "No.")
    hub.answers["POST /api/v1/consoles"] = 201, {**CONSOLE, "name": "fresh"}
    assert termhub("new", "-A", "-d", "work").out == "fresh\n"


def test_new_instead_of_one_that_has_ended(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/consoles/work"] = 200, {**CONSOLE, "state": "ended"}
    hub.answers["DELETE /api/v1/consoles/c-abcdefghij?remove=true"] = 204, b""
    hub.answers["POST /api/v1/consoles"] = 201, CONSOLE
    assert termhub("new", "-A", "-d", "work").out == "work\n"
    assert [call for call, _, _ in hub.calls] == [
        "GET /api/v1/consoles/work",
        "DELETE /api/v1/consoles/c-abcdefghij?remove=true",
        "POST /api/v1/consoles",
    ]


def test_attach_makes_one_instead_of_one_that_has_ended(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/consoles/work"] = 200, {**CONSOLE, "state": "ended"}
    hub.answers["DELETE /api/v1/consoles/c-abcdefghij?remove=true"] = 204, b""
    hub.answers["POST /api/v1/consoles"] = 201, CONSOLE
    assert "needs a terminal" in termhub("attach", "-A", "work").err
    assert hub.calls[-1][1]["name"] == "work"


def test_an_ended_console_is_not_removed_by_its_id(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/consoles/c-abcdefghij"] = 200, {**CONSOLE, "state": "ended"}
    assert "has ended" in termhub("attach", "-A", "c-abcdefghij").err
    assert len(hub.calls) == 1


def test_new_without_post_mortem(termhub: Run, hub: FakeHub) -> None:
    hub.answers["POST /api/v1/consoles"] = 201, CONSOLE
    assert termhub("new", "--no-post-mortem", "job", "--", "python", "job.py").status == 0
    assert hub.calls[0][1]["post_mortem"] is False
    termhub("new", "job")
    assert "post_mortem" not in hub.calls[1][1]


def test_ls(termhub: Run, hub: FakeHub) -> None:
    ended = {**CONSOLE, "name": "old", "state": "ended", "reason": "its program ended", "windows": []}
    hub.answers["GET /api/v1/consoles"] = 200, {"consoles": [CONSOLE, ended]}
    hub.answers["GET /api/v1/me"] = 200, {"name": "bob"}
    lines = termhub("ls").out.splitlines()
    assert lines[0].split() == ["NAME", "STATE", "PROGRAM", "IMAGE", "ACTIVE", "TITLE"]
    assert lines[1].split()[:4] == ["work", "running", "python", "3.11"]
    assert "ended: its program ended" in lines[2]
    assert "\x1b" not in lines[1]
    assert json.loads(termhub("ls", "--json").out) == [CONSOLE, ended]


def test_ls_of_what_others_share(termhub: Run, hub: FakeHub) -> None:
    mine = {**CONSOLE, "owner": "bob", "role": "owner"}
    theirs = {**CONSOLE, "owner": "alice", "role": "writer"}
    hub.answers["GET /api/v1/consoles"] = 200, {"consoles": [mine, theirs]}
    hub.answers["GET /api/v1/me"] = 200, {"name": "bob"}
    lines = termhub("ls").out.splitlines()
    assert lines[0].split() == ["NAME", "ROLE", "STATE", "PROGRAM", "IMAGE", "ACTIVE", "TITLE"]
    assert [line.split()[:3] for line in lines[1:]] == [
        ["work", "owner", "running"],
        ["alice/work", "writer", "running"],
    ]


def test_ls_of_nothing_says_what_to_do(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/consoles"] = 200, {"consoles": []}
    done = termhub("ls")
    assert (done.status, done.out) == (0, "")
    assert "termhub new" in done.err


def test_kill(termhub: Run, hub: FakeHub) -> None:
    hub.answers["DELETE /api/v1/consoles/a%20b%3Fc"] = 204, b""
    hub.answers["DELETE /api/v1/consoles/gone"] = problem(404, "no_such_console", "No.")
    hub.answers["DELETE /api/v1/consoles/work?remove=true"] = 204, b""
    done = termhub("kill", "gone", "a b?c")
    assert done.status == 1
    assert "no console named gone" in done.err
    assert "Ended a b?c." in done.err
    assert termhub("kill", "--remove", "work").status == 0
    assert termhub("kill").status == 2


def test_rename(termhub: Run, hub: FakeHub) -> None:
    hub.answers["PATCH /api/v1/consoles/work"] = 200, {**CONSOLE, "name": "done"}
    assert "done" in termhub("rename", "work", "done").err
    assert hub.calls[0][1] == {"name": "done"}
    hub.answers["PATCH /api/v1/consoles/work"] = problem(409, "name_taken", "You have another one.")
    done = termhub("rename", "work", "done")
    assert (done.status, done.err) == (1, "termhub: You have another one.\n")


def test_attach_needs_a_terminal(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/consoles/work"] = 200, CONSOLE
    done = termhub("attach", "work")
    assert done.status == 1
    assert "needs a terminal" in done.err


def test_who_only_watches_detaches_nobody(termhub: Run, hub: FakeHub) -> None:
    done = termhub("attach", "-d", "-r", "work")
    assert done.status == 2
    assert "exclude each other" in done.err
    assert hub.calls == []


def test_attach_to_nothing(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/consoles/work"] = problem(404, "no_such_console", "No.")
    assert "termhub new work" in termhub("attach", "work").err
    hub.answers["GET /api/v1/consoles"] = 200, {"consoles": []}
    assert "termhub new" in termhub("attach").err
    ended = {**CONSOLE, "state": "ended", "reason": "killed"}
    hub.answers["GET /api/v1/consoles/work"] = 200, ended
    assert "has ended (killed)" in termhub("attach", "work").err
    assert "prefix" in termhub("attach", "work", "--prefix", "b").err


def test_a_refused_token(termhub: Run, hub: FakeHub) -> None:
    hub.answers["GET /api/v1/consoles"] = problem(401, "not_logged_in", "Log in.")
    done = termhub("ls")
    assert done.status == 1
    assert f"termhub login {hub.url}" in done.err


def test_the_hubs_own_sentence_is_shown(termhub: Run, hub: FakeHub) -> None:
    hub.answers["POST /api/v1/consoles"] = problem(503, "no_sandbox", "Install bubblewrap.")
    done = termhub("new", "-d")
    assert (done.status, done.err) == (1, "termhub: Install bubblewrap.\n")


@pytest.mark.parametrize("answer", [(500, b"<html>"), (200, b"<html>"), (502, {"a": 1})])
def test_something_else_at_the_address(termhub: Run, hub: FakeHub, answer: tuple[int, Any]) -> None:
    hub.answers["GET /api/v1/consoles"] = answer
    done = termhub("ls")
    assert done.status == 1
    assert "is it a termhub hub?" in done.err


def test_nobody_there(termhub: Run, hub: FakeHub) -> None:
    hub.stop()
    done = termhub("ls")
    assert done.status == 1
    assert "termhub up" in done.err
    hub.__init__()  # type: ignore[misc]  # for the fixture to stop


def test_login_with_a_password(
    termhub: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    monkeypatch.delenv("TERMHUB_TOKEN")
    monkeypatch.delenv("TERMHUB_HOST")
    hub.answers["POST /api/v1/login"] = 200, {"name": "alice"}
    hub.answers["POST /api/v1/tokens"] = 201, {"number": 7, "secret": "th_new", "label": ""}
    hub.answers["POST /api/v1/logout"] = 204, b""
    hub.answers["GET /api/v1/me"] = 200, {"name": "alice"}
    done = termhub("login", hub.url, "--name", "alice", "--password-stdin", typed="correct horse\n")
    assert (done.status, done.err) == (0, f"Logged in to {hub.url} as alice.\n")
    assert hub.calls[0][1] == {"name": "alice", "password": "correct horse"}
    assert hub.calls[1][2]["Cookie"] == "termhub_session=ths_secret"
    assert hub.calls[1][2]["Origin"] == hub.url
    path = config / "termhub" / "login.json"
    assert saved_profile(path) == Profile(hub.url, "th_new", 7)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    hub.answers["GET /api/v1/consoles"] = 200, {"consoles": []}
    assert termhub("ls").status == 0
    assert hub.calls[-1][2]["Authorization"] == "Bearer th_new"
    hub.answers["DELETE /api/v1/tokens/7"] = 204, b""
    assert termhub("logout").status == 0
    assert hub.calls[-1][0] == "DELETE /api/v1/tokens/7"
    assert not path.exists()
    assert termhub("logout").status == 1


def test_login_with_the_one_time_link(
    termhub: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    monkeypatch.delenv("TERMHUB_TOKEN")
    hub.answers["POST /api/v1/login"] = 200, {"name": "admin"}
    hub.answers["POST /api/v1/tokens"] = 201, {"number": 1, "secret": "th_new", "label": ""}
    hub.answers["POST /api/v1/logout"] = 204, b""
    hub.answers["GET /api/v1/me"] = 200, {"name": "admin"}
    assert termhub("login", f"{hub.url}/#login=thl_once").status == 0
    assert hub.calls[0][1] == {"link": "thl_once"}


def test_a_wrong_password_shows_the_hubs_sentence_and_saves_nothing(
    termhub: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    monkeypatch.delenv("TERMHUB_TOKEN")
    hub.answers["POST /api/v1/login"] = problem(401, "not_logged_in", "Wrong name or password.")
    done = termhub("login", hub.url, "--name", "alice", "--password-stdin", typed="wrong horse\n")
    assert (done.status, done.err) == (1, "termhub: Wrong name or password.\n")
    assert not config.exists()


def test_a_refused_token_is_not_saved(termhub: Run, hub: FakeHub, config: Path) -> None:
    hub.answers["GET /api/v1/me"] = problem(401, "not_logged_in", "No.")
    assert termhub("login", hub.url, "--token", "th_bad").status == 1
    assert not config.exists()


def test_login_without_a_terminal_says_what_to_give(
    termhub: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TERMHUB_TOKEN")
    done = termhub("login", hub.url)
    assert done.status == 2
    assert "--password-stdin" in done.err


def test_who_may_use_the_data_folder_needs_no_password(
    termhub: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, config: Path, data: Path
) -> None:
    monkeypatch.delenv("TERMHUB_TOKEN")
    (data / "config.toml").write_text(f'[web]\nlisten = "{hub.url.removeprefix("http://")}"\n')
    termhub("user", "add", "only", "--no-password", "--data", str(data))
    hub.answers["GET /api/v1/me"] = 200, {"name": "only"}
    assert termhub("login", "--data", str(data)).status == 0
    secret = hub.calls[0][2]["Authorization"].removeprefix("Bearer ")
    profile = saved_profile(config / "termhub" / "login.json")
    assert profile is not None
    assert profile.token == secret
    assert json.loads(termhub("token", "ls", "--json", "--user", "only", "--data", str(data)).out)


def test_an_unknown_command_names_the_nearest(termhub: Run) -> None:
    done = termhub("atach")
    assert done.status == 2
    assert "attach" in done.err
    assert termhub("--help").status == 0
    assert termhub().status in (0, 2)
