"""Bringing a database file to the newest schema.

Each ``schema/NNNN.sql`` takes a database from version NNNN-1 to NNNN, and runs in one
transaction together with the new number in ``PRAGMA user_version``: an upgrade happens
whole or not at all, and two processes that open an old file at once upgrade it once.
A released file is never changed; a change is the next file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from importlib import resources

from termhub.errors import StoreError

__all__ = ["newest_version", "scripts", "upgrade"]


def scripts() -> list[str]:
    """The SQL of every upgrade; the first takes an empty database to version 1."""
    folder = resources.files(__package__).joinpath("schema")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    expected = [f"{number:04}.sql" for number in range(1, len(names) + 1)]
    if names != expected:
        raise StoreError(f"The schema files are {names}; expected {expected}. Install termhub again.")
    return [folder.joinpath(name).read_text(encoding="utf-8") for name in names]


def newest_version() -> int:
    """The version that this code reads and writes."""
    return len(scripts())


def upgrade(connection: sqlite3.Connection, steps: Sequence[str] | None = None) -> int:
    """Bring the database to the newest version.

    :param connection: in autocommit mode (``isolation_level=None``).
    :param steps: the upgrades to know, in order; all of :func:`scripts` by default.
    :returns: the version it had.
    :raises StoreError: when a newer termhub wrote it, or an upgrade failed (the
        database is then as it was).
    """
    known = scripts() if steps is None else steps
    before = _version(connection)
    if before > len(known):
        raise StoreError(
            f"The database has schema version {before}, but this termhub knows only versions up to "
            f"{len(known)}. Use the newer termhub that wrote it."
        )
    if before < len(known):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have upgraded it while this one waited.
            for number in range(_version(connection), len(known)):
                for statement in _statements(known[number]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1}")
        except sqlite3.Error as error:
            connection.execute("ROLLBACK")
            raise StoreError(f"Schema upgrade {number + 1} failed, nothing was changed: {error}") from error
        connection.execute("COMMIT")
    return before


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, each ending at the end of a line."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
