"""The one cache policy: a stage is asked again only when its version, its config or the content of its inputs moved.

A record of a finished stage counts only while every artefact that it names is intact; otherwise the stage runs again.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.filesystems import LocalFileSystem
from pydantic import BaseModel, TypeAdapter

from tasks.artifacts import HANDLES, Handle, digest
from tasks.files import Aside, ByContent
from tasks.models import Service
from tasks.root import store_root
from tasks.store import Store
from tasks.trainers import ExistingTrainer, HostedTrainer

Params = ParamSpec("Params")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def results_folder() -> Path:
    """Where the stages' results are kept, beside the artefacts that they name."""
    return store_root() / "results"


def content(value: Any) -> Any:
    """What of a stage's argument decides its result, as a JSON value: files and handles enter by fingerprint alone.

    A paid service enters by its identity: no address, no price and no pace.
    Raises `TypeError` for a type whose content is not known, rather than caching under a key that means nothing.
    """
    match value:
        case ByContent() | Handle():
            return value.fingerprint
        case Service():
            return value.identity()
        case ExistingTrainer():  # its student says where the model is asked, so the address decides what is written
            return [value.told(), content(value.model)]
        case HostedTrainer():  # as above; what a training costs decides nothing
            return [value.told("tuned"), value.identity(), value.turns]
        case BaseModel():
            return {name: content(getattr(value, name)) for name in type(value).model_fields}
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [content(each) for each in value]
        case dict():
            return {str(key): content(each) for key, each in value.items()}
        case _:
            raise TypeError(f"a stage cannot take {type(value).__name__}: pass a handle, a config or a plain value")


def cache_key(stage: Task[..., Any], arguments: Mapping[str, Any]) -> str:
    """The stage's name and a digest of its version and of what its arguments hold."""
    deciding = {name: value for name, value in arguments.items() if not isinstance(value, Aside)}
    body = {"stage": stage.name, "version": stage.version, "arguments": content(deciding)}
    return f"{stage.name}-{digest(body)[:32]}"


def handles(value: Any) -> Iterator[Handle]:
    """Every handle inside a result's JSON."""
    match value:
        case {"kind": str(kind), "fingerprint": str()} if kind in HANDLES:
            yield HANDLES[kind].model_validate(value)
        case dict():
            for each in value.values():
                yield from handles(each)
        case list():
            for each in value:
                yield from handles(each)
        case _:
            return


def _failed_rows(stored: Any) -> bool:
    """Whether what a stage asked failed in a way that may pass: the ledger asks only for that again."""
    result = stored.get("data", stored)
    return bool(result.get("tally", {}).get("outcomes", {}).get("failed") or result.get("unanswered"))


class VerifiedKeys(LocalFileSystem):
    """Key storage that vouches for what it serves: reading a record checks every artefact behind it."""

    _block_type_name = "Stillhouse verified keys"
    _block_type_slug = "stillhouse-verified-keys"

    def _resolve_path(self, path: str, validate: bool = False) -> Path:
        return store_root() / "keys" / path

    def read_path(self, path: str, **_: Any) -> bytes:
        """The record, pointing into this store wherever it lies now.

        Raises `LookupError` where an artefact behind it is not what it was, or rows failed and may be tried again.
        """
        record = json.loads(self._resolve_path(path).read_bytes())
        result = results_folder() / Path(record["storage_key"]).name
        stored = json.loads(result.read_bytes())
        if _failed_rows(stored):
            raise LookupError("rows of it failed, and may be answered now")
        for handle in handles(stored):
            if not Store().intact(handle):
                logger.warning("%s %s is gone or was changed: its stage runs again", handle.folder, handle.fingerprint)
                raise LookupError(f"{handle.fingerprint} is not intact")
        return json.dumps(record | {"storage_key": str(result)}).encode()

    async def aread_path(self, path: str, **_: Any) -> bytes:
        """As `read_path`."""
        return self.read_path(path)


def finished(stage: Task[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result | None:
    """What the stage would serve from its cache for these arguments, or None where it would run; starts nothing."""
    arguments = dict(zip(stage.fn.__annotations__, args, strict=False)) | dict(kwargs)
    try:
        record = json.loads(VerifiedKeys(basepath="").read_path(cache_key(stage, arguments)))
        stored = json.loads(Path(record["storage_key"]).read_bytes())
        data = stored["data"] if "__class__" in stored else stored
        return TypeAdapter(stage.fn.__annotations__["return"]).validate_python(data)
    except (OSError, LookupError, TypeError, ValueError):
        return None


def _key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return cache_key(context.task, arguments)


BY_CONTENT = CacheKeyFnPolicy(cache_key_fn=_key).configure(key_storage=VerifiedKeys(basepath=""))
"""For `@task(cache_policy=BY_CONTENT)`."""
