"""``ended.json`` is read carefully: its folder belongs to the console."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from sandbox.guest import frames
from termhub.hub import ended

WINDOW = {
    "window": 0,
    "argv": ["python"],
    "cols": 80,
    "rows": 24,
    "offset": 9,
    "title": "t",
    "keyframe": base64.b64encode(b"picture").decode(),
    "lines": ["one"],
    "cursor": {"x": 3, "y": 0},
    "exit": {"code": 1},
}


def write(folder: Path, value: Any) -> None:
    (folder / "ended.json").write_text(json.dumps(value))


def test_reads_reason_and_last_screens(tmp_path: Path) -> None:
    write(tmp_path, {"reason": "why", "status": {"code": 1}, "time": 5.5, "windows": [WINDOW]})
    last = ended.read(tmp_path)
    assert last is not None
    assert (last.reason, last.time) == ("why", 5.5)
    (window,) = last.windows
    assert window.describe()["exit"] == {"code": 1}
    assert window.text().lines == ["one"]
    (frame,) = frames.Decoder().feed(window.picture().frames)
    assert frames.parse_keyframe(frame.payload) == (9, 80, 24, b"picture")
    assert ended.exists(tmp_path)


def test_reason_steers_nobody(tmp_path: Path) -> None:
    write(tmp_path, {"reason": "a\x1b[31m\u202eb"})
    last = ended.read(tmp_path)
    assert last is not None
    assert last.reason == "a\ufffd[31m\ufffdb"


def test_lines_that_are_longer_than_the_screen_are_cut(tmp_path: Path) -> None:
    lines = ["e" + "\u0301" * 9_999] * 100
    write(tmp_path, {"windows": [{**WINDOW, "cols": 10, "rows": 3, "lines": lines}]})
    last = ended.read(tmp_path)
    assert last is not None
    assert [len(line) for line in last.windows[0].lines] == [20, 20, 20]


def test_nothing_there(tmp_path: Path) -> None:
    assert not ended.exists(tmp_path)
    assert ended.read(tmp_path) is None
    assert ended.read(tmp_path / "missing") is None


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"reason": 5},
        {"windows": [{**WINDOW, "cols": 0}]},
        {"windows": [{**WINDOW, "keyframe": "%%%"}]},
        {"windows": [{**WINDOW, "window": n} for n in range(100)]},
        {"reason": "x" * 10_000},
    ],
)
def test_what_makes_no_sense_is_nothing(tmp_path: Path, value: Any) -> None:
    write(tmp_path, value)
    assert ended.read(tmp_path) is None


def test_links_fifos_and_folders_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"reason": "secret"}')
    for make in (
        lambda path: path.symlink_to(secret),
        os.mkfifo,
        os.mkdir,
    ):
        folder = tmp_path / make.__name__.strip("<>")
        folder.mkdir()
        make(folder / "ended.json")  # type: ignore[no-untyped-call]
        assert ended.read(folder) is None
        assert not ended.exists(folder)


def test_file_that_is_too_large_is_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"reason": "x", "junk": "y" * ended.LIMIT_BYTES})
    assert ended.read(tmp_path) is None


def test_deep_nesting_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "ended.json").write_text('{"status": ' + "[" * 100_000)
    assert ended.read(tmp_path) is None
