"""One hub for a data folder; a file left by one that was killed holds nobody up."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from termhub.errors import TermhubError
from termhub.hub import pidfile


def test_second_hub_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "hub.pid"
    held = pidfile.hold(path)
    assert pidfile.holder(path) == os.getpid()
    with pytest.raises(TermhubError, match=rf"process {os.getpid()}.*termhub down"):
        pidfile.hold(path)
    held.release()
    assert pidfile.holder(path) is None
    pidfile.hold(path).release()


def test_running_hub_says_where_it_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "hub.pid"
    held = pidfile.hold(path)
    assert pidfile.address(path) is None
    held.write("http://127.0.0.1:8123/")
    assert pidfile.address(path) == "http://127.0.0.1:8123/"
    assert pidfile.holder(path) == os.getpid()
    held.release()
    assert pidfile.address(path) is None


def test_the_pid_is_there_while_the_address_changes(tmp_path: Path) -> None:
    path = tmp_path / "hub.pid"
    held = pidfile.hold(path)
    is_over = threading.Event()
    seen: set[int | None] = set()

    def look() -> None:
        while not is_over.is_set():
            seen.add(pidfile.holder(path))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for number in range(2000):
            held.write("http://127.0.0.1:8123/" * (number % 3))
    finally:
        is_over.set()
        looking.join()
    assert seen == {os.getpid()}
    assert pidfile.address(path) == "http://127.0.0.1:8123/"
    held.release()


def test_file_of_a_dead_hub_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "hub.pid"
    path.write_text("1\n")
    assert pidfile.holder(path) is None
    pidfile.hold(path).release()


def test_no_file_no_hub(tmp_path: Path) -> None:
    assert pidfile.holder(tmp_path / "hub.pid") is None


def test_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "hub.pid").symlink_to(target)
    with pytest.raises(OSError, match=r"hub\.pid"):
        pidfile.hold(tmp_path / "hub.pid")
    assert target.read_text() == "precious"


def test_only_its_owner_can_take_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "hub.pid"
    path.touch(mode=0o644)
    held = pidfile.hold(path)
    assert path.stat().st_mode & 0o777 == 0o600
    held.release()
