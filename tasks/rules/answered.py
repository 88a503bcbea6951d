"""Not answered: failed, cut off, empty, refused."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.models import CUT_OFF, REFUSED
from tasks.rules.verdict import Candidate, Drop, Keep, Verdict

_REFUSAL = re.compile(
    r"^\W*(?:i(?:'|’)?m (?:very |really |so )?sorry|(?:i )?apologi[sz]e|sorry, (?:but )?i|"
    r"i(?: a|'|’)m (?:unable|not able)|i (?:can(?:no|'|’)?t|won(?:'|’)t|must decline)|as an ai|"
    r"unfortunately,? i (?:can|am))[^{]{0,400}$",
    re.IGNORECASE | re.DOTALL,
)


class Answered(BaseModel):
    """Drops outputs that are no answer: `failed`, `cut_off`, `empty` or `refused`.

    A refusal is known by the provider's word, or by how it begins, and then only in prose: an answer that is a JSON
    object is never taken for one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["answered"]

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order."""
        return (_judge(candidate) for candidate in candidates)


def _judge(candidate: Candidate) -> Verdict:
    row, text = candidate.row, candidate.text
    if row["error"]:
        return Drop("failed", row["error"][:200])
    if row["finish_reason"] in CUT_OFF:
        return Drop("cut_off", f"…{text[-80:]}")
    if row["finish_reason"] in REFUSED:
        return Drop("refused", f"{row['finish_reason']}: {text[:120]}")
    if not text.strip():
        return Drop("empty", "no text")
    if _REFUSAL.match(text):
        return Drop("refused", text[:120])
    return Keep()
