"""A full disk, told as what it is, whichever library met it."""

import errno
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import StillhouseError, StoreError

_NUMBERS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_WORDS = re.compile(rf"database or disk is full|No space left|os error ({'|'.join(map(str, sorted(_NUMBERS)))})\b")


def is_full(error: BaseException) -> bool:
    """Whether an error says that a disk has no room: by its number, or in words, as of SQLite and Rust."""
    return getattr(error, "errno", None) in _NUMBERS or bool(_WORDS.search(str(error)))


@contextmanager
def full_disk_told(folder: Path) -> Generator[None]:
    """Within, an error of a full disk is raised as a `StoreError` that names the folder."""
    try:
        yield
    except StillhouseError:
        raise
    except Exception as error:
        if not is_full(error):
            raise
        raise StoreError(
            f"the disk of {folder} is full: {error}. Make room there and run again: what was made and answered is "
            "kept, and is not done again."
        ) from error
