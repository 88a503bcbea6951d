"""A request as it came in, and whether it is one that can be answered."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.provider.behaviour import Behaviour
from tests.provider.question import Problem, Question, digest, parsed
from tests.provider.service import Api, new_id


class Arrival(NamedTuple):
    """A request as it came in; the question is missing where there is a problem with it."""

    api: Api
    request_id: str
    key: str
    digest: str
    model: str
    question: Question | None
    problem: Problem | None


def arrived(api: Api, raw: bytes, headers: Mapping[str, str]) -> Arrival:
    """Read a request, whatever is wrong with it."""
    same, model, question, problem = "", "", None, None
    try:
        body = parsed(raw)
        same, model = digest(body), str(body.get("model", ""))
        question = api.read(body)
    except Problem as found:
        problem = found
    except (AttributeError, TypeError, ValueError) as error:
        problem = Problem("malformed", detail=f"A field is of the wrong type: {error}")
    return Arrival(api, new_id("req_"), api.service.key(headers), same, model, question, problem)


def accepted(arrival: Arrival, behaviour: Behaviour) -> Question:
    """The question of a request that is in order; raises Problem for any other."""
    question = arrival.question
    if behaviour.api_keys is not None and arrival.key not in behaviour.api_keys:
        raise Problem("unauthorized", key=arrival.key)
    if question is None:
        raise arrival.problem or AssertionError("a request without a question has a problem")
    if behaviour.models is not None and question.model not in behaviour.models:
        raise Problem("no_such_model", model=question.model)
    if behaviour.context_tokens is not None and question.input_tokens > behaviour.context_tokens:
        raise Problem("context_too_long", tokens=question.input_tokens, limit=behaviour.context_tokens)
    if behaviour.reject_schemas and question.schema is not None:
        raise Problem("schema_rejected", param="response_format")
    if behaviour.reject_temperature and question.temperature not in (None, 1):
        raise Problem("temperature_rejected", temperature=question.temperature, param="temperature")
    return question
