"""Rows as the student sees them: the model's own chat template, which tokens are learned, and how much each weighs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tasks.errors import StageFailed
from tasks.models.chat import prompted
from tasks.rows import Kept, Message
from tasks.scorers import as_object

Turns = Literal["last", "all"]


class Example(NamedTuple):
    """A row in tokens, and how much each of them counts in the loss: 0 for what is only read.

    `essential` counts the tokens up to the last emphasised field, all of them where no field is.
    """

    tokens: list[int]
    weights: list[float]
    essential: int

    @property
    def read(self) -> int:
        """How many tokens stand before the first one that is learned."""
        return next(at for at, weight in enumerate(self.weights) if weight)

    @property
    def learned(self) -> int:
        """How many tokens are learned."""
        return sum(1 for weight in self.weights if weight)

    def up_to_emphasis(self) -> "Example":
        """The example without what stands behind its last emphasised field: shorter, and nothing of it ends early."""
        return self._replace(tokens=self.tokens[: self.essential], weights=self.weights[: self.essential])


class Rendering(NamedTuple):
    """How rows become examples: what the student is told first, which turns it learns, what weighs more."""

    tokenizer: Any
    ends: set[int]
    prompt: str = ""
    turns: Turns = "last"
    emphasis: Mapping[str, float] = {}
    approved_weight: float = 1.0

    def examples(self, rows: Sequence[Kept]) -> list[Example]:
        """The rows in tokens. Raises `StageFailed` where the template would teach something other than the answers."""
        return [self._example(row) for row in rows]

    def marked(self, example: Example) -> str:
        """An example as text, the learned parts between ⟦ and ⟧."""
        text, inside, part = "", False, list[int]()
        for token, weight in zip(example.tokens, example.weights, strict=True):
            if bool(weight) != inside:
                text += self.tokenizer.decode(part) + ("⟧" if inside else "⟦")
                inside, part = not inside, []
            part.append(token)
        return text + self.tokenizer.decode(part) + ("⟧" if inside else "")

    def _example(self, row: Kept) -> Example:
        conversation = [*prompted(self.prompt, row), Message(role="assistant", content=row["completion"])]
        row_weight = self.approved_weight if row["approved"] else 1.0
        tokens: list[int] = []
        weights: list[float] = []
        essential = 0
        for segment in self._segments(row["id"], conversation):
            if segment.answer is None:
                tokens += self.tokenizer(segment.text, add_special_tokens=False)["input_ids"]
                weights += [0.0] * (len(tokens) - len(weights))
                continue
            own, heavy = self._learned(row["id"], segment.text, segment.answer)
            essential = len(tokens) + (max(heavy) + 1 if heavy else len(own))
            tokens += own
            weights += [row_weight * heavy.get(at, 1.0) for at in range(len(own))]
        return Example(tokens, weights, essential)

    def _segments(self, name: str, conversation: Sequence[Message]) -> "Iterator[_Segment]":
        """What is read and what is learned, by turns. The template is asked for each prefix of the conversation."""
        answers = [at for at, message in enumerate(conversation) if message["role"] == "assistant"]
        done = ""
        for at in answers if self.turns == "all" else answers[-1:]:
            before = self._text(name, conversation[:at], asking=True)
            after = self._text(name, conversation[: at + 1], asking=False)
            if not after.startswith(before) or not before.startswith(done):
                raise StageFailed(
                    f"train: row {name!r}: the chat template renders the prompt differently once it is answered, so "
                    "what is learned would not be what is asked. Use a base whose template only appends"
                    + ("." if at == answers[-1] else ", or set train.turns to last.")
                )
            self._check_system(name, conversation, before)
            learned = after[len(before) :].rstrip()
            yield _Segment(before[len(done) :], None)
            yield _Segment(learned, conversation[at]["content"])
            done = before + learned

    def _text(self, name: str, messages: Sequence[Message], asking: bool) -> str:
        from jinja2 import TemplateError

        try:
            return self.tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=asking)
        except TemplateError as error:
            raise StageFailed(
                f"train: row {name!r}: the chat template refuses the conversation: {error}. Use another base, or leave "
                "train.prompt out where it has no place for a system message."
            ) from error

    def _check_system(self, name: str, conversation: Sequence[Message], rendered: str) -> None:
        for message in conversation:
            if message["role"] == "system" and message["content"].strip() not in rendered:
                raise StageFailed(
                    f"train: row {name!r}: the chat template loses the system message {message['content'][:60]!r}. "
                    "Use a base whose template renders one, or leave train.prompt out."
                )

    def _learned(self, name: str, text: str, answer: str) -> tuple[list[int], dict[int, float]]:
        """An answer's tokens, end token included, and the weight of those that belong to an emphasised field."""
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        tokens: list[int] = encoded["input_ids"]
        if not tokens or tokens[-1] not in self.ends:
            raise StageFailed(
                f"train: row {name!r}: the chat template does not end an answer with "
                f"{self.tokenizer.eos_token!r}, so the student would never learn to stop. "
                "Use a base whose template ends each turn with its end token."
            )
        if len(tokens) < 2:
            raise StageFailed(
                f"train: row {name!r} has an empty answer: there is nothing to learn from it. Filter it out."
            )
        emphasised = emphasised_characters(text, answer, self.emphasis)
        weights = [
            max((emphasised.get(at, 1.0) for at in range(start, end)), default=1.0)
            for start, end in encoded["offset_mapping"]
        ]
        return tokens, {at: weight for at, weight in enumerate(weights) if weight != 1.0}


class _Segment(NamedTuple):
    """A part of a rendered conversation: read where `answer` is None, else that answer as the template writes it."""

    text: str
    answer: str | None


def emphasised_characters(learned: str, completion: str, emphasis: Mapping[str, float]) -> dict[int, float]:
    """The weight of each character that belongs to an emphasised field's value, by its position in the learned text."""
    weights: dict[int, float] = {}
    for name in as_object(completion) or {}:
        found = re.search(re.escape(json.dumps(name, ensure_ascii=False)) + r"\s*:\s*", learned)
        if name in emphasis and found:
            end = json.JSONDecoder().raw_decode(learned, found.end())[1]
            weights |= dict.fromkeys(range(found.end(), end), emphasis[name])
    return weights
