"""A look at the traffic of the promoted student: what is new of it is audited, recorded and gathered, all is judged."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from flows.auditing import STAGE, Audited, audit, watched_metrics
from flows.champion import Champion, champion_of
from flows.project import Project
from tasks.errors import ProjectError
from tasks.evidence import Monitored, Moved, Traffic, Watched
from tasks.files import ContentFile
from tasks.gathered import Gathering
from tasks.models import Hand, Recorded
from tasks.models.prices import NANODOLLARS
from tasks.monitoring import (
    Audit,
    Audits,
    Log,
    Retrain,
    decide,
    draw,
    fresh,
    moved_habits,
    moved_slices,
    moved_texts,
    promoted,
    seen,
    share_of_year,
    watched,
)
from tasks.monitoring.spending import YEAR_SECONDS
from tasks.monitoring.traffic import Logged, log_of, read_before, read_traffic
from tasks.registry import Registry
from tasks.reviews import row_key
from tasks.rows import Input, conversation
from tasks.sample import instructed
from tasks.teach import questions

_DAY_SECONDS = 24 * 3600.0


class _Look(NamedTuple):
    """What a look at the traffic gave: its new conversations, what was audited, what it cost, the log."""

    fresh: dict[str, Input]
    audited: Audited
    traffic: Traffic
    log: Log


def look(
    project: Project, source: ContentFile, at: float, run: str = STAGE, budget_usd: float | None = None
) -> Monitored:
    """Audit the champion on the traffic's new rows, record what was found, and say what follows from all audits.

    What was audited is not audited again, so a look that was killed, or that is asked for again, goes on from there;
    of a log that only grows what came since is looked at.
    Raises `ProjectError` where the moment is yet to come, or nobody is on stage.
    """
    if at > time.time() + _DAY_SECONDS:
        raise ProjectError(f"--at: {_day(at)} is yet to come. Give the day on which the traffic came in.")
    champion, audits = champion_of(project), Audits()
    before = audits.of(project.name, champion.student)
    seen_now = _look(project, champion, read_traffic(source, project.sample.fields), before, run, budget_usd)
    last = before[-1].at if before else champion.since
    if seen_now.audited.judged:
        judged = seen_now.audited.judged
        spent = share_of_year(at - last)
        mix = Counter(row["slice"] for row in seen_now.fresh.values())
        made = Audit(at, spent, dict(mix), _texts(project, champion, seen_now.fresh, spent), judged, seen_now.log)
        gathered = [seen_now.fresh[row.row] for row in judged]
        Gathering().add(project.name, gathered)
        audits.add(project.name, champion.student, made)
    late = (
        [] if at >= last else [f"the clock says {_day(at)}, and the last audit was on {_day(last)}: nothing is found"]
    )
    return _monitored(project, champion, audits.of(project.name, champion.student), seen_now, late, at)


def _look(
    project: Project,
    champion: Champion,
    logged: Logged,
    audits: Sequence[Audit],
    run: str,
    budget_usd: float | None,
) -> _Look:
    asked = [each._replace(row=instructed(each.row, project.sample)) for each in logged.asked]
    keys = [row_key(each.row) for each in asked]
    before = read_before(keys, audits)
    new = fresh([each.row for each in asked[before.rows :]], before.audited)
    answers = {key: each.answer for key, each in zip(keys, asked, strict=True) if each.answer is not None}
    drawn = draw(new, project.monitor)
    audited_before = {row.row for made in audits for row in made.rows}
    shadows = [each for each in drawn if each.key not in audited_before]
    hand = Hand(STAGE, project.budget(run, budget_usd))
    audited = audit(project, champion.student, shadows, answers, hand)
    known = len(asked) - len(new) + len(drawn) - len(shadows)
    outcomes = Counter(malformed=logged.malformed, known=known, not_drawn=len(new) - len(drawn)) + audited.outcomes
    spent, stopped = hand.ledger.spent(project.name, run) / NANODOLLARS, "; ".join(audited.hindered)
    traffic = Traffic(rows=len(asked) + logged.malformed, outcomes=dict(outcomes), usd=spent, stopped=stopped)
    return _Look(new, audited, traffic, log_of(keys))


def _texts(project: Project, champion: Champion, new: dict[str, Input], spent: float) -> list[Moved]:
    """Whether the texts moved, drawn from all on either side by a hash of what they say."""
    then = sorted((row_key(row), conversation(row)) for row in champion.learned)
    now = sorted((key, conversation(row)) for key, row in new.items())
    config = project.monitor
    found = moved_texts(
        [text for _, text in then],
        [text for _, text in now],
        project.sample.encoder,
        config.false_alarms * spent,
        config.smallest_shift,
    )
    return [found] if found else []


def _monitored(
    project: Project, champion: Champion, audits: Sequence[Audit], seen_now: _Look, late: list[str], at: float
) -> Monitored:
    """All that the audits come to, in words and numbers."""
    config, metrics = project.monitor, watched_metrics(project)
    found = watched(champion.promotion, audits, metrics, config)
    moved = _moved(champion, audits, config.false_alarms, config.smallest_shift)
    gathered = Gathering().rows(project.name)
    learned = {row_key(row) for row in champion.learned}
    if any(each.found == "yes" for each in found):
        Gathering().add(project.name, _more(project, found, seen_now.fresh))
        gathered = Gathering().rows(project.name)
    new_rows = sum(row_key(row) not in learned for row in gathered)
    days = max(_DAY_SECONDS, at - champion.since)
    requests = sum(sum(audit.slices.values()) for audit in audits) * YEAR_SECONDS / days
    retrain = Retrain(new_rows, config.new_rows, champion.evidence.economics, requests, _left(project, champion))
    outcome = decide(found, moved, retrain, [*_hindered(seen_now), *late])
    return Monitored(
        project=project.name,
        version=champion.version,
        state=outcome.state,
        reasons=outcome.reasons,
        at=at,
        traffic=seen_now.traffic,
        promotion=promoted(champion.promotion, metrics),
        seen=seen(audits, metrics, config),
        watched=found,
        moved=moved,
        gathered=len(gathered),
        new_rows=new_rows,
    )


def _moved(champion: Champion, audits: Sequence[Audit], false_alarms: float, matters: float) -> list[Moved]:
    if not audits:
        return []
    error = false_alarms * audits[-1].spent
    learned = {each.slice: each.available for each in champion.evidence.coverage}
    return [
        *moved_slices(learned, [audit.slices for audit in audits], error, matters),
        *audits[-1].moved,
        *moved_habits(champion.promotion, audits, error),
    ]


def _more(project: Project, found: Sequence[Watched], new: dict[str, Input]) -> Iterator[Input]:
    """More of the traffic of slices where the student fell, so that the next one learns more of them."""
    teacher = project.teach.model
    for name in sorted({each.slice for each in found if each.found == "yes"}):
        own = [row for row in new.values() if row["slice"] == name][: project.monitor.rows]
        asked = questions(own, project.teach.model_copy(update={"samples": 1}))
        yield from (
            row
            for row, each in zip(own, asked, strict=True)
            if not isinstance(teacher, Recorded) or teacher.holds(each.request)
        )


def _hindered(seen_now: _Look) -> list[str]:
    """What kept this look from being whole."""
    traffic, judged = seen_now.traffic, len(seen_now.audited.judged)
    drawn = sum(seen_now.audited.outcomes.values())
    said = [traffic.stopped] if traffic.stopped else []
    if not traffic.rows:
        said.append("no traffic: the log holds no row")
    elif not drawn and traffic.outcomes.get("malformed", 0) == traffic.rows:
        said.append(f"none of the traffic's {traffic.rows} rows can be read")
    elif judged * 2 < drawn:
        said.append(f"{judged} of the {drawn} rows drawn could be judged: {_told(seen_now.audited.outcomes)}")
    return said


def _left(project: Project, champion: Champion) -> str:
    if Registry().champion(project.name) == champion.student:
        return ""
    return f"version {champion.version} left the stage meanwhile: no retrain is asked for on its account"


def _told(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in outcomes.items())


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
