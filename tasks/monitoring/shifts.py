"""Whether the traffic is still what the student learned from: its mix of slices, and where its texts lie."""

from collections.abc import Iterator, Mapping, Sequence

from tasks.evidence import Found, Moved
from tasks.monitoring.comparing import Moments, drop
from tasks.monitoring.spending import chance, windows
from tasks.similarity import Encoder

_TEXTS = 400
_CHARACTERS = 2_000
_FEWEST_TEXTS = 40


def moved_slices(
    learned: Mapping[str, int], looks: Sequence[Mapping[str, int]], error: float, matters: float
) -> Iterator[Moved]:
    """Each slice's share of the traffic against its share of the inputs, up or down, where it moved surest.

    Nothing where the traffic names none of the inputs' slices: then it names no slices at all.
    """
    names = sorted({*learned, *(name for look in looks for name in look)})
    if not looks or not any(name in learned for look in looks for name in look) or len(names) < 2:
        return
    tried = windows(len(looks))
    allowed = error / len(names) / len(tried) / 2
    for name in names:
        nows = [looks[-count:] for count in tried]
        found = [_slice_moved(name, learned, now, allowed, matters) for now in nows if any(map(len, now))]
        yield min(found, key=lambda each: (each.found != "yes", each.chance))


def _slice_moved(
    name: str, learned: Mapping[str, int], now: Sequence[Mapping[str, int]], allowed: float, matters: float
) -> Moved:
    there, of = learned.get(name, 0), sum(learned.values())
    seen, rows = sum(look.get(name, 0) for look in now), sum(sum(look.values()) for look in now)
    apart = drop({"": Moments(of, there, there)}, {"": Moments(rows, seen, seen)})
    likely, size = chance(abs(apart.deviations)), abs(apart.size)
    found: Found = "yes" if likely <= allowed and size >= matters else "no"
    words = f"{name}: {there / of:.1%} of the inputs, {seen / rows:.1%} of {rows} rows of the traffic"
    return Moved(
        about="slices",
        slice=name,
        words=words,
        size=size,
        matters=matters,
        chance=likely,
        allowed=allowed,
        found=found,
    )


def moved_texts(
    learned: Sequence[str], now: Sequence[str], encoder: Encoder, error: float, matters: float
) -> Moved | None:
    """How well a classifier tells the traffic's texts from those that were learned (Lopez-Paz and Oquab 2017).

    It learns on every other text and is judged on the rest. Twice what it is right beyond a half is the least share of
    the texts that must be others. None where there are too few texts to tell.
    """
    then, seen = learned[:_TEXTS], now[:_TEXTS]
    if min(len(then), len(seen)) < _FEWEST_TEXTS:
        return None
    right, judged = _told_apart([text[:_CHARACTERS] for text in then], [text[:_CHARACTERS] for text in seen], encoder)
    size = max(0.0, 2 * right - 1)
    likely = chance((right - 0.5) * 2 * judged**0.5)
    found: Found = "yes" if likely <= error and size >= matters else "no"
    words = (
        f"a classifier tells {right:.0%} of {judged} texts rightly as the traffic's or the inputs', where guessing "
        f"tells half: at least {size:.0%} of the texts are others"
    )
    return Moved(about="texts", words=words, size=size, matters=matters, chance=likely, allowed=error, found=found)


def _told_apart(then: Sequence[str], now: Sequence[str], encoder: Encoder) -> tuple[float, int]:
    """The share of held-out texts that are told rightly, both kinds weighing the same, and how many those are."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    vectors = encoder.encode([*then, *now])
    new = np.arange(len(vectors)) >= len(then)
    judged = np.arange(len(vectors)) % 2 == 1
    model = LogisticRegression(class_weight="balanced").fit(vectors[~judged], new[~judged])
    told = model.predict(vectors[judged]) == new[judged]
    shares = [float(told[new[judged] == kind].mean()) for kind in (False, True)]
    return sum(shares) / 2, 2 * min(int((new[judged] == kind).sum()) for kind in (False, True))
