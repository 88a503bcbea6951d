"""One training at each service, however it goes: done, queued, refused, failed, cancelled, unanswered."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import BudgetSpent, ModelUnavailable, StageFailed, Waiting
from tasks.models import Budget, Hand, OpenAI, Question, Request
from tasks.store import Store
from tasks.trainers import load_student
from tests.provider import Behaviour, Provider, provider_thread
from tests.tasks.trainers.hosted.orders import ROWS, SERVICES, WATCHED, jobs, minutes_pass, ordered, spent_usd, trainer

HOURS = 3600.0


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def serving() -> Iterator[Provider]:
    with provider_thread() as provider:
        yield provider


@pytest.fixture
def provider(serving: Provider) -> Provider:
    """The module's provider with nothing in it."""
    serving.behaviour = Behaviour()
    serving.files.kept.clear()
    serving.fireworks_training.datasets.clear()
    serving.trainings.kept.clear()
    serving.trainings.cancelled.clear()
    serving.trainings.created = serving.trainings.refused = 0
    return serving


def files(provider: Provider) -> int:
    return len(provider.files.kept) + len(provider.fireworks_training.datasets)


def billed_usd(provider: Provider) -> float:
    return sum(map(provider.trainings.billed_tokens, provider.trainings.kept.values())) * 500 / 1e6


def test_a_training_gives_a_student_that_the_service_answers_for(service: str, provider: Provider) -> None:
    config = trainer(service, provider.url)
    result = ordered(config)
    assert result.tally.outcomes == {"trained": 12, "validated": 3, "too_long": 0}
    assert (result.training.method, result.training.epochs) == (service, 2)
    model = load_student(result.student).model
    assert isinstance(model, OpenAI)
    assert model.model != config.base
    assert model.prices.known
    assert (files(provider), provider.trainings.created) == (2, 1)


def test_the_very_lines_that_were_sent_are_kept(service: str, provider: Provider) -> None:
    student = Store().path(ordered(trainer(service, provider.url)).student)
    held = provider.fireworks_training.datasets if service == "fireworks" else provider.files.kept
    contents = [getattr(each, "content", each) for each in held.values()]
    assert contents == [(student / "train.jsonl").read_bytes(), (student / "validation.jsonl").read_bytes()]
    first = json.loads(contents[0].splitlines()[0])
    assert [message["role"] for message in first["messages"]] == ["user", "assistant"]


def test_what_the_service_bills_is_what_is_spent(service: str, provider: Provider) -> None:
    ordered(trainer(service, provider.url))
    [job] = jobs()
    assert (job.state, job.reserved) == ("done", 0)
    assert 0 < spent_usd() == pytest.approx(billed_usd(provider))


def test_the_same_training_is_ordered_once(service: str, provider: Provider) -> None:
    first = ordered(trainer(service, provider.url))
    again = ordered(trainer(service, provider.url))
    assert first.student == again.student
    assert (files(provider), provider.trainings.created, len(jobs())) == (2, 1, 1)
    assert spent_usd() == pytest.approx(billed_usd(provider))


def test_a_ledger_that_was_lost_finds_the_job_at_the_service(
    service: str, provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = ordered(trainer(service, provider.url))
    monkeypatch.setenv("STILLHOUSE_LEDGER", str(tmp_path / "another.sqlite"))
    assert ordered(trainer(service, provider.url)).student == first.student
    assert (files(provider), provider.trainings.created) == (2, 1)


def test_neither_a_price_nor_a_key_orders_another_training(service: str, provider: Provider) -> None:
    ordered(trainer(service, provider.url))
    moved = {"price_usd": 7, "price": {"input_usd": 3, "output_usd": 3}, "api_key_env": None}
    ordered(trainer(service, provider.url, **moved))
    assert provider.trainings.created == 1


@pytest.mark.parametrize("changes", [{"epochs": 3}, {"attempt": 2}])
def test_another_recipe_is_another_training(service: str, provider: Provider, changes: dict[str, int]) -> None:
    ordered(trainer(service, provider.url))
    ordered(trainer(service, provider.url, **changes))
    assert provider.trainings.created == 2


def test_a_job_that_is_queued_for_hours_is_waited_for(service: str, provider: Provider) -> None:
    provider.behaviour = Behaviour(training_queue_seconds=5 * HOURS, training_seconds=HOURS)
    for words in ("queued|pending", "queued|pending", "running"):
        with pytest.raises(Waiting, match=f"train: {service} job .*: ({words})") as waiting:
            ordered(trainer(service, provider.url))
        assert 30 <= waiting.value.seconds <= 600
        assert spent_usd() > 0  # it is reserved
        provider.clock.move(2.8 * HOURS)
    ordered(trainer(service, provider.url))
    assert (files(provider), provider.trainings.created) == (2, 1)


def test_a_job_that_fails_after_training_began_is_an_error_in_the_services_words(
    service: str, provider: Provider
) -> None:
    said = "The loss was not finite at step 17; the job was stopped. " + "It was NaN. " * 60 + "Contact support."
    provider.behaviour = Behaviour(training_fails=said)
    with pytest.raises(StageFailed, match="failed") as failed:
        ordered(trainer(service, provider.url))
    assert said in str(failed.value)
    assert "train.attempt: 2" in str(failed.value)
    assert 0 < spent_usd() == pytest.approx(billed_usd(provider))
    with pytest.raises(StageFailed, match="failed"):
        ordered(trainer(service, provider.url))
    assert provider.trainings.created == 1


def test_a_job_that_was_cancelled_is_an_error(service: str, provider: Provider) -> None:
    provider.behaviour = Behaviour(training_seconds=HOURS)
    with pytest.raises(Waiting):
        ordered(trainer(service, provider.url))
    provider.trainings.cancel(next(iter(provider.trainings.kept)))
    with pytest.raises(StageFailed, match="was cancelled"):
        ordered(trainer(service, provider.url))
    assert 0 < spent_usd() == pytest.approx(billed_usd(provider))


def test_a_job_whose_creation_got_no_answer_is_found_and_not_started_again(service: str, provider: Provider) -> None:
    provider.behaviour = Behaviour(training_unanswered=True)
    with pytest.raises(Waiting, match=service.capitalize().replace("ai", "AI")):
        ordered(trainer(service, provider.url))
    assert [job.state for job in jobs()] == ["creating"]
    ordered(trainer(service, provider.url))
    assert (files(provider), provider.trainings.created) == (2, 1)


def test_a_try_that_came_to_nothing_is_repeated_only_after_a_while(service: str, provider: Provider) -> None:
    provider.behaviour = Behaviour(training_unanswered=True)
    with pytest.raises(Waiting):
        ordered(trainer(service, provider.url))
    provider.behaviour = Behaviour()
    provider.trainings.kept.clear()
    provider.trainings.created = 0
    with pytest.raises(Waiting, match="did not answer whether it started the job"):
        ordered(trainer(service, provider.url))
    assert provider.trainings.created == 0
    minutes_pass()
    ordered(trainer(service, provider.url))
    assert provider.trainings.created == 1


def test_a_rate_limit_is_waited_out(service: str, provider: Provider) -> None:
    provider.behaviour = Behaviour(training_refusals=2)
    for _ in range(2):
        with pytest.raises(Waiting, match="Rate limit reached"):
            ordered(trainer(service, provider.url))
    ordered(trainer(service, provider.url))
    assert (files(provider), provider.trainings.created) == (2, 1)


def test_a_training_that_costs_more_than_is_left_is_not_begun(service: str, provider: Provider) -> None:
    with pytest.raises(BudgetSpent, match=r"may cost \$.* and \$0\.0010 of the budget is left"):
        ordered(trainer(service, provider.url), usd=0.001)
    assert (files(provider), provider.trainings.created, jobs(), spent_usd()) == (0, 0, [], 0)


def test_what_is_reserved_is_never_less_than_what_is_billed(service: str, provider: Provider) -> None:
    provider.behaviour = Behaviour(training_seconds=HOURS)
    with pytest.raises(Waiting):
        ordered(trainer(service, provider.url))
    reserved = spent_usd()
    provider.clock.move(HOURS)
    ordered(trainer(service, provider.url))
    assert reserved >= spent_usd()


def test_a_key_that_is_refused_stops_with_its_name_and_gives_the_money_back(
    service: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "sk-nobody-may-see-this")
    provider.behaviour = Behaviour(api_keys=("another",))
    with pytest.raises(ModelUnavailable, match="Set a valid key in SHOP_KEY") as refused:
        ordered(trainer(service, provider.url, api_key_env="SHOP_KEY"))
    assert "sk-nobody" not in str(refused.value)
    assert (jobs(), spent_usd()) == ([], 0)


def test_a_service_that_is_not_there_stops_before_anything_is_begun(service: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"See that train\.base_url is right"):
        ordered(trainer(service, "http://127.0.0.1:9"))
    assert (jobs(), spent_usd()) == ([], 0)


def test_rows_that_the_service_would_refuse_are_not_sent(service: str, provider: Provider) -> None:
    rows = [row | {"completion": " "} for row in ROWS[:2]]
    with pytest.raises(StageFailed, match="row 'r-0': message 2 is empty; row 'r-1': message 2 is empty") as failed:
        ordered(trainer(service, provider.url), rows, WATCHED)  # pyright: ignore[reportArgumentType]
    assert "nothing was sent" in str(failed.value)
    assert (files(provider), jobs(), spent_usd()) == (0, [], 0)


def test_what_only_the_service_finds_wrong_in_a_file_costs_nothing(provider: Provider) -> None:
    class Lenient(type(trainer("openai", ""))):  # pyright: ignore[reportGeneralTypeIssues, reportUntypedBaseClass]
        rules = trainer("fireworks", "").rules._replace(service="OpenAI")

    config = Lenient.model_validate(trainer("openai", provider.url).model_dump())
    with pytest.raises(StageFailed, match="has 5 example\\(s\\), but must have at least 10 examples"):
        ordered(config, ROWS[:5])
    assert spent_usd() == 0


def answered(model: OpenAI) -> list[str]:
    request = Request(messages=ROWS[0]["messages"], max_output_tokens=9)
    asked = Hand("evaluate", Budget(project="shop", run="run", project_usd=10)).ask(model, [Question("r", request)], 1)
    return [answer.text for answer in asked.answers()]


def test_a_tuned_model_answers_by_the_services_own_api(service: str, provider: Provider) -> None:
    model = load_student(ordered(trainer(service, provider.url)).student).model
    assert isinstance(model, OpenAI)
    assert answered(model) == ["answer to: Where is parcel 0?"]


def test_a_tuned_model_that_is_gone_stops_with_the_services_words(service: str, provider: Provider) -> None:
    model = load_student(ordered(trainer(service, provider.url)).student).model
    assert isinstance(model, OpenAI)
    provider.behaviour = Behaviour(models=("another",))
    with pytest.raises(ModelUnavailable, match=f"The model `{model.model}` does not exist"):
        answered(model)


def test_a_deployment_answers_for_a_tuned_model_and_decides_nothing_of_it(provider: Provider) -> None:
    ordered(trainer("fireworks", provider.url))
    model = load_student(ordered(trainer("fireworks", provider.url, deployment="desk")).student).model
    assert isinstance(model, OpenAI)
    assert model.model.endswith("#accounts/shop/deployments/desk")
    assert provider.trainings.created == 1
