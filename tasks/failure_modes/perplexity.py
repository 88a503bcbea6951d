"""Perplexity: whether plain prose has become strange to the student, beside its base."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import exp, sqrt
from statistics import fmean, stdev

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import FailureMode
from tasks.failure_modes.verdicts import WITHOUT_BASE, estimate, fires, not_measured
from tasks.models.likelihood import text_losses
from tasks.statistics import Interval
from tasks.systems import Systems


class Perplexity(BaseModel):
    """Fires where the student's perplexity of general prose is a multiple of its base's.

    It needs the weights of both, and asks nothing: one forward pass over some sixty short paragraphs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=2.0, ge=1, description="The student's perplexity over the base's.")

    def examine(self, systems: Systems) -> FailureMode:
        """What student and base make of the paragraphs."""
        if "base" not in systems:
            return not_measured("perplexity", self.threshold, WITHOUT_BASE)
        local = [weights for name in ("student", "base") if (weights := systems[name].weights) is not None]
        if len(local) < 2:
            why = "it takes the weights of student and base, and one of them is not on this machine"
            return not_measured("perplexity", self.threshold, why)
        student, base = (text_losses(model, paragraphs()) for model in local)
        return self.judge(student, base)

    def judge(self, student: Sequence[float], base: Sequence[float]) -> FailureMode:
        """What these mean losses a token of the same paragraphs show."""
        ratio = perplexity_ratio(student, base)
        return FailureMode(
            mode="perplexity",
            fires=fires(self.threshold, ratio),
            words=f"plain prose has a perplexity of {exp(fmean(student)):.1f} to the student and "
            f"{exp(fmean(base)):.1f} to the base: {ratio.mean:.2f} times [{ratio.low:.2f}, {ratio.high:.2f}] "
            f"over {ratio.n} paragraphs",
            threshold=self.threshold,
            estimates=[estimate(ratio, "perplexity", "prose")],
        )


@cache
def paragraphs() -> tuple[str, ...]:
    """The plain prose that ships with the project, one paragraph on each topic."""
    text = files("tasks.failure_modes").joinpath("prose.txt").read_text(encoding="utf-8")
    return tuple(paragraph.strip() for paragraph in text.split("\n\n") if paragraph.strip())


def perplexity_ratio(student: Sequence[float], base: Sequence[float]) -> Interval:
    """The ratio of perplexities, each a geometric mean over paragraphs, with Student's interval of its logarithm."""
    from scipy.stats import t

    gains = [own - other for own, other in zip(student, base, strict=True)]
    mean, n = fmean(gains), len(gains)
    half = float(t.ppf(0.975, n - 1)) * stdev(gains) / sqrt(n)
    return Interval(exp(mean), exp(mean - half), exp(mean + half), n, n)
