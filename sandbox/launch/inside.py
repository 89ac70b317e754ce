"""What a sandbox shows: its environment and the files of its ``/etc``."""

from __future__ import annotations

import glob
import os
import re

from sandbox.network import Network
from sandbox.network.rules import RESOLVER_4

from .model import SandboxSpec

HOME = "/home/user"
USER = "user"
UID = 1000
AGENT_FOLDER = "/agent"

MODULES_FOLDER = "/agent/modules"
PRIVATE_FOLDER = "/run/termhub"
"""Where windows of the console meet; for the sandbox's user alone (mode 0700)."""

_PROMPT = r"\[\e[1;32m\]\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ "
# Marks (OSC 133) before and after a command's output.  Both stand outside of the prompt:
# whoever gives bash another one keeps them, and line editing draws it again without them.
_BEFORE_PROMPT = r"printf '\e]133;D;%s\a\e]133;A\a'" + ' "$?"'
_BEFORE_OUTPUT = r"\e]133;C\a"

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


def environment(
    spec: SandboxSpec, modules: str = MODULES_FOLDER, private: str = PRIVATE_FOLDER
) -> dict[str, str]:
    """The environment of everything in the sandbox.

    :param modules: the folder of ``sandbox/guest/modules``, as seen inside.
    :param private: a folder for the sandbox's user alone, as seen inside.
    """
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
        "PS0": _BEFORE_OUTPUT,
        "PROMPT_COMMAND": _BEFORE_PROMPT,
        "TERMHUB_SOCKET": f"{private}/agent.sock",
        "TERMHUB_CONSOLE": spec.console,
    }
    env.update(spec.network.environment())
    env.update(spec.env)
    # Ours first, for its start-up file, which steps back behind the user's own folders.
    env["PYTHONPATH"] = ":".join(filter(None, [modules, env.get("PYTHONPATH", "")]))
    return env


def search_path(spec: SandboxSpec, home: str) -> str:
    """PATH: the user's own programs, then the image's, then the system's."""
    system = ["/usr/local/bin", "/usr/bin", "/bin"]
    image = os.path.dirname(spec.image.python)
    return ":".join([f"{home}/.local/bin", *([] if image in system else [image]), *system])


def etc_files(host: str, network: Network) -> dict[str, str]:
    """The files of ``/etc`` that are made, by path."""
    resolver = {"/etc/resolv.conf": f"nameserver {RESOLVER_4}\n"} if network.mode == "full" else {}
    return {
        **resolver,
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
