"""``termhub up`` and ``termhub down`` as processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console_process import until
from tests.support.hub_process import TERMHUB, HubProcess

QUIET = ("--ssh", "off", "--telnet", "off")
"""The ports that gateways take by default may be taken here."""


def termhub(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TERMHUB), *arguments], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def data() -> Iterator[Path]:
    # Not pytest's folder, which nobody else may pass: as root the hub and consoles are other users.
    folder = Path(tempfile.mkdtemp(prefix="termhub-up-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def hub(data: Path) -> Iterator[HubProcess]:
    hub = HubProcess(data)
    yield hub
    hub.stop()


def test_first_start_prints_addresses_and_a_login_link_once(hub: HubProcess) -> None:
    hub.start()
    assert hub.lines[0] == f"web   {hub.url}/"
    assert hub.lines[1].startswith(f"login {hub.url}/#login=")
    assert len(hub.lines) == 2
    hub.log_in()
    assert termhub("down", "--data", str(hub.data)).returncode == 0
    assert hub.process is not None
    assert hub.process.wait(60) == 0
    hub.start()
    assert hub.lines == [f"web   {hub.url}/"]


def test_all_gateways_say_how_to_come_in_and_keep_their_ports(data: Path) -> None:
    hub = HubProcess(data, ssh=True, telnet=True)
    try:
        hub.start()
        ways = [
            f"web   {hub.url}/",
            f"ssh   ssh -p {hub.ssh_port} console@127.0.0.1",
            f"telnet telnet 127.0.0.1 {hub.telnet_port}",
        ]
        assert hub.lines[:3] == ways
        assert hub.lines[3].startswith("login ")
        assert len({0, hub.port, hub.ssh_port, hub.telnet_port}) == 4
        for port, first in ((hub.ssh_port, b"SSH-2.0-"), (hub.telnet_port, b"\xff")):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                assert connection.recv(8).startswith(first)
        hub.log_in()
        assert termhub("down", "--data", str(data)).returncode == 0
        assert hub.process is not None
        assert hub.process.wait(60) == 0
        hub.start()
        assert hub.lines == ways
    finally:
        hub.stop()


def test_telnet_is_for_this_machine_unless_told_otherwise(data: Path) -> None:
    anywhere = ("--data", str(data), "--web", "off", "--ssh", "off", "--telnet", "0.0.0.0:0")
    refused = termhub("up", *anywhere)
    assert refused.returncode == 1
    assert "Telnet encrypts nothing" in refused.stderr
    assert "--telnet-allow-remote" in refused.stderr
    assert "Traceback" not in refused.stderr
    command = [str(TERMHUB), "up", *anywhere, "--telnet-allow-remote"]
    allowed = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert allowed.stdout is not None
        assert allowed.stdout.readline().startswith("telnet telnet ")
        assert "encrypts nothing" in allowed.stdout.readline()
    finally:
        termhub("down", "--all", "--data", str(data))
        _, log = allowed.communicate(timeout=60)
    assert "encrypts nothing" in log


def test_consoles_outlive_down_and_end_with_all(hub: HubProcess) -> None:
    hub.start()
    hub.log_in()
    console = hub.new_console()["id"]
    down = termhub("down", "--data", str(hub.data))
    assert (down.returncode, down.stdout) == (0, "The hub has stopped; consoles live on.\n")
    hub.start()
    # It serves before it has reached every console again.
    until(lambda: hub.request("GET", f"/consoles/{console}")[1]["state"] == "running", "the console")
    down = termhub("down", "--all", "--data", str(hub.data))
    assert down.returncode == 0
    assert "All consoles have ended." in down.stdout
    assert (hub.data / "run" / "consoles" / console / "ended.json").exists()
    hub.start()
    shown = hub.request("GET", f"/consoles/{console}")[1]
    assert (shown["state"], shown["reason"]) == ("ended", "termhub was stopped")


def test_second_hub_on_the_same_data_is_refused(hub: HubProcess) -> None:
    hub.start()
    second = termhub("up", "--data", str(hub.data), "--web", ":0", *QUIET)
    assert second.returncode == 1
    assert f"process {hub.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    hub.log_in()


@pytest.mark.parametrize("gateway", ["web", "ssh", "telnet"])
def test_port_that_is_taken_is_said_plainly(hub: HubProcess, data: Path, gateway: str) -> None:
    hub.start()
    other = data.with_name("other")
    taken = [f"--{gateway}", f"127.0.0.1:{hub.port}"]
    second = termhub("up", "--data", str(other), "--web", "off", *QUIET, *taken)
    termhub("down", "--all", "--data", str(other))
    assert second.returncode == 1
    assert f"The {gateway} gateway cannot listen at 127.0.0.1:{hub.port}" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--web", "nowhere"), "'nowhere' is not an address"),
        (("--ssh", "nowhere"), "'nowhere' is not an address"),
        (("--telnet", "nowhere"), "'nowhere' is not an address"),
        (("--config", "/nonexistent/file.toml"), "Cannot read the settings"),
        (("--data", "/proc/nothing"), "Cannot use the data folder"),
    ],
)
def test_what_cannot_be_is_said_plainly(arguments: tuple[str, ...], words: str) -> None:
    tried = termhub("up", *arguments)
    assert tried.returncode == 1
    assert words in tried.stderr
    assert "Traceback" not in tried.stderr


def test_down_without_a_hub(data: Path) -> None:
    down = termhub("down", "--all", "--data", str(data))
    assert down.returncode == 0
    assert "No hub runs" in down.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to drop")
def test_hub_started_as_root_is_not_root(hub: HubProcess) -> None:
    hub.start()
    status = Path(f"/proc/{hub.pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    uids = fields["Uid"].split()
    assert "0" not in uids
    assert "0" not in fields["Gid"].split()
    assert fields["Groups"].strip() == ""
    assert int(fields["CapEff"], 16) == 0
    assert int(fields["CapPrm"], 16) == 0
    assert fields["NoNewPrivs"].strip() == "1"
    assert hub.data.stat().st_uid == 0
    assert (hub.data / "hub").stat().st_mode & 0o777 == 0o700


def test_twistd_runs_the_same_hub(data: Path) -> None:
    twistd = Path(sys.executable).with_name("twistd")
    command = [str(twistd), "--nodaemon", "--pidfile=", "--logfile=-", "termhub"]
    command += ["--data", str(data), "--web", "127.0.0.1:0", *QUIET]
    process = subprocess.Popen(
        command, cwd=data.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "web at http://127.0.0.1:" in line:
                break
        assert process.poll() is None, "".join(lines)
        assert HubProcess(data).pid == process.pid
        down = termhub("down", "--all", "--data", str(data))
        assert down.returncode == 0
        rest = process.stdout.read()
        assert "#login=" not in "".join(lines) + rest
        # twistd ends by the signal that it was stopped with.
        assert process.wait(60) == -signal.SIGTERM
        assert "The hub has stopped" in rest
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()
