"""What a run is called, and how it ends: in a state that says what became of the student, and an event for others."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import cast

from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows.evidence.runs import made, read_evidence, runs_folder
from flows.naming import named
from flows.operation.approval import APPROVAL
from flows.operation.events import Happened, tell
from tasks.artifacts import Student
from tasks.errors import BudgetSpent, ProjectError, RunCancelled
from tasks.evidence import Evidence
from tasks.registry import Approvals

_NAMES: dict[Happened, str] = {"promoted": "Promoted", "rejected": "Rejected", "inconclusive": "Inconclusive"}
_NOT_APPROVED = {"rejected": "NotApproved", "timed out": "ApprovalTimedOut"}


def run_name() -> str:
    """What a flow run is called while it runs and after: its flow, its project's file and when it began."""
    file = Path(str(flow_run.parameters.get("project", "")))
    return f"{flow_run.flow_name} {file.stem} {datetime.now().astimezone():%Y-%m-%d %H:%M}"


def ended(file: Path, work: Callable[[], Path]) -> Path:
    """Do a run's work, and return the state that its flow ends in; Prefect gives the flow's caller what that holds.

    What was spent or cancelled ends in a state of its own, and any other error in Failed, raised on.
    """
    name = _name(file)
    before = _latest(name)
    try:
        folder = work()
    except BudgetSpent as error:
        tell("over-budget", name, str(error))
        return cast(Path, Failed(name="OverBudget", message=str(error), data=error))
    except RunCancelled as error:
        return cast(Path, Cancelled(message=str(error), data=error))
    except Exception as error:
        tell("failed", name, f"{type(error).__name__}: {error}")
        raise
    return cast(Path, _state(folder, unchanged=folder.name == before))


def _state(folder: Path, unchanged: bool) -> State[Path]:
    """The state of a run that came to a verdict; what a run finds as it was before is told to nobody again."""
    evidence, report = read_evidence(folder), folder / "report.html"
    happened, name = became(evidence)
    words = f"{'Nothing has changed: ' if unchanged else ''}{said(evidence)}"
    if not unchanged:
        tell(happened, evidence.project, words, version=evidence.version, report=str(report))
    return Completed(name=name, message=f"{words} Report: {report}", data=folder)


def became(evidence: Evidence) -> tuple[Happened, str]:
    """What became of a judged student: the event, and the name of the state."""
    if evidence.verdict != "promote":
        happened: Happened = "rejected" if evidence.verdict == "reject" else "inconclusive"
        return happened, _NAMES[happened]
    if evidence.on_stage:
        return "promoted", _NAMES["promoted"]
    asked = Approvals().find(evidence.project, Student(fingerprint=made(evidence, "train", "student")))
    return "rejected", _NOT_APPROVED.get(str(asked and asked.decision), "NotOnStage")


def said(evidence: Evidence) -> str:
    """The verdict in a sentence: the version, whether it is on stage, and the reasons that made it so."""
    stage = "is on stage" if evidence.on_stage else "is not on stage"
    against = "unsettled" if evidence.verdict == "inconclusive" else "no"
    decisive = [each for each in evidence.reasons if each.blocks or each.words.startswith(APPROVAL)]
    words = [each.words for each in decisive if each.holds == against]
    why = "" if evidence.on_stage else f": {'; '.join(words)}" if words else ""
    return f"{evidence.project} version {evidence.version} {stage}. The verdict is {evidence.verdict}{why}."


def _latest(name: str) -> str:
    """The folder's name of the last run that came to a verdict, empty where there is none."""
    file = runs_folder(name) / "latest"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _name(file: Path) -> str:
    """The project's name, or its file's where that cannot be read, which the run will say."""
    try:
        return named(file).name
    except ProjectError:
        return file.stem
