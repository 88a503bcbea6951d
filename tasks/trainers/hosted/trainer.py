"""What trainers at services have in common: a base and a recipe, an address and a key, prices, what is sent."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import digest
from tasks.errors import ProjectError
from tasks.evidence import Training
from tasks.files import File
from tasks.models import AnyModel, OpenAI
from tasks.models.estimate import OTHERS_COUNT
from tasks.models.jobs import State
from tasks.models.prices import StatedPrice
from tasks.rows import Kept
from tasks.trainers.card import Origin
from tasks.trainers.existing import described
from tasks.trainers.hosted.contact import contact
from tasks.trainers.hosted.examples import Rules, Sent, check, sent
from tasks.trainers.local import Lesson
from tasks.trainers.rendering import Turns

_SHOWN = 400


class Look(NamedTuple):
    """What a service says of a job: its state, the tuned model, what is billed, and its own words."""

    state: State
    words: str
    model: str = ""
    tokens: int | None = None
    nanodollars: int | None = None


class HostedTrainer(BaseModel):
    """Trains at a service, which then answers for the student; what is no part of its identity decides no weight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: ClassVar[str]
    key_variable: ClassVar[str]
    rules: ClassVar[Rules]

    base: str = Field(min_length=1, description="The model that is tuned, as the service names it.")
    prompt: File | None = Field(default=None, description="What the student is told before each conversation.")
    turns: Turns = Field(default="last", description="Whether only the answer is learned, or all assistant turns.")
    epochs: int = Field(default=3, ge=1, le=50, description="How often each row is seen.")
    max_tokens: int = Field(default=8192, ge=8, description="The most tokens of an example; a longer one is an error.")
    attempt: int = Field(
        default=1, ge=1, description="Raised, the same training is done again, as after a job that failed."
    )
    base_served: bool = Field(
        default=True, description="Whether the service answers for the base too, so that it is compared as `base`."
    )
    base_url: str | None = Field(default=None, description="Where a compatible service listens; the service's own.")
    api_key_env: str | None = Field(default=None, description="The variable that holds the key; the service's own.")
    price_usd: float | None = Field(
        default=None, ge=0, le=1e6, description="US dollars for a million tokens of training; needed for a budget."
    )
    price: StatedPrice | None = Field(default=None, description="What the student's answers cost, as a model's price.")
    base_price: StatedPrice | None = Field(default=None, description="What the base's cost; listed ones if left out.")

    @property
    def name(self) -> str:
        """The service's name, as `trainer` has it."""
        return self.rules.service.lower()

    def base_model(self) -> AnyModel | None:
        """The untuned base as a model that answers, where the service serves it."""
        return self.served(self.base, self.base_price) if self.base_served else None

    def asked(self) -> list[AnyModel]:
        """The models that evaluation asks because of this trainer; the student by the name of its base."""
        base = self.base_model()
        return [self.served(f"ft:{self.base}", self.price), *([base] if base else [])]

    def check(self) -> None:
        """Nothing needs to be installed; the key is looked for with those of the models that are asked."""

    def check_priced(self) -> None:
        """Raises `ProjectError` where the training's price is not stated, so that no budget can be kept."""
        if self.price_usd is None:
            raise ProjectError(
                f"train.price_usd: nobody lists what training {self.base} costs, so no budget can be kept. State it in "
                "US dollars for a million tokens, or set no budget."
            )

    def identity(self) -> dict[str, Any]:
        """What decides the tuned model beside the rows: no address, no key and no price."""
        aside = {"prompt", "turns", "base_served", "base_url", "api_key_env", "price_usd", "price", "base_price"}
        return {"service": self.served(self.base, None).whose} | self.model_dump(mode="json", exclude=aside)

    def told(self, model: str) -> dict[str, Any]:
        """What the student's folder says of it: the model with its address and its price, and never a key."""
        origin = Origin(f"{self.name}/{self.base}", "", self.prompt.text() if self.prompt else "")
        return {"model": described(self.served(model, self.price)), **origin._asdict()}

    def served(self, model: str, price: StatedPrice | None) -> OpenAI:
        """A model of the service as one that answers."""
        named = {"provider": "openai", "model": model} | self.serving() | ({"price": price} if price else {})
        return OpenAI.model_validate(named)

    def serving(self) -> dict[str, Any]:
        """Where the service's models are asked, as far as it is not where OpenAI's are."""
        raise NotImplementedError

    def sent(self, rows: Sequence[Kept], watched: Sequence[Kept]) -> Sent:
        """What the service is sent for these rows."""
        return sent(rows, watched, self.prompt.text() if self.prompt else "", self.turns)

    def checked(self, rows: Sequence[Kept], watched: Sequence[Kept]) -> Sent:
        """What the service is sent. Raises `StageFailed` where it would not take that, by its own rules."""
        given = self.sent(rows, watched)
        check(given, self.rules, self.max_tokens)
        return given

    def fingerprint(self, given: Sent) -> str:
        """By what a training is found again: all that decides it, and the very files that are sent."""
        return digest([self.identity(), given.train.decode(), given.validation.decode()])

    def most_tokens(self, given: Sent) -> int:
        """The most tokens that the service may bill; of another vocabulary than OpenAI's the count is stretched."""
        seen = sum(each.tokens for each in given.learned) + sum(each.tokens for each in given.watched)
        return round(self.epochs * seen * (1 if self.name == "openai" else OTHERS_COUNT[1]))

    def cost(self, tokens: int) -> int | None:
        """Nanodollars for so many tokens of training; None where no price is stated."""
        return None if self.price_usd is None else round(tokens * self.price_usd * 1000)

    def lesson(self, given: Sent, model: str) -> Lesson:
        """How the training went, and the student: the tuned model, and the very files that were sent."""
        return Lesson(self._training(given), lambda folder: self._save(folder, model, given))

    def client(self) -> Any:
        """The openai SDK's client, for OpenAI's own API and, as plain HTTP, for the others'."""
        return contact(self.base_url or self.address, self.key)

    @property
    def key(self) -> str:
        """The key itself, never stored."""
        return os.environ.get(self.key_name, "").strip() if self.key_name else "no-key-needed"

    @property
    def key_name(self) -> str:
        """The environment variable with the key; empty where a service of the user's own needs none."""
        return self.api_key_env or ("" if self.base_url else self.key_variable)

    def find_file(self, client: Any, name: str) -> str | None:
        """The id of the file of this name, where it was uploaded whole."""
        raise NotImplementedError

    def upload(self, client: Any, name: str, content: bytes) -> str:
        """Upload a file; returns its id."""
        raise NotImplementedError

    def ready(self, client: Any, file: str) -> bool:
        """Whether the service has taken the file in, so that a job may name it."""
        return True

    def find_job(self, client: Any, fingerprint: str, file: str) -> str | None:
        """The id of the job for this training."""
        raise NotImplementedError

    def create(self, client: Any, fingerprint: str, file: str, validation: str) -> str:
        """Start the job; returns its id."""
        raise NotImplementedError

    def look(self, client: Any, job: str) -> Look:
        """How a job is doing."""
        raise NotImplementedError

    def cancel(self, client: Any, job: str) -> None:
        """Ask the service to end a job."""
        raise NotImplementedError

    def _training(self, given: Sent) -> Training:
        tokens = [each.tokens for each in given.learned]
        return Training(
            rows=len(given.learned),
            watched=len(given.watched),
            too_long=0,
            tokens=sum(tokens),
            answer_tokens=sum(each.answer_tokens for each in given.learned),
            longest_row=max(tokens),
            trained_parameters=0,
            steps=0,
            seconds=0,
            example=given.train.decode().partition("\n")[0][:_SHOWN],
            curve=[],
            method=self.name,
            epochs=self.epochs,
        )

    def _save(self, folder: Path, model: str, given: Sent) -> None:
        (folder / "train.jsonl").write_bytes(given.train)
        if given.validation:
            (folder / "validation.jsonl").write_bytes(given.validation)
        (folder / "student.json").write_text(json.dumps(self.told(model), ensure_ascii=False), encoding="utf-8")
