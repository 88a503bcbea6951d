"""What a survey shows of inputs before any money is spent: are they enough, are they different, are they one task?"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from tasks.evidence import THIN_ROWS, Coverage
from tasks.inputs.instructions import Instruction, contradictions, drifts, instructions
from tasks.inputs.survey import Survey
from tasks.rows import Input, conversation
from tasks.similarity import clusters

Severity = Literal["fine", "doubt", "stop"]
LEVELS: tuple[Severity, ...] = ("fine", "doubt", "stop")

LEAST_ROWS = 50
_MORE_ROWS = 200
_REPEATED, _ONE_TEMPLATE, _WEIGHTY, _MOST = 0.3, 0.5, 0.02, 0.9
_NEAR, _TEMPLATE = 0.8, 0.5
_SHOWN, _COMPARED, _CUT, _TOLD = 3, 6, 70, 300


class Finding(NamedTuple):
    """What was found of one question, and whether it speaks for a run, is worth a look, or speaks against one."""

    level: Severity
    about: str
    words: str


def findings(found: Survey, coverage: Sequence[Coverage], unusable: float) -> Iterator[Finding]:
    """What is found of the rows, of which this share may be unusable; of a large file of the part that is compared."""
    rows = list(_compared(found))
    texts = [conversation(row) for _, row in rows]
    yield _usable(found, unusable)
    if not rows:
        return
    yield from _different(found, len(set(clusters(texts, _NEAR))), len(rows))
    yield _template(texts)
    yield from _one_task(instructions(rows), len(rows))
    yield _slices(coverage)


def _compared(found: Survey) -> Iterator[tuple[int, Input]]:
    """Rows of each pool in proportion to its slice; all of them where the pools hold all."""
    sizes = found.slices()
    share = min((len(pool) / sizes[name] for name, pool in found.pools.items()), default=1.0)
    for name, pool in found.pools.items():
        yield from ((each.position, each.row) for each in pool[: math.ceil(share * sizes[name])])


def _usable(found: Survey, allowed: float) -> Finding:
    unusable = found.unusable()
    if not unusable:
        return Finding("fine", "rows", f"{found.rows} came in, and all can be read")
    first, others = unusable[0], ", ".join(row["id"] for row in unusable[1:_SHOWN])
    more = f"; also {others}{', …' if len(unusable) > _SHOWN else ''}" if others else ""
    level = "doubt" if found.fresh and len(unusable) <= allowed * found.rows else "stop"
    words = f"{len(unusable)} of {found.rows} that came in cannot be used: {first['id']}: "
    return Finding(level, "rows", words + cut(first["evidence"], _TOLD) + more)


def _different(found: Survey, different: int, compared: int) -> Iterator[Finding]:
    among = "" if compared == len(found.fresh) else f" among the {compared} compared"
    if different < LEAST_ROWS:
        words = f"{different} different rows{among}; at least {LEAST_ROWS} are needed: collect more"
        yield Finding("stop", "enough", words)
    else:
        more = "; enough to begin with, some hundreds teach more" if different < _MORE_ROWS else ""
        yield Finding("fine", "enough", f"{different} different rows{among}{more}")
    exact = sum(row["reason"] == "exact_duplicate" for row in found.left_out)
    nearly = compared - different
    many = exact > _REPEATED * found.rows or exact + nearly > _REPEATED * (exact + compared)
    words = f"{exact} rows repeat another word by word, {nearly} more nearly{among}"
    yield Finding("doubt" if many else "fine", "repeats", words)


def _template(texts: Sequence[str]) -> Finding:
    alike = clusters(texts, _TEMPLATE)
    largest, size = Counter(alike).most_common(1)[0]
    share = size / len(texts)
    if share > _ONE_TEMPLATE and size > 1:
        example = cut(texts[alike.index(largest)])
        return Finding("stop", "variety", f"one template: {share:.0%} of the rows are nearly {example!r}")
    return Finding("fine", "variety", f"the largest group of rows that are alike has {share:.0%} of them")


def _one_task(told: Sequence[Instruction], rows: int) -> Iterator[Finding]:
    weighty = [each for each in told if each.rows >= _WEIGHTY * rows] or [*told[:1]]
    if len(weighty) == 1 and weighty[0].rows >= _MOST * rows:
        words = f"one instruction: {cut(told[0].text)!r}" if told[0].text else "the rows only ask"
        yield Finding("fine", "one task", words + (f"; {len(told) - 1} others, rare" if len(told) > 1 else ""))
        return
    shares = ", ".join(f"{each.rows / rows:.0%} {cut(each.text) or 'nothing'!r}" for each in weighty[:_SHOWN])
    order = f"; from row {min(each.last for each in weighty) + 2} on another one" if drifts(weighty) else ""
    yield Finding("doubt", "one task", f"{len(told)} instructions: {shares}{order}")
    pairs = combinations([each for each in weighty if each.by_system][:_COMPARED], 2)
    against = [each for one, other in pairs for each in contradictions(one.text, other.text)]
    for each in sorted(against, key=lambda each: not each.certain)[:1]:
        how = "they contradict each other" if each.certain else "they may contradict each other"
        words = f"{how}: {cut(each.one)!r} against {cut(each.other)!r}"
        yield Finding("stop" if each.certain else "doubt", "one task", words)


def _slices(coverage: Sequence[Coverage]) -> Finding:
    thin = sorted((each for each in coverage if each.thin), key=lambda each: each.picked)
    kinds = sum(each.kinds for each in coverage)
    words = f"{len(coverage)} with {kinds} kinds of rows"
    if not thin:
        return Finding("fine", "slices", words)
    named = ", ".join(f"{each.slice} {each.picked}" for each in thin[: 2 * _SHOWN])
    more = f" and {len(thin) - 2 * _SHOWN} more" if len(thin) > 2 * _SHOWN else ""
    return Finding("doubt", "slices", f"{words}; thin, with fewer than {THIN_ROWS} rows: {named}{more}")


def cut(text: str, characters: int = _CUT) -> str:
    """A text as it is shown in a line: its beginning, where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= characters else f"{text[: characters - 1]}…"
