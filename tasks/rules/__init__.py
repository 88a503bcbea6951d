"""Why an answer is not worth learning from: one file a rule, config and rule in one. No Prefect in here.

A rule has `judge(candidates)`, which gives each candidate, in order, a `Keep` or a `Drop` with reason and evidence. One
that asks a model, as `Judged`, has it once `asking` gave it a hand.
"""

from typing import Annotated

from pydantic import Field

from tasks.rules.agreement import Agreement
from tasks.rules.answered import Answered
from tasks.rules.collapse import collapses
from tasks.rules.contradiction import Contradiction
from tasks.rules.json_object import JsonObject
from tasks.rules.judged import Judged
from tasks.rules.labels import Labels
from tasks.rules.language import Language
from tasks.rules.near_duplicate import NearDuplicate, SemanticDuplicate
from tasks.rules.pattern import Pattern
from tasks.rules.shape import Shape
from tasks.rules.standard import Standard
from tasks.rules.verdict import Candidate, Drop, Keep, Ready, Verdict

Rule = Annotated[
    Answered
    | Language
    | JsonObject
    | Labels
    | Pattern
    | Standard
    | Agreement
    | Contradiction
    | Shape
    | NearDuplicate
    | SemanticDuplicate
    | Judged,
    Field(discriminator="rule"),
]

__all__ = [
    "Agreement",
    "Answered",
    "Candidate",
    "Contradiction",
    "Drop",
    "JsonObject",
    "Judged",
    "Keep",
    "Labels",
    "Language",
    "NearDuplicate",
    "Pattern",
    "Ready",
    "Rule",
    "SemanticDuplicate",
    "Shape",
    "Standard",
    "Verdict",
    "collapses",
]
