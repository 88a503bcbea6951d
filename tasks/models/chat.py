"""A conversation as the tokens that a model was tuned on: the model's own template, for training and asking alike."""

from collections.abc import Sequence
from typing import Any

from tasks.rows import Input, Message


def prompted(prompt: str, row: Input, examples: Sequence[Message] = ()) -> list[Message]:
    """A row's conversation after the instruction, where there is one, and after solved examples of others."""
    instruction = [Message(role="system", content=prompt)] if prompt else []
    return [*instruction, *examples, *row["messages"]]


def prompt_tokens(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The tokens of a conversation up to where the answer begins."""
    text = tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True)
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def shared_prefix(prompts: Sequence[list[int]]) -> int:
    """How many leading tokens all prompts have in common, at least one token being left to each."""
    if not prompts:
        return 0
    first, last = min(prompts), max(prompts)
    limit = min(len(prompt) for prompt in prompts) - 1
    return next((at for at in range(limit) if first[at] != last[at]), max(limit, 0))
