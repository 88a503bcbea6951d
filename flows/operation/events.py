"""What became of a project, told to Prefect as an event: an automation may notify people of it, or start a run."""

from typing import Literal

from prefect.events import emit_event
from prefect.settings import PREFECT_API_URL

Happened = Literal[
    "promoted", "rejected", "inconclusive", "awaiting-approval", "over-budget", "failed", "drift", "retrain"
]


def tell(happened: Happened, project: str, words: str, **payload: str | float | None) -> None:
    """Emit the event `stillhouse.HAPPENED` about a project, with a sentence for people and what else a reader may use.

    It is sent in the background: a server that cannot be reached costs the event, not the run, and without one of the
    user's own (`PREFECT_API_URL`) nobody would hear it.
    """
    if PREFECT_API_URL.value():
        resource = {"prefect.resource.id": f"stillhouse.project.{project}", "prefect.resource.name": project}
        emit_event(f"stillhouse.{happened}", resource, payload={"project": project, "words": words, **payload})
