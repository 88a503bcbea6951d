import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.bucket import bucket, s3_server
from tests.postgres import either_database, postgres

__all__ = ["bucket", "either_database", "postgres", "s3_server"]  # fixtures that live beside the server they start

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of a tiny model on a busy machine only wait for each other

settings.register_profile("without_deadlines", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("without_deadlines")

ROOT = Path(__file__).parent.parent
SERVERS = ("house", "prefect_server")


def pytest_configure(config: pytest.Config) -> None:
    """Prefect's threads draw random numbers while hypothesis draws, which takes them for a strategy's own."""
    config.addinivalue_line(
        "filterwarnings",
        "ignore:Do not use the `random` module inside strategies:hypothesis.errors.HypothesisDeprecationWarning",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares a server runs in one process and begins first; beyond that a file's tests stay together."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _group(item) not in SERVERS)


def _group(item: pytest.Item) -> str:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return next((server for server in SERVERS if server in fixtures), item.nodeid.partition("::")[0])


@pytest.fixture(autouse=True)
def store_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a store of its own."""
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a causal chat model of a few thousand random weights."""
    from tests.tiny import write_tiny_llama

    return write_tiny_llama(tmp_path_factory.mktemp("tiny-llama"))


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One Prefect server for the session; tests that run a flow ask for it."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield
