import multiprocessing
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.artifacts import Dataset, Student
from tasks.errors import StoreError
from tasks.registry import Registry, Version
from tasks.store import Store
from tests.tasks.students import student

pytestmark = pytest.mark.usefixtures("either_database")


def promoted(registry: Registry, number: int, project: str = "support") -> bool:
    """Enter a student that beat whoever is on stage."""
    return registry.enter(project, student(number), registry.rival(project, student(number)), "promote")


def test_nobody_is_on_stage_at_first() -> None:
    registry = Registry()
    assert registry.champion("support") is None
    assert registry.history("support") == []


def test_a_promoted_student_goes_on_stage_and_stays_there_for_whoever_asks() -> None:
    assert promoted(Registry(), 1)
    assert Registry().champion("support") == student(1)


@pytest.mark.parametrize("verdict", ["reject", "inconclusive"])
def test_a_student_that_was_not_promoted_is_recorded_and_stays_off_stage(verdict: str) -> None:
    registry = Registry()
    promoted(registry, 1)
    assert not registry.enter("support", student(2), student(1), verdict)
    assert registry.champion("support") == student(1)
    assert [(each.version, each.student, each.rival, each.verdict) for each in registry.history("support")] == [
        (1, student(1), None, "promote"),
        (2, student(2), student(1), verdict),
    ]


def test_entering_a_student_again_changes_nothing() -> None:
    registry = Registry()
    promoted(registry, 1)
    promoted(registry, 2)
    history = registry.history("support")
    assert not registry.enter("support", student(1), student(2), "promote")
    assert not promoted(registry, 2)
    assert registry.history("support") == history
    assert registry.champion("support") == student(2)


def test_a_student_entered_again_after_a_rollback_does_not_return() -> None:
    registry = Registry()
    promoted(registry, 1)
    promoted(registry, 2)
    registry.rollback("support")
    assert not promoted(registry, 2)
    assert registry.champion("support") == student(1)


def test_a_candidate_whose_rival_has_left_the_stage_does_not_go_on() -> None:
    registry = Registry()
    promoted(registry, 1)
    promoted(registry, 2)
    assert not registry.enter("support", student(3), student(1), "promote")
    assert not registry.enter("support", student(4), None, "promote")
    assert registry.champion("support") == student(2)
    assert len(registry.history("support")) == 4


def test_a_rival_is_the_champion_or_for_a_student_judged_before_its_rival_then() -> None:
    registry = Registry()
    assert registry.rival("support", student(1)) is None
    promoted(registry, 1)
    promoted(registry, 2)
    promoted(registry, 3)
    assert registry.rival("support", student(4)) == student(3)
    assert registry.rival("support", student(2)) == student(1)
    assert registry.rival("support", student(1)) is None


def test_a_rollback_returns_to_the_one_before_and_at_last_to_nobody() -> None:
    registry = Registry()
    for number in (1, 2, 3):
        promoted(registry, number)
    assert registry.rollback("support") == student(2)
    assert registry.rollback("support") == student(1)
    assert registry.champion("support") == student(1)
    assert registry.rollback("support") is None
    assert registry.champion("support") is None


def test_a_rollback_skips_what_was_rolled_back_before() -> None:
    registry = Registry()
    promoted(registry, 1)
    promoted(registry, 2)
    registry.rollback("support")
    promoted(registry, 3)
    assert registry.rollback("support") == student(1)


def test_a_rollback_of_nobody_says_what_to_do() -> None:
    with pytest.raises(StoreError, match="support has no champion to roll back"):
        Registry().rollback("support")


def test_after_a_rollback_to_nobody_the_stage_is_free() -> None:
    registry = Registry()
    promoted(registry, 1)
    registry.rollback("support")
    assert promoted(registry, 2)
    assert registry.champion("support") == student(2)


def test_projects_do_not_see_each_other() -> None:
    registry = Registry()
    promoted(registry, 1, "support")
    promoted(registry, 1, "billing")
    promoted(registry, 2, "billing")
    assert registry.champion("support") == student(1)
    assert [each.version for each in registry.history("billing")] == [1, 2]


moves = st.lists(st.sampled_from(["promote", "reject", "rollback"]), max_size=10)


@settings(deadline=None, max_examples=20)
@given(moves=moves)
def test_the_champion_is_the_top_of_the_stack_of_promotions(
    tmp_path_factory: pytest.TempPathFactory, moves: list[str]
) -> None:
    registry = Registry(tmp_path_factory.mktemp("registry") / "registry.sqlite")
    stack: list[Student] = []
    for number, move in enumerate(moves):
        if move == "promote":
            promoted(registry, number)
            stack.append(student(number))
        elif move == "reject":
            registry.enter("support", student(number), registry.champion("support"), "reject")
        elif stack:
            stack.pop()
            registry.rollback("support")
        assert registry.champion("support") == (stack[-1] if stack else None)
    assert [each.version for each in registry.history("support")] == list(
        range(1, len(moves) - moves.count("rollback") + 1)
    )


def test_a_file_that_is_no_registry_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite").write_text("no database, but long enough to look like one " * 50)
    with pytest.raises(StoreError, match=r"registry\.sqlite cannot be used"):
        Registry(tmp_path / "registry.sqlite")


def test_a_place_that_cannot_be_written_is_refused_by_name(store_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STILLHOUSE_REGISTRY", raising=False)
    store_root.write_text("a file in the folder's place")
    with pytest.raises(StoreError, match="registry"):
        Registry()


class Entered(NamedTuple):
    """What one of several processes did: whether its first student moved the champion, and which it saw there."""

    moved: bool
    seen: Student | None


def enter_in_a_process(path: Path, number: int) -> Entered:
    registry = Registry(path)
    moved = registry.enter("support", student(number), None, "promote")
    for later in range(1, 6):
        promoted(registry, 100 * number + later)
    registry.enter("support", student(99), None, "reject")
    return Entered(moved, registry.champion("support"))


def test_of_several_processes_one_puts_the_first_student_on_stage_and_no_version_is_lost(store_root: Path) -> None:
    path = store_root / "registry.sqlite"
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        entered = pool.starmap(enter_in_a_process, [(path, number) for number in (1, 2, 3)], chunksize=1)
    assert sum(each.moved for each in entered) == 1
    registry = Registry(path)
    history = registry.history("support")
    assert [each.version for each in history] == list(range(1, 3 * 6 + 1 + 1))
    assert len({each.student for each in history}) == len(history)
    assert registry.champion("support") in {each.seen for each in entered}
    returned = [registry.champion("support")]
    while returned[-1] is not None:
        returned.append(registry.rollback("support"))
    assert len(returned) == len(set(returned))
    assert {each for each in returned if each} <= {each.student for each in history if each.verdict == "promote"}


def test_a_student_that_was_rejected_may_pass_another_gate_later() -> None:
    registry = Registry()
    assert not registry.enter("support", student(1), None, "reject")
    assert registry.enter("support", student(1), None, "promote")
    assert registry.champion("support") == student(1)
    assert [(each.version, each.verdict) for each in registry.history("support")] == [(1, "promote")]


def test_a_student_that_was_overtaken_is_compared_with_the_champion_of_now() -> None:
    registry = Registry()
    promoted(registry, 1)
    assert not registry.enter("support", student(2), None, "promote")
    assert registry.rival("support", student(2)) == student(1)
    assert registry.enter("support", student(2), student(1), "promote")
    assert registry.champion("support") == student(2)


def test_what_a_version_was_judged_on_is_recorded() -> None:
    holdout = Dataset(fingerprint="f" * 64, rows=142)
    Registry().enter("support", student(1), None, "reject", holdout)
    assert [each.holdout for each in Registry().history("support")] == [holdout]


def held(number: int) -> Dataset:
    return Dataset(fingerprint=f"{number:064x}", rows=number)


def test_what_was_held_out_is_remembered_but_for_what_the_last_split_held_out_itself() -> None:
    registry = Registry()
    for split, numbers in (("b", (1, 2)), ("a", (3,)), ("b", (1, 4))):
        registry.hold_out("support", split, [held(number) for number in numbers])
    registry.hold_out("billing", "c", [held(5)])
    assert registry.held_out("support", again="b") == [held(1), held(2), held(3)]
    assert registry.held_out("support", again="a") == registry.held_out("support", again="new")
    registry.hold_out("support", "c", [held(0), held(6)])
    assert registry.held_out("support", again="c") == [held(1), held(2), held(3), held(4)]
    assert registry.held_out("support", again="new") == [held(1), held(2), held(3), held(4), held(6)]


OLD_SCHEMA = """
CREATE TABLE versions (project VARCHAR NOT NULL, version INTEGER NOT NULL, student VARCHAR(64) NOT NULL,
    rival VARCHAR(64), verdict VARCHAR NOT NULL, entered_at FLOAT NOT NULL,
    PRIMARY KEY (project, version), UNIQUE (project, student));
CREATE TABLE moves (number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, project VARCHAR NOT NULL,
    champion VARCHAR(64), before VARCHAR(64), why VARCHAR NOT NULL, moved_at FLOAT NOT NULL);
CREATE TABLE held_out (project VARCHAR NOT NULL, split VARCHAR(64) NOT NULL, dataset VARCHAR(64) NOT NULL,
    rows INTEGER NOT NULL, PRIMARY KEY (project, split, dataset));
INSERT INTO versions VALUES ('support', 1, :one, NULL, 'promote', 1.5), ('support', 2, :two, :one, 'promote', 2.5);
INSERT INTO moves VALUES (1, 'support', :one, NULL, 'promoted', 1.5), (2, 'support', :two, :one, 'promoted', 2.5);
"""


def test_a_registry_from_before_holdouts_were_recorded_opens_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    named = {":one": f"'{student(1).fingerprint}'", ":two": f"'{student(2).fingerprint}'"}
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_SCHEMA.replace(":one", named[":one"]).replace(":two", named[":two"]))
    registry = Registry(path)
    assert registry.history("support") == [
        Version(1, student(1), None, "promote", 1.5, None),
        Version(2, student(2), student(1), "promote", 2.5, None),
    ]
    assert registry.enter("support", student(3), student(2), "promote", Dataset(fingerprint="f" * 64, rows=9))
    assert registry.rollback("support", to=1) == student(1)
    assert [move.why for move in registry.moves("support")] == ["promoted"] * 3 + ["rolled back"]


def judged(registry: Registry, number: int, verdict: str) -> None:
    registry.enter("support", student(number), registry.rival("support", student(number)), verdict)


def test_a_person_puts_on_stage_what_the_gate_promoted_and_anything_else_only_with_a_reason() -> None:
    registry = Registry()
    judged(registry, 1, "promote")
    judged(registry, 2, "inconclusive")
    registry.enter("support", student(3), None, "promote")  # it was judged against nobody, and is too late
    assert registry.promote("support", 3, "ada").student == student(3)
    with pytest.raises(StoreError, match=r"version 2: its verdict was inconclusive\. Say why .* --reason"):
        registry.promote("support", 2, "ada")
    assert registry.champion("support") == student(3)
    registry.promote("support", 2, "ada", "the rule was wrong")
    last = registry.moves("support")[-1]
    assert (last.champion, last.before, last.why) == (student(2), student(3), "promoted by hand")
    assert (last.who, last.reason) == ("ada", "the rule was wrong")
    with pytest.raises(StoreError, match="version 2 is on stage already"):
        registry.promote("support", 2, "ada", "again")
    with pytest.raises(StoreError, match=r"support has no version 9; there are \[1, 2, 3\]"):
        registry.promote("support", 9, "ada")


def test_a_student_on_stage_twice_is_left_twice_by_rollbacks() -> None:
    registry = Registry()
    for number in (1, 2):
        judged(registry, number, "promote")
    registry.promote("support", 1, "ada")
    assert [registry.rollback("support") for _ in range(3)] == [student(2), student(1), None]


def test_a_student_put_on_stage_by_hand_is_still_compared_with_its_first_rival() -> None:
    registry = Registry()
    for number in (1, 2, 3):
        judged(registry, number, "promote")
    registry.promote("support", 2, "ada")
    assert registry.rival("support", student(2)) == student(1)


def test_a_rollback_to_a_version_returns_to_it_and_only_to_one_that_was_there_before() -> None:
    registry = Registry()
    for number in (1, 2, 3):
        judged(registry, number, "promote")
    judged(registry, 4, "reject")
    with pytest.raises(StoreError, match="version 4 was not on stage before this one"):
        registry.rollback("support", to=4)
    with pytest.raises(StoreError, match="version 3 was not on stage before this one"):
        registry.rollback("support", to=3)
    assert registry.rollback("support", to=1, who="ada") == student(1)
    with pytest.raises(StoreError, match="version 2 was not on stage before this one"):
        registry.rollback("support", to=2)
    assert registry.moves("support")[-1].who == "ada"


def damage(number: int) -> None:
    """Cut what the store holds of a student."""
    (Store().path(student(number)) / "student.json").write_text("{")


def test_a_student_that_is_damaged_or_gone_does_not_go_on_stage() -> None:
    registry = Registry()
    judged(registry, 1, "promote")
    judged(registry, 2, "reject")
    damaged, gone = student(2), Student(fingerprint="e" * 64)
    damage(2)
    with pytest.raises(StoreError, match="is damaged or gone, so it cannot go on stage"):
        registry.promote("support", 2, "ada", "a reason")
    with pytest.raises(StoreError, match="is damaged or gone"):
        registry.enter("support", gone, student(1), "promote")
    assert damaged in [each.student for each in registry.history("support")]
    assert gone not in [each.student for each in registry.history("support")]
    assert registry.champion("support") == student(1)


def test_a_rollback_passes_over_what_the_store_lost_says_so_and_stays_where_nothing_is_left() -> None:
    registry = Registry()
    for number in (1, 2, 3):
        judged(registry, number, "promote")
    lost = student(2)
    damage(2)
    assert registry.rollback("support") == student(1)
    assert registry.moves("support")[-1].reason.endswith(f"any more: {lost.fingerprint[:12]}")
    judged(registry, 4, "promote")
    damage(1)
    with pytest.raises(StoreError, match="none of the champions before this one is whole"):
        registry.rollback("support")
    assert registry.champion("support") == student(4)


def test_a_rollback_with_a_long_history_takes_less_than_a_second() -> None:
    registry = Registry()
    for number in range(1, 31):
        judged(registry, number, "promote")
    started = time.perf_counter()
    registry.rollback("support")
    assert time.perf_counter() - started < 1
