"""Robustness: whether the answer stays when the input is typed a little differently."""

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import digest
from tasks.evidence import FailureMode
from tasks.failure_modes.shown import Shown, drawn
from tasks.failure_modes.verdicts import FEWEST_ROWS, WITHOUT_SCORER, estimate, fires, not_measured, percent
from tasks.models import Answer
from tasks.rows import Kept, Message
from tasks.statistics import mean_interval

_WORD = re.compile(r"(?<![\w-])[^\W\d_]{4,}(?![\w-])")  # no part of an order number, a code or a name with a hyphen
_ONE_IN = 4
_CONTRACTIONS = {
    "can't": "cannot", "don't": "do not", "doesn't": "does not", "didn't": "did not", "isn't": "is not",
    "I'm": "I am", "I've": "I have", "I'd like": "I would like", "it's": "it is", "It's": "It is",
}  # fmt: skip
_FRAMES = (
    ("Hello, ", "Thank you."),
    ("Please help me with this. ", "Thanks in advance."),
    ("I have a request. ", "Could you please see to it?"),
)


class Perturbed(NamedTuple):
    """A row with its last message typed differently, in which way, and the row as it was."""

    row: Kept
    kind: str
    plain: Kept


class Robustness(BaseModel):
    """Fires where an answer changes because the input has typos, another case, other spaces or is paraphrased.

    The paraphrase is a template: contractions written out or drawn together, in a polite frame; no model is asked. An
    answer stays where the project's scorers find it as good as the student's own answer to the plain input.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=0.3, ge=0, le=1, description="The share of answers that change.")
    rows: int = Field(default=40, ge=FEWEST_ROWS, description="Rows that the student is asked once more.")

    def perturb(self, shown: Shown) -> list[Perturbed]:
        """Holdout rows that the student answered, each typed differently in one way, the same in every run."""
        answered = [
            row
            for row in shown.parts["holdout"]
            if shown.scorers and (given := shown.answer("student", "holdout", row)) is not None and not given["error"]
        ]
        found = map(_perturbed, drawn(answered, "robustness", len(answered)))
        return list(islice(filter(None, found), self.rows))

    def examine(self, shown: Shown, perturbed: Sequence[Perturbed], answers: Sequence[Answer]) -> FailureMode:
        """What the student's answers to the perturbed rows show."""
        if not shown.scorers:
            return not_measured("robustness", self.threshold, WITHOUT_SCORER)
        if len(perturbed) < FEWEST_ROWS:
            return not_measured("robustness", self.threshold, f"{len(perturbed)} holdout rows can be typed differently")
        changed = _changed(shown, perturbed, answers)
        found = mean_interval(changed, [each.plain["group"] for each in perturbed])
        by_kind = {
            kind: [each for each, how in zip(changed, perturbed, strict=True) if how.kind == kind] for kind in _KINDS
        }
        return FailureMode(
            mode="robustness",
            fires=fires(self.threshold, found),
            words=f"{percent(found)} of {len(perturbed)} answers change when the input is typed differently ("
            + ", ".join(f"{kind} {sum(own):.3g} of {len(own)}" for kind, own in by_kind.items() if own)
            + ")",
            threshold=self.threshold,
            estimates=[estimate(found, "robustness", "perturbed")],
            examples=[
                f"{each.row['id']}, {each.kind}: {answer.text[:120]}"
                for each, answer, share in zip(perturbed, answers, changed, strict=True)
                if share
            ][:3],
        )


def _changed(shown: Shown, perturbed: Sequence[Perturbed], answers: Sequence[Answer]) -> list[float]:
    """How far each answer is from the one to the plain input; one that failed is far, the same text is not."""
    plain = [shown.answer("student", "holdout", each.plain) for each in perturbed]
    before = [each["text"] if each else "" for each in plain]
    worth = shown.worth([answer.text for answer in answers], before)
    return [
        float(bool(answer.error)) if answer.error or answer.text == own else 1.0 - alike
        for answer, own, alike in zip(answers, before, worth, strict=True)
    ]


def _perturbed(row: Kept) -> Perturbed | None:
    """The row typed differently in the way that its hash draws, or in the next one that changes anything."""
    *before, last = row["messages"]
    first = int(digest(["perturb", row["messages"]])[:8], 16)
    for at in range(len(_KINDS)):
        kind = list(_KINDS)[(first + at) % len(_KINDS)]
        text = _KINDS[kind](last["content"])
        if text != last["content"]:
            typed = row.copy()
            typed["messages"] = [*before, Message(role=last["role"], content=text)]
            return Perturbed(typed, kind, row)
    return None


def _typos(text: str) -> str:
    """Two neighbouring letters change places within one word in four, the first and the last letter staying."""

    def swap(found: re.Match[str]) -> str:
        word = found[0]
        drawn = int(digest(["typo", found.start(), word])[:8], 16)
        if drawn % _ONE_IN:
            return word
        at = 1 + drawn // _ONE_IN % (len(word) - 3)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return _WORD.sub(swap, text)


def _case(text: str) -> str:
    return _WORD.sub(lambda found: found[0].lower(), text)


def _spaces(text: str) -> str:
    """Two spaces for one after a comma or at the end of a sentence, and no full stop at the end."""
    return re.sub(r"(?<=[,.;!?]) (?=\S)", "  ", text).rstrip(" .")


def _paraphrase(text: str) -> str:
    """Contractions written out, or drawn together where there are none, in one of a few polite frames."""
    written = _swapped(text, _CONTRACTIONS)
    if written == text:
        written = _swapped(text, {full: short for short, full in _CONTRACTIONS.items()})
    before, after = _FRAMES[int(digest(["frame", text])[:8], 16) % len(_FRAMES)]
    return f"{before}{written}\n\n{after}"


def _swapped(text: str, words: dict[str, str]) -> str:
    for one, other in words.items():
        text = re.sub(rf"(?<![\w-]){re.escape(one)}(?![\w-])", other, text)
    return text


_KINDS: dict[str, Callable[[str], str]] = {"typos": _typos, "case": _case, "spaces": _spaces, "paraphrase": _paraphrase}
