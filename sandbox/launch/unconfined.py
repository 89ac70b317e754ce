"""No sandbox at all: the agent as an ordinary process.

Only for people who ask for it in so many words; every console then says so.
"""

from __future__ import annotations

import os
import resource
import secrets
import signal
import tempfile
from pathlib import Path

import attrs
import ptyprocess

import sandbox
from sandbox.network import Network

from . import guest, inside
from .bubblewrap import check_user, describe_limits, memory_rlimits
from .model import Launch, LaunchError, MakeGroup, SandboxSpec


class Unconfined:
    """Starts agents without a sandbox.

    :param insecure: must be true; there is no way to get here by accident.
    """

    name = "none"
    capabilities: frozenset[str] = frozenset({"network"})

    def __init__(self, make_group: MakeGroup | None = None, *, insecure: bool = False) -> None:
        if not insecure:
            raise ValueError("running without a sandbox must be asked for explicitly")
        self._make_group = make_group

    def check(self) -> list[str]:
        """Nothing is needed."""
        return []

    def prepare(self, spec: SandboxSpec) -> Launch:
        """Everything ready to start; :raises LaunchError: as root, without a user of nobody's."""
        check_user(spec)
        spec = attrs.evolve(spec, network=Network())  # it has the machine's, whatever is asked for
        if not os.path.isdir(spec.home):
            raise LaunchError(f"{spec.home}: no such folder")
        private = (
            f"{tempfile.gettempdir()}/termhub-{spec.console}-{secrets.token_hex(8)}"  # the agent makes it
        )
        env = inside.environment(spec, guest.modules_folder(), private)
        own = {"HOME": spec.home, "PATH": inside.search_path(spec, spec.home), **spec.env}
        env.update(own, PYTHONPATH=env["PYTHONPATH"])
        folders = [str(Path(module.__file__ or "").resolve().parents[1]) for module in (sandbox, ptyprocess)]
        group = self._make_group(spec.console, spec.limits) if self._make_group else None
        return Launch(
            argv=tuple(guest.command(spec, guest.agent_python(spec), folders, spec.home)),
            env=env,
            stdin_fd=spec.stdin_fd,
            stdout_fd=spec.stdout_fd,
            pass_fds=(),
            info_fd=None,
            rlimits={resource.RLIMIT_CORE: 0, **memory_rlimits(spec, group)},
            uid=spec.uid,
            gid=spec.gid,
            cwd=spec.home,
            group=group,
            isolation="NO SANDBOX: programs run as an ordinary user of this machine; "
            + describe_limits(group),
            kill_signal=signal.SIGTERM,
        )
