"""Made-up students: a task of four intents, its rows, and answers to them as systems would give them."""

import json
import random
from collections.abc import Callable, Sequence

from tasks.failure_modes.shown import Shown
from tasks.models import Answer
from tasks.rows import Kept, Scored
from tasks.scorers import Fields, Scorer, Terms
from tasks.systems import score, scored
from tests.tasks.toys import a_kept

INTENTS = ("refund", "exchange", "order_status", "complaint")
SCORERS: list[Scorer] = [
    Fields(scorer="fields", name="intent", fields=["intent"]),
    Terms(scorer="terms", name="voice", field="reply", required=["Fern"]),
]
Says = Callable[[Kept], str]

_OPENINGS = ("Thank you for telling us", "We have looked into it", "That should not happen", "Here is what we can do")
_SYLLABLES = ("ba", "do", "fi", "gu", "ka", "le", "mo", "nu", "pa", "ri", "so", "tu", "va", "wo", "ze")


def rows(count: int, part: str, slices: Sequence[str] = INTENTS) -> list[Kept]:
    return [a_row(f"{part}-{at}", at, slices[at % len(slices)]) for at in range(count)]


def a_row(id: str, at: int, intent: str) -> Kept:
    row = a_kept(id, f"Customer {id} writes about {intent}, and would like to hear soon.", intent)
    row["completion"] = row["reference"] = answer(intent, reply(id, at))
    return row


def reply(id: str, at: int) -> str:
    """A reply in words of its own, of two syllables each, after one of a few openings."""
    lot = random.Random(id)
    words = ["".join(lot.choices(_SYLLABLES, k=2)) for _ in range(lot.randrange(8, 24))]
    return f"{_OPENINGS[at % 4]}: {' '.join(words)}. Fern"


def answer(intent: str, text: str) -> str:
    return json.dumps({"intent": intent, "reply": text})


def right(row: Kept) -> str:
    """What a healthy student says: the right intent, in words of its own for each row."""
    return answer(row["slice"], f"A note on {row['id']}: " + row["id"].replace("-", " of the ") + " will be fine. Fern")


def wrong(row: Kept) -> str:
    other = INTENTS[(INTENTS.index(row["slice"]) + 1) % 4]
    return answer(other, f"Something else about {row['id']}. Fern")


def mostly(says: Says, otherwise: Says, one_in: int) -> Says:
    """One answer in so many is the other one's."""
    return lambda row: otherwise(row) if int(row["id"].rpartition("-")[2]) % one_in == 0 else says(row)


def teacher(row: Kept) -> str:
    return row["reference"]


def shown(
    student: Says, trained: int = 80, held: int = 80, unseen: int = 40, other: Says = teacher, base: Says = wrong
) -> Shown:
    """What a student shows that says this, beside a teacher and a base."""
    parts = {"holdout": rows(held, "held"), "unseen": rows(unseen, "new")}
    answered = [
        scored_as(system, row, part, says(row))
        for system, says in (("teacher", other), ("base", base), ("student", student))
        for part, own in parts.items()
        for row in own
    ]
    return Shown(SCORERS, rows(trained, "train"), parts["holdout"], parts["unseen"], answered)


def scored_as(system: str, row: Kept, part: str, text: str, error: str = "") -> Scored:
    answer = Answer(text=text, error=error)
    [found] = score(SCORERS, [row], [answer])
    return scored(system, row, part, answer, found)
