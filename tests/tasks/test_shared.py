import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tasks.artifacts import Dataset, Student
from tasks.errors import StoreError
from tasks.objects import Objects
from tasks.store import Store
from tests.bucket import Bucket
from tests.tasks.test_store import MADE, Thing, any_things, kept, leftovers, things

KILLED = """
from tasks.store import Store
from tests.tasks.test_shared import a_model
Store().share(a_model(60))
"""


def a_model(megabytes: int = 0) -> Student:
    """A student of several files, one in a folder of its own."""

    def fill(folder: Path) -> None:
        (folder / "tokenizer").mkdir()
        (folder / "tokenizer" / "words.txt").write_text("– Fern")
        (folder / "a.weights").write_bytes(b"0123456789" * 100)
        (folder / "weights").write_bytes(bytes(megabytes * 1_000_000))

    return Store().write_folder(Student, fill, MADE)


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """What a folder holds, and when each was written."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=any_things)
def test_rows_that_one_host_wrote_another_reads(bucket: Bucket, rows: list[Thing]) -> None:
    bucket.host("one")
    dataset = kept(rows)
    Store().share(dataset)
    bucket.host("two")
    assert list(Store().read_rows(dataset)) == rows
    assert Store().manifest(dataset).made == MADE


def test_a_folder_is_fetched_as_it_was_written(bucket: Bucket) -> None:
    student = a_model()
    Store().share(student)
    written = files(Store().path(student))
    two = bucket.host("two")
    assert not Store().path(student).exists()
    fetched = files(Store().folder(student))
    assert {name: content for name, (content, _) in fetched.items()} == {
        name: content for name, (content, _) in written.items()
    }
    assert all(
        fetched[name] == written[name] for name in written if name != "manifest.json"
    )  # need not be hashed again
    assert leftovers(two) == []


def test_an_artefact_that_nobody_shared_is_missing_as_ever(bucket: Bucket) -> None:
    dataset = kept(things(1))
    bucket.host("two")
    assert not Store().intact(dataset)
    assert not Store().shared(dataset)
    with pytest.raises(StoreError, match="Run the project again"):
        list(Store().read_rows(dataset))


def test_a_local_artefact_that_is_damaged_is_fetched_again(bucket: Bucket) -> None:
    dataset = kept(things(3))
    Store().share(dataset)
    (Store().path(dataset) / "rows-00000.parquet").write_bytes(b"no rows")
    assert Store().intact(dataset)
    assert list(Store().read_rows(dataset)) == things(3)


def remove(objects: Objects, name: str) -> None:
    objects.remove(name)


def cut(objects: Objects, name: str) -> None:
    objects.write(name, (objects.read(name) or b"")[:-1])


def change(objects: Objects, name: str) -> None:
    objects.write(name, (objects.read(name) or b"")[:-1] + b"!")


@pytest.mark.parametrize("harm", [remove, cut, change])
@pytest.mark.parametrize("file", ["a.weights", "tokenizer/words.txt", "manifest.json"])
def test_what_is_damaged_in_the_bucket_is_served_to_nobody_until_it_is_uploaded_again(
    bucket: Bucket, file: str, harm: Any
) -> None:
    objects, student = Objects(bucket.url), a_model()
    Store().share(student)
    harm(objects, f"students/{student.fingerprint}/{file}")
    two = bucket.host("two")
    assert not Store().intact(student)
    assert not Store().shared(student)
    assert not Store().path(student).exists()
    assert leftovers(two) == []
    bucket.host("one")
    Store().share(student)
    bucket.host("two")
    assert Store().shared(student)
    assert Store().intact(student)


def test_an_upload_that_is_killed_leaves_nothing_that_is_served(bucket: Bucket) -> None:
    objects, student = Objects(bucket.url), a_model(60)
    folder = f"students/{student.fingerprint}"
    with subprocess.Popen([sys.executable, "-c", KILLED]) as process:
        while not objects.listed(folder):
            time.sleep(0.01)
        process.kill()
    assert set(objects.listed(folder)) < {"a.weights", "tokenizer/words.txt", "weights"}
    bucket.host("two")
    assert not Store().intact(student)
    bucket.host("one")
    Store().share(student)
    bucket.host("two")
    assert Store().intact(student)


def test_an_artefact_is_uploaded_once(bucket: Bucket) -> None:
    objects, dataset = Objects(bucket.url), kept(things(2))
    Store().share(dataset)
    first = objects.listed("datasets")
    time.sleep(1.1)  # the bucket's clock knows seconds only
    Store().share(dataset)
    assert objects.listed("datasets") == first


@pytest.mark.parametrize("name", ["../../../out", "/out", "a/../../out"])
def test_a_manifest_cannot_lead_out_of_the_artefacts_folder(bucket: Bucket, tmp_path: Path, name: str) -> None:
    objects, dataset = Objects(bucket.url), kept(things(1))
    Store().share(dataset)
    place = f"datasets/{dataset.fingerprint}"
    manifest = (objects.read(f"{place}/manifest.json") or b"").replace(b"rows-00000.parquet", name.encode())
    objects.write(f"{place}/manifest.json", manifest)
    if not name.startswith("/"):
        objects.write(f"{place}/{name}", b"harm")
    bucket.host("two")
    assert not Store().intact(dataset)
    assert not list(tmp_path.rglob("out"))


@pytest.mark.parametrize("fingerprint", ["../keys", "a/b", "..", ""])
def test_a_fingerprint_names_a_folder_and_no_way_out_of_one(fingerprint: str) -> None:
    with pytest.raises(ValueError, match="fingerprint"):
        Dataset(fingerprint=fingerprint, rows=1)
