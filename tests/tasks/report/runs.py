"""Evidence of runs that nobody ran: of any size, and with any text where data brings texts in."""

from typing import Any

from tasks.evidence import (
    ALL,
    Answered,
    Cause,
    Collapse,
    Comparison,
    Cost,
    Coverage,
    CurvePoint,
    Difference,
    DroppedExample,
    Economics,
    Estimate,
    Evidence,
    FailureMode,
    GoneReview,
    Judging,
    LearnedShare,
    LearningCurve,
    Measure,
    Outcome,
    People,
    PromptTried,
    Reason,
    Scores,
    StageRecord,
    Training,
    Usage,
    Wear,
)

SYSTEMS = ("teacher", "base", "student", "champion")
STAGES = ("sample", "teach", "filter", "split", "train", "evaluate", "promote")


def estimate(
    system: str, mean: float, metric: str = "intent", part: str = "holdout", slice: str = ALL, n: int = 20
) -> Estimate:
    low, high = max(0.0, mean - 0.1), min(1.0, mean + 0.1)
    return Estimate(
        system=system, metric=metric, part=part, slice=slice, mean=mean, low=low, high=high, n=n, groups=n, unjudged=0
    )


def difference(of: Estimate, versus: str) -> Difference:
    return Difference(**of.model_dump(), versus=versus, detectable=0.05)


def evidence(text: str = "text", name: str = "name", **changes: Any) -> Evidence:
    """A small run; every text that data brings in is `text`, every short name that data brings in is `name`."""
    return run(text=text, name=name).model_copy(update=changes)


def run(
    rows: int = 1, slices: int = 1, systems: int = 3, metrics: int = 1, text: str = "text", name: str = "name"
) -> Evidence:
    """A run of so many held-out rows, of which the evidence shows 240 at most."""
    asked = SYSTEMS[:systems]
    measured = ["intent", *(f"metric {number}" for number in range(1, metrics))]
    places = [name, *(f"slice-{number}" for number in range(1, slices)), "gift"]
    overall = [
        estimate(system, 0.5 + 0.1 * number, metric, n=rows)
        for metric in measured
        for number, system in enumerate(asked)
    ]
    by_slice = [
        estimate("student", 0.3 if place == "gift" else 0.4 + 0.5 * number / len(places), metric, slice=place)
        for metric in measured
        for number, place in enumerate(places)
    ]
    students = [each for each in overall if each.system == "student"]
    measure = Measure(mean=0.9, low=0.8, high=0.95, n=40, groups=40)
    return Evidence(
        project="support",
        version=3,
        verdict="promote",
        on_stage=True,
        reasons=[Reason(holds="yes", words=text[:1000]), Reason(holds="unsettled", words="more", rows_to_settle=9)],
        stages=[
            StageRecord(
                stage=stage,
                version="1",
                rows_in=rows,
                outcomes={"picked": rows - 1, "not_drawn": 1},
                seconds=100.0,
                made={"rows": "0123456789abcdef" * 4},
            )
            for stage in STAGES
        ],
        scores=Scores(
            estimates=[*overall, *by_slice],
            differences=[difference(each, versus) for each in students for versus in asked if versus != "student"],
        ),
        usage=[
            Usage(
                system=system,
                rows=rows,
                failed=1,
                input_tokens=1234.4,
                output_tokens=5.0,
                seconds=0.25,
                seconds_median=0.2,
            )
            for system in asked
        ],
        training=Training(
            rows=10,
            watched=1,
            too_long=1,
            tokens=1000,
            answer_tokens=200,
            longest_row=120,
            trained_parameters=1234567,
            steps=8,
            seconds=12.0,
            example=text,
            curve=[
                CurvePoint(step=1, epoch=0.5, train_loss=2.0, validation_loss=None),
                CurvePoint(step=2, epoch=1.0, train_loss=1.0, validation_loss=1.5),
            ],
        ),
        config={"teach": {"model": {"provider": "recorded", "model": name}}, "prompt": text[:1000]},
        versions={"prefect": "3.8.8"},
        dropped=[
            DroppedExample(reason=name, id=name, slice=place, said=text, answer=text, evidence=text) for place in places
        ],
        coverage=[Coverage(slice=place, available=20, picked=12, kinds=8, kinds_picked=6) for place in places],
        collapsed=[Collapse(slice=name, rows=60, alike="opening", share=0.95, seen=text)],
        funnel=[Outcome(stage="filter", outcome=name, leaves=True, slices=dict.fromkeys(places, 3))],
        people=People(
            corrected=2,
            gone=[GoneReview(id=name, decision="veto")],
            teacher_errors=[estimate(name, 0.2, name, "gold"), estimate(name, 0.4, name, "gold", name)],
        ),
        comparisons=[
            Comparison(
                id=f"{name}-{number}" if number else name,
                slice=places[number % len(places)],
                part="holdout",
                said=text,
                reference=text,
                approved=number % 2 == 0,
                answers=dict.fromkeys(asked, text),
                scores={
                    system: dict.fromkeys(measured, 0.5 if system == "student" and number < 100 else 1.0)
                    for system in asked
                },
                drawn=number >= 200,
            )
            for number in range(min(rows, 240))
        ],
        answered=[Answered(part="holdout", rows=rows, approved=rows // 2, worse=min(rows, 100))],
        prompts=[PromptTried(examples=3, mean=0.4, n=44)],
        learning_curve=LearningCurve(
            student="0123",
            shares=[LearnedShare(share=50, rows=5, student="0123", estimates=[estimate("student", 0.6, name)])],
            gains=[difference(estimate("student", 0.1, name), "half")],
            words=text[:1000],
        ),
        ceiling=[estimate("teacher", 0.97)],
        judging=[
            Judging(metric=name, judge=name, verdicts=40, unreadable=2, again=measure, first_wins=measure, alarm=text),
            Judging(metric="clear", judge="judge", verdicts=40, unreadable=0, across_orders=measure),
        ],
        failure_modes=[
            FailureMode(
                mode=name,
                fires="yes",
                words=text,
                threshold=0.2,
                estimates=[estimate("student", 0.3, name)],
                differences=[difference(estimate("student", 0.2, name), "teacher")],
                examples=[text],
            ),
            FailureMode(mode="style_collapse", fires="no", words="as varied as the teacher", threshold=0.7),
            FailureMode(mode="forgetting", fires="unsettled", words="too few prompts", threshold=0.05),
        ],
        economics=Economics(
            costs=[
                Cost(
                    system=system,
                    usd_per_thousand=cost,
                    basis=text[:500],
                    input_tokens=1000,
                    output_tokens=60,
                    seconds_p50=0.4,
                    seconds_p95=1.25,
                )
                for system, cost in zip(asked, (4.2, None, 0.03, 0.03), strict=False)
            ],
            judging_usd=1.5,
            lost_usd=0.25,
            teaching_usd=12.5,
            training_usd=0.08,
            training_seconds=5400.0,
            requests_to_pay=3021,
            words=text[:1000],
        ),
        causes=[Cause(cause=name, words=text[:1000]), Cause(cause="thin_slices", words="gift has few rows")],
        wear=Wear(decided=2, at_most=20, words="This holdout has decided 2 of at most 20 times."),
    )
