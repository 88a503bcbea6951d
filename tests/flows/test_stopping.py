"""Ctrl-C in a terminal, which every process of the command's group hears, and SIGTERM, which one hears."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.flows.small_project import build
from tests.flows.test_live_teacher import SCHEMA, changed
from tests.provider import Behaviour, provider_thread


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_keeps_what_it_bought_and_ends_soon(number: int, tiny_llama: Path, tmp_path: Path) -> None:
    environment = os.environ | {"SHOP_KEY": "key", "PREFECT_HOME": str(tmp_path / "prefect")}
    environment.pop("PREFECT_API_URL", None)
    with provider_thread(Behaviour(latency_seconds=1.0)) as provider:
        folder = build(tmp_path / "project", tiny_llama).parent
        (folder / "schema.json").write_text(json.dumps(SCHEMA))
        project = changed(folder, tiny_llama, provider, model={"pace": {"max_in_flight": 4}})
        command = [sys.executable, "-m", "flows.cli", "run", str(project)]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
        while len(provider.asked) < 4 and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, process.communicate()[1]
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 128 + number
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    with pytest.raises(ProcessLookupError):  # no server is left behind
        os.killpg(process.pid, 0)
