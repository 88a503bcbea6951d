import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.errors import StoreError
from tasks.models import Ledger
from tasks.models.account import Account, Attempt, Budget, Granted
from tasks.models.ledger import Lost
from tasks.models.tables import ANSWERS, ATTEMPTS, CLAIMS, OWNERS, SPENT
from tests.tasks.models.buyer import account, answer, budget, key, work

pytestmark = pytest.mark.usefixtures("either_database")

SOON = 1.0
"""Seconds of a lease that a test can wait for, and that a busy machine does not lose between two steps."""

HOLDER = """
import json, sys
from tasks.models import Ledger
from tasks.models.account import Account, Budget
account = Account(Ledger(), Budget(project="shop", run="killed"), "teach", "toy")
print(json.dumps(account.step(wanted=json.loads(sys.argv[1])).claimed), flush=True)
sys.stdin.read()
"""


def change(ledger: Ledger, statement: sa.Update) -> None:
    with ledger.database.begin() as connection:
        connection.execute(statement)


def totals(connection: sa.Connection, table: sa.Table) -> dict[tuple[str, str], int]:
    by = (table.c.project, table.c.run)
    found = connection.execute(sa.select(*by, sa.func.sum(table.c.nanodollars)).group_by(*by))
    return {(row[0], row[1]): int(row[2] or 0) for row in found}


def check_books(ledger: Ledger) -> int:
    """What is reserved is claimed, what is spent was answered or tried, and a project's sum is that of its runs."""
    with ledger.database.begin() as connection:
        claimed, *paid = (totals(connection, table) for table in (CLAIMS, ANSWERS, ATTEMPTS))
        rows = {(row.project, row.run): row for row in connection.execute(sa.select(SPENT))}
    for place, row in rows.items():
        if place[1]:
            assert row.reserved == claimed.get(place, 0)
            assert row.spent == sum(each.get(place, 0) for each in paid)
        else:
            runs = [each for (project, run), each in rows.items() if project == place[0] and run]
            assert row.reserved == sum(each.reserved for each in runs)
            assert row.spent == sum(each.spent for each in runs)
    assert claimed.keys() <= rows.keys()
    return sum(claimed.values())


def start(seed: str, project: str, run: str, cap: int, keys: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.tasks.models.buyer", seed, project, run, str(cap), str(keys)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def killed(keys: dict[str, int]) -> list[str]:
    """What another process had claimed when it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, json.dumps(keys)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        claimed: list[str] = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    return claimed


# Claims.


def test_what_one_has_claimed_the_other_finds_elsewhere_until_it_is_answered() -> None:
    ledger = Ledger()
    with account(ledger) as one, account(ledger, budget("other")) as other:
        assert one.step(wanted={key(2): 5, key(1): 5}) == Granted([key(2), key(1)], {}, [], False)
        assert other.step(wanted={key(1): 5, key(3): 5}) == Granted([key(3)], {}, [key(1)], False)
        assert one.step(wanted={key(1): 5}).claimed == [key(1)]
        check_books(ledger)
        one.step(answered=[(key(1), answer(3))])
        assert other.step(wanted={key(1): 5, key(2): 5}) == Granted([], {key(1): answer(3)}, [key(2)], False)
        one.step(released=[key(2)])
        assert other.step(wanted={key(2): 5}).claimed == [key(2)]
        check_books(ledger)
    assert (ledger.spent("shop"), ledger.spent("shop", "one"), ledger.spent("shop", "other")) == (3, 3, 0)


def test_an_answer_recorded_between_look_up_and_claim_is_served() -> None:
    ledger = Ledger()
    with account(ledger, budget(project_cap=0)) as one:
        assert ledger.known([key(1)]) == set()
        Ledger().record("toy", [(key(1), answer(0))])
        assert one.step(wanted={key(1): 5}) == Granted([], {key(1): answer(0)}, [], False)
    assert ledger.spent("shop") == 0


def test_nothing_is_wanted_and_nothing_granted() -> None:
    with account(Ledger()) as one:
        assert one.step() == one.step(wanted={}) == Granted([], {}, [], False)


def test_closing_gives_back_what_is_claimed() -> None:
    ledger = Ledger()
    with account(ledger) as one:
        one.step(wanted={key(number): 5 for number in range(100)})
        one.step(answered=[(key(0), answer(2))])
        assert ledger.spent("shop") == 99 * 5 + 2
    assert ledger.spent("shop") == 2
    assert ledger.lost() == []
    with account(ledger) as other:
        assert len(other.step(wanted={key(number): 5 for number in range(100)}).claimed) == 99
    with ledger.database.read() as connection:
        assert connection.execute(sa.select(OWNERS)).all() == []


@pytest.mark.parametrize("shared", [True, False], ids=["one ledger", "a ledger each"])
def test_threads_buy_each_request_once(shared: bool) -> None:
    ledger, together = Ledger(), threading.Barrier(8)
    names = [key(number) for number in range(60)]

    def buy(seed: int) -> list[str]:
        mine, chance = ledger if shared else Ledger(), random.Random(seed)
        bought: list[str] = []
        with account(mine, budget(f"run {seed % 3}", f"project {seed % 2}")) as one:
            pending = names[:]
            together.wait()
            while pending:
                chance.shuffle(pending)
                granted = one.step(wanted=dict.fromkeys(pending[:20], 5))
                one.step(answered=[(each, answer(chance.randint(0, 5))) for each in granted.claimed])
                bought += granted.claimed
                pending = [each for each in pending if each not in {*granted.claimed, *granted.known}]
        return bought

    with ThreadPoolExecutor(8) as pool:
        assert Counter(each for bought in pool.map(buy, range(8)) for each in bought) == Counter(names)
    check_books(ledger)


def test_processes_buy_each_request_once_and_do_not_wait_in_a_circle() -> None:
    ledger = Ledger()
    workers = [start(f"{number}", "shop", f"run {number % 2}", 10**9, 40) for number in range(3)]
    workers.append(start("alone", "bank", "one", 10**9, 20))
    said = [worker.communicate()[0].splitlines() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    bought = Counter(each for lines in said for line in lines for each in json.loads(line))
    assert bought == Counter(
        [key(number, "shop") for number in range(40)] + [key(number, "bank") for number in range(20)]
    )
    assert check_books(ledger) == 0


# Owners.


def test_what_a_killed_process_had_claimed_passes_on_at_once_and_counts_as_spent() -> None:
    ledger = Ledger()
    with account(ledger, budget(project_cap=20)) as one:
        one.step(wanted={key(9): 1})
        assert killed({key(number): 5 for number in range(3)}) == [key(number) for number in range(3)]
        assert ledger.spent("shop") == 16
        granted = one.step(wanted={key(0): 4, key(1): 4})
        assert granted == Granted([key(0)], {}, [], True)
        assert ledger.lost("shop") == [Lost("shop", "lost", 3, 15)]
        assert (ledger.spent("shop"), ledger.spent("shop", "killed")) == (20, 15)
        check_books(ledger)


def test_whoever_opens_an_account_inherits_from_the_dead() -> None:
    ledger = Ledger()
    killed({key(1): 5})
    with account(ledger) as one:
        assert ledger.lost() == [Lost("shop", "lost", 1, 5)]
        assert one.step(wanted={key(1): 5}).claimed == [key(1)]
        check_books(ledger)


def elsewhere(ledger: Ledger, of: Account) -> None:
    """As if the account's process ran on another machine."""
    change(ledger, sa.update(OWNERS).where(OWNERS.c.owner == of.owner).values(host="another", process=1))


def test_what_another_machine_claimed_passes_on_when_its_beat_stood_still_for_a_lease() -> None:
    ledger = Ledger()
    with account(ledger, lease_seconds=SOON) as one, account(ledger, lease_seconds=SOON) as other:
        other.step(wanted={key(1): 5, key(2): 5})
        elsewhere(ledger, other)
        until = time.monotonic() + SOON
        seen = 0
        while time.monotonic() < until - 0.05:
            assert one.step(wanted={key(1): 5}).elsewhere == [key(1)]
            seen += 1
            time.sleep(0.02)
        assert seen
        time.sleep(SOON)
        assert one.step(wanted={key(1): 5}).claimed == [key(1)]
        assert ledger.lost() == [Lost("shop", "lost", 2, 10)]
        check_books(ledger)


def test_a_lease_is_only_waited_for_from_when_the_owner_is_first_seen() -> None:
    ledger = Ledger()
    with account(ledger, lease_seconds=SOON) as one, account(ledger, lease_seconds=SOON) as other:
        other.step(wanted={key(1): 5})
        elsewhere(ledger, other)
        time.sleep(SOON * 1.5)
        assert one.step(wanted={key(1): 5}).elsewhere == [key(1)]


def test_an_owner_whose_beat_moves_keeps_its_claims() -> None:
    ledger = Ledger()
    with account(ledger, lease_seconds=SOON) as one, account(ledger, lease_seconds=SOON) as other:
        other.step(wanted={key(1): 5})
        elsewhere(ledger, other)
        until = time.monotonic() + 3 * SOON
        while time.monotonic() < until:
            other.step()
            assert one.step(wanted={key(1): 5}).elsewhere == [key(1)]
            time.sleep(0.02)
    assert ledger.lost() == []


def test_who_was_taken_for_dead_and_comes_back_is_among_the_living() -> None:
    ledger = Ledger()
    with account(ledger, lease_seconds=SOON) as one, account(ledger, lease_seconds=SOON) as sleepy:
        sleepy.step(wanted={key(1): 5})
        elsewhere(ledger, sleepy)
        one.step(wanted={key(1): 5})
        time.sleep(SOON * 1.2)
        assert one.step(wanted={key(1): 5}).claimed == [key(1)]
        assert sleepy.step(answered=[(key(1), answer(4))], wanted={key(2): 5}).claimed == [key(2)]
        until = time.monotonic() + 2 * SOON
        while time.monotonic() < until:
            sleepy.step()
            assert one.step(wanted={key(2): 5}).elsewhere == [key(2)]
        assert ledger.find([key(1)]) == {key(1): answer(4)}
        assert ledger.spent("shop") == 5 + 4 + 5 + 5  # lost, bought after all, and claimed by either


# Money.


def test_what_does_not_fit_is_not_claimed_until_less_is_spent_or_the_cap_is_raised() -> None:
    ledger = Ledger()
    with account(ledger, budget(project_cap=12)) as one:
        assert one.step(wanted={key(1): 5, key(2): 5, key(3): 5, key(4): 1}) == Granted([key(1), key(2)], {}, [], True)
        assert one.step(wanted={key(3): 5}) == Granted([], {}, [], True)
        assert one.step(answered=[(key(1), answer(2))], wanted={key(3): 5}) == Granted([key(3)], {}, [], False)
        assert ledger.spent("shop") == 12
        assert "$0.0000 of budget_usd $0.0000 are spent" in one.describe()
    with account(ledger, budget(project_cap=30)) as richer:
        assert len(richer.step(wanted={key(number): 5 for number in range(2, 20)}).claimed) == 5
        check_books(ledger)


def test_a_run_is_held_to_its_own_cap_too() -> None:
    ledger = Ledger()
    with account(ledger, budget("one", project_cap=20, cap=5)) as one, account(ledger, budget("two")) as two:
        assert one.step(wanted={key(1): 5, key(2): 1}) == Granted([key(1)], {}, [], True)
        assert two.step(wanted={key(2): 100}).claimed == [key(2)]  # nobody set a cap for it
        two.step(answered=[(key(2), answer(15))])
    with account(ledger, budget("one", project_cap=20, cap=50)) as one:
        assert one.step(wanted={key(3): 6}).spent_out
        assert one.step(wanted={key(3): 5}).claimed == [key(3)]


def test_what_is_known_or_asked_by_others_needs_no_money() -> None:
    ledger = Ledger()
    ledger.record("toy", [(key(1), answer(0))])
    with account(ledger, budget(project_cap=5)) as one, account(ledger, budget("two", project_cap=5)) as two:
        one.step(wanted={key(2): 5})
        assert two.step(wanted={key(2): 5, key(1): 5}) == Granted([], {key(1): answer(0)}, [key(2)], False)
        assert one.step(wanted={key(2): 5}) == Granted([key(2)], {}, [], False)  # it is claimed already
        check_books(ledger)


def test_a_try_that_may_have_been_billed_is_spent_and_claimed_anew() -> None:
    ledger = Ledger()
    with account(ledger, budget(project_cap=10)) as one:
        one.step(wanted={key(1): 4})
        one.step(tried=[Attempt(key(1), "rate_limited", "wait", 0)])
        assert ledger.spent("shop") == 4
        assert one.step(tried=[Attempt(key(1), "timed_out", "60 s", 4)], wanted={key(1): 4}).claimed == [key(1)]
        assert ledger.spent("shop") == 8
        assert one.step(tried=[Attempt(key(1), "timed_out", "60 s", 4)], wanted={key(1): 4}).spent_out
        assert ledger.spent("shop") == 8
        check_books(ledger)


def test_a_free_request_fits_an_empty_purse() -> None:
    ledger = Ledger()
    with account(ledger, budget(project_cap=0, cap=0)) as one:
        assert one.step(wanted={key(1): 0, key(2): 1}) == Granted([key(1)], {}, [], True)


@pytest.mark.parametrize("wrong", [{"run": ""}, {"project": ""}, {"project_usd": float("inf")}, {"run_usd": -1}])
def test_a_budget_that_caps_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Budget.model_validate({"project": "shop", "run": "one"} | wrong)


def test_caps_are_whole_nanodollars() -> None:
    assert Budget(project="shop", run="one", project_usd=0.1, run_usd=1e6).caps() == {"": 10**8, "one": 10**15}


@settings(
    max_examples=15, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False), st.integers(0, 30), st.integers(0, 20))
def test_no_schedule_spends_more_than_the_caps_or_asks_twice(chance: random.Random, project_cap: int, cap: int) -> None:
    ledger, project = Ledger(), uuid.uuid4().hex
    budgets = [budget(run, project, project_cap, cap) for run in ("one", "one", "two")]
    accounts = [Account(ledger, each, "teach", "toy") for each in budgets]
    held: list[dict[str, int]] = [{}, {}, {}]
    bought: set[str] = set()
    for _ in range(14):
        who = chance.randrange(3)
        mine, parts = held[who], ([], [], [], [])
        for each in mine:
            chance.choice(parts).append(each)
        answered, tried, released, _ = parts
        over = {*answered, *released, *(each for each in tried if mine[each])}
        wanted = {
            key(number, project): chance.randint(0, 6) for number in chance.sample(range(12), chance.randint(0, 6))
        }
        free = {each for each in wanted if each not in bought.union(answered, *held) or each in over - {*answered}}
        granted = accounts[who].step(
            [(each, answer(chance.randint(0, mine[each]))) for each in answered],
            [Attempt(each, "timed_out", "", mine[each]) for each in tried],
            released,
            wanted,
        )
        bought |= set(answered)
        held[who] = {each: most for each, most in mine.items() if each not in over}
        others = {each for at, theirs in enumerate(held) if at != who for each in theirs}
        again = wanted.keys() & held[who].keys()
        assert set(granted.elsewhere) == wanted.keys() & others
        assert set(granted.known) == wanted.keys() & bought
        assert set(granted.claimed) - again <= free
        assert granted.spent_out == bool(free - set(granted.claimed))
        held[who] |= {each: wanted[each] for each in granted.claimed if each not in again}
        assert ledger.spent(project) <= project_cap
        assert all(ledger.spent(project, run) <= cap for run in ("one", "two"))
        if not chance.randrange(6):  # gives up, or dies: its beat stands still and its process is no more
            if chance.randrange(2):
                accounts[who].close()
            else:
                change(ledger, sa.update(OWNERS).where(OWNERS.c.owner == accounts[who].owner).values(process=2**22 + 1))
            accounts[who], held[who] = Account(ledger, budgets[who], "teach", "toy"), {}
    check_books(ledger)
    for each in accounts:
        each.close()
    ledger.close()


def test_threads_never_spend_more_than_the_cap() -> None:
    ledger, over = Ledger(), threading.Event()
    used: list[int] = []

    def watch() -> None:
        with Ledger().database.read() as connection:
            connection.execute(sa.select(SPENT))
        while not over.is_set():
            used.append(ledger.spent("shop"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: work(random.Random(seed), "shop", f"run {seed % 2}", 120, 60), range(4)))
    over.set()
    watcher.join()
    assert max(used) <= 120
    assert 115 < ledger.spent("shop") <= 120
    check_books(ledger)


def test_processes_never_spend_more_than_the_cap() -> None:
    ledger = Ledger()
    workers = [start(f"{number}", "shop", f"run {number % 2}", 120, 60) for number in range(2)]
    for worker in workers:
        worker.communicate()
    assert [worker.returncode for worker in workers] == [0] * 2
    assert 115 < ledger.spent("shop") <= 120
    check_books(ledger)


# One transaction.


def test_a_step_that_fails_leaves_nothing_half_done() -> None:
    ledger = Ledger()
    with account(ledger) as one:
        one.step(wanted={key(1): 5, key(2): 5})
        with pytest.raises((StoreError, OverflowError)):
            one.step(
                answered=[(key(1), answer(3))],
                tried=[Attempt(key(2), "timed_out", "", 5)],
                released=[key(2)],
                wanted={key(3): 5, key(4): 2**70},
            )
        assert ledger.known([key(1)]) == set()
        assert ledger.lost() == []
        assert ledger.spent("shop") == 10
        check_books(ledger)
        assert one.step(answered=[(key(1), answer(3))], wanted={key(3): 5}).claimed == [key(3)]


def test_processes_killed_at_any_moment_leave_the_books_right() -> None:
    ledger, chance = Ledger(), random.Random(3)
    workers = [start(f"{number}", "shop", f"run {number % 2}", 10**9, 10**4) for number in range(3)]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    said: list[str] = []
    for worker in workers:
        time.sleep(chance.uniform(0.05, 0.2))
        os.kill(worker.pid, signal.SIGKILL)
        check_books(ledger)
    for worker in workers:
        said += worker.communicate()[0].splitlines()[:-1]  # the last may be cut off
    answered = {each for line in said for each in json.loads(line)}
    assert len(ledger.known(list(answered))) == len(answered) > 20
    used = ledger.spent("shop")
    assert check_books(ledger) > 0
    with account(ledger, budget("heir")):
        assert check_books(ledger) == 0
        assert ledger.spent("shop") == used
        assert "lost" in {lost.kind for lost in ledger.lost("shop")}
