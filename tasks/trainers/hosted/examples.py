"""Rows as the files that services train on, and the rules that services have for such files.

OpenAI: https://developers.openai.com/api/docs/guides/supervised-fine-tuning, Together:
https://docs.together.ai/docs/fine-tuning/data-preparation, Fireworks:
https://docs.fireworks.ai/fine-tuning/fine-tuning-models.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tasks.errors import StageFailed
from tasks.models.chat import prompted
from tasks.models.estimate import conversation_tokens
from tasks.rows import Kept, Message
from tasks.trainers.rendering import Turns

_ROLES = ("system", "user", "assistant")
_SHOWN = 50


class Rules(NamedTuple):
    """What a service says that a file for training must be; `alternating` where user and assistant take turns."""

    service: str
    least_examples: int = 1
    most_examples: int | None = None
    most_bytes: int | None = None
    alternating: bool = False


class Example(NamedTuple):
    """A conversation to learn from, and the row that it stands for."""

    row: str
    messages: list[Message]

    @property
    def tokens(self) -> int:
        """How long it is, by OpenAI's vocabulary."""
        return conversation_tokens(self.messages)

    @property
    def answer_tokens(self) -> int:
        """How long the answer is."""
        return conversation_tokens(self.messages[-1:])

    def line(self, turns: Turns) -> str:
        """The line of the file. Answers before the last one weigh nothing where only the last is learned."""
        last = len(self.messages) - 1
        said: list[dict[str, Any]] = [
            {**message, "weight": 0}
            if message["role"] == "assistant" and at < last and turns == "last"
            else {**message}
            for at, message in enumerate(self.messages)
        ]
        return json.dumps({"messages": said}, ensure_ascii=False)


class Sent(NamedTuple):
    """What a service is sent: the rows that are learned and those that are watched, and the two files."""

    learned: list[Example]
    watched: list[Example]
    train: bytes
    validation: bytes


def sent(rows: Sequence[Kept], watched: Sequence[Kept], prompt: str, turns: Turns) -> Sent:
    """The rows as what a service is sent."""
    learned, seen = ([_example(row, prompt) for row in part] for part in (rows, watched))
    return Sent(learned, seen, _file(learned, turns), _file(seen, turns))


def check(given: Sent, rules: Rules, most_tokens: int | None) -> None:
    """Raises `StageFailed` with all that the service would refuse, by row, before anything is sent."""
    found = list(_problems(given, rules, most_tokens))
    if found:
        more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        raise StageFailed(
            f"train: {rules.service} would not take the examples, so nothing was sent: "
            f"{'; '.join([*found[:_SHOWN], *more])}. Mend the rows, filter them out, or keep more of them."
        )


def _file(examples: Sequence[Example], turns: Turns) -> bytes:
    return "".join(f"{each.line(turns)}\n" for each in examples).encode()


def _example(row: Kept, prompt: str) -> Example:
    return Example(row["id"], [*prompted(prompt, row), Message(role="assistant", content=row["completion"])])


def _problems(given: Sent, rules: Rules, most_tokens: int | None) -> Iterator[str]:
    count, most = len(given.learned), rules.most_examples
    if count < rules.least_examples:
        yield f"{count} examples to learn from, and it takes {rules.least_examples} or more"
    if most is not None and count > most:
        yield f"{count} examples to learn from, and it takes {most:,} or fewer"
    for name, file in (("train.jsonl", given.train), ("validation.jsonl", given.validation)):
        if rules.most_bytes is not None and len(file) > rules.most_bytes:
            yield f"{name} has {len(file):,} bytes, and it takes {rules.most_bytes:,} or fewer"
    for each in (*given.learned, *given.watched):
        yield from (f"row {each.row!r}: {words}" for words in _wrong(each, rules, most_tokens))


def _wrong(example: Example, rules: Rules, most_tokens: int | None) -> Iterator[str]:
    roles = [message["role"] for message in example.messages]
    if unknown := sorted(set(roles) - set(_ROLES)):
        yield f"has the roles {unknown}; it knows {', '.join(_ROLES)}"
    if "system" in roles[1:]:
        yield f"message {roles.index('system', 1) + 1} is the system's, which may only be the first"
    if "user" not in roles:
        yield "has no message of the user's"
    turns = [role for role in roles if role != "system"]
    if rules.alternating and any(one == other for one, other in pairwise(turns)):
        yield "user and assistant do not take turns"
    if empty := [at for at, message in enumerate(example.messages, start=1) if not message["content"].strip()]:
        yield f"message {empty[0]} is empty"
    if most_tokens is not None and (length := example.tokens) > most_tokens:
        yield f"has about {length:,} tokens, and {most_tokens:,} are the most: what is beyond would be cut off"
