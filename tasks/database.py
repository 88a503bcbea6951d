"""A small database: SQLite in WAL mode, one writer at a time, or PostgreSQL by URL; errors that name where it lies."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.schema import CreateColumn, CreateTable

from tasks.errors import ExtraMissing, StoreError

_WAIT_SECONDS = 60


class Database:
    """A file, or a server by URL, with the tables of a metadata.

    Raises `StoreError` where it cannot be opened, read or written, `ExtraMissing` where a driver is not installed.
    """

    def __init__(self, where: Path | str, tables: sa.MetaData, loss: str) -> None:
        self._loss = loss
        self._engine = _engine(where)
        self.name = self._engine.url.database if isinstance(where, Path) else _without_password(self._engine.url)
        try:
            if isinstance(where, Path):
                where.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        with self.begin() as connection:
            _prepare(connection, tables)

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """A transaction that no other writer comes between, kept whole or not at all."""
        with self._connected(self._engine) as connection:
            yield connection

    @contextmanager
    def read(self) -> Generator[sa.Connection]:
        """A transaction that only reads, and waits for no writer."""
        with self._connected(self._engine.execution_options(reads=True)) as connection:
            yield connection

    def insert(self, table: sa.Table) -> Any:
        """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return (sqlite if self._engine.dialect.name == "sqlite" else postgresql).insert(table)

    def close(self) -> None:
        """Let go of the file or the server."""
        self._engine.dispose()

    @contextmanager
    def _connected(self, engine: sa.Engine) -> Generator[sa.Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise self._unusable(error.orig or error) from error

    def _unusable(self, error: BaseException) -> StoreError:
        return StoreError(f"{self.name} cannot be used: {' '.join(str(error).split())}. {self._loss}")


def _engine(where: Path | str) -> sa.Engine:
    if isinstance(where, Path):
        engine = sa.create_engine(f"sqlite:///{where}", connect_args={"timeout": _WAIT_SECONDS})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine
    try:
        return sa.create_engine(where, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"not a database's URL: {error}. Write postgresql+psycopg://user@host/database.") from None
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"{error}. Install the driver: pip install 'stillhouse[postgres]'.") from error


def _without_password(url: sa.URL) -> str:
    return url.render_as_string(hide_password=True)


def _prepare(connection: sa.Connection, tables: sa.MetaData) -> None:
    """Make the tables that are missing, and the columns that an older version did not have."""
    if connection.dialect.name == "postgresql":  # two processes that make one table at once fail on its type
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(7421)"))
    for table in tables.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        present = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
        for index in table.indexes:
            index.create(connection, checkfirst=True)


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
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
