"""What the filter's rules find: refusals, wrong and unreadable answers of real teachers, the example's planted flaws.

Prints a table each. Where no rule can know that an answer is wrong, the table says so: one answer a row holds little
that tells a wrong one from a right one.
"""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from flows.project import load as load_project
from tasks.filter import Sifted, read_gold, sift
from tasks.rows import Message, Output
from tasks.rules import Rule
from tasks.rules.refusals import refuses
from tasks.sample import sample
from tasks.statistics import mean_interval
from tasks.store import Store
from tasks.teach import teach
from tests.tasks.rules.learn_refusals import corpus
from tests.tasks.rules.measuring import WORD_LIST, f1

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
TEACHERS = ("gpt_5_mini", "gpt_5_2", "claude_4_5_sonnet")
ABSENT = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")

READABLE = {"rule": "pattern", "name": "unreadable", "pattern": r"(?s).*So the answer is \([a-e]\) [^().\n]+\."}
EXPLAINED = {
    "rule": "pattern",
    "name": "unexplained",
    "pattern": r"(?is).*\b(?P<label>[^().\n]+)\b.*So the answer is \([a-e]\) (?P=label)\.",
}
SINGLED_OUT = {
    "rule": "pattern",
    "name": "several_fit",
    "pattern": r"(?is)(?!.*\bonly [^.]*?\b(?:and|or)\b[^.]*\.).*",
}


def rules(*configs: Mapping[str, Any]) -> list[Rule]:
    return TypeAdapter[list[Rule]](list[Rule]).validate_python(configs)


def an_output(id: str, said: str, text: str, teacher: str = "one") -> Output:
    return Output(
        id=id,
        messages=[Message(role="user", content=said)],
        slice="all",
        group=id,
        teacher=teacher,
        sample=0,
        text=text,
        reasoning="",
        finish_reason="stop",
        error="",
    )


def share(right: Sequence[bool]) -> str:
    found = mean_interval([float(each) for each in right], range(len(right)))
    return f"{found.mean:6.1%} [{found.low:.1%}, {found.high:.1%}] of {len(right)}"


def print_filtered(name: str, wrong: Mapping[str, bool], sifted: Sifted) -> None:
    """What was dropped against what is wrong, and how much of what is kept is right."""
    dropped = {row["id"] for row in sifted.dropped}
    found = f1(list(wrong.values()), [id in dropped for id in wrong])
    right = share([not wrong[id] for id in wrong if id not in dropped])
    hits = f"precision {found.precision:6.1%}, recall {found.recall:6.1%}"
    print(f"{name:<32} {len(dropped):5} dropped, {hits}; right {right}")


def test_refusals() -> None:
    print(f"\n{'refusals':<22} {'rows':>5}  {'word list: P, R, F1':<24} {'signs, weighed: P, R, F1':<24}")
    for part in ("build", "measure"):
        rows = corpus(part)
        kinds = {part: rows} | {
            f"  {part}, {'English' if english else 'others'}": [
                row for row in rows if (row["language"] == "en") is english
            ]
            for english in (True, False)
        }
        for name, own in kinds.items():
            there = [row["refusal"] for row in own]
            before = f1(there, [bool(WORD_LIST.match(row["text"])) for row in own])
            after = f1(there, [refuses(row["text"]) for row in own])
            print(
                f"{name:<22} {len(own):>5}  "
                + "   ".join(" ".join(f"{each:6.1%}" for each in one) for one in (before, after))
            )
    if not DATA.is_dir():
        return
    for file in sorted((DATA / "instructions").glob("*.json")):
        texts = [row["response"] for row in json.loads(file.read_text(encoding="utf-8"))]
        before, after = sum(bool(WORD_LIST.match(text)) for text in texts), sum(map(refuses, texts))
        print(f"real answers in {file.stem}: {len(texts)}; taken for refusals: word list {before}, signs {after}")


@ABSENT
def test_commonsenseqa() -> None:
    lines = (DATA / "commonsenseqa" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    wrong = {row["id"]: not row["teacher_correct"] for row in rows}
    unreadable = {row["id"] for row in rows if row["teacher_label"] is None}
    outputs = [
        an_output(row["id"], f"{row['question']}\n{' / '.join(row['choices'])}", row["teacher_raw"].split("\n\n")[0])
        for row in rows
    ]
    print(f"\ncommonsenseqa: right {share([not each for each in wrong.values()])}; unreadable {len(unreadable)}")
    by_label = {"rule": "contradiction", "similarity": 0.7}
    labelled = [row | {"text": row["text"].rpartition("So the answer is ")[2][4:]} for row in outputs]
    for name, configs, given in (
        ("answered", [{"rule": "answered"}], outputs),
        ("unreadable", [READABLE], outputs),
        ("unexplained: not in its reasons", [READABLE, EXPLAINED], outputs),
        ("several fit by its own reasons", [READABLE, SINGLED_OUT], outputs),
        ("contradiction at 0.7", [by_label], labelled),
        ("near_duplicate", [{"rule": "near_duplicate"}], outputs),
        ("shape", [{"rule": "shape"}], outputs),
    ):
        sifted = sift(given, rules(*configs), {})  # type: ignore[arg-type]
        print_filtered(name, wrong, sifted)
        if name == "unreadable":
            found = {row["id"] for row in sifted.dropped}
            hit = len(found & unreadable)
            print(f"  of the {len(unreadable)} unreadable rows {hit} dropped, and {len(found) - hit} others")


@ABSENT
def test_banking77() -> None:
    folder = DATA / "banking77"
    labels = json.loads((folder / "categories.json").read_text(encoding="utf-8"))
    gold: dict[str, str] = {}
    outputs: list[Output] = []
    for teacher in TEACHERS:
        with (folder / f"direct_{teacher}.csv").open(encoding="utf-8") as file:
            answered = [row for row in csv.DictReader(file) if row["user_query"]]
        gold |= {str(at): row["gold_label"] for at, row in enumerate(answered)}
        outputs += [
            an_output(str(at), row["user_query"], row["prediction"], teacher) for at, row in enumerate(answered)
        ]
    valid = {"rule": "labels", "labels": labels}
    print("\nbanking77: what one teacher's labels are worth, and `labels`")
    for teacher in TEACHERS:
        own = [row for row in outputs if row["teacher"] == teacher]
        wrong = {row["id"]: row["text"] != gold[row["id"]] for row in own}
        sifted = sift(own, rules(valid), {})
        mended = sum(row["completion"] == gold[row["id"]] for row in sifted.kept if row["repaired"])
        repaired = sum(bool(row["repaired"]) for row in sifted.kept)
        invented = sum(row["text"] not in labels for row in own)
        print(f"{teacher}: {invented} of {len(own)} not in the set; {repaired} repaired, {mended} of them right")
        print_filtered("  as it came", wrong, Sifted([], []))
        after = wrong | {row["id"]: row["completion"] != gold[row["id"]] for row in sifted.kept}
        print_filtered("  labels", after, sifted)
    print("three teachers")
    for name, configs in {
        "two of three": [{"rule": "agreement"}],
        "labels, two of three": [valid, {"rule": "agreement"}],
        "three of three": [{"rule": "agreement", "at_least": 1.0}],
        "labels, three of three": [valid, {"rule": "agreement", "at_least": 1.0}],
    }.items():
        kept = sift(outputs, rules(*configs), {}).kept
        print(f"  {name:<24} right {share([row['completion'] == gold[row['id']] for row in kept])}")


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path))
    project = load_project(ROOT / "deployments" / "support.yaml")
    outputs: list[Output] = list(
        Store().read_rows(teach.fn(project.teach, sample.fn(project.sample).inputs, project.budget("bench")).outputs)
    )
    flaws: dict[str, str] = json.loads((ROOT / "tests" / "support_flaws.json").read_text(encoding="utf-8"))
    consistent = {"rule": "contradiction", "fields": ["intent", "action"]}
    print(f"\nthe example: {len(outputs)} rows, {len(flaws)} planted flaws; approved rows judged as any other")
    print_flaws("its own rules", flaws, sift(outputs, project.filter.rules, {}))
    for rule in ({"rule": "language"}, consistent, consistent | {"similarity": 0.7}, {"rule": "shape"}):
        print_flaws(f"the same and {rule}", flaws, sift(outputs, [*project.filter.rules[:-1], *rules(rule)], {}))
    approved = sift(outputs, project.filter.rules, read_gold(project.filter))
    print(f"with the approved answers: {len(approved.kept)} kept, {Counter(row['reason'] for row in approved.dropped)}")


def print_flaws(name: str, flaws: Mapping[str, str], sifted: Sifted) -> None:
    lost = {row["id"]: row["reason"] for row in sifted.dropped}
    mended = {row["id"] for row in sifted.kept if row["repaired"]}
    print(name)
    for kind in sorted(set(flaws.values())):
        planted = [id for id in flaws if flaws[id] == kind]
        reasons = Counter(lost.get(id, "repaired" if id in mended else "kept") for id in planted)
        caught = sum(count for reason, count in reasons.items() if reason != "kept")
        print(f"  {kind:<20} {len(planted):3} planted, recall {caught / len(planted):6.1%}: {dict(reasons)}")
    clean = Counter(reason for id, reason in lost.items() if id not in flaws and reason != "near_duplicate")
    judged = {id: reason for id, reason in lost.items() if reason != "near_duplicate"}
    correct = sum(id in flaws for id in judged)
    dropped = f"{len(judged)} dropped (repeats apart)"
    print(f"  precision {correct / len(judged):6.1%} of {dropped}; without a flaw: {dict(clean)}")
