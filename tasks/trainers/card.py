"""The model card: what a student is, how it was made and how good it was, as a hub or a colleague wants to read it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.evidence import ALL, Estimate, Training
from tasks.models.weights import is_on_hub

_TEMPLATE = Path(__file__).with_name("card.md")
_TERMS = {
    "openai": "https://openai.com/policies/services-agreement",
    "anthropic": "https://www.anthropic.com/legal/commercial-terms",
}


class Origin(NamedTuple):
    """Where a student comes from: its base, the base's licence where it is stated, and the student's own prompt."""

    base: str
    licence: str
    prompt: str


class Teacher(NamedTuple):
    """Who gave the answers: the provider, and the model's name there."""

    provider: str
    model: str


def card(
    name: str, origin: Origin, training: Training, teachers: Sequence[Teacher] = (), scores: Sequence[Estimate] = ()
) -> str:
    """The card in Markdown, behind the metadata that the hub reads (Hugging Face hub documentation, Model Cards)."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    own = [each for each in scores if each.system == "student" and each.slice == ALL]
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        name=name,
        origin=origin,
        training=training,
        teachers=teachers,
        scores=own,
        terms=_TERMS,
        on_hub=is_on_hub(origin.base),
    )
