"""What every command runs within: Prefect and its libraries kept quiet, and errors in one line."""

import logging
import os
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager

import typer

_PREFECT_DEFAULTS = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
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
    for name, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", module="transformers|torch|prefect")
    logging.captureWarnings(True)
    from tasks.errors import StillhouseError

    try:
        yield
    except StillhouseError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
