"""`stillhouse run --remote`: ask a Prefect server to run the project's deployment, instead of running here."""

import os
from pathlib import Path
from typing import Any

from flows.operation.up import place
from tasks.errors import OperationFailed

_FOLDER = "prefect.deployments.steps.set_working_directory"


def server() -> str:
    """The API that this process asks from now on: `PREFECT_API_URL`, else that of what `stillhouse up` started.

    Raises `OperationFailed` where there is none.
    """
    known = place().read()
    url = os.environ.get("PREFECT_API_URL") or (f"{known.url}/api" if known else "")
    if not url:
        raise OperationFailed("no Prefect server is known. Start one with stillhouse up, or set PREFECT_API_URL.")
    os.environ["PREFECT_API_URL"] = url
    return url


def trigger(project: str, file: Path, budget_usd: float | None) -> str:
    """Start a run of the deployment `distill/PROJECT`, and return where the Prefect UI shows it.

    Raises `OperationFailed` where no server is known, and where it has no such deployment, or one of another file.
    """
    url = server()
    import httpx
    from prefect import get_client
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import PREFECT_API_URL, temporary_settings

    given: dict[str, Any] = {} if budget_usd is None else {"budget_usd": budget_usd}
    try:
        with temporary_settings({PREFECT_API_URL: url}):  # Prefect, imported by now, no longer reads the environment
            with get_client(sync_client=True) as client:
                deployed = client.read_deployment_by_name(f"distill/{project}")
            _refuse_another(file, deployed.pull_steps or [], str(deployed.parameters.get("project")), project)
            started: Any = run_deployment(deployed.id, parameters=given, timeout=0)
    except ObjectNotFound:
        raise OperationFailed(
            f"{url} has no deployment distill/{project}. stillhouse deploy {file} makes it."
        ) from None
    except (httpx.HTTPError, RuntimeError) as error:
        if isinstance(error, OperationFailed):
            raise
        raise OperationFailed(
            f"{url} cannot be asked: {error}. Is the server up, and does PREFECT_API_AUTH_STRING hold what it asks for?"
        ) from error
    return f"{url.removesuffix('/api')}/runs/flow-run/{started.id}"


def _refuse_another(file: Path, pull_steps: list[dict[str, Any]], named: str, project: str) -> None:
    """Raises `OperationFailed` unless the deployment runs the file; on another host, one of the same place in it."""
    folder = next((step[_FOLDER]["directory"] for step in pull_steps if _FOLDER in step), "")
    runs = Path(folder, named)
    tail = Path(named).parts
    if not (runs.samefile(file) if runs.exists() else file.resolve().parts[-len(tail) :] == tail):
        raise OperationFailed(
            f"the deployment distill/{project} runs {runs}, not {file}. Give one of the two another `name`, or where "
            f"{file} takes its place: stillhouse deploy {file}."
        )
