"""The traffic that a student got: what was asked of it, and what it answered where that was logged."""

from typing import NamedTuple

from tasks.files import ContentFile
from tasks.inputs import Fields, Malformed, read_answered
from tasks.models import Answer
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
