"""What is made ready before privileges are dropped."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

import termhub
from termhub.config import Settings
from termhub.errors import TermhubError
from termhub.hub import privilege

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges")


def test_data_folder_is_closed_to_others(tmp_path: Path) -> None:
    data = tmp_path / "a" / "data"
    privilege.make_folders(Settings(data=str(data)))
    mode = data.stat().st_mode & 0o777
    assert mode == (0o711 if os.geteuid() == 0 else 0o700)


def test_data_folder_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TermhubError, match="Cannot use the data folder"):
        privilege.make_folders(Settings(data=str(tmp_path / "file" / "data")))


def test_hub_is_never_root() -> None:
    with pytest.raises(TermhubError, match="must not be root"):
        privilege.service_user("root")


@only_root
def test_user_that_cannot_be_made_is_said_plainly() -> None:
    with pytest.raises(TermhubError, match=r"cannot be made.*useradd --system"):
        privilege.service_user("no good/name")


def test_code_interpreter_and_data_are_needed(tmp_path: Path) -> None:
    assert termhub.__file__ is not None
    needed = privilege.needed_paths(Settings(data=str(tmp_path)))
    for path in (sys.executable, str(Path(termhub.__file__).parents[1]), str(tmp_path)):
        assert path in needed
    assert "/usr" not in needed


@only_root
def test_interpreter_that_others_cannot_reach_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a process of its own, because what it opens stays open in it.
    reach = "import pwd; from termhub.config import Settings; from termhub.hub import privilege; "
    reach += f"privilege.open_paths(Settings(data={str(tmp_path)!r})); "
    reach += "privilege.check_reach(pwd.getpwnam('nobody'))"
    subprocess.run([sys.executable, "-c", reach], check=True, cwd=Path(__file__).parents[2])
    nobody = pwd.getpwnam("nobody")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    python = closed / "python3"
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(TermhubError, match=r"The user nobody cannot use .*Permission denied"):
        privilege.check_reach(nobody)
