"""Counting what is in a home."""

import json
import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.limits.count import Count, be_counter, count

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def disk_usage(path):
    """What du(1) says of a folder, without the folder itself."""
    said = subprocess.run(["du", "-s", "-B1", path], capture_output=True, text=True, check=True).stdout
    return int(said.split()[0]) - os.stat(path).st_blocks * 512


def test_an_empty_folder_has_nothing(tmp_path):
    found = count(str(tmp_path))
    assert (found.bytes, found.files, found.is_whole) == (0, 0, True)


def test_bytes_are_those_on_the_disk(tmp_path):
    (tmp_path / "data").write_bytes(b"x" * 100_000)
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "more").write_bytes(b"x" * 50_000)
    found = count(str(tmp_path))
    assert found.bytes == disk_usage(tmp_path)
    assert found.files == 4


def test_what_has_two_names_is_counted_once(tmp_path):
    (tmp_path / "one").write_bytes(b"x" * 100_000)
    os.link(tmp_path / "one", tmp_path / "two")
    found = count(str(tmp_path))
    assert (found.bytes, found.files) == (disk_usage(tmp_path), 2)


def test_links_are_not_followed(tmp_path):
    home, other = tmp_path / "home", tmp_path / "other"
    home.mkdir()
    other.mkdir()
    (other / "big").write_bytes(b"x" * 1_000_000)
    os.symlink(other, home / "link")
    os.symlink("/", home / "root")
    found = count(str(home))
    assert found.files == 2
    assert found.bytes < 100_000
    with pytest.raises(OSError, match="link"):
        count(str(home / "link"))


def test_a_tree_deeper_than_a_path_can_be_is_counted(tmp_path):
    at = os.open(tmp_path, os.O_PATH)
    for _ in range(3000):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_PATH, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)
    try:
        assert (count(str(tmp_path)).files, count(str(tmp_path)).is_whole) == (3001, True)
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_it_ends_when_its_time_is_over(tmp_path):
    for number in range(20):
        (tmp_path / str(number)).mkdir()
    found = count(str(tmp_path), seconds=0)
    assert not found.is_whole
    assert 0 < found.files <= 20


@given(st.recursive(st.integers(0, 3), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
@settings(max_examples=40, deadline=None)
def test_any_tree_is_counted_whole(tmp_path_factory, tree):
    root = tmp_path_factory.mktemp("tree")

    def build(path, node):
        if isinstance(node, int):
            for number in range(node):
                (path / f"file{number}").write_bytes(b"x" * number * 3000)
            return node
        made = 0
        for number, inner in enumerate(node):
            (path / str(number)).mkdir()
            made += 1 + build(path / str(number), inner)
        return made

    files = build(root, tree)
    found = count(str(root))
    assert (found.files, found.bytes, found.is_whole) == (files, disk_usage(root), True)


def run_counter(path, uid):
    """What a counter of its own process says; None when it says nothing."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            be_counter(str(path), uid, uid, write)
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        said = file.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else None


def test_a_process_of_its_own_tells_it(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    assert run_counter(tmp_path, None)["files"] == 1


def test_it_has_some_cpu_time_however_busy_the_machine_is(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "sandbox.limits.count.count",
        lambda folder: Count(os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0), True, 0.0),
    )
    found = run_counter(tmp_path, None)
    assert (found["bytes"], found["files"]) == (os.SCHED_OTHER, 19)


@as_root
def test_what_a_user_closes_to_themselves_is_counted_too(tmp_path):
    uid = 640_000_123
    for path in (tmp_path, tmp_path / "hidden", tmp_path / "hidden" / "deeper"):
        path.mkdir(exist_ok=True)
    (tmp_path / "hidden" / "deeper" / "file").write_bytes(b"x" * 100_000)
    for path in (tmp_path / "hidden" / "deeper", tmp_path / "hidden", tmp_path):
        os.chown(path, uid, uid)
        path.chmod(0)
    found = run_counter(tmp_path, uid)
    assert (found["files"], found["is_whole"]) == (3, True)
    assert found["bytes"] > 100_000


def test_a_folder_that_is_not_there_is_not_told(tmp_path):
    assert run_counter(tmp_path / "none", None) is None
