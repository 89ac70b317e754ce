"""The programs that run behind every peer, the same for all.

Each module here is a script for a bare ``python3 -I -S``: no imports of ours, no
arguments but ``sys.argv``.  A peer gets the source on the command line, or the file
where a command line has no room for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

PYTHON = "/usr/bin/python3"
_HERE = Path(__file__).parent

READY = b"READY"
"""What a program shows once it waits for the first key."""

PROMPT = b">>>"
"""Python's; a screen that is drawn anew may leave out the blank behind it."""

ECHO = ("/bin/sh", "-c", "stty raw -echo; echo READY; exec cat")
"""Sends back each byte it gets; the terminal itself is silent."""


@cache
def _source(name: str) -> str:
    """The script without its docstring, which only people need."""
    text = (_HERE / f"{name}.py").read_text()
    return text.split('"""', 2)[2].lstrip() if text.startswith('"""') else text


def script(name: str, *arguments: object) -> Sequence[str]:
    """The command line of the script ``name``, source included."""
    return (PYTHON, "-I", "-S", "-c", _source(name), *map(str, arguments))


def with_files(argv: Sequence[str]) -> Sequence[str]:
    """The same command line with the source in a file, for a peer that takes only short ones."""
    if "-c" in argv and argv[0] == PYTHON:
        for path in sorted(_HERE.glob("*.py")):
            if path.stem != "__init__" and _source(path.stem) == argv[4]:
                return (PYTHON, "-I", "-S", str(path), *argv[5:])
    return argv
