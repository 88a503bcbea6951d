"""A small disk of a test's own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def resize(folder: Path, size: str) -> None:
    """Give the disk another size, as 64k or 40m."""
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """Within, the folder is a disk of this size. Skips where this user may mount none."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.getuid() or not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here: run as root, and allow mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
