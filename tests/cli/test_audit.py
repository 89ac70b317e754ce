"""`termhub audit` on a data folder, also on copies that were tampered with."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from termhub.store import Database

from .conftest import Outcome, Run


@pytest.fixture
def log(data: Path) -> Path:
    database = Database(data / "hub" / "termhub.db")
    for number in range(2500):
        database.audit.append(1_700_000_000.0 + number, "alice", "user.plan", f"u{number}", {"plan": "plus"})
    database.close()
    return data


@pytest.fixture
def tampered(log: Path, tmp_path: Path, termhub: Run) -> Callable[..., Outcome]:
    """What `audit verify` says of a copy of the database on which this was run, without its triggers."""

    def run(sql: str, *options: str) -> Outcome:
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(log, copy)
        connection = sqlite3.connect(copy / "hub" / "termhub.db")
        connection.executescript(
            "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_shortened;" + sql
        )
        connection.close()
        return termhub("audit", "verify", "--json", *options, "--data", str(copy))

    return run


def head_of(done: Outcome) -> str:
    return str(json.loads(done.out)["head"])


def test_a_log_as_it_was_written(termhub: Run, log: Path) -> None:
    done = termhub("audit", "verify", "--data", str(log))
    assert (done.status, done.err) == (0, "All 2500 entries are as they were written.\n")
    head = done.out.strip()
    assert len(head) == 64
    again = termhub("audit", "verify", "--head", head, "--json", "--data", str(log))
    assert again.status == 0
    assert json.loads(again.out) == {
        "whole": True,
        "entries": 2500,
        "head": head,
        "broken": None,
        "has_head": True,
    }


def test_an_empty_log(termhub: Run, data: Path) -> None:
    assert termhub("audit", "verify", "--data", str(data)).status == 0
    assert termhub("audit", "ls", "--data", str(data)).status == 0


@pytest.mark.parametrize(
    ("sql", "number"),
    [
        ("UPDATE audit SET subject = 'x' WHERE number = 1700", 1700),
        ("UPDATE audit SET detail = '{}' WHERE number = 1", 1),
        ("UPDATE audit SET time = time + 1 WHERE number = 2500", 2500),
        ("DELETE FROM audit WHERE number = 1200", 1201),
        ("DELETE FROM audit WHERE number <= 10", 11),
        (
            "UPDATE audit SET number = -1 WHERE number = 5; UPDATE audit SET number = 5 WHERE number = 6;"
            "UPDATE audit SET number = 6 WHERE number = -1",
            5,
        ),
        (
            "DELETE FROM audit WHERE number = 7; UPDATE audit SET number = number - 1 WHERE number > 7",
            7,
        ),
    ],
)
def test_tampering_is_found_where_it_begins(tampered: Callable[..., Outcome], sql: str, number: int) -> None:
    done = tampered(sql)
    assert done.status == 1
    found: Any = json.loads(done.out)
    assert (found["whole"], found["broken"]["number"]) == (False, number)


def test_what_was_cut_off_shows_against_the_noted_head(
    termhub: Run, log: Path, tampered: Callable[..., Outcome]
) -> None:
    head = head_of(termhub("audit", "verify", "--json", "--data", str(log)))
    cut = "DELETE FROM audit WHERE number > 2490"
    assert tampered(cut).status == 0
    done = tampered(cut, "--head", head)
    assert (done.status, json.loads(done.out)["has_head"]) == (1, False)
    assert tampered("", "--head", head).status == 0


def test_in_words(termhub: Run, log: Path) -> None:
    done = termhub("audit", "verify", "--head", "0" * 63 + "1", "--data", str(log))
    assert done.status == 1
    assert "cut off" in done.err
    assert termhub("audit", "verify", "--head", "no hash", "--data", str(log)).status == 2


def test_ls(termhub: Run, log: Path) -> None:
    lines = termhub("audit", "ls", "--limit", "3", "--data", str(log)).out.splitlines()
    assert [line.split()[0] for line in lines] == ["NUMBER", "2498", "2499", "2500"]
    assert "plan plus" in lines[1]
    rows = termhub("audit", "ls", "--all", "--json", "--data", str(log)).out.splitlines()
    assert [json.loads(row)["number"] for row in rows] == list(range(1, 2501))
    assert json.loads(rows[0])["detail"] == {"plan": "plus"}
