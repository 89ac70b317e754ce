"""What every command that talks to a hub takes: ``--host`` and ``--token``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from .profile import find_profile, profile_path
from .rest import Rest

F = TypeVar("F", bound=Callable[..., Any])


def takes_hub(command: F) -> F:
    """Give a command the options, and the hub they name as its first argument, a :class:`Rest`."""

    @click.option("--host", metavar="URL", envvar="TERMHUB_HOST", help="The hub's address.")
    @click.option("--token", metavar="TOKEN", envvar="TERMHUB_TOKEN", help="An API token of yours there.")
    @functools.wraps(command)
    def with_hub(*args: Any, host: str | None, token: str | None, **options: Any) -> Any:
        rest = Rest(find_profile(host, token, profile_path()))
        try:
            return command(rest, *args, **options)
        finally:
            rest.close()

    return with_hub  # type: ignore[return-value]
