"""The ledger: every answer that was ever given, under the key of its request, written before the answer is used."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from tasks.artifacts import store_root
from tasks.database import Database
from tasks.models.request import Answer

_METADATA = sa.MetaData()
_ANSWERS = sa.Table(
    "answers",
    _METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("provider", sa.String, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Float, nullable=False),
)
_KEYS_A_QUERY = 500


class Ledger:
    """Answers in a database under the store's root. Raises `StoreError` where it cannot be used."""

    def __init__(self, path: Path | None = None) -> None:
        self._database = Database(
            path or store_root() / "ledger.sqlite",
            _METADATA,
            "It holds every answer that was paid for: restore it from a copy, or move it away to begin a new one.",
        )

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """The answers that are known, by key."""
        found: dict[str, Answer] = {}
        with self._database.begin() as connection:
            for start in range(0, len(keys), _KEYS_A_QUERY):
                wanted = _ANSWERS.c.key.in_(keys[start : start + _KEYS_A_QUERY])
                for key, answer in connection.execute(sa.select(_ANSWERS.c.key, _ANSWERS.c.answer).where(wanted)):
                    found[key] = Answer.model_validate_json(answer)
        return found

    def record(self, provider: str, answers: Iterable[tuple[str, Answer]], replace: bool = False) -> None:
        """Make answers durable; unless replaced, the first to a request stays. An answer with an error is not one."""
        rows = [
            {"key": key, "provider": provider, "answer": answer.model_dump_json(), "recorded_at": time.time()}
            for key, answer in answers
            if not answer.error
        ]
        if rows:
            with self._database.begin() as connection:
                connection.execute(sa.insert(_ANSWERS).prefix_with("OR REPLACE" if replace else "OR IGNORE"), rows)

    def lines(self) -> Iterator[str]:
        """Every answer as a line of JSON, in the format that `recorded` reads."""
        with self._database.begin() as connection:
            for key, answer in connection.execute(
                sa.select(_ANSWERS.c.key, _ANSWERS.c.answer).order_by(_ANSWERS.c.key)
            ):
                yield recorded_line(key, Answer.model_validate_json(answer))


def recorded_line(key: str, answer: Answer) -> str:
    """One answer as a line of JSON: the format of export, import and `recorded`."""
    return json.dumps({"key": key} | answer.model_dump(exclude={"error"}), ensure_ascii=False)
