"""`termhub doctor`: what it finds on this machine, and on machines that lack something."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from termhub.cli import health
from termhub.config import load

from .conftest import Run


def found(termhub: Run, data: Path, *options: str) -> tuple[int, dict[str, list[Any]]]:
    done = termhub("doctor", "--json", "--data", str(data), *options)
    told = json.loads(done.out)
    assert told["works"] == (done.status == 0)
    parts: dict[str, list[Any]] = {}
    for each in told["findings"]:
        parts.setdefault(each["part"], []).append(each)
        assert each["state"] in ("ok", "weak", "missing")
    return done.status, parts


def test_here(termhub: Run, tmp_path: Path) -> None:
    status, parts = found(termhub, tmp_path / "none")
    assert status == 0
    assert parts["sandbox"][0]["state"] == "ok"
    assert parts["hub"][0]["text"] == "does not run"
    limits = {each["text"].partition(":")[0] for each in parts["limits"]}
    assert {"memory", "processes", "cpu", "home_bytes", "users", "network_allowlist"} <= limits
    assert not (tmp_path / "none").exists()


def test_in_words_without_colours(termhub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    done = termhub("doctor", "--data", str(tmp_path / "none"))
    assert done.status == 0
    assert "\x1b" not in done.out
    assert "->" in done.out


def test_no_bubblewrap(termhub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ["bubblewrap is not installed; apt-get install bubblewrap"]
    monkeypatch.setattr("sandbox.launch.Bubblewrap.check", lambda self: missing)
    status, parts = found(termhub, tmp_path / "none")
    assert status == 1
    (sandbox,) = parts["sandbox"]
    assert (sandbox["state"], sandbox["advice"]) == ("missing", "apt-get install bubblewrap")
    assert "!! is needed" in termhub("doctor", "--data", str(tmp_path / "none")).err


def test_what_settings_need(termhub: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[web]\ntls_certificate = "/nowhere/cert.pem"\n[hooks]\nurl = "https://pay.example/hook"\n'
        "[guests]\nenabled = true\n"
    )
    status, parts = found(termhub, tmp_path / "none", "--config", str(config))
    assert status == 1
    assert parts["tls"][0]["state"] == "missing"
    assert "hooks.secret_file" in parts["hook"][0]["text"]
    assert "without an account" in parts["visitors"][0]["text"]


def test_no_sandbox_is_said(termhub: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMHUB_INSECURE_NO_SANDBOX", "true")
    _, parts = found(termhub, tmp_path / "none")
    assert parts["sandbox"][0]["state"] == "weak"


def test_a_clock_that_went_back(data: Path) -> None:
    database = data / "hub" / "termhub.db"
    database.touch()
    settings = load(options={"data": str(data)})
    assert health._clock(settings).state != "missing"
    os.utime(database, (4e9, 4e9))
    assert health._clock(settings).state == "missing"


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(options={"data": str(tmp_path / "none")})
    for total, free, state in ((1 << 40, 1 << 39, "ok"), (1 << 40, 1 << 34, "weak"), (1 << 40, 1000, "weak")):
        monkeypatch.setattr("shutil.disk_usage", lambda folder, u=(total, total - free, free): u)
        assert health._disk(settings).state == state
    monkeypatch.setattr("shutil.disk_usage", lambda folder: (1 << 40, 1 << 40, 0))
    assert health._disk(settings).state == "missing"
