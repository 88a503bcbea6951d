"""Manifests: what an artefact is, what made it, and its files by content."""

import contextlib
import os
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel

from tasks.artifacts import Made
from tasks.files import fingerprint_file

MANIFEST = "manifest.json"


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} leads out of the artefact's folder")
    return name


class Stamp(BaseModel):
    """A file of an artefact by content, and when it was written."""

    name: Annotated[str, AfterValidator(_inside)]
    sha256: str
    size: int
    modified_ns: int

    def unchanged(self, folder: Path) -> bool:
        """Whether the folder holds the file with its content: hashed again only where its stamp moved, once.

        A store that was copied without its times is hashed once, not at every look of every run.
        """
        status = (folder / self.name).stat()
        if (status.st_size, status.st_mtime_ns) == (self.size, self.modified_ns):
            return True
        if not self.same(folder):
            return False
        with contextlib.suppress(OSError):  # in a store that can only be read it is hashed every time
            self.put_back(folder)
        return True

    def same(self, folder: Path) -> bool:
        """Whether the folder holds the file with its content, hashed again."""
        path = folder / self.name
        return path.stat().st_size == self.size and fingerprint_file(path) == self.sha256

    def put_back(self, folder: Path) -> None:
        """Give the file in the folder the time of what it is a copy of, so that it need not be hashed again."""
        os.utime(folder / self.name, ns=(self.modified_ns, self.modified_ns))


class Manifest(BaseModel):
    """The last file written into an artefact's folder: what it is, what made it, and its files by content."""

    handle: dict[str, Any]
    made: Made
    files: list[Stamp]
