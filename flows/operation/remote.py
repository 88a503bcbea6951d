"""`stillhouse run --remote`: ask a Prefect server to run the project's deployment, instead of running here."""

import os
from typing import Any

from flows.operation.up import place
from tasks.errors import OperationFailed


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


def trigger(project: str, budget_usd: float | None) -> str:
    """Start a run of the deployment `distill/PROJECT`, and return where the Prefect UI shows it.

    Raises `OperationFailed` where no server is known, and where it has no such deployment.
    """
    url = server()
    import httpx
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import PREFECT_API_URL, temporary_settings

    given: dict[str, Any] = {} if budget_usd is None else {"budget_usd": budget_usd}
    try:
        with temporary_settings({PREFECT_API_URL: url}):  # Prefect, imported by now, no longer reads the environment
            started: Any = run_deployment(f"distill/{project}", parameters=given, timeout=0)
    except ObjectNotFound:
        raise OperationFailed(
            f"{url} has no deployment distill/{project}. Copy an entry of deployments/prefect.yaml, with "
            f"`name: {project}` and the project's file under parameters, and run stillhouse up again."
        ) from None
    except (httpx.HTTPError, RuntimeError) as error:
        raise OperationFailed(
            f"{url} cannot be asked: {error}. Is the server up, and does PREFECT_API_AUTH_STRING hold what it asks for?"
        ) from error
    return f"{url.removesuffix('/api')}/runs/flow-run/{started.id}"
