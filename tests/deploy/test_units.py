"""The units for systemd: that systemd takes them, and that the hub can live with what its unit leaves it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console_process import until
from tests.support.hub_process import TERMHUB, HubProcess

ROOT = Path(__file__).parents[2]
ANALYZE = shutil.which("systemd-analyze")

needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not here")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up what root has")


@needs_systemd
@pytest.mark.parametrize("kind", ["system", "user"])
def test_systemd_takes_the_units(kind: str, tmp_path: Path) -> None:
    names = []
    for unit in sorted((ROOT / "deploy" / kind).glob("*.service")):
        lines = unit.read_text().splitlines()
        # It looks whether the command is there, which it is only once it is installed.
        lines = [line.partition("=")[0] + "=/bin/true" if "bin/termhub" in line else line for line in lines]
        (tmp_path / unit.name).write_text("\n".join(lines) + "\n")
        names.append(str(tmp_path / unit.name))
    assert len(names) == 2
    verified = subprocess.run(
        [str(ANALYZE), "verify", f"--{kind}", "--man=no", "--recursive-errors=no", *names],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Older ones do without: systemd 254 is the first that knows it.
    complaints = [line for line in verified.stderr.splitlines() if "'DelegateSubgroup'" not in line]
    assert complaints == []


@needs_systemd
def test_the_hub_is_kept_to_little(tmp_path: Path) -> None:
    unit = tmp_path / "termhub.service"
    shutil.copy(ROOT / "deploy" / "system" / "termhub.service", unit)
    said = subprocess.run(
        [str(ANALYZE), "security", "--offline=yes", "--threshold=30", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.fixture
def hub() -> Iterator[HubProcess]:
    folder = Path(tempfile.mkdtemp(prefix="termhub-test-"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(mode=0o711)
    unit = ROOT / "deploy" / "system" / "termhub.service"
    confined = (
        *("env", f"STATE_DIRECTORY={data}", f"PYTHONPATH={ROOT}"),
        *(sys.executable, "-m", "tests.support.confined", str(unit)),
    )
    with open(folder / "launcher.stderr", "wb") as log:
        launcher = subprocess.Popen([str(TERMHUB), "launcher", "--data", str(data)], stderr=log)
    process = HubProcess(data, prefix=confined)
    try:
        until((data / "run" / "launcher.sock").exists, "the launcher")
        process.start()
        yield process
    finally:
        process.stop()
        if launcher.poll() is None:
            launcher.kill()
        launcher.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


@needs_systemd
@needs_root
def test_the_hub_lives_with_what_its_unit_leaves_it(hub: HubProcess) -> None:
    status = Path(f"/proc/{hub.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert "CapEff:\t0000000000000000" in status
    hub.log_in()
    console = hub.new_console(name="confined")
    assert hub.request("POST", f"/consoles/{console['id']}/input", raw=b"6*7\n")[0] == 202

    def answered() -> bool:
        return "42" in hub.request("GET", f"/consoles/{console['id']}/screen")[1]["lines"]

    until(answered, "the answer")
