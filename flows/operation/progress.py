"""What the Prefect UI shows of a stage at work: a progress artifact, kept up to date by a thread of its own."""

import logging
import re
import threading
from contextvars import copy_context
from typing import NamedTuple, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

_SECONDS = 2.0

logger = logging.getLogger("stillhouse")


def artifact_key(kind: str, about: str) -> str:
    """A key as Prefect takes it: lower-case letters, digits and dashes."""
    return f"{kind}-{re.sub(r'[^a-z0-9]+', '-', about.lower()).strip('-')}".strip("-")


class _Shown(NamedTuple):
    percent: float
    words: str


class ProgressArtifacts(logging.Handler):
    """Turns Stillhouse's progress records into Prefect artifacts of the flow run that it is entered in.

    An artifact for each stage that is found at work, which is looked for every two seconds. A server that does not
    answer costs the picture, not the run.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._now: dict[str, _Shown] = {}
        self._sent: dict[str, tuple[UUID, _Shown]] = {}
        self._over = threading.Event()

    def __enter__(self) -> "ProgressArtifacts":
        """Begin to listen."""
        progress = logging.getLogger("stillhouse.progress")
        self._before = progress.level, progress.propagate
        progress.propagate = logging.getLogger("stillhouse").isEnabledFor(logging.DEBUG)  # as if nobody listened here
        progress.setLevel(logging.DEBUG)
        progress.addHandler(self)
        self._thread = threading.Thread(target=copy_context().run, args=(self._work,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Send what is left, and stop."""
        progress = logging.getLogger("stillhouse.progress")
        progress.removeHandler(self)
        level, progress.propagate = self._before
        progress.setLevel(level)
        self._over.set()
        self._thread.join(timeout=5 * _SECONDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the last that a stage said of itself."""
        said = record.__dict__
        if said.get("total"):
            words = f"{said['done']} of {said['total']} {said['unit']}  {said['note']}".strip()
            self._now[said["stage"]] = _Shown(100 * min(said["done"] / said["total"], 1.0), words)

    def _work(self) -> None:
        while not self._over.wait(_SECONDS):
            self._send(list(self._now))
        self._send(list(self._sent))

    def _send(self, stages: list[str]) -> None:
        for stage in stages:
            now, sent = self._now[stage], self._sent.get(stage)
            try:
                if sent is None:
                    key = artifact_key("progress", stage)
                    made = create_progress_artifact(now.percent, key=key, description=now.words)
                    self._sent[stage] = cast(UUID, made), now  # a coroutine only where an event loop runs
                elif sent[1] != now:
                    update_progress_artifact(sent[0], now.percent, description=now.words)
                    self._sent[stage] = sent[0], now
            except Exception as error:  # whatever keeps Prefect from answering must not end the run
                logger.debug("progress of %s could not be shown: %s", stage, error)
