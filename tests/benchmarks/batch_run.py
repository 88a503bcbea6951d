"""One entry into a stage that asks by batches: prints its batches, or how many rows have answers, and its memory."""

import json
import resource
import sys
from collections.abc import Iterator

from tasks.errors import Waiting
from tasks.models import Ledger, Question
from tasks.models.batches.records import Records
from tests.tasks.models.batches.asker import hand, question, teacher


def questions(count: int) -> Iterator[Question]:
    return (
        question(f"row {number}: " + "a request of a usual length, as customers write " * 40) for number in range(count)
    )


def main(api: str, url: str, rows: int) -> None:
    said: dict[str, object] = {}
    try:
        asked = hand(usd=None).ask(teacher(api, url), questions(rows), rows)
        said["answered"] = sum(bool(answer.text) for answer in asked.answers())
    except Waiting:
        said["batches"] = [(batch.rows, batch.bytes) for batch in Records(Ledger().database).open()]
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(said | {"mib": mib}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
