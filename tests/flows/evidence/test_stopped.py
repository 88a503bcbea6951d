from pathlib import Path

import pytest

from flows.evidence.gathering import STAGES
from flows.evidence.runs import run_folder
from flows.evidence.stopped import explained
from tasks.errors import StageFailed
from tasks.evidence import StageRecord

DONE = [StageRecord(stage=stage, version="1", rows_in=1, outcomes={}, seconds=0, made={}) for stage in STAGES]


@pytest.mark.parametrize(
    ("error", "finished", "said"),
    [
        (StageFailed("filter: nothing is left"), DONE[:2], "Stopped in filter: no student was judged."),
        (ZeroDivisionError("by zero"), DONE[:5], "Stopped in evaluate: no student was judged."),
        (OSError("No space left"), DONE, "Stopped after promote: what becomes of the student is not settled."),
    ],
)
def test_whatever_ends_a_run_leaves_its_page_and_is_raised_on(
    store_root: Path, error: Exception, finished: list[StageRecord], said: str
) -> None:
    with pytest.raises(type(error), match=str(error)), explained("small", finished):
        raise error
    page = (run_folder("small") / "report.html").read_text()
    assert said in page
    assert str(error) in page


def test_a_run_that_a_person_stops_leaves_no_page(store_root: Path) -> None:
    with pytest.raises(KeyboardInterrupt), explained("small", DONE[:2]):
        raise KeyboardInterrupt
    assert not (store_root / "runs").exists()
