"""What `stillhouse review` does: rows out to people, their decisions back into the record."""

import getpass
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from flows.evidence.funnel import spoken
from flows.planning.plan import done
from flows.project import Project, chosen
from flows.review.decisions import decisions
from flows.review.doubts import ask
from flows.review.sheet import read_sheet, write_sheet
from tasks.artifacts import Tally
from tasks.errors import ProjectError, StoreError
from tasks.filter import Filtered
from tasks.reviews import Reviews, row_key
from tasks.store import Store

_NAMED = 20


def hand_out(project: Project, yaml: Path, to: Path, rows: int) -> str:
    """Write the sheet, remember what it asks, and say what is in it.

    Raises `ProjectError` where the file is there already, `StoreError` where the filter has not run as it stands now.
    """
    if to.exists():
        raise ProjectError(
            f"{to} is there already. Name a file that is not, so that nobody's decisions are overwritten."
        )
    filtered = done(project).get("filter")
    if not isinstance(filtered, Filtered):
        raise StoreError(f"{project.name}: its filter has not run as it stands now. Run it: stillhouse run {yaml}")
    reviews, store = Reviews(), Store()
    kept, dropped = list(store.read_rows(filtered.kept)), list(store.read_rows(filtered.dropped))
    asked = ask(kept, dropped, reviews.latest(project.name).keys(), rows)
    if not asked.questions:
        raise ProjectError(
            f"{project.name}: no row is left to look at: {asked.reviewed} were reviewed before, {asked.too_long} are "
            "longer than a cell holds."
        )
    reviews.show(project.name, [each.shown for each in asked.questions])
    write_sheet(to, [each.cells() for each in asked.questions])
    reasons = Counter("drawn at random" if each.drawn else each.reason for each in asked.questions)
    words = [f"{len(asked.questions)} rows in {to}: {', '.join(f'{count} {name}' for name, count in reasons.items())}"]
    words += [f"{asked.reviewed} were reviewed before"] if asked.reviewed else []
    words += [f"{asked.too_long} stay out, longer than a cell holds"] if asked.too_long else []
    return "; ".join(words)


def take_in(project: Project, file: Path) -> str:
    """Record what people decided, and say what it was. Raises `ProjectError` where anything in the sheet is wrong."""
    reviews, sheet = Reviews(), read_sheet(file)
    here = {row_key(row): spoken(row) for row in chosen(project)}
    decided = decisions(file, sheet, reviews.shown(project.name), reviews.latest(project.name), here)
    reviews.add(project.name, decided.new, _who())
    words = [Tally(rows_in=len(sheet.rows), outcomes=decided.outcomes).words()]
    if gone := [review.id for review in decided.new if review.row not in here]:
        words.append(f"{len(gone)} of rows that are gone, kept for when they come back: {_named(gone, ', ')}")
    if decided.doubts:
        words.append(f"taken in, and worth a second look, for a later import wins: {_named(decided.doubts, '; ')}")
    return f"{project.name}: {'; '.join(words)}"


def _named(each: Sequence[str], between: str) -> str:
    return between.join([*each[:_NAMED], *(["…"] if len(each) > _NAMED else [])])


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
