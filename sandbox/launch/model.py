"""What a backend is asked for, and what it answers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

from sandbox.images import Image
from sandbox.limits import Group, Limits
from sandbox.network import Network


class LaunchError(Exception):
    """No sandbox can be started; the message says why and what helps."""


@attrs.frozen
class SandboxSpec:
    """One sandbox to start.

    :param console: the console's id, unique on this machine.
    :param hostname: what the sandbox calls itself; made harmless where it is not.
    :param uid: the user to become before anything else; None as an ordinary user, where
        there is no choice. As root it must be given and belong to nobody.
    :param gid: the group likewise.
    :param home: folder that becomes ``/home/user``; belongs to ``uid``.
    :param argv: window 0's program.
    :param env: added to the sandbox's own environment.
    :param stdin_fd: the FIFO towards the agent, open read-write.
    :param stdout_fd: the FIFO from the agent, open read-write.
    :param network: what it may reach.
    :param cwd: where window 0 starts, as seen inside; None for the home.
    """

    console: str
    hostname: str
    uid: int | None
    gid: int | None
    home: str
    image: Image
    argv: tuple[str, ...]
    stdin_fd: int
    stdout_fd: int
    env: Mapping[str, str] = attrs.field(factory=dict)
    cols: int = 80
    rows: int = 24
    limits: Limits = attrs.field(factory=Limits)
    network: Network = attrs.field(factory=Network)
    cwd: str | None = None


@attrs.frozen
class Launch:
    """All that is needed to start a sandbox; made by a backend, used by :func:`sandbox.launch.start`.

    :param argv: the command, its first element an absolute path.
    :param env: its whole environment.
    :param stdin_fd: becomes descriptor 0; remains the caller's.
    :param stdout_fd: becomes descriptor 1; remains the caller's.
    :param pass_fds: descriptors the command names by number; closed once it has started.
    :param info_fd: read end of the pipe on which the command tells the agent's pid; None
        where the command itself is the agent.
    :param gate_fd: write end of the pipe for whose end the command waits, once all is mounted and
        before it starts the agent; None where it does not wait.
    :param rlimits: kind to limit, soft and hard.
    :param kill_signal: what makes the agent's process end with everything it started.
    :param isolation: words for people about what keeps the sandbox apart, but for the network.
    :param network: what the sandbox is to reach, once it is there; None: whatever the machine does.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    stdin_fd: int
    stdout_fd: int
    pass_fds: tuple[int, ...]
    info_fd: int | None
    rlimits: Mapping[int, int]
    uid: int | None
    gid: int | None
    cwd: str
    group: Group | None
    isolation: str
    kill_signal: int = signal.SIGKILL
    network: Network | None = None
    gate_fd: int | None = None


class Backend(Protocol):
    """A way to keep programs apart from the machine."""

    name: str
    capabilities: frozenset[str]
    """Any of ``checkpoint``, ``clone``, ``network``."""

    def check(self) -> list[str]:
        """What is missing, each with what installs or enables it; empty when it works."""

    def prepare(self, spec: SandboxSpec) -> Launch:
        """Everything ready to start.

        :raises LaunchError: when the sandbox would not be one.
        """


MakeGroup = Callable[[str, Limits], Group | None]
"""Makes a control group for a console, or None where it cannot; :func:`sandbox.limits.make`."""
