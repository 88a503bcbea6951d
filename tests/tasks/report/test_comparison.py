import re

import pytest

from tasks.report import render_comparison
from tasks.report.comparison import pair
from tests.tasks.report.runs import difference, estimate, evidence
from tests.tasks.report.test_page import CONTROLS, SCRIPT, Page


def test_two_versions_stand_side_by_side_with_what_changed() -> None:
    first = evidence(version=1, verdict="reject", config={"train": {"epochs": 1, "seed": 1}})
    second = evidence(version=2, config={"train": {"epochs": 3, "seed": 1}})
    source = render_comparison(first, second)
    said = " ".join(re.sub(r"<[^>]+>", " ", source).split())
    assert "Version 1 beside version 2" in said
    assert "Version 1: reject" in said
    assert "train.epochs 1 3" in said
    assert "train.seed" not in said
    assert "Every artefact is the same." in said


def test_a_change_has_an_interval_and_none_where_one_version_lacks_it() -> None:
    first, second = evidence(), evidence()
    [_, _, apart] = pair(first, second, "holdout", "intent", "all")
    assert apart
    assert apart.mean == 0
    assert apart.high == pytest.approx(0.1 * 2**0.5)
    assert apart.low == pytest.approx(-0.1 * 2**0.5)
    assert pair(first, second, "holdout", "not measured", "all") == (None, None, None)


def test_a_change_that_is_known_row_by_row_is_shown_as_it_is() -> None:
    known = difference(estimate("version 2", 0.02), "version 1")
    said = render_comparison(evidence(version=1), evidence(version=2), [known])
    assert "row by row on the rows that both answered" in said
    assert "+2 [0, +12]" in said
    assert "+2 [0, +12]" not in render_comparison(evidence(version=1), evidence(version=2))


def test_hostile_texts_stand_as_texts_there_too() -> None:
    plain = Page(render_comparison(evidence(), evidence(name="other")))
    source = render_comparison(evidence(), evidence(SCRIPT, SCRIPT))
    assert Page(source).count("script") == plain.count("script") == 0
    assert not {"\x00", "\u202e"} & set(render_comparison(evidence(), evidence(CONTROLS, CONTROLS)))


def test_the_same_two_versions_give_the_same_page() -> None:
    assert render_comparison(evidence(), evidence(version=4)) == render_comparison(evidence(), evidence(version=4))
