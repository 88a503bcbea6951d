from pathlib import Path

import pytest

from tasks.caching import cache_key, content
from tasks.files import ContentFile, fingerprint_file
from tasks.gathered import NOTHING, Gathering, gathered
from tasks.rows import Input
from tasks.sample import SampleConfig, sample
from tasks.store import Store
from tests.tasks.toys import an_input

pytestmark = pytest.mark.usefixtures("either_database")


def config(tmp_path: Path, lines: int = 5, **settings: int) -> SampleConfig:
    path = tmp_path / "inputs.jsonl"
    path.write_text("".join(f'{{"id": "{at}", "text": "the question of {at}"}}\n' for at in range(lines)))
    return SampleConfig.model_validate(
        {"inputs": ContentFile(path=path, fingerprint=fingerprint_file(path)), **settings}
    )


def ids(rows: list[Input]) -> list[str]:
    return [row["id"] for row in rows]


def test_a_conversation_is_gathered_once_whatever_its_id() -> None:
    assert Gathering().add("shop", [an_input("a", "hello"), an_input("b", "hello"), an_input("c", "bye")]) == 2
    assert Gathering().add("shop", [an_input("d", " hello ")]) == 0
    first, second = Gathering().rows("shop")
    assert (first["messages"], second["messages"]) == (
        an_input("a", "hello")["messages"],
        an_input("c", "bye")["messages"],
    )
    assert first["id"] != second["id"]
    assert Gathering().rows("other") == []


def test_a_row_or_all_of_a_project_can_be_forgotten() -> None:
    Gathering().add("shop", [an_input("a"), an_input("b"), an_input("c")])
    Gathering().add("desk", [an_input("a")])
    first, *rest = Gathering().rows("shop")
    before = gathered("shop")
    assert Gathering().forget("shop", first["id"]) == 1
    assert Gathering().rows("shop") == rest
    assert content(gathered("shop")) != content(before)
    assert Gathering().forget("shop") == 2
    assert gathered("shop") == NOTHING
    assert len(Gathering().rows("desk")) == 1


def test_what_was_gathered_later_is_not_in_a_handle_of_before() -> None:
    Gathering().add("shop", [an_input("a")])
    before = gathered("shop")
    Gathering().add("shop", [an_input("b")])
    assert len(before.rows()) == 1
    assert len(gathered("shop").rows()) == 2
    assert content(before) != content(gathered("shop"))


def test_without_gathered_rows_the_stage_keeps_its_key_and_no_database_is_made(
    tmp_path: Path, store_root: Path
) -> None:
    settings = config(tmp_path)
    assert gathered("shop") == NOTHING
    assert not store_root.exists()
    assert cache_key(sample, {"config": settings, "gathered": NOTHING}) == cache_key(sample, {"config": settings})
    Gathering().add("shop", [an_input("a")])
    assert cache_key(sample, {"config": settings, "gathered": gathered("shop")}) != cache_key(
        sample, {"config": settings}
    )


def test_gathered_rows_are_taken_beside_those_that_are_picked_and_repeats_are_counted(tmp_path: Path) -> None:
    settings = config(tmp_path, rows=3)
    alone = sample.fn(settings)
    picked = list(Store().read_rows(alone.inputs))
    Gathering().add("shop", [an_input("x", "something new", slice="gift"), picked[0]])
    result = sample.fn(settings, gathered("shop"))
    rows: list[Input] = list(Store().read_rows(result.inputs))
    assert rows[:3] == picked
    assert rows[3]["messages"] == an_input("x", "something new")["messages"]
    assert result.tally.outcomes == {"picked": 3, "not_drawn": 2, "gathered": 1, "exact_duplicate": 1}
    assert result.tally.rows_in == 7 == sum(result.tally.outcomes.values())
    assert {each.slice: each.picked for each in result.coverage} == {"gift": 1, "all": 3}
