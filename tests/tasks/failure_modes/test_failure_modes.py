from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.evidence import FailureMode
from tasks.failure_modes import COMPARED, MEASURED, OTHERS, FailureModes, examine, measured
from tasks.failure_modes.forgetting import suite
from tasks.models import Answer, Answered, Budget, Hand, Local, Request
from tasks.rows import Kept, Scored
from tasks.systems import System, Systems
from tests.tasks.failure_modes.students import SCORERS, right, rows, scored_as, teacher, wrong

PARTS = {"holdout": rows(40, "held"), "unseen": rows(20, "new")}
TRAINED = rows(40, "train")
MODES = set(FailureModes.model_fields)


class Toy:
    """Says one thing to everything, and remembers what it was asked, a list a call."""

    def __init__(self, name: str) -> None:
        self.name, self.calls = name, list[list[Request]]()

    def identity(self) -> dict[str, Any]:
        return {"provider": "toy", "name": self.name}

    def answer(self, requests: Sequence[Request]) -> Iterator[list[Answered]]:
        self.calls.append(list(requests))
        yield [Answered(at, Answer(text='{"intent": "refund", "reply": "Fern"}')) for at in range(len(requests))]


def systems(student: Any, base: Any) -> Systems:
    models = [System("base", base, "Answer as we do.", 80), System("student", student, "Answer.", 80)]
    return Systems(models, SCORERS, Hand("evaluate", Budget(project="toys", run="one")))


def scored() -> list[Scored]:
    says = {"teacher": teacher, "base": wrong, "student": right}
    return [
        scored_as(system, row, part, say(row))
        for system, say in says.items()
        for part, own in PARTS.items()
        for row in own
    ]


def examined(asked: Systems, modes: FailureModes | None = None, trained: Sequence[Kept] = TRAINED) -> list[FailureMode]:
    return examine(modes or FailureModes(), asked, trained, PARTS["holdout"], PARTS["unseen"], scored())


def test_every_mode_gives_one_record_and_null_turns_one_off() -> None:
    found = examined(systems(Toy("student"), Toy("base")))
    assert Counter(each.mode for each in found) == Counter(MODES)
    off = FailureModes.model_validate(dict.fromkeys(MODES - {"copying"}))
    assert [each.mode for each in examined(systems(Toy("student"), Toy("base")), off)] == ["copying"]


def test_a_system_is_asked_once_instructed_and_once_not() -> None:
    student, base = Toy("student"), Toy("base")
    examined(systems(student, base))
    assert [len(call) for call in student.calls] == [40 + 40, len(suite())]
    assert [len(call) for call in base.calls] == [len(suite())]
    assert {(each.messages[0]["role"], each.max_output_tokens) for each in student.calls[0]} == {("system", 80)}
    assert {(each.messages[0]["role"], each.max_output_tokens) for each in base.calls[0]} == {("user", 32)}


def test_a_second_look_asks_nothing() -> None:
    examined(systems(Toy("student"), Toy("base")))
    asked = systems(Toy("student"), Toy("base"))
    examined(asked)
    assert asked.asked == 0


def test_without_rows_nothing_is_asked_and_nothing_fires() -> None:
    asked = systems(Toy("student"), Toy("base"))
    found = examine(FailureModes(forgetting=None), asked, [], [], [], [])
    assert {(each.fires, each.measured) for each in found} == {("no", False)}
    assert asked.asked == 0


def test_where_only_judges_score_what_takes_a_scorer_is_not_measured_and_asks_nothing(tiny_llama: Path) -> None:
    local = Local.model_validate({"provider": "local", "weights": str(tiny_llama)})
    asked = Systems(list(systems(local, local)), [], Hand("evaluate", Budget(project="toys", run="one")))
    answers: list[Scored] = [each | {"scores": {}} for each in scored()]
    modes = examine(FailureModes(forgetting=None), asked, TRAINED, PARTS["holdout"], PARTS["unseen"], answers)
    found = {each.mode: each for each in modes}
    for mode in ("overfitting", "unseen", "robustness", "calibration"):
        assert (found[mode].fires, found[mode].measured) == ("no", False)
        assert "a scorer that is no judge" in found[mode].words
    assert found["collapse"].measured
    assert asked.asked == 0


def test_a_metric_stands_once_for_each_system_part_and_slice(tiny_llama: Path) -> None:
    local = Local.model_validate({"provider": "local", "weights": str(tiny_llama)})
    found = examined(systems(local, local), FailureModes(forgetting=None))
    keys = Counter(
        (each.system, each.metric, each.part, each.slice, getattr(each, "versus", ""))
        for mode in found
        for each in [*mode.estimates, *mode.differences]
    )
    assert max(keys.values()) == 1
    for mode in found:
        if mode.measured and mode.mode != "unseen":
            first = mode.estimates[0]
            assert first.metric == mode.mode
            assert (mode.fires == "yes") == (first.low > mode.threshold)
    assert next(each for each in found if each.mode == "perplexity").estimates[0].mean == pytest.approx(1)


def test_what_a_mode_measures_is_what_rules_of_the_gate_may_name(tiny_llama: Path) -> None:
    local = Local.model_validate({"provider": "local", "weights": str(tiny_llama)})
    for mode in examined(systems(local, local)):
        found: dict[str, set[str]] = {}
        for each in [*mode.estimates, *mode.differences]:
            found.setdefault(each.part, set()).add(each.metric)
        assert found == MEASURED[mode.mode]
        for each in mode.estimates:
            assert each.system in {"student"} | OTHERS.get(each.metric, set())
        for each in mode.differences:
            assert each.versus in COMPARED[each.metric]
    left = measured(FailureModes(unseen=None, copying=None))
    assert left["holdout"] == {"agreement", "calibration", "brier", "confidence"}
    assert measured(FailureModes.model_validate(dict.fromkeys(MODES))) == {}


def test_what_is_read_from_weights_is_the_same_whoever_answers(tiny_llama: Path) -> None:
    local = Local.model_validate({"provider": "local", "weights": str(tiny_llama)})
    served = systems(Toy("student"), local)
    served.put(served["student"]._replace(served=local))
    found = {each.mode: each for each in examined(served)}
    for mode in ("forgetting", "perplexity", "calibration"):
        assert found[mode].measured, mode
    alone = {each.mode: each for each in examined(systems(Toy("student"), local))}
    assert not alone["perplexity"].measured
    known = [each for each in found["forgetting"].differences if each.metric == "known"]
    assert {each.mean for each in known} == {0.0}, "it is its own base"


def test_without_a_base_what_compares_with_it_is_not_measured() -> None:
    hand = Hand("evaluate", Budget(project="toys", run="one"))
    alone = Systems([System("student", Toy("student"), "Answer.", 80)], SCORERS, hand)
    answers = [each for each in scored() if each["system"] != "base"]
    modes = examine(FailureModes(), alone, TRAINED, PARTS["holdout"], PARTS["unseen"], answers)
    found = {each.mode: each for each in modes}
    for mode in ("forgetting", "perplexity", "unseen"):
        assert (found[mode].fires, found[mode].measured) == ("no", False)
        assert "train.base names none" in found[mode].words


def test_evidence_written_before_measured_was_known_still_loads() -> None:
    assert FailureMode.model_validate({"mode": "copying", "fires": "no", "words": "", "threshold": 0.1}).measured


@pytest.mark.parametrize("config", [{"copying": {"threshold": 2}}, {"copying": {"limit": 1}}, {"smells": None}])
def test_what_no_mode_knows_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FailureModes.model_validate(config)
