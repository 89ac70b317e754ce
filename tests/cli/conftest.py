"""Running the command in this process, away from the person's own settings."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from termhub.cli import main


@attrs.frozen
class Outcome:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of settings, empty at first."""
    for name in ("TERMHUB_HOST", "TERMHUB_TOKEN", "TERMHUB_DATA", "TERMHUB_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


@pytest.fixture
def termhub(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `termhub` with these words and this standard input, which is no terminal."""

    def run(*words: str, typed: str = "") -> Outcome:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main(words)
        out, err = capsys.readouterr()
        assert isinstance(exited.value.code, int)
        return Outcome(exited.value.code, out, err)

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A hub's data folder as it is after the first start, without users."""
    folder = tmp_path / "data"
    (folder / "hub").mkdir(parents=True)
    return folder
