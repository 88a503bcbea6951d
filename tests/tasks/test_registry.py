import multiprocessing
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.artifacts import Student
from tasks.errors import StoreError
from tasks.registry import Registry


def student(number: int) -> Student:
    return Student(fingerprint=f"{number:064x}")


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


def test_a_place_that_cannot_be_written_is_refused_by_name(store_root: Path) -> None:
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
