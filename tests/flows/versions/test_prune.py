"""What prune takes away and what never: random stores, and a real one of two projects with several versions."""

import json
import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows.cli import app
from flows.evidence.runs import runs_folder, under_way
from flows.versions.kept import kept, reached
from flows.versions.prune import Removal, plan, remove
from tasks.artifacts import Dataset, Made, Student
from tasks.errors import StoreError
from tasks.gathered import Gathering
from tasks.manifest import MANIFEST
from tasks.monitoring import Audit, Audits, Judged
from tasks.processes import at_work
from tasks.registry import Approvals, Registry
from tasks.rows import Input
from tasks.store import Store
from tests.bucket import Bucket
from tests.flows.small_project import Finished, run, write
from tests.tasks.students import student
from tests.tasks.toys import an_input

TWO_DAYS = 2 * 24 * 3600
PROJECTS = ("shop", "desk")
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # where a database need not wait for a disk


def grow_old(store: Path) -> None:
    """As if all that the store holds had been made two days before."""
    for manifest in store.glob(f"*/*/{MANIFEST}"):
        content = json.loads(manifest.read_text())
        for file in content["files"]:
            file["modified_ns"] -= TWO_DAYS * 10**9
        manifest.write_text(json.dumps(content))
    for path in [store, *store.rglob("*")]:
        status = path.stat()
        os.utime(path, (status.st_atime - TWO_DAYS, status.st_mtime - TWO_DAYS))
    with sqlite3.connect(store / "registry.sqlite") as database:
        database.execute(f"UPDATE versions SET entered_at = entered_at - {TWO_DAYS}")
    database.close()


def said(*arguments: object, fails: bool = False) -> str:
    ended = CliRunner().invoke(app, [str(each) for each in arguments])
    assert bool(ended.exit_code) == fails, ended.output
    assert ended.exit_code in (0, 1)
    return ended.output


def pruned(keep: int, project: str | None = None) -> list[Removal]:
    return list(remove(plan(keep, project).removals))


def make(name: str, parents: set[str], is_student: bool) -> None:
    """An artefact of that name."""
    kind = Student if is_student else Dataset
    made = Made(stage="s", version="1", config={}, parents={parent: parent for parent in parents})
    folder = Store().root / kind.folder / name
    folder.mkdir(parents=True)
    (folder / "content").write_text(name)
    (folder / MANIFEST).write_text(json.dumps({"handle": {}, "made": made.model_dump(), "files": []}))


class Drawn(NamedTuple):
    """A store to be: artefacts with what they were made from, versions in order, what was held out, what is fresh."""

    artefacts: dict[str, tuple[set[str], bool]]
    versions: list[tuple[str, str, str, set[str]]]
    held_out: dict[str, set[str]]
    fresh: set[str]


@st.composite
def stores(draw: st.DrawFn) -> Drawn:
    names = [f"{number:064x}" for number in range(draw(st.integers(4, 14)))]
    artefacts: dict[str, tuple[set[str], bool]] = {}
    for position, name in enumerate(names):
        above = st.sets(st.sampled_from(names[:position]), max_size=3) if position else st.just(set[str]())
        artefacts[name] = draw(above), draw(st.booleans())
    students = [name for name, (_, is_student) in artefacts.items() if is_student]
    some = st.sets(st.sampled_from(names), max_size=3)
    judged = st.tuples(
        st.sampled_from(PROJECTS), st.sampled_from(students or [names[0]]), st.sampled_from(["promote", "reject"]), some
    )
    versions = draw(st.lists(judged, max_size=8, unique_by=lambda each: each[:2])) if students else []
    data = st.sets(st.sampled_from([name for name in names if name not in students] or [names[0]]), max_size=2)
    return Drawn(artefacts, versions, {project: draw(data) for project in PROJECTS}, draw(some))


def fill(drawn: Drawn) -> None:
    for name, (parents, is_student) in drawn.artefacts.items():
        make(name, parents, is_student)
    registry = Registry()
    for project, name, verdict, evidence in drawn.versions:
        registry.enter(project, Student(fingerprint=name), registry.champion(project), verdict)
        [number] = [each.version for each in registry.history(project) if each.student.fingerprint == name]
        page = runs_folder(project) / f"v{number}-0a" / "evidence.json"
        page.parent.mkdir(parents=True)
        page.write_text(json.dumps({"made": sorted(evidence)}))
    for project, held in drawn.held_out.items():
        registry.hold_out(project, "split", [Dataset(fingerprint=name, rows=1) for name in held])
    grow_old(Store().root)
    for name in drawn.fresh:
        for path in Store().root.glob(f"*/{name}"):
            os.utime(path)


def there() -> set[str]:
    return {path.name for kind in (Dataset, Student) for path in (Store().root / kind.folder).glob("*")}


@settings(max_examples=25)
@given(stores(), st.integers(1, 3), st.sampled_from([None, *PROJECTS]))
def test_nothing_that_stays_stands_on_anything_that_went(drawn: Drawn, keep: int, project: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, pytest.MonkeyPatch.context() as patched:
        patched.setenv("STILLHOUSE_STORE", folder)
        fill(drawn)
        project = project if project in Registry().projects() else None
        needs = {name: parents for name, (parents, _) in drawn.artefacts.items()}
        before = {each: kept(each, keep, time.time() - TWO_DAYS / 2) for each in PROJECTS}
        pruned(keep, project)
        staying = there()
        assert staying == reached(needs, staying)
        assert staying >= drawn.fresh | drawn.held_out["shop"] | drawn.held_out["desk"]
        for each in PROJECTS:
            registry = Registry()
            untouched = project is not None and each != project
            entries = registry.history(each)
            stay = {e.student.fingerprint for e in entries if untouched or e.version in before[each].versions}
            assert staying >= stay | {e.student.fingerprint for e in entries[-keep:]}
            champions = [champion.fingerprint for champion in registry.champions(each)]
            assert staying >= {*champions[-1 - keep :]}
            for own, name, _, evidence in drawn.versions:
                if own == each and name in stay:
                    assert staying >= evidence
        assert pruned(keep, project) == []


def entered(*verdicts: str) -> None:
    for number, verdict in enumerate(verdicts, 1):
        registry = Registry()
        registry.enter("shop", student(number), registry.rival("shop", student(number)), verdict)


def test_what_is_kept_is_told_with_why_and_a_rollback_to_what_went_is_refused() -> None:
    entered("promote", "promote", "promote", "reject", "promote", "inconclusive", "reject")
    Registry().enter("shop", student(8), student(5), "promote", waits=True)
    Approvals().ask("shop", student(8), 60)
    grow_old(Store().root)
    planned = plan(keep=1)
    assert planned.kept["shop"].versions == {3: "a rollback returns to it", 5: "on stage", 8: "waits for approval"}
    assert there() == {f"{number:064x}" for number in range(1, 9)}
    list(remove(planned.removals))
    assert there() == {f"{number:064x}" for number in (2, 3, 5, 8)}  # the third was judged against the second
    with pytest.raises(StoreError, match=r"version 1 is not whole in .* \(pruned, or damaged\)"):
        Registry().rollback("shop", 1)
    assert [each.version for each in Registry().history("shop")] == [*range(1, 9)]
    assert Registry().rollback("shop") == Student(fingerprint=f"{3:064x}")


def test_what_a_run_that_is_under_way_used_stays_however_long_it_takes() -> None:
    entered("reject", "reject")
    grow_old(Store().root)
    with at_work(under_way()):
        [marker] = under_way().glob("*")
        os.utime(marker, (1, 1))
        assert pruned(keep=1) == []
    assert [each.what for each in pruned(keep=1)] == ["student 000000000000, shop version 1"]


def test_checkpoints_stay_for_a_day_and_while_their_process_lives() -> None:
    entered("reject")
    store = Store()
    with store.unfinished("killed") as folder:
        assert folder
        shutil.copytree(folder, store.root / "unfinished" / "left")
        shutil.copytree(folder, store.root / "unfinished" / "young")
        for other in ("left", "young"):
            (store.root / "unfinished" / other / "step.json").write_text("{}")
        grow_old(store.root)
        os.utime(store.root / "unfinished" / "young" / "step.json")
        assert [each.path.name for each in pruned(keep=1)] == ["left"]


def test_what_was_used_since_it_was_planned_stays_with_all_that_was_to_follow() -> None:
    entered("reject", "reject", "reject")
    grow_old(Store().root)
    planned = plan(keep=1).removals
    os.utime(planned[1].path)
    with pytest.raises(StoreError, match="was used by now, so it stays"):
        list(remove(planned))
    assert not planned[0].path.exists()
    assert planned[1].path.exists()


def test_what_was_gathered_and_what_audits_found_stays() -> None:
    make("0" * 64, set(), is_student=False)
    audit = Audit(1.0, 0.02, {"all": 1}, [], [Judged("a", "all", "a", "all", {"exact": 1.0}, {})])
    Registry().projects()
    Gathering().add("shop", [an_input("a")])
    Audits().add("shop", Student(fingerprint="1" * 64), audit)
    grow_old(Store().root)
    gathered = Gathering().rows("shop")
    assert [each.what for each in pruned(keep=1)] == ["data sets"]
    assert Gathering().rows("shop") == gathered != []
    assert Audits().of("shop", Student(fingerprint="1" * 64)) == [audit]


def test_a_prune_of_a_host_that_shares_objects_leaves_those_and_says_so(bucket: Bucket) -> None:
    bucket.host("one")
    dataset = Store().write_rows([an_input("a")], Input, Made(stage="s", version="1", config={}, parents={}))
    Store().share(dataset)
    Registry().projects()
    grow_old(Store().root)
    planned = plan(keep=1)
    assert any("on this host alone" in line for line in planned.lines())
    assert [each.what for each in remove(planned.removals)] == ["data sets"]
    assert not Store().path(dataset).exists()
    assert Store().intact(dataset)


def test_a_prune_that_was_killed_left_nothing_in_part_and_the_next_one_clears_it_away() -> None:
    entered("reject", "reject")
    grow_old(Store().root)
    going = Store().path(Student(fingerprint=f"{1:064x}"))
    going.rename(going.with_name(f".removing-{going.name}"))  # as far as it came
    assert [(each.what, each.path.parent.name) for each in pruned(keep=1)] == [
        ("what an earlier prune left", "students")
    ]
    assert there() == {f"{2:064x}"}


def of_seed(project: Path, seed: int, name: str = "small") -> Path:
    """The project with another name, whose training draws other batches, and whose gate lets nobody pass."""
    content = yaml.safe_load(project.read_text())
    content["name"] = name
    content["train"]["seed"] = seed
    content["promote"]["rules"] = [{"metric": "intent", "at_least": 1.0}]
    return write(project.parent, content)


def test_after_a_prune_what_is_kept_is_whole_and_cached_and_the_rest_is_history(
    finished: Finished, store_root: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished.store, store_root)
    project = Path(shutil.copytree(finished.project.parent, tmp_path / "project")) / finished.project.name
    for seed in (2, 3):
        run(of_seed(project, seed))
    other = of_seed(Path(shutil.copytree(project.parent, tmp_path / "other")) / project.name, 1, "other")
    run(other)
    last = of_seed(project, 4)
    run(last)
    for number in (3, 4):
        Registry().promote("small", number, "ada", "better still")
    run(last)  # compared with the third by now
    students = [entry.student.fingerprint for entry in Registry().history("small")]
    assert [entry.student.fingerprint for entry in Registry().history("other")] == students[:1]  # same rows, same seed
    assert "there is nothing to remove" in said("prune", "--keep", 1)
    grow_old(store_root)
    told = said("prune", last, "--keep", 1)
    assert "small: of its versions stay v3 (a rollback returns to it), v4 (on stage)" in told
    assert f"student {students[1][:12]}, small version 2" in told
    assert "nothing was removed; --yes removes it" in told
    assert there() >= {*students}
    said("prune", last, "--keep", 1, "--yes")
    assert there() & {*students} == {*students} - {students[1]}
    said("prune", "--keep", 1, "--yes")
    assert said("history", last).count("(removed)") == 1
    assert "is damaged or gone" in said("promote", last, 2, "--reason", "missed", fails=True)
    for each in (other, last):
        assert "would run" not in said("plan", each)
        run(each)
    for number in (3, 4):
        said("lineage", last, number, "--rows", tmp_path / "rows.jsonl")
        said("report", last, "--version", number)
    assert "it was pruned" in said("report", last, "--version", 2, fails=True)
    said("compare", last, 3, 4)
    said("lineage", other, 1, "--rows", tmp_path / "rows.jsonl")
    assert students[2][:12] in said("rollback", last)
