"""What a person says of a version that waits for approval, from outside its flow: no server is needed."""

from getpass import getuser
from typing import Literal

from tasks.errors import StoreError
from tasks.registry import Approvals, Registry


def answer(project: str, version: int | None, decision: Literal["approved", "rejected"], note: str) -> str:
    """Decide on the version that waits, or the one named; what came of it, in words.

    Raises `StoreError` where none waits, or several do and none is named.
    """
    registry, approvals = Registry(), Approvals()
    entries = {entry.student: entry for entry in registry.history(project)}
    waiting = [entries[each.student] for each in approvals.open(project)]
    if version is not None:
        waiting = [registry.version(project, version)]
    if len(waiting) != 1:
        several = f"versions {[entry.version for entry in waiting]} wait; name one by --version" if waiting else ""
        raise StoreError(f"{project}: {several or 'no version waits for approval; `stillhouse history` shows why'}.")
    entry = waiting[0]
    stands = approvals.decide(project, entry.student, decision, getuser(), note)
    stage = "is on stage" if registry.champion(project) == entry.student else "is not on stage"
    return f"{project} version {entry.version}: {stands.decision} by {stands.who or 'nobody'}; it {stage}"
