"""How far two collections overlap."""

from collections import Counter
from collections.abc import Sequence


def f1(shared: int, given: int, wanted: int) -> float:
    """The harmonic mean of precision and recall; 0 where nothing is shared."""
    return 2 * shared / (given + wanted) if shared else 0.0


def shared(given: Sequence[object], wanted: Sequence[object]) -> int:
    """How many items both have, an item counting as often as it stands in both."""
    return (Counter(given) & Counter(wanted)).total()
