"""Macro-F1 with its interval: the plain mean of each label's F1, so that a rare label counts like a common one."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from tasks.statistics.grouping import numbered
from tasks.statistics.intervals import Interval
from tasks.statistics.resampling import resampled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tasks.statistics.resampling import Numbers


def macro_f1_interval(given: Sequence[Hashable], wanted: Sequence[Hashable], groups: Sequence[Hashable]) -> Interval:
    """The mean F1 of the labels that are wanted at all, with its interval from resampling groups.

    It equals scikit-learn's with `labels` set to the wanted ones: an answer that is none of them is a miss of its row's
    label, not a label of its own with an F1 of 0.
    """
    import numpy as np

    if not len(wanted):
        return Interval(0.0, 0.0, 1.0, 0, 0)
    labels, group = _labels(wanted), numbered(groups)
    ends = [_one_wrong(len(labels)), _one_right(len(labels))]
    return resampled(_macro_f1, _sums(given, wanted, labels, group), np.bincount(group), ends)


def macro_f1_difference(
    first: Sequence[Hashable], second: Sequence[Hashable], wanted: Sequence[Hashable], groups: Sequence[Hashable]
) -> Interval:
    """The macro-F1 of `first` less that of `second` on the same rows, with its interval from resampling groups."""
    import numpy as np

    if not len(wanted):
        return Interval(0.0, -1.0, 1.0, 0, 0)
    labels, group = _labels(wanted), numbered(groups)
    both = np.hstack([_sums(given, wanted, labels, group) for given in (first, second)])
    wrong, right = _one_wrong(len(labels)), _one_right(len(labels))
    ends = [np.hstack([wrong, right]), np.hstack([right, wrong])]
    return resampled(_macro_f1_less, both, np.bincount(group), ends)


def _macro_f1(sums: "Numbers") -> "Numbers":
    """The macro-F1 of each row of sums: for each label how often it was right, then wanted, then given."""
    import numpy as np

    right, wanted, given = np.split(sums, 3, axis=1)
    each = np.divide(2 * right, wanted + given, out=np.zeros_like(right), where=wanted > 0)
    return each.sum(axis=1) / np.maximum(1, (wanted > 0).sum(axis=1))


def _macro_f1_less(sums: "Numbers") -> "Numbers":
    import numpy as np

    first, second = np.split(sums, 2, axis=1)
    return _macro_f1(first) - _macro_f1(second)


def _labels(wanted: Sequence[Hashable]) -> dict[Hashable, int]:
    return {label: number for number, label in enumerate(dict.fromkeys(wanted))}


def _sums(
    given: Sequence[Hashable], wanted: Sequence[Hashable], labels: Mapping[Hashable, int], group: "NDArray[np.intp]"
) -> "Numbers":
    import numpy as np

    want = np.asarray([labels[label] for label in wanted])
    said = np.asarray([labels.get(label, -1) for label in given])
    known, right = said >= 0, said == want
    sums = np.zeros((3, int(group.max()) + 1, len(labels)))
    np.add.at(sums[0], (group[right], want[right]), 1)
    np.add.at(sums[1], (group, want), 1)
    np.add.at(sums[2], (group[known], said[known]), 1)
    return np.hstack(list(sums))


def _one_right(labels: int) -> "Numbers":
    import numpy as np

    return np.hstack([np.eye(labels)] * 3)


def _one_wrong(labels: int) -> "Numbers":
    """A row of each label, taken for the next; where there is one label only, for none."""
    import numpy as np

    taken = np.roll(np.eye(labels), 1, axis=1) if labels > 1 else np.zeros((1, 1))
    return np.hstack([np.zeros((labels, labels)), np.eye(labels), taken])
