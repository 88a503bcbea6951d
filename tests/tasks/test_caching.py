import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from prefect import task

from tasks.artifacts import Base, Dataset, Made, Result, Student, Tally
from tasks.caching import VerifiedKeys, cache_key, content, finished, handles, results_folder, shared
from tasks.errors import StoreError
from tasks.files import ContentFile, fingerprint_file
from tasks.filter import FilterConfig
from tasks.objects import Objects
from tasks.root import store_root
from tasks.rows import Kept
from tasks.store import Store
from tasks.train import train
from tests.bucket import Bucket
from tests.tasks.trainers.lessons import row, trainer

DATASET = Dataset(fingerprint="d" * 64, rows=3)
STUDENT = Student(fingerprint="5" * 64)
RECORD = {"storage_key": "/gone/results/body", "serializer": {"type": "json"}}


class Shown(Result):
    """What the stage below gives."""

    made: Dataset
    champion: Student | None
    unanswered: int = 0


@task(name="show", version="1")
def show(number: int, given: Dataset) -> Shown:
    raise AssertionError("no test runs it")


def file(path: Path, text: str) -> ContentFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return ContentFile(path=path, fingerprint=fingerprint_file(path))


def kept_rows() -> Dataset:
    return Store().write_rows([row(1)], Kept, Made(stage="show", version="1", config={}, parents={}))


def finish(key: str, result: Result, **stored: Any) -> None:
    """Writes what Prefect leaves behind a finished task."""
    results_folder().mkdir(parents=True, exist_ok=True)
    (results_folder() / "body").write_text(result.model_dump_json())
    VerifiedKeys(basepath="").write_path(key, json.dumps(RECORD | stored).encode())


def test_a_file_enters_by_what_it_holds(tmp_path: Path) -> None:
    here, there = file(tmp_path / "a" / "gold", "x"), file(tmp_path / "b" / "other", "x")
    assert content(here) == content(there) == here.fingerprint
    assert content(file(tmp_path / "a" / "gold", "y")) != content(there)


def test_a_file_inside_a_config_enters_by_what_it_holds(tmp_path: Path) -> None:
    configs = [FilterConfig(rules=[], gold=file(tmp_path / name, text)) for name, text in ("ax", "bx", "ay")]
    contents = [content(config) for config in configs]
    assert contents[0] == contents[1] != contents[2]


def test_weights_enter_by_what_they_hold(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "copy")
    assert content(trainer(tiny_llama)) == content(trainer(copy))
    (copy / "generation_config.json").write_text("{}")
    assert content(trainer(tiny_llama)) != content(trainer(copy))


@pytest.mark.parametrize(("field", "value"), [("epochs", 3), ("learning_rate", 0.5), ("seed", 8), ("max_tokens", 99)])
def test_every_setting_of_a_config_enters(tiny_llama: Path, field: str, value: float) -> None:
    assert content(trainer(tiny_llama)) != content(trainer(tiny_llama, **{field: value}))


@pytest.mark.parametrize("handle", [DATASET, STUDENT, Base(fingerprint="b" * 64)])
def test_a_handle_enters_by_its_fingerprint(handle: Dataset | Student | Base) -> None:
    assert content({"given": [handle]}) == {"given": [handle.fingerprint]}


@pytest.mark.parametrize("value", [None, True, 0, -1.5, "– Fern", [1, [2]], {"a": {"b": None}}])
def test_plain_values_enter_as_they_are(value: object) -> None:
    assert content(value) == value


def test_a_tuple_is_a_list() -> None:
    assert content((1, (2,))) == [1, [2]]


@pytest.mark.parametrize(
    "value", [{1, 2}, frozenset("ab"), b"bytes", Path("a"), object(), len, iter([1]), ValueError("x"), 1j]
)
def test_what_has_no_content_that_is_known_is_refused(value: object) -> None:
    for wrapped in (value, [value], {"a": (value,)}):
        with pytest.raises(TypeError, match=f"a stage cannot take {type(value).__name__}"):
            content(wrapped)


def test_names_and_versions_are_in_the_key() -> None:
    arguments = {"number": 1, "given": DATASET}
    other_name = show.with_options(name="tell")
    other_version = task(name="show", version="2")(show.fn)
    keys = [cache_key(each, arguments) for each in (show, other_name, other_version)]
    assert len(set(keys)) == 3
    assert [key.partition("-")[0] for key in keys] == ["show", "tell", "show"]
    assert cache_key(show, arguments) == keys[0]


def test_names_of_arguments_are_in_the_key_and_their_order_is_not() -> None:
    key = cache_key(show, {"number": 1, "given": DATASET})
    assert cache_key(show, {"given": DATASET, "number": 1}) == key
    assert cache_key(show, {"other": 1, "given": DATASET}) != key
    assert cache_key(show, {"number": 2, "given": DATASET}) != key
    assert cache_key(show, {"number": "1", "given": DATASET}) != key


def test_the_key_is_the_same_in_processes_that_hash_otherwise(tiny_llama: Path) -> None:
    code = (
        "from tests.tasks.trainers.lessons import trainer\n"
        "from tests.tasks.test_caching import DATASET, cache_key, train\n"
        f"print(cache_key(train, dict(config=trainer({str(tiny_llama)!r}), train=DATASET, validation=DATASET)))"
    )
    here = cache_key(train, {"config": trainer(tiny_llama), "train": DATASET, "validation": DATASET})
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert made.stdout.strip() == here


def test_every_handle_inside_a_result_is_found() -> None:
    result = Shown(made=DATASET, champion=STUDENT, tally=Tally(rows_in=0, outcomes={}), seconds=0)
    nested = {"data": [result.model_dump(mode="json")], "kind": "dataset", "fingerprint": 3}
    assert list(handles(nested)) == [DATASET, STUDENT]
    assert list(handles({"kind": "something else", "fingerprint": "x"})) == []


def test_a_finished_stage_is_found_and_an_unfinished_one_is_not() -> None:
    made = kept_rows()
    result = Shown(made=made, champion=None, tally=Tally(rows_in=1, outcomes={"kept": 1}), seconds=0.5)
    finish(cache_key(show, {"number": 1, "given": DATASET}), result)
    assert finished(show, 1, DATASET) == finished(show, number=1, given=DATASET) == result
    assert finished(show, 2, DATASET) is None


def test_a_record_counts_only_while_its_artefacts_are_intact() -> None:
    made = kept_rows()
    result = Shown(made=made, champion=None, tally=Tally(rows_in=1, outcomes={"kept": 1}), seconds=0.5)
    finish("show-1", result)
    keys = VerifiedKeys(basepath="")
    assert json.loads(keys.read_path("show-1", _sync=True))["storage_key"] == str(results_folder() / "body")
    shard = Store().path(made) / "rows-00000.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1] + b"!")
    with pytest.raises(LookupError, match="is not intact"):
        keys.read_path("show-1")
    shard.write_bytes(whole)
    assert keys.read_path("show-1")
    shutil.rmtree(Store().path(made))
    with pytest.raises(LookupError, match="is not intact"):
        keys.read_path("show-1")
    with pytest.raises(StoreError):
        list(Store().read_rows(made))


def test_a_record_that_is_served_tells_when() -> None:
    result = Shown(made=kept_rows(), champion=None, tally=Tally(rows_in=1, outcomes={"kept": 1}), seconds=0.5)
    finish("show-1", result)
    record = store_root() / "keys" / "show-1"
    os.utime(record, (0, 0))
    assert VerifiedKeys(basepath="").read_path("show-1")
    assert time.time() - record.stat().st_mtime < 60


def test_a_result_for_which_requests_failed_that_may_be_answered_yet_is_as_none() -> None:
    for unanswered in (0, 3):
        tally = Tally(rows_in=0, outcomes={})
        result = Shown(made=kept_rows(), champion=None, unanswered=unanswered, tally=tally, seconds=0)
        finish(cache_key(show, {"number": 1, "given": DATASET}), result)
        assert (finished(show, 1, DATASET) is None) == bool(unanswered)


@pytest.mark.parametrize("record", ["", "{", '{"storage_key": "/gone/results/other"}', '{"other": 1}'])
def test_a_record_that_is_broken_is_as_none(record: str) -> None:
    key = cache_key(show, {"number": 1, "given": DATASET})
    VerifiedKeys(basepath="").write_path(key, record.encode())
    assert finished(show, 1, DATASET) is None


@pytest.mark.parametrize("stored", ["", "{", '{"tally": {}, "seconds": 0.5}'], ids=["empty", "cut", "old"])
def test_a_result_that_is_broken_is_as_none(stored: str) -> None:
    result = Shown(made=kept_rows(), champion=None, tally=Tally(rows_in=0, outcomes={}), seconds=0)
    finish(cache_key(show, {"number": 1, "given": DATASET}), result)
    (results_folder() / "body").write_text(stored)
    assert finished(show, 1, DATASET) is None


def test_a_result_that_would_be_read_by_running_it_is_as_none() -> None:
    finish(cache_key(show, {"number": 1, "given": DATASET}), a_result(kept_rows()), serializer={"type": "pickle"})
    assert finished(show, 1, DATASET) is None


def a_result(made: Dataset, unanswered: int = 0) -> Shown:
    tally = Tally(rows_in=1, outcomes={"kept": 1})
    return Shown(made=made, champion=None, unanswered=unanswered, tally=tally, seconds=0.5)


def done_and_shared(result: Shown) -> None:
    """Do the stage here, as Prefect does it, and upload what it left."""
    with shared(show, 1, DATASET):
        finish(KEY, result)


KEY = cache_key(show, {"number": 1, "given": DATASET})


def test_what_one_host_finished_is_finished_for_another(bucket: Bucket) -> None:
    result = a_result(kept_rows())
    done_and_shared(result)
    bucket.host("two")
    assert finished(show, 2, DATASET) is None
    assert finished(show, 1, DATASET) == result
    assert list(Store().read_rows(result.made)) == [row(1)]


def test_a_stage_whose_artefact_or_record_the_bucket_lost_is_done_again_and_shared_again(bucket: Bucket) -> None:
    objects, result = Objects(bucket.url), a_result(kept_rows())
    shard = f"datasets/{result.made.fingerprint}/rows-00000.parquet"
    for number, lost in enumerate((shard, "results/body", f"keys/{KEY}")):
        bucket.host(f"first {number}")
        done_and_shared(a_result(kept_rows()))
        objects.remove(lost)
        bucket.host(f"second {number}")
        assert finished(show, 1, DATASET) is None
        done_and_shared(a_result(kept_rows()))
        bucket.host(f"third {number}")
        assert finished(show, 1, DATASET) == result


@pytest.mark.parametrize("record", [b"", b"{", b"\xff", b'{"storage_key": "..", "serializer": {"type": "json"}}'])
def test_a_record_that_is_broken_in_the_bucket_is_as_none(bucket: Bucket, record: bytes) -> None:
    done_and_shared(a_result(kept_rows()))
    Objects(bucket.url).write(f"keys/{KEY}", record)
    bucket.host("two")
    assert finished(show, 1, DATASET) is None
    done_and_shared(a_result(kept_rows()))
    bucket.host("three")
    assert finished(show, 1, DATASET) == a_result(kept_rows())


def test_a_result_that_may_be_made_whole_yet_is_not_shared_but_what_it_names_is(bucket: Bucket) -> None:
    result = a_result(kept_rows(), unanswered=1)
    done_and_shared(result)
    assert Objects(bucket.url).listed("keys") == {}
    bucket.host("two")
    assert Store().intact(result.made)


def test_a_bucket_that_is_away_is_no_stage_that_was_never_done(bucket: Bucket) -> None:
    result = a_result(kept_rows())
    with bucket.away():
        with pytest.raises(StoreError, match="then run again"):
            finished(show, 1, DATASET)
        finish(KEY, result)
        with pytest.raises(StoreError, match="What was made here stays here"):
            done_and_shared(result)
        assert Store().intact(result.made)
    bucket.host("two")
    assert finished(show, 1, DATASET) is None
    bucket.host("one")
    with shared(show, 1, DATASET):  # it is cached here, and uploaded only now
        pass
    bucket.host("two")
    assert finished(show, 1, DATASET) == result
