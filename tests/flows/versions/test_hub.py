import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.registry import Registry
from tasks.store import Store
from tests.flows.small_project import Finished
from tests.hub_server import hub


@pytest.fixture
def store(finished: Finished, store_root: Path) -> Path:
    """What the finished run left, moved to this test's store."""
    return shutil.copytree(finished.store, store_root)


def upload(project: Path, address: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own, for the hub's client reads its environment once."""
    said = {"HF_ENDPOINT": address, "HF_TOKEN": "hf_secret", "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "flows.cli", "export", str(project), "--hub", "ada/shop"]
    return subprocess.run(command, env=os.environ | said, capture_output=True, text=True, check=False)


def test_the_exported_folder_is_one_commit_to_a_private_repository(store: Path, finished: Finished) -> None:
    [entry] = Registry().history("small")
    with hub() as there:
        ended = upload(finished.project, there.address)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.strip() == f"{there.address}/ada/shop/commit/1"
        assert (there.created[0]["name"], there.created[0]["visibility"]) == ("shop", "private")
        assert there.commits == ["small version 1"]
        assert there.tokens == {"Bearer hf_secret"}
        assert b"# small version 1" in there.files["README.md"]
        assert there.files["model.safetensors"] == (Store().path(entry.student) / "model.safetensors").read_bytes()
        assert {"config.json", "tokenizer.json", "student.json"} <= set(there.files)
        assert not {"manifest.json", "training.json"} & set(there.files)
        assert "hf_secret" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("private", "files", "said"),
    [
        (False, {}, "ada/shop is public on the hub"),
        (True, {"model.gguf": b"mine"}, "ada/shop on the hub holds no student"),
    ],
)
def test_what_is_public_or_no_student_is_left_alone(
    store: Path, finished: Finished, private: bool, files: dict[str, bytes], said: str
) -> None:
    with hub() as there:
        there.private, there.files = private, dict(files)
        ended = upload(finished.project, there.address)
        assert ended.returncode == 1
        assert f"error: {said}" in ended.stderr
        assert (there.commits, there.files) == ([], files)


def test_a_hub_that_is_away_is_one_line_that_says_what_to_do(store: Path, finished: Finished) -> None:
    ended = upload(finished.project, "http://127.0.0.1:9")
    assert ended.returncode == 1
    assert "error: the hub did not take ada/shop" in ended.stderr
    assert "Traceback" not in ended.stderr
