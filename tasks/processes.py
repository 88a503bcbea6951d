"""Whether a process that left its name behind still lives."""

import os
import socket


def host() -> str:
    """This machine's name, as it is left behind."""
    return socket.gethostname()


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
