"""Fireworks' data sets and fine-tuning jobs, under ids that the client chooses.

https://docs.fireworks.ai/fine-tuning/fine-tuning-via-api
"""

import re
from typing import Any

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from tests.provider.question import Problem, parsed, required
from tests.provider.trainings import NANODOLLARS_A_TOKEN, Training, Trainings, read_examples

STATE = {"queued": "PENDING", "running": "RUNNING", "done": "COMPLETED", "failed": "FAILED", "cancelled": "CANCELLED"}
ID = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


class FireworksTraining:
    """The endpoints of one account."""

    def __init__(self, trainings: Trainings) -> None:
        self.trainings = trainings
        self.datasets: dict[str, bytes | None] = {}

    async def create_dataset(self, request: web.Request) -> web.StreamResponse:
        """A record of a data set, without its file."""
        id = _named(required(parsed(await request.read()), "datasetId", str))
        if id in self.datasets:
            raise Problem("exists", id=id)
        self.datasets[id] = None
        return web.json_response(self._dataset(request, id))

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """The file of a data set."""
        id = self._known(request.match_info["id"])
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "file":
                self.datasets[id] = bytes(await part.read())
        await self.trainings.holds.at("upload", request)
        return web.json_response({})

    async def dataset(self, request: web.Request) -> web.StreamResponse:
        """What is known of a data set."""
        await self.trainings.holds.at("listing", request)
        return web.json_response(self._dataset(request, self._known(request.match_info["id"])))

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Take a job in."""
        asked = parsed(await request.read())
        id = _named(request.query.get("supervisedFineTuningJobId", "random"))
        if id in self.trainings.kept:
            raise Problem("exists", id=id)
        dataset = self._known(required(asked, "dataset", str).rpartition("/")[2])
        examples, tokens, wrong = read_examples(self.datasets[dataset] or b"", least=3)
        training = Training(
            id,
            required(asked, "baseModel", str),
            dataset,
            asked.get("evaluationDataset", ""),
            asked.get("epochs", 1),
            examples,
            tokens,
            self.trainings.clock.now(),
            wrong,
            asked,
        )
        await self.trainings.keep(request, training)
        return web.json_response(self._job(request, training))

    async def retrieve(self, request: web.Request) -> web.StreamResponse:
        """How a job stands."""
        await self.trainings.holds.at("poll", request)
        return web.json_response(self._job(request, self.trainings.find(request.match_info["id"])))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """End a job."""
        return web.json_response(self._job(request, self.trainings.cancel(request.match_info["id"])))

    def routes(self, guard: Any) -> list[web.RouteDef]:
        """Where each is asked for."""
        own = "/fireworks/v1/accounts/{account}"
        return [
            web.post(f"{own}/datasets", guard(self.create_dataset)),
            web.post(f"{own}/datasets/{{id}}:upload", guard(self.upload)),
            web.get(f"{own}/datasets/{{id}}", guard(self.dataset), allow_head=False),
            web.post(f"{own}/supervisedFineTuningJobs", guard(self.create)),
            web.get(f"{own}/supervisedFineTuningJobs/{{id}}", guard(self.retrieve), allow_head=False),
            web.post(f"{own}/supervisedFineTuningJobs/{{id}}:cancel", guard(self.cancel)),
        ]

    def _known(self, id: str) -> str:
        if id not in self.datasets:
            raise Problem("no_such_object", object="dataset", id=id)
        return id

    def _dataset(self, request: web.Request, id: str) -> dict[str, Any]:
        state = "UPLOADING" if self.datasets[id] is None else "READY"
        return {"name": f"accounts/{request.match_info['account']}/datasets/{id}", "state": state, "userUploaded": {}}

    def _job(self, request: web.Request, training: Training) -> dict[str, Any]:
        stage = self.trainings.stage(training)
        cost = self.trainings.billed_tokens(training) * NANODOLLARS_A_TOKEN
        failed = {"code": "INTERNAL", "message": self.trainings.words(training)}
        return {
            "name": f"accounts/{request.match_info['account']}/supervisedFineTuningJobs/{training.id}",
            "state": f"JOB_STATE_{STATE[stage]}",
            "status": failed if stage == "failed" else {"code": "OK", "message": ""},
            "dataset": training.asked["dataset"],
            "baseModel": training.base,
            "outputModel": training.asked.get("outputModel"),
            "epochs": training.epochs,
            "estimatedCost": {"currencyCode": "USD", "units": str(cost // 10**9), "nanos": cost % 10**9},
        }


def _named(id: str) -> str:
    if not ID.match(id):
        raise Problem("malformed", detail=f"invalid id {id!r}: small letters, digits and hyphens, 63 at most")
    return id
