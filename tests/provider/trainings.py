"""Trainings, whichever API they came through: where each stands on the provider's clock, and what it is billed."""

import json
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from aiohttp import web

from tests.provider.behaviour import Behaviour
from tests.provider.clock import Clock
from tests.provider.files_api import Files
from tests.provider.holds import Holds
from tests.provider.question import Problem, tokens

Stage = Literal["queued", "running", "done", "failed", "cancelled"]
NANODOLLARS_A_TOKEN = 500_000


class Training(NamedTuple):
    """A training as the service keeps it; `wrong` is what it finds in the file."""

    id: str
    base: str
    file: str
    validation: str
    epochs: int
    examples: int
    tokens: int
    created_at: float
    wrong: str
    asked: dict[str, Any]


class Trainings:
    """All trainings of one service, the newest last."""

    def __init__(self, behaviour: Callable[[], Behaviour], clock: Clock, holds: Holds) -> None:
        self._behaviour, self.clock, self.holds = behaviour, clock, holds
        self.kept: dict[str, Training] = {}
        self.created = self.refused = 0
        self.cancelled: dict[str, Stage] = {}

    def find(self, id: str) -> Training:
        """The training with this id; raises Problem where there is none."""
        if id not in self.kept:
            raise Problem("no_such_object", object="fine-tuning job", id=id)
        return self.kept[id]

    async def keep(self, request: web.Request, training: Training) -> None:
        """Take a training in, and answer or not, as the behaviour says."""
        if self.refused < self._behaviour().training_refusals:
            self.refused += 1
            raise Problem("rate_limited", 7.0, limited="requests", limit=1, requested=1)
        self.kept[training.id] = training
        self.created += 1
        if self._behaviour().training_unanswered and request.transport:
            request.transport.abort()
        await self.holds.at("creation", request)

    def stage(self, training: Training) -> Stage:
        """Where a training stands now."""
        if training.id in self.cancelled:
            return "cancelled"
        if training.wrong:
            return "failed"
        behaviour, passed = self._behaviour(), self.clock.now() - training.created_at
        if passed < behaviour.training_queue_seconds:
            return "queued"
        if passed < behaviour.training_queue_seconds + behaviour.training_seconds:
            return "running"
        return "failed" if behaviour.training_fails else "done"

    def words(self, training: Training) -> str:
        """Why it failed."""
        return training.wrong or self._behaviour().training_fails

    def billed_tokens(self, training: Training) -> int:
        """What is billed of it so far: all once it is done, half where it broke off."""
        whole = training.epochs * training.tokens
        stage = self.cancelled.get(training.id) or self.stage(training)
        if stage == "done":
            return whole
        return whole // 2 if stage == "running" or (stage == "failed" and not training.wrong) else 0

    def cancel(self, id: str) -> Training:
        """End a training where it stands."""
        training = self.find(id)
        self.cancelled.setdefault(id, self.stage(training))
        return training


class TrainingJobs:
    """What endpoints for jobs have in common where a job is known by its id alone."""

    def __init__(self, trainings: Trainings, files: Files) -> None:
        self.trainings, self.uploads = trainings, files

    async def retrieve(self, request: web.Request) -> web.StreamResponse:
        """How a job stands."""
        await self.trainings.holds.at("poll", request)
        return web.json_response(self.described(self.trainings.find(request.match_info["id"])))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """End a job."""
        return web.json_response(self.described(self.trainings.cancel(request.match_info["id"])))

    def described(self, training: Training) -> dict[str, Any]:
        """A job as the service says it."""
        raise NotImplementedError


def read_examples(content: bytes, least: int) -> tuple[int, int, str]:
    """How many examples are in a file, how many tokens they have, and what is wrong with them."""
    counted = 0
    lines = content.decode().splitlines()
    for number, line in enumerate(lines, start=1):
        messages = json.loads(line)["messages"]
        if messages[-1]["role"] != "assistant":
            return 0, 0, f"Line {number}: the last message must be from the assistant."
        counted += sum(tokens(message["content"]) for message in messages)
    wrong = f"Training file has {len(lines)} example(s), but must have at least {least} examples."
    return len(lines), counted, wrong if len(lines) < least else ""
