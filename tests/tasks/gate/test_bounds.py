import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tasks.evidence import Difference, Estimate
from tasks.gate.bounds import at_confidence, corrected, failed_as_one
from tests.tasks.gate.figures import difference, estimate

HIGHER = [0.96, 0.99, 0.999, 0.9999]


def wilson(ones: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    found = binomtest(ones, n).proportion_ci(confidence_level=confidence, method="wilson")
    return float(found.low), float(found.high)


def of_rows(ones: int, n: int, system: str = "student") -> Estimate:
    return estimate(*wilson(ones, n), mean=ones / n, n=n, system=system)


@pytest.mark.parametrize("confidence", HIGHER)
@pytest.mark.parametrize(("ones", "n"), [(0, 20), (1, 20), (10, 20), (20, 20), (399, 400), (90, 142)])
def test_an_estimate_at_another_confidence_is_wilsons_from_the_rows(ones: int, n: int, confidence: float) -> None:
    found = at_confidence(of_rows(ones, n), None, confidence)
    assert (found.low, found.high) == pytest.approx(wilson(ones, n, confidence), abs=1e-6)


def test_at_95_nothing_is_moved() -> None:
    seen = estimate(0.123456, 0.654321)
    found = at_confidence(seen, None, 0.95)
    assert (found.mean, found.low, found.high) == (seen.mean, seen.low, seen.high)


@given(ones=st.integers(0, 50), other=st.integers(0, 50), confidence=st.sampled_from(HIGHER))
def test_a_higher_confidence_is_never_narrower_and_stays_on_the_scale(ones: int, other: int, confidence: float) -> None:
    first, second = of_rows(ones, 50), of_rows(other, 50, "base")
    mean = first.mean - second.mean
    low, high = max(-1.0, first.low - second.high), min(1.0, first.high - second.low)
    seen = difference(low, high, mean=mean)
    for compared in (None, (first, second)):
        found = at_confidence(seen, compared, confidence)
        assert -1 <= found.low <= seen.low <= seen.mean <= seen.high <= found.high <= 1
    own = at_confidence(first, None, confidence)
    assert 0 <= own.low <= first.low <= first.high <= own.high <= 1


def newcombe(first: tuple[int, int], second: tuple[int, int], confidence: float) -> Difference:
    """Newcombe's interval for a difference of independent shares (1998, method 10 of unpaired data)."""
    (one, one_n), (two, two_n) = first, second
    (low, high), (other_low, other_high) = wilson(one, one_n, confidence), wilson(two, two_n, confidence)
    p, q = one / one_n, two / two_n
    below = ((p - low) ** 2 + (other_high - q) ** 2) ** 0.5
    above = ((high - p) ** 2 + (q - other_low) ** 2) ** 0.5
    return difference(p - q - below, p - q + above, mean=p - q)


@pytest.mark.parametrize("confidence", HIGHER)
@pytest.mark.parametrize(("ones", "other"), [(30, 20), (40, 40), (40, 0), (39, 38), (20, 30)])
def test_a_difference_at_another_confidence_is_newcombes_from_the_rows(
    ones: int, other: int, confidence: float
) -> None:
    stated, wanted = newcombe((ones, 40), (other, 40), 0.95), newcombe((ones, 40), (other, 40), confidence)
    found = at_confidence(stated, (of_rows(ones, 40), of_rows(other, 40, "base")), confidence)
    assert (found.low, found.high) == pytest.approx((max(-1, wanted.low), min(1, wanted.high)), abs=1e-6)


@pytest.mark.parametrize(("ones", "failed"), [(0, 10), (5, 0), (5, 10), (0, 100), (50, 50)])
def test_failed_rows_count_as_if_they_had_scored_one(ones: int, failed: int) -> None:
    seen = failed_as_one(of_rows(ones, 100).model_copy(update={"failed": failed}))
    wanted = wilson(ones + failed, 100)
    assert seen.mean == pytest.approx((ones + failed) / 100)
    assert (seen.low, seen.high) == pytest.approx(wanted, abs=1e-6)


@given(looks=st.integers(1, 500), confidence=st.sampled_from([0.95, *HIGHER]))
def test_looks_that_are_corrected_err_no_more_often_together(looks: int, confidence: float) -> None:
    assert looks * (1 - corrected(confidence, looks)) == pytest.approx(1 - confidence)
