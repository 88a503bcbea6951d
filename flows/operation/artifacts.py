"""A run in the Prefect UI: what each stage gave, what was decided and why, the scores, and where the report lies."""

import json
import logging
import re
from html import escape
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import get_client
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.actions import ArtifactUpdate

from flows.operation.progress import artifact_key
from tasks.evidence import ALL, Evidence, Monitored, StageRecord
from tasks.report import percent, shown

_MARKS = {"yes": "✓ holds", "no": "✗ fails", "unsettled": "? unsettled"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$])")

logger = logging.getLogger("stillhouse")


class StagesTable:
    """A table of the flow run, a row for each stage that is done; for a task run's own name is given before it runs."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._rows: list[dict[str, str | int]] = []
        self._artifact: UUID | None = None

    def add(self, done: StageRecord) -> None:
        """Another stage is done."""
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in done.outcomes.items())
        seconds = f"{done.seconds:.1f}"
        self._rows.append({"stage": done.stage, "rows in": done.rows_in, "outcomes": outcomes, "seconds": seconds})
        try:
            self._show()
        except Exception as error:  # whatever keeps Prefect from answering must not end the run
            logger.debug("the stages could not be shown: %s", error)

    def _show(self) -> None:
        if self._artifact is None:
            key = artifact_key("stages", self._project)
            made = create_table_artifact(self._rows, key=key, description="What each stage gave.")
            self._artifact = cast(UUID, made)  # a coroutine only where an event loop runs
            return
        with get_client(sync_client=True) as client:
            client.update_artifact(self._artifact, ArtifactUpdate(data=json.dumps(self._rows)))


def show_verdict(evidence: Evidence, folder: Path) -> None:
    """Make the artifacts of the flow run; a server that does not answer costs the picture, not the run."""
    name = evidence.project
    try:
        told = verdict(evidence, folder / "report.html")
        create_markdown_artifact(told, key=artifact_key("verdict", name), description="What was decided.")
        create_table_artifact(scores(evidence), key=artifact_key("scores", name), description="The holdout's rows.")
        create_table_artifact(
            passed(evidence), key=artifact_key("funnel", name), description="What became of the rows."
        )
    except Exception as error:  # whatever keeps Prefect from answering must not end the run
        logger.debug("the verdict could not be shown: %s", error)


def show_monitored(monitored: Monitored, folder: Path) -> None:
    """Make the artifacts of an audit; a server that does not answer costs the picture, not the audit."""
    name = monitored.project
    reasons = "\n".join(f"- {_text(reason)}" for reason in monitored.reasons)
    head = f"# {monitored.state.capitalize()}: {_text(name)} version {monitored.version}"
    said = "\n".join([head, "", reasons, "", _lies(folder / "report.html")])
    try:
        create_markdown_artifact(said, key=artifact_key("monitor", name), description="Whether the student holds.")
        key = artifact_key("agreement", name)
        create_table_artifact(agreement(monitored), key=key, description="Agreement with the teacher, by audit.")
    except Exception as error:  # as above
        logger.debug("the audit could not be shown: %s", error)


def agreement(monitored: Monitored) -> list[dict[str, str]]:
    """Each audit's agreement with its interval, a column a metric; the promotion's first."""
    rows = [{"audit": "promotion"} | {name: percent(each) for name, each in monitored.promotion.items()}]
    for each in monitored.seen:
        rows.append({"audit": str(each.number)} | {name: percent(own) for name, own in each.agreement.items()})
    return rows


def verdict(evidence: Evidence, report: Path) -> str:
    """The verdict and its reasons as Markdown and where the report lies, every text from data as text."""
    stage = "It is the champion." if evidence.on_stage else "It is not the champion."
    reasons = [f"- **{_MARKS[each.holds]}** {_text(each.words)}" for each in evidence.reasons]
    causes = [f"- **{_text(each.cause)}** {_text(each.words)}" for each in evidence.causes]
    head = f"# {evidence.verdict.capitalize()}: {_text(evidence.project)} version {evidence.version}"
    why = ["## Why it is not better", *causes] if causes else []
    lies = f"{_lies(report)} (`stillhouse report FILE --version {evidence.version} --open` shows it there)"
    return "\n".join([head, "", stage, "", *reasons, "", *why, "", lies])


def scores(evidence: Evidence) -> list[dict[str, str]]:
    """Each metric's mean over the holdout with its 95 % interval, a column a system."""
    table: dict[str, dict[str, str]] = {}
    for each in evidence.scores.estimates:
        if each.part == "holdout" and each.slice == ALL:
            row = table.setdefault(each.metric, {"metric": shown(each.metric, 80), "rows": str(each.n)})
            row[each.system] = percent(each)
    return list(table.values())


def passed(evidence: Evidence) -> list[dict[str, str | int]]:
    """The funnel: how many rows each stage gave which outcome, and whether they went on from there."""
    return [
        {
            "stage": each.stage,
            "outcome": each.outcome,
            "rows": sum(each.slices.values()),
            "went on": "no" if each.leaves else "yes",
        }
        for each in evidence.funnel
    ]


def _lies(report: Path) -> str:
    """Where a page lies, as text: a browser opens no link from a server's page to a file."""
    return f"The report, where the run was: {_text(str(report.absolute()))}"


def _text(text: str) -> str:
    line = " ".join(shown(text, 600).split())
    return _SPECIAL.sub(r"\\\1", escape(line, quote=False))
