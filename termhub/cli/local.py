"""The store of the hub on this machine, opened by commands that run beside the hub.

SQLite lets both write.  As root the store is opened as the user it belongs to, so that no
file in its folder becomes root's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import StoreError

if TYPE_CHECKING:
    from ..config import Settings
    from ..store import Database

F = TypeVar("F", bound=Callable[..., Any])


def takes_data(command: F) -> F:
    """Give a command the option ``--data``."""
    return click.option(
        "--data", metavar="DIR", help="The hub's data folder, if not the usual one; TERMHUB_DATA too."
    )(command)


def local_settings(data: str | None) -> Settings:
    """The settings of the hub here; :raises ConfigError: when they cannot be used."""
    from ..config import load

    return load(options={"data": data})


@contextmanager
def open_store(settings: Settings) -> Iterator[Database]:
    """The hub's database.

    :raises StoreError: when there is none yet, or it may not be used.
    """
    from ..store import Database

    path = settings.database_path
    try:
        owner = os.stat(path.parent)
    except FileNotFoundError:
        raise StoreError(
            f"There is no hub's data in {settings.data_path}. "
            "Start one with `termhub up` first, or name its folder with --data."
        ) from None
    except PermissionError:
        raise StoreError(_not_ours(path)) from None
    with _acting_as(owner):
        if not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=True):
            raise StoreError(_not_ours(path))
        database = Database(path)
        try:
            yield database
        finally:
            database.close()


def _not_ours(path: Path) -> str:
    return f"You may not use {path.parent}: it belongs to the hub's user. Run this with sudo."


@contextmanager
def _acting_as(owner: os.stat_result) -> Iterator[None]:
    """As root be the folder's owner, unless the owner cannot reach it (a folder in root's home)."""
    if os.geteuid() != 0 or owner.st_uid == 0 or not stat.S_ISDIR(owner.st_mode):
        yield
        return
    groups = os.getgroups()
    os.setgroups([owner.st_gid])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def is_usable(settings: Settings) -> bool:
    """Whether the hub's database is here and we may use it."""
    folder = settings.database_path.parent
    return os.access(folder, os.W_OK | os.X_OK) and settings.database_path.exists()
