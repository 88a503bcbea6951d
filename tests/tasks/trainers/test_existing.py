import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from tasks.artifacts import Dataset, Made, Student
from tasks.caching import content
from tasks.errors import ProjectError, StoreError
from tasks.models import Answer, Budget, Local, OpenAI, Recorded, Request, recorded_line, request_key
from tasks.rows import Kept
from tasks.store import Store
from tasks.train import train
from tasks.trainers import ExistingTrainer, Serving, Trainer, card, load_origin, load_student
from tests.tasks.trainers.lessons import row

BUDGET = Budget(project="test", run="run")
MADE = Made(stage="train", version="1", config={}, parents={})
HOSTED: dict[str, Any] = {
    "provider": "openai",
    "model": "ft:gpt-mini:shop",
    "api_key_env": "SHOP_KEY",
    "price": {"input_usd": 1, "output_usd": 2},
}


def existing(folder: Path, model: dict[str, Any], **more: Any) -> ExistingTrainer:
    given = {"trainer": "existing", "model": model} | more
    return TypeAdapter[Any](Trainer).validate_python(given, context={"folder": folder})


def student(trainer: ExistingTrainer) -> Student:
    return Store().write_folder(Student, trainer.learn([], []).save, MADE)


def serving(trainer: ExistingTrainer) -> Serving:
    return load_student(student(trainer))


def recorded(folder: Path, request: Request, text: str) -> dict[str, Any]:
    key = request_key({"provider": "recorded", "model": "recorded"}, request)
    (folder / "said.jsonl").write_text(recorded_line(key, Answer(text=text)) + "\n")
    return {"provider": "recorded", "answers": "said.jsonl"}


def test_a_hosted_model_is_asked_as_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "sk-a-secret")
    trainer = existing(tmp_path, HOSTED | {"base_url": "http://127.0.0.1:8000/v1", "seed": 3})
    found = serving(trainer)
    assert isinstance(found.model, OpenAI)
    assert (found.model.identity(), found.model.base_url) == (trainer.model.identity(), "http://127.0.0.1:8000/v1")
    assert isinstance(trainer.model, OpenAI)
    assert (found.model.api_key_env, found.model.price) == ("SHOP_KEY", trainer.model.price)
    said = (Store().path(student(trainer)) / "student.json").read_text()
    assert "sk-a-secret" not in said
    assert load_origin(student(trainer)).base == "openai/ft:gpt-mini:shop"


def test_the_pace_is_no_part_of_a_student_and_the_address_is(tmp_path: Path) -> None:
    here = existing(tmp_path, HOSTED | {"base_url": "http://one/v1", "service": "shop"})
    slower = existing(tmp_path, HOSTED | {"base_url": "http://one/v1", "service": "shop", "pace": {"max_in_flight": 1}})
    moved = existing(tmp_path, HOSTED | {"base_url": "http://two/v1", "service": "shop"})
    assert content(here) == content(slower) != content(moved)
    assert student(here) == student(slower) != student(moved)


def test_recorded_answers_go_with_the_student(tmp_path: Path) -> None:
    request = Request(messages=row(1)["messages"], max_output_tokens=20)
    given = student(existing(tmp_path, recorded(tmp_path, request, "At stop 1.")))
    (tmp_path / "said.jsonl").unlink()
    model = load_student(given).model
    assert isinstance(model, Recorded)
    assert [each.answer.text for batch in model.answer([request]) for each in batch] == ["At stop 1."]


def test_other_recorded_answers_are_another_student(tmp_path: Path) -> None:
    request = Request(messages=row(1)["messages"], max_output_tokens=20)
    one = existing(tmp_path, recorded(tmp_path, request, "one"))
    first = student(one)
    two = existing(tmp_path, recorded(tmp_path, request, "two"))
    assert content(one) != content(two)
    assert first != student(two)
    with pytest.raises(ProjectError, match="changed while the run was under way"):
        one.learn([], []).save(tmp_path)


def test_local_weights_are_copied_and_answer_as_they_do(tiny_llama: Path, tmp_path: Path) -> None:
    trainer = existing(tmp_path, {"provider": "local", "weights": str(tiny_llama)})
    request = Request(messages=row(1)["messages"], max_output_tokens=8)
    found = student(trainer)
    model = load_student(found).model
    assert isinstance(model, Local)
    assert isinstance(trainer.model, Local)
    assert model.identity()["weights"] == found.fingerprint
    [[copied]], [[original]] = model.answer([request]), trainer.model.answer([request])
    assert copied.answer.text == original.answer.text
    assert Store().intact(found)


def test_the_prompt_is_the_students_own(tmp_path: Path) -> None:
    (tmp_path / "short.md").write_text("Be brief.\n")
    assert serving(existing(tmp_path, HOSTED, prompt="short.md")).prompt == "Be brief."
    assert serving(existing(tmp_path, HOSTED)).prompt == ""


def test_the_base_is_whom_the_project_names_or_nobody(tmp_path: Path) -> None:
    assert existing(tmp_path, HOSTED).base_model() is None
    with_base = existing(tmp_path, HOSTED, base=HOSTED | {"model": "gpt-mini"})
    assert [each.model for each in with_base.asked() if isinstance(each, OpenAI)] == ["ft:gpt-mini:shop", "gpt-mini"]


def test_nothing_is_learned_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    def stored(count: int) -> Dataset:
        return Store().write_rows([row(number) for number in range(count)], Kept, MADE)

    result = train.fn(existing(tmp_path, HOSTED), stored(5), stored(2), BUDGET)
    assert result.tally.outcomes == {"trained": 0, "validated": 0, "too_long": 0, "not_learned": 7}
    assert (result.training.method, result.training.curve) == ("existing", [])


def test_its_card_does_not_say_that_it_was_trained_here(tmp_path: Path) -> None:
    trainer = existing(tmp_path, HOSTED)
    said = card("one", load_origin(student(trainer)), trainer.learn([], []).training)
    assert "openai/ft:gpt-mini:shop as it is" in said
    assert "Stillhouse trained nothing" in said
    assert "learning rate" not in said


@pytest.mark.parametrize("told", [{"model": {"provider": "openai"}}, {"provider": "local", "model": HOSTED}])
def test_a_folder_that_names_no_model_is_a_store_error(store_root: Path, told: dict[str, Any]) -> None:
    folder = store_root / "students" / ("0" * 64)
    folder.mkdir(parents=True)
    (folder / "student.json").write_text(json.dumps(told))
    with pytest.raises(StoreError, match="does not say how the student is asked"):
        load_student(Student(fingerprint="0" * 64))
