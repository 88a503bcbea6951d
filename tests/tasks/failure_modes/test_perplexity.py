import pytest

from tasks.failure_modes.perplexity import Perplexity, paragraphs, perplexity_ratio

MODE = Perplexity()
BASE = [3.0 + 0.01 * (at % 7) for at in range(60)]


def worse_by(nats: float) -> list[float]:
    return [each + nats + 0.02 * (at % 5 - 2) for at, each in enumerate(BASE)]


def test_it_fires_on_a_student_to_whom_prose_is_strange() -> None:
    assert MODE.judge(worse_by(3.0), BASE).fires == "yes"


def test_it_is_quiet_on_a_student_that_still_reads() -> None:
    assert MODE.judge(BASE, BASE).fires == "no"
    assert MODE.judge(worse_by(0.3), BASE).fires == "no"
    assert MODE.judge(worse_by(-0.3), BASE).fires == "no"


def test_the_ratio_of_twice_the_perplexity_is_two() -> None:
    assert perplexity_ratio([each + 0.6931 for each in BASE], BASE).mean == pytest.approx(2, abs=1e-3)


def test_its_interval_holds_the_ratio_and_turns_over_with_the_systems() -> None:
    one, other = perplexity_ratio(worse_by(0.5), BASE), perplexity_ratio(BASE, worse_by(0.5))
    assert one.low < one.mean < one.high
    assert (1 / other.high, 1 / other.mean, 1 / other.low) == pytest.approx((one.low, one.mean, one.high))


def test_the_prose_is_sixty_paragraphs_on_as_many_things() -> None:
    assert len(paragraphs()) == len(set(paragraphs())) == 60
    assert all(30 <= len(each.split()) <= 80 for each in paragraphs())
