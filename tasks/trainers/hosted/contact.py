"""Talking to a service that trains: the openai SDK's client, for OpenAI's own API and as plain HTTP for the others'.

Together's and Fireworks' own SDKs would bring command lines, progress bars and gRPC along for six requests; what is
said here of a failure is the same for all three, in the service's own words.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from tasks.errors import ModelUnavailable, StageFailed, StillhouseError, Waiting
from tasks.models.live.failures import RETRY, STOP, WAIT, Failure, Kind, advice, status_failure
from tasks.models.live.limits import read_limits

_TIMEOUT_SECONDS = 60.0
_UPLOAD_SECONDS = 1800.0
_LEAST_WAIT_SECONDS = 30.0
_MAY_HAVE_WORKED = {Kind.DISCONNECTED, Kind.TIMED_OUT, Kind.SERVER_ERROR, Kind.UNREADABLE}


class Refused(Exception):
    """A request was not answered, or not with what was asked for."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure

    @property
    def certain(self) -> bool:
        """Whether what was asked for was certainly not done."""
        return self.failure.kind not in _MAY_HAVE_WORKED

    def explained(self, service: str, key_name: str, begun: bool) -> StillhouseError:
        """What becomes of it: a wait, where patience helps and something is begun, or an error, its words whole."""
        kind, words = self.failure.kind, f"train: {service}: {self.failure.words}"
        if kind in WAIT | RETRY and (begun or kind is not Kind.UNREACHABLE):
            asked = self.failure.limits.retry_after_seconds or 0.0
            return Waiting(words, max(asked, _LEAST_WAIT_SECONDS))
        if kind is Kind.UNREACHABLE:
            return ModelUnavailable(f"{words}. See that train.base_url is right, and that the service is up.")
        if kind in STOP:
            return ModelUnavailable(f"{words}. {advice(kind, key_name)}.")
        return StageFailed(f"{words}. Nothing is trained before that is mended.")


@contextmanager
def contact(address: str, key: str) -> Generator[Any]:
    """A client that tries nothing again by itself. Raises `Refused` for all that goes wrong within."""
    import openai

    try:
        with openai.OpenAI(api_key=key, base_url=address, max_retries=0, timeout=_TIMEOUT_SECONDS) as client:
            yield client
    except openai.APIStatusError as error:
        limits = read_limits(error.response.headers)
        failure = status_failure(error.status_code, error.body, error.message, limits)
    except openai.APIConnectionError as error:
        failure = Failure(_kind(error), f"{type(error.__cause__ or error).__name__}: {error.__cause__ or error}")
    except (openai.APIResponseValidationError, _Unreadable) as error:
        failure = Failure(Kind.UNREADABLE, str(error))
    else:
        return
    raise Refused(failure._replace(words=failure.words.replace(key, "[the key]") if len(key) > 3 else failure.words))


def get(client: Any, path: str, **query: Any) -> Any:
    """The JSON at a path. Raises `openai.NotFoundError` where there is nothing."""
    return _read(client.get(path, cast_to=_response(), options={"params": query}))


def post(client: Any, path: str, body: dict[str, Any], **query: Any) -> Any:
    """The JSON that a service answers when a body is posted."""
    return _read(client.post(path, cast_to=_response(), body=body, options={"params": query}))


def post_file(client: Any, path: str, name: str, content: bytes, fields: dict[str, str]) -> Any:
    """The JSON that a service answers to a file, sent as a form of several parts."""
    options = {"headers": {"Content-Type": "multipart/form-data"}, "timeout": _UPLOAD_SECONDS}
    files = [("file", (name, content, "application/jsonl"))]
    return _read(client.post(path, cast_to=_response(), body=fields, files=files, options=options))


def found(client: Any, path: str) -> Any | None:
    """The JSON at a path, or None where there is nothing."""
    import openai

    try:
        return get(client, path)
    except openai.NotFoundError:
        return None


class _Unreadable(Exception):
    """An answer that is no JSON."""


def _response() -> Any:
    import httpx2

    return httpx2.Response


def _read(response: Any) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise _Unreadable(f"{error} in: {response.text[:2000]!r}") from error


def _kind(error: BaseException) -> Kind:
    import httpx2

    cause = error.__cause__
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol):
        return Kind.UNREACHABLE
    return Kind.TIMED_OUT if isinstance(cause, httpx2.TimeoutException) else Kind.DISCONNECTED
