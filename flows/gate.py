"""Whether the gate's rules are about what will be measured, found when a project is loaded and checked."""

from collections.abc import Mapping, Sequence, Set

from tasks.errors import ProjectError
from tasks.evidence import ALL
from tasks.failure_modes import COMPARED, OTHERS
from tasks.gate import GateRule


def check_measured(
    rules: Sequence[GateRule],
    measured: Mapping[str, Set[str]],
    scored: Set[str],
    opponents: Mapping[str, str],
    has_base: bool,
) -> None:
    """Raises `ValueError` at a rule about rows, a metric or a system that will not be measured.

    `measured` has the metrics by the part of the rows, `scored` those that scorers give, of every system; `opponents`
    has whom a preference is over, by its metric.
    """
    for rule in rules:
        if rule.part not in measured:
            hint = ", for split.unseen names no slice" if rule.part == "unseen" else ""
            raise ValueError(
                f"promote.rules: nothing is measured on rows called {rule.part!r}{hint}; there are {sorted(measured)}"
            )
        names = measured[rule.part]
        if rule.metric not in names:
            raise ValueError(
                f"promote.rules: no metric of {rule.part} is named {rule.metric!r}; there are {sorted(names)}"
            )
        over = opponents.get(rule.metric)
        if over is not None and rule.systems != {"student"}:
            raise ValueError(
                f"promote.rules: {rule.metric} is the student's alone and compares it with the {over} itself. Leave "
                "out of and versus, and give at_least"
            )
        if rule.metric not in scored:
            _check_mode(rule)
        if "base" in {over, *rule.systems} and not has_base:
            raise ValueError(f"promote.rules: {rule.metric} asks for the base, and train.base names none. Name one")


def _check_mode(rule: GateRule) -> None:
    """A failure mode's metric is the student's, and few others have it, too."""
    metric, compared = rule.metric, COMPARED.get(rule.metric, set())
    if rule.of not in {"student"} | OTHERS.get(metric, set()):
        raise ValueError(f"promote.rules: {metric} is not measured of the {rule.of}. Leave of: {rule.of} out")
    if rule.versus and rule.versus not in compared:
        whom = f"only with the {' or the '.join(sorted(compared))}" if compared else "with nobody; give at_most"
        raise ValueError(f"promote.rules: {metric} is compared {whom}, not with the {rule.versus}")


def check_slices(rules: Sequence[GateRule], slices: Set[str], unseen: Set[str]) -> None:
    """Raises `ProjectError` at a rule about a slice that no row has; parts of failure modes have slices of their own.

    The slice of rows that have none is called as all rows together are.
    """
    for rule in rules:
        if rule.by_slice and rule.slice in slices:
            raise ProjectError(
                f"promote.rules: slice {rule.slice!r} means every slice, and rows have one of that name. Rename theirs."
            )
        there = {"holdout": slices - unseen, "unseen": unseen}.get(rule.part)
        if there is not None and not rule.by_slice and rule.slice not in there | {ALL}:
            raise ProjectError(
                f"promote.rules: no row of {rule.part} has slice {rule.slice!r}; there are {sorted(there | {ALL})}"
            )
