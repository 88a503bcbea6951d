import contextlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import TypedDict

from tasks.artifacts import Base, Dataset, Made, Student
from tasks.errors import StoreError
from tasks.rows import Message
from tasks.store import Store, write_whole

MADE = Made(stage="toy", version="1", config={"knob": 1}, parents={"inputs": "0" * 64})


class Thing(TypedDict):
    id: str
    tags: list[str]
    turns: list[Message]
    scores: dict[str, float]
    seconds: float
    count: int
    approved: bool
    note: str | None


def a_thing(id: str = "a") -> Thing:
    return Thing(id=id, tags=[], turns=[], scores={}, seconds=0.5, count=1, approved=False, note=None)


def things(count: int) -> list[Thing]:
    return [a_thing(str(number)) for number in range(count)]


def kept(rows: list[Thing]) -> Dataset:
    return Store().write_rows(rows, Thing, MADE)


def a_student(store: Store, content: str) -> Student:
    return store.write_folder(Student, filled("weights", content), MADE)


def filled(name: str, content: str) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / name).write_text(content)

    return fill


def leftovers(root: Path) -> list[Path]:
    return list(root.rglob("writing-*"))


numbers = st.floats(allow_nan=False, allow_infinity=False)
any_things = st.lists(
    st.builds(
        Thing,
        id=st.text(),
        tags=st.lists(st.text(), max_size=3),
        turns=st.lists(st.builds(Message, role=st.text(), content=st.text()), max_size=3),
        scores=st.dictionaries(st.text(), numbers, max_size=3),
        seconds=numbers,
        count=st.integers(-(2**63), 2**63 - 1),
        approved=st.booleans(),
        note=st.none() | st.text(),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=40)
@given(rows=any_things)
def test_rows_are_read_back_as_they_were_written(rows: list[Thing]) -> None:
    dataset = kept(rows)
    assert list(Store().read_rows(dataset)) == rows
    assert dataset.rows == len(rows)
    assert kept(list(Store().read_rows(dataset))) == dataset


@pytest.mark.parametrize(
    "text",
    ["", "\0", "a\r\n\tb", "שלום\u202e", "e\u0301", "👩\u200d👩\u200d👧", "\ufeff", "\U0010ffff", "x" * 1_000_000],
)
def test_odd_text_survives(text: str) -> None:
    row = a_thing(text) | {"tags": [text, ""], "turns": [Message(role=text, content=text)], "note": text}
    assert list(Store().read_rows(Store().write_rows([row], Thing, MADE))) == [row]


def test_half_a_surrogate_pair_is_kept_or_refused_by_an_error_of_ours() -> None:
    row = a_thing("\ud83d")
    with contextlib.suppress(StoreError):
        assert list(Store().read_rows(kept([row]))) == [row]


def test_a_data_set_may_be_empty() -> None:
    empty = kept([])
    assert empty.rows == 0
    assert list(Store().read_rows(empty)) == []
    assert Store().intact(empty)


def test_the_same_rows_have_the_same_fingerprint_whatever_made_them() -> None:
    other = Made(stage="other", version="2", config={}, parents={})
    assert kept(things(3)) == Store().write_rows(iter(things(3)), Thing, other)


def test_the_order_of_keys_does_not_matter() -> None:
    forward = a_thing()
    backward = Thing(**dict(reversed(forward.items())))  # type: ignore[typeddict-item]
    assert kept([forward]) == kept([backward])


@pytest.mark.parametrize(
    "rows",
    [
        [a_thing("b"), a_thing("a")],
        [a_thing("a")],
        [a_thing("a"), a_thing("b"), a_thing("b")],
        [a_thing("ab"), a_thing("")],
    ],
)
def test_other_rows_or_another_order_have_another_fingerprint(rows: list[Thing]) -> None:
    assert kept(rows).fingerprint != kept([a_thing("a"), a_thing("b")]).fingerprint


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_size_of_a_shard_changes_neither_fingerprint_nor_rows(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = kept(things(7))
    monkeypatch.setattr("tasks.store.SHARD_ROWS", size)
    monkeypatch.setenv("STILLHOUSE_STORE", os.environ["STILLHOUSE_STORE"] + "-other")
    sharded = kept(things(7))
    assert sharded == whole
    assert len(list(Store().path(sharded).glob("*.parquet"))) == -(-7 // size)
    assert list(Store().read_rows(sharded)) == things(7)


def test_the_manifest_says_what_the_artefact_is_and_what_made_it() -> None:
    dataset = kept(things(2))
    manifest = Store().manifest(dataset)
    assert Dataset.model_validate(manifest.handle) == dataset
    assert manifest.made == MADE
    assert [file.name for file in manifest.files] == ["rows-00000.parquet"]


def test_nothing_is_left_beside_an_artefact_that_was_kept(store_root: Path) -> None:
    kept(things(2))
    kept(things(2))
    assert leftovers(store_root) == []


@pytest.mark.parametrize("name", ["rows-00000.parquet", "manifest.json"])
def test_a_deleted_file_is_noticed(name: str) -> None:
    dataset = kept(things(2))
    assert Store().intact(dataset)
    (Store().path(dataset) / name).unlink()
    assert not Store().intact(dataset)


@pytest.mark.parametrize("name", ["rows-00000.parquet", "manifest.json"])
def test_a_cut_file_is_noticed(name: str) -> None:
    dataset = kept(things(2))
    path = Store().path(dataset) / name
    path.write_bytes(path.read_bytes()[:-10])
    assert not Store().intact(dataset)


def test_a_file_changed_without_changing_its_length_is_noticed() -> None:
    dataset = kept(things(2))
    path = Store().path(dataset) / "rows-00000.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    assert not Store().intact(dataset)


def test_an_artefact_that_never_was_is_not_intact() -> None:
    assert not Store().intact(Student(fingerprint="0" * 64))


def test_a_file_that_was_only_touched_is_still_intact() -> None:
    dataset = kept(things(2))
    os.utime(Store().path(dataset) / "rows-00000.parquet", ns=(1, 1))
    assert Store().intact(dataset)


def test_a_file_that_was_only_touched_is_hashed_once_and_its_stamp_put_back() -> None:
    dataset = kept(things(2))
    path = Store().path(dataset) / "rows-00000.parquet"
    written = path.stat().st_mtime_ns
    os.utime(path, ns=(1, 1))
    assert Store().intact(dataset)
    assert path.stat().st_mtime_ns == written


def test_the_stamp_of_a_file_that_changed_is_not_put_back() -> None:
    dataset = kept(things(2))
    path = Store().path(dataset) / "rows-00000.parquet"
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(1, 1))
    assert not Store().intact(dataset)
    assert path.stat().st_mtime_ns == 1
    assert not Store().intact(dataset)


def test_writing_the_same_rows_again_mends_what_was_broken() -> None:
    dataset = kept(things(2))
    (Store().path(dataset) / "rows-00000.parquet").write_bytes(b"broken")
    assert kept(things(2)) == dataset
    assert Store().intact(dataset)
    assert list(Store().read_rows(dataset)) == things(2)


def test_writing_the_same_rows_again_tells_when_they_were_last_wanted() -> None:
    manifest = Store().path(kept(things(2))) / "manifest.json"
    os.utime(manifest, (0, 0))
    kept(things(2))
    assert time.time() - manifest.stat().st_mtime < 60


def test_only_the_columns_that_are_named_are_read() -> None:
    dataset = kept(things(3))
    name = next(iter(things(1)[0]))
    assert list(Store().read_rows(dataset, [name])) == [{name: row[name]} for row in things(3)]


def test_reading_what_is_gone_says_what_to_do() -> None:
    with pytest.raises(StoreError, match="Run the project again"):
        list(Store().read_rows(Dataset(fingerprint="0" * 64, rows=1)))
    with pytest.raises(StoreError, match="Run the project again"):
        Store().manifest(Student(fingerprint="0" * 64))


def test_a_lost_shard_is_refused_not_read_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.store.SHARD_ROWS", 2)
    dataset = kept(things(5))
    (Store().path(dataset) / "rows-00001.parquet").unlink()
    with pytest.raises(StoreError):
        list(Store().read_rows(dataset))


def test_a_broken_shard_is_refused_by_an_error_of_ours() -> None:
    dataset = kept(things(5))
    (Store().path(dataset) / "rows-00000.parquet").write_bytes(b"broken")
    with pytest.raises(StoreError):
        list(Store().read_rows(dataset))


def test_a_folder_is_kept_with_its_files_under_their_content() -> None:
    store = Store()
    student = a_student(store, "one")
    assert (store.path(student) / "weights").read_text() == "one"
    assert student == a_student(store, "one")
    assert student != a_student(store, "two")
    assert student != store.write_folder(Student, filled("other-name", "one"), MADE)
    assert store.intact(student)


def test_a_folder_may_be_kept_under_a_name() -> None:
    base = Store().write_folder(Base, filled("weights", "one"), MADE, name="a" * 64)
    assert base == Base(fingerprint="a" * 64)
    assert Store().intact(base)


def test_a_fill_that_fails_leaves_nothing_behind(store_root: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="disk is full"):
        Store().write_folder(Student, fill, MADE)
    assert list(store_root.iterdir()) == []


def test_rows_that_stop_coming_leave_nothing_behind(store_root: Path) -> None:
    def rows() -> object:
        yield a_thing()
        raise RuntimeError("the teacher hung up")

    with pytest.raises(RuntimeError, match="hung up"):
        Store().write_rows(rows(), Thing, MADE)  # type: ignore[type-var]
    assert list(store_root.iterdir()) == []


def test_a_store_that_cannot_be_written_says_what_to_do(store_root: Path) -> None:
    store_root.write_text("a file in the folder's place")
    for write in (Store().check_writable, lambda: kept(things(1)), lambda: a_student(Store(), "one")):
        with pytest.raises(StoreError, match="Set STILLHOUSE_STORE"):
            write()


def test_a_store_can_move_to_another_place(store_root: Path, tmp_path: Path) -> None:
    dataset, student = kept(things(3)), a_student(Store(), "one")
    moved = Store(store_root.rename(tmp_path / "moved"))
    assert list(moved.read_rows(dataset)) == things(3)
    assert moved.intact(dataset)
    assert moved.intact(student)
    assert not Store().intact(dataset)


def write_in_a_process(root: Path) -> Dataset:
    return Store(root).write_rows(things(100), Thing, MADE)


def test_two_processes_may_write_the_same_rows_at_once(store_root: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        one, two = pool.map(write_in_a_process, [store_root, store_root], chunksize=1)
    assert one == two
    assert Store().intact(one)
    assert leftovers(store_root) == []


def test_what_was_kept_stays_readable_while_others_write_the_same(store_root: Path) -> None:
    def write_and_read(content: str, start: threading.Barrier) -> bool:
        store = Store(store_root)
        start.wait()
        try:
            return (store.path(a_student(store, content)) / "weights").read_text() == content
        except OSError:
            return False

    with ThreadPoolExecutor(8) as pool:
        for attempt in range(200):
            start = threading.Barrier(8)
            assert all(pool.map(lambda _, content=str(attempt), start=start: write_and_read(content, start), range(8)))


def test_a_file_written_whole_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.html"
    write_whole(path, "old")
    write_whole(path, "new – \ud83d")
    assert path.read_text(encoding="utf-8") == "new – \\ud83d"
    assert list(path.parent.iterdir()) == [path]


def begin(name: str) -> Path:
    """Work that gets half way."""

    def work() -> None:
        with Store().unfinished(name) as folder:
            assert folder is not None
            (folder / "half").write_text("half")
            raise RuntimeError("pulled the plug")

    with pytest.raises(RuntimeError, match="pulled the plug"):
        work()
    return Store().root / "unfinished" / name


def test_unfinished_work_is_kept_until_it_is_done_and_is_had_by_one_at_a_time() -> None:
    begin("work")
    with Store().unfinished("work") as folder, Store().unfinished("work") as other:
        assert folder is not None
        assert other is None
        assert (folder / "half").read_text() == "half"
    assert not folder.exists()


def test_unfinished_work_that_nobody_takes_up_goes_after_two_weeks() -> None:
    for name, days in (("old", 15), ("young", 13)):
        os.utime(begin(name), (time.time() - days * 24 * 3600,) * 2)
    with Store().unfinished("other") as folder:
        assert folder is not None
        assert sorted(each.name for each in folder.parent.iterdir()) == ["other", "young"]
