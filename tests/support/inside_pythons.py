"""Pythons as they run inside of a console, without a sandbox around them."""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from sandbox.images import find_images
from sandbox.launch import guest

MODULES = guest.modules_folder()


@attrs.frozen
class Python:
    """An interpreter; ``version`` as a tuple of two numbers."""

    path: str
    version: tuple[int, int]
    name: str

    @property
    def prefix(self) -> str:
        """The folder it needs."""
        return os.path.dirname(os.path.dirname(self.path))


_ROOT = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")


def _find() -> Iterator[Python]:
    """Those that images offer, and older ones that users may have brought."""
    seen = set()
    for image in find_images():
        seen.add(os.path.dirname(image.python))
        major, minor = image.minor.split(".")
        yield Python(image.python, (int(major), int(minor)), image.version)
    for path in sorted(glob.glob(f"{_ROOT}/versions/3.*/bin/python3")):
        if os.path.dirname(path) not in seen:
            name = path.split("/")[-3]
            major, minor = map(int, re.findall(r"\d+", name)[:2])
            yield Python(path, (major, minor), name)


PYTHONS = list(_find())
PYTHONS_2 = glob.glob(f"{_ROOT}/versions/2.*")
SYSTEM = PYTHONS[0]


class Inside:
    """A console's private folder, and the environment of programs that belong to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.env = {
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": MODULES,
            "TERM": "xterm-256color",
            "TERMHUB_SOCKET": f"{folder}/agent.sock",
        }

    def run(
        self, python: Python, *arguments: str, input: str = "", **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end, without a terminal."""
        return subprocess.run(
            [python.path, *arguments],
            input=input,
            env={**self.env, **env},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )

    @contextmanager
    def program(self, python: Python, *arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
        """A program with pipes, killed at the end."""
        process = subprocess.Popen(
            [python.path, "-u", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self.env, **env},
            cwd=self.folder,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def debug(self, process: subprocess.Popen[str], *commands: str, python: Python = SYSTEM) -> str:
        """What a window that debugs a program shows when the person says these things."""
        words: Sequence[str] = [f"{command}\n" for command in commands]
        done = self.run(python, "-m", "console", "debug", str(process.pid), input="".join(words))
        return done.stdout + done.stderr
