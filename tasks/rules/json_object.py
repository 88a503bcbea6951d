"""JSON, repaired where the repair is certain."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.rules.verdict import Candidate, Drop, Keep, Verdict
from tasks.scorers import as_object

_FENCE = re.compile(r"^\s*```[\w-]*\s*\n(?P<inside>.*?)\n?\s*```\s*$", re.DOTALL)


class JsonObject(BaseModel):
    """Drops answers that hold no JSON object, as `not_json`; takes a fence or chatter away around a single one.

    Every object is written anew in one form, so that the student learns one form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["json_object"]

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order."""
        return (_judge(candidate.text) for candidate in candidates)


def _judge(text: str) -> Verdict:
    if (whole := as_object(text)) is not None:
        return Keep(json.dumps(whole, ensure_ascii=False))
    if (fence := _FENCE.match(text)) and (inside := as_object(fence["inside"])) is not None:
        return Keep(json.dumps(inside, ensure_ascii=False), "took the code fence away")
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end and (only := as_object(text[start : end + 1])) is not None:
        return Keep(json.dumps(only, ensure_ascii=False), "took the chatter around the object away")
    return Drop("not_json", text[:120])
