import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tasks.errors import StoreError
from tasks.models import Answer, Ledger

ENDLESS = """
from tasks.models import Answer, Ledger
ledger = Ledger()
for number in range(10**6):
    ledger.record("toy", [(f"{number:064}", Answer(text=str(number)))])
    print(number, flush=True)
"""

SHARED = """
import sys
from tasks.models import Answer, Ledger
for number in range(100):
    Ledger().record("toy", [(f"{number:064}", Answer(text=sys.argv[1]))])
"""


def key(number: int) -> str:
    return f"{number:064}"


def test_what_was_recorded_is_found_by_another_ledger() -> None:
    answer = Answer(text="– Fern ☂", finish_reason="stop", model="toy", input_tokens=3, output_tokens=2, seconds=0.5)
    Ledger().record("toy", [(key(1), answer)])
    assert Ledger().find([key(1), key(2)]) == {key(1): answer}


def test_the_ledger_lies_in_the_store_unless_it_is_told_otherwise(store_root: Path, tmp_path: Path) -> None:
    Ledger()
    assert (store_root / "ledger.sqlite").is_file()
    assert Ledger(tmp_path / "elsewhere" / "ledger.sqlite").find([key(1)]) == {}


def test_the_first_answer_stays() -> None:
    ledger = Ledger()
    for text in ("first", "second"):
        ledger.record("toy", [(key(1), Answer(text=text))])
    assert ledger.find([key(1)])[key(1)].text == "first"


def test_an_answer_with_an_error_is_not_recorded() -> None:
    ledger = Ledger()
    ledger.record("toy", [(key(1), Answer(error="overloaded")), (key(2), Answer(text=""))])
    assert ledger.find([key(1), key(2)]) == {key(2): Answer(text="")}
    ledger.record("toy", [(key(1), Answer(text="at last"))])
    assert ledger.find([key(1)])[key(1)].text == "at last"


def test_more_keys_are_found_than_a_query_can_hold() -> None:
    ledger = Ledger()
    ledger.record("toy", [(key(number), Answer(text=str(number))) for number in range(1200)])
    found = ledger.find([key(number) for number in range(1300)])
    assert {name: answer.text for name, answer in found.items()} == {key(each): str(each) for each in range(1200)}
    assert ledger.find([]) == {}


def test_what_was_recorded_outlives_a_kill() -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(20)]
        os.kill(writer.pid, signal.SIGKILL)
    assert set(Ledger().find([key(number) for number in said])) == {key(number) for number in said}


def test_two_processes_write_at_once_and_nothing_is_lost() -> None:
    Ledger()
    writers = [subprocess.Popen([sys.executable, "-c", SHARED, name]) for name in ("one", "other")]
    assert [writer.wait() for writer in writers] == [0, 0]
    found = Ledger().find([key(number) for number in range(100)])
    assert len(found) == 100
    assert {answer.text for answer in found.values()} <= {"one", "other"}


def test_a_new_ledger_may_be_opened_by_several_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        for number in range(20):
            together = Barrier(4)

            def opened(_: int, path: Path = tmp_path / f"{number}.sqlite", together: Barrier = together) -> Ledger:
                together.wait()
                return Ledger(path)

            assert len(list(pool.map(opened, range(4)))) == 4


def test_a_file_that_is_no_database_is_a_store_error(store_root: Path) -> None:
    store_root.mkdir(parents=True)
    (store_root / "ledger.sqlite").write_bytes(b"not a database, but as long as a page of one. " * 100)
    with pytest.raises(StoreError, match=r"ledger\.sqlite cannot be used"):
        Ledger()


def test_a_folder_in_the_way_is_a_store_error(store_root: Path) -> None:
    (store_root / "ledger.sqlite").mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be used"):
        Ledger()


def test_a_database_with_a_broken_page_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    ledger.record("toy", [(key(number), Answer(text="word " * 100)) for number in range(300)])
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:12288] + b"\xff" * (len(whole) - 12288))
    with pytest.raises(StoreError):
        Ledger(path).find([key(number) for number in range(300)])
