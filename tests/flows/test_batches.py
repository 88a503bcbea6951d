from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasks.errors import Waiting
from tasks.models import Ledger
from tests.flows.small_project import build, settings, write
from tests.provider import Behaviour, Provider, provider_thread
from tests.tasks.models.batches.asker import HOUR, PRICE, ask, hand, questions, teacher, texts


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_thread(Behaviour(batch_seconds=HOUR, batch_share=0.5)) as serving:
        yield serving


@pytest.fixture
def project(provider: Provider, tiny_llama: Path, tmp_path: Path) -> Path:
    """The small project, its teacher asked by batches."""
    content = settings(tiny_llama)
    model = {"provider": "openai", "model": "m", "base_url": provider.openai_url, "service": "shop"}
    content["teach"]["model"] = model | {"price": PRICE, "mode": "batch"}
    folder = build(tmp_path / "project", tiny_llama).parent
    return write(folder, content | {"budget_usd": None})


def said(*command: str) -> str:
    done = CliRunner().invoke(app, ["batches", *command], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_what_is_out_is_listed(provider: Provider) -> None:
    assert said() == "no batch is out\n"
    with pytest.raises(Waiting):
        ask(teacher("openai", provider.url), questions(30))
    header, row = said().splitlines()
    assert header.split()[:8] == ["project", "stage", "service", "model", "state", "rows", "done", "age"]
    most = f"{Ledger().spent('shop') / 1e9:.4f}"
    assert row.split() == ["shop", "teach", "shop", "m", "submitted", "30", "0", "0.0", "h", "-", f"${most}"]
    assert said("--project", "another") == "no batch is out\n"


def test_a_cancelled_batch_is_taken_in_as_far_as_it_is_answered(provider: Provider, project: Path) -> None:
    with pytest.raises(Waiting):
        ask(teacher("openai", provider.url), questions(60), hand("small"))
    provider.clock.move(2 * HOUR)
    assert said("cancel", str(project)).splitlines()[-1] == "no batch is out"
    assert len(list(Ledger().lines())) == 30
    provider.behaviour = Behaviour()
    with pytest.raises(Waiting, match="1 batch with 30 requests"):
        ask(teacher("openai", provider.url), questions(60), hand("small"))
    assert len(texts(ask(teacher("openai", provider.url), questions(60), hand("small")))) == 60


def test_a_cancellation_that_does_not_reach_the_service_is_an_error(provider: Provider, project: Path) -> None:
    with provider_thread(Behaviour(batch_seconds=HOUR)) as gone:
        at = gone.openai_url
        with pytest.raises(Waiting):
            ask(teacher("openai", gone.url), questions(3), hand("small"))
    project.write_text(project.read_text().replace(provider.openai_url, at))
    done = CliRunner().invoke(app, ["batches", "cancel", str(project)])
    assert done.exit_code == 1
    assert "shop was not told to cancel batch" in done.output
    assert "The batch goes on: cancel again later." in done.output
