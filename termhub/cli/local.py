"""The store of the hub on this machine, opened by commands that run beside the hub.

SQLite lets both write.  Invariant: as root no file in the store's folder becomes root's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import BadRequest, StoreError

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


def hub_address(settings: Settings) -> str:
    """Where people reach the hub here: as its settings say, else where it listens now.

    :raises BadRequest: when it serves no web.
    """
    from ..hub import pidfile

    running = None
    try:
        running = pidfile.address(settings.pid_path)
    except OSError:
        pass  # another user's: the settings have to do
    if not (settings.web.public_url or running) and settings.web.listen == "off":
        raise BadRequest("The hub here serves no web; start it with `termhub up --web HOST:PORT`.")
    return (settings.web.public_url or running or f"http://{settings.web.listen}").rstrip("/")


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
    if not os.access(path.parent, os.W_OK | os.X_OK) or path.is_symlink():
        raise StoreError(_not_ours(path))
    database = Database(path)
    try:
        _give_to(owner, path)
        yield database
    finally:
        database.close()


def _not_ours(path: Path) -> str:
    return f"You may not use {path.parent}: it belongs to the hub's user. Run this with sudo."


def _give_to(owner: os.stat_result, path: Path) -> None:
    """As root: the files that were just made are the folder's owner's. (SQLite sees to later ones.)"""
    if os.geteuid() == 0 and owner.st_uid != 0:
        for file in path.parent.glob(path.name + "*"):
            os.chown(file, owner.st_uid, owner.st_gid, follow_symlinks=False)


def is_usable(settings: Settings) -> bool:
    """Whether the hub's database is here and we may use it."""
    folder = settings.database_path.parent
    return os.access(folder, os.W_OK | os.X_OK) and settings.database_path.exists()
