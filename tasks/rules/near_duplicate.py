"""Rows that nearly repeat another: found by MinHash, verified by their true Jaccard similarity."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.rows import Input
from tasks.rules.verdict import Candidate, Drop, Keep, Verdict

_PERMUTATIONS = 128
_BANDS = 32
_SHINGLE = 5
_IDENTIFIER = re.compile(r"\d{4,}")
_SPACE = re.compile(r"[\W_]+")


class Pair(NamedTuple):
    """Two positions, the earlier first, and the Jaccard similarity of their texts."""

    first: int
    second: int
    similarity: float


class NearDuplicate(BaseModel):
    """Drops rows whose conversation nearly repeats one that is kept; approved rows, then earlier ones, are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["near_duplicate"]
    similarity: float = Field(
        default=0.8, gt=0, le=1, description="Jaccard similarity of 5-character shingles from which rows repeat."
    )

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order."""
        repeats: dict[int, list[Pair]] = {}
        for pair in near_duplicates([conversation(candidate.row) for candidate in candidates], self.similarity):
            if candidates[pair.first].row["id"] == candidates[pair.second].row["id"]:
                continue  # another answer to the same row
            repeats.setdefault(pair.first, []).append(pair)
            repeats.setdefault(pair.second, []).append(Pair(pair.second, pair.first, pair.similarity))
        verdicts: list[Verdict] = [Keep() for _ in candidates]
        kept: set[int] = set()
        for position in sorted(range(len(candidates)), key=lambda each: not candidates[each].approved):
            twin = next((pair for pair in repeats.get(position, []) if pair.second in kept), None)
            if twin is None or candidates[position].approved:
                kept.add(position)
                continue
            original = candidates[twin.second].row["id"]
            verdicts[position] = Drop("near_duplicate", f"repeats {original} (similarity {twin.similarity:.2f})")
        return verdicts


def conversation(row: Input) -> str:
    """A row's conversation as one text."""
    return "\n".join(message["content"] for message in row["messages"])


def near_duplicates(texts: Sequence[str], similarity: float) -> Iterator[Pair]:
    """Every pair of texts found at least this similar, letters and short numbers alone counting.

    Runs of four or more digits (order numbers, telephone numbers) count as equal. MinHash with banding after Broder
    (1997); each candidate pair is verified, so precision is exact and recall is that of 32 bands of 4.
    """
    from rensa import RMinHash, RMinHashLSH  # pyright: ignore[reportAttributeAccessIssue]: native, has no stubs

    shingles = [_shingles(text) for text in texts]
    index = RMinHashLSH(threshold=similarity, num_perm=_PERMUTATIONS, num_bands=_BANDS)
    for position, own in enumerate(shingles):
        sketch = RMinHash(num_perm=_PERMUTATIONS, seed=1)
        sketch.update(sorted(own))
        for other in sorted(index.query(sketch)):
            alike = len(own & shingles[other]) / len(own | shingles[other])
            if alike >= similarity:
                yield Pair(other, position, alike)
        index.insert(position, sketch)


def _shingles(text: str) -> set[str]:
    plain = _SPACE.sub(" ", _IDENTIFIER.sub("0", text.casefold())).strip()
    return {plain[start : start + _SHINGLE] for start in range(max(1, len(plain) - _SHINGLE + 1))}
