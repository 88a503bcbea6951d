import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from tasks.scorers import NO_LABEL, Labels

OPEN = Labels(scorer="labels")
CLOSED = Labels(scorer="labels", labels=["status", "warranty"])
FIELD = Labels(scorer="labels", field="intent", labels=["status", "true", "1"])


@pytest.mark.parametrize("text", ["status", " status\n"])
def test_the_label_is_the_whole_answer_without_white_space_around_it(text: str) -> None:
    assert CLOSED.score(text, "status") == (1.0, "")
    assert CLOSED.label(text) == "status"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("warranty", "'warranty', not 'status'"),
        ("Status", "'Status' is none of the 2 labels"),
        ("The label is status.", "'The label is status.' is none of the 2 labels"),
        ("", "no label"),
    ],
)
def test_anything_else_is_wrong_and_what_is_no_label_is_named_so(text: str, seen: str) -> None:
    assert CLOSED.score(text, "status") == (0.0, seen)


def test_without_a_set_any_text_is_a_label() -> None:
    assert OPEN.label("The label is status.") == "The label is status."
    assert OPEN.score("Status", "status") == (0.0, "'Status', not 'status'")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"intent": "status"}', "status"),
        ('{"intent": true}', "true"),
        ('{"intent": 1}', "1"),
        ('{"intent": "other"}', NO_LABEL),
        ('{"intent": null}', NO_LABEL),
        ('{"intent": ["status"]}', NO_LABEL),
        ("status", NO_LABEL),
    ],
)
def test_a_field_holds_the_label_be_it_a_number_or_a_truth_value(text: str, label: str) -> None:
    assert FIELD.label(text) == label


@pytest.mark.parametrize("reference", ["", "other"])
def test_no_answer_matches_a_reference_without_a_label(reference: str) -> None:
    assert CLOSED.score(reference, reference) == (0.0, f"the reference has no label: {reference!r}")


@given(
    st.lists(st.tuples(st.sampled_from(["status", "warranty"]), st.sampled_from(["status", "warranty"])), min_size=1)
)
def test_the_mean_is_the_accuracy_that_sklearn_gives(both: list[tuple[str, str]]) -> None:
    texts, references = zip(*both, strict=True)
    values = [CLOSED.score(text, reference).value for text, reference in both]
    assert sum(values) / len(values) == pytest.approx(accuracy_score(references, texts))
