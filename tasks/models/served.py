"""A local model that a service answers for: one that serves its folder and speaks Chat Completions, as vLLM does.

Where the weights are asked is environment, and the service must show that it holds them. Its answers have keys of their
own, because it may compute in another precision.
"""

import logging
import os
from collections.abc import Sequence

from pydantic import ValidationError

from tasks.errors import ModelUnavailable
from tasks.models.local import Local
from tasks.models.openai import OpenAI
from tasks.models.prices import StatedPrice
from tasks.models.request import Request
from tasks.rows import Message

URL, KEY = "STILLHOUSE_STUDENT_URL", "STILLHOUSE_STUDENT_KEY"
_PROBE_TOKENS = 16

logger = logging.getLogger("stillhouse.served")


def answering(local: Local, probe: Sequence[Message], required: bool) -> Local | OpenAI:
    """Who answers for a model: the service at `STILLHOUSE_STUDENT_URL`, or the model itself where none is named.

    A service that lacks the model is left alone where it is not `required`. Raises `ModelUnavailable` where it cannot
    be asked, where it lacks a model that is required, and where it continues the probe as the model does not.
    """
    url = os.environ.get(URL, "").strip()
    if not url:
        return local
    service = _service(url, local.weights.fingerprint)
    names = _names(service)
    if service.model in names:
        _check_continues(service, local, probe)
        return service
    if required:
        raise ModelUnavailable(
            f"{URL}: {url} serves {names[:5]}, and not the student. Serve it under its fingerprint, and run again: "
            f"vllm serve {local.weights.path} --served-model-name {service.model} --generation-config vllm"
        )
    logger.info("%s does not serve %s: it is asked on this machine", url, local.weights.reference)
    return local


def reading_device() -> str | None:
    """Where this machine reads likelihoods: not on the GPU where a service is named, which may have taken it."""
    return "cpu" if os.environ.get(URL, "").strip() else None


def _service(url: str, fingerprint: str) -> OpenAI:
    try:
        return OpenAI(
            provider="openai",
            model=fingerprint,
            base_url=url,
            service="student",
            api_key_env=KEY if os.environ.get(KEY) else None,
            price=StatedPrice(input_usd=0, output_usd=0),
        )
    except ValidationError as error:
        raise ModelUnavailable(f"{URL}: {url!r} is {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _names(service: OpenAI) -> list[str]:
    """The models that the service lists."""
    service.check()
    sdk = service.sdk()
    try:
        with sdk.OpenAI(api_key=service.api_key, base_url=service.base_url) as client:
            return [each.id for each in client.models.list()]
    except sdk.OpenAIError as error:
        raise ModelUnavailable(
            f"{URL}: {service.base_url} does not list its models: {_words(service, error)}"
        ) from None


def _check_continues(service: OpenAI, local: Local, probe: Sequence[Message]) -> None:
    """Raises `ModelUnavailable` where the service's first tokens after the probe are not the model's own."""
    request = Request(messages=list(probe), max_output_tokens=_PROBE_TOKENS, temperature=0.0)
    [[own]] = local.answer([request], device="cpu")  # the service may have taken the GPU
    sdk = service.sdk()
    try:
        with sdk.OpenAI(api_key=service.api_key, base_url=service.base_url) as client:
            given = service.read(client.chat.completions.create(**service.body(request)).model_dump())
    except (sdk.OpenAIError, LookupError, ValueError) as error:
        raise ModelUnavailable(f"{URL}: {service.base_url} does not answer: {_words(service, error)}") from None
    if given.text.strip() != own.answer.text:
        raise ModelUnavailable(
            f"{URL}: {service.base_url} answers a row by {given.text[:200]!r}, and the student by "
            f"{own.answer.text[:200]!r}. Serve the student's own folder ({local.weights.path}) with its chat template "
            f"and no other sampling defaults (--generation-config vllm), in float32 where lower precision is the cause."
        )


def _words(service: OpenAI, error: Exception) -> str:
    return str(error).replace(service.api_key, "[the key]")[:300]
