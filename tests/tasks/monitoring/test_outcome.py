from tasks.evidence import ALL, Cost, Economics, Found, Moved, Watched
from tasks.monitoring import Retrain, decide


def a_watched(found: Found, slice: str = ALL) -> Watched:
    figures = {"before": 0.95, "now": 0.85, "rows_before": 900, "rows": 200, "looks": 1, "drop": 0.1}
    return Watched(metric="intent", slice=slice, chance=1e-6, allowed=1e-4, found=found, **figures)


def a_cost(system: str, usd: float) -> Cost:
    return Cost(
        system=system,
        usd_per_thousand=usd,
        basis="",
        input_tokens=1,
        output_tokens=1,
        seconds_p50=0,
        seconds_p95=0,
        cached_tokens=0,
    )


TEXTS = Moved(about="texts", words="others", size=0.5, matters=0.1, chance=0, allowed=0.1, found="yes")
PAYS = Economics(costs=[a_cost("teacher", 3.0), a_cost("student", 0.1)], training_usd=1.0)
READY = Retrain(200, 100, PAYS, 10_000)


def test_only_a_loss_of_agreement_asks_for_a_retrain() -> None:
    assert decide([a_watched("no")], [], READY, []).state == "healthy"
    assert decide([a_watched("no")], [TEXTS], READY, []).state == "watch"
    assert decide([a_watched("perhaps")], [], READY, []).state == "watch"
    found = decide([a_watched("yes"), a_watched("yes", "gift")], [TEXTS], READY, [])
    assert found.state == "retrain"
    assert found.reasons[0] == (
        "agreement on intent fell over all rows: 85.0% of 200 rows in the last audit, 95.0% of 900 rows before; 10.0 "
        "points, by chance in 1e-06 of such looks where 0.0001 is allowed"
    )
    assert "in slice gift" in found.reasons[1]


def test_a_retrain_that_would_not_pay_or_has_too_little_is_not_asked_for_and_says_so() -> None:
    fallen = [a_watched("yes")]
    few = decide(fallen, [], READY._replace(new_rows=12), [])
    assert few.state == "watch"
    assert "12 rows were gathered since the champion learned, and monitor.new_rows asks for 100" in few.reasons[1]
    idle = decide(fallen, [], READY._replace(requests_a_year=100), [])
    assert idle.state == "watch"
    assert "would not pay: training cost $1.00, and the student saves $0.29 a year at 100 requests" in idle.reasons[1]
    unknown = READY._replace(economics=Economics(), requests_a_year=0)
    assert decide(fallen, [], unknown, []).state == "retrain"


def test_a_student_that_left_the_stage_and_an_audit_that_was_hindered_are_told() -> None:
    left = READY._replace(left="version 1 left the stage meanwhile")
    assert decide([a_watched("yes")], [], left, []).state == "watch"
    assert decide([a_watched("no")], [], left, []).reasons == ["version 1 left the stage meanwhile"]
    assert decide([a_watched("no")], [], READY, ["no traffic"]) == ("watch", ["no traffic"])
