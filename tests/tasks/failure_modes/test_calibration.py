import math
import random
from itertools import pairwise
from pathlib import Path

import pytest

from tasks.failure_modes.calibration import Calibration, Sure, bins, calibration_error
from tasks.models import Local
from tasks.models.recorded import Recorded
from tasks.systems import System
from tests.tasks.failure_modes.students import right, shown

MODE = Calibration(threshold=0.3)


def drawn(rows: int, right_by: float, seed: int = 0) -> list[Sure]:
    """Answers of which the student is sure by all sorts of degrees, and right that much oftener or less often."""
    lot = random.Random(seed)
    sure = [lot.uniform(0.4, 0.99) for _ in range(rows)]
    return [
        Sure(each, float(lot.random() < min(1.0, max(0.0, each + right_by))), str(at)) for at, each in enumerate(sure)
    ]


def test_it_fires_on_a_student_that_is_sure_and_wrong() -> None:
    assert MODE.judge(drawn(200, -0.7)).fires == "yes"


def test_without_a_threshold_it_is_reported_and_never_fires() -> None:
    found = Calibration().judge(drawn(200, -0.7))
    assert (found.fires, found.measured) == ("no", True)
    assert "reported alone" in found.words


def test_it_is_quiet_on_a_student_that_is_as_sure_as_it_is_right() -> None:
    assert [MODE.judge(drawn(150, 0.0, seed)).fires for seed in range(20)] == ["no"] * 20


def test_the_error_of_a_calibrated_student_is_near_nought() -> None:
    assert max(calibration_error(drawn(200, 0.0, seed)).low for seed in range(40)) < 0.08


def test_the_error_is_the_weighted_mean_of_the_bins_gaps() -> None:
    sure = [Sure(0.9, 1.0, "a")] * 20 + [Sure(0.6, 0.0, "b")] * 20
    assert calibration_error(sure).mean == pytest.approx((0.1 + 0.6) / 2)


def test_every_answer_stands_in_one_bin_and_bins_rise() -> None:
    sure = drawn(137, 0.0)
    table = bins(sure)
    assert sorted(each for own in table for each in own) == sorted(sure)
    assert all(one[-1].confidence <= two[0].confidence for one, two in pairwise(table))
    assert max(map(len, table)) - min(map(len, table)) <= 1


def test_interval_holds_the_error_and_lies_in_bounds() -> None:
    for seed in range(10):
        found = calibration_error(drawn(60, -0.3, seed))
        assert 0 <= found.low <= found.mean <= found.high <= 1


def test_related_rows_make_the_interval_wider() -> None:
    one = drawn(60, -0.2)
    apart = calibration_error([each._replace(group=f"{at}-{copy}") for copy in range(5) for at, each in enumerate(one)])
    together = calibration_error(one * 5)
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_it_is_measured_on_the_weights_of_a_local_student(tiny_llama: Path) -> None:
    student = Local.model_validate({"provider": "local", "weights": str(tiny_llama)})
    found = MODE.examine(shown(right, held=40), System("student", student, "Answer.", 40))
    assert found.measured
    assert found.estimates[2].mean < 0.1, "weights at random are sure of nothing"
    assert math.isfinite(found.estimates[0].mean)
    assert len(found.examples) == 2


def test_a_student_without_weights_here_and_few_rows_are_not_measured(tmp_path: Path, tiny_llama: Path) -> None:
    (tmp_path / "answers.jsonl").write_text("")
    served = Recorded.model_validate({"provider": "recorded", "answers": str(tmp_path / "answers.jsonl")})
    assert "not on this machine" in MODE.examine(shown(right), System("student", served, "", 40)).words
    local = Local.model_validate({"provider": "local", "weights": str(tiny_llama)})
    assert not MODE.examine(shown(right, held=20), System("student", local, "", 40)).measured
