"""What goes wrong with students: one file a failure mode, config and test in one. No Prefect in here.

A mode has a `threshold` and gives a `FailureMode`: it fires where the interval of what it measures lies above it.
"""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import FailureMode
from tasks.failure_modes.calibration import Calibration
from tasks.failure_modes.collapse import WAYS_ALIKE, Collapse
from tasks.failure_modes.copying import Copying
from tasks.failure_modes.forgetting import Forgetting
from tasks.failure_modes.memorisation import Memorisation
from tasks.failure_modes.overfitting import Overfitting
from tasks.failure_modes.perplexity import Perplexity
from tasks.failure_modes.robustness import Robustness
from tasks.failure_modes.shown import Shown
from tasks.failure_modes.unseen import Unseen
from tasks.rows import Kept, Scored
from tasks.systems import Systems

MEASURED: dict[str, dict[str, set[str]]] = {
    "overfitting": {"train": {"overfitting", "agreement"}, "holdout": {"agreement"}},
    "memorisation": {"all": {"memorisation", "memorised"}},
    "collapse": {"all": {"collapse", *(f"alike_{way}" for way in WAYS_ALIKE)}},
    "copying": {"all": {"copying", "copied"}},
    "forgetting": {"general": {"forgetting", "passed", "known"}},
    "perplexity": {"prose": {"perplexity"}},
    "unseen": {"unseen": {"unseen", "below_base", "score"}, "holdout": {"score"}},
    "robustness": {"perturbed": {"robustness"}},
    "calibration": {"holdout": {"calibration", "brier", "confidence"}},
}
"""What each mode measures, by the part of the rows: rules of the gate may name these."""

OTHERS: dict[str, set[str]] = {
    **{metric: {"teacher"} for metric in ("memorised", "copied", *(f"alike_{way}" for way in WAYS_ALIKE))},
    **{metric: {"base"} for metric in ("passed", "known")},
}
"""Who beside the student has a metric of a mode, and is compared with it row by row."""

COMPARED = OTHERS | {"score": {"teacher", "base"}}
"""Who is compared with the student: on unseen slices those, too, whose own score is among the scorers' metrics."""


class FailureModes(BaseModel):
    """What goes wrong with students, each looked for unless it is null.

    By default the student is asked 100 rows and 131 short prompts beyond the holdout, and the base the prompts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    overfitting: Overfitting | None = Field(default=Overfitting(), description="Knows rows, not the task: 60 rows.")
    memorisation: Memorisation | None = Field(default=Memorisation(), description="Says training answers verbatim.")
    collapse: Collapse | None = Field(default=Collapse(), description="Answers alike whatever is asked.")
    copying: Copying | None = Field(default=Copying(), description="Says the input back.")
    forgetting: Forgetting | None = Field(
        default=Forgetting(),
        description="Lost what the base could: 131 short prompts to each of the two, and a forward pass.",
    )
    perplexity: Perplexity | None = Field(
        default=Perplexity(), description="Finds plain prose strange: a forward pass, where both are local."
    )
    unseen: Unseen | None = Field(default=Unseen(), description="Fails on slices that it never learned.")
    robustness: Robustness | None = Field(default=Robustness(), description="Trips over typos: 40 rows.")
    calibration: Calibration | None = Field(
        default=Calibration(), description="Is sure where it is wrong: a forward pass, where it is local."
    )


def measured(modes: FailureModes) -> dict[str, set[str]]:
    """The metrics, by the part of the rows, of the modes that are looked for."""
    found: dict[str, set[str]] = {}
    for mode, parts in MEASURED.items():
        if getattr(modes, mode) is not None:
            for part, metrics in parts.items():
                found[part] = found.get(part, set()) | metrics
    return found


def examine(
    modes: FailureModes,
    systems: Systems,
    trained: Sequence[Kept],
    holdout: Sequence[Kept],
    unseen: Sequence[Kept],
    scored: Sequence[Scored],
) -> list[FailureMode]:
    """What every mode found that is looked for. `scored` are the systems' answers to holdout and unseen rows."""
    shown = Shown(systems.scorers, trained, holdout, unseen, scored)
    pairs = modes.overfitting.pairs(shown) if modes.overfitting else []
    perturbed = modes.robustness.perturb(shown) if modes.robustness else []
    rows = [*(pair.learned for pair in pairs), *(each.row for each in perturbed)]
    answers = systems.answers("student", rows, "on other rows") if rows else []
    found = [
        modes.overfitting and modes.overfitting.examine(shown, pairs, answers[: len(pairs)]),
        modes.memorisation and modes.memorisation.examine(shown),
        modes.collapse and modes.collapse.examine(shown),
        modes.copying and modes.copying.examine(shown),
        modes.forgetting and modes.forgetting.examine(systems),
        modes.perplexity and modes.perplexity.examine(systems),
        modes.unseen and modes.unseen.examine(shown),
        modes.robustness and modes.robustness.examine(shown, perturbed, answers[len(pairs) :]),
        modes.calibration and modes.calibration.examine(shown, systems["student"]),
    ]
    return [each for each in found if each is not None]


__all__ = ["COMPARED", "MEASURED", "OTHERS", "FailureModes", "examine", "measured"]
