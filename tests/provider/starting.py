"""The provider beside a program that has no event loop to lend: in a thread, or as a process of its own."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from tests.provider.behaviour import Behaviour
from tests.provider.server import Provider

ROOT = Path(__file__).parents[2]


@contextmanager
def provider_thread(behaviour: Behaviour | None = None, log: Path | None = None) -> Iterator[Provider]:
    """A provider that serves from a thread."""
    started: Future[tuple[Provider, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        async with Provider(behaviour, log=log) as provider:
            started.set_result((provider, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = Thread(target=asyncio.run, args=(serve(),), name="provider", daemon=True)
    thread.start()
    provider, loop, stop = started.result(timeout=10)
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=10)


@contextmanager
def provider_process(behaviour: Behaviour | None = None, log: Path | None = None) -> Iterator[str]:
    """The URL of a provider that is a process of its own; its log holds the records."""
    command = [sys.executable, "-m", "tests.provider", *options(behaviour or Behaviour())]
    command += ["--log", str(log.absolute()), "--no-memory"] if log else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"the provider did not start: {' '.join(command)}")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=10)


def options(behaviour: Behaviour) -> list[str]:
    """The command line's options for a behaviour."""
    set_ = behaviour.model_dump(mode="json", exclude_defaults=True)
    return [f"--{name.replace('_', '-')}={_written(value)}" for name, value in set_.items()]


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
