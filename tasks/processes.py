"""Whether a process that left its name behind still lives."""

import os
import socket
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
