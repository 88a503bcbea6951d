import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tasks.database import Database
from tasks.errors import ExtraMissing, StoreError
from tasks.models import Answer, Ledger
from tests.postgres import PASSWORD, Server

TABLES = sa.MetaData()
NUMBERS = sa.Table("numbers", TABLES, sa.Column("name", sa.String, primary_key=True), sa.Column("number", sa.Integer))

HOLDS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""

FULL_DISK = """
import resource, signal, sys
from tasks.errors import StoreError
from tasks.models import Answer, Ledger
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = Ledger()
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
for number in range(10_000):
    try:
        ledger.record("toy", [(f"{number:064}", Answer(text="word " * 400))])
    except StoreError as error:
        print(error, flush=True)
        break
    print(number, flush=True)
"""


def opened(where: Path | str, wait_seconds: float = 60) -> Database:
    return Database(where, TABLES, "It holds numbers.", wait_seconds)


def place(either_database: str, tmp_path: Path) -> Path | str:
    return tmp_path / "numbers.sqlite" if either_database == "sqlite" else os.environ["STILLHOUSE_LEDGER"]


def put(database: Database, name: str, number: int) -> None:
    with database.begin() as connection:
        connection.execute(sa.insert(NUMBERS).values(name=name, number=number))


def put_all(database: Database, names: list[str], then: Callable[[], object] = int) -> None:
    with database.begin() as connection:
        for name in names:
            connection.execute(sa.insert(NUMBERS).values(name=name, number=0))
        then()


def numbers(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {row.name: row.number for row in connection.execute(sa.select(NUMBERS))}


@contextmanager
def held(path: Path, statement: str) -> Iterator[None]:
    command = [sys.executable, "-c", HOLDS, str(path), statement]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()


def test_a_transaction_is_kept_whole_or_not_at_all(either_database: str, tmp_path: Path) -> None:
    database = opened(place(either_database, tmp_path))
    put(database, "one", 1)
    with pytest.raises(ZeroDivisionError):
        put_all(database, ["two"], then=lambda: 1 / 0)
    with pytest.raises(StoreError, match=r"(numbers\.sqlite|/postgres\?\S+) cannot be used"):
        put_all(database, ["three", "one"])
    assert numbers(database) == {"one": 1}


def test_no_writer_comes_between_what_is_read_and_what_is_written(either_database: str, tmp_path: Path) -> None:
    database = opened(place(either_database, tmp_path))
    put(database, "count", 0)

    def add(_: int) -> None:
        for _ in range(10):
            with database.begin() as connection:
                before = connection.execute(sa.select(NUMBERS.c.number)).scalar_one()
                connection.execute(sa.update(NUMBERS).values(number=before + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert numbers(database) == {"count": 80}


def test_reading_and_opening_wait_for_no_writer(either_database: str, tmp_path: Path) -> None:
    where = place(either_database, tmp_path)
    database = opened(where, wait_seconds=5)
    put(database, "one", 1)
    with database.begin() as connection:
        connection.execute(sa.insert(NUMBERS).values(name="two", number=2))
        before = time.monotonic()
        assert numbers(database) == {"one": 1}
        assert numbers(opened(where, wait_seconds=5)) == {"one": 1}
        assert time.monotonic() - before < 2
    assert numbers(database) == {"one": 1, "two": 2}


def test_a_writer_waits_and_then_says_where(either_database: str, tmp_path: Path) -> None:
    where = place(either_database, tmp_path)
    database, patient, hasty = opened(where), opened(where, wait_seconds=30), opened(where, wait_seconds=0.2)
    waiting = threading.Thread(target=put, args=(patient, "patient", 1))
    with database.begin():
        waiting.start()
        with pytest.raises(StoreError, match=r"(numbers\.sqlite|/postgres\?\S+) cannot be used: .*lock.* It holds"):
            put(hasty, "hasty", 1)
    waiting.join()
    assert numbers(database) == {"patient": 1}


def test_more_threads_than_connections_are_served(either_database: str, tmp_path: Path) -> None:
    database = opened(place(either_database, tmp_path))
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(lambda number: put(database, str(number), number), range(48)))
    assert len(numbers(database)) == 48


def test_columns_and_indexes_that_an_older_version_lacked_are_made(either_database: str, tmp_path: Path) -> None:
    where = place(either_database, tmp_path)
    put(opened(where), "one", 1)
    newer = sa.MetaData()
    table = sa.Table(
        "numbers",
        newer,
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, index=True),
        sa.Column("words", sa.Text, index=True),
    )
    with ThreadPoolExecutor(4) as pool:
        for database in pool.map(lambda _: Database(where, newer, ""), range(4)):
            with database.read() as connection:
                assert connection.execute(sa.select(table)).all() == [("one", 1, None)]
                names = {index["name"] for index in sa.inspect(connection).get_indexes("numbers")}
                assert names == {"ix_numbers_number", "ix_numbers_words"}
    put(opened(where), "two", 2)


def test_the_ledger_of_an_older_version_keeps_its_answers(store_root: Path) -> None:
    store_root.mkdir()
    old = sqlite3.connect(store_root / "ledger.sqlite")
    old.execute(
        "CREATE TABLE answers (key VARCHAR(64) NOT NULL, provider VARCHAR NOT NULL, answer TEXT NOT NULL, "
        "recorded_at FLOAT NOT NULL, PRIMARY KEY (key))"
    )
    said = '{"text":"old","finish_reason":"stop","error":"","model":"toy","input_tokens":3,"output_tokens":2,'
    said += '"seconds":1.0}'
    old.execute("INSERT INTO answers VALUES (?, 'toy', ?, 1.5)", ("0" * 64, said))
    old.commit()
    old.close()
    ledger = Ledger()
    answer = Answer(text="old", finish_reason="stop", model="toy", input_tokens=3, output_tokens=2, seconds=1.0)
    assert ledger.find(["0" * 64]) == {"0" * 64: answer}
    ledger.record("toy", [("1" * 64, answer)])
    assert [cost.answers for cost in ledger.costs()] == [1, 1]
    assert ledger.forget("shop") == 0
    assert len(list(ledger.lines())) == 2


def test_the_ledger_lies_in_the_store_unless_it_is_told_otherwise(
    store_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger().record("toy", [("0" * 64, Answer(text="here"))])
    assert (store_root / "ledger.sqlite").is_file()
    assert Ledger(tmp_path / "else where? 100%#" / "ledger.sqlite").find(["0" * 64]) == {}
    assert (tmp_path / "else where? 100%#" / "ledger.sqlite").is_file()
    monkeypatch.setenv("STILLHOUSE_LEDGER", str(tmp_path / "said.sqlite"))
    assert Ledger().find(["0" * 64]) == {}
    assert (tmp_path / "said.sqlite").is_file()


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database, but as long as a page of one. " * 100)
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be used: .*not a database\. It holds"):
        opened(tmp_path / "ledger.sqlite")


@pytest.mark.parametrize("where", ["folder", "file/ledger.sqlite"])
def test_what_lies_in_the_way_is_a_store_error(where: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=f"{where} cannot be used"):
        opened(tmp_path / where)


def test_a_database_with_a_broken_page_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    ledger.record("toy", [(f"{number:064}", Answer(text="word " * 100)) for number in range(300)])
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:65536] + b"\xff" * (len(whole) - 65536))
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be used: .*malformed.* restore it from a copy"):
        Ledger(path).find([f"{number:064}" for number in range(300)])


def test_a_file_that_another_process_holds_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "numbers.sqlite"
    database = opened(path, wait_seconds=0.2)
    put(database, "one", 1)
    with held(path, "BEGIN EXCLUSIVE"):
        with pytest.raises(StoreError, match=r"numbers\.sqlite cannot be used: .*locked"):
            put(database, "two", 2)
        assert numbers(database) == {"one": 1}
    put(database, "two", 2)


def test_a_file_that_is_held_while_it_is_first_opened_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "numbers.sqlite"
    sqlite3.connect(path).executescript("CREATE TABLE other (name)").connection.close()
    with held(path, "BEGIN EXCLUSIVE"), pytest.raises(StoreError, match=r"numbers\.sqlite cannot be used: .*locked"):
        opened(path, wait_seconds=0.2)
    put(opened(path, wait_seconds=0.2), "one", 1)


def test_a_full_disk_is_a_store_error_and_loses_nothing(store_root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK], stdout=subprocess.PIPE, text=True, check=True)
    *said, error = done.stdout.splitlines()
    assert f"{store_root / 'ledger.sqlite'} cannot be used" in error
    assert "mend its disk" in error
    ledger, keys = Ledger(), [f"{int(number):064}" for number in said]
    assert len(said) > 10
    assert set(ledger.find(keys)) == set(keys)
    ledger.record("toy", [("f" * 64, Answer(text="there is room again"))])
    assert sum(1 for _ in ledger.lines()) == len(said) + 1


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:secret@/nothing?host=/nowhere",
        "postgresql+psycopg://me@/nothing?host=/nowhere&password=secret",
        "postgresql://me:secret@127.0.0.1:1/nothing",
    ],
)
def test_a_server_that_is_not_there_is_a_store_error_without_the_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match=r"nothing\S* cannot be used: .*(No such file|refused)") as caught:
        opened(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgres://me:secret@host/db", "mysql://me:secret@host/db", "://secret", "postgresql://me@h:secret/db"]
)
def test_what_is_no_url_of_a_server_is_a_store_error_without_the_password(url: str) -> None:
    with pytest.raises(StoreError, match=r"not a database's URL: .*postgresql\+psycopg://") as caught:
        opened(url)
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(ExtraMissing, match=r"pg8000.*stillhouse\[postgres\]"):
        opened("postgresql+pg8000://me@host/db")


def test_a_wrong_password_is_a_store_error_without_it(postgres: Server) -> None:
    put(opened(postgres.url(who=f"guarded:{PASSWORD}").replace("/postgres?", "/" + _grant(postgres) + "?")), "one", 1)
    with pytest.raises(StoreError, match=r"guarded:\*\*\*@.*password authentication failed") as caught:
        opened(postgres.url(who="guarded:a-wrong-word"))
    assert "a-wrong-word" not in str(caught.value)


def _grant(postgres: Server) -> str:
    name = postgres.new_database().partition("@/")[2].partition("?")[0]
    postgres.execute(f"ALTER DATABASE {name} OWNER TO guarded")
    return name


def test_a_connection_that_the_server_closed_is_made_anew(postgres: Server) -> None:
    database = opened(postgres.new_database())
    put(database, "one", 1)
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'test%'")
    put(database, "two", 2)
    assert numbers(database) == {"one": 1, "two": 2}


def test_who_sleeps_in_a_transaction_holds_nobody_up_for_ever(postgres: Server) -> None:
    where = postgres.new_database()
    sleepy, other = opened(where, wait_seconds=0.3), opened(where)
    with pytest.raises(StoreError, match="idle-in-transaction"):
        put_all(sleepy, ["two"], then=lambda: put(other, "one", 1))
    assert numbers(other) == {"one": 1}


def test_transactions_of_a_server_that_repeats_reads_see_what_others_wrote(postgres: Server) -> None:
    where = postgres.new_database()
    name = where.partition("@/")[2].partition("?")[0]
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    database = opened(where)
    put(database, "count", 0)

    def add(_: int) -> None:
        for _ in range(10):
            with database.begin() as connection:
                connection.execute(sa.update(NUMBERS).values(number=NUMBERS.c.number + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    assert numbers(database) == {"count": 40}


@contextmanager
def away(postgres: Server, seconds: float) -> Iterator[None]:
    """Within, the server is gone, and comes back after some seconds."""
    postgres.stop()
    back = threading.Timer(seconds, postgres.serve)
    back.start()
    try:
        yield
    finally:
        back.join()


def test_a_server_that_goes_away_is_waited_for(postgres: Server) -> None:
    database = opened(postgres.new_database())
    put(database, "one", 1)
    with away(postgres, 1):
        put(database, "two", 2)
        assert numbers(database) == {"one": 1, "two": 2}
    assert time.monotonic() - database.back_since < 10


def test_a_server_that_stays_away_is_a_store_error(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.database._OUTAGE_SECONDS", 0.6)
    database = opened(postgres.new_database())
    began = time.monotonic()
    with away(postgres, 3), pytest.raises(StoreError, match="It holds numbers"):
        put(database, "one", 1)
    assert time.monotonic() - began > 0.6
    assert numbers(database) == {}


@pytest.mark.parametrize("how", ["write", "look"])
def test_work_that_a_server_leaves_in_its_midst_is_done_again_and_kept_once(how: str, postgres: Server) -> None:
    database = opened(postgres.new_database())
    tries: list[int] = []

    def work(connection: sa.Connection) -> int:
        tries.append(0)
        if how == "write":
            connection.execute(sa.insert(NUMBERS).values(name="one", number=len(tries)))
        if len(tries) == 1:
            backends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            postgres.execute(backends)
        return connection.execute(sa.select(sa.func.count()).select_from(NUMBERS)).scalar_one()

    assert getattr(database, how)(work) == (how == "write")
    assert len(tries) == 2
    assert numbers(database) == ({"one": 2} if how == "write" else {})
