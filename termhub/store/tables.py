"""What all tables of the database are read and written with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from termhub.errors import NameTaken

Record = TypeVar("Record")


class Tables:
    """An open connection in autocommit mode whose rows have names."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement."""
        return self._connection.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is done in the block, or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def unique(self, message: str) -> Iterator[None]:
        """Turn a broken UNIQUE constraint into :class:`NameTaken`."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
                raise
            raise NameTaken(message) from error

    def all(self, record: Callable[..., Record], sql: str, *values: Any) -> list[Record]:
        """A record of each row, made from its columns by name."""
        return [record(**dict(row)) for row in self.execute(sql, *values).fetchall()]

    def find(self, record: Callable[..., Record], sql: str, *values: Any) -> Record | None:
        """A record of the first row; None when there is none."""
        rows = self.execute(sql, *values).fetchall()
        return record(**dict(rows[0])) if rows else None

    def one(self, record: Callable[..., Record], sql: str, *values: Any) -> Record:
        """A record of the row that there must be."""
        return record(**dict(self.execute(sql, *values).fetchall()[0]))
