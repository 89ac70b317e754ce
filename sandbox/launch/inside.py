"""What a sandbox shows: its environment and the files of its ``/etc``."""

from __future__ import annotations

import glob
import os
import re

from .model import SandboxSpec

HOME = "/home/user"
USER = "user"
UID = 1000
AGENT_FOLDER = "/agent"

_PROMPT = r"\[\e[1;32m\]\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ "

# Of the host's /etc only what says nothing about the host or its users.
_HARMLESS = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/protocols",
    "/etc/python3*",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/terminfo",
)


def hostname(name: str) -> str:
    """``name`` as a host name: letters, digits and hyphens, at most 63."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:63].strip("-") or "console"


def environment(spec: SandboxSpec) -> dict[str, str]:
    """The environment of everything in the sandbox."""
    env = {
        "HOME": HOME,
        "USER": USER,
        "LOGNAME": USER,
        "SHELL": "/bin/bash",
        "PATH": search_path(spec, HOME),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "PS1": _PROMPT,
        "TERMHUB_CONSOLE": spec.console,
    }
    env.update(spec.env)
    return env


def search_path(spec: SandboxSpec, home: str) -> str:
    """PATH: the user's own programs, then the image's, then the system's."""
    system = ["/usr/local/bin", "/usr/bin", "/bin"]
    image = os.path.dirname(spec.image.python)
    return ":".join([f"{home}/.local/bin", *([] if image in system else [image]), *system])


def etc_files(host: str) -> dict[str, str]:
    """The files of ``/etc`` that are made, by path."""
    return {
        "/etc/passwd": (
            "root:x:0:0:root:/root:/usr/sbin/nologin\n"
            f"{USER}:x:{UID}:{UID}:{USER}:{HOME}:/bin/bash\n"
            "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        ),
        "/etc/group": f"root:x:0:\ntty:x:5:\n{USER}:x:{UID}:\nnogroup:x:65534:\n",
        "/etc/hosts": f"127.0.0.1 localhost {host}\n::1 localhost\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }


def etc_paths() -> list[str]:
    """The host's paths below ``/etc`` that are given as they are, where they exist."""
    return sorted(path for pattern in _HARMLESS for path in glob.glob(pattern))
