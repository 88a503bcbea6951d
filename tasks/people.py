"""What people decided on a run's rows, in the gold file and in reviews, and what that says of the teachers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tasks.artifacts import canonical
from tasks.evidence import ALL, Estimate, GoneReview, People
from tasks.reviews import Review, row_key
from tasks.rows import Output
from tasks.scorers import Fields, as_object
from tasks.statistics import mean_interval

WHOLE = "whole answer"


def reviews_by_id(rows: Sequence[Output], reviews: Mapping[str, Review]) -> dict[str, Review]:
    """The reviews of a run's rows, by the id that each row has now."""
    if not reviews:
        return {}
    keys = {row["id"]: row_key(row) for row in rows}
    return {id: reviews[key] for id, key in keys.items() if key in reviews}


def approved_answers(gold: Mapping[str, str], reviews: Mapping[str, Review]) -> dict[str, str]:
    """Approved answers by row id. A review wins over the gold file, for it was given on the row as it reads today."""
    vetoed = {id for id, review in reviews.items() if review.decision == "veto"}
    either = dict(gold) | {id: review.answer for id, review in reviews.items()}
    return {id: answer for id, answer in either.items() if id not in vetoed}


def what_people_say(
    rows: Sequence[Output], gold: Mapping[str, str], reviews: Mapping[str, Review], ever: Mapping[str, Review]
) -> People:
    """The reviews that count in a run and those whose row is gone, and how often the teachers were wrong.

    `reviews` are those of the run's rows, by id; `ever` are all that the project has, by the row's own key.
    """
    counts = Counter(review.decision for review in reviews.values())
    here = {review.row for review in reviews.values()}
    approved = approved_answers(gold, reviews)
    return People(
        approved=counts["approve"],
        corrected=counts["correct"],
        vetoed=counts["veto"],
        over_gold=sum(id in gold and approved.get(id) != gold[id] for id in reviews),
        gone=[GoneReview(id=each.id, decision=each.decision) for key, each in sorted(ever.items()) if key not in here],
        teacher_errors=list(teacher_errors(rows, gold, reviews)),
    )


def teacher_errors(
    rows: Sequence[Output], gold: Mapping[str, str], reviews: Mapping[str, Review]
) -> Iterator[Estimate]:
    """The share of each teacher's answers that differ from what people approved, with its interval, by slice.

    Answers agree where they are the same JSON value, else where they have the same words. One that failed differs. Of
    the reviewed rows outside the gold file only those drawn at random count: the doubtful ones were picked for their
    faults.
    """
    marks: dict[tuple[str, str, str, str], list[tuple[float, str]]] = {}
    for row in rows:
        part = "gold" if row["id"] in gold else "drawn"
        for metric, wrong in _wrongs(row, gold, reviews.get(row["id"])).items():
            for slice in dict.fromkeys((ALL, row["slice"])):
                marks.setdefault((row["teacher"], metric, part, slice), []).append((float(wrong), row["group"]))
    for (teacher, metric, part, slice), seen in marks.items():
        values, groups = zip(*seen, strict=True)
        interval = mean_interval(values, groups)
        yield Estimate(system=teacher, metric=metric, part=part, slice=slice, **interval._asdict())


def _wrongs(row: Output, gold: Mapping[str, str], review: Review | None) -> dict[str, bool]:
    """Whether the teacher was wrong on the whole and on each field, as far as people said."""
    if row["id"] not in gold and (review is None or not review.drawn):
        return {}
    if review is not None and review.decision == "veto":
        return {WHOLE: True} if says(row["text"]) == says(review.answer) else {}
    right = review.answer if review else gold[row["id"]]
    fields = [Fields(scorer="fields", name=name, fields=[name]) for name in as_object(right) or {}]
    wrongs = {field.name: field.score(row["text"], right).value < 1 for field in fields}
    return {WHOLE: says(row["text"]) != says(right)} | wrongs


def says(text: str) -> str:
    """What an answer says: the same for a JSON object however it is written, for a text in any spacing and case."""
    whole = as_object(text)
    return canonical(whole) if whole is not None else " ".join(text.casefold().split())
