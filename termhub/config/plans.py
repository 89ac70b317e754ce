"""Plans: how much users may use.

A plan is a section of the settings, ``[plans.NAME]``.  What a section does not say stays as in the
shipped plan of its name; in a plan of the operator's own, as in ``free``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from termhub.errors import ConfigError

from .sections import NotNegative, Positive

GUEST = "guest"
"""The plan of visitors without an account."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """How much one user may use, and each of their consoles.

    The limits of memory, processes, CPU, files and the network are each console's; the home, the
    allowance of CPU time and the number of consoles are the user's.
    """

    description: Annotated[str, Meta(max_length=200, description="What people are told it is for.")] = ""
    cpu_seconds_a_day: Annotated[
        NotNegative,
        Meta(description="CPU time of all consoles in a day (UTC); beyond it they are slowed. 0: no limit."),
    ] = 1800
    cpu_percent: Annotated[
        NotNegative, Meta(description="CPU time of a console, in percent of one core; 0: no limit.")
    ] = 50
    cpu_slow_percent: Annotated[
        Positive, Meta(description="The same, once the day's CPU time is used up.")
    ] = 5
    cpu_weight: Annotated[
        Annotated[int, Meta(ge=1, le=10_000)],
        Meta(description="Share of a console where CPU time is short, beside others' 100."),
    ] = 50
    memory_mb: Annotated[Annotated[int, Meta(ge=32)], Meta(description="Memory of a console, in MiB.")] = 512
    processes: Annotated[
        Annotated[int, Meta(ge=4)], Meta(description="Processes and threads of a console.")
    ] = 64
    open_files: Annotated[Annotated[int, Meta(ge=64)], Meta(description="Open files of one process.")] = 1024
    file_mb: Annotated[Positive, Meta(description="Largest file that can be written, in MiB.")] = 256
    tmp_mb: Annotated[Positive, Meta(description="Size of a console's /tmp, in MiB; counts as memory.")] = 64
    home_mb: Annotated[NotNegative, Meta(description="Size of the home, in MiB; 0: no limit.")] = 512
    home_files: Annotated[NotNegative, Meta(description="Files in the home; 0: no limit.")] = 20_000
    consoles: Annotated[Positive, Meta(description="Consoles that run at a time.")] = 2
    windows: Annotated[Annotated[int, Meta(ge=1, le=32)], Meta(description="Windows of a console.")] = 8
    journal_mb: Annotated[
        Annotated[int, Meta(ge=16)], Meta(description="Output of a console kept on disk, in MiB.")
    ] = 16
    idle_seconds: Annotated[
        NotNegative,
        Meta(
            description="A console is idle when for so long nobody looked at it, and its programs printed "
            "nothing and used no CPU time; 0: never."
        ),
    ] = 7200
    when_idle: Annotated[Literal["end", "keep"], Meta(description="What happens to an idle console.")] = "end"
    lifetime_seconds: Annotated[
        NotNegative, Meta(description="A console is ended when it is so old; 0: never.")
    ] = 0
    network: Annotated[
        Literal["none", "allowlist", "full"],
        Meta(
            description="What consoles reach: nothing, the hosts of `network.allow`, or every public address."
        ),
    ] = "none"
    network_kbits: Annotated[
        NotNegative, Meta(description="Kilobits a second of a console, each way; 0: no limit.")
    ] = 0
    backend: Annotated[Literal["bubblewrap"], Meta(description="The kind of sandbox.")] = "bubblewrap"


SHIPPED: Mapping[str, Plan] = {
    "free": Plan(description="Trying things out: small, without network."),
    "plus": Plan(
        description="Everyday work: consoles that stay, packages from the operator's list of hosts.",
        cpu_seconds_a_day=4 * 3600,
        cpu_percent=100,
        cpu_slow_percent=10,
        cpu_weight=100,
        memory_mb=2048,
        processes=256,
        file_mb=2048,
        tmp_mb=256,
        home_mb=5120,
        home_files=200_000,
        consoles=10,
        windows=16,
        journal_mb=64,
        idle_seconds=0,
        when_idle="keep",
        network="allowlist",
        network_kbits=100_000,
    ),
    "pro": Plan(
        description="Large work: every core, the whole public network.",
        cpu_seconds_a_day=0,
        cpu_percent=0,
        cpu_slow_percent=25,
        cpu_weight=400,
        memory_mb=8192,
        processes=1024,
        open_files=4096,
        file_mb=20_480,
        tmp_mb=1024,
        home_mb=51_200,
        home_files=2_000_000,
        consoles=50,
        windows=32,
        journal_mb=64,
        idle_seconds=0,
        when_idle="keep",
        network="full",
    ),
    GUEST: Plan(
        description="For visitors without an account.",
        cpu_seconds_a_day=300,
        cpu_percent=25,
        cpu_weight=20,
        memory_mb=256,
        processes=32,
        file_mb=64,
        tmp_mb=32,
        home_mb=64,
        home_files=2000,
        consoles=1,
        windows=4,
        idle_seconds=900,
        lifetime_seconds=7200,
    ),
}


def base_of(name: str) -> Plan:
    """What a plan is where its section does not say it."""
    shipped = SHIPPED.get(name)
    return structs.replace(SHIPPED["free"], description="") if shipped is None else shipped


def check_names(plans: Mapping[str, Plan], default: str) -> None:
    """See to it that plans can be named in addresses and commands, and that the default is one.

    :raises ConfigError: when not.
    """
    for name in plans:
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name!r} cannot be a plan's name: use a-z, 0-9, '_' and '-', a letter first.")
    if default not in plans:
        raise ConfigError(
            f"Setting default_plan = {default!r}: there is no such plan; {', '.join(plans)} are."
        )
