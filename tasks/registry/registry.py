"""Versions of a project's student, and the champion pointer: promoted, put on by hand, rolled back."""

import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from tasks.artifacts import Dataset, Student
from tasks.database import REGISTRY, Database, placed
from tasks.errors import StoreError
from tasks.registry import stage
from tasks.registry.approvals import close, latest, supersede
from tasks.registry.decisions import decided, decisions
from tasks.registry.records import Approval, Decision, Move, Version
from tasks.registry.tables import HELD_OUT, METADATA, VERSIONS
from tasks.store import Store


class Registry:
    """What each project has on stage. The last move is the pointer, so it moves in one transaction or not at all.

    A student goes on stage only while the store holds it whole. Raises `StoreError` where it does not, and where the
    database cannot be used.
    """

    def __init__(self, where: Path | str | None = None) -> None:
        self._database = Database(where or placed(*REGISTRY), METADATA, "Restore it from a copy.")

    def champion(self, project: str) -> Student | None:
        """The student on stage, or None."""
        with self._database.read() as connection:
            fingerprint = stage.champion(connection, project)
        return Student(fingerprint=fingerprint) if fingerprint else None

    def rival(self, project: str, student: Student) -> Student | None:
        """Whom a student is compared with: the champion, or for one that went on stage, whom it took over from."""
        with self._database.read() as connection:
            took_over = stage.promotion(connection, project, student)
        return took_over.before if took_over else self.champion(project)

    def enter(
        self,
        project: str,
        student: Student,
        rival: Student | None,
        verdict: str,
        holdout: Dataset | None = None,
        waits: bool = False,
        judged_by: str = "",
    ) -> bool:
        """Record a judged student; on `promote` put it on stage, unless it `waits` for a person's approval.

        Returns whether the champion moved. A student that was on stage before stays as it was recorded, so that a
        rollback is not undone by running again. One that beat a champion who has left the stage since is recorded, but
        does not go on. What is open about a student is superseded where it was judged otherwise now.
        `judged_by` tells one decision on the same rows from another: a digest of the rules and the like.
        """
        with self._database.begin() as connection:
            entry = Version(0, student, rival, verdict, time.time(), holdout)
            decided(connection, project, entry, judged_by)
            if stage.promotion(connection, project, student):
                return False
            stage.record(connection, project, entry)
            supersede(connection, project, entry, waits)
            beaten = rival.fingerprint if rival else None
            moves = verdict == "promote" and not waits and stage.champion(connection, project) == beaten
            if moves:
                stage.move(connection, project, student, "promoted")
            return moves

    def promote(self, project: str, version: int, who: str, reason: str = "") -> Version:
        """Put a version on stage by hand; without a reason only one whose verdict was `promote`.

        One that a person rejected, or that nobody approved in time, needs a reason too. An open question whether it
        goes on stage is answered by that.
        """
        with self._database.begin() as connection:
            entry = stage.numbered(connection, project, version)
            if stage.champion(connection, project) == entry.student.fingerprint:
                raise StoreError(f"{project} version {version} is on stage already.")
            asked = latest(connection, project, entry.student)
            verdict = _refused(asked) or entry.verdict
            if verdict != "promote" and not reason:
                raise StoreError(
                    f"{project} version {version}: its verdict was {verdict}. Say why it goes on stage all the same, "
                    "with --reason; that stays in the history."
                )
            close(connection, project, entry.student, "approved", who, reason)
            stage.move(connection, project, entry.student, "promoted by hand", who, reason)
            return entry

    def rollback(self, project: str, to: int | None = None, who: str = "") -> Student | None:
        """Put an earlier champion back on stage and return it: the one before, or the version named.

        Earlier champions that the store does not hold whole any more are passed over, which the move's reason tells;
        where none of them is whole the pointer stays. None where there was nobody before.
        """
        with self._database.begin() as connection:
            target = None if to is None else stage.numbered(connection, project, to).student
            champions = stage.stack(connection, project)
            if not champions:
                raise StoreError(f"{project} has no champion to roll back. `stillhouse history` lists what was judged.")
            earlier = champions[-2::-1] if len(champions) > 1 else []
            if target is not None and target not in earlier:
                raise StoreError(
                    f"{project} version {to} was not on stage before this one. `stillhouse promote` puts it there."
                )
            wanted = earlier if target is None else [target]
            whole = [student for student in wanted if Store().shared(student)]
            if wanted and not whole:
                which = "none of the champions before this one is" if to is None else f"version {to} is not"
                raise StoreError(
                    f"{project}: {which} whole in {Store().root} (pruned, or damaged); the champion "
                    f"stays as it was. Restore one from a copy: {', '.join(each.fingerprint for each in wanted)}."
                )
            back = whole[0] if whole else None
            passed = wanted[: wanted.index(back)] if back else []
            stage.move(connection, project, back, "rolled back", who, _passed_over(passed))
            return back

    def version(self, project: str, number: int) -> Version:
        """A version by its number. Raises `StoreError` naming those that there are."""
        with self._database.read() as connection:
            return stage.numbered(connection, project, number)

    def history(self, project: str) -> list[Version]:
        """Every version, the oldest first."""
        with self._database.read() as connection:
            return stage.history(connection, project)

    def projects(self) -> list[str]:
        """Every project that had a student judged, or rows held out."""
        query = sa.union(sa.select(VERSIONS.c.project), sa.select(HELD_OUT.c.project))
        with self._database.read() as connection:
            return sorted(connection.scalars(query))

    def champions(self, project: str) -> list[Student]:
        """The champions that a rollback can return to, the latest last, the one on stage at the end."""
        with self._database.read() as connection:
            return stage.stack(connection, project)

    def decisions(self, project: str) -> list[Decision]:
        """Every decision of a holdout on a student, the oldest first."""
        with self._database.read() as connection:
            return decisions(connection, project)

    def moves(self, project: str) -> list[Move]:
        """Every change of champion, the oldest first."""
        with self._database.read() as connection:
            return stage.moves(connection, project)

    def hold_out(self, project: str, split: str, datasets: Sequence[Dataset]) -> None:
        """Remember for ever what a split held out."""
        with self._database.begin() as connection:
            number = (connection.scalar(sa.select(sa.func.max(HELD_OUT.c.number))) or 0) + 1
            for dataset in datasets:
                values = {"project": project, "split": split, "dataset": dataset.fingerprint, "rows": dataset.rows}
                entered = self._database.insert(HELD_OUT).values(values | {"number": number})
                connection.execute(entered.on_conflict_do_nothing())

    def held_out(self, project: str, again: str) -> list[Dataset]:
        """Every data set that the project held out before the split named, without repeats.

        Where that split was the last one, it is done again, and what it held out itself is not its own past. Where
        another came between, it is: what it held out then may have been no part of that other one's rows.
        """
        order = sa.literal_column("rowid") if self._database.in_file else HELD_OUT.c.number
        query = sa.select(HELD_OUT).where(HELD_OUT.c.project == project).order_by(order)
        with self._database.read() as connection:
            records = list(connection.execute(query))
        while records and records[-1].split == again:
            records.pop()
        rows = {record.dataset: record.rows for record in records if record.rows}
        return [Dataset(fingerprint=dataset, rows=rows[dataset]) for dataset in sorted(rows)]


def _refused(asked: Approval | None) -> str:
    """In words, that people were asked and did not approve."""
    if asked is None or asked.decision in ("approved", "superseded"):
        return ""
    if asked.decision == "rejected":
        return "reject by a person"
    late = asked.decision == "timed out" or time.time() > asked.until
    return "promote, and nobody approved it in time" if late else ""


def _passed_over(students: Sequence[Student]) -> str:
    names = ", ".join(student.fingerprint[:12] for student in students)
    return f"passed over, for the store does not hold it whole any more: {names}" if names else ""
