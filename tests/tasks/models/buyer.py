"""One who buys answers to many requests, in a process or a thread of its own: python -m tests.tasks.models.buyer."""

import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tasks.models import Answer, Ledger
from tasks.models.account import Account, Attempt, Budget


def key(number: int, prefix: str = "") -> str:
    return f"{prefix}{number:0{64 - len(prefix)}}"


def budget(run: str = "one", project: str = "shop", project_cap: int | None = None, cap: int | None = None) -> Budget:
    """Caps are in nanodollars."""
    usd = [None if each is None else each / 1e9 for each in (project_cap, cap)]
    return Budget(project=project, run=run, project_usd=usd[0], run_usd=usd[1])


@contextmanager
def account(ledger: Ledger, of: Budget | None = None, lease_seconds: float = 60) -> Iterator[Account]:
    with closing(Account(ledger, of or budget(), "teach", "toy", lease_seconds)) as opened:
        yield opened


def answer(nanodollars: int) -> Answer:
    return Answer(text="said", model="toy", nanodollars=nanodollars)


def work(chance: random.Random, project: str, run: str, cap: int, keys: int) -> None:
    """Ask all keys, in any order and by any number; say which were bought. Fails where more than the cap is used."""
    ledger = Ledger()
    pending = [key(number, project) for number in range(keys)]
    chance.shuffle(pending)
    held: list[str] = []
    spent_out = False
    with account(ledger, budget(run, project, project_cap=cap)) as mine:
        while (pending and not spent_out) or held:
            chance.shuffle(held)
            parts: list[list[str]] = [[], [], []]
            for each in held[: chance.randint(1, 9)]:
                parts[min(2, chance.randrange(12))].append(each)
            tried, released, answered = parts
            wanted, pending = pending[: (size := chance.randint(0, 9))], pending[size:]
            granted = mine.step(
                [(each, answer(chance.randint(0, 5))) for each in answered],
                [Attempt(each, "timed_out", "", 5) for each in tried],
                released,
                dict.fromkeys(wanted, 5),
            )
            held = [each for each in held if each not in {*answered, *tried, *released}] + granted.claimed
            pending += [each for each in wanted if each not in {*granted.claimed, *granted.known}] + tried + released
            spent_out = granted.spent_out
            assert ledger.spent(project) <= cap
            print(json.dumps(answered), flush=True)
            if granted.elsewhere:
                time.sleep(0.001)


if __name__ == "__main__":
    work(random.Random(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
