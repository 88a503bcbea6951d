import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.project import check, load
from tasks.errors import ProjectError, StillhouseError
from tests.flows.small_project import SLICES, SUPPORT, build, settings, support, write, write_lines

Break = Callable[[Path, dict[str, Any]], object]


@pytest.fixture
def project(tmp_path: Path, tiny_llama: Path) -> Path:
    return build(tmp_path / "project", tiny_llama)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def swap(path: Path, number: int, line: str) -> None:
    write_lines(path, [line if at == number else each for at, each in enumerate(lines(path), start=1)])


def edit(path: Path, number: int, **changes: object) -> None:
    swap(path, number, json.dumps(json.loads(lines(path)[number - 1]) | changes))


def first_id() -> str:
    return support()[0][0]["id"]


def ruled(**about: Any) -> dict[str, Any]:
    """A gate of one rule."""
    return {"promote": {"rules": [{"metric": "intent", "at_least": 0.5} | about]}}


def existing(**model: Any) -> dict[str, Any]:
    """A student that is there already, by default recorded answers."""
    return {"train": {"trainer": "existing", "model": model or {"provider": "recorded", "answers": "answers.jsonl"}}}


BROKEN: dict[str, tuple[Break, list[str]]] = {
    "missing project file": (lambda folder, _: (folder / "small.yaml").unlink(), ["small.yaml", "No such file"]),
    "YAML that does not parse": (
        lambda folder, _: (folder / "small.yaml").write_text("name: small\nsample: [\n"),
        ["small.yaml: not valid YAML", "line 3"],
    ),
    "YAML in another encoding": (
        lambda folder, _: (folder / "small.yaml").write_bytes("name: café".encode("latin-1")),
        ["small.yaml: not UTF-8 at byte 9"],
    ),
    "empty YAML": (lambda folder, _: (folder / "small.yaml").write_text(""), ["small.yaml: field `the whole value`"]),
    "unknown YAML key": (
        lambda folder, given: write(folder, given | {"teach": given["teach"] | {"max_tokens": 9}}),
        ["small.yaml: field `teach.max_tokens`: unknown key"],
    ),
    "unknown stage": (
        lambda folder, given: write(folder, given | {"serve": {}}),
        ["small.yaml: field `serve`: unknown key"],
    ),
    "price for a teacher that has its own": (
        lambda folder, given: write(
            folder,
            given
            | {
                "teach": given["teach"] | {"model": {"provider": "local", "weights": given["train"]["base"]}},
                "economics": {"teacher_priced_as": {"input_usd": 1, "output_usd": 2}},
            },
        ),
        ["small.yaml", "economics.teacher_priced_as: this teacher is not recorded"],
    ),
    "price of a model that is not listed": (
        lambda folder, given: write(
            folder, given | {"economics": {"teacher_priced_as": {"provider": "openai", "model": "gpt-nobody"}}}
        ),
        ["economics.teacher_priced_as: no price is listed for gpt-nobody of openai"],
    ),
    "stage left out": (
        lambda folder, given: write(folder, {name: given[name] for name in given if name != "evaluate"}),
        ["small.yaml: field `evaluate`: required but missing"],
    ),
    "value out of bounds": (
        lambda folder, given: write(folder, given | {"train": given["train"] | {"epochs": 0}}),
        ["small.yaml: field `train.local.epochs`", "(found 0)"],
    ),
    "missing inputs file": (
        lambda folder, _: (folder / "inputs.jsonl").unlink(),
        ["small.yaml: field `sample.inputs`: no such file", "inputs.jsonl"],
    ),
    "line that is not JSON": (
        lambda folder, _: swap(folder / "inputs.jsonl", 3, '{"id": "s-1", }'),
        ["inputs.jsonl: 1 of 60 rows cannot be used", "line 3: not valid JSON at column 15"],
    ),
    "row that is no conversation": (
        lambda folder, _: edit(folder / "inputs.jsonl", 4, messages="hello"),
        ["inputs.jsonl: 1 of 60 rows", "line 4: field `messages`: Input should be a valid list (found 'hello')"],
    ),
    "row that nobody asks": (
        lambda folder, _: edit(folder / "inputs.jsonl", 4, messages=[{"role": "assistant", "content": "Hello."}]),
        ["inputs.jsonl: 1 of 60 rows", "line 4: field `messages`: the last message must be the user's"],
    ),
    "id that occurs twice": (
        lambda folder, _: edit(folder / "inputs.jsonl", 5, id=first_id()),
        ["inputs.jsonl: 1 of 60 rows", f"{first_id()}: row 5 has the id of another row"],
    ),
    "more held out than there are": (
        lambda folder, given: write(folder, given | {"split": {"holdout": 60}}),
        ["split.holdout: 60 of 60 rows"],
    ),
    "every slice unseen": (
        lambda folder, given: write(folder, given | {"split": {"unseen": [*SLICES]}}),
        ["split.unseen names every slice"],
    ),
    "approved rows and no gold": (
        lambda folder, given: write(folder, given | {"filter": {"rules": given["filter"]["rules"]}}),
        ["split.holdout: approved, and filter.gold has no answer"],
    ),
    "rule named as an outcome": (
        lambda folder, given: write(
            folder, given | {"filter": {"rules": [{"rule": "pattern", "pattern": "a", "name": "kept"}]}}
        ),
        ["small.yaml: field `filter`: rules: 'kept' cannot be a rule's name"],
    ),
    "field that the schema lacks": (
        lambda folder, given: (
            (folder / "schema.json").write_text('{"type": "object", "properties": {"intent": {}, "reply": {}}}'),
            write(
                folder,
                given
                | {"teach": given["teach"] | {"output_schema": "schema.json"}}
                | {"filter": given["filter"] | {"rules": [{"rule": "agreement", "fields": ["intnet"]}]}},
            ),
        ),
        ["filter.rules: agreement: fields: teach.output_schema has no ['intnet']; there are ['intent', 'reply']"],
    ),
    "a mapping for a key": (
        lambda folder, _: (folder / "small.yaml").write_text("name: small\nsample: {inputs: {{ data }}}\n"),
        ["small.yaml: not valid YAML"],
    ),
    "no inputs": (
        lambda folder, _: (folder / "inputs.jsonl").write_text("\n"),
        ["inputs.jsonl: no rows"],
    ),
    "gold for a row that is not there": (
        lambda folder, _: edit(folder / "gold.jsonl", 2, id="s-none"),
        ["gold.jsonl, line 2: field `id`: 's-none' is no row of sample.inputs"],
    ),
    "gold that is given twice": (
        lambda folder, _: edit(folder / "gold.jsonl", 2, id=json.loads(lines(folder / "gold.jsonl")[0])["id"]),
        ["gold.jsonl, line 2: field `id`", "is approved twice"],
    ),
    "answer that is not recorded": (
        lambda folder, _: write_lines(folder / "answers.jsonl", lines(folder / "answers.jsonl")[1:]),
        ["answers.jsonl: no recorded answer for row", repr(first_id()), "(1 of 60 have none)"],
    ),
    "prompt that was edited": (
        lambda folder, _: (folder / "prompt.md").write_text("Answer."),
        ["answers.jsonl: no recorded answer for row", repr(first_id()), "(60 of 60 have none)"],
    ),
    "model that does not exist": (
        lambda folder, given: write(folder, given | {"train": given["train"] | {"base": "no-such-model"}}),
        ["small.yaml: field `train.local.base`: no such model: 'no-such-model'"],
    ),
    "metric that nobody measures": (
        lambda folder, given: write(folder, given | ruled(metric="tone")),
        ["small.yaml", "promote.rules: no metric of holdout is named 'tone'; there are ['agreement', "],
    ),
    "part that nobody measures": (
        lambda folder, given: write(folder, given | ruled(part="hold-out")),
        [
            "small.yaml",
            "rows called 'hold-out'; there are ['all', 'holdout', 'perturbed', 'train', 'unseen']",
        ],
    ),
    "unseen rows where there are none": (
        lambda folder, given: write(folder, given | ruled(part="unseen") | {"split": {"holdout": "approved"}}),
        ["rows called 'unseen', for split.unseen names no slice; there are ['all', 'holdout'"],
    ),
    "rule about a slice that no row has": (
        lambda folder, given: write(folder, given | ruled(slice="gifts")),
        ["promote.rules: no row of holdout has slice 'gifts'; there are ['abuse', 'all', 'exchange', 'order_status'"],
    ),
    "rule about held-out rows of a slice that is unseen": (
        lambda folder, given: write(folder, given | ruled(slice="gift")),
        ["promote.rules: no row of holdout has slice 'gift'"],
    ),
    "rule about unseen rows of a slice that is seen": (
        lambda folder, given: write(folder, given | ruled(slice="abuse", part="unseen")),
        ["promote.rules: no row of unseen has slice 'abuse'; there are ['all', 'gift']"],
    ),
    "slice that is called as every slice is": (
        lambda folder, given: (
            write(folder, given | ruled(slice="worst")),
            edit(folder / "inputs.jsonl", 2, slice="worst"),
        ),
        ["promote.rules: slice 'worst' means every slice, and rows have one of that name. Rename theirs."],
    ),
    "malformed rule": (
        lambda folder, given: write(folder, given | ruled(better_by=0.1)),
        ["field `promote.rules.0`: give one of at_least and at_most, or versus together with one of better_by"],
    ),
    "rule about a base where there is none": (
        lambda folder, given: write(folder, given | ruled(of="base") | existing()),
        ["promote.rules: intent asks for the base, and train.base names none. Name one"],
    ),
    "existing student whose key is missing": (
        lambda folder, given: write(
            folder,
            given
            | ruled()
            | existing(provider="openai", model="ft:none", api_key_env="NO_SUCH_KEY")
            | {"budget_usd": None},
        ),
        ["NO_SUCH_KEY is not set, and ft:none is asked with it"],
    ),
    "existing student that costs money without a budget": (
        lambda folder, given: write(folder, given | ruled() | existing(provider="openai", model="ft:none")),
        ["budget_usd: required, because ft:none costs money"],
    ),
    "slice that no row has": (
        lambda folder, given: write(folder, given | {"split": given["split"] | {"unseen": ["gifts"]}}),
        ["split.unseen: no row has slice ['gifts']; there are ["],
    ),
    "metric that two scorers give": (
        lambda folder, given: write(folder, given | {"evaluate": {"scorers": [given["evaluate"]["scorers"][0]] * 2}}),
        ["small.yaml", "evaluate.scorers: the metrics ['intent', 'intent'] are not all different"],
    ),
}


def broken(project: Path, tiny_llama: Path, what: str) -> list[str]:
    """Breaks the project, and returns what its error must say."""
    breaks, said = BROKEN[what]
    breaks(project.parent, settings(tiny_llama))
    return said


def wrote_nothing(store_root: Path) -> bool:
    return not store_root.exists() or not list(store_root.iterdir())


def command(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", str(project)], capture_output=True, text=True, check=False
    )


def test_a_whole_project_is_loaded_and_checked(project: Path, store_root: Path) -> None:
    loaded = load(project)
    check(loaded)
    assert loaded.name == "small"
    assert wrote_nothing(store_root)


def test_the_example_is_loaded_and_checked() -> None:
    check(load(SUPPORT))


def test_paths_are_relative_to_the_yaml(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = load(project)
    monkeypatch.chdir(project.parent)
    assert load(Path("small.yaml")) == before
    monkeypatch.chdir(tmp_path)
    assert load(Path("project/small.yaml")) == before


@pytest.mark.parametrize("what", BROKEN)
def test_bad_input_is_one_clear_error_before_any_work(
    project: Path, tiny_llama: Path, store_root: Path, what: str
) -> None:
    said = broken(project, tiny_llama, what)
    with pytest.raises(StillhouseError) as raised:
        check(load(project))
    message = str(raised.value)
    assert "\n" not in message
    assert not [part for part in said if part not in message], message
    assert wrote_nothing(store_root)


def test_all_problems_of_a_yaml_are_said_at_once(project: Path, tiny_llama: Path) -> None:
    given = settings(tiny_llama)
    write(project.parent, given | {"name": "Not A Name", "train": given["train"] | {"epochs": 0}, "serve": {}})
    with pytest.raises(ProjectError) as raised:
        load(project)
    assert all(f"field `{field}`" in str(raised.value) for field in ("name", "train.local.epochs", "serve"))


def test_gold_for_a_row_that_is_not_there_is_named_with_its_line(project: Path, tiny_llama: Path) -> None:
    broken(project, tiny_llama, "gold for a row that is not there")
    with pytest.raises(ProjectError, match=r"gold\.jsonl, line 2"):
        check(load(project))


def test_a_key_that_stands_twice_in_the_yaml_is_an_error(project: Path) -> None:
    project.write_text(project.read_text() + "name: other\n")
    with pytest.raises(ProjectError, match="name"):
        load(project)


def test_a_store_that_cannot_be_written_is_an_error(project: Path, store_root: Path) -> None:
    store_root.write_text("in the way")
    with pytest.raises(StillhouseError, match=r"the store .*/store cannot be written"):
        check(load(project))
    assert store_root.read_text() == "in the way"


@pytest.mark.parametrize("what", ["missing project file", "line that is not JSON", "answer that is not recorded"])
def test_the_command_says_it_in_one_line(project: Path, tiny_llama: Path, store_root: Path, what: str) -> None:
    said = broken(project, tiny_llama, what)
    ended = command(project)
    assert ended.returncode == 1
    assert ended.stdout == ""
    [line] = ended.stderr.splitlines()
    assert line.startswith("error: ")
    assert all(part in line for part in said)
    assert wrote_nothing(store_root)


def test_the_command_says_that_the_store_cannot_be_written(project: Path, store_root: Path) -> None:
    store_root.write_text("in the way")
    ended = command(project)
    [line] = ended.stderr.splitlines()
    assert (ended.returncode, line.startswith(f"error: the store {store_root} cannot be written")) == (1, True)
