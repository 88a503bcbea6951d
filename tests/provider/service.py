"""What the two services have in common: each module of a wire format fills one of these."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.provider.answer import Answer, Usage
from tests.provider.asked import ApiName
from tests.provider.limits import Level
from tests.provider.question import Problem, Question

DATED = "-2026-01-01"


class Service(NamedTuple):
    """A company's conventions, the same for all of its APIs."""

    name: str
    request_id_header: str
    token_limits: tuple[str, ...]
    amounts: Callable[[Usage], dict[str, int]]
    key: Callable[[Mapping[str, str]], str]
    error: Callable[[Problem, str], tuple[int, dict[str, Any]]]
    limit_headers: Callable[[dict[str, Level]], dict[str, str]]
    retry_headers: Callable[[float], dict[str, str]]
    models: Callable[[tuple[str, ...]], dict[str, Any]]


class Api(NamedTuple):
    """One endpoint's wire format."""

    name: ApiName
    path: str
    service: Service
    read: Callable[[dict[str, Any]], Question]
    write: Callable[[Question, Answer], dict[str, Any]]


class Shape(NamedTuple):
    """A service's wording of a cause."""

    status: int
    type: str
    code: str | None
    message: str


def new_id(prefix: str) -> str:
    """An identifier that no other object has."""
    return prefix + secrets.token_hex(12)


def bearer(headers: Mapping[str, str]) -> str:
    """The key in the `Authorization` header, empty where there is none."""
    return headers.get("Authorization", "").removeprefix("Bearer ").strip()
