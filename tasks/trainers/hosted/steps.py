"""The steps of a training at a service, each written down before it is taken and looked for before it is repeated.

Killed between any two of them, or left without an answer, the next call goes on from what the service has: files and
job bear the training's fingerprint.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any

from tasks.errors import StageFailed, StillhouseError, Waiting
from tasks.models import Budget, Ledger
from tasks.models.jobs import OVER, Job, Jobs
from tasks.models.prices import dollars
from tasks.rows import Kept
from tasks.trainers.hosted.contact import Refused
from tasks.trainers.hosted.examples import Sent
from tasks.trainers.hosted.trainer import HostedTrainer, Look
from tasks.trainers.local import Lesson

_UNANSWERED_SECONDS = 60.0
_LEAST_SECONDS, _MOST_SECONDS = 30.0, 600.0

logger = logging.getLogger("stillhouse.train")


def order(trainer: HostedTrainer, rows: Sequence[Kept], watched: Sequence[Kept], budget: Budget) -> Lesson:
    """Have the service train on `rows`, watching `watched`, in one job however often this is called.

    Raises `StageFailed` where the rows or the job are refused or the job fails, `Waiting` until it is done,
    `BudgetSpent` before a job that could cost more than is left.
    """
    if not rows:
        raise StageFailed("train: there is no row to learn from. Loosen the filter, or change split.")
    given = trainer.checked(rows, watched)
    model = _finished(trainer, given, budget)
    logger.info("train: %s is tuned: %s", trainer.base, model)
    return trainer.lesson(given, model)


def settle(jobs: Jobs, trainer: HostedTrainer, job: Job, look: Look) -> None:
    """Write down how a job is doing, and, once it is over, what it cost; the whole reserve where that is not told."""
    if look.state == "at work":
        jobs.record(job.fingerprint, state=look.state, words=look.words)
        return
    told = look.nanodollars if look.tokens is None else trainer.cost(look.tokens)
    untold = None if trainer.price_usd is None else job.reserved
    jobs.settle(job.fingerprint, look.state, look.words, untold if told is None else told)


def estimated(trainer: HostedTrainer, given: Sent) -> str:
    """What the training would cost at most, in words."""
    tokens = trainer.most_tokens(given)
    cost = trainer.cost(tokens)
    costs = "no price is stated" if cost is None else f"at most {dollars(cost)}"
    return f"{trainer.name} trains {trainer.base} on {len(given.learned)} rows, {tokens:,} tokens: {costs}"


def refreshed(trainer: HostedTrainer, job: Job) -> Job:
    """A training as the service has it now; as it was last known where the service does not tell."""
    if not job.job or job.state in OVER:
        return job
    jobs = Jobs(Ledger())
    try:
        with trainer.client() as client:
            settle(jobs, trainer, job, trainer.look(client, job.job))
    except Refused as refused:
        return job._replace(words=str(refused))
    return jobs.find(job.fingerprint) or job


def ended(trainer: HostedTrainer, job: Job) -> Job:
    """Have the service end a job; the training as it is then. Raises one of our errors where it does not.

    One whose creation got no answer is looked for first. What was reserved for a job that was never ordered, as by a
    process that was killed, is given back.
    """
    jobs = Jobs(Ledger())
    with jobs.held(job.fingerprint):
        job = jobs.find(job.fingerprint) or job  # as whoever held it before has left it
        try:
            with trainer.client() as client:
                if id := job.job or (_found(trainer, client, job) if job.state == "creating" else None):
                    job = jobs.record(job.fingerprint, job=id)
                    trainer.cancel(client, id)
        except Refused as refused:
            raise refused.explained(trainer.rules.service, trainer.key_name, begun=True) from refused
        if not job.job:
            jobs.drop(job.fingerprint)
            return job._replace(state="cancelled", words="it was never ordered", reserved=0)
    return refreshed(trainer, job)


def _finished(trainer: HostedTrainer, given: Sent, budget: Budget) -> str:
    """The tuned model's name."""
    jobs, most = Jobs(Ledger()), trainer.cost(trainer.most_tokens(given)) or 0
    job = jobs.begin(trainer.fingerprint(given), trainer.name, trainer.base, budget, most)
    with jobs.held(job.fingerprint):
        try:
            with trainer.client() as client:
                job = _created(jobs, trainer, client, job, given)
                look = trainer.look(client, job.job)
        except Refused as refused:
            raise _stopped(jobs, trainer, job, refused) from refused
        settle(jobs, trainer, job, look)
    if look.state == "done":
        return look.model
    about = f"train: {trainer.name} job {job.job}"
    if look.state == "at work":
        waited = (time.time() - job.created_at) / 10
        raise Waiting(f"{about}: {look.words}", min(max(waited, _LEAST_SECONDS), _MOST_SECONDS))
    raise StageFailed(
        f"{about} {'was cancelled' if look.state == 'cancelled' else 'failed'}: {look.words}. Mend what it names; "
        f"or have the same training done again, and paid again, with train.attempt: {trainer.attempt + 1}."
    )


def _stopped(jobs: Jobs, trainer: HostedTrainer, before: Job, refused: Refused) -> StillhouseError:
    """What a refusal comes to. Where nothing is ordered, and patience helps nothing, the reserve is given back."""
    job = jobs.find(before.fingerprint) or before
    if refused.certain and job.state == "creating" != before.state:
        job = jobs.record(job.fingerprint, state="begun")
    error = refused.explained(trainer.rules.service, trainer.key_name, bool(job.file))
    if job.state == "begun" and not isinstance(error, Waiting):
        jobs.drop(job.fingerprint)
    return error


def _created(jobs: Jobs, trainer: HostedTrainer, client: Any, job: Job, given: Sent) -> Job:
    """The training with its job, which is found where it is there, and else started."""
    if job.job:
        return job
    for field, content in (("file", given.train), ("validation", given.validation)):
        if content and not getattr(job, field):
            name = f"stillhouse-{job.fingerprint[:32]}-{field}.jsonl"
            id = trainer.find_file(client, name) or trainer.upload(client, name, content)
            job = jobs.record(job.fingerprint, **{field: id})
    if not all(trainer.ready(client, file) for file in (job.file, job.validation) if file):
        raise Waiting(f"train: {trainer.name} is reading the examples", _LEAST_SECONDS)
    id = _found(trainer, client, job) or _started(jobs, trainer, client, job)
    return jobs.record(job.fingerprint, job=id, state="at work")


def _found(trainer: HostedTrainer, client: Any, job: Job) -> str | None:
    """The job, where it is there. After a try that got no answer the service is given time to show what came of it."""
    id, since = trainer.find_job(client, job.fingerprint, job.file), time.time() - job.changed_at
    if id is None and job.state == "creating" and since < _UNANSWERED_SECONDS:
        words = f"train: {trainer.name} did not answer whether it started the job; looking for it"
        raise Waiting(words, _UNANSWERED_SECONDS - since)
    return id


def _started(jobs: Jobs, trainer: HostedTrainer, client: Any, job: Job) -> str:
    """A new job; that it is asked for is written down first."""
    jobs.record(job.fingerprint, state="creating")
    return trainer.create(client, job.fingerprint, job.file, job.validation)
