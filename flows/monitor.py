"""monitor: is the promoted student still as good as when it was promoted, on the traffic that it gets now?"""

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field, TypeAdapter, ValidationError

from flows.auditing import STAGE
from flows.evidence.runs import runs_folder
from flows.look import look
from flows.operation.artifacts import show_monitored
from flows.operation.events import tell
from flows.operation.progress import ProgressArtifacts
from flows.operation.waiting import patiently
from flows.project import check, load
from tasks.caching import results_folder
from tasks.errors import ProjectError
from tasks.evidence import Monitored
from tasks.files import ContentFile, File, describe
from tasks.report import render_monitored
from tasks.store import write_whole

logger = logging.getLogger("stillhouse")


# Prefect reads the docstring: its Args are what the UI's form says of each field.
@flow(name="monitor", flow_run_name="monitor {project}", result_storage=results_folder(), persist_result=False)
def monitor(
    project: Path,
    traffic: str,
    budget_usd: Annotated[float | None, Field(ge=0)] = None,
    at: datetime | None = None,
) -> Path:
    """Audit the promoted student of a project on a log of its traffic; returns the folder with the page.

    Args:
        project: The project's YAML, as deployments/support.yaml.
        traffic: A log of what the student was asked, in a format of the inputs: a path, or a URL.
        budget_usd: The most that this audit may spend, in US dollars, beside what the project's own budget leaves.
        at: When the traffic came in, for logs of the past; now if left out.
    """
    loaded = load(project)
    check(loaded, budget_usd)
    moment = at.astimezone(UTC).timestamp() if at else time.time()
    with ProgressArtifacts():
        source, run = _source(traffic), flow_run.get_id() or STAGE
        monitored = patiently(lambda: look(loaded, source, moment, run, budget_usd))
    folder = _publish(monitored)
    show_monitored(monitored, folder)
    _tell(monitored, folder)
    return folder


def _source(traffic: str) -> ContentFile:
    try:
        return TypeAdapter[ContentFile](File).validate_python(traffic)
    except ValidationError as error:
        raise ProjectError(f"traffic: {describe(error)}") from error


def _publish(monitored: Monitored) -> Path:
    """Write what was found and its page beside the project's runs; the page of the last look stays."""
    folder = runs_folder(monitored.project) / "monitor"
    write_whole(folder / "monitor.json", monitored.model_dump_json(indent=1))
    write_whole(folder / "report.html", render_monitored(monitored))
    return folder


def _tell(monitored: Monitored, folder: Path) -> None:
    """Say what was found, and tell Prefect of a drift, and of a retrain that is asked for."""
    logger.info("monitor: %s: %s", monitored.state, "; ".join(monitored.reasons))
    drifted = any(each.found == "yes" for each in (*monitored.watched, *monitored.moved))
    told = {"version": float(monitored.version), "new_rows": float(monitored.new_rows), "report": str(folder)}
    if drifted:
        tell("drift", monitored.project, "; ".join(monitored.reasons), **told)
    if monitored.state == "retrain":
        tell("retrain", monitored.project, "; ".join(monitored.reasons), **told)
