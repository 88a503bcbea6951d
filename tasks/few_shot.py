"""The base's best prompt: with as many solved examples before the row as do best on the validation rows."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import zip_longest
from statistics import fmean
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import digest
from tasks.evidence import PromptTried
from tasks.models import together
from tasks.rows import Kept, Message
from tasks.systems import System, Systems

_SALT = "few-shot"


class FewShot(BaseModel):
    """Examples from the training rows in the base's prompt. A student must beat what prompting can do at its best."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    examples: list[Annotated[int, Field(ge=0, le=64)]] = Field(
        default=[0, 4], min_length=1, description="How many examples to try; the fewest of those that do best are kept."
    )
    rows: int = Field(default=40, ge=1, description="The most validation rows to try them on.")

    def choose(self, systems: Systems, train: Sequence[Kept], validation: Sequence[Kept]) -> list[PromptTried]:
        """Give the base the examples that do best, and say what was tried. Raises as `Hand.ask`.

        The first number is taken where nothing can be tried: for lack of a choice, of validation rows, or of a scorer
        that is no judge.
        """
        counts = list(dict.fromkeys(self.examples))
        base = systems["base"]
        candidates = {count: base._replace(examples=tuple(_shown(train, count))) for count in counts}
        rows = _by_lot(validation)[: self.rows]
        choice = rows and systems.scorers and len(counts) > 1
        tries = [partial(_try, systems, candidates[count], count, rows) for count in counts] if choice else []
        tried = together(tries)
        best = min(tried, key=lambda each: (-each.mean, each.examples), default=None)
        systems.put(candidates[best.examples if best else counts[0]])
        return tried


def _try(systems: Systems, candidate: System, count: int, rows: Sequence[Kept]) -> PromptTried:
    systems.put(candidate)
    scored = systems.scored("base", {"validation": rows}, f"with {count} examples")
    return PromptTried(examples=count, mean=fmean(fmean(row["scores"].values()) for row in scored), n=len(rows))


def _shown(train: Sequence[Kept], count: int) -> Iterator[Message]:
    """Solved conversations, of as many slices as there are."""
    by_slice: dict[str, list[Kept]] = {}
    for row in _by_lot(train):
        by_slice.setdefault(row["slice"], []).append(row)
    in_turn = [row for at in zip_longest(*by_slice.values()) for row in at if row]
    for row in in_turn[:count]:
        yield from row["messages"]
        yield Message(role="assistant", content=row["completion"])


def _by_lot(rows: Sequence[Kept]) -> list[Kept]:
    return sorted(rows, key=lambda row: digest([_SALT, row["id"]]))
