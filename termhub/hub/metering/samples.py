"""Samples: what consoles have used and what homes hold, as the launcher says it.

What the kernel of this machine does not tell is None.
"""

from __future__ import annotations

from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta, Struct

_Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
_Words = Annotated[str, Meta(max_length=1000)]


class ConsoleFigures(Struct, frozen=True):
    """What a console has used since it began, and what it holds now."""

    console: Annotated[str, Meta(pattern="^c-[a-z2-7]{10}$")]
    owner: int
    cpu_seconds: Annotated[float, Meta(ge=0)] | None = None
    memory_bytes: _Count | None = None
    processes: _Count | None = None
    oom_kills: _Count | None = None
    network_in: _Count | None = None
    network_out: _Count | None = None
    ended: bool = False
    """Whether these are its last figures, told until they are counted."""


class HomeFigures(Struct, frozen=True):
    """What is in a user's home; a limit is told where the file system keeps to it."""

    owner: int
    bytes: _Count | None = None
    files: _Count | None = None
    limit_bytes: _Count | None = None
    limit_files: _Count | None = None


class Means(Struct, frozen=True):
    """How this machine holds consoles to a limit: in words, and what to do where it cannot."""

    name: Annotated[str, Meta(max_length=64)]
    by: _Words
    enforced: bool
    advice: _Words | None = None


class Sample(Struct, frozen=True):
    """One look at everything."""

    consoles: list[ConsoleFigures]
    homes: list[HomeFigures]


class _Page(Struct):
    consoles: list[ConsoleFigures] = []
    homes: list[HomeFigures] = []
    after: str | None = None


class Launcher(Protocol):
    """What is asked of the launcher (:class:`termhub.hub.launcher.Launcher`)."""

    async def request(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Its reply; raises TermhubError."""


async def take_sample(launcher: Launcher) -> Sample:
    """Ask what everything uses now.

    :raises TermhubError: when the launcher does not answer.
    """
    sample = Sample([], [])
    arguments: dict[str, str] = {}
    while True:
        page = msgspec.convert(await launcher.request("usage", **arguments), _Page)
        sample.consoles.extend(page.consoles)
        sample.homes.extend(page.homes)
        if not page.after:
            return sample
        arguments = {"after": page.after}


async def ask_means(launcher: Launcher) -> dict[str, Means]:
    """How limits are kept here, by the name of the limit.

    :raises TermhubError: when the launcher does not answer.
    """
    reply = await launcher.request("means")
    return {means.name: means for means in msgspec.convert(reply.get("means", []), list[Means])}
