"""The record of every request that reached the provider, in memory and as lines of JSON."""

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

ApiName = Literal["chat", "responses", "messages"]


class Asked(BaseModel):
    """One request and what became of it; tokens are those billed, and the input's hold the cached ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str
    api: ApiName
    model: str
    digest: str
    last_user: str
    status: int
    fault: str
    billed: bool
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    started: float
    ended: float
    client_left: bool


class Log:
    """Counts requests, and keeps their records in memory, in a file or both."""

    def __init__(self, path: Path | None, memory: bool) -> None:
        self.asked: list[Asked] = []
        self.totals: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self._memory = memory
        self._file = path.open("a", encoding="utf-8") if path else None

    def add(self, asked: Asked) -> None:
        """Count the request; when this returns its line is with the operating system."""
        if self._file:
            self._file.write(asked.model_dump_json() + "\n")
            self._file.flush()
        if self._memory:
            self.asked.append(asked)
        self.statuses[asked.status] += 1
        self.faults[asked.fault] += 1
        self.totals["requests"] += 1
        self.totals["client_left"] += asked.client_left
        if asked.billed:
            self.totals["billed"] += 1
            for name in ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens"):
                self.totals[name] += getattr(asked, name)

    def counts(self) -> dict[str, Any]:
        """All counts; a request whose connection was closed without an answer has status 0."""
        faults = {fault: count for fault, count in self.faults.items() if fault}
        return {**self.totals, "statuses": dict(self.statuses), "faults": faults}

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()


def read_asked(log: Path) -> list[Asked]:
    """The records in a log that may still be growing."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    return [Asked.model_validate_json(line) for line in lines if line.endswith("\n")]
