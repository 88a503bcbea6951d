"""Object storage: a bucket that several hosts share, behind the store that each has of its own."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tasks.database import LEDGER, REGISTRY, placed
from tasks.errors import StoreError

_PART_BYTES = 8 * 1024 * 1024


class Listed(NamedTuple):
    """What is known of an object without reading it."""

    size: int
    modified_ns: int


class Objects:
    """What lies under a URL that pyarrow opens, as `s3://bucket/prefix`. An object is there whole or not at all.

    The keys to it are the environment's, as `AWS_ACCESS_KEY_ID`; `AWS_ENDPOINT_URL` names a service that speaks S3.
    Raises `StoreError` where it cannot be reached, read or written.
    """

    def __init__(self, url: str) -> None:
        scheme, _, place = url.partition("://")
        self.name = f"{scheme}://{place.rpartition('@')[2].partition('?')[0]}"
        if not place or "@" in place:
            raise StoreError(
                f"STILLHOUSE_OBJECTS: {self.name} is not a bucket's URL without keys in it, as s3://bucket/prefix. "
                "Keys are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from where AWS keeps them."
            )
        with self._reached():
            self._files, self._root = _opened(url)

    def read(self, name: str) -> bytes | None:
        """What an object holds, or None where there is none."""
        with self._reached():
            stream = self._input(name)
            if stream is None:
                return None
            with stream:
                return stream.read()

    def write(self, name: str, content: bytes) -> None:
        """Write an object, over what was there."""
        with self._reached(), self._output(name) as stream:
            stream.write(content)

    def upload(self, file: Path, name: str) -> None:
        """Write an object from a file, over what was there."""
        # not by pyarrow's copy_files, which ignores an upload that fails at its end
        with self._reached(), file.open("rb") as source, self._output(name) as target:
            shutil.copyfileobj(source, target, _PART_BYTES)

    def download(self, name: str, file: Path) -> bool:
        """Write a file from an object; False where there is none."""
        with self._reached():
            source = self._input(name)
            if source is None:
                return False
            file.parent.mkdir(parents=True, exist_ok=True)
            with source, file.open("wb") as target:
                shutil.copyfileobj(source, target, _PART_BYTES)
        return True

    def listed(self, folder: str) -> dict[str, Listed]:
        """Every object under a folder, by its name there."""
        from pyarrow.fs import FileSelector, FileType

        place = f"{self._root}/{folder}"
        with self._reached():
            found = self._files.get_file_info(FileSelector(place, recursive=True, allow_not_found=True))
        return {
            each.path.removeprefix(f"{place}/"): Listed(each.size, each.mtime_ns)
            for each in found
            if each.type == FileType.File
        }

    def remove(self, name: str) -> None:
        """Take an object away."""
        with self._reached():
            self._files.delete_file(f"{self._root}/{name}")

    def _input(self, name: str) -> Any:
        try:
            return self._files.open_input_stream(f"{self._root}/{name}")
        except FileNotFoundError:
            return None

    def _output(self, name: str) -> Any:
        return self._files.open_output_stream(f"{self._root}/{name}")

    @contextmanager
    def _reached(self) -> Generator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # pyarrow says a wrong URL by the second
            raise StoreError(
                f"{self.name} could not be read or written: {' '.join(str(error).split())}. What was made here stays "
                "here. Look at the bucket, its address (AWS_ENDPOINT_URL) and the rights to it, then run again, which "
                "goes on from there and uploads what the bucket lacks."
            ) from error


def shared_objects() -> Objects | None:
    """What `STILLHOUSE_OBJECTS` names, or None where hosts share nothing."""
    url = os.environ.get("STILLHOUSE_OBJECTS", "").strip()
    return Objects(url) if url else None


def check_shared() -> None:
    """Raises `StoreError` unless hosts share nothing, or all of it: a bucket that can be used, and the databases."""
    objects = shared_objects()
    if objects is None:
        return
    for place in (placed(*LEDGER), placed(*REGISTRY)):
        if isinstance(place, Path):
            raise StoreError(
                f"{objects.name} is shared among hosts, and {place} is not: another host would pay again for its "
                f"answers, and not know who is on stage and what was held out. Set {LEDGER[0]} and {REGISTRY[0]} to a "
                "PostgreSQL URL, which may be the same, or leave STILLHOUSE_OBJECTS out."
            )
    objects.write("stillhouse", b"Artefacts of Stillhouse, by what they hold.\n")
    objects.read("stillhouse")


@cache
def _opened(url: str) -> tuple[Any, str]:
    """The filesystem, which keeps its connections, and the path in it."""
    from pyarrow.fs import FileSystem

    if url.startswith("s3://"):  # a small object is written by one request, not by three
        url += f"{'&' if urlsplit(url).query else '?'}allow_delayed_open=true"
    files, path = FileSystem.from_uri(url)
    return files, path.rstrip("/")
