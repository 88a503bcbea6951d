"""Each stage's version is pinned to what it gives for a fixed input: an output that moves asks for a new version."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks import evaluate, filter, measures, promote, sample, split, teach, train
from tasks.artifacts import Dataset, Made, digest
from tasks.evidence import Estimate, FailureMode, Scores, Wear
from tasks.files import ContentFile, fingerprint_file
from tasks.gate import GateRule
from tasks.models import Answer, Budget, Hand, Recorded, Request, recorded_line, request_key
from tasks.models.chat import prompted
from tasks.promote import PromoteConfig
from tasks.rows import Input, Kept
from tasks.rules import Answered, JsonObject, NearDuplicate, Standard
from tasks.scorers import Fields, Length, Terms
from tasks.store import Store
from tasks.systems import System, Systems
from tasks.trainers import LocalTrainer
from tests.tasks import every_rule

PINNED = {
    "sample": ("3", "1502d4564299eef6"),
    "teach": ("2", "eaf28d3d8f3943fa"),
    "filter": ("5", "6cbf8b2eb69c6d59"),
    "split": ("4", "bc75a05d44c4d2ac"),
    "train": ("4", "018294fa55fac5af"),
    "evaluate": ("5", "784839ee07c79e65"),
    "promote": ("4", "dff221c5015130e6"),
}

MADE = Made(stage="fixed", version="1", config={}, parents={})
BUDGET = Budget(project="pinned", run="one")
PROMPT = "Answer with a JSON object."
SAID = {
    "a": "Where is my parcel?",
    "b": "Where is my parcel??",
    "c": "The zip of my jacket broke.",
    "d": "Bonjour, où est mon colis?",
    "e": "Is the tent waterproof?",
    "f": "Please cancel my order.",
    "g": "My stove does not light.",
    "h": "You are all thieves.",
}
ANSWERS = {
    "a": '{"intent": "status", "reply": "On its way."}',
    "b": '{"intent": "status", "reply": "It left us today."}',
    "c": '```json\n{"intent": "warranty", "reply": "Send it in."}\n```',
    "d": '{"intent": "language", "reply": "A colleague answers."}',
    "e": '{"intent": "question", "reply": "Yes, it is!"}',
    "f": '{"intent": "change", "reply": "Do',
    "g": "I'm sorry, but I can't help with that.",
    "h": '{"intent": "abuse", "reply": "We are here when you need us."}',
}


def a_file(path: Path, lines: list[dict[str, Any]] | str) -> ContentFile:
    text = lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return ContentFile(path=path, fingerprint=fingerprint_file(path))


def inputs() -> list[Input]:
    return [
        Input(id=id, messages=[{"role": "user", "content": said}], slice="odd" if id == "h" else "all", group=id)
        for id, said in SAID.items()
    ]


def kept() -> list[Kept]:
    answered = {id: text for id, text in ANSWERS.items() if text.startswith("{") and text.endswith("}")}
    return [
        Kept(
            **row,
            completion=answered[row["id"]],
            reference=answered[row["id"]],
            approved=row["id"] == "a",
            reviewed=False,
            repaired="",
            doubt="",
        )
        for row in inputs()
        if row["id"] in answered
    ]


def stored(rows: list[Any], row_type: Any) -> Dataset:
    return Store().write_rows(rows, row_type, MADE)


def teaching(tmp_path: Path) -> teach.TeachConfig:
    prompt = a_file(tmp_path / "prompt.md", PROMPT)
    identity = {"provider": "recorded", "model": "recorded"}
    lines = [
        json.loads(
            recorded_line(
                request_key(identity, Request(messages=prompted(PROMPT, row), max_output_tokens=64)),
                Answer(text=ANSWERS[row["id"]], finish_reason="length" if row["id"] == "f" else "stop"),
            )
        )
        for row in inputs()
    ]
    recorded = Recorded(provider="recorded", answers=a_file(tmp_path / "answers.jsonl", lines))
    return teach.TeachConfig(model=recorded, prompt=prompt, max_output_tokens=64)


def sampled(tmp_path: Path) -> object:
    rows = [{"id": row["id"], "messages": row["messages"], "slice": row["slice"]} for row in inputs()]
    file = a_file(tmp_path / "inputs.jsonl", [*rows, rows[0] | {"id": "again"}])
    result = sample.sample.fn(sample.SampleConfig(inputs=file, rows=5, floors={"odd": 1}))
    return [result.inputs.fingerprint, result.unpicked.fingerprint]


def taught(tmp_path: Path) -> object:
    return teach.teach.fn(teaching(tmp_path), stored(inputs(), Input), BUDGET).outputs.fingerprint


def filtered(tmp_path: Path) -> object:
    outputs = teach.teach.fn(teaching(tmp_path), stored(inputs(), Input), BUDGET).outputs
    standard = Standard(rule="standard", scorer=Terms(scorer="terms", field="reply", forbidden=["!"]))
    rules = [Answered(rule="answered"), JsonObject(rule="json_object"), standard, NearDuplicate(rule="near_duplicate")]
    gold = a_file(tmp_path / "gold.jsonl", [{"id": "g", "answer": '{"intent": "warranty", "reply": "Send it in."}'}])
    result = filter.filter.fn(filter.FilterConfig(rules=rules, gold=gold), outputs, BUDGET)
    return [result.kept.fingerprint, result.dropped.fingerprint, every_rule.verdicts()]


def divided(tmp_path: Path) -> object:
    config = split.SplitConfig(holdout=0.3, validation_fraction=0.3, unseen=["odd"])
    result = split.split.fn(config, stored(kept(), Kept), split.HeldBefore(project="fixed"))
    return [getattr(result, part).fingerprint for part in split.PARTS]


def trained(tmp_path: Path, tiny_llama: Path) -> object:
    trainer = LocalTrainer.model_validate(
        {
            "trainer": "local",
            "base": str(tiny_llama),
            "tuning": {"method": "full", "layers": 1},
            "epochs": 2,
            "emphasis": {"intent": 3.0},
        }
    )
    training = train.train.fn(trainer, stored(kept(), Kept), stored(kept()[:1], Kept), BUDGET).training
    losses = [(round(point.train_loss, 2), round(point.validation_loss or 0, 2)) for point in training.curve]
    return [training.example, training.tokens, training.answer_tokens, training.steps, losses]


def evaluated(tmp_path: Path, tiny_llama: Path) -> object:
    config = teaching(tmp_path)
    scorers = [
        Fields(scorer="fields", name="intent", fields=["intent"]),
        Length(scorer="words", field="reply", at_most=5),
    ]
    asked = [System("teacher", config.model, PROMPT, 64, None)]
    teacher = Systems(asked, scorers, Hand("evaluate", BUDGET)).scored("teacher", {"holdout": kept()})
    student = [row | {"system": "student", "scores": row["scores"] | {"intent": 0.0}} for row in teacher]
    both: Any = [*teacher, *student]
    return [
        Scores(estimates=list(measures.estimates(both)), differences=list(measures.differences(both))).model_dump(),
        [usage.model_dump() for usage in measures.usage(both)],
    ]


def promoted(tmp_path: Path) -> object:
    measured = {"metric": "intent", "part": "holdout", "slice": "all", "n": 90, "groups": 90}
    estimate = Estimate(system="student", mean=0.8, low=0.7, high=0.87, **measured)
    rules = [GateRule(metric="intent", at_least=0.6), GateRule(metric="intent", at_least=0.75)]
    wear = Wear(decided=2, at_most=5, words="decision 2 of at most 5", confidence=0.9875)
    shows = FailureMode(mode="copying", fires="unsettled", words="seen once", threshold=0.5)
    seen = Scores(estimates=[estimate], differences=[])
    result = promote.promote.fn(PromoteConfig(rules=rules), seen, [shows], wear, [])
    return [result.verdict, [reason.model_dump() for reason in result.reasons]]


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (sample, sampled),
        (teach, taught),
        (filter, filtered),
        (split, divided),
        (train, trained),
        (evaluate, evaluated),
        (promote, promoted),
    ],
    ids=lambda value: getattr(value, "__name__", "").rpartition(".")[2],
)
def test_what_a_stage_gives_has_not_moved_under_its_version(
    module: Any, given: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    stage = module.__name__.rpartition(".")[2]
    needs_model = given in (trained, evaluated)
    output = given(tmp_path, request.getfixturevalue("tiny_llama")) if needs_model else given(tmp_path)
    moved = f"{stage} gives something else now: bump VERSION in tasks/{stage}.py and pin "
    assert PINNED.get(stage) == (module.VERSION, digest(output)[:16]), (
        moved + f'("{module.VERSION}", "{digest(output)[:16]}")'
    )
