"""The rows of a project as a file that a service trains on, written and not sent."""

from pathlib import Path
from typing import Literal

from flows.planning.plan import done
from flows.project import Project
from tasks.errors import ProjectError
from tasks.split import SplitRows
from tasks.store import Store, write_whole
from tasks.trainers import ExistingTrainer, FireworksTrainer, OpenAITrainer, TogetherTrainer
from tasks.trainers.hosted.examples import Rules, check, sent

Format = Literal["openai", "together", "fireworks", "messages"]

_TRAINERS = {"openai": OpenAITrainer, "together": TogetherTrainer, "fireworks": FireworksTrainer}


def write_examples(project: Project, named: Format, to: Path) -> list[str]:
    """Write what would be learned, and beside it what would be watched, by the service's rules; says what it wrote.

    Raises `StageFailed` where the service would not take the file, `ProjectError` where a file is there already, or the
    rows are not split as the project is now.
    """
    parts = done(project).get("split")
    if not isinstance(parts, SplitRows):
        raise ProjectError(
            f"{project.name}: its rows are not split as the project is now. Run it first: stillhouse run."
        )
    trainer = project.train
    turns = "last" if isinstance(trainer, ExistingTrainer) else trainer.turns
    rows, watched = (list(Store().read_rows(part)) for part in (parts.train, parts.validation))
    given = sent(rows, watched, trainer.prompt.text() if trainer.prompt else "", turns)
    config = _TRAINERS.get(named)
    check(
        given,
        config.rules if config else Rules("a file of messages"),
        config.model_fields["max_tokens"].default if config else None,
    )
    files = {to: given.train, to.with_name(f"{to.stem}-validation{to.suffix}"): given.validation}
    for file in files:
        if file.exists():
            raise ProjectError(f"{file} is there already. Name another file, so that nothing is overwritten.")
    written = [(file, content.decode()) for file, content in files.items() if content]
    for file, content in written:
        write_whole(file, content)
    return [f"{file}: {content.count(chr(10))} examples" for file, content in written]
