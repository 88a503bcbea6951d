"""A real MLflow server on loopback, of an `mlflow` that lives in an environment of its own.

python -m venv FOLDER && FOLDER/bin/pip install mlflow
STILLHOUSE_TEST_MLFLOW=FOLDER/bin/mlflow pytest tests/flows/test_mlflow_registry.py
"""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

_START_SECONDS = 180


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's URI."""
    executable = os.environ.get("STILLHOUSE_TEST_MLFLOW", "")
    if not Path(executable).is_file():
        pytest.skip("no MLflow server: STILLHOUSE_TEST_MLFLOW names no `mlflow` (see tests/mlflow_server.py)")
    pytest.importorskip("mlflow", reason="MLflow's client is not installed: pip install 'stillhouse[mlflow]'")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [executable, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    places = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "kept")]
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    quiet.pop("PYTHONPATH", None)
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, *places], env=quiet, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(f"http://127.0.0.1:{port}/health", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _wait(url: str, server: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the MLflow server did not answer at {url}")
