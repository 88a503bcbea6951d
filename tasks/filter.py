"""filter: outputs → kept, dropped with reasons. Which answers are worth learning from?"""

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from prefect import task
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.artifacts import Dataset, Made, Result, Tally
from tasks.caching import BY_CONTENT
from tasks.errors import ProjectError, StageFailed
from tasks.evidence import Collapse, People
from tasks.files import File, read_models
from tasks.models import Budget, Hand
from tasks.people import approved_answers, reviews_by_id, what_people_say
from tasks.reviews import Review, Reviewed
from tasks.rows import Dropped, Kept, Output
from tasks.rules import Candidate, Drop, Judged, Keep, Pattern, Ready, Rule, Standard, collapses
from tasks.store import Store

VERSION = "5"

_GONE_NAMED = 5
_OUTCOMES = {"kept", "approved", "repaired", "failed", "vetoed"}
_NO_REVIEWS: Mapping[str, Review] = {}
NOBODY = Reviewed()


class GoldLine(BaseModel):
    """A line of the gold file: the answer that a person approved for a row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    answer: str = Field(min_length=1)


class FilterConfig(BaseModel):
    """Which rules an answer must pass, in order; cheap rules belong first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: list[Rule] = Field(description="Each keeps, repairs, or drops with a reason.")
    gold: File | None = Field(
        default=None,
        description="JSON lines: id and the approved answer, which wins over the teacher's; a review of the row wins "
        "over both.",
    )

    @model_validator(mode="after")
    def _reasons_of_their_own(self) -> "FilterConfig":
        for rule in self.rules:
            reason = rule.scorer.name if isinstance(rule, Standard) else rule.name if isinstance(rule, Pattern) else "-"
            if reason in _OUTCOMES or not reason.strip():
                raise ValueError(
                    f"rules: {reason!r} cannot be a rule's name, for the funnel counts it; name it otherwise"
                )
        return self


class Filtered(Result):
    """What is worth learning from, what is not with the reason, and what people had decided."""

    kept: Dataset
    dropped: Dataset
    collapsed: list[Collapse]
    people: People = People()

    def words(self) -> str:
        """What the stage did, which reviews found no row, and where answers are nearly all alike."""
        gone = [f"{review.decision} {review.id}" for review in self.people.gone]
        more = ", …" if len(gone) > _GONE_NAMED else ""
        named = f"; reviews of rows that are gone ({len(gone)}): {', '.join(gone[:_GONE_NAMED])}{more}" if gone else ""
        alike = [f"{each.slice} ({each.alike})" for each in self.collapsed]
        return self.tally.words() + named + (f"; nearly all alike: {', '.join(alike)}" if alike else "")


class Sifted(NamedTuple):
    """Rows in = kept + dropped."""

    kept: list[Kept]
    dropped: list[Dropped]


def read_gold(config: FilterConfig, known: Collection[str] | None = None) -> dict[str, str]:
    """Approved answers by row id.

    Raises `ProjectError` naming file, line and field where a line does not fit, or its id is not among those known.
    """
    gold: dict[str, str] = {}
    if config.gold is not None:
        for where, line in read_models(config.gold.unchanged(), GoldLine):
            if line.id in gold:
                raise ProjectError(f"{where}: field `id`: {line.id!r} is approved twice. Keep one of the answers.")
            if known is not None and line.id not in known:
                raise ProjectError(
                    f"{where}: field `id`: {line.id!r} is no row of sample.inputs. Correct or remove it."
                )
            gold[line.id] = line.answer
    return gold


def ready(rules: Sequence[Rule], hand: Hand) -> list[Ready]:
    """The rules, those that ask a model with the hand to ask it by."""
    return [rule.asking(hand) if isinstance(rule, Judged) else rule for rule in rules]


def sift(
    rows: Sequence[Output],
    rules: Sequence[Ready],
    gold: Mapping[str, str],
    reviews: Mapping[str, Review] = _NO_REVIEWS,
) -> Sifted:
    """Each row once: kept, perhaps repaired, or dropped by the first rule that says so.

    An approved answer replaces the teacher's before the first rule, and no rule drops it; a vetoed row is dropped
    before the first rule. Of several answers to one row that no rule drops, the first is kept.
    """
    approved = approved_answers(gold, reviews)
    vetoed = {id: review.note for id, review in reviews.items() if review.decision == "veto"}
    dropped = [
        Dropped(**row, reason="vetoed", evidence=vetoed[row["id"]] or "a person's veto, without a note")
        for row in rows
        if row["id"] in vetoed
    ]
    candidates = [
        Candidate(row, approved.get(row["id"], row["text"]), row["id"] in approved)
        for row in rows
        if row["id"] not in vetoed
    ]
    for rule in rules:
        passed: list[Candidate] = []
        for candidate, verdict in zip(candidates, rule.judge(candidates), strict=True):
            if candidate.approved:
                passed.append(candidate)
            elif isinstance(verdict, Drop):
                dropped.append(Dropped(**candidate.row, reason=verdict.reason, evidence=verdict.evidence))
            else:
                passed.append(_after(candidate, verdict))
        candidates = passed
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        if first.setdefault(candidate.row["id"], candidate) is not candidate:
            dropped.append(Dropped(**candidate.row, reason="other_answer", evidence="another to this row is kept"))
    reviewed = reviews.keys() - gold.keys()
    return Sifted([_kept(candidate, candidate.row["id"] in reviewed) for candidate in first.values()], dropped)


def _after(candidate: Candidate, verdict: Keep) -> Candidate:
    return candidate._replace(
        text=candidate.text if verdict.repaired is None else verdict.repaired,
        repaired=verdict.how or candidate.repaired,
        doubt=verdict.doubt or candidate.doubt,
    )


def _kept(candidate: Candidate, reviewed: bool) -> Kept:
    row = candidate.row
    return Kept(
        id=row["id"],
        messages=row["messages"],
        slice=row["slice"],
        group=row["group"],
        completion=candidate.text,
        reference=candidate.text,
        approved=candidate.approved,
        reviewed=reviewed,
        repaired=candidate.repaired,
        doubt=candidate.doubt,
    )


def outcome(row: Kept) -> str:
    """How a row came to be kept: as approved, repaired or as it was."""
    return "approved" if row["approved"] else "repaired" if row["repaired"] else "kept"


def _outcomes(sifted: Sifted) -> dict[str, int]:
    kept = Counter(outcome(row) for row in sifted.kept)
    return dict(kept + Counter(row["reason"] for row in sifted.dropped))


@task(name="filter", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def filter(config: FilterConfig, outputs: Dataset, budget: Budget, reviewed: Reviewed = NOBODY) -> Filtered:
    """Keep the answers that are worth learning from."""
    started = time.monotonic()
    rows: list[Output] = list(Store().read_rows(outputs))
    gold, ever = read_gold(config), reviewed.by_row()
    reviews = reviews_by_id(rows, ever)
    sifted = sift(rows, ready(config.rules, Hand("filter", budget)), gold, reviews)
    if not sifted.kept:
        raise StageFailed(
            f"filter: nothing is left of {len(rows)} rows ({_outcomes(sifted)}). Loosen the rule that drops most, or "
            "look at what the teacher answered."
        )
    made = Made(
        stage="filter",
        version=VERSION,
        config=config.model_dump(mode="json"),
        parents={"outputs": outputs.fingerprint}
        | ({"gold": config.gold.fingerprint} if config.gold else {})
        | ({"reviews": reviewed.fingerprint} if reviews else {}),
    )
    return Filtered(
        kept=Store().write_rows(sifted.kept, Kept, made),
        dropped=Store().write_rows(sifted.dropped, Dropped, made),
        people=what_people_say(rows, gold, reviews, ever),
        collapsed=collapses((row["slice"], row["completion"]) for row in sifted.kept),
        tally=Tally(rows_in=len(rows), outcomes=_outcomes(sifted)),
        seconds=time.monotonic() - started,
    )
