"""The whole pipeline with a judge that is asked over the network and paid for, its first answers unreadable."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.planning.plan import plan
from flows.project import check, load
from tasks.errors import BudgetSpent, ModelUnavailable, ProjectError, StageFailed
from tasks.filter import filter
from tasks.models import Ledger
from tasks.sample import sample
from tasks.store import Store
from tasks.teach import teach
from tests.flows.small_project import GOLD_A_SLICE, ROWS_A_SLICE, SLICES, Finished, build, run, settings, write
from tests.provider import Behaviour, Provider, provider_process, provider_thread, read_asked
from tests.tasks.judges.toys import levels

RULES = settings(Path())["filter"]["rules"]
DIMENSIONS = [
    {"name": name, "question": f"How is the {name}?", "levels": ["poor", "fair", "good", "better", "best"]}
    for name in ("accuracy", "style")
]
FINE, POOR = levels(4), levels(5, 1)
SCRIPT = {"exchange": POOR, "user": FINE}
MOST_JUDGED = len(SLICES) * (ROWS_A_SLICE - GOLD_A_SLICE)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_thread(Behaviour(scripted=SCRIPT, prose_first=1)) as serving:
        yield serving


@pytest.fixture
def project(provider: Provider, tiny_llama: Path, tmp_path: Path) -> Path:
    return judged(build(tmp_path / "project", tiny_llama).parent, tiny_llama, provider.openai_url)


def judged(folder: Path, tiny_llama: Path, url: str, rule: dict[str, Any] | None = None, **top: Any) -> Path:
    """The small project, its answers judged by a service."""
    content = settings(tiny_llama)
    model = {"provider": "openai", "model": "gpt-5", "base_url": url, "price": {"input_usd": 10, "output_usd": 10}}
    rubric = {"model": model, "instruction": "prompt.md", "dimensions": DIMENSIONS, "max_output_tokens": 200}
    content["filter"]["rules"] = [*RULES, {"rule": "judged", "rubric": rubric} | (rule or {})]
    return write(folder, content | {"budget_usd": 50} | top)


def filtered(project: Path) -> Any:
    """The pipeline as far as the filter, without Prefect."""
    loaded = load(project)
    budget = loaded.budget("test")
    taught = teach.fn(loaded.teach, sample.fn(loaded.sample).inputs, budget)
    return filter.fn(loaded.filter, taught.outputs, budget)


def test_a_plan_names_the_judges_of_evaluation(project: Path, tiny_llama: Path) -> None:
    content = yaml.safe_load(project.read_text())
    rubric = content["filter"]["rules"][-1]["rubric"]
    asked = {"model": rubric["model"], "instruction": "prompt.md"}
    content["evaluate"]["scorers"] += [
        {"scorer": "rubric", "rubric": rubric},
        {"scorer": "preference", "judge": asked, "versus": ["teacher", "base"]},
    ]
    planned = {each.stage: each.words for each in plan(load(write(project.parent, content)))}["evaluate"]
    assert "gpt-5 judges each answer of each system to every row held out: what it costs is known once" in planned
    assert "gpt-5 judges each answer of the student beside those of teacher, base, in both orders" in planned


def test_once_rows_are_held_out_a_plan_says_what_judges_and_hosted_systems_cost(
    finished: Finished, store_root: Path, tmp_path: Path, provider: Provider
) -> None:
    shutil.copytree(finished.store, store_root)
    shutil.copytree(finished.project.parent, tmp_path / "project")
    content = yaml.safe_load(finished.project.read_text())
    model = {"provider": "openai", "model": "gpt-5", "base_url": provider.openai_url}
    model |= {"price": {"input_usd": 10, "output_usd": 10}}
    content["evaluate"]["scorers"] += [{"scorer": "preference", "judge": {"model": model}, "versus": ["teacher"]}]
    content |= {"budget_usd": 5}
    planned = {each.stage: each.words for each in plan(load(write(tmp_path / "project", content)))}["evaluate"]
    assert "in both orders, to every row held out: " in planned
    asked = int(re.findall(r"held out: (\d+) of", planned)[0])
    assert asked % 2 == 0 < asked
    assert "about $" in planned
    content["train"] = {"trainer": "existing", "model": model}
    content["promote"]["rules"] = [{"metric": "intent", "at_least": 0.5}]
    planned = {each.stage: each.words for each in plan(load(write(tmp_path / "project", content)))}["evaluate"]
    assert f"gpt-5 answers as the student to every row held out: {asked // 2} of {asked // 2} requests" in planned


def test_what_cannot_be_read_is_asked_again_and_a_second_run_asks_nothing(
    prefect_server: None, project: Path, provider: Provider
) -> None:
    planned = {each.stage: each.words for each in plan(load(project))}["filter"]
    assert planned.startswith(f"gpt-5 judges what the rules before it keep: {MOST_JUDGED} of {MOST_JUDGED} requests")
    assert "about $" in planned
    assert planned.endswith("supposing that all answers are kept and 50 tokens long")
    folder = run(project)
    bodies = Counter(each.digest for each in provider.asked)
    assert set(bodies.values()) == {2}  # prose first, then a verdict: the same body, another sample
    assert 0 < len(bodies) <= MOST_JUDGED
    stages = {each["stage"]: each for each in json.loads((folder / "evidence.json").read_text())["stages"]}
    outcomes = stages["filter"]["outcomes"]
    assert outcomes["kept"] + outcomes["style"] + outcomes.get("repaired", 0) == len(bodies)
    assert "unjudged" not in outcomes
    assert sum(outcomes.values()) == stages["filter"]["rows_in"]
    assert [(cost.stage, cost.model) for cost in Ledger().costs("small")] == [("filter", "gpt-5-2026-01-01")]
    asked = len(provider.asked)
    run(project)
    assert len(provider.asked) == asked
    content = yaml.safe_load(project.read_text())
    content["filter"]["rules"][-1]["at_least"] = 5
    again = {each.stage: each.words for each in plan(load(write(project.parent, content)))}["filter"]
    assert f"0 of {len(bodies)} requests to ask, the rest is in the ledger; costs nothing" in again
    content["filter"]["rules"][-1]["rubric"]["dimensions"][0]["question"] = "Is it right?"
    anew = {each.stage: each.words for each in plan(load(write(project.parent, content)))}["filter"]
    assert f"{len(bodies)} of {len(bodies)} requests to ask" in anew
    assert "supposing" not in anew


def test_another_level_asks_nothing_and_another_question_asks_anew(
    project: Path, provider: Provider, tiny_llama: Path
) -> None:
    filtered(project)
    asked = len(provider.asked)
    strict = filtered(judged(project.parent, tiny_llama, provider.openai_url, {"at_least": 5}))
    assert strict.tally.outcomes["accuracy"] > 0
    assert len(provider.asked) == asked
    content = yaml.safe_load(project.read_text())
    content["filter"]["rules"][-1]["rubric"]["dimensions"][0]["question"] = "Is it right?"
    filtered(write(project.parent, content))
    assert len(provider.asked) == 2 * asked


def test_a_judge_that_never_gives_a_verdict_stops_the_stage_and_is_asked_three_times(
    project: Path, provider: Provider, tiny_llama: Path
) -> None:
    provider.behaviour = Behaviour(scripted={"user": "All of them are fine, 5 out of 5."})
    with pytest.raises(StageFailed, match=r"have no verdict; the first: not one JSON object alone: 'All of"):
        filtered(project)
    assert set(Counter(each.digest for each in provider.asked).values()) == {3}
    asked = len(provider.asked)
    with pytest.raises(StageFailed, match="have no verdict"):
        filtered(judged(project.parent, tiny_llama, provider.openai_url, {"max_unjudged_share": 0.9}))
    tally = filtered(judged(project.parent, tiny_llama, provider.openai_url, {"max_unjudged_share": 1.0})).tally
    assert tally.outcomes["unjudged"] == asked / 3
    assert set(tally.outcomes) <= {"approved", "unjudged", "length", "not_json", "cut_off", "refused"}
    assert len(provider.asked) == asked


def test_the_cap_stops_the_judge_and_a_raised_one_goes_on(project: Path, provider: Provider, tiny_llama: Path) -> None:
    with pytest.raises(BudgetSpent, match="requests are left"):
        filtered(judged(project.parent, tiny_llama, provider.openai_url, budget_usd=0.1))
    assert len(provider.asked) > 0
    assert Ledger().spent("small") <= 0.1e9
    filtered(judged(project.parent, tiny_llama, provider.openai_url, budget_usd=50))
    assert set(Counter(each.digest for each in provider.asked).values()) == {2}


KILLED = """
import sys
from pathlib import Path
from tests.flows.test_live_judge import filtered
print(filtered(Path(sys.argv[1])).tally.words())
"""


def test_a_run_that_is_killed_asks_again_only_what_was_in_flight(tmp_path: Path, tiny_llama: Path) -> None:
    log = tmp_path / "asked.jsonl"
    with provider_process(Behaviour(scripted=SCRIPT, prose_first=1, latency_seconds=0.2), log) as url:
        project = judged(build(tmp_path / "project", tiny_llama).parent, tiny_llama, f"{url}/v1")
        content = yaml.safe_load(project.read_text())
        content["filter"]["rules"][-1]["rubric"]["model"]["pace"] = {"max_in_flight": 4}
        command = [sys.executable, "-c", KILLED, str(write(project.parent, content))]
        with subprocess.Popen(command) as killed:
            while len(read_asked(log)) < 12 and killed.poll() is None:
                time.sleep(0.01)
            assert killed.poll() is None
            killed.kill()
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "style" in told
    bodies = Counter(each.digest for each in read_asked(log))
    assert set(bodies.values()) <= {2, 3}
    assert sum(count - 2 for count in bodies.values()) <= 4


@pytest.mark.parametrize(
    ("model", "rule", "top", "says"),
    [
        ({"model": "Recorded-2026-01-01"}, {}, {}, "recorded would judge its own answers"),
        ({}, {"same_as_teacher": True}, {}, "same_as_teacher is set, and gpt-5 is no teacher"),
        ({"api_key_env": "NO_SUCH_KEY"}, {}, {}, "NO_SUCH_KEY is not set"),
        ({"price": None}, {}, {}, "no price is listed for gpt-5 at 127.0.0.1"),
        ({}, {"at_least": 6}, {}, "accuracy has 5 levels, so none reaches 6"),
    ],
)
def test_what_is_wrong_with_a_judge_is_said_before_anything_is_asked(
    project: Path, provider: Provider, model: dict[str, Any], rule: dict[str, Any], top: dict[str, Any], says: str
) -> None:
    content = yaml.safe_load(project.read_text()) | top
    content["filter"]["rules"][-1] |= rule
    content["filter"]["rules"][-1]["rubric"]["model"] |= model
    with pytest.raises((ProjectError, ModelUnavailable), match=says):
        check(load(write(project.parent, content)))
    assert provider.asked == []


def test_a_judge_that_is_the_teacher_is_taken_where_the_config_insists(project: Path, provider: Provider) -> None:
    content = yaml.safe_load(project.read_text())
    content["filter"]["rules"][-1] |= {"same_as_teacher": True}
    content["filter"]["rules"][-1]["rubric"]["model"] |= {"model": "recorded"}
    insists = write(project.parent, content)
    check(load(insists))
    dropped = filtered(insists).dropped
    evidence = [row["evidence"] for row in Store().read_rows(dropped) if row["reason"] == "style"]
    assert evidence
    assert all(each.startswith("the teacher itself judges: style 1 of 5") for each in evidence)


def test_a_paid_judge_needs_a_budget(project: Path) -> None:
    content = yaml.safe_load(project.read_text())
    del content["budget_usd"]
    with pytest.raises(ProjectError, match="budget_usd: required, because gpt-5 costs money"):
        check(load(write(project.parent, content)))
