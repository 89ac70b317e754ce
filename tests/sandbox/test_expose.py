"""Closed folders opened for other users, in one process's view of the files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.launch.expose import closed_ancestor, expose, unreachable

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has anything to open")

SCRIPT = """
import json, os, sys
from sandbox.launch.expose import ExposeError, expose
paths, seen = json.loads(sys.argv[1])
os.chdir(sys.argv[2])
try:
    opened = expose(paths)
except ExposeError as error:
    print(json.dumps({"error": str(error)}))
    sys.exit()
os.setgroups([]); os.setresgid(61234, 61234, 61234); os.setresuid(61234, 61234, 61234)
result = {}
for path in seen:
    try:
        result[path] = sorted(os.listdir(path)) if os.path.isdir(path) else open(path).read()
    except OSError as error:
        result[path] = error.strerror
print(json.dumps({"opened": opened, "seen": result, "again": expose(paths), "cwd": os.getcwd()}))
"""


@pytest.fixture
def closed(folder):
    """A folder only root can pass, with something needed and something not."""
    top = Path(folder, "closed")
    (top / "deep" / "needed").mkdir(parents=True)
    (top / "deep" / "needed" / "file").write_text("content")
    (top / "deep" / "other").mkdir()
    (top / "program").write_text("program")
    (top / "link").symlink_to("deep/needed")
    (top / "deep").chmod(0o700)
    top.chmod(0o700)
    return top


def run(paths, seen, cwd="/"):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([list(map(str, paths)), list(map(str, seen))]), str(cwd)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_finds_what_keeps_others_out(closed):
    assert closed_ancestor("/usr/bin") is None
    assert closed_ancestor(str(closed / "deep" / "needed")) == str(closed)
    found = unreachable([str(closed / "link"), "/usr", str(closed / "no such")])
    assert found == {str(closed): [str(closed / "deep" / "needed"), str(closed / "link")]}


def test_what_lies_in_another_needed_folder_is_not_opened_twice(closed):
    inner = closed / "deep" / "needed"
    assert unreachable([str(inner / "file"), str(inner)]) == {str(closed): [str(inner)]}


@AS_ROOT
def test_opens_just_what_is_needed(closed):
    needed = [closed / "link", closed / "program"]
    before = sorted(os.listdir(closed))
    told = run(
        needed, [closed, closed / "link", closed / "link" / "file", closed / "program", closed / "deep"]
    )
    assert told["opened"] == [str(closed)]
    assert told["again"] == []
    assert told["seen"] == {
        str(closed): ["deep", "link", "program"],
        str(closed / "deep"): ["needed"],
        str(closed / "link"): ["file"],
        str(closed / "link" / "file"): "content",
        str(closed / "program"): "program",
    }
    assert sorted(os.listdir(closed)) == before  # for us nothing changed
    assert closed.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_changes_there_are_changes_of_the_real_folder(closed):
    needed = closed / "deep" / "needed"
    os.chown(needed, 61234, 61234)
    code = SCRIPT.replace("result = {}", "result = {}; open(seen[0] + '/new', 'w').write('by another user')")
    subprocess.run(
        [sys.executable, "-c", code, json.dumps([[str(needed)], [str(needed)]]), "/"],
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
    assert (needed / "new").read_text() == "by another user"


@AS_ROOT
def test_does_nothing_when_all_can_be_reached(folder):
    assert run([folder, "/usr/bin/python3"], [])["opened"] == []


@AS_ROOT
def test_stays_in_its_folder(closed):
    needed = closed / "deep" / "needed"
    assert run([needed], [], cwd=needed)["cwd"] == str(needed)


@AS_ROOT
def test_a_needed_folder_that_is_itself_closed_is_an_error_that_says_what_helps(closed):
    assert "chmod o+rx" in run([closed], [])["error"]


@pytest.mark.skipif(os.geteuid() == 0, reason="for ordinary users")
def test_as_an_ordinary_user_nothing_happens(closed):
    assert expose([str(closed / "program")]) == []
