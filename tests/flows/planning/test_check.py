import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tests.flows import small_project
from tests.provider import Behaviour, provider_thread

ROOT = Path(__file__).parents[3]
RUNNER = CliRunner()


def check(*arguments: str | Path) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """The exit code, and the findings by what they are about."""
    result = RUNNER.invoke(app, ["check", *map(str, arguments), "--json"])
    by: dict[str, list[dict[str, str]]] = {}
    for each in json.loads(result.stdout)["findings"]:
        by.setdefault(each["about"], []).append(each)
    return result.exit_code, by


@pytest.fixture
def support() -> list[dict[str, Any]]:
    lines = (ROOT / "data" / "support" / "inputs.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines[:500]]


def written(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_example_may_run_and_its_recorded_teacher_costs_nothing() -> None:
    code, found = check(ROOT / "deployments" / "support.yaml")
    assert code == 0
    assert "costs nothing" in found["teacher"][0]["words"]


def test_what_is_said_fits_a_screen(support: list[dict[str, Any]], tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["check", str(written(tmp_path / "rows.jsonl", support))])
    assert len(result.stdout.splitlines()) < 24
    assert result.stdout.endswith("nothing speaks against a run\n")


def test_forty_nine_rows_are_too_few(support: list[dict[str, Any]], tmp_path: Path) -> None:
    code, found = check(written(tmp_path / "few.jsonl", support[:49]))
    assert code == 4
    assert "49 different rows; at least 50 are needed" in found["enough"][0]["words"]


def test_contradicting_instructions_are_refused(support: list[dict[str, Any]], tmp_path: Path) -> None:
    told = ["Answer customers. Always offer a refund.", "Answer customers. Never offer a refund."]
    rows = [
        {"messages": [{"role": "system", "content": told[at % 2]}, *row["messages"]]} for at, row in enumerate(support)
    ]
    code, found = check(written(tmp_path / "two.jsonl", rows))
    assert code == 4
    assert "'Always offer a refund.' against 'Never offer a refund.'" in found["one task"][1]["words"]


def test_an_instruction_that_changes_half_way_is_worth_a_look(support: list[dict[str, Any]], tmp_path: Path) -> None:
    told = ["You answer customers.", "You answer customers, and sign with a name."]
    rows = [
        {"messages": [{"role": "system", "content": told[at >= 300]}, *row["messages"]]}
        for at, row in enumerate(support)
    ]
    code, found = check(written(tmp_path / "drift.jsonl", rows))
    assert code == 3, found
    assert "from row 301 on another one" in found["one task"][0]["words"]


def test_rows_of_one_template_are_refused(tmp_path: Path) -> None:
    rows = [{"text": f"What does the word number {at} on this very long shopping list mean?"} for at in range(100)]
    code, found = check(written(tmp_path / "template.jsonl", rows))
    assert code == 4
    assert "one template: 100%" in found["variety"][0]["words"]


def test_a_log_is_read_and_priced(support: list[dict[str, Any]], tmp_path: Path) -> None:
    said = {"choices": [{"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}]}
    told = [{"role": "system", "content": "You answer customers."}]
    rows = [{"request": {"messages": told + row["messages"]}, "response": said} for row in support[:120]]
    code, found = check(written(tmp_path / "log.jsonl", rows), "--teacher", "openai/gpt-5-mini")
    assert code == 0
    assert "one instruction: 'You answer customers.'" in found["one task"][0]["words"]
    assert "120 of 120 requests to ask" in found["teacher"][0]["words"]
    assert "about $0." in found["teacher"][0]["words"]


def test_rows_of_a_holdout_that_stand_among_the_rows_are_named(support: list[dict[str, Any]], tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", support[:300])
    code, found = check(rows, "--holdout", written(tmp_path / "held.jsonl", support[299:400]))
    assert code == 4
    assert "1 of 101 held-out rows stand among 300 (1 exact)" in found["leaks"][0]["words"]
    assert check(rows, "--holdout", written(tmp_path / "apart.jsonl", support[300:320]))[0] == 0


def test_a_holdout_that_cannot_be_read_is_not_called_clean(support: list[dict[str, Any]], tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", support[:100])
    code, found = check(rows, "--holdout", written(tmp_path / "held.jsonl", [{"foo": "x"}] * 5))
    assert code == 4
    assert "0 held-out rows can be read" in found["leaks"][0]["words"]
    code, found = check(rows, "--holdout", written(tmp_path / "part.jsonl", [*support[200:240], {"foo": "x"}]))
    assert code == 3, found
    assert "1 rows cannot be read" in found["leaks"][0]["words"]


def test_a_column_of_another_name_is_named_on_the_command_line(support: list[dict[str, Any]], tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", [{"body": row["messages"][0]["content"]} for row in support[:200]])
    assert check(rows)[0] == 4
    code, found = check(rows, "--text", "body")
    assert code == 0
    assert "200 came in, and all can be read" in found["rows"][0]["words"]


def test_a_project_that_a_run_would_refuse_is_not_called_fine(tmp_path: Path, tiny_llama: Path) -> None:
    project = small_project.build(tmp_path, tiny_llama)
    small_project.write(tmp_path, small_project.settings(tiny_llama) | {"split": {"holdout": 60}})
    code, found = check(project)
    assert code == 4
    assert "split.holdout: 60 of 60 rows" in found["project"][0]["words"]


@pytest.mark.parametrize("options", [["--probe", "3"], ["--holdout", "x.jsonl", "--teacher", "openai/gpt-5-mini"]])
def test_options_that_would_do_nothing_are_refused(options: list[str], tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", [{"text": "a"}])
    result = RUNNER.invoke(app, ["check", str(rows), *options])
    assert result.exit_code == 2


def test_a_probe_asks_the_base_and_says_when_prompting_is_good_enough(tmp_path: Path, tiny_llama: Path) -> None:
    project = small_project.build(tmp_path, tiny_llama)
    code, found = check(project, "--probe", "4")
    assert "the base with the prompt on 4 rows: intent" in found["probe"][0]["words"]
    assert len(found["probe"]) == 1
    settings = small_project.settings(tiny_llama)
    easy = settings | {"promote": {"rules": [{"metric": "length", "at_most": 1.0}]}}
    _, found = check(small_project.write(tmp_path, easy), "--probe", "4")
    assert "you may need no student" in found["probe"][1]["words"]
    assert code in {0, 3}


def test_a_probe_of_a_base_in_batch_mode_says_that_its_answers_are_still_to_come(
    tmp_path: Path, tiny_llama: Path
) -> None:
    small_project.build(tmp_path, tiny_llama)
    with provider_thread(Behaviour(batch_seconds=3600)) as provider:
        model = {"provider": "openai", "model": "m", "base_url": provider.openai_url, "service": "shop"}
        train = {"trainer": "existing", "model": model, "base": model | {"mode": "batch"}}
        file = small_project.write(tmp_path, small_project.settings(tiny_llama) | {"train": train, "budget_usd": None})
        code, found = check(file, "--probe", "4")
    assert code == 3, found
    assert "1 batch with 4 requests to shop (m) is out" in found["probe"][0]["words"]
    assert "check again once it is over, or ask the base with mode: live" in found["probe"][0]["words"]


@pytest.mark.parametrize("teacher", ["nobody/nothing", "openai"])
def test_a_teacher_that_is_none_is_refused(teacher: str, support: list[dict[str, Any]], tmp_path: Path) -> None:
    rows = written(tmp_path / "rows.jsonl", support[:60])
    result = RUNNER.invoke(app, ["check", str(rows), "--teacher", teacher])
    assert result.exit_code == 1
    assert "--teacher" in result.stderr
