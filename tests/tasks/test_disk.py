import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.artifacts import Made, Student
from tasks.disk import full_disk_told, is_full
from tasks.errors import StoreError
from tasks.rows import Unpicked
from tasks.store import Store, write_whole
from tests.mounting import mounted

MADE = Made(stage="toy", version="1", config={}, parents={})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own with room for very little."""
    with mounted(tmp_path / "disk", "64k") as folder:
        yield folder


def many(count: int) -> Iterator[Unpicked]:
    return (Unpicked(id=str(number), slice=os.urandom(40).hex(), reason="", evidence="") for number in range(count))


def tensors(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"weights": torch.zeros(100_000)}, folder / "model.safetensors")


def text(folder: Path) -> None:
    (folder / "a").write_text("a" * 10**6)


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: Store(folder).write_rows(many(5000), Unpicked, MADE),
        lambda folder: Store(folder).write_folder(Student, text, MADE),
        lambda folder: Store(folder).write_folder(Student, tensors, MADE),
        lambda folder: write_whole(folder / "page.html", "a" * 10**6),
    ],
)
def test_whoever_meets_a_full_disk_one_error_names_the_folder_and_leaves_it_empty(
    write: Callable[[Path], Any], small_disk: Path
) -> None:
    with pytest.raises(StoreError, match=f"the disk of {small_disk} is full: .*Make room there and run again"):
        write(small_disk)
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []


def test_long_work_keeps_what_it_had_before_the_disk_was_full(small_disk: Path) -> None:
    def work() -> None:
        with Store(small_disk).unfinished("work") as folder:
            assert folder is not None
            (folder / "first").write_text("so far")
            text(folder)

    with pytest.raises(StoreError, match="is full"):
        work()
    assert (small_disk / "unfinished" / "work" / "first").read_text() == "so far"


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "no room"), True),
        (OSError(errno.EDQUOT, "over the quota"), True),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), True),
        (OSError(errno.EACCES, "not allowed"), False),
        (ValueError("os error 280"), False),
    ],
)
def test_other_errors_stay_what_they_are(error: Exception, full: bool, tmp_path: Path) -> None:
    assert is_full(error) == full
    with pytest.raises(StoreError if full else type(error)), full_disk_told(tmp_path):
        raise error
