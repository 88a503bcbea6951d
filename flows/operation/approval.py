"""Approval: a promote verdict pauses the flow until a person decides, in the Prefect UI or at a terminal."""

import logging
import time
from pathlib import Path
from typing import NamedTuple, cast
from uuid import UUID, uuid4

import httpx
from prefect import get_client
from prefect.input import Keyset, RunInput, keyset_from_paused_state
from prefect.runtime import flow_run
from prefect.states import Paused
from pydantic import Field

from flows.operation import places
from flows.operation.events import tell
from tasks.artifacts import Student
from tasks.errors import OperationFailed, RunCancelled, StoreError
from tasks.evidence import Evidence, Reason
from tasks.registry import Approval, Approvals, Registry

APPROVAL = "approval"
_POLL_SECONDS = 1.0
_LATE_SECONDS = 600.0  # by then the flow itself has told Prefect that the time is over, unless it was killed
_UI = "somebody in the Prefect UI"

logger = logging.getLogger("stillhouse")


class OnStage(RunInput):
    """The form in the Prefect UI."""

    approve: bool = Field(description="Does it go on stage?")
    name: str = Field(default="", description="Who decides.")
    note: str = Field(default="", description="Why; it stays in the history.")


class Question(NamedTuple):
    """What a flow run waits with: its form, under which keys Prefect keeps that, and until when it may be answered.

    The lease is that of its deployment's place, None where nothing limits how many run at once.
    """

    run: UUID
    lease: UUID | None
    form: type[OnStage]
    keys: Keyset
    project: str
    student: Student
    until: float


def needed(project: str, student: Student, verdict: str) -> bool:
    """Whether a person must say so before the student goes on stage: not for one that was there before."""
    return verdict == "promote" and all(move.champion != student for move in Registry().moves(project))


def wait(evidence: Evidence, student: Student, report: Path, seconds: float) -> Approval:
    """Within a flow: pause it until a person decides or the time is over, and return what was decided.

    Whoever is first decides: the form in the Prefect UI, or `stillhouse approve` and `stillhouse reject`, which need no
    server. What was decided on the same evidence before is not asked again. Raises `RunCancelled` where the run is
    cancelled meanwhile; the question stays open.
    """
    asked = Approvals().ask(evidence.project, student, seconds)
    if asked.decision is None:
        logger.info(
            "version %d waits for approval until %s: %s. Decide in the Prefect UI, or from another shell by "
            "`stillhouse approve FILE` or `stillhouse reject FILE`",
            evidence.version,
            time.strftime("%Y-%m-%d %H:%M", time.localtime(asked.until)),
            report,
        )
        question = _pause(evidence, student, report, asked.until)
        while (found := _answer(question)) is None:
            time.sleep(_POLL_SECONDS)
        places.go_on(question.run, question.lease)
        asked = found
    logger.info("version %d: %s", evidence.version, told(asked))
    return asked


def told(approval: Approval) -> str:
    """What was decided, by whom and why, in words."""
    by = f" by {approval.who}" if approval.who else ""
    return f"{approval.decision}{by}{f': {approval.note}' if approval.note else ''}"


def with_approval(evidence: Evidence, student: Student) -> Evidence:
    """The evidence with what people decided on the student among its reasons, where they were asked."""
    found = Approvals().find(evidence.project, student)
    if found is None or found.decision is None or evidence.verdict != "promote":
        return evidence
    holds = "yes" if found.decision == "approved" else "no"
    reason = Reason(holds=holds, words=f"{APPROVAL}: {told(found)}", blocks=False)
    return evidence.model_copy(update={"reasons": [*evidence.reasons, reason]})


def _pause(evidence: Evidence, student: Student, report: Path, until: float) -> Question:
    """Have the flow's run wait under the name AwaitingApproval, with a form.

    Prefect's own `pause_flow_run` names the state Paused, sees no cancellation, and ends where the server is away.
    """
    run = UUID(str(flow_run.get_id()))
    form = OnStage.with_initial_data(description=_asked(evidence, report), approve=False)
    words = f"{evidence.project} version {evidence.version} waits for a person to approve it. Report: {report}"
    state = Paused(
        name="AwaitingApproval",
        message=words,
        timeout_seconds=round(until - time.time() + _LATE_SECONDS),
        pause_key=str(uuid4()),
    )
    keys = keyset_from_paused_state(state)
    state.state_details.run_input_keyset = {str(name): key for name, key in keys.items()}
    form.save(keys, flow_run_id=run)
    answer, lease = places.pause(run, state)
    if answer.state is None or answer.state.is_running():
        raise OperationFailed(f"Prefect does not let the run wait for approval: {answer.details}. Run it again.")
    tell("awaiting-approval", evidence.project, words, version=evidence.version, report=str(report))
    return Question(run, lease, form, keys, evidence.project, student, until)


def _asked(evidence: Evidence, report: Path) -> str:
    reasons = "\n".join(f"- {reason.words}" for reason in evidence.reasons)
    return f"**{evidence.project} version {evidence.version}: {evidence.verdict}**\n\n{reasons}\n\nReport: {report}"


def _answer(question: Question) -> Approval | None:
    """What was decided in the registry or in the form, None while nobody did; whoever is away now may be back later."""
    try:
        if decided := _decided(question):
            return decided
        given = _given(question)
    except (httpx.HTTPError, StoreError) as error:
        logger.debug("approval: %s; looking again", error)
        return None
    if given is None:
        return None
    decision = "approved" if given.approve else "rejected"
    return Approvals().decide(question.project, question.student, decision, given.name or _UI, given.note)


def _given(question: Question) -> OnStage | None:
    """The form as it was sent, None while the run waits."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(question.run).state
    if state is None or state.is_paused():
        return None
    if not state.is_running():
        raise RunCancelled(
            f"{question.project}: the run became {state.name} while it waited for approval. The question stays open: "
            "`stillhouse approve FILE` or `stillhouse reject FILE`, or run it again."
        )
    return cast(OnStage, question.form.load(question.keys, flow_run_id=question.run))  # a coroutine only in a loop


def _decided(question: Question) -> Approval | None:
    """What stands in the registry, None while it is open; the time being over is a decision too."""
    approvals = Approvals()
    if time.time() > question.until:
        return approvals.decide(question.project, question.student, "timed out", "", "nobody decided in time")
    found = approvals.find(question.project, question.student)
    return found if found is not None and found.decision is not None else None
