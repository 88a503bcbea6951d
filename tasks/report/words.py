"""Numbers as people read them, and texts from data as a page can show them."""

import re

from tasks.evidence import ALL, Difference, Measure

_CUT = re.compile(r" … \(([\d,]+) characters\)$")
_WIDE = 0.04  # an interval of four points or more says nothing about tenths of a point


def percent(measure: Measure) -> str:
    """A share of rows with its 95 % interval: in whole points, in tenths where the interval is narrow."""
    digits = _digits(measure)
    mean, low, high = (f"{100 * each:.{digits}f}" for each in (measure.mean, measure.low, measure.high))
    return f"{mean} % [{low}–{high}]"


def ratio(measure: Measure) -> str:
    """A multiple, as of perplexities, with its 95 % interval."""
    return f"{measure.mean:.2f} times [{measure.low:.2f}–{measure.high:.2f}]"


def points(difference: Difference) -> str:
    """A difference in points of a percentage, with its 95 % interval."""
    digits = _digits(difference)
    mean, low, high = (signed(100 * each, digits) for each in (difference.mean, difference.low, difference.high))
    return f"{mean} [{low}, {high}]"


def signed(value: float, digits: int = 0) -> str:
    """A number with its sign, and nothing as plain 0."""
    text = f"{value:+.{digits}f}"
    return "0" if float(text) == 0 else text.replace("-", "−")


def count(number: float) -> str:
    """A whole number, thousands apart."""
    return f"{number:,.0f}"


def dollars(usd: float | None) -> str:
    """US dollars to the cent, small sums to two digits that say something."""
    if usd is None:
        return "not known"
    if 0 < abs(usd) < 0.1:
        return f"${usd:.2g}"
    return f"${usd:,.0f}" if abs(usd) >= 100 else f"${usd:.2f}"


def duration(seconds: float) -> str:
    """A time in the unit that people would name it in."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    if seconds >= 90:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def slice_name(part: str, name: str) -> str:
    """A slice, said to be unseen where it is, or what all of them together are called."""
    own = "all rows" if name == ALL else shown(name, 60)
    return own if part == "holdout" else f"{own} ({shown(part, 40)})"


def shown(text: str, limit: int = 2_000) -> str:
    """A text from data, cut where it is very long, its control characters made visible.

    What says already how long it was before it was cut keeps saying so.
    """
    said = _CUT.search(text[-60:])
    length = said[1] if said else f"{len(text):,}"
    visible = "".join(
        each if each.isprintable() or each in "\n\t" else f"\\u{ord(each):04x}" for each in text[: limit + 1]
    )
    return f"{visible[:limit]} … ({length} characters)" if len(visible) > limit else visible


def _digits(measure: Measure) -> int:
    return 0 if measure.high - measure.low >= _WIDE else 1
