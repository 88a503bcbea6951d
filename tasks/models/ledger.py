"""The ledger: every answer that was ever given, under the key of its request, written before the answer is used."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from tasks.database import LEDGER, Database, placed
from tasks.files import read_models
from tasks.models.recorded import RecordedLine
from tasks.models.request import Answer
from tasks.models.tables import ANSWERS, ATTEMPTS, BATCHED, CLAIMS, METADATA, SPENT, USES

_KEYS_A_QUERY = 500
_FOUND = sa.select(ANSWERS.c.key, ANSWERS.c.answer).where(ANSWERS.c.key.in_(sa.bindparam("keys", expanding=True)))


class Cost(NamedTuple):
    """What a model's answers cost a project. `unpriced` of them have no known price; tries without one are `Lost`."""

    project: str
    stage: str
    model: str
    answers: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    nanodollars: int
    saved_nanodollars: int
    unpriced: int


class Lost(NamedTuple):
    """A project's tries that gave no answer, and the most that they may have cost."""

    project: str
    kind: str
    tries: int
    nanodollars: int


class Ledger:
    """Answers in SQLite under the store's root, or where `STILLHOUSE_LEDGER` says: a path, or a database's URL.

    Raises `StoreError` where it cannot be used.
    """

    def __init__(self, where: Path | str | None = None) -> None:
        self.database = Database(
            where or placed(*LEDGER),
            METADATA,
            "It holds every answer that was paid for: mend its disk or its server and run again; where it is damaged, "
            "restore it from a copy, or move it away to begin a new one.",
        )

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def find(self, keys: Sequence[str]) -> dict[str, Answer]:
        """The answers that are known, by key."""

        def look(connection: sa.Connection) -> dict[str, Answer]:
            return {key: answer for some in _parts(keys) for key, answer in find_answers(connection, some).items()}

        return self.database.look(look)

    def known(self, keys: Sequence[str]) -> set[str]:
        """Which of these keys have an answer."""

        def look(connection: sa.Connection) -> set[str]:
            queries = (sa.select(ANSWERS.c.key).where(ANSWERS.c.key.in_(some)) for some in _parts(keys))
            return {key for query in queries for key in connection.execute(query).scalars()}

        return self.database.look(look)

    def record(self, provider: str, answers: Iterable[tuple[str, Answer]], replace: bool = False) -> None:
        """Make answers durable; unless replaced, the first to a request stays. An answer with an error is not one."""
        rows = [answer_row(key, provider, answer) for key, answer in answers if not answer.error]
        if rows:
            self.database.write(lambda connection: connection.execute(self._upsert(replace), rows))

    def use(self, project: str, uses: Iterable[tuple[str, str]]) -> None:
        """Remember which row of a project led to which key: pairs of row id and key."""
        rows = [{"project": project, "row": row, "key": key} for row, key in uses]
        if rows:
            insert = self.database.insert(USES).on_conflict_do_nothing()
            self.database.write(lambda connection: connection.execute(insert, rows))

    def lines(self, project: str | None = None) -> Iterator[str]:
        """Every answer, or those that a project's rows led to, as a line of JSON in the format of `recorded`."""
        wanted = sa.select(ANSWERS.c.key, ANSWERS.c.provider, ANSWERS.c.answer).order_by(ANSWERS.c.key)
        if project is not None:
            wanted = wanted.where(ANSWERS.c.key.in_(sa.select(USES.c.key).where(USES.c.project == project)))
        with self.database.read() as connection:
            for key, provider, answer in connection.execution_options(yield_per=1000).execute(wanted):
                yield recorded_line(key, Answer.model_validate_json(answer), provider)

    def import_lines(self, path: Path) -> tuple[int, int]:
        """Take in a file of such lines; how many answers are new, and how many were known and stay as they are.

        Raises `ProjectError` naming file, line and field at the first line that does not fit; those before it may have
        been taken in.
        """
        lines = (line for _, line in read_models(path, RecordedLine))
        new = read = 0
        while chunk := list(islice(lines, _KEYS_A_QUERY)):
            # from the last to the first: of two answers to a request, the first stays
            rows = {line.key: answer_row(line.key, line.provider, line.answer()) for line in reversed(chunk)}
            with self.database.begin() as connection:
                new += len(rows) - len(find_answers(connection, list(rows)))
                connection.execute(self._upsert(replace=False), list(rows.values()))
            read += len(chunk)
        return new, read - new

    def costs(self, project: str | None = None) -> list[Cost]:
        """What was paid, by project, stage and model."""
        by = (ANSWERS.c.project, ANSWERS.c.stage, ANSWERS.c.model)
        sums = [sa.func.sum(ANSWERS.c[name]) for name in ("input_tokens", "cached_tokens", "output_tokens")]
        paid = [sa.func.sum(ANSWERS.c[name]) for name in ("nanodollars", "saved_nanodollars")]
        unpriced = sa.func.sum(sa.case((ANSWERS.c.nanodollars.is_(None), 1), else_=0))
        query = sa.select(*by, sa.func.count(), *sums, *paid, unpriced).group_by(*by)
        if project is not None:
            query = query.where(ANSWERS.c.project == project)
        with self.database.read() as connection:
            found = connection.execute(query.order_by(*by)).all()
        return [Cost(row[0] or "", row[1] or "", row[2] or "", *(int(each or 0) for each in row[3:])) for row in found]

    def lost(self, project: str | None = None) -> list[Lost]:
        """Tries that gave no answer, by project and kind."""
        by = (ATTEMPTS.c.project, ATTEMPTS.c.kind)
        query = sa.select(*by, sa.func.count(), sa.func.sum(ATTEMPTS.c.nanodollars)).group_by(*by).order_by(*by)
        if project is not None:
            query = query.where(ATTEMPTS.c.project == project)
        with self.database.read() as connection:
            return [Lost(row[0], row[1], int(row[2]), int(row[3])) for row in connection.execute(query)]

    def spent(self, project: str, run: str = "") -> int:
        """Nanodollars that a project, or one run of it, has spent, may have lost, or has reserved."""
        row = sa.select(SPENT.c.spent + SPENT.c.reserved).where(SPENT.c.project == project, SPENT.c.run == run)
        with self.database.read() as connection:
            return connection.execute(row).scalar() or 0

    def forget(self, project: str, row: str | None = None) -> int:
        """Remove the answers that a project, or one row of it, led to, and what was tried for them; how many it were.

        An answer that another project's rows led to as well is removed too: what a person wants forgotten is gone. What
        was spent stays counted; what is being asked stays known as this row's, to be forgotten once it is answered.
        """
        mine = sa.and_(USES.c.project == project, *([USES.c.row == row] if row is not None else []))
        with self.database.begin() as connection:
            keys = sa.select(USES.c.key).where(mine)
            if row is None:
                bought = sa.select(ANSWERS.c.key).where(ANSWERS.c.project == project)
                keys = keys.union(bought)
            tried = ATTEMPTS.c.key.in_(keys)  # answers tell which keys: they go last
            connection.execute(
                sa.delete(ATTEMPTS).where(sa.or_(tried, ATTEMPTS.c.project == project) if row is None else tried)
            )
            connection.execute(sa.delete(BATCHED).where(BATCHED.c.key.in_(keys)))
            gone = connection.execute(sa.delete(ANSWERS).where(ANSWERS.c.key.in_(keys))).rowcount
            connection.execute(sa.delete(USES).where(mine, USES.c.key.not_in(sa.select(CLAIMS.c.key))))
        return gone

    def being_asked(self, project: str, row: str | None = None) -> int:
        """How many requests of a project, or of one row of it, somebody is asking, or a batch has, now."""
        mine = sa.and_(USES.c.project == project, *([USES.c.row == row] if row is not None else []))
        keys = sa.select(USES.c.key).where(mine)
        count = sa.select(sa.func.count()).where(CLAIMS.c.key.in_(keys))
        with self.database.read() as connection:
            return int(connection.execute(count).scalar_one())

    def _upsert(self, replace: bool) -> Any:
        insert = self.database.insert(ANSWERS)
        if not replace:
            return insert.on_conflict_do_nothing()
        moved = {column.name: insert.excluded[column.name] for column in ANSWERS.columns if column.name != "key"}
        return insert.on_conflict_do_update(index_elements=["key"], set_=moved)


def _parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """The keys, as many at a time as one query takes."""
    return (keys[start : start + _KEYS_A_QUERY] for start in range(0, len(keys), _KEYS_A_QUERY))


def find_answers(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Answer]:
    """The answers that are known, by key."""
    found = connection.execute(_FOUND, {"keys": keys})
    return {key: Answer.model_validate_json(answer) for key, answer in found}


def answer_row(
    key: str,
    provider: str,
    answer: Answer,
    project: str | None = None,
    run: str | None = None,
    stage: str | None = None,
) -> dict[str, Any]:
    """An answer as a row of the ledger's table; project, run and stage are those that bought it."""
    answer = _whole(answer)
    return {
        "key": key,
        "provider": provider,
        "answer": answer.model_dump_json(),
        "recorded_at": time.time(),
        "project": project,
        "run": run,
        "stage": stage,
        "model": storable(answer.model),
        "input_tokens": answer.input_tokens,
        "cached_tokens": answer.cached_tokens,
        "output_tokens": answer.output_tokens,
        "nanodollars": answer.nanodollars,
        "saved_nanodollars": answer.saved_nanodollars,
    }


def recorded_line(key: str, answer: Answer, provider: str = "") -> str:
    """One answer as a line of JSON: the format of export, import and `recorded`."""
    always = {"key", "text", "finish_reason", "model", "input_tokens", "output_tokens", "seconds"}
    said = _whole(answer).model_dump(exclude={"error"})
    kept = {name: value for name, value in said.items() if name in always or value != Answer.model_fields[name].default}
    return json.dumps({"key": key} | ({"provider": provider} if provider else {}) | kept, ensure_ascii=False)


def storable(text: str) -> str:
    """Text that every database takes: without halves of surrogate pairs, as of an emoji cut in two, and without NUL."""
    return _unhalved(text).replace("\0", "?")


def _unhalved(text: str) -> str:
    return text.encode(errors="replace").decode()


def _whole(answer: Answer) -> Answer:
    texts = {name: value for name, value in answer if isinstance(value, str)}
    whole = {name: _unhalved(value) for name, value in texts.items()}
    return answer if whole == texts else answer.model_copy(update=whole)
