"""`python -m tests.provider --latency-seconds 1 --requests-per-minute 3000` serves until it is told to stop."""

import argparse
import asyncio
import json
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tests.provider.behaviour import Behaviour
from tests.provider.server import Provider

LISTS, OBJECTS = ("api_keys", "models"), ("scripted", "shutdown_dates")


def main() -> None:
    """Print the base URL, and serve."""
    parser = _parser()
    given = vars(parser.parse_args())
    rest = {name: given.pop(name) for name in ("port", "log", "memory")}
    try:
        behaviour = Behaviour.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        parser.error(str(error))
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(_serve(behaviour, rest))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="Port on loopback, else any free one.")
    parser.add_argument("--log", type=Path, help="Append one line of JSON for every request to this file.")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="Keep counts only, no records.")
    for name, field in Behaviour.model_fields.items():
        option, help_ = f"--{name.replace('_', '-')}", (field.description or "").replace("%", "%%")
        bare: dict[str, Any] = {"nargs": "?", "const": "true"} if field.annotation is bool else {}
        parser.add_argument(option, type=_reader(name), help=help_, metavar="VALUE", **bare)
    return parser


def _reader(name: str) -> Callable[[str], Any]:
    return _items if name in LISTS else json.loads if name in OBJECTS else str


def _items(text: str) -> list[str]:
    """Names with commas between them, or a list in JSON."""
    return json.loads(text) if text.startswith("[") else text.split(",")


async def _serve(behaviour: Behaviour, rest: dict[str, Any]) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    async with Provider(behaviour, **rest) as provider:
        print(provider.url, flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
