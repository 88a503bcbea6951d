"""What every command runs within: Prefect and its libraries kept quiet, and errors in one line."""

import gc
import logging
import os
import signal
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import typer

PREFECT_DEFAULTS = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_CLIENT_MAX_RETRIES": "7",  # a server that starts again is waited for, four minutes at most
    "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",  # what a server says whose database is away
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
}


@contextmanager
def one_line_errors() -> Generator[None]:
    """One clear line for what Stillhouse raises on purpose; everything else keeps its traceback."""
    for name, value in PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", module="transformers|torch|prefect")
    logging.captureWarnings(True)
    from tasks.errors import StillhouseError, Waiting

    try:
        yield
    except Waiting as waiting:
        print(f"not yet: {waiting}. Give the same command again later", file=sys.stderr)
        raise typer.Exit(1) from waiting
    except StillhouseError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


def visible(text: str) -> str:
    """A text from data as a terminal may have it: what would move its cursor or change its colours is spelt out."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


@contextmanager
def importing() -> Generator[None]:
    """Around the imports of a command that needs Prefect: nothing of them is garbage, so nobody looks for any.

    The collector would take an eighth of that time, and as much again later whenever it looks at all there is.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def leaving_at_once() -> Generator[None]:
    """Within, SIGINT and SIGTERM end the process in one line, and the temporary Prefect server with it.

    A terminal's Ctrl-C reaches that server as well, and Prefect would wait for it in vain; what a stage has finished
    and what was answered is kept already. With a server of the user's own, Prefect is left to record the end.
    """
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        yield
        return

    def leave(number: int, _: Any) -> None:
        from prefect.server.api.server import SubprocessASGIServer

        print("stopped; what was answered and made is kept: the same command goes on from there", file=sys.stderr)
        for server in list(SubprocessASGIServer._instances.values()):  # pyright: ignore[reportPrivateUsage]
            server.stop()
        sys.stderr.flush()
        os._exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
