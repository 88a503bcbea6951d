"""What is worth knowing before any money is spent: the inputs, the teacher's price, and what prompting gives today."""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flows.planning.estimates import asks
from flows.project import Project, check
from tasks.artifacts import digest
from tasks.errors import ProjectError, StillhouseError, Waiting
from tasks.evidence import ALL, Estimate, Scores
from tasks.files import ContentFile, describe, fingerprint_file
from tasks.filter import read_gold
from tasks.gate import judge
from tasks.inputs import Malformed, Survey, survey
from tasks.inputs.findings import LEVELS, Finding, Severity, cut, findings
from tasks.measures import estimates
from tasks.models import AnyModel, Hand, Question, Recorded, Request
from tasks.models.chat import prompted
from tasks.rows import Input, Kept, conversation
from tasks.sample import Picked, SampleConfig, entries, pick, rows_at
from tasks.similarity import leaks
from tasks.systems import System, Systems
from tasks.teach import questions

_ANSWER_TOKENS = 512
_SHOWN, _SALT = 3, "probe"


def check_project(project: Project, probed: int = 0) -> Iterator[Finding]:
    """What is found of a project's inputs, what its teachers cost, and how the base does on so many rows, prompted."""
    _, picked = yield from _check_inputs(project.sample)
    try:
        check(project, asks=False)
    except StillhouseError as error:
        yield Finding("stop", "project", str(error))
        return
    rows = list(rows_at(project.sample, picked.positions))
    asked = list(questions(rows, project.teach))
    for teacher in project.teach.teachers:
        yield Finding("fine", "teacher", asks(teacher, asked))
    if probed:
        yield from _probe(project, rows, probed)


def check_file(path: str, text: str = "", teacher: str = "", prompt: Path | None = None) -> Iterator[Finding]:
    """What is found of a file or URL of inputs, `text` naming the column; and what a teacher, if named, would cost."""
    config = _config(path, text)
    found, _ = yield from _check_inputs(config)
    if not teacher:
        yield Finding("fine", "teacher", "name one to see its price: --teacher openai/gpt-5-mini --prompt FILE")
        return
    told = ContentFile(path=prompt, fingerprint=fingerprint_file(prompt)).text() if prompt else ""
    asked = [
        Question(row["id"], Request(messages=prompted(told, row), max_output_tokens=_ANSWER_TOKENS))
        for row in rows_at(config, frozenset(found.fresh))
    ]
    yield Finding("fine", "teacher", f"{teacher}: {asks(_model(teacher), asked).partition(': ')[2]}")


def check_holdout(path: str, holdout: Path, text: str = "") -> Finding:
    """Whether rows of a holdout stand, as they are or nearly, in the file that is to be learned."""
    config = _config(path, text)
    (learned, unread), (held, unread_held) = _rows(config), _rows(_config(str(holdout), text))
    if not learned or not held:
        return Finding(
            "stop", "leaks", f"nothing to compare: {len(learned)} rows, {len(held)} held-out rows can be read"
        )
    found = leaks([conversation(row) for row in learned], [conversation(row) for row in held], config.encoder)
    if not found:
        lost = f"; {unread + unread_held} rows cannot be read" if unread + unread_held else ""
        words = f"none of {len(held)} held-out rows stands among {len(learned)}{lost}"
        return Finding("doubt" if lost else "fine", "leaks", words)
    counted = ", ".join(f"{count} {how}" for how, count in Counter(leak.how for leak in found).items())
    pairs = "; ".join(f"{_named(held[leak.held])} is {_named(learned[leak.learned])}" for leak in found[:_SHOWN])
    words = f"{len(found)} of {len(held)} held-out rows stand among {len(learned)} ({counted}): {pairs}"
    return Finding("stop", "leaks", words)


def worst(found: Sequence[Finding]) -> Severity:
    """What all findings together say."""
    return LEVELS[max((LEVELS.index(each.level) for each in found), default=0)]


def _check_inputs(config: SampleConfig) -> Generator[Finding, None, tuple[Survey, Picked]]:
    found = survey(entries(config), config.salt, config.rows or 0)
    picked = pick(found, config) if found.fresh else Picked(frozenset(), [])
    yield from findings(found, picked.coverage, config.unusable)
    return found, picked


def _probe(project: Project, rows: Sequence[Input], probed: int) -> Iterator[Finding]:
    """How the base does with the teacher's prompt, on rows of which the answer is known: approved, or recorded."""
    known = _known_answers(project, rows)
    by_lot = sorted((row for row in rows if row["id"] in known), key=lambda row: digest([_SALT, row["id"]]))
    judged = [_kept(row, known[row["id"]]) for row in by_lot[:probed]]
    if not judged:
        yield Finding("doubt", "probe", "no answer is known to judge by: approve some in filter.gold")
        return
    base = project.train.base_model()
    if base is None:
        yield Finding("doubt", "probe", "train.base names nobody to ask")
        return
    system = System("base", base, project.teach.prompt.text(), project.evaluate.max_output_tokens)
    systems = Systems([system], project.evaluate.plain(), Hand("check", project.budget("check")))
    try:
        scored = systems.scored("base", {"holdout": judged})
    except Waiting as waiting:
        yield Finding("doubt", "probe", f"{waiting}: check again once it is over, or ask the base with mode: live")
        return
    given = [each for each in estimates(scored) if each.slice == ALL]
    words = ", ".join(f"{each.metric} {each.mean:.0%} [{each.low:.0%}, {each.high:.0%}]" for each in given)
    yield Finding("fine", "probe", f"the base with the prompt on {len(judged)} rows: {words}")
    if _suffices(project, given):
        yield Finding("doubt", "probe", "prompting it is good enough by the gate's own rules: you may need no student")


def _suffices(project: Project, given: list[Estimate]) -> bool:
    """Whether the base holds to all that the gate asks of a student alone, over all slices."""
    own = [
        rule for rule in project.promote.rules if (rule.systems, rule.part, rule.slice) == ({"student"}, "holdout", ALL)
    ]
    measured = Scores(estimates=given, differences=[])
    reasons = [each for rule in own for each in judge(rule.model_copy(update={"of": "base"}), measured)]
    return bool(reasons) and all(each.holds == "yes" for each in reasons)


def _known_answers(project: Project, rows: Sequence[Input]) -> dict[str, str]:
    gold = read_gold(project.filter)
    if gold or not isinstance(project.teach.model, Recorded):
        return gold
    asked = list(questions(rows, project.teach))
    given = project.teach.model.answer([each.request for each in asked])
    return {asked[each.position].row: each.answer.text for batch in given for each in batch}


def _kept(row: Input, answer: str) -> Kept:
    return Kept(**row, completion=answer, reference=answer, approved=True, reviewed=False, repaired="", doubt="")


def _config(path: str, text: str = "") -> SampleConfig:
    try:
        return SampleConfig.model_validate({"inputs": path, "fields": {"text": text}})
    except ValidationError as error:
        raise ProjectError(f"{path}: {describe(error)}") from error


def _rows(config: SampleConfig) -> tuple[list[Input], int]:
    """The rows that can be read, and how many cannot."""
    every = list(entries(config))
    rows = [row for row in every if not isinstance(row, Malformed)]
    return rows, len(every) - len(rows)


def _named(row: Input) -> str:
    return f"{row['id']} {cut(conversation(row))!r}"


def _model(teacher: str) -> AnyModel:
    provider, _, model = teacher.partition("/")
    try:
        return TypeAdapter[Any](AnyModel).validate_python({"provider": provider, "model": model})
    except ValidationError as error:
        raise ProjectError(f"--teacher {teacher}: {describe(error)}. Name one as openai/gpt-5-mini.") from error
