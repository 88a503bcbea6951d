"""A service that fails and a process that is killed: nothing is lost, misaligned or needlessly bought twice."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tasks.models import Ledger
from tasks.models.prices import Price, StatedPrice, Tokens
from tasks.models.tables import ANSWERS, ATTEMPTS, CLAIMS, SPENT
from tests.provider import Asked, Behaviour, provider_process, read_asked
from tests.tasks.models.live.asking_run import PRICE

ROWS, IN_FLIGHT, KILLS = 5_000, 64, 3
BEHAVIOUR = Behaviour(
    latency_seconds=0.1,
    latency_spread=0.5,
    error_share=0.05,
    hang_share=0.002,
    truncated_share=0.002,
    requests_per_minute=60_000,
    burst_seconds=0.05,
)
_COSTS = Price("gpt-4o-mini", "openai", None, StatedPrice(**PRICE))


def start(url: str, rows: int, *more: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.tasks.models.live.asking_run", url, str(rows), str(IN_FLIGHT)]
    return subprocess.Popen([*command, *map(str, more)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def wait_for(log: Path, billed: int, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < billed):
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()[1]


def cost(asked: Asked) -> int:
    return _COSTS.cost(Tokens(asked.input_tokens, asked.output_tokens, asked.cached_tokens)) or 0


def test_five_thousand_requests_three_kills(tmp_path: Path) -> None:
    log, draw, killed_at = tmp_path / "asked.jsonl", random.Random(), list[float]()
    with provider_process(BEHAVIOUR, log) as url:
        for kill in range(KILLS):
            process = start(url, ROWS)
            wait_for(log, ROWS * (kill + 1) // (KILLS + 2) + draw.randrange(500), process)
            process.kill()
            process.communicate()
            killed_at.append(time.time())
        said = finish(start(url, ROWS))
        time.sleep(3.2)  # what still hangs is recorded
    assert said["aligned"] == ROWS
    assert said["failed"] == 0

    asked = read_asked(log)
    billed = [each for each in asked if each.billed]
    with Ledger().database.read() as connection:
        recorded = {
            json.loads(row.answer)["request_id"]: row.nanodollars for row in connection.execute(sa.select(ANSWERS))
        }
        lost = connection.execute(sa.select(ATTEMPTS).where(ATTEMPTS.c.nanodollars > 0)).all()
        assert connection.execute(sa.select(sa.func.count()).select_from(CLAIMS)).scalar() == 0
        totals = connection.execute(sa.select(SPENT).where(SPENT.c.run == "")).one()
    assert len(recorded) == ROWS

    # to the cent: what the ledger paid and what was lost on its way is what the provider billed
    assert all(recorded[each.request_id] == cost(each) for each in billed if each.request_id in recorded)
    gone = [each for each in billed if each.request_id not in recorded]
    assert sum(recorded.values()) + sum(map(cost, gone)) == sum(map(cost, billed))
    assert sum(map(cost, gone)) <= sum(row.nanodollars for row in lost)
    assert totals.spent == sum(recorded.values()) + sum(row.nanodollars for row in lost)
    assert totals.reserved == 0

    # bought twice is only what was in flight at a kill, or came back broken
    in_flight = Counter[float]()
    for each in gone:
        if each.fault:
            continue
        kill = min((at for at in killed_at if at >= each.started), default=0.0)
        assert kill, f"{each} was in flight at no kill"
        assert each.ended > kill - 1.0
        in_flight[kill] += 1
    assert max(in_flight.values(), default=0) <= IN_FLIGHT
    assert max(Counter(each.digest for each in billed).values()) <= 1 + KILLS + 2


def test_on_sigterm_nothing_is_bought_twice(tmp_path: Path) -> None:
    log = tmp_path / "asked.jsonl"
    with provider_process(Behaviour(latency_seconds=0.3), log) as url:
        for number in (signal.SIGTERM, signal.SIGINT):
            process = start(url, 1_000)
            wait_for(log, len(read_asked(log)) + 150 if log.exists() else 150, process)
            process.send_signal(number)
            process.communicate(timeout=30)
            assert process.returncode in {-number, 1}
        assert finish(start(url, 1_000))["aligned"] == 1_000
    assert Counter(Counter(each.digest for each in read_asked(log)).values()) == Counter({1: 1_000})


def test_one_edited_row_is_one_request(tmp_path: Path) -> None:
    log = tmp_path / "asked.jsonl"
    with provider_process(Behaviour(), log) as url:
        assert finish(start(url, 1_000))["asked"] == 1_000
        assert finish(start(url, 1_000, 500)) == {"aligned": 1_000, "asked": 1, "failed": 0}
    assert len(read_asked(log)) == 1_001


def test_two_processes_share_the_work(tmp_path: Path) -> None:
    log = tmp_path / "asked.jsonl"
    with provider_process(Behaviour(latency_seconds=0.05), log) as url:
        both = [start(url, 1_500), start(url, 1_500)]
        said = [finish(process) for process in both]
    assert [each["aligned"] for each in said] == [1_500, 1_500]
    assert sum(each["asked"] for each in said) == len(read_asked(log)) == 1_500
