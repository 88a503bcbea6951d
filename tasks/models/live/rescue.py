"""Where paid answers go that the ledger could not take: nothing that was bought is lost to a full disk."""

import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tasks.errors import StoreError
from tasks.models.ledger import recorded_line
from tasks.models.request import Answer

logger = logging.getLogger("stillhouse")


def rescue(answers: Sequence[tuple[str, Answer]], provider: str, why: Exception) -> StoreError:
    """Write answers into the system's folder for temporary files; the error to raise, which says where."""
    lines = "".join(recorded_line(key, answer, provider) + "\n" for key, answer in answers)
    try:
        descriptor, name = tempfile.mkstemp(prefix="stillhouse-rescued-", suffix=".jsonl")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return StoreError(f"{why} {len(answers)} answers that were paid for are lost: {error}.")
    message = (
        f"{why} {len(answers)} answers that were paid for and could not be recorded are in {Path(name)}: once it is "
        f"mended, and before you run again, take them in with stillhouse ledger import {name}"
    )
    logger.error(message)  # said at once, too: a signal may end the process before the error is seen
    return StoreError(message)
