"""A regular expression of the user's own, under a time limit."""

from collections.abc import Iterable, Sequence
from typing import Literal

from tasks.rules.verdict import Candidate, Drop, Keep, Verdict
from tasks.scorers.pattern import Expression


class Pattern(Expression):
    """Drops answers that a regular expression does not match, under the rule's `name`.

    An answer on which the expression does not come to an end within half a second is dropped too.
    """

    rule: Literal["pattern"]

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order.

        Raises `ProjectError` where the expression runs out of time again and again.
        """
        scores = self.matches([candidate.text for candidate in candidates])
        return (Keep() if score.value == 1.0 else Drop(self.name, score.evidence) for score in scores)
