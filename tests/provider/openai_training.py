"""OpenAI's fine-tuning jobs, over a provider's files."""

from typing import Any

from aiohttp import web

from tests.provider.files_api import page
from tests.provider.question import Problem, parsed, required
from tests.provider.service import new_id
from tests.provider.trainings import Training, TrainingJobs, read_examples

STATUS = {"queued": "queued", "running": "running", "done": "succeeded", "failed": "failed", "cancelled": "cancelled"}


class OpenAITraining(TrainingJobs):
    """The endpoints."""

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Take a job in; what is wrong with its file is found later, while it is validated."""
        asked = parsed(await request.read())
        file = self.uploads.find(required(asked, "training_file", str))
        if file.purpose != "fine-tune":
            raise Problem("malformed", detail=f"File '{file.id}' is not of purpose fine-tune", param="training_file")
        epochs = asked["method"]["supervised"]["hyperparameters"]["n_epochs"]
        examples, tokens, wrong = read_examples(file.content, least=10)
        training = Training(
            new_id("ftjob-"),
            required(asked, "model", str),
            file.id,
            asked.get("validation_file") or "",
            epochs,
            examples,
            tokens,
            self.trainings.clock.now(),
            wrong,
            asked,
        )
        await self.trainings.keep(request, training)
        return web.json_response(self.described(training))

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """A page of the jobs, the newest first, of those with the metadata asked for."""
        wanted = {
            name.removeprefix("metadata[").removesuffix("]"): value
            for name, value in request.query.items()
            if name.startswith("metadata[")
        }
        newest = [self.described(each) for each in reversed(self.trainings.kept.values())]
        mine = [each for each in newest if wanted.items() <= (each["metadata"] or {}).items()]
        return web.json_response(page(mine, request))

    def routes(self, guard: Any) -> list[web.RouteDef]:
        """Where each is asked for."""
        return [
            web.post("/v1/fine_tuning/jobs", guard(self.create)),
            web.get("/v1/fine_tuning/jobs", guard(self.listed), allow_head=False),
            web.get("/v1/fine_tuning/jobs/{id}", guard(self.retrieve), allow_head=False),
            web.post("/v1/fine_tuning/jobs/{id}/cancel", guard(self.cancel)),
        ]

    def described(self, training: Training) -> dict[str, Any]:
        """A job as the service says it."""
        stage = self.trainings.stage(training)
        over, done = stage in ("done", "failed", "cancelled"), stage == "done"
        param, code = ("training_file", "invalid_training_file") if training.wrong else (None, "server_error")
        error = {"code": code, "message": self.trainings.words(training), "param": param}
        return {
            "id": training.id,
            "object": "fine_tuning.job",
            "created_at": int(training.created_at),
            "error": error if stage == "failed" else None,
            "fine_tuned_model": f"ft:{training.base}:org:{training.asked.get('suffix')}:{training.id[-8:]}"
            if done
            else None,
            "finished_at": int(self.trainings.clock.now()) if over else None,
            "hyperparameters": {"n_epochs": training.epochs},
            "metadata": training.asked.get("metadata"),
            "method": training.asked.get("method"),
            "model": training.base,
            "organization_id": "org",
            "result_files": [],
            "seed": 1,
            "status": STATUS[stage],
            "trained_tokens": self.trainings.billed_tokens(training) if over else None,
            "training_file": training.file,
            "validation_file": training.validation or None,
        }
