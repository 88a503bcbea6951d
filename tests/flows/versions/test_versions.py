import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.naming import named
from tasks.artifacts import Dataset
from tasks.errors import ProjectError
from tasks.registry import Approvals, Registry
from tasks.store import Store
from tests.flows.small_project import Finished
from tests.flows.test_cli import HEAVY, loaded_by
from tests.tasks.students import student

HOLDOUT = Dataset(fingerprint="f" * 64, rows=142)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose stages are not to be looked at."""
    path = tmp_path / "shop.yaml"
    path.write_text("name: shop\nsample: {inputs: 'http://127.0.0.1:9/none.jsonl'}\n")
    return path


def said(*arguments: object) -> str:
    ended = CliRunner().invoke(app, [str(each) for each in arguments])
    assert ended.exit_code == 0, ended.output
    return ended.output


def refused(*arguments: object) -> str:
    ended = CliRunner().invoke(app, [str(each) for each in arguments])
    assert ended.exit_code == 1
    return ended.stderr


def enter(*verdicts: str) -> None:
    for number, verdict in enumerate(verdicts, 1):
        registry = Registry()
        registry.enter("shop", student(number), registry.rival("shop", student(number)), verdict, HOLDOUT)


def test_the_history_tells_versions_and_moves(project: Path) -> None:
    enter("promote", "inconclusive")
    said("promote", project, 2, "--reason", "the rule asked too much")
    lines = said("history", project).splitlines()
    assert lines[1].split()[0] == "v1"
    assert "142 rows" in lines[1]
    assert "on stage" in lines[2]
    assert lines[3].endswith("promoted: nobody -> v1")
    assert "promoted by hand by " in lines[4]
    assert lines[4].endswith("v1 -> v2 (the rule asked too much)")


def test_promote_and_rollback_go_by_the_registry_alone(project: Path) -> None:
    enter("promote", "promote", "reject")
    assert "its verdict was reject. Say why" in refused("promote", project, 3)
    assert "shop has no version 9" in refused("promote", project, 9)
    assert student(1).fingerprint[:12] in said("rollback", project)
    assert "version 2 was not on stage before this one" in refused("rollback", project, "--to", 2)
    assert "version 2" in said("promote", project, 2)
    assert "on stage" in said("rollback", project, "--to", 1)
    assert Registry().champion("shop") == student(1)


def test_what_a_rollback_passed_over_is_told(project: Path) -> None:
    enter("promote", "promote", "promote")
    shutil.rmtree(Store().path(student(2)))
    assert "passed over" in said("rollback", project)


def wait_for_approval(number: int, seconds: float = 60) -> None:
    registry = Registry()
    registry.enter("shop", student(number), registry.champion("shop"), "promote", HOLDOUT, waits=True)
    Approvals().ask("shop", student(number), seconds)


def test_approve_and_reject_decide_on_the_version_that_waits(project: Path) -> None:
    assert "no version waits for approval" in refused("approve", project)
    wait_for_approval(1)
    assert "waits" in said("history", project)
    assert "it is on stage" in said("approve", project, "--note", "read twenty answers")
    wait_for_approval(2)
    wait_for_approval(3)
    assert "versions [2, 3] wait; name one by --version" in refused("reject", project)
    assert "version 3: rejected" in said("reject", project, "--version", 3)
    assert "it is not on stage" in said("reject", project)
    assert "read twenty answers" in said("history", project)


@pytest.mark.parametrize("command", [["history"], ["rollback"], ["promote", "1"], ["approve"]])
def test_what_is_done_in_a_hurry_loads_nothing_heavy(project: Path, command: list[str]) -> None:
    enter("promote", "reject", "promote")
    arguments = [command[0], str(project), *command[1:]]
    loaded = loaded_by(
        f"from typer.testing import CliRunner; from flows.cli import app; CliRunner().invoke(app, {arguments})"
    )
    assert "sqlalchemy" in loaded
    assert not loaded & (HEAVY | {"httpx", "pyarrow", "mlflow"})


def test_a_rollback_takes_less_than_a_second_of_work_from_the_shell_without_any_network(project: Path) -> None:
    enter("promote", "promote")
    offline = (
        "import socket, sys, time; from flows.cli import app\n"
        "def refuse(*_): raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        f"sys.argv = ['stillhouse', 'rollback', {str(project)!r}]\n"
        "try: app()\nfinally: print(time.process_time(), file=sys.stderr)"
    )
    started = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", offline], capture_output=True, text=True, check=False)
    assert (ended.returncode, Registry().champion("shop")) == (0, student(1)), ended.stderr
    assert float(ended.stderr.splitlines()[-1]) < 1
    assert time.monotonic() - started < 10


def test_a_project_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text("name: a\nname: b\n")
    with pytest.raises(ProjectError, match=r"twice\.yaml: not valid YAML: the key 'name' stands twice"):
        named(tmp_path / "twice.yaml")
    (tmp_path / "nameless.yaml").write_text("sample: {}\n")
    with pytest.raises(ProjectError, match=r"nameless\.yaml: .*name"):
        named(tmp_path / "nameless.yaml")
    (tmp_path / "open.yaml").write_text("name: a\npublish: {mlflow: 'http://ada:secret@host'}\n")
    with pytest.raises(ProjectError, match="no user and password in it"):
        named(tmp_path / "open.yaml")


def test_lineage_names_every_training_row_and_where_its_answer_came_from(
    finished: Finished, store_root: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished.store, store_root)
    rows = tmp_path / "rows.jsonl"
    tree = said("lineage", finished.project, 1, "--rows", rows).splitlines()
    assert tree[0] == "small version 1"
    assert [line.split()[0] for line in tree[1:5]] == ["student", "train", "kept", "outputs"]
    told = [json.loads(line) for line in rows.read_text().splitlines()]
    evidence = json.loads((finished.folder / "evidence.json").read_text())
    assert len(told) == next(each["rows_in"] for each in evidence["stages"] if each["stage"] == "train")
    assert all(each["answer_from"] == "teacher" and each["in_ledger"] for each in told)


def test_comparing_a_version_with_itself_finds_no_difference(finished: Finished, store_root: Path) -> None:
    shutil.copytree(finished.store, store_root)
    compared = json.loads(said("compare", finished.project, 1, 1, "--json"))
    assert compared["changed"] == []
    assert compared["common"] == compared["first"]["holdout_rows"] + sum(
        each["first"]["n"]
        for each in compared["figures"]
        if (each["metric"], each["part"], each["slice"]) == ("intent", "unseen", "all")
    )
    assert {each["difference"]["mean"] for each in compared["figures"]} == {0.0}
    assert "no setting differs" in said("compare", finished.project, 1, 1)
