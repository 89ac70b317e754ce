"""Where the agent's code lies on the host, and the command that runs it inside."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ptyprocess

import sandbox.guest
from sandbox.network import PROXY_PORT

from .model import SandboxSpec

_RUN = "import sys; sys.path[:0] = {folders!r}; from sandbox.guest.agent import main; main({settings!r})"


def modules_folder() -> str:
    """Host folder of the modules that every Python program in a sandbox has."""
    return str(Path(sandbox.guest.__file__).resolve().parent / "modules")


def code_folders() -> dict[str, str]:
    """Host folder of each package the agent needs, by its path below the agent's folder."""
    return {
        "sandbox/guest": str(Path(sandbox.guest.__file__).resolve().parent),
        "ptyprocess": str(Path(ptyprocess.__file__).resolve().parent),
    }


def command(spec: SandboxSpec, python: str, folders: list[str], home: str) -> list[str]:
    """The agent's command line.

    ``-I -S``: nothing of the user's, neither variables nor folders, is read by the agent.

    :param folders: where the packages of :func:`code_folders` are found.
    :param home: the home folder as the agent sees it.
    """
    limits = spec.limits
    # Text, numbers, lists and dicts alone: their repr is their literal in every version.
    settings: dict[str, Any] = {
        "window": {
            "argv": list(spec.argv),
            "env": {},
            "cwd": spec.cwd or home,
            "cols": spec.cols,
            "rows": spec.rows,
        },
        "limits": {
            "processes": limits.processes,
            "open_files": limits.open_files,
            "file_bytes": limits.file_bytes,
        },
    }
    if spec.network.mode == "allowlist":
        settings["proxy"] = PROXY_PORT
    return [python, "-I", "-S", "-c", _RUN.format(folders=folders, settings=settings)]


def agent_python(spec: SandboxSpec) -> str:
    """The interpreter for the agent: the system's where there is one, else the image's."""
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else spec.image.python
