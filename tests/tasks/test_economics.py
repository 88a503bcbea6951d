from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.economics import EconomicsConfig, Making, economics
from tasks.errors import ProjectError
from tasks.evidence import Economics, Usage
from tasks.files import ContentFile
from tasks.models import AnyModel, Local, ModelWeights, OpenAI, Recorded
from tasks.models.ledger import Cost, Lost

RECORDED = Recorded(provider="recorded", answers=ContentFile(path=Path("answers.jsonl"), fingerprint="0" * 64))
LOCAL = Local(provider="local", weights=ModelWeights(reference="weights", path=Path("weights"), fingerprint="0" * 64))
HOSTED = OpenAI.model_validate({"provider": "openai", "model": "m", "price": {"input_usd": 1, "output_usd": 10}})
LISTED = {"provider": "openai", "model": "gpt-4o-mini"}
STATED = {"input_usd": 1.0, "output_usd": 10.0}
FREE = {"input_usd": 0, "output_usd": 0}
TAUGHT = 2_000


def usage(system: str, seconds: float = 0.5, **changes: float) -> Usage:
    taken = {"input_tokens": 1000.0, "output_tokens": 100.0, "seconds_median": seconds, "seconds_p95": 2 * seconds}
    return Usage.model_validate({"system": system, "rows": 100, "failed": 0, "seconds": seconds} | taken | changes)


def bought(stage: str, usd: float, unpriced: int = 0) -> Cost:
    return Cost("support", stage, "m", 10, 0, 0, 0, round(usd * 1e9), 0, unpriced)


def making(*paid: Cost, lost: float = 0.0, unbilled: int = TAUGHT, seconds: float = 3600) -> Making:
    return Making(paid, [Lost("support", "timed out", 1, round(lost * 1e9))] if lost else [], unbilled, seconds)


def found(
    made: Making,
    teacher: AnyModel = RECORDED,
    priced_as: dict[str, Any] | None = None,
    machine: float | None = 1.0,
    student: AnyModel = LOCAL,
    **of_the_teacher: float,
) -> Economics:
    config = EconomicsConfig.model_validate({"teacher_priced_as": priced_as, "machine_usd_per_hour": machine})
    models = {"teacher": teacher, "base": LOCAL, "student": student}
    return economics(config, models, [usage("teacher", **of_the_teacher), usage("base"), usage("student")], made)


def a_thousand(shown: Economics) -> dict[str, float | None]:
    return {cost.system: cost.usd_per_thousand for cost in shown.costs}


def test_a_request_costs_its_tokens_or_its_share_of_the_machine() -> None:
    shown = found(making(), priced_as=STATED, machine=7.2)
    assert a_thousand(shown) == pytest.approx({"teacher": 2.0, "base": 1.0, "student": 1.0})
    assert [cost.seconds_p95 for cost in shown.costs] == [1.0] * 3
    assert "0.5 s of a machine at $7.20 an hour, always busy" in shown.costs[2].basis


def test_a_listed_model_has_its_listed_price() -> None:
    shown = found(making(), priced_as=LISTED)
    assert a_thousand(shown)["teacher"] == pytest.approx(1000 * (1000 * 0.15 + 100 * 0.6) / 1e6)
    assert "as if bought at the listed price of openai gpt-4o-mini" in shown.words


def test_what_the_provider_caches_is_cheaper_and_said() -> None:
    shown = found(making(), priced_as=LISTED, cached_tokens=800)
    assert a_thousand(shown)["teacher"] == pytest.approx(1000 * (200 * 0.15 + 800 * 0.075 + 100 * 0.6) / 1e6)
    assert "80% of its input from the provider's cache" in shown.words


def test_a_service_is_priced_as_it_bills_and_what_it_billed_is_what_teaching_cost() -> None:
    shown = found(making(bought("teach", 4.0), bought("filter", 0.5), unbilled=0), HOSTED)
    assert a_thousand(shown)["teacher"] == pytest.approx(2.0)
    assert shown.teaching_usd == pytest.approx(4.0)
    assert shown.judging_usd == pytest.approx(0.5 + 2 * 100 * 0.5 / 3600)


def test_a_hosted_student_costs_its_price_and_no_machine() -> None:
    shown = found(making(bought("evaluate", 0.5)), priced_as=STATED, student=HOSTED)
    assert a_thousand(shown) == pytest.approx({"teacher": 2.0, "base": 1000 * 0.5 / 3600, "student": 2.0})
    assert "the stated price of m" in shown.costs[2].basis
    assert shown.judging_usd == pytest.approx(0.5 + 100 * 0.5 / 3600)


@given(st.floats(0, 3), st.floats(0, 3))
def test_means_are_priced_as_they_are(input_tokens: float, output_tokens: float) -> None:
    shown = found(making(), priced_as=STATED, input_tokens=input_tokens, output_tokens=output_tokens)
    assert a_thousand(shown)["teacher"] == pytest.approx(1000 * (input_tokens + 10 * output_tokens) / 1e6, abs=1.1e-6)


def test_no_training_costs_nothing_whatever_a_machine_does() -> None:
    assert found(making(seconds=0), machine=None).training_usd == 0


def test_what_making_it_cost_is_one_sum() -> None:
    shown = found(making(bought("filter", 1.0), lost=0.5), priced_as=STATED)
    assert shown.made_usd == pytest.approx(4.0 + 1.0 + 0.5 + 1.0 + 2 * 100 * 0.5 / 3600)
    assert found(making(bought("filter", 1.0, unpriced=1)), priced_as=STATED).made_usd is None


def test_a_recorded_teachers_answers_are_valued_as_if_they_were_bought() -> None:
    shown = found(making(), priced_as=STATED)
    assert shown.teaching_usd == pytest.approx(TAUGHT * 0.002)
    assert "teaching $4.00" in shown.words


def test_it_pays_once_what_was_saved_reaches_what_making_it_cost() -> None:
    shown = found(making(bought("filter", 1.0), lost=0.5), priced_as=STATED)
    made = 4.0 + 1.0 + 0.5 + 1.0 + 2 * 100 * 0.5 / 3600
    saved = 0.002 - 0.5 / 3600
    assert shown.requests_to_pay is not None
    assert (shown.requests_to_pay - 1) * saved < made <= shown.requests_to_pay * saved
    assert f"has paid after {shown.requests_to_pay:,} requests" in shown.words
    assert "lost at most $0.5000" in shown.words


@pytest.mark.parametrize(
    ("priced_as", "machine", "made", "pays", "words"),
    [
        (STATED, 100.0, making(), None, "it never pays, because its requests cost no less"),
        (FREE, 1.0, making(), None, "it never pays"),
        (FREE, 0.0, making(), None, "it never pays"),
        (STATED, 0.0, making(unbilled=0), 0, "it pays from the first request on"),
        (STATED, 0.0, making(), 2000, "it has paid after 2,000 requests"),
        (None, 1.0, making(), None, "is not known: nobody says what a recorded teacher costs: set economics.teacher"),
        (STATED, None, making(), None, "is not known: nobody says what its machine costs: set economics.machine"),
        (STATED, 1.0, making(bought("teach", 1, unpriced=1)), None, "a part of what teaching asked has no price"),
        (STATED, 1.0, making(bought("evaluate", 1, unpriced=1)), None, "a part of what judging asked has no price"),
    ],
)
def test_whether_and_when_it_pays_is_said_in_a_sentence(
    priced_as: dict[str, Any] | None, machine: float | None, made: Making, pays: int | None, words: str
) -> None:
    shown = found(made, priced_as=priced_as, machine=machine)
    assert shown.requests_to_pay == pays
    assert words in shown.words
    assert shown.words.endswith(".")


def test_an_unknown_price_is_no_price_of_nothing() -> None:
    shown = found(making(), machine=None)
    assert set(a_thousand(shown).values()) == {None}
    assert (shown.teaching_usd, shown.judging_usd, shown.training_usd) == (None, None, None)


def test_a_service_without_a_known_price_says_where_to_state_it() -> None:
    unlisted = OpenAI(provider="openai", model="mine", base_url="http://localhost:1/v1")
    shown = found(making(unbilled=0), unlisted)
    assert a_thousand(shown)["teacher"] is None
    assert "no price is listed for mine: state it in teach.model" in shown.words


def test_other_teachers_that_nobody_billed_leave_the_cost_of_teaching_unknown() -> None:
    shown = found(making(bought("teach", 1), unbilled=10), HOSTED)
    assert shown.teaching_usd is None
    assert "a part of what teaching asked has no price" in shown.words


@given(st.floats(0, 100), st.floats(0, 1e6), st.floats(1e-3, 100), st.floats(1e-3, 100))
def test_dearer_making_never_pays_earlier(less: float, more: float, machine: float, output_usd: float) -> None:
    price = {"input_usd": 0.0, "output_usd": output_usd}
    first = found(making(bought("teach", less)), priced_as=price, machine=machine)
    second = found(making(bought("teach", less + more)), priced_as=price, machine=machine)
    assert (first.requests_to_pay is None) == (second.requests_to_pay is None)
    assert (first.requests_to_pay or 0) <= (second.requests_to_pay or 0)


def test_a_model_whose_price_nobody_lists_is_refused_before_any_work() -> None:
    config = EconomicsConfig.model_validate({"teacher_priced_as": {"provider": "openai", "model": "gpt-nobody"}})
    with pytest.raises(ProjectError, match=r"no price is listed for gpt-nobody of openai\. Name another"):
        config.check()
    EconomicsConfig.model_validate({"teacher_priced_as": LISTED}).check()
    EconomicsConfig().check()


@pytest.mark.parametrize(
    "wrong", [{"machine_usd_per_hour": -1}, {"teacher_priced_as": {"provider": "openai"}}, {"hourly": 1}], ids=str
)
def test_a_config_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EconomicsConfig.model_validate(wrong)


def test_an_endpoint_costs_its_hour_beside_the_tokens() -> None:
    priced = {"input_usd": 1, "output_usd": 10, "endpoint_usd_per_hour": 7.2}
    student = OpenAI.model_validate({"provider": "openai", "model": "ft:m", "price": priced})
    shown = found(making(), priced_as=STATED, student=student)
    assert a_thousand(shown)["student"] == pytest.approx(2.0 + 1.0)
    assert "0.5 s of an endpoint at $7.20 an hour, always busy" in shown.costs[2].basis


def test_what_services_were_paid_for_training_is_what_training_cost() -> None:
    assert found(making(seconds=0)._replace(trained=3_000_000_000)).training_usd == pytest.approx(3.0)
    assert found(making(seconds=0)._replace(trained=None)).training_usd is None
