"""Approval: a promote verdict pauses the flow until a person decides, in the Prefect UI or at a terminal."""

import logging
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_client, pause_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field

from tasks.artifacts import Student
from tasks.errors import StoreError
from tasks.evidence import Evidence
from tasks.registry import Approval, Approvals, Registry

_POLL_SECONDS = 1.0
_LATE_SECONDS = 600.0  # by then the flow itself has told Prefect that the time is over, unless it was killed
_UI = "somebody in the Prefect UI"

logger = logging.getLogger("stillhouse")


class OnStage(RunInput):
    """The form in the Prefect UI."""

    approve: bool = Field(description="Does it go on stage?")
    name: str = Field(default="", description="Who decides.")
    note: str = Field(default="", description="Why; it stays in the history.")


def needed(project: str, student: Student, verdict: str) -> bool:
    """Whether a person must say so before the student goes on stage: not for one that was there before."""
    return verdict == "promote" and all(move.champion != student for move in Registry().moves(project))


def wait(evidence: Evidence, student: Student, report: Path, seconds: float) -> Approval:
    """Within a flow: pause it until a person decides or the time is over, and return what was decided.

    Whoever is first decides: the form in the Prefect UI, or `stillhouse approve` and `stillhouse reject`, which need no
    server. What was decided on the same evidence before is not asked again.
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
        asked = _paused(evidence, student, report, asked.until)
    logger.info("version %d: %s%s", evidence.version, asked.decision, f" by {asked.who}" if asked.who else "")
    return asked


def _paused(evidence: Evidence, student: Student, report: Path, until: float) -> Approval:
    form = OnStage.with_initial_data(description=_question(evidence, report), approve=False)
    with _resumed_when_decided(evidence.project, student, until):
        given = pause_flow_run(form, timeout=round(until - time.time() + _LATE_SECONDS), poll_interval=1)
    decision = "approved" if given.approve else "rejected"
    return Approvals().decide(evidence.project, student, decision, given.name or _UI, given.note)


def _question(evidence: Evidence, report: Path) -> str:
    reasons = "\n".join(f"- {reason.words}" for reason in evidence.reasons)
    return f"**{evidence.project} version {evidence.version}: {evidence.verdict}**\n\n{reasons}\n\nReport: {report}"


@contextmanager
def _resumed_when_decided(project: str, student: Student, until: float) -> Generator[None]:
    """Within, a paused flow goes on once the registry holds a decision, or the time is over and nobody decided."""
    over, run = threading.Event(), UUID(str(flow_run.get_id()))
    watch = threading.Thread(target=_watch, args=(over, run, project, student, until), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _watch(over: threading.Event, run: UUID, project: str, student: Student, until: float) -> None:
    while not over.wait(_POLL_SECONDS):
        try:
            if decided := _decided(project, student, until):
                given = {"approve": decided.decision == "approved", "name": decided.who, "note": decided.note}
                with get_client(sync_client=True) as client:
                    client.resume_flow_run(run, run_input=given)
        except (httpx.HTTPError, StoreError) as error:  # whoever is away now may be back at the next look
            logger.debug("approval: %s; looking again", error)


def _decided(project: str, student: Student, until: float) -> Approval | None:
    """What stands in the registry, None while it is open; the time being over is a decision too."""
    approvals = Approvals()
    if time.time() > until:
        return approvals.decide(project, student, "timed out", "", "nobody decided in time")
    found = approvals.find(project, student)
    return found if found is not None and found.decision is not None else None
