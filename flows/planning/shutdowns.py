"""Models and services that are known to end: what a project asks, and when it can be asked no more."""

import re
from collections.abc import Iterator

from flows.project import Project
from tasks.models import OpenAI, Service
from tasks.rules import Judged
from tasks.trainers import OpenAITrainer
from tasks.trainers.hosted.contact import Refused, contact

_NO_NEW_JOBS = "2027-01-06"
_ENDS = {
    "gpt-5": "2026-12-11",
    "gpt-5-mini": "2026-12-11",
    "gpt-5-nano": "2026-12-11",
    "gpt-4o": "2027-01-14",
    "gpt-4o-mini": "2027-01-14",
    "gpt-4.1": "2027-01-14",
    "gpt-4.1-mini": "2027-01-14",
}
"""By OpenAI's page of deprecations, as of November 2026; a fine-tuned model ends with its base."""

_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def shutdowns(project: Project) -> list[str]:
    """What the project asks that is known to end, as it is listed here, or as OpenAI says where a key is set."""
    judges = [rule.rubric.model for rule in project.filter.rules if isinstance(rule, Judged)]
    judges += [scorer.model for scorer in project.evaluate.judges()]
    asked = [*project.teach.teachers, *judges, *project.train.asked()]
    services = {each.model: each for each in asked if isinstance(each, OpenAI) and each.whose == "openai"}
    words = [f"{name} can be asked until {date}" for name, each in services.items() if (date := _end(each))]
    return words + list(_training(project))


def _training(project: Project) -> Iterator[str]:
    if isinstance(project.train, OpenAITrainer) and not project.train.base_url:
        yield (
            f"OpenAI takes no new fine-tuning jobs after {_NO_NEW_JOBS}, and a tuned model ends with its base: "
            "trainer: local, together or fireworks take the same rows"
        )


def _end(service: Service) -> str | None:
    """The date of a model's end, as the service tells it, or as it is listed."""
    base = service.model.removeprefix("ft:").partition(":")[0]
    return _told(service, base) or _ENDS.get(_SNAPSHOT.sub("", base))


def _told(service: Service, model: str) -> str | None:
    """What the models endpoint says, where a key is set and it answers."""
    if not service.api_key or service.api_key == "no-key-needed":
        return None
    try:
        with contact(service.base_url or service.address, service.api_key) as client:
            return client.models.retrieve(model).shutdown_date
    except Refused:
        return None
