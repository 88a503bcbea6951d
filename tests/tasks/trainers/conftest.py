from pathlib import Path
from typing import Any

import pytest

from tasks.models.weights import find_weights, load


@pytest.fixture
def model(tiny_llama: Path) -> Any:
    return load(find_weights(str(tiny_llama), tiny_llama))[0]
