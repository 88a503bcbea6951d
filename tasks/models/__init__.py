"""Who answers a request: teacher, judge, base and student alike. One file a provider, config and adapter in one.

No Prefect in here. `Hand.ask` is the one way in: it goes through the ledger, so no answer is asked for twice.
"""

from typing import Annotated

from pydantic import Field

from tasks.models.account import Budget
from tasks.models.anthropic import Anthropic
from tasks.models.asking import Asked, Hand, Question, together
from tasks.models.estimate import Estimated, estimate
from tasks.models.ledger import Ledger, recorded_line
from tasks.models.live.service import Service
from tasks.models.local import Local
from tasks.models.openai import OpenAI
from tasks.models.recorded import Recorded
from tasks.models.request import CUT_OFF, REFUSED, Answer, Answered, Batched, Request, failure, request_key
from tasks.models.weights import ModelWeights, Weights

AnyModel = Annotated[OpenAI | Anthropic | Local | Recorded, Field(discriminator="provider")]

__all__ = [
    "CUT_OFF",
    "REFUSED",
    "Answer",
    "Answered",
    "Anthropic",
    "AnyModel",
    "Asked",
    "Batched",
    "Budget",
    "Estimated",
    "Hand",
    "Ledger",
    "Local",
    "ModelWeights",
    "OpenAI",
    "Question",
    "Recorded",
    "Request",
    "Service",
    "Weights",
    "estimate",
    "failure",
    "recorded_line",
    "request_key",
    "together",
]
