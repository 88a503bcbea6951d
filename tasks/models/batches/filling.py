"""A batch's file as it is filled: no more requests and no more bytes than the service takes."""

import json
from collections import deque
from collections.abc import Iterator
from typing import IO, NamedTuple

from tasks.models.batches.remote import Remote
from tasks.models.live.dispatcher import Wanted
from tasks.models.live.failures import Failure, Kind

_AT_ONCE = 500


class Line(NamedTuple):
    """A request, and how it stands in the file."""

    wanted: Wanted
    written: bytes


class Upcoming:
    """What is still to be put into batches, read as it is needed; what was taken out may be put back."""

    def __init__(self, remote: Remote, wanted: Iterator[Wanted]) -> None:
        self._remote, self._wanted = remote, wanted
        self._back: deque[Line] = deque()
        self.too_large: dict[str, Failure] = {}

    def next(self) -> Line | None:
        """The next request that a batch can hold, None after the last."""
        if self._back:
            return self._back.popleft()
        for wanted in self._wanted:
            written = json.dumps(self._remote.request(*wanted)).encode()
            if len(written) + len(self._remote.head + self._remote.tail) <= self._remote.most_bytes:
                return Line(wanted, written)
            words = f"{len(written)} bytes, and a batch holds no more than {self._remote.most_bytes}"
            self.too_large[wanted.key] = Failure(Kind.CONTEXT_TOO_LONG, words)
        return None

    def more(self) -> bool:
        """Whether there is a next one."""
        line = self.next()
        self.put_back([line] if line else [])
        return line is not None

    def put_back(self, lines: list[Line]) -> None:
        """Keep these for later, in their order."""
        self._back.extendleft(reversed(lines))


class Filling:
    """The file of one batch."""

    def __init__(self, remote: Remote, file: IO[bytes], most_rows: int) -> None:
        self._remote, self._file, self._most_rows = remote, file, min(most_rows, remote.most_rows)
        self.rows = 0
        self.bytes = file.write(remote.head)

    def fitting(self, upcoming: Upcoming) -> list[Line]:
        """Some of what comes next, as far as there is room."""
        lines: list[Line] = []
        room = self._remote.most_bytes - self.bytes - len(self._remote.tail)
        while len(lines) < min(_AT_ONCE, self._most_rows - self.rows) and (line := upcoming.next()):
            room -= len(line.written) + len(self._remote.between)
            if room < 0:
                upcoming.put_back([line])
                break
            lines.append(line)
        return lines

    def add(self, line: Line) -> None:
        """Write a request that is claimed."""
        self.bytes += self._file.write((self._remote.between if self.rows else b"") + line.written)
        self.rows += 1

    def close(self) -> None:
        """Nothing more is added: the file may be read from its beginning."""
        self.bytes += self._file.write(self._remote.tail)
        self._file.seek(0)
