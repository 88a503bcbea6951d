"""Decides what every request gets: an error, a fault or its answer."""

import json
import time
from collections import defaultdict
from typing import NamedTuple

from tests.provider.answer import Answer, Usage, answered
from tests.provider.arrival import Arrival, accepted
from tests.provider.behaviour import BILLED_FAULTS, Behaviour
from tests.provider.faults import drawn, latency_seconds
from tests.provider.limits import Limits
from tests.provider.question import Problem, Question
from tests.provider.service import Service

NO_JSON = b"<html><body>upstream connect error</body></html>"


class Reply(NamedTuple):
    """What goes out after so many seconds; the fault says how it goes wrong on the wire."""

    status: int
    body: bytes
    headers: dict[str, str]
    seconds: float = 0.0
    fault: str = ""
    usage: Usage | None = None

    @property
    def billed(self) -> bool:
        """Whether an answer was made, which is paid for even if it does not get through."""
        return self.usage is not None


class Met:
    """How often one body was asked, met a fault and was answered."""

    __slots__ = ("answered", "asked", "faults")

    def __init__(self) -> None:
        self.asked = self.faults = self.answered = 0


class Replies:
    """Remembers what was asked; counts that a behaviour limits begin anew with each behaviour."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._met: defaultdict[str, Met] = defaultdict(Met)
        self._systems: set[tuple[str, str]] = set()
        self.behave(behaviour)

    def behave(self, behaviour: Behaviour) -> None:
        """Behave so from now on."""
        self.behaviour, self._arrived, self._billed = behaviour, 0, 0
        self._limits: dict[str, Limits] = {}

    def reply(self, arrival: Arrival, in_flight: int) -> Reply:
        """What the request gets."""
        self._arrived += 1
        try:
            self._outage()
            question = accepted(arrival, self.behaviour)
            self._credit()
            met, seen = self._met[arrival.digest], (question.model, question.system) in self._systems
            answer = answered(question, self.behaviour, arrival.digest, met.answered, seen)
            service = arrival.api.service
            self._of(service).take(service.amounts(answer.usage), time.monotonic())
        except Problem as problem:
            return self._failed(arrival, problem)
        return self._drawn(arrival, answer, met, in_flight)

    def remember(self, question: Question) -> None:
        """The question was answered, and its system prompt is in the cache from now on."""
        if question.caches_system:
            self._systems.add((question.model, question.system))

    def _outage(self) -> None:
        begins, lasts = self.behaviour.outage_after, self.behaviour.outage_requests
        if begins is not None and begins < self._arrived and (lasts is None or self._arrived <= begins + lasts):
            raise Problem("outage")

    def _credit(self) -> None:
        if self.behaviour.credit_requests is not None and self._billed >= self.behaviour.credit_requests:
            raise Problem("no_credit")

    def _drawn(self, arrival: Arrival, answer: Answer, met: Met, in_flight: int) -> Reply:
        behaviour = self.behaviour
        seconds = latency_seconds(behaviour, arrival.digest, met.asked, in_flight)
        spared = behaviour.faults_at_most is not None and met.faults >= behaviour.faults_at_most
        fault = "" if spared else drawn(behaviour, arrival.digest, met.asked)
        met.asked += 1
        met.faults += bool(fault)
        if fault == "overloaded":
            return self._failed(arrival, Problem("overloaded"), fault)
        if fault == "error":
            return self._failed(arrival, Problem("error"), fault, seconds)
        if fault and fault not in BILLED_FAULTS:
            return Reply(0, b"", {}, behaviour.hang_seconds if fault == "hang" else seconds, fault)
        met.answered += 1
        self._billed += 1
        return self._answered(arrival, answer, fault, seconds)

    def _answered(self, arrival: Arrival, answer: Answer, fault: str, seconds: float) -> Reply:
        assert arrival.question is not None
        body = NO_JSON if fault == "bad_json" else _json(arrival.api.write(arrival.question, answer))
        return Reply(200, body, self._headers(arrival), seconds, fault, answer.usage)

    def _failed(self, arrival: Arrival, problem: Problem, fault: str = "", seconds: float = 0.0) -> Reply:
        headers = self._headers(arrival)
        if problem.retry_after_seconds is not None:
            headers |= arrival.api.service.retry_headers(problem.retry_after_seconds)
        status, body = arrival.api.service.error(problem, arrival.request_id)
        return Reply(status, _json(body), headers, seconds, "outage" if problem.cause == "outage" else fault)

    def _headers(self, arrival: Arrival) -> dict[str, str]:
        service = arrival.api.service
        headers = {service.request_id_header: arrival.request_id}
        if self.behaviour.limit_headers:
            headers |= service.limit_headers(self._of(service).levels())
        return headers

    def _of(self, service: Service) -> Limits:
        if service.name not in self._limits:
            self._limits[service.name] = Limits(self.behaviour, service.token_limits, time.monotonic())
        return self._limits[service.name]


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
