"""The store: artefacts on disk, rows as Parquet shards and models as folders.

An artefact is a folder named by the fingerprint of what it holds. It is written whole under another name and renamed,
so it exists complete or not at all; its manifest, written last, says what made it and lists its files.
"""

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, TextIO, TypeVar, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from tasks.artifacts import AnyHandle, Dataset, Handle, Made, canonical, digest
from tasks.errors import StoreError
from tasks.files import fingerprint_file
from tasks.manifest import MANIFEST, Manifest, Stamp
from tasks.objects import shared_objects
from tasks.processes import host, surely_dead
from tasks.root import store_root
from tasks.shared import download, holds, upload

SHARD_ROWS = 20_000
_LEFT_SECONDS = 14 * 24 * 3600
_MADE_ANEW = "Run the project again: the stage that made it will make it anew."

logger = logging.getLogger("stillhouse.store")

Row = TypeVar("Row")


class Store:
    """Artefacts on disk, and behind them those that hosts share (`STILLHOUSE_OBJECTS`), fetched where they are read.

    Raises `StoreError` where a folder cannot be written or an artefact is missing.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or store_root()

    def path(self, handle: Handle) -> Path:
        """The artefact's folder, whether it is there or not."""
        return self.root / handle.folder / handle.fingerprint

    def folder(self, handle: Handle) -> Path:
        """The artefact's folder, fetched where only another host has it yet."""
        path = self.path(handle)
        if not path.exists():
            self._fetch(handle)
        return path

    def check_writable(self) -> None:
        """Raises `StoreError` unless a file can be written under the root."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            raise StoreError(
                f"the store {self.root} cannot be written: {error.strerror or error}. "
                "Set STILLHOUSE_STORE to a folder that can."
            ) from error

    def write_rows(self, rows: Iterable[Row], row_type: type[Row], made: Made) -> Dataset:
        """Write rows, in their order, as Parquet shards of at most 20,000."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema(_fields(row_type))
        running = hashlib.sha256()
        count = 0
        with self._fresh() as folder:
            for number, shard in enumerate(_chunks(rows, SHARD_ROWS)):
                for row in shard:
                    running.update(canonical(row).encode("utf-8", "surrogatepass") + b"\n")
                count += len(shard)
                table = _table(shard, schema)
                pq.write_table(table, folder / f"rows-{number:05d}.parquet", compression="zstd")
            return self._keep(folder, Dataset(fingerprint=running.hexdigest(), rows=count), made)

    def read_rows(self, dataset: Dataset, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """The rows in their order, a shard's batch at a time; of the columns named only these are read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = shard = self.folder(dataset)
        count = 0
        try:
            for shard in sorted(folder.glob("rows-*.parquet")):
                for batch in pq.ParquetFile(shard).iter_batches(columns=columns):
                    count += batch.num_rows
                    yield from batch.to_pylist(maps_as_pydicts="strict")
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{shard} cannot be read: {error}. {_MADE_ANEW}") from error
        if count != dataset.rows:
            raise StoreError(f"{folder} holds {count} of {dataset.rows} rows. {_MADE_ANEW}")

    def write_folder(
        self, kind: type[AnyHandle], fill: Callable[[Path], None], made: Made, name: str = ""
    ) -> AnyHandle:
        """Let `fill` write files into a fresh folder and keep it, under their fingerprint or under the name given."""
        with self._fresh() as folder:
            fill(folder)
            names = {file.relative_to(folder).as_posix(): fingerprint_file(file) for file in _files(folder)}
            return self._keep(folder, kind(fingerprint=name or digest(names)), made, names)

    @contextlib.contextmanager
    def unfinished(self, name: str) -> Generator[Path | None]:
        """A folder for what long work has so far: it stays where the work fails or is killed, and goes when it is done.

        The name is all that the work follows from, so that whoever takes it up again finds what belongs to it. Of
        several processes that do the same work at once the first has the folder, the others have None. What nobody
        took up again for two weeks goes as well.
        """
        self.check_writable()
        folder = self.root / "unfinished" / name
        folder.mkdir(parents=True, exist_ok=True)
        for other in folder.parent.iterdir():
            if other != folder and time.time() - other.stat().st_mtime > _LEFT_SECONDS:
                shutil.rmtree(other, ignore_errors=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logger.warning("another process does the same work: %s. This one keeps nothing on its way.", folder)
                yield None
                return
            os.utime(folder)
            yield folder
            shutil.rmtree(folder, ignore_errors=True)

    def manifest(self, handle: Handle) -> Manifest:
        """What the artefact is and what made it. Raises `StoreError` where it is missing or unreadable."""
        path = self.folder(handle) / MANIFEST
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read: {error}. Run the project again to rebuild it.") from error

    def intact(self, handle: Handle) -> bool:
        """Whether every file of the artefact is there with its content, or could be fetched from where it is shared."""
        return self._whole(handle) or self._fetch(handle)

    def shared(self, handle: Handle) -> bool:
        """Whether every host that shares the store finds the artefact whole; one that shares with none, by itself."""
        objects = shared_objects()
        return holds(objects, handle) if objects else self._whole(handle)

    def share(self, handle: Handle) -> None:
        """Upload the artefact to where hosts share it, unless it is there; nothing where they share nothing."""
        if objects := shared_objects():
            upload(objects, handle, self.manifest(handle), self.path(handle))

    def _whole(self, handle: Handle) -> bool:
        """Whether every file is here with its content: hashed again only where its stamp moved."""
        folder = self.path(handle)
        try:
            manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
            return all(file.unchanged(folder) for file in manifest.files)
        except (OSError, ValueError):
            return False

    def _fetch(self, handle: Handle) -> bool:
        objects = shared_objects()
        if objects is None:
            return False
        with self._fresh() as folder:
            if not download(objects, handle, folder):
                return False
            self._place(folder, handle)
            logger.info("%s %s fetched from %s", handle.folder, handle.fingerprint, objects.name)
            return True

    @contextlib.contextmanager
    def _fresh(self) -> Generator[Path]:
        self.check_writable()
        self._sweep()
        folder = Path(tempfile.mkdtemp(prefix=f"writing-{os.getpid()}-{host()}-", dir=self.root))
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _sweep(self) -> None:
        """Take away what processes of this machine were writing when they were killed."""
        for folder in self.root.glob("writing-*"):
            _, process, rest = folder.name.split("-", 2)
            if surely_dead(rest.rpartition("-")[0], int(process)):
                shutil.rmtree(folder, ignore_errors=True)

    def _keep(self, folder: Path, handle: AnyHandle, made: Made, names: Mapping[str, str] | None = None) -> AnyHandle:
        if self._whole(handle):
            os.utime(self.path(handle) / MANIFEST)  # when it was last wanted, for `stillhouse prune`
            return handle
        stamps = [
            Stamp(
                name=file.relative_to(folder).as_posix(),
                sha256=names[file.relative_to(folder).as_posix()] if names else fingerprint_file(file),
                size=file.stat().st_size,
                modified_ns=file.stat().st_mtime_ns,
            )
            for file in _files(folder)
        ]
        manifest = Manifest(handle=handle.model_dump(), made=made, files=stamps)
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        self._place(folder, handle)
        return handle

    def _place(self, folder: Path, handle: Handle) -> None:
        final = self.path(handle)
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(final)
        except OSError:
            if not self._whole(handle):  # what stands there is broken; if it is whole, another process was first
                final.rename(Path(tempfile.mkdtemp(prefix="broken-", dir=self.root)) / final.name)
                folder.rename(final)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write_whole(path: Path, content: str) -> None:
    """Write a text file under another name, then rename it: readers see the old content or the new, never a part."""
    with _whole(path) as file:
        file.write(content)


def write_lines(path: Path, lines: Iterable[str]) -> int:
    """Write lines of text as `write_whole` does, one at a time, and return how many."""
    count = 0
    with _whole(path) as file:
        for line in lines:
            file.write(f"{line}\n")
            count += 1
    return count


@contextlib.contextmanager
def _whole(path: Path) -> Generator[TextIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _table(rows: list[Any], schema: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except UnicodeEncodeError as error:
        raise StoreError(f"a row holds half a surrogate pair, which is no text: {error.object[:80]!r}") from error


def _fields(row_type: Any) -> list[tuple[str, Any]]:
    return [(name, _arrow(hint)) for name, hint in get_type_hints(row_type).items()]


def _arrow(hint: Any) -> Any:
    """The Arrow type of an annotation in `tasks/rows.py`."""
    import pyarrow as pa

    simple = {str: pa.large_string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    if hint in simple:
        return simple[hint]
    if is_typeddict(hint):
        return pa.struct(_fields(hint))
    arguments = get_args(hint)
    if get_origin(hint) is list:
        return pa.list_(_arrow(arguments[0]))
    if get_origin(hint) is dict:
        return pa.map_(_arrow(arguments[0]), _arrow(arguments[1]))
    if get_origin(hint) is UnionType and arguments[1] is type(None):
        return _arrow(arguments[0])
    raise TypeError(f"no Arrow type for {hint}: use str, int, float, bool, lists, dicts or a TypedDict")
