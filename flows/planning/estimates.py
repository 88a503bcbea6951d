"""How much of what a model would be asked the ledger does not know, and what asking that costs."""

from collections.abc import Sequence

from tasks.models import AnyModel, Batched, Ledger, Question, Service, estimate, request_key


def asks(teacher: AnyModel, asked: Sequence[Question]) -> str:
    """Which service is still to be asked how much of it, and what that costs."""
    name = f"{teacher.model}: " if isinstance(teacher, Service) else ""
    return name + costs(teacher, asked)


def costs(model: Batched | Service, asked: Sequence[Question]) -> str:
    """How much of it a model is still to be asked, and what that costs."""
    if isinstance(model, Service):
        return estimate(model, asked, Ledger()).words()
    identity = model.identity()
    keys = {request_key(identity, question.request) for question in asked}
    to_ask = len(keys) - len(Ledger().known(list(keys)))
    return (
        f"{to_ask} of {len(keys)} requests to ask, the rest is in the ledger; {identity['provider']}, so costs nothing"
    )
