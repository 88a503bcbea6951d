"""What a project is called and where it is published: read from its YAML alone, so that no input delays a rollback."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tasks.errors import ProjectError
from tasks.files import describe


class PublishConfig(BaseModel):
    """Where else the champion is shown; what is on stage is decided by the registry alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mlflow: str = Field(
        min_length=1,
        description="An MLflow tracking server's URI; its model of the project's name has the alias `champion`.",
    )

    @field_validator("mlflow")
    @classmethod
    def _without_password(cls, uri: str) -> str:
        if "@" in uri:
            raise ValueError(
                "no user and password in it, for it is kept with the evidence; set MLFLOW_TRACKING_USERNAME"
            )
        return uri


class Named(BaseModel):
    """A project as far as the registry knows it."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", description="Lower-case letters, digits and dashes, 64 at most."
    )
    publish: PublishConfig | None = Field(default=None, description="Where promotions and rollbacks are shown as well.")


class _EachKeyOnce(yaml.SafeLoader):
    """YAML as it is, but for keys that stand twice in one mapping, of which the last would win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping. Raises `yaml.MarkedYAMLError` at a key that stands twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {name!r} stands twice", problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read(path: Path) -> Any:
    """What a project's YAML holds. Raises `ProjectError` naming the file where it cannot be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), _EachKeyOnce)
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror}. Name a project's YAML, as deployments/support.yaml.") from error
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: not UTF-8 at byte {error.start}. Save the file as UTF-8.") from error
    except yaml.YAMLError as error:
        raise ProjectError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error


def named(path: Path) -> Named:
    """The project in a YAML file, its stages not looked at. Raises `ProjectError` where it has no proper name."""
    try:
        return Named.model_validate(read(path))
    except ValidationError as error:
        raise ProjectError(f"{path}: {describe(error)}") from error
