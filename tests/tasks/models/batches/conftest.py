from collections.abc import Iterator

import pytest

from tests.provider import Behaviour, Provider, provider_thread
from tests.tasks.models.batches.asker import HOUR


@pytest.fixture(params=["openai", "anthropic"])
def api(request: pytest.FixtureRequest) -> str:
    """Whose API is spoken."""
    return request.param


@pytest.fixture
def shop() -> Iterator[Provider]:
    """A provider whose batches take two hours."""
    with provider_thread(Behaviour(batch_seconds=2 * HOUR)) as provider:
        yield provider
