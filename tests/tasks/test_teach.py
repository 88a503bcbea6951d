from pathlib import Path

import pytest

from tasks.artifacts import Dataset, Made
from tasks.errors import Waiting
from tasks.models import Budget
from tasks.rows import Input, Message, Output
from tasks.store import Store
from tasks.teach import Taught, TeachConfig, teach
from tests.provider import Behaviour, Provider, provider_thread
from tests.tasks.models.batches.asker import HOUR, PRICE

MADE = Made(stage="sample", version="1", config={}, parents={})
TEACHER = {"provider": "openai", "service": "shop", "price": PRICE}


def inputs(count: int) -> Dataset:
    def row(number: int) -> Input:
        said = [Message(role="user", content=f"where is parcel {number}")]
        return Input(id=str(number), messages=said, slice="all", group=str(number))

    return Store().write_rows(map(row, range(count)), Input, MADE)


def taught(provider: Provider, mode: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *also: str) -> Taught:
    """What the stage gives, in a store of its own; it is begun anew as often as it waits."""
    monkeypatch.setenv("STILLHOUSE_STORE", str(folder / mode))
    prompt = folder / "prompt.md"
    prompt.write_text("Be brief.")
    model, *others = (
        {**TEACHER, "base_url": provider.openai_url, "mode": mode, "model": name} for name in ("m", *also)
    )
    given = {"model": model, "others": others, "prompt": "prompt.md"}
    config = TeachConfig.model_validate(given, context={"folder": folder})
    rows = inputs(1000)
    while True:
        try:
            return teach.fn(config, rows, Budget(project="shop", run="one"))
        except Waiting:
            provider.clock.move(HOUR)


def test_batches_teach_the_same_data_set_in_the_same_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with provider_thread(Behaviour(batch_seconds=HOUR)) as provider:
        live = taught(provider, "live", tmp_path, monkeypatch)
        expected = list(Store().read_rows(live.outputs))
        batch = taught(provider, "batch", tmp_path, monkeypatch)
    assert provider.batches == 1
    assert batch.outputs == live.outputs
    assert batch.asked == live.asked == 1000
    rows: list[Output] = list(Store().read_rows(batch.outputs))
    assert rows == expected
    assert [row["text"] for row in rows] == [f"answer to: where is parcel {number}" for number in range(1000)]


def test_several_teachers_wait_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with provider_thread(Behaviour(batch_seconds=HOUR)) as provider:
        taught(provider, "batch", tmp_path, monkeypatch, "another", "a-third")
        assert provider.batches == 3
        assert provider.clock.ahead_seconds == HOUR
