"""What ends runs elsewhere: a worker, a server and a database that go away in their midst, in the house of all."""

import time
from collections import Counter

import pytest

from tests.flows.house import House
from tests.flows.test_live_teacher import KEY, ROWS
from tests.postgres import Server
from tests.provider import Behaviour, Provider

AT_ONCE = 4
GONE_SECONDS = 3


@pytest.fixture
def house(house: House) -> House:
    return house.of("outliving")


def test_the_run_after_a_killed_one_goes_on_from_there_and_outlives_its_database_and_its_server(
    house: House, teacher: Provider, postgres: Server
) -> None:
    teacher.behaviour = Behaviour(latency_seconds=1, api_keys=(KEY, "key"))
    teacher.asked.clear()
    killed = house.begin()
    house.until(lambda: len(teacher.asked) >= AT_ONCE)
    house.kill("worker")
    house.up()
    house.crash(killed)
    already = len(teacher.asked)
    assert already < ROWS
    run = house.begin()
    house.until(lambda: len(teacher.asked) > already)
    postgres.stop()
    time.sleep(GONE_SECONDS)
    postgres.serve()
    house.until(lambda: len(teacher.asked) >= ROWS)
    house.kill("server")
    house.up()
    assert house.finished(run)["state"]["type"] == "COMPLETED"
    bought = Counter(each.digest for each in teacher.asked if each.billed)
    assert len(bought) == ROWS
    assert bought.total() - ROWS <= AT_ONCE
    assert len(house.champions()) == 1
