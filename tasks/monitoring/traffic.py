"""The traffic that a student got: what was asked of it, what it answered where that was logged, what is new of it."""

from collections.abc import Sequence
from typing import NamedTuple

from tasks.artifacts import digest
from tasks.files import ContentFile
from tasks.inputs import Fields, Malformed, read_answered
from tasks.models import Answer
from tasks.monitoring.records import Audit, Log
from tasks.rows import Input


class Asked(NamedTuple):
    """A row of the traffic, and the answer that was logged with it."""

    row: Input
    answer: Answer | None


class Logged(NamedTuple):
    """The rows that can be read, and how many cannot."""

    asked: list[Asked]
    malformed: int


def read_traffic(source: ContentFile, fields: Fields) -> Logged:
    """What a log of the traffic holds, in its order. Raises `ProjectError` where the file as a whole is wrong."""
    asked, malformed = list[Asked](), 0
    for row, answer in read_answered(source, fields):
        if isinstance(row, Malformed):
            malformed += 1
        else:
            asked.append(Asked(row, answer))
    return Logged(asked, malformed)


class Before(NamedTuple):
    """What earlier audits read of a log: how many rows from its beginning, and the conversations that they audited."""

    rows: int
    audited: set[str]


def log_of(keys: Sequence[str]) -> Log:
    """A log as it is known from now on, by the keys of its conversations."""
    return Log(len(keys), digest(list(keys)))


def read_before(keys: Sequence[str], audits: Sequence[Audit]) -> Before:
    """What other audits read of a log that only grows. The audit of this very log is none of them: it goes on."""
    whole = log_of(keys)
    others = [audit for audit in audits if audit.log != whole]
    begins = (
        audit.log.rows
        for audit in reversed(others)
        if audit.log.rows <= len(keys) and log_of(keys[: audit.log.rows]) == audit.log
    )
    return Before(next(begins, 0), {row.row for audit in others for row in audit.rows})
