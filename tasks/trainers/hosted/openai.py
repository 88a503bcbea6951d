"""OpenAI's fine-tuning, for as long as it lasts, and every service with the same API.

https://developers.openai.com/api/reference/resources/fine_tuning. OpenAI takes no new jobs after 2027-01-06.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from tasks.models import OpenAI
from tasks.models.jobs import State
from tasks.trainers.hosted.examples import Rules
from tasks.trainers.hosted.trainer import HostedTrainer, Look

_KEY = "stillhouse"
_OVER: dict[str, State] = {"succeeded": "done", "failed": "failed", "cancelled": "cancelled"}


class OpenAITrainer(HostedTrainer):
    """Supervised fine-tuning by OpenAI's API: files, jobs, and a model that Chat Completions answers with."""

    address: ClassVar[str] = OpenAI.address
    key_variable: ClassVar[str] = OpenAI.key_variable
    rules: ClassVar[Rules] = Rules("OpenAI", least_examples=10, most_bytes=512 * 2**20)

    trainer: Literal["openai"]
    max_tokens: int = Field(
        default=65_536, ge=8, description="The most tokens of an example; OpenAI would cut a longer one."
    )
    learning_rate_multiplier: float | None = Field(
        default=None, gt=0, description="By what the service's own learning rate is multiplied; its choice if left out."
    )
    seed: int | None = Field(default=None, description="Asks for the same weights again, as far as they can be.")

    def serving(self) -> dict[str, Any]:
        """As OpenAI's own, where no other address is named."""
        named = {"base_url": self.base_url, "api_key_env": self.api_key_env}
        return {name: value for name, value in named.items() if value}

    def find_file(self, client: Any, name: str) -> str | None:
        """By its name, among the files for fine-tuning."""
        files = client.files.list(purpose="fine-tune")
        return next((each.id for each in files if each.filename == name), None)

    def upload(self, client: Any, name: str, content: bytes) -> str:
        """As a file for fine-tuning."""
        return client.files.create(file=(name, content), purpose="fine-tune", timeout=1800).id

    def find_job(self, client: Any, fingerprint: str, file: str) -> str | None:
        """By the fingerprint in its metadata, or, where a service keeps none, by its file."""
        jobs = client.fine_tuning.jobs.list(limit=100, metadata={_KEY: fingerprint})
        mine = (each for each in jobs if (each.metadata or {}).get(_KEY) == fingerprint or each.training_file == file)
        return next((each.id for each in mine), None)

    def create(self, client: Any, fingerprint: str, file: str, validation: str) -> str:
        """With the fingerprint in its metadata."""
        chosen = {"n_epochs": self.epochs, "learning_rate_multiplier": self.learning_rate_multiplier}
        recipe = {name: value for name, value in chosen.items() if value is not None}
        given: dict[str, Any] = {"validation_file": validation, "seed": self.seed}
        job = client.fine_tuning.jobs.create(
            model=self.base,
            training_file=file,
            method={"type": "supervised", "supervised": {"hyperparameters": recipe}},
            suffix=f"stillhouse-{fingerprint[:8]}",
            metadata={_KEY: fingerprint},
            **{name: value for name, value in given.items() if value not in (None, "")},
        )
        return job.id

    def look(self, client: Any, job: str) -> Look:
        """The job's status, with its error where it failed; one that failed over its files trained nothing."""
        said = client.fine_tuning.jobs.retrieve(job)
        state, tokens = _OVER.get(said.status, "at work"), said.trained_tokens
        if state == "failed" and said.error:
            if said.error.param in {"training_file", "validation_file"}:
                tokens = tokens or 0
            return Look(state, f"{said.error.code}: {said.error.message}", tokens=tokens)
        return Look(state, said.status, said.fine_tuned_model or "", tokens)

    def cancel(self, client: Any, job: str) -> None:
        """At once."""
        client.fine_tuning.jobs.cancel(job)
