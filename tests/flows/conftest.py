from pathlib import Path

import pytest

from tests.flows.small_project import Finished, build, run


@pytest.fixture(scope="session")
def finished(prefect_server: None, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The small project, run once without a fault."""
    place = tmp_path_factory.mktemp("finished")
    project = build(place / "project", tiny_llama)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STILLHOUSE_STORE", str(place / "store"))
        return Finished(project, place / "store", run(project))
