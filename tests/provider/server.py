"""A provider on loopback: receives requests, waits, and sends replies or spoils them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

from aiohttp import web
from pydantic import ValidationError

from tests.provider import anthropic_api, openai_api
from tests.provider.answer import Usage
from tests.provider.anthropic_batches import AnthropicBatches
from tests.provider.arrival import Arrival, arrived
from tests.provider.asked import Asked, Log
from tests.provider.batches import Batches
from tests.provider.behaviour import Behaviour
from tests.provider.clock import Clock
from tests.provider.files_api import Files, guarding
from tests.provider.fireworks_training import FireworksTraining
from tests.provider.holds import Holds
from tests.provider.openai_batches import OpenAIBatches
from tests.provider.openai_chat import CHAT
from tests.provider.openai_responses import RESPONSES
from tests.provider.openai_training import OpenAITraining
from tests.provider.question import Problem
from tests.provider.replies import Replies, Reply
from tests.provider.service import Api, new_id
from tests.provider.sleeps import Sleeps
from tests.provider.together_training import TogetherTraining
from tests.provider.trainings import Trainings

APIS = (CHAT, RESPONSES, anthropic_api.MESSAGES)
LARGEST_BODY_BYTES = 300 * 2**20
SHUTDOWN_SECONDS = 0.3
LOOK_FOR_CLIENT_SECONDS = 0.1


class Provider:
    """OpenAI's and Anthropic's chat APIs on one port: `async with Provider(Behaviour(...)) as provider`."""

    def __init__(
        self, behaviour: Behaviour | None = None, *, log: Path | None = None, memory: bool = True, port: int = 0
    ) -> None:
        self._replies, self._log, self._port = Replies(behaviour or Behaviour()), Log(log, memory), port
        self._sleeps = Sleeps()
        self.clock = Clock()
        self.holds = Holds(lambda: self.behaviour, self._sleeps)
        self.files = Files(self.clock.now, self.holds)
        self.openai_batches = OpenAIBatches(self._batches(), self.files, self.clock, self.holds)
        self.anthropic_batches = AnthropicBatches(self._batches(), self.clock, self.holds)
        self.trainings = Trainings(lambda: self.behaviour, self.clock, self.holds)
        self.openai_training = OpenAITraining(self.trainings, self.files)
        self.together_training = TogetherTraining(self.trainings, self.files)
        self.fireworks_training = FireworksTraining(self.trainings)
        self._tell()
        self.in_flight = self.most_in_flight = 0
        self.url = ""

    @property
    def openai_url(self) -> str:
        """The base URL for OpenAI's clients; Anthropic's take `url`."""
        return f"{self.url}/v1"

    @property
    def behaviour(self) -> Behaviour:
        """How requests are answered; may be replaced at any time."""
        return self._replies.behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._replies.behave(behaviour)
        self._tell()

    @property
    def asked(self) -> list[Asked]:
        """Every request that was answered, failed or given up so far, in the order of its end."""
        return self._log.asked

    @property
    def refused(self) -> int:
        """Requests answered with status 429."""
        return self._log.statuses[429]

    @property
    def billed(self) -> int:
        """Answers that would be paid for."""
        return self._log.totals["billed"]

    @property
    def batches(self) -> int:
        """How many batches were taken in."""
        return len(self.openai_batches.batches.kept) + len(self.anthropic_batches.batches.kept)

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(
            self._app(), access_log=None, keepalive_timeout=3600, shutdown_timeout=SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=4096).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        self._log.close()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY_BYTES)
        for api in APIS:
            app.router.add_post(api.path, self._endpoint(api))
        for elsewhere in ("/together", "/fireworks/inference"):
            app.router.add_post(f"{elsewhere}{CHAT.path}", self._endpoint(CHAT))
        trainings = (self.openai_training, self.together_training, self.fireworks_training)
        for service, apis in (
            (openai_api.SERVICE, (self.files, self.openai_batches, *trainings)),
            (anthropic_api.SERVICE, (self.anthropic_batches,)),
        ):
            guard = guarding(service, lambda: self.behaviour.api_keys)
            for each in apis:
                app.add_routes(each.routes(guard))
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{id}", self._model)
        app.router.add_get("/_asked", self._report)
        app.router.add_put("/_behaviour", self._replace)
        app.router.add_put("/_clock", self._pass_time)
        app.on_shutdown.append(self._wake_all)
        return app

    def _batches(self) -> Batches:
        return Batches(self._in_a_batch, lambda: (self.behaviour.batch_seconds, self.behaviour.batch_share))

    def _tell(self) -> None:
        """Those who keep batches behave as the rest."""
        self.openai_batches.behaviour = self.anthropic_batches.behaviour = self.behaviour

    def _in_a_batch(self, arrival: Arrival) -> Reply:
        reply = self._replies.reply(arrival, 0)
        self._record(None, arrival, reply, time.time())
        return reply

    async def _wake_all(self, _: web.Application) -> None:
        self._sleeps.wake_all()
        await asyncio.sleep(0.01)  # aiohttp does not wait for handlers whose client left: they record in this time

    def _endpoint(self, api: Api) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            started = time.time()
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            try:
                arrival = arrived(api, await request.read(), request.headers)
                reply = self._replies.reply(arrival, self.in_flight)
                await self._pass(request, reply)
                self._record(request, arrival, reply, started)
                return await _send(request, reply)
            finally:
                self.in_flight -= 1

        return answer

    async def _pass(self, request: web.Request, reply: Reply) -> None:
        if reply.fault != "hang":
            return await self._sleeps.sleep(reply.seconds)
        gives_up = time.monotonic() + reply.seconds
        while request.transport and not self._sleeps.over and time.monotonic() < gives_up:
            await self._sleeps.sleep(LOOK_FOR_CLIENT_SECONDS)
        return None

    def _record(self, request: web.Request | None, arrival: Arrival, reply: Reply, started: float) -> None:
        question, usage = arrival.question, reply.usage or Usage()
        if question and reply.billed:
            self._replies.remember(question)
        self._log.add(
            Asked(
                request_id=arrival.request_id,
                api=arrival.api.name,
                model=arrival.model,
                digest=arrival.digest,
                last_user=question.last_user if question else "",
                status=reply.status,
                fault=reply.fault,
                billed=reply.billed,
                input_tokens=usage.input_tokens,
                cached_tokens=usage.cached_tokens,
                cache_write_tokens=usage.cache_write_tokens,
                output_tokens=usage.output_tokens,
                started=started,
                ended=time.time(),
                client_left=request is not None and request.transport is None,
            )
        )

    async def _models(self, request: web.Request) -> web.Response:
        service = (anthropic_api if "anthropic-version" in request.headers else openai_api).SERVICE
        request_id, key, keys = new_id("req_"), service.key(request.headers), self.behaviour.api_keys
        status, body = 200, service.models(self.behaviour.models or ("any-model",))
        if keys is not None and key not in keys:
            status, body = service.error(Problem("unauthorized", key=key), request_id)
        return web.json_response(body, status=status, headers={service.request_id_header: request_id})

    async def _model(self, request: web.Request) -> web.Response:
        """One of OpenAI's models, with the date of its end."""
        id = request.match_info["id"]
        [described] = openai_api.SERVICE.models((id,))["data"]
        return web.json_response(described | {"shutdown_date": self.behaviour.shutdown_dates.get(id)})

    async def _report(self, _: web.Request) -> web.Response:
        in_flight = {"in_flight": self.in_flight, "most_in_flight": self.most_in_flight, "refused": self.refused}
        in_flight |= {"holding": self.holds.holding, "batches": self.batches}
        in_flight |= {"files": len(self.files.kept), "trainings": self.trainings.created}
        asked = [each.model_dump() for each in self.asked]
        return web.json_response({"counts": in_flight | self._log.counts(), "asked": asked})

    async def _replace(self, request: web.Request) -> web.Response:
        try:
            self.behaviour = Behaviour.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        return web.json_response(self.behaviour.model_dump())

    async def _pass_time(self, request: web.Request) -> web.Response:
        self.clock.move(float((await request.json())["seconds"]))
        return web.json_response({"now": self.clock.now()})


async def _send(request: web.Request, reply: Reply) -> web.StreamResponse:
    if request.transport is None:
        return web.Response()
    if reply.fault in ("hang", "reset"):
        request.transport.abort()
        return web.Response()
    if reply.fault == "truncated":
        return await _send_half(request, reply)
    return web.Response(body=reply.body, status=reply.status, headers=reply.headers, content_type="application/json")


async def _send_half(request: web.Request, reply: Reply) -> web.StreamResponse:
    headers = reply.headers | {"Content-Type": "application/json", "Content-Length": str(len(reply.body))}
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport:
        request.transport.close()
    return response
