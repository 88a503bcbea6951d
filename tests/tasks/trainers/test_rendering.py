import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import StageFailed
from tasks.models.chat import prompt_tokens
from tasks.trainers.rendering import emphasised_characters, examples, marked
from tests.tasks.trainers.lessons import row, trainer
from tests.tiny import TEMPLATE

ENDLESS = TEMPLATE.replace("<|im_end|>", "")
REWRITING = "{% if messages[-1]['role'] == 'assistant' %}Answered.\n{% endif %}" + TEMPLATE
TRIMMING = TEMPLATE.replace("message['content']", "message['content'] | trim")


def tokenizer(base: Path, folder: Path, template: str = TEMPLATE) -> Any:
    from transformers import AutoTokenizer

    copy = shutil.copytree(base, folder / "base")
    (copy / "chat_template.jinja").write_text(template)
    return AutoTokenizer.from_pretrained(copy)


def test_exactly_the_completion_and_the_end_token_are_learned(tiny_llama: Path, tmp_path: Path) -> None:
    student = tokenizer(tiny_llama, tmp_path)
    said = row(1, said="Où est mon colis ?", completion='{"reply": "Là. – Fern"}')
    [example] = examples(student, [said], {})
    assert student.decode(example.answer) == '{"reply": "Là. – Fern"}<|im_end|>'
    assert example.answer[-1] == student.eos_token_id
    assert example.prompt == prompt_tokens(student, said["messages"])
    assert example.length() == len(example.prompt) + len(example.answer)
    assert marked(student, example).endswith('assistant\n⟦{"reply": "Là. – Fern"}<|im_end|>⟧')


def test_prompt_and_answer_are_the_whole_conversation(tiny_llama: Path, tmp_path: Path) -> None:
    student, rows = tokenizer(tiny_llama, tmp_path), [row(number) for number in range(4)]
    for kept, example in zip(rows, examples(student, rows, {}), strict=True):
        answered = [*kept["messages"], {"role": "assistant", "content": kept["completion"]}]
        whole = student.apply_chat_template(answered, tokenize=False).rstrip()
        assert student.decode(example.prompt + example.answer) == whole


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (ENDLESS, r"row 'r-1': the chat template does not end an answer with '<\|im_end\|>'"),
        (REWRITING, "row 'r-1': the chat template renders the prompt differently once it is answered"),
    ],
)
def test_a_template_that_would_teach_something_else_is_refused(
    tiny_llama: Path, tmp_path: Path, template: str, problem: str
) -> None:
    with pytest.raises(StageFailed, match=problem):
        examples(tokenizer(tiny_llama, tmp_path, template), [row(1)], {})
    with pytest.raises(StageFailed, match=problem):
        trainer(tmp_path / "base").learn([row(1)], [])


def test_an_answer_that_the_template_trims_to_nothing_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="row 'r-1' has an empty answer"):
        examples(tokenizer(tiny_llama, tmp_path, TRIMMING), [row(1, completion=" ")], {})


def test_no_rows_are_no_examples(tiny_llama: Path, tmp_path: Path) -> None:
    assert examples(tokenizer(tiny_llama, tmp_path), [], {}) == []


ANSWER = '{"intent": "where", "reply": "Là – Fern", "days": 3}'


def test_an_emphasised_field_weighs_more_and_the_rest_is_learned_with_weight_one(
    tiny_llama: Path, tmp_path: Path
) -> None:
    student = tokenizer(tiny_llama, tmp_path)
    [plain] = examples(student, [row(1, completion=ANSWER)], {})
    assert (set(plain.weights), plain.essential) == ({1.0}, len(plain.answer))
    for name, value in {"intent": '"where"', "reply": '"Là – Fern"', "days": "3"}.items():
        [heavy] = examples(student, [row(1, completion=ANSWER)], {name: 4.0, "nothing": 9.0})
        assert (heavy.prompt, heavy.answer, len(heavy.weights)) == (plain.prompt, plain.answer, len(plain.answer))
        weighty = [token for token, weight in zip(heavy.answer, heavy.weights, strict=True) if weight == 4.0]
        assert student.decode(weighty) == value
        assert set(heavy.weights) == {1.0, 4.0}
        assert student.decode(heavy.answer[: heavy.essential]).endswith(value)


@pytest.mark.parametrize(
    ("completion", "weighed"),
    [
        (ANSWER, '"where"3'),
        ("where", ""),
        ('["intent"]', ""),
        ('{"intent": null}', "null"),
        ('{"intent":"where"}', ""),
        ('{"days": 3, "intent": "a \\"b\\""}', '3"a \\"b\\""'),
    ],
)
def test_the_characters_of_emphasised_values_are_found(completion: str, weighed: str) -> None:
    found = emphasised_characters(f"{completion}<|im_end|>", completion, {"intent": 2.0, "days": 3.0})
    assert "".join(completion[at] for at in sorted(found)) == weighed


def test_a_tokenizer_that_trims_its_offsets_is_served(tiny_llama: Path, tmp_path: Path) -> None:
    from tokenizers import processors

    student = tokenizer(tiny_llama, tmp_path)
    student.backend_tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    [example] = examples(student, [row(1, completion="At  stop.")], {})
    assert example.weights == [1.0] * len(example.answer)
