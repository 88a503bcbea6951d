"""Together's fine-tuning: https://docs.together.ai/reference/post-fine-tunes."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from tasks.models.jobs import State
from tasks.trainers.hosted.contact import get, post, post_file
from tasks.trainers.hosted.examples import Rules
from tasks.trainers.hosted.trainer import HostedTrainer, Look

_OVER: dict[str, State] = {
    "completed": "done",
    "error": "failed",
    "user_error": "failed",
    "cancelled": "cancelled",
}
_WORDS = 3


class TogetherTrainer(HostedTrainer):
    """LoRA at Together; a tuned model is answered for by a dedicated endpoint, which costs by the hour."""

    address: ClassVar[str] = "https://api.together.ai/v1"
    key_variable: ClassVar[str] = "TOGETHER_API_KEY"
    rules: ClassVar[Rules] = Rules("Together", most_bytes=int(50.1 * 2**30), alternating=True)

    trainer: Literal["together"]
    rank: int = Field(default=16, ge=1, le=64, description="The rank of the adapters.")
    learning_rate: float = Field(default=1e-5, gt=0, description="The highest rate; Together's own default.")

    def serving(self) -> dict[str, Any]:
        """By Together's OpenAI-compatible API."""
        return {"base_url": self.base_url or self.address, "api_key_env": self.key_name or None}

    def find_file(self, client: Any, name: str) -> str | None:
        """By its name."""
        return next((each["id"] for each in get(client, "/files")["data"] if each["filename"] == name), None)

    def upload(self, client: Any, name: str, content: bytes) -> str:
        """In one request: https://docs.together.ai/reference/upload-file."""
        fields = {"purpose": "fine-tune", "file_name": name, "file_type": "jsonl"}
        return post_file(client, "/files/upload", name, content, fields)["id"]

    def ready(self, client: Any, file: str) -> bool:
        """Once it is taken in."""
        return get(client, f"/files/{file}").get("Processed") is not False

    def find_job(self, client: Any, fingerprint: str, file: str) -> str | None:
        """By its file, whose name bears the fingerprint: jobs carry no other mark of ours."""
        jobs = get(client, "/fine-tunes")["data"]
        return next((each["id"] for each in jobs if each.get("training_file") == file), None)

    def create(self, client: Any, fingerprint: str, file: str, validation: str) -> str:
        """LoRA on all linear layers, a look at the validation rows every epoch."""
        body: dict[str, Any] = {
            "training_file": file,
            "model": self.base,
            "n_epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "max_seq_length": self.max_tokens,
            "training_type": {"type": "Lora", "lora_r": self.rank, "lora_alpha": 2 * self.rank},
            "training_method": {"method": "sft", "train_on_inputs": False},
            "suffix": f"stillhouse-{fingerprint[:8]}",
        }
        watched = {"validation_file": validation, "n_evals": self.epochs} if validation else {}
        return post(client, "/fine-tunes", body | watched)["id"]

    def look(self, client: Any, job: str) -> Look:
        """The job's status, with its last events where it failed; its price is in nanodollars."""
        said = get(client, f"/fine-tunes/{job}")
        state = _OVER.get(said["status"], "at work")
        events = [each["message"] for each in said.get("events") or [] if each.get("message")]
        words = "; ".join([said["status"], *events[-_WORDS:]]) if state == "failed" else said["status"]
        return Look(state, words, said.get("model_output_name") or "", nanodollars=said.get("total_price"))

    def cancel(self, client: Any, job: str) -> None:
        """It is billed for the steps that are done."""
        post(client, f"/fine-tunes/{job}/cancel", {})
