"""Fireworks' supervised fine-tuning: https://docs.fireworks.ai/fine-tuning/fine-tuning-via-api.

Data sets and jobs have ids that the client chooses, so a training is found by its own name.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from tasks.models.jobs import State
from tasks.models.prices import NANODOLLARS
from tasks.trainers.hosted.contact import found, get, post, post_file
from tasks.trainers.hosted.examples import Rules
from tasks.trainers.hosted.trainer import HostedTrainer, Look

_OVER: dict[str, State] = {
    "JOB_STATE_COMPLETED": "done",
    "JOB_STATE_EARLY_STOPPED": "done",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_EXPIRED": "failed",
    "JOB_STATE_CANCELLED": "cancelled",
}


class FireworksTrainer(HostedTrainer):
    """LoRA at Fireworks; a tuned model is answered for by a deployment alone, which costs by the hour."""

    address: ClassVar[str] = "https://api.fireworks.ai"
    key_variable: ClassVar[str] = "FIREWORKS_API_KEY"
    rules: ClassVar[Rules] = Rules("Fireworks", least_examples=3, most_examples=3_000_000, most_bytes=150 * 10**6)

    trainer: Literal["fireworks"]
    account: str = Field(pattern=r"^[a-z0-9-]+$", description="The account's id, as in accounts/ID.")
    deployment: str | None = Field(
        default=None, pattern=r"^[a-z0-9-]+$", description="The id of the deployment that answers for tuned models."
    )
    rank: int = Field(default=8, ge=1, le=64, description="The rank of the adapters.")
    learning_rate: float | None = Field(default=None, gt=0, description="The service's choice where left out.")

    def identity(self) -> dict[str, Any]:
        """Which deployment answers decides nothing of the training."""
        return {name: value for name, value in super().identity().items() if name != "deployment"}

    def told(self, model: str) -> dict[str, Any]:
        """The tuned model at its deployment, where one is named."""
        at = f"#accounts/{self.account}/deployments/{self.deployment}" if self.deployment else ""
        return super().told(f"{model}{at}")

    def serving(self) -> dict[str, Any]:
        """By Fireworks' OpenAI-compatible API."""
        address = (self.base_url or self.address).rstrip("/")
        return {"base_url": f"{address}/inference/v1", "api_key_env": self.key_name or None}

    def find_file(self, client: Any, name: str) -> str | None:
        """A data set of this id that is READY; into another the file is uploaded again."""
        said = found(client, f"{self._account}/datasets/{_id(name)}")
        return _id(name) if said and said.get("state") == "READY" else None

    def upload(self, client: Any, name: str, content: bytes) -> str:
        """A record of the data set first, where there is none, then the file."""
        id, own = _id(name), self._account
        if found(client, f"{own}/datasets/{id}") is None:
            post(client, f"{own}/datasets", {"datasetId": id, "dataset": {"userUploaded": {}, "format": "CHAT"}})
        post_file(client, f"{own}/datasets/{id}:upload", name, content, {})
        return id

    def ready(self, client: Any, file: str) -> bool:
        """Once it is READY."""
        return get(client, f"{self._account}/datasets/{file}").get("state") == "READY"

    def find_job(self, client: Any, fingerprint: str, file: str) -> str | None:
        """By its id, which is ours."""
        id = f"stillhouse-{fingerprint[:32]}"
        return id if found(client, f"{self._jobs}/{id}") else None

    def create(self, client: Any, fingerprint: str, file: str, validation: str) -> str:
        """Under an id of ours, which the tuned model has, too."""
        id = f"stillhouse-{fingerprint[:32]}"
        body: dict[str, Any] = {
            "displayName": id,
            "dataset": f"accounts/{self.account}/datasets/{file}",
            "baseModel": self.base,
            "outputModel": f"accounts/{self.account}/models/{id}",
            "epochs": self.epochs,
            "loraRank": self.rank,
            "maxContextLength": self.max_tokens,
        }
        if validation:
            body["evaluationDataset"] = f"accounts/{self.account}/datasets/{validation}"
        if self.learning_rate is not None:
            body["learningRate"] = self.learning_rate
        post(client, self._jobs, body, supervisedFineTuningJobId=id)
        return id

    def look(self, client: Any, job: str) -> Look:
        """The job's state, with its status message; what it costs is Fireworks' own estimate."""
        said = get(client, f"{self._jobs}/{job}")
        state, message = _OVER.get(said["state"], "at work"), (said.get("status") or {}).get("message") or ""
        cost = said.get("estimatedCost")
        nanodollars = int(cost.get("units") or 0) * NANODOLLARS + int(cost.get("nanos") or 0) if cost else None
        words = f"{said['state'].removeprefix('JOB_STATE_').lower()}{': ' if message else ''}{message}"
        return Look(state, words, said.get("outputModel") or "", nanodollars=nanodollars)

    def cancel(self, client: Any, job: str) -> None:
        """By the job's id."""
        post(client, f"{self._jobs}/{job}:cancel", {})

    @property
    def _account(self) -> str:
        return f"/v1/accounts/{self.account}"

    @property
    def _jobs(self) -> str:
        return f"{self._account}/supervisedFineTuningJobs"


def _id(name: str) -> str:
    """A file's name as the id of a data set: small letters, digits and hyphens, 63 at most."""
    return name.removesuffix(".jsonl")
