import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tasks.judges import Level, Pairwise, Rubric, Unreadable, called
from tasks.judges.judge import TRIES
from tasks.models import Answer, AnyModel, Ledger, Local, ModelWeights, Recorded, Request
from tests.tasks.judges.toys import DIMENSIONS, Say, ToyJudge, case, hand, levels, pair

GOOD = {"accuracy": Level(4, "accuracy is so"), "style": Level(5, "style is so")}


def rubric(model: object) -> Rubric:
    return Rubric.model_construct(model=model, instruction=None, max_output_tokens=99, dimensions=DIMENSIONS)


def after(tries: int) -> Say:
    """Prose so many times, then a verdict."""
    return lambda request: levels(4) if request.sample % TRIES >= tries else f"Hm. ({request.sample})"


@pytest.mark.parametrize("unread", range(TRIES))
def test_a_verdict_that_cannot_be_read_is_asked_for_again(unread: int) -> None:
    judge = ToyJudge(after(unread))
    assert rubric(judge).judge(hand(), [case("x"), case("y")]) == [GOOD, GOOD]
    assert Counter(request.sample for request in judge.asked) == dict.fromkeys(range(unread + 1), 2)


def test_it_is_asked_for_so_often_and_then_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "stillhouse")
    judge = ToyJudge(after(TRIES))
    [said] = rubric(judge).judge(hand(), [case("x")])
    assert said == Unreadable("not one JSON object alone", f"Hm. ({TRIES - 1})")
    assert len(judge.asked) == TRIES
    assert caplog.messages == ["filter: 1 verdicts could not be read and are asked for again"] * (TRIES - 1)


def test_only_what_could_not_be_read_is_asked_again_and_each_verdict_finds_its_answer() -> None:
    def say(request: Request) -> str:
        text = request.messages[-1]["content"]
        number = int(text.partition("number ")[2].partition(" ")[0])
        return "no" if number % 3 == 0 and request.sample == 0 else levels(1 + number % 5)

    judge = ToyJudge(say)
    said = rubric(judge).judge(hand(), [case(f"number {number} ", f"row-{number}") for number in range(60)])
    assert [each["accuracy"].level for each in said if isinstance(each, dict)] == [1 + at % 5 for at in range(60)]
    assert Counter(request.sample for request in judge.asked) == {0: 60, 1: 20}


def test_nothing_is_asked_twice_and_another_sample_asks_anew() -> None:
    judge = ToyJudge(after(1))
    first = rubric(judge).judge(hand(), [case("x")])
    assert rubric(judge).judge(hand(), [case("x")]) == first
    assert len(judge.asked) == 2
    assert rubric(judge).judge(hand(), [case("x")], sample=1) == first
    assert [request.sample for request in judge.asked] == [0, 1, TRIES, TRIES + 1]


def test_where_no_answer_came_none_is_asked_for_again_but_by_the_next_run() -> None:
    failing = ToyJudge(lambda _: Answer(error="timed_out: nobody there"))
    [said] = rubric(failing).judge(hand(), [case("x")])
    assert said == Unreadable("timed_out: nobody there", failed=True)
    assert len(failing.asked) == 1
    assert rubric(ToyJudge(after(0))).judge(hand(), [case("x")]) == [GOOD]


def test_a_local_judge_says_the_same_again_and_is_asked_once(tiny_llama: Path) -> None:
    model = {"provider": "local", "weights": str(tiny_llama)}
    judge = Rubric.model_validate({"model": model, "dimensions": DIMENSIONS[:1], "max_output_tokens": 5})
    [said] = judge.judge(hand(), [case("x")])
    assert isinstance(said, Unreadable)
    assert not said.failed
    assert len(list(Ledger().lines())) == 1
    assert not judge.judges_anew(case("x"), sample=1)


def replayed(folder: Path) -> Recorded:
    """What the ledger holds of a toy that goes by the name of a recorded model."""
    (folder / "answers.jsonl").write_text("\n".join(Ledger().lines()))
    return Recorded.model_validate({"provider": "recorded", "answers": "answers.jsonl"}, context={"folder": folder})


class Known(ToyJudge):
    def identity(self) -> dict[str, str]:
        return {"provider": "recorded", "model": "recorded"}


def test_recorded_verdicts_are_replayed_as_they_were_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [case("mends", "mends"), case("stays", "stays")]
    tries = {"mends": after(1), "stays": after(TRIES)}
    judge = Known(lambda request: tries["mends" if "mends" in request.messages[-1]["content"] else "stays"](request))
    asked = rubric(judge).judge(hand(), cases)
    assert [isinstance(each, Unreadable) for each in asked] == [False, True]
    recorded = replayed(tmp_path)
    monkeypatch.setenv("STILLHOUSE_LEDGER", str(tmp_path / "another.sqlite"))
    assert rubric(recorded).judge(hand(), cases) == asked


def test_a_file_without_a_second_try_leaves_the_first_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Known(lambda request: Answer(error="gone") if request.sample else "Hm.")
    rubric(judge).judge(hand(), [case("x")])
    recorded = replayed(tmp_path)
    monkeypatch.setenv("STILLHOUSE_LEDGER", str(tmp_path / "another.sqlite"))
    assert rubric(recorded).judge(hand(), [case("x")]) == [Unreadable("not one JSON object alone", "Hm.")]


def test_a_judge_is_shown_the_instruction_and_no_row_shares_its_mark(tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("Answer as a shop.")
    judge = ToyJudge(after(0))
    told = Rubric.model_validate(
        {"model": {"provider": "openai", "model": "gpt-5"}, "instruction": "prompt.md"}, context={"folder": tmp_path}
    )
    rubric(judge).judge(hand(), [case("x")])
    told.model_copy(update={"model": judge, "dimensions": DIMENSIONS}).judge(hand(), [case("x"), case("y")])
    plain, first, second = [request.messages for request in judge.asked]
    assert "Answer as a shop." in first[0]["content"]
    assert "Answer as a shop." not in plain[0]["content"]
    assert first[0] == second[0]
    assert first[1]["content"].split()[3] != second[1]["content"].split()[3]


def test_what_judges_cannot_be_is_said_when_they_are_read() -> None:
    service = {"provider": "openai", "model": "gpt-5"}
    twice = [{"name": "style", "question": "?", "levels": ["a", "b"]}] * 2
    for wrong in ({"dimensions": []}, {"dimensions": twice}, {"dimensions": [{**twice[0], "levels": ["a"]}]}):
        with pytest.raises(ValueError, match="dimensions"):
            Rubric.model_validate({"model": service, **wrong})
    with pytest.raises(ValueError, match="question"):
        Pairwise.model_validate({"model": service, "question": ""})
    assert [each.name for each in Rubric.model_validate({"model": service}).dimensions] == [
        "accuracy",
        "style",
        "format",
        "edge_cases",
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("gpt-5-mini", "GPT-5-mini-2025-08-07", True),
        ("openai/gpt-5-mini", "gpt-5-mini", True),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5@20250929", True),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-latest", True),
        ("gpt-5", "gpt-5-mini", False),
        ("gpt-4o", "gpt-4.1", False),
    ],
)
def test_a_model_is_known_by_its_name_whoever_serves_it(one: str, other: str, same: bool) -> None:
    models = TypeAdapter[list[AnyModel]](list[AnyModel]).validate_python(
        [{"provider": "openai", "model": one}, {"provider": "anthropic", "model": other}]
    )
    assert (called(models[0]) == called(models[1])) == same


def test_local_weights_are_known_by_their_reference() -> None:
    weights = ModelWeights(reference="owner/Small@abc", fingerprint="f")
    assert called(Local(provider="local", weights=weights)) == "small"


def test_a_preference_is_asked_for_in_both_orders() -> None:
    judge = ToyJudge(lambda _: json.dumps({"reason": "so", "better": "A"}))
    model = Pairwise.model_construct(model=judge, instruction=None, max_output_tokens=99, question="Which?")
    model.compare(hand(), [pair("first", "second")])
    shown = [request.messages[-1]["content"] for request in judge.asked]
    assert [text.index("first") < text.index("second") for text in shown] == [True, False]
