"""Fifty examples of one's own, one YAML and one command: tuned at a service or here, and compared on five held out."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from flows.evidence.runs import read_evidence
from flows.planning.plan import plan
from flows.project import check, load
from tasks.errors import ProjectError
from tasks.evidence import Evidence
from tasks.models import Ledger
from tasks.registry import Registry
from tasks.store import Store
from tests.flows.small_project import run
from tests.provider import Behaviour, Provider, provider_thread

ROWS, HELD_OUT = 50, 5
WORDS = [
    f"{first}{last}" for first in ("ka", "lo", "mi", "nu", "pe", "ri", "so") for last in ("ba", "den", "fur", "got")
]
KINDS = ("refund", "parcel", "invoice")
SERVING = {"input_usd": 1, "output_usd": 2}


def examples() -> list[tuple[str, str]]:
    """What customers write, and what of it is asked for: the answer is a word."""
    drawn = random.Random(7)
    return [(" ".join(drawn.choices(WORDS, k=9)) + f" {number}", KINDS[number % 3]) for number in range(ROWS)]


def hosted(url: str) -> dict[str, Any]:
    return {"trainer": "openai", "base": "gpt-mini", "base_url": f"{url}/v1", "price_usd": 50, "price": SERVING} | {
        "base_price": SERVING
    }


def local(base: Path) -> dict[str, Any]:
    return {"trainer": "local", "base": str(base), "tuning": {"method": "full", "layers": 1}, "epochs": 1}


def written(folder: Path, train: dict[str, Any], **more: Any) -> Path:
    """The files of a new user: the examples, an instruction, and the YAML."""
    folder.mkdir(exist_ok=True)
    lines = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
        for asked, said in examples()
    ]
    (folder / "examples.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (folder / "prompt.md").write_text("Say in one word what the customer wants.")
    content = {
        "name": "desk",
        "sample": {"inputs": "examples.jsonl"},
        "teach": {
            "model": {"provider": "recorded", "answers": "examples.jsonl", "match": "turns"},
            "prompt": "prompt.md",
            "max_output_tokens": 8,
        },
        "filter": {"rules": [{"rule": "answered"}]},
        "split": {"holdout": HELD_OUT},
        "train": train,
        "evaluate": {
            "scorers": [{"scorer": "exact"}],
            "max_output_tokens": 8,
            "failure_modes": {"forgetting": None, "perplexity": None, "robustness": None},
        },
        "promote": {"rules": [{"metric": "exact", "at_least": 0.6}]},
    }
    file = folder / "desk.yaml"
    file.write_text(yaml.safe_dump(content | more))
    return file


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A service whose models answer four of five right."""
    right = {asked: said for number, (asked, said) in enumerate(examples()) if number % 5}
    with provider_thread(Behaviour(scripted=right)) as serving:
        yield serving


def evidence(folder: Path) -> Evidence:
    return read_evidence(folder)


def scored(shown: Evidence) -> set[tuple[str, int]]:
    return {(each.system, each.n) for each in shown.scores.estimates if each.part == "holdout" and each.slice == "all"}


def command(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_fifty_examples_are_tuned_at_a_service_and_compared_on_five(
    prefect_server: None, provider: Provider, tmp_path: Path
) -> None:
    project = written(tmp_path / "hosted", hosted(provider.url), budget_usd=5)
    folder = run(project)
    shown = evidence(folder)
    assert shown.verdict == "inconclusive"
    assert any("rows would settle it" in each.words for each in shown.reasons)
    assert scored(shown) == {("teacher", HELD_OUT), ("base", HELD_OUT), ("student", HELD_OUT)}
    trained = provider.trainings.kept.values()
    assert [each.examples for each in trained] == [shown.training.rows]
    billed_usd = sum(map(provider.trainings.billed_tokens, trained)) * 50 / 1e6
    assert shown.economics.training_usd == pytest.approx(billed_usd)
    paid = sum(each.nanodollars for each in Ledger().costs("desk")) / 1e9
    assert Ledger().spent("desk") / 1e9 == pytest.approx(billed_usd + paid)
    assert all(each.cached for each in plan(load(project)))
    assert run(project) == folder
    assert provider.trainings.created == 1

    said = command("jobs", project)
    assert "gpt-mini" in said
    assert "done" in said
    command("export", project, "--format", "openai", "--to", tmp_path / "sent.jsonl")
    [entry] = Registry().history("desk")
    student = Store().folder(entry.student)
    assert (tmp_path / "sent.jsonl").read_bytes() == (student / "train.jsonl").read_bytes()

    before = dict(provider.files.kept)
    Registry().promote("desk", 1, "me", "to see it answer")
    assert Registry().champion("desk") == entry.student
    Registry().rollback("desk")
    assert Registry().champion("desk") is None
    assert (provider.files.kept, provider.trainings.created) == (before, 1)


def test_the_same_fifty_are_tuned_here_by_another_word_in_the_yaml(
    prefect_server: None, tiny_llama: Path, tmp_path: Path
) -> None:
    shown = evidence(run(written(tmp_path / "local", local(tiny_llama))))
    assert scored(shown) == {("teacher", HELD_OUT), ("base", HELD_OUT), ("student", HELD_OUT)}
    assert any("5 rows of holdout" in each.words for each in shown.reasons)


def test_a_plan_says_what_is_known_to_end(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    train = {"trainer": "openai", "base": "gpt-4.1-mini-2025-04-14", "price_usd": 5, "price": SERVING}
    said = command("plan", written(tmp_path / "plan", train, budget_usd=5))
    assert "OpenAI takes no new fine-tuning jobs after 2027-01-06" in said
    assert "ft:gpt-4.1-mini-2025-04-14 can be asked until 2027-01-14" in said
    provider.behaviour = Behaviour(shutdown_dates={"gpt-mini": "2029-03-04"})
    monkeypatch.setenv("SHOP_KEY", "key")
    teacher = {"provider": "openai", "model": "gpt-mini", "base_url": provider.openai_url, "service": "openai"}
    teacher |= {"api_key_env": "SHOP_KEY", "price": SERVING}
    file = written(tmp_path / "asked", hosted(provider.url), budget_usd=5)
    content = yaml.safe_load(file.read_text())
    content["teach"]["model"] = teacher
    file.write_text(yaml.safe_dump(content))
    assert "gpt-mini can be asked until 2029-03-04" in command("plan", file)


def test_a_budget_needs_the_price_of_training_before_anything_is_asked(provider: Provider, tmp_path: Path) -> None:
    unpriced = {name: value for name, value in hosted(provider.url).items() if name != "price_usd"}
    with pytest.raises(ProjectError, match=r"train\.price_usd: nobody lists what training gpt-mini costs"):
        check(load(written(tmp_path / "unpriced", unpriced, budget_usd=5)))
    check(load(written(tmp_path / "unpriced", unpriced, budget_usd=None)))
    assert not provider.asked
