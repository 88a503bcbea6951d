"""Would more data help? Shares of the training rows, each within the next, and what the last of them adds.

No Prefect in here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tasks.artifacts import digest
from tasks.errors import ProjectError
from tasks.evidence import ALL, Difference, LearnedShare, LearningCurve
from tasks.rows import Kept, Scored
from tasks.statistics import difference_interval

STUDENT, HOLDOUT = "student", "holdout"
_HARDLY = 0.02


def read_shares(shares: str) -> list[int]:
    """The percentages in a text as `25,50,100`, from the smallest. Raises `ProjectError` where they are no curve."""
    given = [each.strip() for each in shares.split(",")]
    wanted = sorted({int(each) for each in given if each.isdecimal()})
    if not all(each.isdecimal() for each in given) or len(wanted) < 2 or not 1 <= wanted[0] <= wanted[-1] <= 100:
        raise ProjectError(f"--shares: {shares!r} is no curve. Give two or more whole percentages, as 25,50,100.")
    return wanted


def share_of(rows: Sequence[Kept], percent: int) -> list[Kept]:
    """About so much of each slice, in whole groups and in the rows' order; a smaller share is a part of a larger one.

    Groups are drawn by a hash of their name, so a group is drawn or not wherever its rows stand. One that has rows in
    several slices counts to that of its first.
    """
    slices: dict[str, dict[str, int]] = {}
    home: dict[str, str] = {}
    for row in rows:
        sizes = slices.setdefault(home.setdefault(row["group"], row["slice"]), {})
        sizes[row["group"]] = sizes.get(row["group"], 0) + 1
    drawn = {group for sizes in slices.values() for group in _drawn(sizes, percent)}
    return [row for row in rows if row["group"] in drawn]


def _drawn(sizes: Mapping[str, int], percent: int) -> Iterator[str]:
    """Groups in the order of their hash, as long as that comes nearer to the share."""
    wanted, before = sum(sizes.values()) * percent / 100, 0
    for group in sorted(sizes, key=lambda each: digest(["learning curve", each])):
        if before + sizes[group] / 2 <= wanted:
            yield group
        before += sizes[group]


def learning_curve(
    student: str, shares: Sequence[LearnedShare], before_last: Iterable[Scored], last: Iterable[Scored]
) -> LearningCurve:
    """The curve of a run's student: of its two largest shares the answers are given, too, to compare row by row."""
    gains = list(_gains(before_last, last, f"{shares[-2].share}% of the rows"))
    return LearningCurve(student=student, shares=list(shares), gains=gains, words=_words(shares, gains))


def _gains(before_last: Iterable[Scored], last: Iterable[Scored], versus: str) -> Iterator[Difference]:
    """By metric, what the last step added on the rows of the holdout that were judged both times.

    The interval holds whatever the others would have been.
    """
    less, more = _by_row(before_last), _by_row(last)
    for metric in dict.fromkeys(metric for row in more.values() for metric in row["scores"]):
        both = [id for id, row in more.items() if metric in row["scores"] and metric in less[id]["scores"]]
        interval = difference_interval(
            [more[id]["scores"][metric] for id in both],
            [less[id]["scores"][metric] for id in both],
            [more[id]["group"] for id in both],
        )
        unjudged = len(more) - len(both)
        low, high = (
            (len(both) * bound + worst * unjudged) / len(more)
            for bound, worst in ((interval.low, -1), (interval.high, 1))
        )
        about = {"system": STUDENT, "versus": versus, "metric": metric, "part": HOLDOUT, "slice": ALL}
        known = interval._replace(low=low, high=high)._asdict()
        yield Difference.model_validate(about | known | {"unjudged": unjudged})


def _by_row(answers: Iterable[Scored]) -> dict[str, Scored]:
    return {row["id"]: row for row in answers if (row["system"], row["part"]) == (STUDENT, HOLDOUT)}


def _words(shares: Sequence[LearnedShare], gains: Sequence[Difference]) -> str:
    """Whether more data would help, in a sentence."""
    step = f"From {shares[-2].rows:,} to {shares[-1].rows:,} rows"
    risen = [f"{each.metric} rose by {points(each)}" for each in gains if each.low > 0]
    if risen:
        return f"{step} {', '.join(risen)}: more rows like these would likely help."
    if not gains:
        return f"{step} nothing was measured both times: whether more rows like these would help cannot be told."
    most = max(gains, key=lambda each: each.high)
    verdict = "would hardly help" if most.high < _HARDLY else "would help cannot be told on this holdout"
    rows = "more rows like these" if most.high < _HARDLY else "whether more rows like these"
    return f"{step} no metric rose beyond its interval (at most {most.metric}: {points(most)}): {rows} {verdict}."


def points(difference: Difference) -> str:
    """A difference with its interval, in points of a hundred."""
    mean, low, high = (100 * each for each in (difference.mean, difference.low, difference.high))
    return f"{mean:+.1f} points [{low:+.1f}, {high:+.1f}]"
