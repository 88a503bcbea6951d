"""Not answered: failed, cut off, empty, refused, or the question said back."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.models import CUT_OFF, REFUSED, failure
from tasks.rows import Message
from tasks.rules.refusals import refuses
from tasks.rules.said import words_of
from tasks.rules.verdict import Candidate, Drop, Keep, Verdict

_FEWEST_ECHOED = 20  # characters; a shorter answer may well be what the question says
_ALL_BUT = 0.8


class Answered(BaseModel):
    """Drops outputs that are no answer: `failed`, `unanswerable`, `cut_off`, `empty`, `refused` or `echo`.

    A refusal is known by the provider's word or by what is said; a JSON object is one where nothing but a refusal
    stands in it. An echo says a message of the conversation back and hardly anything else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["answered"]
    may_echo: bool = Field(
        default=False, description="Whether an answer may repeat its input, as where a text is corrected."
    )

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order."""
        return (self._judge(candidate) for candidate in candidates)

    def _judge(self, candidate: Candidate) -> Verdict:
        row, text = candidate.row, candidate.text
        if row["error"]:
            return Drop(failure(row["error"]), row["error"][:200])
        if row["finish_reason"] in CUT_OFF:
            return Drop("cut_off", f"…{text[-80:]}")
        if row["finish_reason"] in REFUSED:
            return Drop("refused", f"{row['finish_reason']}: {text[:120]}")
        if not text.strip():
            return Drop("empty", "no text")
        if refuses(text):
            return Drop("refused", text[:120])
        if not self.may_echo and (role := echoed(text, row["messages"])):
            return Drop("echo", f"repeats the {role}'s message: {text[:120]}")
        return Keep()


def echoed(text: str, messages: Sequence[Message]) -> str:
    """The role whose message an answer says back, or nothing."""
    answer = words_of(text)
    for message in messages:
        said = words_of(message["content"])
        shorter, longer = sorted((answer, said), key=len)
        if len(shorter) >= max(_FEWEST_ECHOED, _ALL_BUT * len(longer)) and shorter in longer:
            return message["role"]
    return ""
