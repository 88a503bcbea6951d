"""What ends runs elsewhere: a worker, a server and a database that go away in their midst, in the house of all."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.flows.house import House
from tests.flows.test_live_teacher import ROWS
from tests.postgres import Server
from tests.provider import Provider

AT_ONCE = 4
GONE_SECONDS = 3


@pytest.fixture
def house(house: House) -> House:
    return house.of("outliving")


@pytest.fixture
def slow(teacher: Provider) -> Iterator[Provider]:
    """The house's teacher, in whose answers there is time for faults."""
    usual = teacher.behaviour
    teacher.behaviour = usual.model_copy(update={"latency_seconds": 1.0})
    teacher.asked.clear()
    yield teacher
    teacher.behaviour = usual


def test_the_run_after_a_killed_one_goes_on_from_there_and_outlives_its_database_and_its_server(
    house: House, slow: Provider, postgres: Server
) -> None:
    killed = house.begin()
    house.until(lambda: len(slow.asked) >= AT_ONCE)
    house.kill("worker")
    house.up()
    house.crash(killed)
    already = len(slow.asked)
    assert already < ROWS
    run = house.begin()
    house.until(lambda: len(slow.asked) > already)
    postgres.stop()
    time.sleep(GONE_SECONDS)
    postgres.serve()
    house.until(lambda: len(slow.asked) >= ROWS)
    house.kill("server")
    house.up()
    assert house.finished(run)["state"]["type"] == "COMPLETED"
    bought = Counter(each.digest for each in slow.asked if each.billed)
    assert len(bought) == ROWS
    assert bought.total() - ROWS <= AT_ONCE
    assert len(house.champions()) == 1
