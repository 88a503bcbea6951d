"""A small database: SQLite in WAL mode, or PostgreSQL by URL; one writer at a time, errors that name where it lies."""

import logging
import math
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from tasks.errors import ExtraMissing, StoreError
from tasks.root import store_root

LEDGER = ("STILLHOUSE_LEDGER", "ledger.sqlite")
REGISTRY = ("STILLHOUSE_REGISTRY", "registry.sqlite")

_WAIT_SECONDS = 60.0
_OUTAGE_SECONDS = 90.0
_LOOK_SECONDS = 0.5
_WRITERS = 7421
_REACHED: set[str] = set()
"""The servers that this process has reached: such a one comes back where it is away."""

Result = TypeVar("Result")

logger = logging.getLogger("stillhouse")


class Interrupted(StoreError):
    """The server went away before what a transaction did was to be kept: nothing of it is."""


def placed(variable: str, file: str) -> Path | str:
    """Where a database lies: a file under the store's root, or what the variable says, a path or a database's URL.

    Raises `StoreError` where that is neither.
    """
    place = os.environ.get(variable)
    if place is None or place == "":
        return store_root() / file
    if not place.strip() or (":/" in place and "://" not in place):
        raise StoreError(f"{variable}: {place!r} is neither a path nor a database's URL. Correct it.")
    return place if "://" in place else Path(place).expanduser()


class Database:
    """A file, or a server by URL, with the tables of a metadata; who writes waits for another `wait_seconds`.

    A server that was reached before and is away is waited for; `back_since` says from when on it was there again.
    Raises `StoreError` where it cannot be opened, read or written, `ExtraMissing` where a driver is not installed.
    """

    def __init__(self, where: Path | str, tables: sa.MetaData, loss: str, wait_seconds: float = _WAIT_SECONDS) -> None:
        self._loss, self._file = loss, None
        self.in_file, self.back_since = isinstance(where, Path), -math.inf
        if isinstance(where, Path):
            self.name = str(where)
            self._engine = _file(where, wait_seconds)
        else:
            self._engine = _server(where, wait_seconds)
            self.name = self._engine.url.difference_update_query(["password"]).render_as_string(hide_password=True)
        weakref.finalize(self, self._engine.dispose)
        try:
            if isinstance(where, Path):
                where.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        self._prepare(tables)
        self._file = (where, where.stat().st_ino) if isinstance(where, Path) else None

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

    def write(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Work in a transaction as `begin` has it, done again where the server went away in its midst."""
        return self._again(work, self.begin)

    def look(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Work in a transaction as `read` has it, done again where the server went away in its midst."""
        return self._again(work, self.read)

    def insert(self, table: sa.Table) -> Any:
        """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return (sqlite if self._engine.dialect.name == "sqlite" else postgresql).insert(table)

    def close(self) -> None:
        """Let go of the file or the server."""
        self._engine.dispose()

    def _again(
        self, work: Callable[[sa.Connection], Result], transaction: Callable[[], AbstractContextManager[sa.Connection]]
    ) -> Result:
        try:
            with transaction() as connection:
                return work(connection)
        except Interrupted:
            with transaction() as connection:
                return work(connection)

    @contextmanager
    def _connected(self, engine: sa.Engine) -> Generator[sa.Connection]:
        self._still_there()
        worked = False
        try:
            with ExitStack() as stack:
                yield self._reach(engine, stack)
                worked = True  # whether a commit that fails was kept nobody knows
        except (DBAPIError, NoConnectionFree) as error:
            kind = Interrupted if _is_away(error) and not worked else StoreError
            raise self._unusable((error.orig if isinstance(error, DBAPIError) else None) or error, kind) from error

    def _reach(self, engine: sa.Engine, stack: ExitStack) -> sa.Connection:
        """A transaction begun; a server that was reached before and is away is waited for."""
        began = time.monotonic()
        told = False
        while True:
            try:
                connection = stack.enter_context(engine.begin())
            except DBAPIError as error:
                if self.name not in _REACHED or not _is_away(error) or time.monotonic() - began > _OUTAGE_SECONDS:
                    raise
                if not told:
                    logger.warning("%s is away, and waited for: %s", self.name, _words(error.orig or error))
                told = True
                time.sleep(_LOOK_SECONDS)
            else:
                if engine.dialect.name != "sqlite":
                    _REACHED.add(self.name)
                if told:
                    self.back_since = time.monotonic()
                return connection

    def _still_there(self) -> None:
        """A file that was removed or replaced would take what is written with it."""
        if self._file is not None:
            path, inode = self._file
            if not path.exists() or path.stat().st_ino != inode:
                raise self._unusable(FileNotFoundError("it was removed or replaced while it was in use"))

    def _unusable(self, error: BaseException, kind: type[StoreError] = StoreError) -> StoreError:
        return kind(f"{self.name} cannot be used: {_words(error)}. {self._loss}")

    def _prepare(self, tables: sa.MetaData) -> None:
        """Make what is missing; where nothing is, no writer is waited for."""
        with self.read() as connection:
            complete = not list(_missing(connection, tables))
        if not complete:
            with self.begin() as connection:  # by now another may have made it
                for statement in list(_missing(connection, tables)):
                    connection.execute(statement)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())


def _is_away(error: Exception) -> bool:
    """Whether a server cannot be reached, or went away; what it says itself has a code."""
    if not isinstance(error, OperationalError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) is None


def _missing(connection: sa.Connection, tables: sa.MetaData) -> Iterator[sa.Executable]:
    """What makes the tables that are not there, and the columns and indexes that an older version did not have."""
    inspector = sa.inspect(connection)
    columns, indexes = inspector.get_multi_columns(), inspector.get_multi_indexes()
    for table in tables.sorted_tables:
        place = (None, table.name)
        if place not in columns:
            yield CreateTable(table)
        present = {column["name"] for column in columns.get(place, ())}
        for column in table.columns:
            if place in columns and column.name not in present:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                yield sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}")
        indexed = {index["name"] for index in indexes.get(place, ())}
        yield from (CreateIndex(index) for index in table.indexes if index.name not in indexed)


def _file(path: Path, wait_seconds: float) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": wait_seconds}, hide_parameters=True
    )

    def configure(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun by `begin`, not by the driver
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                break
            except sqlite3.OperationalError as error:  # changing the mode does not wait for others by itself
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # what is forgotten is overwritten, not only unlinked

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if _only_reads(connection) else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    return engine


def _server(address: str, wait_seconds: float) -> sa.Engine:
    try:
        url = sa.make_url(address)
        if url.get_backend_name() != "postgresql":
            raise ArgumentError(f"it is of {url.get_backend_name()}, not of PostgreSQL")
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        if url.get_dialect().is_async:
            raise ArgumentError(f"{url.drivername} is asynchronous")
        engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True, isolation_level="READ COMMITTED")
    except (ArgumentError, ValueError) as error:
        why = error if isinstance(error, ArgumentError) else "its port is no number"  # which may be part of a password
        raise StoreError(f"not a database's URL: {why}. Write postgresql+psycopg://user@host/database.") from None
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"{error}. Install the driver: pip install 'stillhouse[postgres]'.") from error
    milliseconds = round(wait_seconds * 1000)
    alone = (
        f"SELECT set_config('lock_timeout', '{milliseconds}', true), "
        f"set_config('idle_in_transaction_session_timeout', '{milliseconds}', true), pg_advisory_xact_lock({_WRITERS})"
    )

    def begin(connection: sa.Connection) -> None:
        if not _only_reads(connection):  # one lock before all others: nobody can wait in a circle
            connection.exec_driver_sql(alone)

    event.listen(engine, "begin", begin)
    return engine


def _only_reads(connection: sa.Connection) -> bool:
    return connection.get_execution_options().get("reads", False)
