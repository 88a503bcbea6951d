"""What a run that ends in an error leaves behind: which stages were done, and what stopped the next one."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

from flows.evidence.gathering import STAGES, publish_stopped
from flows.evidence.runs import under_way
from tasks.errors import StillhouseError
from tasks.evidence import StageRecord, Stopped
from tasks.processes import at_work


@contextmanager
def explained(project: str, finished: Sequence[StageRecord]) -> Generator[None]:
    """Within, a run is known to be under way, and an error is written down as a page before it is raised on."""
    try:
        with at_work(under_way()):
            yield
    except Exception as error:
        stage = STAGES[min(len(finished), len(STAGES) - 1)]
        words = str(error) if isinstance(error, StillhouseError) else f"{type(error).__name__}: {error}"
        with suppress(OSError):  # a store that cannot be written must not hide why the run stopped
            publish_stopped(Stopped(project=project, stage=stage, words=words, stages=list(finished)))
        raise
