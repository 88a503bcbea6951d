"""A small database of the store's own: SQLite in WAL mode, one writer at a time, errors that name the file."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from tasks.errors import StoreError

_WAIT_SECONDS = 60


class Database:
    """A file with the tables of a metadata. Raises `StoreError` where it cannot be opened, read or written."""

    def __init__(self, path: Path, tables: sa.MetaData, loss: str) -> None:
        self.path, self._loss = path, loss
        self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _WAIT_SECONDS})
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        with self.begin() as connection:
            for table in tables.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """A transaction that no other writer comes between, kept whole or not at all."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise self._unusable(error.orig or error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def _unusable(self, error: BaseException) -> StoreError:
        return StoreError(f"{self.path} cannot be used: {error}. {self._loss}")


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin`, not by the driver
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except connection.OperationalError as error:  # changing the mode does not wait for others by itself
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
