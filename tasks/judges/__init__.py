"""How a model is asked to judge, and how its verdict is read: a rubric for one answer, a preference between two.

No Prefect in here. A verdict that cannot be read is an `Unreadable`: an error that is counted, and never a score.
`AnyScorer` is all that may judge answers: the scorers, and judges that are scorers too.
"""

from typing import Annotated

from pydantic import Field

from tasks.judges.judge import Judge, called
from tasks.judges.pairwise import Compared, Pair, Pairwise, Preference, read_preference
from tasks.judges.preference_scorer import Preferences, PreferenceScorer
from tasks.judges.reading import Unreadable, refuse_unjudged
from tasks.judges.reliability import Concordance, Reliability, agreement, alarm, reliability, self_agreement
from tasks.judges.rubric import Case, Dimension, Level, Levels, Rubric
from tasks.judges.rubric_scorer import Graded, RubricScorer
from tasks.scorers import Scorer

AnyScorer = Annotated[Scorer | RubricScorer | PreferenceScorer, Field(discriminator="scorer")]


__all__ = [
    "AnyScorer",
    "Case",
    "Compared",
    "Concordance",
    "Dimension",
    "Graded",
    "Judge",
    "Level",
    "Levels",
    "Pair",
    "Pairwise",
    "Preference",
    "PreferenceScorer",
    "Preferences",
    "Reliability",
    "Rubric",
    "RubricScorer",
    "Unreadable",
    "agreement",
    "alarm",
    "called",
    "read_preference",
    "refuse_unjudged",
    "reliability",
    "self_agreement",
]
