"""Who answers a request: teacher, judge, base and student alike. One file a provider, config and adapter in one.

No Prefect in here. `ask` is the one way in: it goes through the ledger, so no answer is asked for twice.
"""

from typing import Annotated

from pydantic import Field

from tasks.models.asking import Asked, ask
from tasks.models.ledger import Ledger, recorded_line
from tasks.models.local import Local
from tasks.models.recorded import Recorded
from tasks.models.request import CUT_OFF, Answer, Answered, Model, Request, request_key
from tasks.models.weights import ModelWeights, Weights

AnyModel = Annotated[Local | Recorded, Field(discriminator="provider")]

__all__ = [
    "CUT_OFF",
    "Answer",
    "Answered",
    "AnyModel",
    "Asked",
    "Ledger",
    "Local",
    "Model",
    "ModelWeights",
    "Recorded",
    "Request",
    "Weights",
    "ask",
    "recorded_line",
    "request_key",
]
