"""kill -9 at every step of a training, one after the other on one store; the last call goes through."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.artifacts import Student
from tasks.store import Store
from tests.provider import Behaviour, Provider, provider_thread
from tests.provider.behaviour import Moment
from tests.tasks.trainers.hosted.orders import jobs, spent_usd

ROOT = Path(__file__).parents[4]
HOUR = 3600.0
MOMENTS: tuple[Moment, ...] = ("listing", "upload", "creation", "poll")
"""Before the upload, after it and before that is written down, the same of the job, and while it is waited for."""


def started(service: str, provider: Provider, *moment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.tasks.trainers.hosted.ordering", service, provider.url, *moment]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def killed_at(moment: Moment, service: str, provider: Provider) -> None:
    provider.behaviour = Behaviour(hold=moment, training_seconds=HOUR)
    with started(service, provider) as process:
        while not provider.holds.holding and process.poll() is None:
            time.sleep(0.02)
        assert process.poll() is None, f"{moment}: {process.communicate()[0]}"
        process.kill()
    provider.behaviour = Behaviour(training_seconds=HOUR)
    while provider.holds.holding:
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("service", "moments"), [("openai", MOMENTS), ("together", MOMENTS[1:3]), ("fireworks", MOMENTS[1:3])]
)
def test_a_training_that_is_killed_at_every_step_is_one_upload_one_job_and_one_charge(
    service: str, moments: tuple[Moment, ...]
) -> None:
    with provider_thread() as provider:
        for moment in moments:
            killed_at(moment, service, provider)
        provider.clock.move(HOUR)
        with started(service, provider, "saving") as process:
            assert process.stdout
            assert process.stdout.readline() == "holding\n"
            process.kill()
        said, _ = started(service, provider).communicate(timeout=60)
        assert Store().intact(Student(fingerprint=said.strip()))
        held = provider.fireworks_training.datasets if service == "fireworks" else provider.files.kept
        assert (len(held), provider.trainings.created) == (2, 1)
        billed = sum(map(provider.trainings.billed_tokens, provider.trainings.kept.values())) * 500 / 1e6
    assert [(job.state, job.reserved) for job in jobs()] == [("done", 0)]
    assert spent_usd() == pytest.approx(billed)
