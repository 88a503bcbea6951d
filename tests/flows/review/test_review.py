"""Rows out to people and their decisions back, through the command, on the small project."""

import json
import logging
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.evidence.funnel import spoken
from flows.planning.plan import done, plan
from flows.project import Project, load
from flows.review.decisions import decisions
from flows.review.doubts import Question, ask
from flows.review.sheet import COLUMNS, read_sheet, write_sheet
from tasks.artifacts import Made
from tasks.evidence import Evidence, GoneReview
from tasks.filter import Filtered, filter, read_gold, sift
from tasks.people import reviews_by_id
from tasks.reviews import Review, Reviews
from tasks.rows import Dropped, Kept, Output
from tasks.rules import NearDuplicate, Standard
from tasks.sample import sample
from tasks.scorers import Length
from tasks.split import HeldBefore, SplitRows, split
from tasks.store import Store
from tasks.teach import teach
from tests.conftest import ROOT
from tests.flows.review.spreadsheets import SAVES, opened
from tests.flows.small_project import LENGTH, Finished, run, settings, write, write_lines

pytestmark = pytest.mark.usefixtures("prefect_server")
AFTER_FILTER = ["filter", "split", "train", "evaluate", "promote"]
MADE = Made(stage="fixed", version="1", config={}, parents={})
ANSWER = '{"intent": "abuse", "action": "none", "reply": "No. – Fern"}'


@pytest.fixture
def project(finished: Finished, store_root: Path, tmp_path: Path) -> Path:
    """A copy of the small project, beside a copy of all that its run left."""
    shutil.copytree(finished.store, store_root)
    return shutil.copytree(finished.project.parent, tmp_path / "project") / finished.project.name


@pytest.fixture
def ran(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "stillhouse")
    return caplog


def stillhouse(*arguments: object, fails: bool = False) -> str:
    ended = CliRunner().invoke(app, ["review", *(str(each) for each in arguments)])
    assert ended.exit_code == fails, ended.output
    return ended.output


def worked(ran: pytest.LogCaptureFixture) -> list[str]:
    """The stages that were not cached, in their order."""
    said = [record.__dict__ for record in ran.records if "finished" in record.__dict__]
    return [fields["finished"] for fields in said if not fields["cached"]]


def evidence(folder: Path) -> Evidence:
    return Evidence.model_validate_json((folder / "evidence.json").read_text())


def kept(project: Path) -> dict[str, Kept]:
    filtered = done(load(project))["filter"]
    assert isinstance(filtered, Filtered)
    return {row["id"]: row for row in Store().read_rows(filtered.kept)}


def dropped(project: Path) -> dict[str, Dropped]:
    filtered = done(load(project))["filter"]
    assert isinstance(filtered, Filtered)
    return {row["id"]: row for row in Store().read_rows(filtered.dropped)}


def decide(sheet: Path, decided: dict[str, tuple[str, str]], how: str = "excel csv utf-8") -> None:
    """Write decisions and corrections beside the ids, and save as a spreadsheet does."""
    header, *rows = opened(sheet)
    for row in rows:
        decision, correction = decided.get(row[0], ("", ""))
        row[header.index("decision")], row[header.index("correction")] = decision, correction
        row[header.index("note")] = f"about {row[0]}" if decision else ""
    sheet.write_bytes(SAVES[how]([header, *rows]))


def ids(sheet: Path) -> list[str]:
    return [row[0] for row in opened(sheet)[1:]]


def test_decisions_come_back_and_win_over_teacher_and_rules_in_every_later_run(
    project: Path, ran: pytest.LogCaptureFixture, tmp_path: Path, tiny_llama: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    said = stillhouse("export", project, "--to", sheet)
    assert f"rows in {sheet}: " in said
    was_dropped = [id for id in ids(sheet) if dropped(project).get(id, {}).get("reason") == "length"]
    was_kept = [id for id in ids(sheet) if id in kept(project)]
    assert set(was_kept) == {id for id, row in kept(project).items() if not row["approved"]}
    approved, vetoed, corrected = was_dropped[0], was_kept[0], was_kept[1:21]
    shown = {row[0]: row[COLUMNS.index("answer")] for row in opened(sheet)}
    decided = {approved: ("approve", ""), vetoed: ("Veto", "")} | dict.fromkeys(corrected, ("correct", ANSWER))
    decide(sheet, decided)
    said = stillhouse("import", project, sheet)
    left = len(ids(sheet)) - len(decided)
    assert all(f"{count}" in said for count in ("1 approved", "20 corrected", "1 vetoed", f"{left} undecided"))
    assert [each.stage for each in plan(load(project)) if not each.cached] == AFTER_FILTER

    folder = run(project)
    assert worked(ran) == AFTER_FILTER
    assert {id: kept(project)[id]["completion"] for id in corrected} == dict.fromkeys(corrected, ANSWER)
    assert kept(project)[approved]["completion"] == shown[approved]
    assert (dropped(project)[vetoed]["reason"], dropped(project)[vetoed]["evidence"]) == ("vetoed", f"about {vetoed}")
    people = evidence(folder).people
    assert (people.approved, people.corrected, people.vetoed, people.gone) == (1, 20, 1, [])
    parts = done(load(project))["split"]
    assert isinstance(parts, SplitRows)
    trained = {row["id"]: row for row in Store().read_rows(parts.train)}
    assert any(id in trained and trained[id]["approved"] for id in corrected)

    ran.clear()
    strict = [{"rule": "answered"}, {"rule": "standard", "scorer": LENGTH | {"at_most": 12}}]
    given = settings(tiny_llama)
    write(project.parent, given | {"filter": given["filter"] | {"rules": strict}})
    for name in ("inputs.jsonl", "gold.jsonl"):
        lines = [json.loads(line) for line in (project.parent / name).read_text().splitlines()]
        renamed = [line | {"id": f"new-{line['id']}"} | ({"group": ""} if "group" in line else {}) for line in lines]
        write_lines(project.parent / name, [json.dumps(line) for line in reversed(renamed)])
    run(project)
    assert "teach" in worked(ran)
    now = kept(project)
    assert {id: now[f"new-{id}"]["completion"] for id in corrected} == dict.fromkeys(corrected, ANSWER)
    assert now[f"new-{approved}"]["completion"] == shown[approved]
    assert dropped(project)[f"new-{vetoed}"]["reason"] == "vetoed"


def test_a_correction_whose_row_is_gone_is_told_by_the_import_by_the_run_and_by_the_evidence(
    project: Path, ran: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    stillhouse("export", project, "--to", sheet)
    gone, here = [id for id in ids(sheet) if id in kept(project)][:2]
    inputs = project.parent / "inputs.jsonl"
    lines = inputs.read_text().splitlines()
    write_lines(inputs, [line for line in lines if json.loads(line)["id"] != gone])
    decide(sheet, {gone: ("correct", ANSWER), here: ("correct", ANSWER)}, "excel unicode text")
    assert f"rows that are gone, kept for when they come back: {gone}" in stillhouse("import", project, sheet)
    folder = run(project)
    assert evidence(folder).people.gone == [GoneReview(id=gone, decision="correct")]
    [line] = [record.getMessage() for record in ran.records if record.getMessage().startswith("filter: ")]
    assert line.endswith(f"; reviews of rows that are gone (1): correct {gone}")
    assert f"correct <bdi>{gone}</bdi>" in (folder / "report.html").read_text()
    write_lines(inputs, lines)
    run(project)
    assert kept(project)[gone]["completion"] == ANSWER


def test_the_same_sheet_twice_changes_nothing_and_reviewed_rows_are_not_asked_again(
    project: Path, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    stillhouse("export", project, "--to", sheet, "--rows", 10)
    assert len(ids(sheet)) == 10
    decide(sheet, dict.fromkeys(ids(sheet), ("veto", "")), "google sheets")
    assert "10 rows in: 10 vetoed" in stillhouse("import", project, sheet)
    before = Reviews().reviewed("small")
    assert "10 rows in: 10 unchanged" in stillhouse("import", project, sheet)
    assert Reviews().reviewed("small") == before
    run(project)
    said = stillhouse("export", project, "--to", tmp_path / "next.csv", "--rows", 10)
    assert "10 were reviewed before" in said
    assert not set(ids(sheet)) & set(ids(tmp_path / "next.csv"))


def test_a_sheet_with_one_wrong_row_is_refused_whole(project: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    stillhouse("export", project, "--to", sheet)
    wrong = ids(sheet)[3]
    decide(sheet, dict.fromkeys(ids(sheet), ("veto", "")) | {wrong: ("maybe", "")}, "libreoffice")
    said = stillhouse("import", project, sheet, fails=True)
    assert "nothing was taken in. row 5, column `decision`: 'maybe' is none of approve, correct, veto" in said
    assert Reviews().latest("small") == {}


def test_an_export_overwrites_nothing_and_asks_for_a_run_where_there_was_none(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there.csv").write_text("a person's decisions")
    assert "is there already" in stillhouse("export", project, "--to", tmp_path / "there.csv", fails=True)
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "empty"))
    said = stillhouse("export", project, "--to", tmp_path / "new.csv", fails=True)
    assert "small: its filter has not run as it stands now. Run it: stillhouse run" in said
    assert not (tmp_path / "new.csv").exists()


CORRECTIONS = [
    '{"intent": "abuse", "reply": "one, two; \\"three\\""}',
    "=1+1",
    '\'=HYPERLINK("http://x")',
    "-5 degrees\n+ rain\n@ noon",
    "\tindented",
    "naïve – “quoted” 日本 👍🏽\nsecond line\n\nfourth",
    "x" * 32_000,
    "007",
    "שלום \u202eabc",
]


class Example(NamedTuple):
    """The example's outputs and gold answers, and 200 of its rows as people are asked about them."""

    project: Project
    rows: list[Output]
    gold: dict[str, str]
    questions: list[Question]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STILLHOUSE_STORE", str(tmp_path_factory.mktemp("example")))
        project = load(ROOT / "deployments" / "support.yaml")
        taught = teach.fn(project.teach, sample.fn(project.sample).inputs, project.budget("test"))
        rows: list[Output] = list(Store().read_rows(taught.outputs))
    gold = read_gold(project.filter)
    sifted = sift(rows, project.filter.rules, gold)
    return Example(project, rows, gold, ask(sifted.kept, sifted.dropped, set(), 200).questions)


@pytest.mark.parametrize("how", [name for name in SAVES if name != "excel csv"])
def test_200_corrections_survive_the_spreadsheet_and_other_filter_settings(
    how: str, example: Example, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.csv"
    write_sheet(sheet, [each.cells() for each in example.questions])
    header, *rows = opened(sheet)
    wanted = {row[0]: f"{CORRECTIONS[at % len(CORRECTIONS)]}{at}" for at, row in enumerate(rows)}
    for row in rows:
        row[header.index("decision")], row[header.index("correction")] = "correct", wanted[row[0]]
    moved = [header.index(name) for name in sorted(header)]
    sheet.write_bytes(SAVES[how]([[row[at] for at in moved] for row in [header, *reversed(rows)]]))
    shown = {each.shown.key: each.shown for each in example.questions}
    said = {each.key: spoken(each.row) for each in example.questions}
    decided = decisions(sheet, read_sheet(sheet), shown, {}, said)
    assert decided.outcomes == {"corrected": 200}
    Reviews().add("support", decided.new, "ann")
    reviews = reviews_by_id(example.rows, Reviews().latest("support"))
    expected = {id: text.removeprefix("'") for id, text in wanted.items()}  # which neutralises what begins with =
    rules = example.project.filter.rules
    for others in (rules[:-1], rules[:2], rules[-2::-1]):
        now = {row["id"]: row for row in sift(example.rows, others, example.gold, reviews).kept}
        assert {id: now[id]["completion"] for id in wanted} == expected
        assert all(now[id]["approved"] for id in wanted)


def test_200_corrections_win_in_every_run_of_filter_and_split_and_the_one_without_a_row_is_told(
    example: Example,
) -> None:
    wanted = {each.row["id"]: json.dumps({"reply": f"Corrected: {each.row['id']}"}) for each in example.questions}
    corrected = [
        Review(each.key, each.row["id"], "correct", wanted[each.row["id"]], "", False) for each in example.questions
    ]
    Reviews().add("support", corrected, "ann")
    gone = example.questions[0].row["id"]
    outputs = Store().write_rows([row for row in example.rows if row["id"] != gone], Output, MADE)
    length = Standard(rule="standard", scorer=Length(scorer="words", field="reply", at_most=12))
    for rules in (example.project.filter.rules, [length, NearDuplicate(rule="near_duplicate", similarity=0.3)]):
        config = example.project.filter.model_copy(update={"rules": rules})
        filtered = filter.fn(config, outputs, example.project.budget("test"), Reviews().reviewed("support"))
        now = {row["id"]: row for row in Store().read_rows(filtered.kept)}
        assert all(now[id]["completion"] == text for id, text in wanted.items() if id != gone)
        assert filtered.people.gone == [GoneReview(id=gone, decision="correct")]
        parts = split.fn(example.project.split, filtered.kept, HeldBefore(project="support"))
        learned = {row["id"]: row for row in Store().read_rows(parts.train)}
        assert all(learned[id]["completion"] == text for id, text in wanted.items() if id in learned)
        assert len(learned.keys() & wanted.keys()) > 150
