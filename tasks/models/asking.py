"""The one way to ask a model: what the ledger knows is not asked again, what is asked is recorded before use."""

from collections.abc import Sequence
from typing import NamedTuple

from tasks.models.ledger import Ledger
from tasks.models.recorded import Recorded
from tasks.models.request import Answer, Model, Request, request_key
from tasks.progress import Progress


class Asked(NamedTuple):
    """Answers in the order of their requests, and how many of them had to be asked for."""

    answers: list[Answer]
    asked: int


def ask(model: Model, requests: Sequence[Request], ledger: Ledger, progress: Progress) -> Asked:
    """Every request's answer, from the ledger where it is known, else from the model; equal requests are asked once."""
    identity = model.identity()
    keys = [request_key(identity, request) for request in requests]
    known = ledger.find(list(dict.fromkeys(keys)))
    if isinstance(model, Recorded):  # its file may have been edited since, and it says what the model said
        known = {key: answer for key, answer in known.items() if model.still_says(key, answer)}
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
    progress.advance(len(requests) - len(missing))
    missing_keys = list(missing)
    for batch in model.answer(list(missing.values())):
        answered = {missing_keys[position]: answer for position, answer in batch}
        ledger.record(str(identity["provider"]), answered.items(), replace=isinstance(model, Recorded))
        known.update(answered)
        progress.advance(len(answered))
    return Asked([known[key] for key in keys], len(missing))
