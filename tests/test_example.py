"""The example that ships is what its README says it is."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from flows import batches, jobs, ledger, review, versions
from flows.cli import app
from flows.project import chosen, load
from tasks.filter import filter
from tasks.models import request_key
from tasks.sample import sample
from tasks.scorers import as_object
from tasks.split import HeldBefore, split
from tasks.teach import questions, teach

ROOT = Path(__file__).parent.parent
SUPPORT = ROOT / "data" / "support"
EDGE_CASES = {
    "partial_refund",
    "outside_window",
    "missing_order_number",
    "other_language",
    "abuse",
    "manipulation",
    "two_requests",
    "out_of_scope",
    "gift",
}


@cache
def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SUPPORT / name).read_text(encoding="utf-8").splitlines()]


def flaws() -> dict[str, str]:
    return json.loads((ROOT / "tests" / "support_flaws.json").read_text())


def test_there_are_enough_rows_in_enough_slices_and_edge_cases_weigh_enough() -> None:
    slices = Counter(row["slice"] for row in lines("inputs.jsonl"))
    assert sum(slices.values()) >= 360
    assert len(slices) >= 14
    assert len(EDGE_CASES & set(slices)) >= 7
    assert sum(slices[name] for name in EDGE_CASES) >= 0.35 * sum(slices.values())


def test_messages_are_of_the_lengths_that_customers_write() -> None:
    lengths = [len(row["messages"][-1]["content"].split()) for row in lines("inputs.jsonl")]
    assert min(lengths) >= 3
    assert max(lengths) <= 120


def test_no_message_stands_twice() -> None:
    said = Counter(json.dumps(row["messages"]) for row in lines("inputs.jsonl"))
    assert max(said.values()) == 1


def test_every_row_has_one_recorded_answer_under_its_requests_key() -> None:
    project = load(ROOT / "deployments" / "support.yaml")
    rows = chosen(project)
    keys = [request_key(project.teach.model.identity(), each.request) for each in questions(rows, project.teach)]
    assert keys == [line["key"] for line in lines("answers.jsonl")]


def test_about_eight_percent_of_the_answers_are_flawed_and_every_kind_occurs() -> None:
    kinds = Counter(flaws().values())
    assert 0.07 <= sum(kinds.values()) / len(lines("inputs.jsonl")) <= 0.09
    assert set(kinds) == {
        "cut_off",
        "refusal",
        "fenced",
        "chatty",
        "invented_label",
        "off_voice",
        "over_long",
        "contradicts_policy",
    }


def test_answers_without_a_flaw_meet_every_standard() -> None:
    project = load(ROOT / "deployments" / "support.yaml")
    standards = [rule.scorer for rule in project.filter.rules if rule.rule == "standard"]
    for row, answer in zip(lines("inputs.jsonl"), lines("answers.jsonl"), strict=True):
        if row["id"] not in flaws():
            assert [scorer.score(answer["text"], "").value for scorer in standards] == [1.0] * len(standards), row["id"]


def test_approved_answers_cover_every_slice_and_meet_every_standard() -> None:
    project = load(ROOT / "deployments" / "support.yaml")
    standards = [rule.scorer for rule in project.filter.rules if rule.rule == "standard"]
    slices = {row["id"]: row["slice"] for row in lines("inputs.jsonl")}
    gold = lines("gold.jsonl")
    assert len(gold) >= 80
    assert {slices[line["id"]] for line in gold} == set(slices.values())
    for line in gold:
        assert all(scorer.score(line["answer"], "").value == 1.0 for scorer in standards), line["id"]


def test_the_labels_in_use_are_those_of_the_policy() -> None:
    used = [as_object(line["answer"]) or {} for line in lines("gold.jsonl")]
    assert len({answer["intent"] for answer in used}) >= 8
    assert len({answer["action"] for answer in used}) >= 6
    policy = (SUPPORT / "prompt.md").read_text(encoding="utf-8")
    assert 400 <= len(policy.split()) <= 700
    for answer in used:
        assert f"`{answer['intent']}`" in policy
        assert f"`{answer['action']}`" in policy


def test_every_row_of_the_example_is_accounted_for_by_each_stage_before_training() -> None:
    project = load(ROOT / "deployments" / "support.yaml")
    sampled = sample.fn(project.sample)
    taught = teach.fn(project.teach, sampled.inputs, project.budget("test"))
    filtered = filter.fn(project.filter, taught.outputs, project.budget("test"))
    parts = split.fn(project.split, filtered.kept, HeldBefore(project=project.name))
    assert sampled.tally.rows_in == len(lines("inputs.jsonl")) == sampled.inputs.rows + sampled.unpicked.rows
    assert taught.tally.rows_in == sampled.inputs.rows == taught.outputs.rows
    assert filtered.tally.rows_in == taught.outputs.rows == filtered.kept.rows + filtered.dropped.rows
    handles = (parts.train, parts.validation, parts.holdout, parts.unseen)
    assert parts.tally.rows_in == filtered.kept.rows == sum(handle.rows for handle in handles)


def test_every_command_that_the_readme_shows_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^    stillhouse (\w+)", readme, flags=re.MULTILINE))
    both = [*app.registered_commands, *versions.app.registered_commands]  # the latter have no name of their own
    commands = {command.callback.__name__ for command in both if command.callback}
    assert shown == commands | {group.name for group in app.registered_groups if group.name}
    for group in (batches, jobs, ledger, review):
        name = group.__name__.rpartition(".")[2]
        [line] = re.findall(rf"^    stillhouse {name} (.+?)   ", readme, flags=re.MULTILINE)
        there = [command for command in group.app.registered_commands if not command.hidden]
        assert set(re.findall(r"[a-z]+", line)) == {command.name or command.callback.__name__ for command in there}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"\n{verb}:" in makefile for verb in re.findall(r"^    make (\w+)", readme, flags=re.MULTILINE))
