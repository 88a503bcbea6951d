"""Trainings in the ledger: reserved once, settled once, and one process at a time."""

import subprocess
import sys

import pytest

from tasks.errors import BudgetSpent, Waiting
from tasks.models import Budget, Ledger
from tasks.models.jobs import Jobs

BUDGET = Budget(project="shop", run="one", project_usd=1)
CENT = 10_000_000
HOLDING = """
import sys, time
from tasks.models import Ledger
from tasks.models.jobs import Jobs
with Jobs(Ledger()).held("a"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def jobs() -> Jobs:
    return Jobs(Ledger())


def spent() -> list[int]:
    return [Ledger().spent("shop", run) for run in ("", "one")]


def test_a_training_is_reserved_once_and_settled_once(jobs: Jobs) -> None:
    for _ in range(2):
        assert jobs.begin("a", "openai", "m", BUDGET, 30 * CENT).reserved == 30 * CENT
    assert spent() == [30 * CENT] * 2
    for _ in range(2):
        jobs.settle("a", "done", "succeeded", 12 * CENT)
    assert spent() == [12 * CENT] * 2
    assert jobs.cost("shop") == 12 * CENT


def test_what_is_reserved_is_not_there_for_another(jobs: Jobs) -> None:
    jobs.begin("a", "openai", "m", BUDGET, 70 * CENT)
    with pytest.raises(BudgetSpent, match=r"may cost \$0\.4000, and \$0\.3000 of the budget is left"):
        jobs.begin("b", "openai", "m", BUDGET, 40 * CENT)
    assert jobs.find("b") is None
    jobs.drop("a")
    jobs.begin("b", "openai", "m", BUDGET, 40 * CENT)
    assert spent() == [40 * CENT] * 2


def test_a_cost_that_nobody_tells_is_none(jobs: Jobs) -> None:
    jobs.begin("a", "openai", "m", BUDGET, 0)
    assert jobs.cost("shop") == 0
    jobs.settle("a", "done", "succeeded", None)
    assert jobs.cost("shop") is None


def test_one_process_is_at_work_on_a_training_until_it_dies(jobs: Jobs) -> None:
    jobs.begin("a", "openai", "m", BUDGET, 0)
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Waiting, match=f"process {process.pid} on .* is at work"), jobs.held("a"):
            pass
        process.kill()
    with jobs.held("a"):
        pass
