"""A server process of ours that says in its log where it listens."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.clients import environment

_KEPT = ("PYTHONPATH",)
"""What servers get of our environment beside what programs get: the code under test."""


class Server:
    """A child process with a log file, ended by its pid.

    :param log: where its output goes; made anew.
    """

    def __init__(self, argv: Sequence[str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._argv = argv
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**environment(), **{name: os.environ[name] for name in _KEPT if name in os.environ}},
                start_new_session=True,
            )
        self.pid = self._process.pid

    def line(self, containing: str, seconds: float = 30) -> str:
        """The first line of its output with ``containing`` in it.

        :raises RuntimeError: when it ends or says nothing of the kind in time.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ended = self._process.poll() is not None
            for line in self.log.read_text(errors="replace").splitlines(keepends=True):
                if containing in line and line.endswith("\n"):
                    return line.strip()
            if ended:
                break
            time.sleep(0.01)
        said = self.log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(self._argv)} did not say {containing!r}: {said}")

    def stop(self, seconds: float = 10) -> None:
        """Ask it to end; insist after ``seconds``."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
