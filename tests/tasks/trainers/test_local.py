import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.artifacts import Made, Student
from tasks.errors import StageFailed, StoreError
from tasks.models import Request
from tasks.rows import Message
from tasks.store import Store
from tasks.trainers import load_student
from tests.tasks.trainers.lessons import row, trainer

ROWS = [row(number) for number in range(12)]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def learned(base: Path, folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True)
    trainer(base, **changes).learn(ROWS, []).save(folder)
    return folder


def test_the_loss_falls(tiny_llama: Path) -> None:
    whole = {"method": "full", "layers": 2}
    curve = trainer(tiny_llama, epochs=30, tuning=whole, patience=None).learn(ROWS, ROWS[:3]).training.curve
    assert [(point.epoch, point.step) for point in curve] == [(epoch, 3 * epoch) for epoch in range(1, 31)]
    assert curve[-1].train_loss < 0.8 * curve[0].train_loss
    watched = [point.validation_loss or 0 for point in curve]
    assert 0 < watched[-1] < 0.8 * watched[0]


def test_the_same_config_gives_the_same_bytes(tiny_llama: Path, tmp_path: Path) -> None:
    one, other = (learned(tiny_llama, tmp_path / name) / "model.safetensors" for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()


def test_another_seed_gives_another_student(tiny_llama: Path, tmp_path: Path) -> None:
    one, other = (learned(tiny_llama, tmp_path / str(seed), seed=seed) / "model.safetensors" for seed in (1, 2))
    assert one.read_bytes() != other.read_bytes()


def test_only_the_upper_layers_and_the_norm_behind_them_learn(tiny_llama: Path, tmp_path: Path) -> None:
    import torch

    before, after = weights(tiny_llama), weights(learned(tiny_llama, tmp_path / "student"))
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert set(before) == set(after)
    assert moved == {name for name in before if name.startswith("model.layers.1.") or name == "model.norm.weight"}


def test_all_layers_may_learn(tiny_llama: Path, tmp_path: Path) -> None:
    import torch

    before, after = (
        weights(tiny_llama),
        weights(learned(tiny_llama, tmp_path / "student", tuning={"method": "full", "layers": 9})),
    )
    still = {name for name, tensor in after.items() if torch.equal(tensor, before[name])}
    assert still == {"model.embed_tokens.weight", "lm_head.weight"}


def test_rows_too_long_are_dropped_and_counted_and_never_cut(tiny_llama: Path) -> None:
    long = row(99, completion="x" * 500)
    alone = trainer(tiny_llama).learn(ROWS, []).training
    among = trainer(tiny_llama).learn([*ROWS, long], []).training
    assert (alone.rows, alone.too_long, among.rows, among.too_long) == (12, 0, 12, 1)
    assert among.longest_row > 500
    assert among.curve == alone.curve
    assert (among.tokens, among.answer_tokens) == (alone.tokens, alone.answer_tokens)


def test_a_row_of_just_the_longest_length_is_learned(tiny_llama: Path) -> None:
    longest = trainer(tiny_llama).learn(ROWS, []).training.longest_row
    assert trainer(tiny_llama, max_tokens=longest).learn(ROWS, []).training.too_long == 0
    with pytest.raises(StageFailed, match=f"each of 12 rows is longer than train.max_tokens={longest - 1}"):
        trainer(tiny_llama, max_tokens=longest - 1).learn(ROWS, [])


def test_the_evidence_shows_what_is_learned_of_a_row(tiny_llama: Path) -> None:
    training = trainer(tiny_llama).learn(ROWS, []).training
    assert training.example == (
        "<|im_start|>user\nWhere is parcel 0?<|im_end|>\n<|im_start|>assistant\n⟦At stop 0.<|im_end|>⟧"
    )
    assert training.answer_tokens == 12 * len([*"At stop 0.", "<|im_end|>"])
    assert training.trained_parameters < 60_000


def test_a_loss_that_is_not_finite_stops_the_training(tiny_llama: Path) -> None:
    with pytest.raises(StageFailed, match=r"the loss is .*Lower train\.learning_rate"):
        trainer(tiny_llama, learning_rate=1e38).learn(ROWS, [])


def test_a_last_step_that_ruins_the_student_stops_the_training(tiny_llama: Path) -> None:
    with pytest.raises(StageFailed):
        trainer(tiny_llama, learning_rate=1e38, epochs=1, batch_rows=12).learn(ROWS, ROWS[:2])


def test_the_student_is_a_folder_that_transformers_loads(tiny_llama: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = learned(tiny_llama, tmp_path / "student")
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert (
        AutoTokenizer.from_pretrained(folder).chat_template == AutoTokenizer.from_pretrained(tiny_llama).chat_template
    )
    told = json.loads((folder / "student.json").read_text())
    assert told == {"provider": "local", "base": str(tiny_llama), "licence": "", "prompt": ""}
    assert "How it was made" in (folder / "README.md").read_text()


def test_the_student_answers_what_it_learned(tiny_llama: Path) -> None:
    lesson = trainer(tiny_llama, epochs=60, learning_rate=0.005, tuning={"method": "full", "layers": 2}).learn(ROWS, [])
    made = Made(stage="train", version="1", config={}, parents={})
    student = load_student(Store().write_folder(Student, lesson.save, made))
    asked = [Request(messages=row(number)["messages"], max_output_tokens=20) for number in range(3)]
    given = {each.position: each.answer for batch in student.model.answer(asked) for each in batch}
    assert [given[number].text for number in range(3)] == [row(number)["completion"] for number in range(3)]
    assert {answer.finish_reason for answer in given.values()} == {"stop"}


def test_a_student_is_known_by_its_fingerprint(tiny_llama: Path) -> None:
    made = Made(stage="train", version="1", config={}, parents={})
    student = Store().write_folder(Student, trainer(tiny_llama).learn(ROWS, []).save, made)
    assert load_student(student).model.identity()["weights"] == student.fingerprint


@pytest.mark.parametrize("content", [None, "{", "{}", '{"provider": "somewhere"}'])
def test_a_folder_that_does_not_say_how_it_is_asked_is_a_store_error(store_root: Path, content: str | None) -> None:
    student = Student(fingerprint="0" * 64)
    folder = store_root / "students" / student.fingerprint
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "student.json").write_text(content)
    with pytest.raises(StoreError, match="does not say how the student is asked"):
        load_student(student)


def test_the_base_model_is_the_base(tiny_llama: Path) -> None:
    base = trainer(tiny_llama).base_model()
    assert base.weights.folder() == tiny_llama
    asked = [Request(messages=[Message(role="user", content="hi")], max_output_tokens=2)]
    assert [len(batch) for batch in base.answer(asked)] == [1]


def test_training_stops_when_the_validation_loss_no_longer_falls_and_keeps_the_best(tiny_llama: Path) -> None:
    from tasks.trainers.fitting import best_point

    against = [row(number, completion="Nowhere near.") for number in range(3)]
    patient = trainer(tiny_llama, epochs=30, patience=None).learn(ROWS, against).training
    stopped = trainer(tiny_llama, epochs=30, patience=2).learn(ROWS, against).training
    assert patient.steps == 90
    assert stopped.steps < 90
    assert stopped.curve == patient.curve[: len(stopped.curve)]
    assert stopped.curve.index(best_point(stopped.curve)) == len(stopped.curve) - 3
    assert stopped.best_step == best_point(stopped.curve).step


def test_the_best_weights_are_the_student(tiny_llama: Path, tmp_path: Path) -> None:
    from tasks.models import ModelWeights
    from tasks.models.weights import load
    from tasks.trainers.fitting import best_point
    from tasks.trainers.losses import validation_loss
    from tasks.trainers.rendering import Rendering
    from tasks.trainers.upper import UpperLayers

    against = [row(number, completion="Nowhere near.") for number in range(3)]
    lesson = trainer(tiny_llama, epochs=30).learn(ROWS, against)
    lesson.save(tmp_path)
    model, tokenizer = load(ModelWeights(reference="student", path=tmp_path, fingerprint="0"))
    seen = Rendering(tokenizer, {tokenizer.eos_token_id}).examples(against)
    loss = validation_loss(UpperLayers(model, None, seen), UpperLayers(model, None, seen).learnable(seen))
    assert loss == pytest.approx(best_point(lesson.training.curve).validation_loss, rel=1e-4)
    assert loss < (lesson.training.curve[-1].validation_loss or 0)


def test_of_several_rates_the_one_with_the_lowest_validation_loss_is_kept(tiny_llama: Path, tmp_path: Path) -> None:
    rates = [1e-6, 0.01, 1e38]
    searched = trainer(tiny_llama, search=rates, learning_rate=None, epochs=4).learn(
        ROWS, ROWS[:3], tmp_path / "so-far"
    )
    alone = trainer(tiny_llama, learning_rate=0.01, epochs=4).learn(ROWS, ROWS[:3])
    assert [each.learning_rate for each in searched.training.searched] == rates
    assert [each.validation_loss is None for each in searched.training.searched] == [False, False, True]
    assert searched.training.learning_rate == 0.01
    assert searched.training.curve == alone.training.curve
    for name, lesson in (("searched", searched), ("alone", alone)):
        (tmp_path / name).mkdir()
        lesson.save(tmp_path / name)
    assert (tmp_path / "searched/model.safetensors").read_bytes() == (tmp_path / "alone/model.safetensors").read_bytes()


def test_a_search_without_validation_rows_is_refused(tiny_llama: Path) -> None:
    with pytest.raises(StageFailed, match=r"train\.search compares losses on validation rows"):
        trainer(tiny_llama, search=[0.1, 0.01], learning_rate=None).learn(ROWS, [])


@pytest.mark.parametrize(("count", "epochs"), [(12, 8), (101, 5)])
def test_few_rows_are_seen_more_often(tiny_llama: Path, count: int, epochs: int) -> None:
    rows = [row(number, completion="x") for number in range(count)]
    assert trainer(tiny_llama, epochs=None, batch_rows=64).learn(rows, []).training.epochs == epochs


def test_what_is_learned_is_said_before_the_first_step(tiny_llama: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="stillhouse.train"):
        trainer(tiny_llama).learn([*ROWS, row(99, completion="x" * 500)], ROWS[:2])
    said = [record.getMessage() for record in caplog.records if record.name == "stillhouse.train"]
    assert "12 rows of 576 tokens, 132 of them learned, 12 rows to their end; 2 rows watched; the longest" in said[0]
    assert "1 rows over 200" in said[0]
    assert "⟦At stop 0.<|im_end|>⟧" in said[1]


def test_a_student_is_told_its_prompt_whenever_it_is_asked(tiny_llama: Path, tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.md"
    prompt.write_text("Be brief.\n")
    lesson = trainer(tiny_llama, prompt=str(prompt)).learn(ROWS, [])
    made = Made(stage="train", version="1", config={}, parents={})
    assert load_student(Store().write_folder(Student, lesson.save, made)).prompt == "Be brief."
    assert "system\nBe brief.<|im_end|>" in lesson.training.example


def test_the_rows_that_are_learned_to_their_end_are_counted(tiny_llama: Path, caplog: pytest.LogCaptureFixture) -> None:
    answers = [row(number, f"Row {number}", '{"stop": 1, "why": "because"}') for number in range(40)]
    with caplog.at_level("INFO", logger="stillhouse.train"):
        training = trainer(tiny_llama, emphasis={"stop": 3}, whole_answers=0.5, epochs=1).learn(answers, []).training
    found = re.search(r" (\d+) rows to their end", caplog.text)
    assert found
    assert 0 < int(found[1]) < 40
    whole = trainer(tiny_llama, emphasis={"stop": 3}, epochs=1).learn(answers, []).training
    behind = len([*', "why": "because"}', "<|im_end|>"])
    assert whole.answer_tokens - training.answer_tokens == (40 - int(found[1])) * behind


def test_a_row_too_long_to_its_end_is_learned_up_to_its_last_emphasised_field(tiny_llama: Path) -> None:
    short = [row(number, completion='{"stop": 1, "why": "because"}') for number in range(4)]
    long = row(9, completion=json.dumps({"stop": 2, "why": "x" * 500}))
    alone = trainer(tiny_llama, emphasis={"stop": 3}).learn(short, []).training
    among = trainer(tiny_llama, emphasis={"stop": 3}).learn([*short, long], []).training
    assert (among.rows, among.too_long) == (5, 0)
    assert among.answer_tokens - alone.answer_tokens == len('{"stop": 2')


def test_a_student_that_would_never_learn_to_stop_is_refused(tiny_llama: Path) -> None:
    answers = [row(number, completion='{"stop": 1, "why": "because"}') for number in range(4)]
    with pytest.raises(StageFailed, match=r"of 4 rows none is learned to its end.*train\.whole_answers=1e-09"):
        trainer(tiny_llama, emphasis={"stop": 3}, whole_answers=1e-9).learn(answers, [])


def test_an_emphasis_on_a_field_that_no_answer_has_is_refused(tiny_llama: Path) -> None:
    with pytest.raises(StageFailed, match=r"train\.emphasis: no row's answer has a field 'intent'"):
        trainer(tiny_llama, emphasis={"intent": 3}).learn(ROWS, [])


def test_no_rows_are_nothing_to_learn_from(tiny_llama: Path) -> None:
    with pytest.raises(StageFailed, match="there is no row to learn from"):
        trainer(tiny_llama).learn([], [])


LEARN = """
import sys
from pathlib import Path
from tests.tasks.trainers.lessons import row, trainer
lesson = trainer(Path(sys.argv[1]), tuning={"method": "lora"}, epochs=1).learn([row(n) for n in range(4)], [])
Path(sys.argv[2]).mkdir()
lesson.save(Path(sys.argv[2]))
"""


def test_another_process_and_another_store_give_the_same_folder(tiny_llama: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for seed, folder in enumerate(folders):
        environment = os.environ | {"PYTHONHASHSEED": str(seed), "STILLHOUSE_STORE": str(tmp_path / f"store-{seed}")}
        subprocess.run([sys.executable, "-c", LEARN, str(tiny_llama), str(folder)], check=True, env=environment)
    contents = [
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    ]
    assert contents[0] == contents[1]
    assert "adapter/adapter_config.json" in contents[0]
