"""Rows as the student sees them: the model's own chat template, and which tokens are learned."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tasks.errors import StageFailed
from tasks.models.chat import prompt_tokens
from tasks.rows import Kept, Message


class Example(NamedTuple):
    """A row in tokens: the prompt, which is read, and the answer, which is learned, end token included."""

    prompt: list[int]
    answer: list[int]

    def length(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.answer)


def examples(tokenizer: Any, rows: Sequence[Kept]) -> list[Example]:
    """The rows in tokens. Raises `StageFailed` where the template would train on nothing or never on the end token."""
    return [_example(tokenizer, row) for row in rows]


def _example(tokenizer: Any, row: Kept) -> Example:
    answered = [*row["messages"], Message(role="assistant", content=row["completion"])]
    before = tokenizer.apply_chat_template(row["messages"], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(answered, tokenize=False)
    if not whole.startswith(before):
        raise StageFailed(
            f"train: row {row['id']!r}: the chat template renders the prompt differently once it is answered, so what "
            "is learned would not be what is asked. Use a base whose template only appends."
        )
    answer = tokenizer(whole[len(before) :].rstrip(), add_special_tokens=False)["input_ids"]
    if not answer or answer[-1] != tokenizer.eos_token_id:
        raise StageFailed(
            f"train: row {row['id']!r}: the chat template does not end an answer with {tokenizer.eos_token!r}, so the "
            "student would never learn to stop. Use a base whose template ends each turn with its end token."
        )
    if len(answer) < 2:
        raise StageFailed(
            f"train: row {row['id']!r} has an empty answer: there is nothing to learn from it. Filter it out."
        )
    return Example(prompt_tokens(tokenizer, row["messages"]), answer)


def marked(tokenizer: Any, example: Example) -> str:
    """An example as text, the learned part between ⟦ and ⟧."""
    return f"{tokenizer.decode(example.prompt)}⟦{tokenizer.decode(example.answer)}⟧"
