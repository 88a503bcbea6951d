"""Together's files and fine-tuning jobs: https://docs.together.ai/reference/post-fine-tunes."""

from typing import Any

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from tests.provider.files_api import File
from tests.provider.question import Problem, parsed, required
from tests.provider.service import new_id
from tests.provider.trainings import NANODOLLARS_A_TOKEN, Training, TrainingJobs, read_examples

STATUS = {"queued": "queued", "running": "running", "done": "completed", "failed": "error", "cancelled": "cancelled"}


class TogetherTraining(TrainingJobs):
    """The endpoints; jobs bear no metadata, and files are listed whole."""

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Take in what is uploaded as a form of several parts."""
        fields: dict[str, str] = {}
        content = b""
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "file":
                content = bytes(await part.read())
            elif isinstance(part, BodyPartReader) and part.name:
                fields[part.name] = await part.text()
        file = self.uploads.keep(required(fields, "file_name", str), required(fields, "purpose", str), content)
        await self.trainings.holds.at("upload", request)
        return web.json_response(_file(file))

    async def files(self, request: web.Request) -> web.StreamResponse:
        """All files."""
        await self.trainings.holds.at("listing", request)
        return web.json_response({"data": [_file(each) for each in self.uploads.kept.values()]})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """What is known of a file."""
        return web.json_response(_file(self.uploads.find(request.match_info["id"])))

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Take a job in."""
        asked = parsed(await request.read())
        file = self.uploads.find(required(asked, "training_file", str))
        examples, tokens, wrong = read_examples(file.content, least=1)
        if wrong:
            raise Problem("malformed", detail=wrong, param="training_file")
        training = Training(
            new_id("ft-"),
            required(asked, "model", str),
            file.id,
            asked.get("validation_file") or "",
            asked.get("n_epochs", 1),
            examples,
            tokens,
            self.trainings.clock.now(),
            "",
            asked,
        )
        await self.trainings.keep(request, training)
        return web.json_response(self.described(training))

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """All jobs."""
        return web.json_response({"data": [self.described(each) for each in self.trainings.kept.values()]})

    def routes(self, guard: Any) -> list[web.RouteDef]:
        """Where each is asked for."""
        return [
            web.post("/together/v1/files/upload", guard(self.upload)),
            web.get("/together/v1/files", guard(self.files), allow_head=False),
            web.get("/together/v1/files/{id}", guard(self.file), allow_head=False),
            web.post("/together/v1/fine-tunes", guard(self.create)),
            web.get("/together/v1/fine-tunes", guard(self.listed), allow_head=False),
            web.get("/together/v1/fine-tunes/{id}", guard(self.retrieve), allow_head=False),
            web.post("/together/v1/fine-tunes/{id}/cancel", guard(self.cancel)),
        ]

    def described(self, training: Training) -> dict[str, Any]:
        """A job as the service says it."""
        stage = self.trainings.stage(training)
        failed = [("job_error", self.trainings.words(training))] if stage == "failed" else []
        events = [
            {"object": "fine-tune-event", "created_at": "2026-11-01T00:00:00Z", "type": type_, "message": message}
            for type_, message in [("job_pending", "Fine-tune request created"), *failed]
        ]
        return {
            "id": training.id,
            "status": STATUS[stage],
            "model": training.base,
            "model_output_name": f"org/{training.base}-{training.asked.get('suffix')}-{training.id[-8:]}",
            "training_file": training.file,
            "validation_file": training.validation,
            "n_epochs": training.epochs,
            "events": events,
            "token_count": training.tokens,
            "total_price": self.trainings.billed_tokens(training) * NANODOLLARS_A_TOKEN,
        }


def _file(file: File) -> dict[str, Any]:
    return file.described() | {"FileType": "jsonl", "Processed": True, "LineCount": file.content.count(b"\n")}
