import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import StageFailed
from tasks.models.chat import prompt_tokens
from tasks.rows import Kept, Message
from tasks.trainers.rendering import Example, Rendering, emphasised_characters
from tests.tasks.trainers.lessons import row, trainer
from tests.tiny import TEMPLATE

ENDLESS = TEMPLATE.replace("<|im_end|>", "")
REWRITING = "{% if messages[-1]['role'] == 'assistant' %}Answered.\n{% endif %}" + TEMPLATE
TRIMMING = TEMPLATE.replace("message['content']", "message['content'] | trim")


def examples(tokenizer: Any, rows: Sequence[Kept], emphasis: Mapping[str, float], **changes: Any) -> list[Example]:
    return Rendering(tokenizer, {tokenizer.eos_token_id}, emphasis=emphasis, **changes).examples(rows)


def answer(example: Example) -> list[int]:
    return [token for token, weight in zip(example.tokens, example.weights, strict=True) if weight]


def tokenizer(base: Path, folder: Path, template: str = TEMPLATE) -> Any:
    from transformers import AutoTokenizer

    copy = shutil.copytree(base, folder / "base")
    (copy / "chat_template.jinja").write_text(template)
    return AutoTokenizer.from_pretrained(copy)


def test_exactly_the_completion_and_the_end_token_are_learned(tiny_llama: Path, tmp_path: Path) -> None:
    student = tokenizer(tiny_llama, tmp_path)
    said = row(1, said="Où est mon colis ?", completion='{"reply": "Là. – Fern"}')
    [example] = examples(student, [said], {})
    assert student.decode(answer(example)) == '{"reply": "Là. – Fern"}<|im_end|>'
    assert answer(example)[-1] == student.eos_token_id
    assert example.tokens[: example.read] == prompt_tokens(student, said["messages"])
    assert example.learned == len(example.tokens) - example.read
    assert Rendering(student, set()).marked(example).endswith('assistant\n⟦{"reply": "Là. – Fern"}<|im_end|>⟧')


def test_prompt_and_answer_are_the_whole_conversation(tiny_llama: Path, tmp_path: Path) -> None:
    student, rows = tokenizer(tiny_llama, tmp_path), [row(number) for number in range(4)]
    for kept, example in zip(rows, examples(student, rows, {}), strict=True):
        answered = [*kept["messages"], {"role": "assistant", "content": kept["completion"]}]
        whole = student.apply_chat_template(answered, tokenize=False).rstrip()
        assert student.decode(example.tokens) == whole


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
    assert (set(plain.weights), plain.essential) == ({0.0, 1.0}, len(plain.tokens))
    for name, value in {"intent": '"where"', "reply": '"Là – Fern"', "days": "3"}.items():
        [heavy] = examples(student, [row(1, completion=ANSWER)], {name: 4.0, "nothing": 9.0})
        assert heavy.tokens == plain.tokens
        weighty = [token for token, weight in zip(heavy.tokens, heavy.weights, strict=True) if weight == 4.0]
        assert student.decode(weighty) == value
        assert set(heavy.weights) == {0.0, 1.0, 4.0}
        assert student.decode(heavy.tokens[: heavy.essential]).endswith(value)


@pytest.mark.parametrize(
    ("completion", "weighed"),
    [
        (ANSWER, '"where"3'),
        ("where", ""),
        ('["intent"]', ""),
        ('{"intent": null}', "null"),
        ('{"intent":"where"}', '"where"'),
        ('{"days" : 3.0}', "3.0"),
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
    assert example.weights == [0.0] * example.read + [1.0] * example.learned


CONVERSATION = [
    Message(role="user", content="Hi"),
    Message(role="assistant", content="Which parcel?"),
    Message(role="user", content="The red one."),
]


def test_the_last_answer_is_learned_or_all_of_them(tiny_llama: Path, tmp_path: Path) -> None:
    student, said = tokenizer(tiny_llama, tmp_path), row(1, completion="At stop 1.") | {"messages": CONVERSATION}
    [last], [every] = (examples(student, [said], {}, turns=turns) for turns in ("last", "all"))
    assert last.tokens == every.tokens
    assert student.decode(answer(last)) == "At stop 1.<|im_end|>"
    assert student.decode(answer(every)) == "Which parcel?<|im_end|>At stop 1.<|im_end|>"
    assert Rendering(student, set()).marked(every).count("⟦") == 2


def test_the_student_is_told_its_prompt_before_each_conversation(tiny_llama: Path, tmp_path: Path) -> None:
    student = tokenizer(tiny_llama, tmp_path)
    [told] = examples(student, [row(1)], {}, prompt="Be brief.")
    assert student.decode(told.tokens).startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user")


def test_a_template_that_loses_the_system_message_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    losing = "{% set messages = messages | rejectattr('role', 'equalto', 'system') | list %}" + TEMPLATE
    with pytest.raises(StageFailed, match=r"row 'r-1': the chat template loses the system message 'Be brief\.'"):
        examples(tokenizer(tiny_llama, tmp_path, losing), [row(1)], {}, prompt="Be brief.")


def test_an_approved_row_weighs_as_much_as_configured(tiny_llama: Path, tmp_path: Path) -> None:
    student, approved = tokenizer(tiny_llama, tmp_path), row(1, completion=ANSWER) | {"approved": True}
    plain, heavy = examples(student, [row(1, completion=ANSWER), approved], {"days": 3.0}, approved_weight=2.0)
    assert heavy.weights == [2 * weight for weight in plain.weights]
    assert set(heavy.weights) == {0.0, 2.0, 6.0}
