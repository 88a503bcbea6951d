"""What the user brings in: files by content, JSON lines with errors that name file, line and field."""

import codecs
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from tasks.downloads import fetch, is_url
from tasks.errors import ProjectError
from tasks.root import store_root

TOO_DEEP = "JSON nested too deeply to read. Flatten or remove the line."

Model = TypeVar("Model", bound=BaseModel)


def fingerprint_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ByContent(BaseModel):
    """Something of the user's that enters by what it holds: its fingerprint alone decides what is cached."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str


class Aside(BaseModel):
    """Something that a stage is told and that decides nothing of its result: it enters no cache key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ContentFile(ByContent):
    """A file by content; its path says only where it is read."""

    path: Path

    def unchanged(self) -> Path:
        """The path. Raises `ProjectError` where the file is no longer what it was when the project was loaded."""
        try:
            same = fingerprint_file(self.path) == self.fingerprint
        except OSError as error:
            raise ProjectError(f"{self.path}: cannot be read any more: {error.strerror}. Put the file back.") from error
        if not same:
            raise ProjectError(f"{self.path}: changed while the run was under way. Run again to use what it holds now.")
        return self.path

    def text(self) -> str:
        """The whole file without surrounding white space. Raises `ProjectError` where it is not UTF-8, or changed."""
        try:
            return self.unchanged().read_text(encoding="utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise ProjectError(f"{self.path}: not UTF-8 at byte {error.start}. Save the file as UTF-8.") from error


def _found(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, (str, Path)):
        return value
    context: dict[str, Path] = info.context or {}
    if is_url(value):
        path = fetch(str(value), store_root() / "downloads")
    else:
        path = (context.get("folder", Path.cwd()) / value).resolve()
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    try:
        return ContentFile(path=path, fingerprint=fingerprint_file(path))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


File = Annotated[ContentFile, BeforeValidator(_found)]
"""In a config: written as a path, relative to the YAML that names it, or as a URL; read as a `ContentFile`.

What a URL names is fetched into the store when the project is loaded, and again only when it changed.
"""


class Line(NamedTuple):
    """One line of a JSON-lines file, with where it stands."""

    where: str
    value: Any


def read_lines(path: Path) -> Iterator[Line]:
    """The values of a JSON-lines file, blank lines left out.

    Raises `ProjectError` naming file, line and column where a line is not UTF-8 or not JSON.
    """
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            where = f"{path}, line {number}"
            text = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
            if not text.strip():
                continue
            try:
                value = parse_line(text)
                json.dumps(value, ensure_ascii=False).encode()
                yield Line(where, value)
            except UnicodeEncodeError as error:
                raise ProjectError(f"{where}: holds half a surrogate pair, which is no text. Mend the line.") from error
            except ValueError as error:
                raise ProjectError(f"{where}: {error}") from error
            except RecursionError as error:
                raise ProjectError(f"{where}: {TOO_DEEP}") from error


def parse_line(raw: bytes) -> Any:
    """The JSON value in a line. Raises `ValueError` that says what is wrong with it and what to do."""
    try:
        return json.loads(raw.decode("utf-8").rstrip())
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}. Save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise ValueError(
            f"not valid JSON at column {error.colno} ({error.msg}). Each line must hold one JSON object."
        ) from error
    except ValueError as error:
        raise ValueError(f"cannot be read: {error}. Mend or remove the line.") from error
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error


def read_models(path: Path, model: type[Model]) -> Iterator[tuple[str, Model]]:
    """The lines of a JSON-lines file as validated objects, each with where it stands.

    Raises `ProjectError` naming file, line and field at the first line that does not fit.
    """
    for line in read_lines(path):
        try:
            yield line.where, model.model_validate(line.value)
        except ValidationError as error:
            raise ProjectError(f"{line.where}: {describe(error)}") from error


def describe(error: ValidationError) -> str:
    """A validation error in one line a problem: the field, what is wrong, and the value that was found."""
    return "; ".join(_problem(problem) for problem in error.errors(include_url=False))


def _problem(problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"]) or "the whole value"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] in {"missing", "extra_forbidden"}:
        return f"field `{field}`: {'required but missing' if problem['type'] == 'missing' else 'unknown key'}"
    if field.endswith("api_key_env") or is_url(problem["input"]):  # what stands there may be a key, or hold one
        return f"field `{field}`: {message}"
    if not problem["loc"] and isinstance(problem["input"], dict):  # fields that contradict each other: it names them
        return message
    found = repr(problem["input"])
    return f"field `{field}`: {message} (found {found if len(found) <= 80 else found[:77] + '...'})"
