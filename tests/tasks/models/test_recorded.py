import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.errors import NotRecorded, ProjectError
from tasks.models import Answer, Ledger, Recorded, Request, ask, recorded_line, request_key
from tasks.progress import Progress
from tasks.rows import Message

IDENTITY = {"provider": "recorded", "model": "recorded"}


def request(text: str) -> Request:
    return Request(messages=[Message(role="user", content=text)], max_output_tokens=20)


def recorded(folder: Path, lines: list[str]) -> Recorded:
    (folder / "answers.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return Recorded.model_validate({"provider": "recorded", "answers": "answers.jsonl"}, context={"folder": folder})


def line(text: str) -> str:
    return recorded_line(request_key(IDENTITY, request(text)), Answer(text=text.upper()))


def texts(model: Recorded, requests: list[Request]) -> list[str]:
    answered = [each for batch in model.answer(requests) for each in batch]
    return [each.answer.text for each in sorted(answered, key=lambda each: each.position)]


def test_what_the_ledger_exports_is_answered_as_it_was(tmp_path: Path) -> None:
    asked = [request(f"{number} ☂\n\u2028") for number in range(70)]
    answers = [Answer(text=f"– {number}\n", finish_reason="stop", model="toy", seconds=0.25) for number in range(70)]
    Ledger().record("recorded", [(request_key(IDENTITY, ask), give) for ask, give in zip(asked, answers, strict=True)])
    model = recorded(tmp_path, list(Ledger().lines()))
    answered = [each for batch in model.answer(asked) for each in batch]
    assert [answers[each.position] for each in answered] == [each.answer for each in answered]
    assert sorted(each.position for each in answered) == list(range(70))


def test_the_order_of_the_file_does_not_matter(tmp_path: Path) -> None:
    wanted = ["b", "a", "c"]
    for lines in ([line(text) for text in "abc"], [line(text) for text in "cba"]):
        assert texts(recorded(tmp_path, lines), [request(text) for text in wanted]) == ["B", "A", "C"]


def test_another_model_name_is_another_model(tmp_path: Path) -> None:
    model = recorded(tmp_path, [line("a")]).model_copy(update={"model": "somebody else"})
    with pytest.raises(NotRecorded):
        model.check([request("a")])


def test_a_request_without_an_answer_is_named_before_any_is_answered(tmp_path: Path) -> None:
    model = recorded(tmp_path, [line("a")])
    with pytest.raises(NotRecorded, match=r"answers\.jsonl: no recorded answer for request 2 \(1 of 2 have none\)"):
        next(iter(model.answer([request("a"), request("b")])))
    with pytest.raises(NotRecorded, match="row 's-2'"):
        model.check([request("a"), request("b")], ["row 's-1'", "row 's-2'"])


def test_an_answer_recorded_twice_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"answers\.jsonl, line 2: field `key`: .* is recorded twice"):
        recorded(tmp_path, [line("a"), line("a")]).check([request("a")])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"key": "short"}, "field `key`"),
        ({"text": None}, "field `text`"),
        ({"reasoning": "hm"}, "field `reasoning`: unknown key"),
    ],
)
def test_a_line_that_does_not_fit_is_an_error_that_names_line_and_field(
    tmp_path: Path, change: dict[str, object], problem: str
) -> None:
    wrong = json.dumps(json.loads(line("b")) | change)
    with pytest.raises(ProjectError, match="line 2") as raised:
        recorded(tmp_path, [line("a"), wrong]).check([request("a")])
    assert problem in str(raised.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no such file"):
        Recorded.model_validate({"provider": "recorded", "answers": "none.jsonl"}, context={"folder": tmp_path})


def test_an_edited_recording_wins_over_what_the_ledger_kept(tmp_path: Path) -> None:
    asked = [request("one"), request("two")]
    before = recorded(tmp_path, [line("one"), line("two")])
    assert ask(before, asked, Ledger(), Progress("toy", 2)).asked == 2
    edited = recorded_line(request_key(IDENTITY, asked[1]), Answer(text="mended"))
    after = recorded(tmp_path, [line("one"), edited])
    given = ask(after, asked, Ledger(), Progress("toy", 2))
    assert ([answer.text for answer in given.answers], given.asked) == (["ONE", "mended"], 1)
    assert ask(after, asked, Ledger(), Progress("toy", 2)).asked == 0


def test_a_recording_that_changes_under_way_is_refused(tmp_path: Path) -> None:
    model = recorded(tmp_path, [line("one")])
    (tmp_path / "answers.jsonl").write_text(line("two"), encoding="utf-8")
    with pytest.raises(ProjectError, match="changed while the run was under way"):
        texts(model, [request("one")])
