"""Whether a process that left its name behind still lives, or is still at what it said it does."""

import fcntl
import os
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_MACHINE = Path("/etc/machine-id")
_NAMESPACE = Path("/proc/self/ns/pid")


@cache
def host() -> str:
    """Where a process's number means the same process, as it is left behind: this machine, and the container in it.

    A name alone does not tell: two machines may have the same, and so do containers on their machine's network.
    """
    machine = _MACHINE.read_text().strip()[:12] if _MACHINE.is_file() else ""
    namespace = str(_NAMESPACE.stat().st_ino) if _NAMESPACE.exists() else ""
    return "-".join(part for part in (socket.gethostname(), machine, namespace) if part)


def surely_dead(host_name: str, process: int) -> bool:
    """Whether a process is certainly gone; of one on another machine nobody knows."""
    if host_name != host():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


@contextmanager
def at_work(folder: Path) -> Generator[None]:
    """Within, a file in the folder says since when; a lock on it ends with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        marker = folder / Path(file.name).name.removeprefix(".")
        Path(file.name).rename(marker)
        try:
            yield
        finally:
            marker.unlink(missing_ok=True)


def at_work_since(folder: Path) -> float | None:
    """Since when the one that is longest at work there is, None where nobody is."""
    since = [marker.stat().st_mtime for marker in folder.glob("[!.]*") if held(marker)]
    return min(since, default=None)


def held(lock: Path) -> bool:
    """Whether a process holds a lock on the file."""
    try:
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False
