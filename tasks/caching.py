"""The one cache policy: a stage is asked again only when its version, its config or the content of its inputs moved.

A record of a finished stage counts only while every artefact that it names is intact; otherwise the stage runs again.
"""

import contextlib
import json
import logging
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.filesystems import LocalFileSystem
from pydantic import BaseModel, TypeAdapter

from tasks.artifacts import HANDLES, Handle, digest
from tasks.errors import StoreError
from tasks.files import Aside, ByContent
from tasks.models import Service
from tasks.objects import Objects, shared_objects
from tasks.root import store_root
from tasks.store import Store, write_whole
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

        Raises `LookupError` where an artefact behind it is not what it was, where rows failed and may be tried again,
        and where its result is not JSON: reading a pickle would run what it holds.
        """
        record = json.loads(self._resolve_path(path).read_bytes())
        if record["serializer"]["type"] != "json":
            raise LookupError(f"its result is written as {record['serializer']['type']}")
        result = _result(record)
        stored = json.loads(result.read_bytes())
        if _failed_rows(stored):
            raise LookupError("rows of it failed, and may be answered now")
        for handle in handles(stored):
            if not Store().intact(handle):
                logger.warning("%s %s is gone or was changed: its stage runs again", handle.folder, handle.fingerprint)
                raise LookupError(f"{handle.fingerprint} is not intact")
        with contextlib.suppress(OSError):  # a store that can only be read is not pruned either
            os.utime(self._resolve_path(path))  # when it was last served, for `stillhouse prune`
        return json.dumps(record | {"storage_key": str(result)}).encode()

    async def aread_path(self, path: str, **_: Any) -> bytes:
        """As `read_path`."""
        return self.read_path(path)


def finished(stage: Task[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result | None:
    """What the stage would serve from its cache for these arguments, or None where it would run; starts nothing."""
    key = _key_of(stage, args, kwargs)
    if objects := shared_objects():
        _bring(objects, key)
    try:
        record = json.loads(VerifiedKeys(basepath="").read_path(key))
        stored = json.loads(Path(record["storage_key"]).read_bytes())
        data = stored["data"] if "__class__" in stored else stored
        return TypeAdapter(stage.fn.__annotations__["return"]).validate_python(data)
    except (OSError, LookupError, TypeError, ValueError):
        return None


@contextlib.contextmanager
def shared(stage: Task[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Generator[None]:
    """Around a stage: what another host finished is brought here before, what this one finished is uploaded after.

    Prefect itself would take a bucket that does not answer for a stage that was never done. Raises `StoreError` there.
    """
    objects = shared_objects()
    if objects is None:
        yield
        return
    key = _key_of(stage, args, kwargs)
    known = _bring(objects, key)
    yield
    _share(objects, key, anew=not known)


def _bring(objects: Objects, key: str) -> bool:
    """Whether this host has a stage's result, or has it now with all that it names, as another left it."""
    if _served(key):
        return True
    record = objects.read(f"keys/{key}")
    if record is None:
        return False
    with contextlib.suppress(LookupError, TypeError, ValueError):  # what is broken is as none
        result = _result(json.loads(record))
        write_whole(result, (objects.read(f"results/{result.name}") or b"").decode())
        write_whole(store_root() / "keys" / key, record.decode())
    return _served(key)


def _share(objects: Objects, key: str, anew: bool) -> None:
    """Upload what a stage's result names, then the result, then its record, unless another's record is there."""
    try:
        record = (store_root() / "keys" / key).read_bytes()
    except OSError as error:
        raise StoreError(
            f"the result of {key} was not kept: {error}. Look at the store's disk, then run again."
        ) from error
    result = _result(json.loads(record))
    for handle in handles(json.loads(result.read_bytes())):
        Store().share(handle)
    if _served(key) and (anew or objects.read(f"keys/{key}") is None):
        objects.upload(result, f"results/{result.name}")
        objects.write(f"keys/{key}", record)


def _served(key: str) -> bool:
    try:
        VerifiedKeys(basepath="").read_path(key)
    except StoreError:
        raise
    except (OSError, LookupError, TypeError, ValueError):
        return False
    return True


def _result(record: Mapping[str, Any]) -> Path:
    """Where the result of a record lies in this store."""
    name = Path(record["storage_key"]).name
    if name in ("", ".."):
        raise LookupError(f"{record['storage_key']!r} names no result")
    return results_folder() / name


def _key_of(stage: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    return cache_key(stage, dict(zip(stage.fn.__annotations__, args, strict=False)) | dict(kwargs))


def _key(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return cache_key(context.task, arguments)


BY_CONTENT = CacheKeyFnPolicy(cache_key_fn=_key).configure(key_storage=VerifiedKeys(basepath=""))
"""For `@task(cache_policy=BY_CONTENT)`."""
