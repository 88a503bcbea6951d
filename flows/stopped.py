"""What a run that ends in an error leaves behind: which stages were done, and what stopped the next one."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

from flows.evidence import STAGES, publish_stopped
from tasks.errors import StillhouseError
from tasks.evidence import StageRecord, Stopped


@contextmanager
def explained(project: str, finished: Sequence[StageRecord]) -> Generator[None]:
    """Within, what Stillhouse raises on purpose is written down as a page before it is raised on."""
    try:
        yield
    except StillhouseError as error:
        stage = STAGES[min(len(finished), len(STAGES) - 1)]
        with suppress(OSError):  # a store that cannot be written must not hide why the run stopped
            publish_stopped(Stopped(project=project, stage=stage, words=str(error), stages=list(finished)))
        raise
