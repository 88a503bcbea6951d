"""Rows as the student sees them: the model's own chat template, which tokens are learned, and how much each weighs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.errors import StageFailed
from tasks.models.chat import prompt_tokens
from tasks.rows import Kept, Message
from tasks.scorers import as_object


class Example(NamedTuple):
    """A row in tokens: the prompt, which is read, and the answer, which is learned, end token included.

    `weights` has a number a token of the answer; `essential` counts its tokens up to the last emphasised field.
    """

    prompt: list[int]
    answer: list[int]
    weights: list[float]
    essential: int

    def length(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.answer)

    def up_to_emphasis(self) -> "Example":
        """The example without what stands behind its last emphasised field: shorter, and nothing of it ends early."""
        return self._replace(answer=self.answer[: self.essential], weights=self.weights[: self.essential])


def examples(tokenizer: Any, rows: Sequence[Kept], emphasis: Mapping[str, float]) -> list[Example]:
    """The rows in tokens. Raises `StageFailed` where the template would train on nothing or never on the end token."""
    return [_example(tokenizer, row, emphasis) for row in rows]


def _example(tokenizer: Any, row: Kept, emphasis: Mapping[str, float]) -> Example:
    learned = _learned(tokenizer, row)
    tokens = tokenizer(learned, add_special_tokens=False, return_offsets_mapping=True)
    answer: list[int] = tokens["input_ids"]
    if not answer or answer[-1] != tokenizer.eos_token_id:
        raise StageFailed(
            f"train: row {row['id']!r}: the chat template does not end an answer with {tokenizer.eos_token!r}, so the "
            "student would never learn to stop. Use a base whose template ends each turn with its end token."
        )
    if len(answer) < 2:
        raise StageFailed(
            f"train: row {row['id']!r} has an empty answer: there is nothing to learn from it. Filter it out."
        )
    emphasised = emphasised_characters(learned, row["completion"], emphasis)
    weights = [
        max((emphasised.get(at, 1.0) for at in range(start, end)), default=1.0)
        for start, end in tokens["offset_mapping"]
    ]
    heavy = [at for at, weight in enumerate(weights) if weight != 1.0]
    return Example(
        prompt=prompt_tokens(tokenizer, row["messages"]),
        answer=answer,
        weights=weights,
        essential=heavy[-1] + 1 if heavy else len(answer),
    )


def _learned(tokenizer: Any, row: Kept) -> str:
    """What the template puts after the prompt once the row is answered."""
    answered = [*row["messages"], Message(role="assistant", content=row["completion"])]
    before = tokenizer.apply_chat_template(row["messages"], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(answered, tokenize=False)
    if not whole.startswith(before):
        raise StageFailed(
            f"train: row {row['id']!r}: the chat template renders the prompt differently once it is answered, so what "
            "is learned would not be what is asked. Use a base whose template only appends."
        )
    return whole[len(before) :].rstrip()


def emphasised_characters(learned: str, completion: str, emphasis: Mapping[str, float]) -> dict[int, float]:
    """The weight of each character that belongs to an emphasised field's value, by its position in the learned text."""
    weights: dict[int, float] = {}
    for name, value in (as_object(completion) or {}).items():
        written = json.dumps(value, ensure_ascii=False)
        start = learned.find(f"{json.dumps(name)}: {written}")
        if name in emphasis and start >= 0:
            end = start + len(json.dumps(name)) + 2 + len(written)
            weights |= dict.fromkeys(range(end - len(written), end), emphasis[name])
    return weights


def marked(tokenizer: Any, example: Example) -> str:
    """An example as text, the learned part between ⟦ and ⟧."""
    return f"{tokenizer.decode(example.prompt)}⟦{tokenizer.decode(example.answer)}⟧"
