"""Two runs of one project at once, and a disk that fills up: nothing lost, nothing bought twice, one champion."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.errors import StoreError
from tasks.models import Ledger
from tasks.registry import Registry
from tests.flows.small_project import build, run
from tests.flows.test_live_teacher import ROWS, SCHEMA, changed
from tests.mounting import mounted, resize
from tests.provider import Behaviour, Provider, provider_thread

SIZES = ("96k", "200k", "320k", "480k", "40m")
AT_ONCE = 4


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_thread(Behaviour(latency_seconds=0.1)) as serving:
        yield serving


@pytest.fixture
def project(provider: Provider, tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_KEY", "key")
    folder = build(tmp_path / "project", tiny_llama).parent
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    return changed(folder, tiny_llama, provider, model={"pace": {"max_in_flight": AT_ONCE}})


def bought(provider: Provider) -> Counter[str]:
    """How often each request was billed."""
    return Counter(each.digest for each in provider.asked if each.billed)


def test_two_runs_of_one_project_at_once_buy_each_answer_once_and_make_one_champion(
    prefect_server: None, project: Path, provider: Provider
) -> None:
    from prefect.settings import get_current_settings

    environment = os.environ | {"PREFECT_API_URL": str(get_current_settings().api.url)}
    command = [sys.executable, "-m", "flows.cli", "run", str(project), "--json"]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(bought(provider).values()) == [1] * ROWS
    versions = [json.loads(out)["version"] for out, _ in said]
    assert versions == [1, 1]
    assert [entry.version for entry in Registry().history("small")] == [1]
    assert [move.why for move in Registry().moves("small")] == ["promoted"]


def test_a_disk_that_is_full_again_and_again_costs_no_answer_twice(
    prefect_server: None, project: Path, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(tmp_path / "disk", SIZES[0]) as disk:
        monkeypatch.setenv("STILLHOUSE_STORE", str(disk / "store"))
        for size in SIZES[1:]:
            with pytest.raises(StoreError, match=f"{disk}.*(Make room|mend its disk)") as caught:
                run(project)
            assert not list((disk / "store").glob("writing-*"))
            resize(disk, size)
            if "stillhouse ledger import" in str(caught.value):
                rescued = Path(str(caught.value).rpartition(" ")[2])
                Ledger().import_lines(rescued)
                rescued.unlink()
        run(project)
        assert sorted(bought(provider).values()) == [1] * ROWS
        assert [entry.version for entry in Registry().history("small")] == [1]
