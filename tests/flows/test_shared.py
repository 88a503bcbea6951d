import logging
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows.distill import distill
from flows.evidence.gathering import rebuild
from flows.evidence.runs import read_evidence, run_folder
from flows.planning.plan import plan
from flows.project import load
from tasks.errors import StoreError
from tasks.models import Request
from tasks.objects import Objects
from tasks.registry import Registry
from tasks.rows import Message
from tasks.store import Store
from tasks.trainers import load_student
from tests.bucket import SECRET, Bucket
from tests.flows.small_project import Finished, run
from tests.flows.test_distill import done, evidence, ran, student
from tests.postgres import Server

__all__ = ["ran"]


@pytest.fixture
def hosts(bucket: Bucket, postgres: Server, monkeypatch: pytest.MonkeyPatch, finished: Finished) -> Bucket:
    """Hosts with a bucket and the databases in common, of which `one` has what the finished run left."""
    where = postgres.new_schema()
    monkeypatch.setenv("STILLHOUSE_LEDGER", where)
    monkeypatch.setenv("STILLHOUSE_REGISTRY", where)
    shutil.copytree(finished.store, bucket.host("one"))
    return bucket


def test_what_one_host_did_another_finds_done_and_its_champion_on_stage(
    hosts: Bucket, finished: Finished, ran: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    first = run(finished.project)
    assert done(ran) == []
    two = hosts.host("two")
    assert [each.cached for each in plan(load(finished.project))] == [True] * 7
    ran.clear()
    second = run(finished.project)
    assert done(ran) == []
    assert second.parent == two / "runs" / "small"
    assert (second / "evidence.json").read_bytes() == (first / "evidence.json").read_bytes()
    [entry] = Registry().history("small")
    assert Registry().champion("small") == entry.student == student(second)
    request = Request(messages=[Message(role="user", content="Where is my tent?")], max_output_tokens=4)
    [[answered]] = load_student(entry.student).model.answer([request])
    assert not answered.answer.error
    Registry().rollback("small")
    hosts.host("one")
    assert Registry().champion("small") is None
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) > 50
    assert not any(SECRET.encode() in file.read_bytes() for file in written)


def test_the_evidence_of_a_run_is_read_where_it_was_not_made(hosts: Bucket, finished: Finished) -> None:
    first = run(finished.project)
    hosts.host("two")
    for folder in (run_folder("small"), run_folder("small", 1)):
        assert folder.name == first.name
        assert read_evidence(folder) == evidence(first)
        assert (folder / "report.html").read_bytes() == (first / "report.html").read_bytes()
    rebuilt = rebuild(run_folder("small"))
    assert run_folder("small") / "report.html" == rebuilt
    with pytest.raises(StoreError, match="small version 9 has no evidence"):
        run_folder("small", 9)


class Away(logging.Handler):
    """Takes the bucket away when something is said for the first time."""

    def __init__(self, hosts: Bucket, said: str) -> None:
        super().__init__()
        self._hosts, self._said, self._stack = hosts, said, ExitStack()
        self._gone = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._gone and record.getMessage().startswith(self._said):
            self._gone = True
            self._stack.enter_context(self._hosts.away())

    def back(self) -> None:
        """The bucket is there again."""
        assert self._gone
        self._stack.close()


def test_a_run_whose_bucket_goes_away_while_it_trains_stops_and_the_next_one_uploads_what_was_made(
    hosts: Bucket, finished: Finished, ran: pytest.LogCaptureFixture
) -> None:
    keys = hosts.host("one") / "keys"
    for trained in keys.glob("train-*"):
        trained.unlink()
    away = Away(hosts, "train: ")
    logging.getLogger("stillhouse").addHandler(away)
    with pytest.raises(StoreError, match="What was made here stays here"):
        run(finished.project)
    logging.getLogger("stillhouse").removeHandler(away)
    away.back()
    objects = Objects(hosts.url)
    assert sorted(name.partition("-")[0] for name in objects.listed("keys")) == ["filter", "sample", "split", "teach"]
    assert objects.listed("students") == {}
    ran.clear()
    run(finished.project)
    assert done(ran) == []
    assert objects.listed("keys").keys() == {file.name for file in keys.iterdir()}
    assert objects.listed("students")


def test_a_student_that_the_bucket_lost_does_not_go_on_stage(hosts: Bucket, finished: Finished) -> None:
    trained = student(run(finished.project))
    Registry().rollback("small")
    Objects(hosts.url).remove(f"students/{trained.fingerprint}/manifest.json")
    assert Store().intact(trained)
    with pytest.raises(StoreError, match="cannot go on stage"):
        Registry().promote("small", 1, "ada", "a reason")
    run(finished.project)
    Registry().promote("small", 1, "ada", "a reason")
    assert Registry().champion("small") == trained


def test_a_bucket_beside_databases_of_one_host_is_refused_before_any_work(
    hosts: Bucket, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STILLHOUSE_REGISTRY")
    root = hosts.host("fresh")
    with pytest.raises(StoreError, match=r"registry\.sqlite is not"):
        distill.fn(finished.project)
    assert not list(root.glob("*"))
