import multiprocessing
import os
import random
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from tasks.artifacts import Student
from tasks.errors import StoreError
from tasks.registry import Registry
from tasks.store import Store
from tests.tasks.students import student

PROCESSES, KILLED, SECONDS = 20, 15, 3.0


def disturb(number: int, root: Path) -> None:
    """Promote and roll back until killed, or told to stop; what was acknowledged is written down after it."""
    os.environ["STILLHOUSE_STORE"] = str(root)  # the fork server has the environment of the test that started it
    registry, chance = Registry(), random.Random(number)
    with (root / f"acknowledged-{number}").open("a", buffering=1) as acknowledged:
        for later in range(10_000):
            if (root / "stop").exists():
                return
            if chance.random() < 0.4:
                try:
                    registry.rollback("support", who=str(number))
                except StoreError as error:
                    if "no champion to roll back" not in str(error):
                        raise
                continue
            candidate = student(100_000 * number + later)
            moved = registry.enter("support", candidate, registry.rival("support", candidate), "promote")
            print(candidate.fingerprint, int(moved), file=acknowledged)


def kill_at_random(processes: list[BaseProcess], chance: random.Random) -> None:
    for process in chance.sample(processes, KILLED):
        time.sleep(chance.uniform(0, 2 * SECONDS / KILLED))
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)


def test_twenty_processes_that_promote_and_roll_back_and_are_killed_leave_one_champion_and_the_whole_history(
    store_root: Path,
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.tasks.registry.test_chaos"])
    store_root.mkdir(parents=True)
    processes: list[BaseProcess] = [
        context.Process(target=disturb, args=(number, store_root)) for number in range(1, PROCESSES + 1)
    ]
    for process in processes:
        process.start()
    while not Registry().moves("support"):
        time.sleep(0.05)
    kill_at_random(processes, random.Random(5))
    (store_root / "stop").touch()
    for process in processes:
        process.join()
    assert sorted(process.exitcode or 0 for process in processes) == [-signal.SIGKILL] * KILLED + [0] * (
        PROCESSES - KILLED
    )
    whole_history(store_root)


def whole_history(root: Path) -> None:
    registry = Registry()
    history, moves = registry.history("support"), registry.moves("support")
    assert [each.version for each in history] == list(range(1, len(history) + 1))
    assert [move.before for move in moves] == [None, *[move.champion for move in moves[:-1]]]
    assert registry.champion("support") == moves[-1].champion
    assert {"promoted", "rolled back"} == {move.why for move in moves}
    entered = {each.student for each in history}
    rivals = {each.student: each.rival for each in history}
    promoted = [move for move in moves if move.why == "promoted"]
    assert {move.champion for move in moves} <= entered | {None}
    assert all(move.champion and rivals[move.champion] == move.before for move in promoted)
    assert len({move.champion for move in promoted}) == len(promoted)
    told = [line.split() for path in root.glob("acknowledged-*") for line in path.read_text().splitlines()]
    assert told
    assert {Student(fingerprint=name) for name, _ in told} <= entered
    assert {Student(fingerprint=name) for name, moved in told if moved == "1"} <= {move.champion for move in promoted}
    assert all(Store().intact(move.champion) for move in moves if move.champion)
    assert registry.rollback("support") in entered | {None} if moves[-1].champion else True
