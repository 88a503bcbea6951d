"""What two runs do not have in common: settings, or artefacts, by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel


class Change(BaseModel, frozen=True, extra="forbid"):
    """A setting, as `filter.rules.0.rule`, or an artefact that is not the same in both; None where one has none."""

    name: str
    first: Any
    second: Any


def changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Change]:
    """What stands in either and differs, in the order in which it stands."""
    for name in dict.fromkeys([*first, *second]):
        if first.get(name) != second.get(name):
            yield Change(name=name, first=first.get(name), second=second.get(name))


def settings(config: Any, at: str = "") -> dict[str, Any]:
    """Every setting by its dotted path."""
    if isinstance(config, Mapping) and config:
        parts: Iterator[tuple[Any, Any]] = iter(config.items())
    elif isinstance(config, list) and config:
        parts = enumerate(config)
    else:
        return {at: config}
    return {path: value for name, each in parts for path, value in settings(each, f"{at}.{name}".lstrip(".")).items()}
