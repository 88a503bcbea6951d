"""Judges that others asked, by our figures and by those that were published; and malformed verdicts, read.

pytest tests/benchmarks/test_judging.py -s
"""

import time

import pytest

from tasks.judges import Unreadable, agreement, alarm, read_preference, reliability
from tasks.models import Answer
from tasks.statistics import Interval
from tests.benchmarks.recorded_verdicts import DATA, JUDGES, SETS, recorded, share
from tests.tasks.judges.malformed import PREFERENCES, SCORES, in_all_ways
from tests.tasks.judges.test_reading import RUBRIC


def shown(found: Interval) -> str:
    return f"{found.mean:.1%} [{found.low:.1%}, {found.high:.1%}]"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("judge", JUDGES)
def test_recorded_judges(name: str, judge: str) -> None:
    found = recorded(name, judge)
    measured, published = reliability(found.compared, found.gold), found.published
    assert measured.with_gold is not None
    print(f"\n{judge} on {name}, {len(found.gold)} pairs, {measured.unreadable} unreadable; ours | published")
    average = float(published["correct_average"].removesuffix("%")) / 100
    print(f"  agreement with gold      {shown(measured.with_gold.observed)} | {average:.1%}")
    print(f"  in both orders alike     {shown(measured.across_orders.observed)} | {share(published['equal']):.1%}")
    print(f"  kappa across orders      {measured.across_orders.kappa:.4f} | {published['kappa_agreement']:.4f}")
    gold = [{"A": 1, "B": 2}[best] for best in found.gold]
    theirs = [agreement([{"A": 1, "B": 0}[better] for better in said], gold).kappa for said in found.orders]
    print(f"  kappa with gold          {sum(theirs) / 2:.4f} coded as theirs | {published['kappa_average']:.4f}")
    print(f"                           {measured.with_gold.kappa:.4f} coded alike")
    print(f"  whichever is first wins  {shown(measured.first_wins)}")
    print(f"  alarm: {alarm(measured) or 'none'}")


def test_malformed_verdicts() -> None:
    scores, preferences = in_all_ways(SCORES), in_all_ways(PREFERENCES)
    started = time.monotonic()
    read = [RUBRIC.read(Answer(text=text)) for text in scores]
    read += [read_preference(Answer(text=text)) for text in preferences]
    seconds, errors = time.monotonic() - started, sum(isinstance(said, Unreadable) for said in read)
    print(f"\n{errors} of {len(read)} malformed verdicts are errors, none a score; {seconds:.2f} s")
    assert errors == len(read)
