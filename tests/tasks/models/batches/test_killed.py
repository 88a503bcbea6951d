"""A process that is killed with -9 at any moment of a batch: each row is answered once, and paid for once."""

import json
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import pytest

from tests.provider import Behaviour, Provider, provider_thread
from tests.provider.behaviour import Moment
from tests.tasks.models.batches.asker import HOUR, ask_until_done, balanced, questions, teacher, texts

ROWS = 1200


def start(api: str, url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.tasks.models.batches.asker", api, url, str(ROWS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def kill_at(moment: Moment, api: str, shop: Provider) -> None:
    """Let a process come to this moment, and kill it there."""
    shop.behaviour = Behaviour(batch_seconds=HOUR, hold=moment)
    process = start(api, shop.url)
    while not shop.holds.holding and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.2)  # what it has of the results by now, it takes in
    assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate()
    shop.behaviour = Behaviour(batch_seconds=HOUR)


@pytest.mark.parametrize(
    ("api", "moment"),
    [
        ("openai", "upload"),
        ("openai", "creation"),
        ("openai", "poll"),
        ("openai", "results"),
        ("anthropic", "creation"),
        ("anthropic", "poll"),
        ("anthropic", "results"),
    ],
)
def test_who_is_killed_loses_nothing_and_nothing_is_asked_twice(api: str, moment: Moment) -> None:
    with provider_thread() as shop:
        if moment in ("poll", "results"):
            shop.behaviour = Behaviour(batch_seconds=HOUR)
            assert "1 batch with 1,200 requests" in finish(start(api, shop.url))["waiting"]
            shop.clock.move(2 * HOUR)
        kill_at(moment, api, shop)
        asked = ask_until_done(shop, teacher(api, shop.url), questions(ROWS))
        assert texts(asked) == [f"answer to: {each.row}" for each in questions(ROWS)]
        assert asked.asked == ROWS
        assert shop.batches == 1
        assert Counter(each.digest for each in shop.asked).most_common(1)[0][1] == 1
        assert len(shop.asked) == ROWS
        balanced(shop)
