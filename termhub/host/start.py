"""Making sure that a launcher runs, from whoever needs one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import termhub
from termhub.errors import NoSandbox, TermhubError
from termhub.host.call import Caller

LOG_BYTES = 1 << 20
START_SECONDS = 60.0
POLL_SECONDS = 0.02


def socket_path(data: Path) -> Path:
    """Where the launcher of a data folder listens."""
    return data / "run" / "launcher.sock"


def ensure_launcher(
    data: Path,
    *,
    service_user: str | None = None,
    insecure_no_sandbox: bool = False,
    arguments: tuple[str, ...] = (),
    timeout_seconds: float = START_SECONDS,
) -> dict[str, Any]:
    """Start a launcher for a data folder unless one answers; its ``version`` reply.

    Blocks; call it before anything is served.

    :param service_user: as root, the user the hub runs as.
    :param insecure_no_sandbox: run programs without a sandbox.
    :param arguments: further arguments of ``python -m termhub.host.launcher``.
    :raises NoSandbox: when no sandbox can be made here, with what is missing.
    :raises TermhubError: when the launcher does not start, with the end of its log.
    """
    data = data.absolute()
    version = ask_version(data)
    if version is not None and version["version"] != termhub.__version__:
        version = _renew(data, timeout_seconds)
    if version is None:
        version = _start(data, service_user, insecure_no_sandbox, arguments, timeout_seconds)
    missing = version.get("missing")
    if missing:
        raise NoSandbox("no sandbox can be made here: " + "; ".join(map(str, missing)))
    return version


def ask_version(data: Path) -> dict[str, Any] | None:
    """What the launcher says of itself; None when none answers."""
    try:
        with Caller(socket_path(data)) as caller:
            return caller.ask("version")
    except OSError:
        return None


def _renew(data: Path, timeout_seconds: float) -> dict[str, Any] | None:
    """Let a launcher of another version begin anew with our code; consoles go on."""
    with Caller(socket_path(data)) as caller:
        before = caller.ask("version")["pid"]
        caller.ask("renew")
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        version = ask_version(data)
        if version is not None and version["pid"] != before:
            return version
        time.sleep(POLL_SECONDS)
    return None


def command(
    data: Path, service_user: str | None, insecure_no_sandbox: bool, arguments: tuple[str, ...]
) -> list[str]:
    """The command line of a launcher, to be run in the foreground."""
    line = [sys.executable, "-m", "termhub.host.launcher", "--data", str(data), *arguments]
    if service_user is not None:
        line += ["--service-user", service_user]
    if insecure_no_sandbox:
        line.append("--insecure-no-sandbox")
    return line


def _start(
    data: Path,
    service_user: str | None,
    insecure_no_sandbox: bool,
    arguments: tuple[str, ...],
    timeout_seconds: float,
) -> dict[str, Any]:
    line = command(data, service_user, insecure_no_sandbox, arguments)
    if not data.is_dir():
        data.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    log = data / "launcher.log"
    _rotate(log)
    with open(log, "ab") as output:
        os.chmod(log, 0o600)
        length = output.tell()
        try:
            # With --background it comes back once the launcher answers, or cannot.
            done = subprocess.run(
                [*line, "--background"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TermhubError(f"the launcher does not answer; see {log}", "no_launcher") from None
    version = ask_version(data)
    if version is None:
        raise TermhubError(
            f"the launcher does not start (status {done.returncode}): {_since(log, length)}", "no_launcher"
        )
    return version


def _rotate(log: Path) -> None:
    try:
        if log.stat().st_size > LOG_BYTES:
            os.replace(log, log.with_suffix(".log.1"))
    except FileNotFoundError:
        return


def _since(log: Path, length: int) -> str:
    """The last lines the launcher wrote."""
    data = log.read_bytes()[length:][-4000:]
    lines = data.decode(errors="replace").strip().splitlines()
    return " / ".join(lines[-3:]) or "it gave no reason"
