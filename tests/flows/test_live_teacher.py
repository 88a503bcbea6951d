"""The whole pipeline with a teacher that is asked over the network and paid for."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL
from typer.testing import CliRunner

from flows.cli import app
from flows.planning.plan import plan
from flows.project import check, load
from tasks.errors import BudgetSpent, ModelUnavailable, ProjectError
from tasks.models import Ledger
from tasks.models.tables import USES
from tests.flows.small_project import build, run, settings, write
from tests.provider import Behaviour, Provider, provider_thread

SCHEMA = {
    "type": "object",
    "properties": {"intent": {"type": "string", "enum": ["order_status"]}, "reply": {"type": "string"}},
    "required": ["intent", "reply"],
    "additionalProperties": False,
}
KEY = "sk-proj-nobody-may-see-this-4711"
ROWS = 60


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_thread(Behaviour(latency_seconds=0.01)) as serving:
        yield serving


@pytest.fixture
def project(provider: Provider, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small project, its teacher a service that wants a key."""
    monkeypatch.setenv("SHOP_KEY", KEY)
    folder = build(tmp_path / "project", tiny_llama).parent
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    return changed(folder, tiny_llama, provider)


def changed(
    folder: Path,
    tiny_llama: Path,
    provider: Provider,
    teach: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    **top: Any,
) -> Path:
    content = settings(tiny_llama)
    asked = {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "base_url": provider.openai_url,
        "api_key_env": "SHOP_KEY",
        "price": {"input_usd": 100, "output_usd": 100},
    }
    content["teach"] |= {"model": asked | (model or {}), "output_schema": "schema.json"} | (teach or {})
    return write(folder, content | {"budget_usd": 50} | top)


def test_a_run_asks_every_row_once_and_a_second_one_nothing(
    prefect_server: None, project: Path, provider: Provider
) -> None:
    planned = {each.stage: each.words for each in plan(load(project))}["teach"]
    assert f"{ROWS} of {ROWS} requests to ask" in planned
    assert "$0.00 of budget_usd $50.00 spent" in planned
    run(project)
    assert len(provider.asked) == ROWS
    run(project)
    assert len(provider.asked) == ROWS
    bought = Ledger().costs("small")
    assert [(cost.stage, cost.answers) for cost in bought] == [("teach", ROWS)]


def test_neither_a_price_nor_an_address_nor_a_pace_makes_a_stage_run_again(
    prefect_server: None, project: Path, tiny_llama: Path
) -> None:
    run(project)
    content = yaml.safe_load(project.read_text())
    content["teach"]["model"] |= {"price": {"input_usd": 1, "output_usd": 2}, "pace": {"max_in_flight": 3}}
    content["teach"]["model"] |= {"base_url": "http://127.0.0.1:9/elsewhere"}
    write(project.parent, content | {"budget_usd": None})
    assert all(each.cached for each in plan(load(project)))
    content["teach"]["model"] |= {"service": "another"}
    write(project.parent, content)
    assert [each.stage for each in plan(load(project)) if each.cached] == ["sample"]


def test_the_cap_stops_the_stage_and_a_raised_one_goes_on(
    prefect_server: None, project: Path, provider: Provider, tiny_llama: Path
) -> None:
    changed(project.parent, tiny_llama, provider, budget_usd=0.1)
    with pytest.raises(BudgetSpent, match="requests are left"):
        run(project)
    bought = len(provider.asked)
    assert 0 < bought < ROWS
    changed(project.parent, tiny_llama, provider, budget_usd=50)
    run(project)
    assert len(provider.asked) == ROWS


def test_several_samples_are_sifted_to_one_answer_a_row(
    prefect_server: None, project: Path, provider: Provider, tiny_llama: Path
) -> None:
    changed(project.parent, tiny_llama, provider, teach={"samples": 3})
    folder = run(project)
    assert len(provider.asked) == 3 * ROWS
    stages = {each["stage"]: each for each in json.loads((folder / "evidence.json").read_text())["stages"]}
    assert stages["teach"]["rows_in"] == 3 * ROWS
    assert stages["filter"]["outcomes"]["other_answer"] == 2 * ROWS


def test_the_key_is_in_nothing_that_a_run_writes_says_or_raises(
    prefect_server: None,
    project: Path,
    provider: Provider,
    tmp_path: Path,
    store_root: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(0)
    run(project)
    provider.behaviour = Behaviour(api_keys=["another"])  # its refusal echoes the whole key
    content = yaml.safe_load(project.read_text())
    content["teach"]["max_output_tokens"] = 51
    with pytest.raises(ModelUnavailable, match="Set a valid key in SHOP_KEY") as caught:
        run(write(project.parent, content))
    url: Any = PREFECT_API_DATABASE_CONNECTION_URL.value()
    database = sa.make_url(getattr(url, "get_secret_value", lambda: url)()).database
    with sqlite3.connect(str(database)) as prefect:
        kept = "\n".join(prefect.iterdump())
    prefect.close()
    told = capsys.readouterr()
    assert "SHOP_KEY" in str(caught.value)
    assert not any(KEY in said for said in (kept, caplog.text, told.out, told.err, repr(caught.value)))
    written = [path for root in (store_root, tmp_path) for path in root.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in written)


@pytest.mark.parametrize(
    ("top", "model", "says"),
    [
        ({}, {"api_key_env": "NO_SUCH_KEY"}, "NO_SUCH_KEY is not set"),
        ({}, {"price": None}, "no price is listed for gpt-4o-mini at 127.0.0.1"),
        ({"budget_usd": -1}, {}, "budget_usd"),
        ({}, {"modell": "x"}, "modell"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_asked(
    project: Path, provider: Provider, top: dict[str, Any], model: dict[str, Any], says: str
) -> None:
    content = yaml.safe_load(project.read_text()) | top
    content["teach"]["model"] |= model
    with pytest.raises((ProjectError, ModelUnavailable), match=says):
        check(load(write(project.parent, content)))
    assert provider.asked == []


def test_a_paid_teacher_needs_a_budget_or_a_word_that_there_is_none(project: Path) -> None:
    content = yaml.safe_load(project.read_text())
    del content["budget_usd"]
    with pytest.raises(ProjectError, match="budget_usd: required"):
        check(load(write(project.parent, content)))
    content["teach"]["model"].pop("price")
    check(load(write(project.parent, content | {"budget_usd": None})))


def test_the_ledgers_commands_tell_and_forget(prefect_server: None, project: Path, tmp_path: Path) -> None:
    run(project)
    ask = CliRunner()
    costs = ask.invoke(app, ["ledger", "costs"])
    assert costs.exit_code == 0
    assert "gpt-4o-mini-2026-01-01" in costs.output
    exported = ask.invoke(app, ["ledger", "export", "--project", "small"]).output
    assert len(exported.splitlines()) > ROWS
    (tmp_path / "export.jsonl").write_text(exported)
    forgotten = ask.invoke(app, ["ledger", "forget", "--project", "small", "--row", _row()]).output
    assert "answers are forgotten" in forgotten
    taken = ask.invoke(app, ["ledger", "import", str(tmp_path / "export.jsonl")])
    assert taken.output.split()[0] == forgotten.split()[0] != "0"


def _row() -> str:
    with Ledger().database.read() as connection:
        return connection.execute(sa.select(USES.c.row).order_by(USES.c.row).limit(1)).scalar_one()
