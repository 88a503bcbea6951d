import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.rules import Candidate, Drop, Language
from tasks.rules.language import clear_language
from tests.tasks.toys import an_output

RULE = Language(rule="language")
ENGLISH = "Your parcel left us on Monday and should be with you by Thursday."
GERMAN = "Ihr Paket hat unser Lager am Montag verlassen und ist am Donnerstag bei Ihnen."
SPANISH = "Su paquete salió el lunes de nuestro almacén y llegará el jueves."
CHINESE = "您的包裹星期一已经寄出，预计星期四就会送到您家。"
ASKED = "Where is my parcel? It was sent last Monday and has not come."


def candidate(text: str, said: str = ASKED) -> Candidate:
    return Candidate(an_output("one", text, said), text, False)


def dropped(candidates: list[Candidate], rule: Language = RULE) -> list[str]:
    verdicts = zip(candidates, rule.judge(candidates), strict=True)
    return [each.text for each, verdict in verdicts if isinstance(verdict, Drop)]


@pytest.mark.parametrize("text", [GERMAN, SPANISH, CHINESE])
def test_an_answer_in_another_language_than_the_rest_and_its_question_is_dropped(text: str) -> None:
    rows = [candidate(ENGLISH)] * 20 + [candidate(text)]
    assert dropped(rows) == [text]
    verdict = list(RULE.judge(rows))[-1]
    assert isinstance(verdict, Drop)
    assert verdict.reason == "wrong_language"
    assert "not en" in verdict.evidence


def test_an_answer_in_the_language_of_its_question_is_kept() -> None:
    assert dropped([candidate(ENGLISH)] * 20 + [candidate(GERMAN, "Wo ist mein Paket? Es ist noch nicht da.")]) == []


def test_a_language_of_a_tenth_of_the_answers_is_usual() -> None:
    assert dropped([candidate(ENGLISH)] * 9 + [candidate(SPANISH)]) == []


def test_named_languages_are_the_only_ones() -> None:
    german = Language(rule="language", languages=["de"])
    assert dropped([candidate(ENGLISH), candidate(GERMAN)], german) == [ENGLISH]
    with pytest.raises(ValidationError):
        Language(rule="language", languages=["German"])
    with pytest.raises(ValidationError, match=r"languages: ge, xx is no language that can be told; there are .* de .*"):
        Language(rule="language", languages=["xx", "en", "ge"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "card_arrival",
        "Tack!",
        "42,50 €",
        "Jean-Baptiste Grenouille",
        '{"intent": "rueckgabe", "action": "ersatz"}',
        "```python\nfor zeile in datei:\n    ausgabe(zeile)\n```",
        "https://beispiel.example/eine/lange/adresse/mit/vielen/deutschen/worten",
        "\u202e" * 400,
        "\ud800" * 90,
    ],
)
def test_what_is_short_a_name_a_number_or_code_is_in_no_clear_language(text: str) -> None:
    assert clear_language(text) is None or dropped([candidate(ENGLISH)] * 20 + [candidate(text)]) == []


@pytest.mark.parametrize("reply", [GERMAN, SPANISH])
def test_in_an_object_the_texts_are_read(reply: str) -> None:
    text = f'{{"intent": "order_status", "reply": "{reply}"}}'
    assert dropped([candidate(ENGLISH)] * 20 + [candidate(text)]) == [text]


@settings(deadline=None, max_examples=30)
@given(texts=st.lists(st.text(max_size=80) | st.sampled_from([ENGLISH, GERMAN]), max_size=6))
def test_every_candidate_gets_one_verdict(texts: list[str]) -> None:
    assert len(list(RULE.judge([candidate(text) for text in texts]))) == len(texts)
