"""What a judge said, read strictly: the verdict that its schema accepts, or why there is none."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tasks.errors import StageFailed
from tasks.models import CUT_OFF, REFUSED, Answer
from tasks.scorers.parsing import as_object, unfenced

_SHOWN = 120


class Unreadable(NamedTuple):
    """No verdict: why, and how what came instead begins. It is an error, and counted; it is never a score.

    `failed` where no answer came at all: that may pass, and the request is asked again by the next run.
    """

    why: str
    start: str = ""
    failed: bool = False

    def words(self) -> str:
        """The error in one line."""
        return f"{self.why}: {self.start!r}" if self.start else self.why


def read_object(answer: Answer, schema: Mapping[str, Any]) -> dict[str, Any] | Unreadable:
    """The JSON object that is the whole answer, bare or in one code fence, where the schema accepts it.

    An object within prose is not read: a judge that quotes what it judges would be taken at the other's word. Neither
    is one with a key that stands twice, nor a number written as text.
    """
    from jsonschema import Draft202012Validator

    start = answer.text[:_SHOWN]
    if answer.error:
        return Unreadable(answer.error[:_SHOWN], failed=True)
    if answer.finish_reason in CUT_OFF | REFUSED:
        return Unreadable(f"not a whole answer ({answer.finish_reason})", start)
    said = as_object(unfenced(answer.text), each_key_once=True)
    if said is None:
        return Unreadable("not one JSON object alone" if start.strip() else "empty", start)
    problem = next(iter(Draft202012Validator(schema).iter_errors(said)), None)
    return said if problem is None else Unreadable(f"{problem.json_path}: {problem.message}"[:_SHOWN], start)


def refuse_unjudged(said: Sequence[object], share: float, stage: str, name: str) -> None:
    """Raises `StageFailed` where more than this share of what was judged has no verdict."""
    unjudged = [each for each in said if isinstance(each, Unreadable)]
    if len(unjudged) > share * len(said):
        raise StageFailed(
            f"{stage}: {len(unjudged)} of {len(said)} have no verdict; the first: {unjudged[0].words()}. "
            f"What was answered is in the ledger. Name another judge, or raise max_unjudged_share of `{name}`."
        )


def object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of an object with all of these properties and no other, as structured output wants it."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
