"""What systems' answers cost, what making a student cost, and after how many requests it has paid for itself.

No Prefect in here. Prices decide no answer and no score: they enter no stage and no cache key.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ProjectError
from tasks.evidence import Cost, Economics, Usage
from tasks.evidence.economics import total
from tasks.models import AnyModel, Recorded, Service
from tasks.models.ledger import Cost as Bought
from tasks.models.ledger import Lost
from tasks.models.prices import NANODOLLARS, Price, StatedPrice, Tokens, dollars

TEACHER, STUDENT = "teacher", "student"


class ListedModel(BaseModel):
    """A model whose price is listed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str = Field(min_length=1, description="Who sells it, as openai or anthropic.")
    model: str = Field(min_length=1, description="The name by which it is listed.")


class EconomicsConfig(BaseModel):
    """What answers are taken to cost where no bill says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    teacher_priced_as: ListedModel | StatedPrice | None = Field(
        default=None,
        description="What a recorded teacher's tokens are valued at: `{provider, model}` of a listed one, or a stated "
        "price, `{input_usd, output_usd}`.",
    )
    machine_usd_per_hour: float | None = Field(
        default=None,
        ge=0,
        le=1e6,
        description="What an hour of the machine costs that trains the student and answers for it.",
    )

    def check(self) -> None:
        """Raises `ProjectError` where no price is listed for the model that the teacher is priced as."""
        named = self.teacher_priced_as
        if isinstance(named, ListedModel) and not _price(named).known:
            raise ProjectError(
                f"economics.teacher_priced_as: no price is listed for {named.model} of {named.provider}. Name another "
                "model, or state its price: {input_usd: …, output_usd: …} (US dollars a million tokens)."
            )


class Making(NamedTuple):
    """What went into a student: what was bought, what was lost, requests that nobody billed, and the training's time.

    `unbilled` are requests to teachers that are no service: recorded ones, and local ones. `trained` is what
    services were paid for training, in nanodollars, None where nobody says.
    """

    bought: Sequence[Bought]
    lost: Sequence[Lost]
    unbilled: int
    training_seconds: float
    trained: int | None = 0


class _Known(NamedTuple):
    """US dollars a request, None where nobody says, and how that is known, or what would tell."""

    usd: float | None
    basis: str


def economics(
    config: EconomicsConfig, models: Mapping[str, AnyModel], usage: Sequence[Usage], making: Making
) -> Economics:
    """What each system's answers cost, and after how many requests to it, and not to the teacher, the student pays.

    `models` are the systems' by name. What nobody billed is valued at what the teacher's answers to the evaluated rows
    cost. A machine is taken to be busy all the time; one that serves a student to many at once costs less than is said
    here, for each is charged its wait.
    """
    teacher = models[TEACHER]
    known = {each.system: _request(config, each.system, models[each.system], each) for each in usage}
    own = [each for each in usage if not _sold(each.system, models[each.system])]
    unbilled = _Known(None, "") if isinstance(teacher, Service) else known[TEACHER]
    evaluating = (_times(known[each.system].usd, each.rows) for each in own)
    sums = Economics(
        costs=[_cost(each, known[each.system]) for each in usage],
        teaching_usd=total(_paid(making.bought, teaching=True), _times(unbilled.usd, making.unbilled)),
        judging_usd=total(_paid(making.bought, teaching=False), *evaluating),
        lost_usd=sum(each.nanodollars for each in making.lost) / NANODOLLARS,
        training_usd=_training(config, making),
        training_seconds=making.training_seconds,
    )
    return _paying(sums, known)


def _sold(system: str, model: AnyModel) -> bool:
    """Whether its answers are bought, or a teacher's valued as if they were; else this machine gives them."""
    return isinstance(model, Service) or (system == TEACHER and isinstance(model, Recorded))


def _request(config: EconomicsConfig, system: str, model: AnyModel, usage: Usage) -> _Known:
    if isinstance(model, Service):
        named = f"the {'stated' if model.price else 'listed'} price of {model.model}"
        field = "teach.model" if system == TEACHER else "the model that train names"
        untold = f"no price is listed for {model.model}: state it in {field}, price: {{input_usd, output_usd}}"
        return _at_endpoint(model, usage, _priced(model.prices, usage, named, untold))
    if not _sold(system, model):
        return _machine(config, usage.seconds)
    named = config.teacher_priced_as
    if named is None:
        return _Known(None, "nobody says what a recorded teacher costs: set economics.teacher_priced_as")
    called = (
        f"the listed price of {named.provider} {named.model}" if isinstance(named, ListedModel) else "stated prices"
    )
    return _priced(_price(named), usage, f"as if bought at {called}", f"{called} is not known")


def _training(config: EconomicsConfig, making: Making) -> float | None:
    """What services were paid for training, and the machine's time where it trained itself."""
    own = _machine(config, making.training_seconds).usd if making.training_seconds else 0.0
    return total(own, None if making.trained is None else making.trained / NANODOLLARS)


def _at_endpoint(model: Service, usage: Usage, tokens: _Known) -> _Known:
    """What a request costs with its share of a dedicated endpoint's hour, where the service needs one."""
    hourly = model.price.endpoint_usd_per_hour if model.price else None
    if hourly is None or tokens.usd is None:
        return tokens
    words = f"{tokens.basis}, and {usage.seconds:.3g} s of an endpoint at {_in_words(hourly)} an hour, always busy"
    return _Known(tokens.usd + hourly * usage.seconds / 3600, words)


def _price(named: ListedModel | StatedPrice) -> Price:
    if isinstance(named, StatedPrice):
        return Price("", "", None, named)
    return Price(named.model, named.provider, None, None)


def _priced(price: Price, usage: Usage, basis: str, untold: str) -> _Known:
    """What a request of the mean length costs, and how much of it the provider's cache gave."""
    counts = usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.cache_write_tokens
    cost = price.cost(Tokens(*counts))
    if cost is None:
        return _Known(None, untold)
    cached = usage.cached_tokens / usage.input_tokens if usage.input_tokens else 0.0
    return _Known(cost / NANODOLLARS, f"{basis}, {cached:.0%} of its input from the provider's cache")


def _machine(config: EconomicsConfig, seconds: float) -> _Known:
    if config.machine_usd_per_hour is None:
        return _Known(None, "nobody says what its machine costs: set economics.machine_usd_per_hour")
    hourly = _in_words(config.machine_usd_per_hour)
    return _Known(
        config.machine_usd_per_hour * seconds / 3600, f"{seconds:.3g} s of a machine at {hourly} an hour, always busy"
    )


def _cost(usage: Usage, known: _Known) -> Cost:
    return Cost(
        system=usage.system,
        usd_per_thousand=_times(known.usd, 1000),
        basis=known.basis,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        seconds_p50=usage.seconds_median,
        seconds_p95=usage.seconds_p95,
        cached_tokens=usage.cached_tokens,
    )


def _paid(bought: Sequence[Bought], teaching: bool) -> float | None:
    """What the ledger says was paid for teaching, or for all else; None where a part of it has no price."""
    own = [each for each in bought if (each.stage == "teach") == teaching]
    return None if any(each.unpriced for each in own) else sum(each.nanodollars for each in own) / NANODOLLARS


def _times(usd: float | None, count: int) -> float | None:
    return 0.0 if count == 0 else None if usd is None else usd * count


def _paying(sums: Economics, known: dict[str, _Known]) -> Economics:
    """The sums with the number of requests after which the student pays, and in words."""
    teacher, student = known[TEACHER], known[STUDENT]
    made = sums.made_usd
    if made is None or teacher.usd is None or student.usd is None:
        missing = "; ".join(dict.fromkeys(_missing(sums, teacher, student)))
        return sums.model_copy(update={"words": f"When the student pays is not known: {missing}."})
    saved = teacher.usd - student.usd
    requests = math.ceil(round(made / saved, 6)) if saved > 0 else None
    words = (
        f"{_compared(teacher, student)}; making it cost {_in_words(made)}, with all that the project "
        f"ever asked ({_parts(sums)}), {_pays(requests)}."
    )
    return sums.model_copy(update={"requests_to_pay": requests, "words": words})


def _missing(sums: Economics, teacher: _Known, student: _Known) -> Iterator[str]:
    yield from (each.basis for each in (teacher, student) if each.usd is None)
    if teacher.usd is not None and sums.teaching_usd is None:
        yield "a part of what teaching asked has no price"
    if student.usd is not None and sums.judging_usd is None:
        yield "a part of what judging asked has no price"


def _compared(teacher: _Known, student: _Known) -> str:
    own, others = (_in_words(1000 * (each.usd or 0.0)) for each in (student, teacher))
    return f"A thousand requests cost {own} with the student and {others} with the teacher ({teacher.basis})"


def _parts(sums: Economics) -> str:
    parts = {"teaching": sums.teaching_usd, "judging": sums.judging_usd, "training": sums.training_usd}
    lost = {"lost at most": sums.lost_usd} if sums.lost_usd else {}
    return ", ".join(f"{name} {_in_words(usd or 0.0)}" for name, usd in (parts | lost).items())


def _pays(requests: int | None) -> str:
    if requests is None:
        return "and it never pays, because its requests cost no less"
    return f"and it has paid after {requests:,} requests" if requests else "so it pays from the first request on"


def _in_words(usd: float) -> str:
    return dollars(round(usd * NANODOLLARS))
