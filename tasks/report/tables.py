"""Evidence as the page's tables take it: by row and column, in the order that helps most."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.evidence import ALL, Answered, Comparison, Difference, DroppedExample, Estimate, Evidence, Outcome, Reason
from tasks.report.words import shown

_EXAMPLES_SHOWN = 15
_WORST_FIRST = {"no": 0, "unsettled": 1, "yes": 2}


class Funnel(NamedTuple):
    """What became of the rows: by stage its outcomes, and by slice a count for each of them, all slices first."""

    stages: dict[str, list[Outcome]]
    rows: list[tuple[str, list[int]]]


class Heat(NamedTuple):
    """The heat map: by part and slice the student's means by metric, the weakest slices first."""

    metrics: list[str]
    rows: list[tuple[str, str, int, dict[str, Estimate]]]


def by_metric(estimates: Sequence[Estimate]) -> dict[tuple[str, str], dict[str, Estimate]]:
    """Over all slices: by part and metric each system's estimate."""
    table: dict[tuple[str, str], dict[str, Estimate]] = {}
    for estimate in estimates:
        if estimate.slice == ALL:
            table.setdefault((estimate.part, estimate.metric), {})[estimate.system] = estimate
    return dict(sorted(table.items(), key=lambda each: each[0][0]))


def by_rival(differences: Sequence[Difference]) -> dict[tuple[str, str], dict[str, Difference]]:
    """Over all slices: by part and metric the student less each other system."""
    table: dict[tuple[str, str], dict[str, Difference]] = {}
    for difference in differences:
        if difference.slice == ALL:
            table.setdefault((difference.part, difference.metric), {})[difference.versus] = difference
    return dict(sorted(table.items(), key=lambda each: each[0][0]))


def heat(estimates: Sequence[Estimate]) -> Heat:
    """The student's means by slice and metric."""
    metrics: dict[str, None] = {}
    slices: dict[tuple[str, str], dict[str, Estimate]] = {}
    for estimate in estimates:
        if estimate.system == "student" and estimate.slice != ALL:
            metrics[estimate.metric] = None
            slices.setdefault((estimate.part, estimate.slice), {})[estimate.metric] = estimate
    rows = [(part, name, next(iter(marks.values())).n, marks) for (part, name), marks in slices.items()]
    return Heat(list(metrics), sorted(rows, key=lambda row: sum(mark.mean for mark in row[3].values()) / len(row[3])))


def funnel(outcomes: Sequence[Outcome]) -> Funnel:
    """The outcomes of each stage, and rows by slice."""
    stages: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        stages.setdefault(outcome.stage, []).append(outcome)
    columns = [outcome for own in stages.values() for outcome in own]
    names = sorted({name for outcome in outcomes for name in outcome.slices})
    totals = [sum(outcome.slices.values()) for outcome in columns]
    by_slice = [(name, [outcome.slices.get(name, 0) for outcome in columns]) for name in names]
    return Funnel(stages, [("all slices", totals), *by_slice])


def examples(dropped: Sequence[DroppedExample]) -> dict[tuple[str, str], list[DroppedExample]]:
    """The examples by stage and reason, the first ones of each where slices are many."""
    by_reason: dict[tuple[str, str], list[DroppedExample]] = {}
    for example in dropped:
        by_reason.setdefault((example.stage, example.reason), []).append(example)
    return {reason: sorted(own, key=lambda each: each.slice)[:_EXAMPLES_SHOWN] for reason, own in by_reason.items()}


def teachers(errors: Sequence[Estimate]) -> dict[tuple[str, str], dict[str, dict[str, Estimate]]]:
    """The teachers' error rates: by teacher and part, by slice, by what of the answer was wrong."""
    tables: dict[tuple[str, str], dict[str, dict[str, Estimate]]] = {}
    for error in errors:
        table = tables.setdefault((error.system, error.part), {})
        table.setdefault(error.slice, {})[error.metric] = error
    return tables


def reasons_first(reasons: Sequence[Reason]) -> list[Reason]:
    """What speaks against the student first."""
    return sorted(reasons, key=lambda each: _WORST_FIRST[each.holds])


def headline(evidence: Evidence) -> str:
    """The metric that the page looks at first: of the gate's first rule that was measured by slice."""
    measured = [each.metric for each in evidence.scores.estimates if each.system == "student" and each.slice != ALL]
    ruled = [rule["metric"] for rule in evidence.config.get("promote", {}).get("rules", [])]
    return next((metric for metric in [*ruled, *measured] if metric in measured), "")


def answered(evidence: Evidence) -> list[Answered]:
    """Rows in all by part; of evidence of schema version 1, whose comparisons are all the rows, counted from these."""
    if evidence.answered:
        return evidence.answered
    parts = dict.fromkeys(sorted(row.part for row in evidence.comparisons))
    own = {part: [row for row in evidence.comparisons if row.part == part] for part in parts}
    return [
        Answered(part=part, rows=len(rows), approved=sum(row.approved for row in rows), worse=sum(map(worse, rows)))
        for part, rows in own.items()
    ]


def worse(row: Comparison) -> bool:
    """Whether the student scored below the teacher."""
    student, teacher = (row.scores.get(name, {}) for name in ("student", "teacher"))
    return sum(student[name] - teacher[name] for name in student.keys() & teacher.keys()) < 0


def student_first(answers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every system's answer, the student's beside the reference."""
    return sorted(answers.items(), key=lambda each: each[0] != "student")


def lost(scores: Mapping[str, float]) -> str:
    """On how many metrics an answer has full marks, and which it has not."""
    short = [f"{shown(name, 40)} {mark:.2g}" if mark else shown(name, 40) for name, mark in scores.items() if mark < 1]
    full = f"{len(scores) - len(short)} of {len(scores)}"
    return f"{full}; not {', '.join(short)}" if short else full


def own_judge(config: Mapping[str, Any]) -> bool:
    """Whether a rule of the filter has the teacher judge its own answers."""
    rules: list[dict[str, Any]] = config.get("filter", {}).get("rules", [])
    return any(rule.get("same_as_teacher") for rule in rules)
