"""Style collapse: answers that are more alike than the teacher's to the same inputs."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from math import exp, fsum, log
from statistics import fmean

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import Estimate, FailureMode
from tasks.failure_modes.shown import Shares, Shown, compared
from tasks.failure_modes.verdicts import FEWEST_ROWS, difference, estimate, fires, not_measured, percent
from tasks.rules.look import look
from tasks.rules.said import prose, words_of

_LONGEST_NGRAM = 4
_NEAR = 0.1
_OF_PAIRS = ("whole", "length", "shape")


class Collapse(BaseModel):
    """Fires where the student's answers are more alike than the teacher's, by any of five measures.

    Of each answer, from 0 to 1: the share of the other answers that say the same (`whole`), are within a tenth of its
    length (`length`), have its lines and formatting (`shape`); the share of its pairs of words that other answers have
    too (`pairs`, after distinct-2 of Li et al., 2016); and its BLEU-4 with all other answers as references, without the
    brevity penalty (`self_bleu`, Zhu et al., 2018).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.25, ge=0, le=1, description="How much more alike than the teacher's they may be, by each measure."
    )

    def examine(self, shown: Shown) -> FailureMode:
        """What the answers to rows that were held out show."""
        pairs = shown.beside("teacher")
        if len(pairs) < FEWEST_ROWS:
            return not_measured("collapse", self.threshold, f"student and teacher both answered {len(pairs)} rows")
        own, others = ([each.student["text"] for each in pairs], [each.other["text"] for each in pairs])
        groups = [each.row["group"] for each in pairs]
        found = {
            name: compared(_weighed(name, measure(own)), _weighed(name, measure(others)), groups)
            for name, measure in WAYS_ALIKE.items()
        }
        worst = max(found.values(), key=lambda each: each.difference.low).difference
        return FailureMode(
            mode="collapse",
            fires=fires(self.threshold, *(each.difference for each in found.values())),
            words=f"how alike the student's {len(pairs)} answers are, and the teacher's: "
            + "; ".join(f"{name} {percent(each.student)}, {percent(each.other)}" for name, each in found.items()),
            threshold=self.threshold,
            estimates=[estimate(worst, "collapse", "all"), *_estimates(found)],
            differences=[
                difference(each.difference, f"alike_{name}", "all", "teacher") for name, each in found.items()
            ],
            examples=[f"{count} × {text[:120]}" for text, count in Counter(own).most_common(1) if count > 1],
        )


def _estimates(found: dict[str, Shares]) -> list[Estimate]:
    return [
        estimate(measured, f"alike_{name}", "all", system)
        for name, each in found.items()
        for system, measured in (("student", each.student), ("teacher", each.other))
    ]


def _weighed(name: str, likeness: Sequence[float]) -> Sequence[float]:
    """Each answer's pull on the mean likeness, whose mean is the same.

    An answer counts in its own likeness and once more in that of the others, so that the mean over pairs varies twice
    as much as its rows show: Hájek's projection of a U-statistic of degree 2 (van der Vaart 1998, section 12.1).
    """
    if name not in _OF_PAIRS:
        return likeness
    mean = fmean(likeness)
    return [2 * each - mean for each in likeness]


def _same(keys: Sequence[Hashable]) -> list[float]:
    """For each key the share of the others that equal it."""
    counts = Counter(keys)
    return [(counts[key] - 1) / (len(keys) - 1) for key in keys]


def _whole(texts: Sequence[str]) -> list[float]:
    return _same([words_of(text) for text in texts])


def _length(texts: Sequence[str]) -> list[float]:
    counts = Counter(len(words) for words in _words(texts))
    near = {own: sum(counts[other] for other in counts if abs(other - own) <= _NEAR * own) for own in counts}
    return [(near[len(words)] - 1) / (len(texts) - 1) for words in _words(texts)]


def _shape(texts: Sequence[str]) -> list[float]:
    looks = [look(text) for text in texts]
    return _same([(each.lines, each.marks) for each in looks])


def _pairs(texts: Sequence[str]) -> list[float]:
    """The share of an answer's different pairs of words that stand in another answer as well."""
    pairs = [set(_ngrams(words, 2)) for words in _words(texts)]
    counts = Counter(pair for own in pairs for pair in own)
    return [fmean([float(counts[pair] > 1) for pair in own] or [0.0]) for own in pairs]


def _self_bleu(texts: Sequence[str]) -> list[float]:
    words = _words(texts)
    by_length = [_precisions(words, length) for length in range(1, _LONGEST_NGRAM + 1)]
    return [_geometric([each[at] for each in by_length]) for at in range(len(texts))]


def _precisions(words: Sequence[list[str]], length: int) -> list[float | None]:
    """The share of an answer's runs of so many words that another answer has, as often; None for an answer without."""
    counted = [Counter(_ngrams(own, length)) for own in words]
    most: dict[Hashable, tuple[int, int]] = {}  # the two highest counts: one of them is another answer's
    for own in counted:
        for run, count in own.items():
            first, second = most.get(run, (0, 0))
            most[run] = (max(first, count), max(second, min(first, count)))
    return [
        sum(min(count, most[run][count == most[run][0]]) for run, count in own.items()) / own.total() if own else None
        for own in counted
    ]


def _geometric(precisions: Sequence[float | None]) -> float:
    there = [each for each in precisions if each is not None]
    return exp(fsum(map(log, there)) / len(there)) if there and all(there) else 0.0


def _ngrams(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + length]) for at in range(len(words) - length + 1)]


def _words(texts: Sequence[str]) -> list[list[str]]:
    """The words of each answer's prose, or all its words where it has none, as a label."""
    return [(words_of(prose(text)) or words_of(text)).split() for text in texts]


WAYS_ALIKE: dict[str, Callable[[Sequence[str]], list[float]]] = {
    "whole": _whole,
    "length": _length,
    "shape": _shape,
    "pairs": _pairs,
    "self_bleu": _self_bleu,
}
