"""The wheel: complete, and enough by itself in an empty venv."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_process import HubProcess

ROOT = Path(__file__).parents[2]
STATIC = "termhub/gateways/web/static"
PARTS = ["setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "termhub", "sandbox", "twisted"]
pytestmark = pytest.mark.long
RUN_SECONDS = 280


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=RUN_SECONDS,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def copy_tree(to: Path) -> Path:
    """The sources without what earlier builds have left among them."""
    to.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "dropin.cache")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, to / part, ignore=ignored)
        else:
            shutil.copy(source, to / part)
    return to


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = copy_tree(folder / "source")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, cwd=source)
    (built,) = folder.glob("termhub-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an empty venv into which the wheel was installed."""
    venv = tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "venv", venv)
    run(venv / "bin" / "python", "-m", "pip", "install", "--no-compile", wheel)
    return venv / "bin"


def test_it_contains_the_client_the_plugin_and_the_schema(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert f"{STATIC}/index.html" in names
    assert [name for name in names if name.startswith(f"{STATIC}/") and name.endswith(".js")]
    assert "twisted/plugins/termhub_plugin.py" in names
    assert "twisted/__init__.py" not in names
    assert "twisted/plugins/__init__.py" not in names
    assert "sandbox/guest/agent.py" in names
    assert [name for name in names if name.startswith("termhub/store/schema/") and name.endswith(".sql")]


def test_it_contains_every_module_and_no_test(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        str(path.relative_to(ROOT)) for part in ("termhub", "sandbox") for path in (ROOT / part).rglob("*.py")
    }
    assert modules <= names
    assert not [name for name in names if name.startswith(("tests/", "client/", "tools/"))]


def test_every_file_that_the_code_needs_is_in_it(wheel: Path) -> None:
    """Whatever lies among the modules in the sources is there beside them in the wheel."""
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {
        str(path.relative_to(ROOT))
        for part in ("termhub", "sandbox")
        for path in (ROOT / part).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= names


def test_a_wheel_without_the_client_is_refused(tmp_path: Path) -> None:
    source = copy_tree(tmp_path / "source")
    shutil.rmtree(source / STATIC)
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert "make client" in done.stdout + done.stderr


def test_the_command_runs(installed: Path, tmp_path: Path) -> None:
    assert "attach" in run(installed / "termhub", "--help", cwd=tmp_path)
    assert "Python consoles" in run(installed / "python", "-m", "termhub", "--help", cwd=tmp_path)


def test_twistd_knows_termhub(installed: Path, tmp_path: Path) -> None:
    lines = run(installed / "twistd", "--help", cwd=tmp_path).splitlines()
    assert [line for line in lines if line.split()[:1] == ["termhub"]]


@pytest.fixture
def hub(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubProcess]:
    monkeypatch.setattr("tests.support.hub_process.TERMHUB", installed / "termhub")
    process = HubProcess(tmp_path / "data", ssh=True, telnet=True)
    try:
        process.start()
        yield process
    finally:
        process.stop()


def test_a_hub_runs_from_it(hub: HubProcess) -> None:
    page = urllib.request.urlopen(hub.url + "/", timeout=30).read().decode()
    assert "<script" in page
    hub.log_in()
    console = hub.new_console()
    assert console["state"] == "running"
