"""Who judges, and how it is asked: through the ledger, and again where its verdict cannot be read."""

import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from tasks.files import File
from tasks.judges.fencing import NOTICE, fenced
from tasks.judges.reading import Unreadable
from tasks.models import Answer, AnyModel, Hand, Local, Question, Recorded, Request
from tasks.rows import Message

Said = TypeVar("Said")

TRIES = 3
"""How often a judge is asked for one verdict; the second try and the third are samples of their own in the ledger."""

_VERSION = re.compile(r"(@.*|-(\d{4}-?\d\d-?\d\d|latest))$")

logger = logging.getLogger("stillhouse")


class Shown(NamedTuple):
    """What a judge is shown for one verdict: the row on whose behalf, and texts by name."""

    row: str
    texts: dict[str, str]


class Judge(BaseModel):
    """A model that judges, and what it is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: AnyModel = Field(description="The judge; another than the teacher.")
    instruction: File | None = Field(
        default=None, description="What those who answered were told, usually teach.prompt; the judge is shown it."
    )
    max_output_tokens: int = Field(default=1024, ge=1, description="The longest verdict, in the judge's tokens.")

    def ask_until_read(
        self,
        hand: Hand,
        wanted: Sequence[Shown],
        task: str,
        schema: dict[str, Any],
        read: Callable[[Answer], Said | Unreadable],
        sample: int = 0,
    ) -> list[Said | Unreadable]:
        """A verdict for each that is wanted, in order; what cannot be read is asked for again, `TRIES` times in all.

        Another `sample` asks for the same verdicts anew. Raises as `Hand.ask`.
        """
        questions = self.first_tries(wanted, task, schema, sample)
        verdicts: dict[int, Said | Unreadable] = {}
        waiting = list(range(len(questions)))
        while waiting:
            asked = hand.ask(self.model, [questions[at] for at in waiting], len(waiting), f"{hand.stage} judge")
            for at, answer in zip(waiting, asked.answers(), strict=True):
                verdicts[at] = read(answer)
            waiting = [at for at in waiting if self._worth_asking_again(verdicts[at], questions[at].request)]
            for at in waiting:
                questions[at] = _again(questions[at])
            if waiting:
                logger.info("%s: %d verdicts could not be read and are asked for again", hand.stage, len(waiting))
        return [verdicts[at] for at in range(len(questions))]

    def says_anew(self, shown: Shown, task: str, schema: dict[str, Any], sample: int) -> bool:
        """Whether another sample may say something else: not of a local model, of a recorded one if its file does."""
        return self._says_anew(self._question(shown, self._told(task), schema, sample * TRIES).request)

    def first_tries(
        self, wanted: Sequence[Shown], task: str, schema: dict[str, Any], sample: int = 0
    ) -> list[Question]:
        """What the judge is asked first, for each verdict that is wanted."""
        told = self._told(task)
        return [self._question(each, told, schema, sample * TRIES) for each in wanted]

    def _told(self, task: str) -> str:
        if self.instruction is None:
            return f"{task}\n\n{NOTICE}"
        shown = fenced({"instruction": self.instruction.text()})
        return f"{task}\n\n{NOTICE}\n\nThose who answered had been told this. {shown}"

    def _question(self, shown: Shown, told: str, schema: dict[str, Any], sample: int) -> Question:
        messages = [Message(role="system", content=told), Message(role="user", content=fenced(shown.texts))]
        request = Request(
            messages=messages, max_output_tokens=self.max_output_tokens, sample=sample, output_schema=schema
        )
        return Question(shown.row, request)

    def _worth_asking_again(self, verdict: object, request: Request) -> bool:
        """Whether another try may be readable: not where no answer came, nor from a model that says the same again."""
        if not isinstance(verdict, Unreadable) or verdict.failed or request.sample % TRIES == TRIES - 1:
            return False
        return self._says_anew(_again(Question("", request)).request)

    def _says_anew(self, request: Request) -> bool:
        if isinstance(self.model, Recorded):
            return self.model.holds(request)
        return not isinstance(self.model, Local)


def _again(question: Question) -> Question:
    request = question.request
    return question._replace(request=request.model_copy(update={"sample": request.sample + 1}))


def called(model: AnyModel) -> str:
    """The name of a model, whoever serves it: without a gateway's prefix, and without its version's date."""
    name = model.weights.reference if isinstance(model, Local) else model.model
    return _VERSION.sub("", name.lower()).rpartition("/")[2]
