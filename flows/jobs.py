"""`stillhouse jobs`: the trainings of a project at services."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from flows.shell import one_line_errors, visible

if TYPE_CHECKING:
    from flows.project import Project
    from tasks.models.jobs import Job

Mine = Annotated[Path, typer.Argument(help="The project's YAML, as deployments/support.yaml.")]


class _ListsByDefault(TyperGroup):
    """`jobs FILE` is `jobs list FILE`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command named first, or the list."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["list", *args])


app = typer.Typer(help="A project's trainings at services: state, cost, cancel.", cls=_ListsByDefault)


@app.command(name="list", hidden=True)
def list_(project: Mine) -> None:
    """List the jobs of a project at services, with state and cost, as the service tells them now."""
    with one_line_errors():
        from datetime import datetime

        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        from flows.project import load
        from tasks.models.prices import dollars

        table = Table("begun", "service", "base", "job", "state", "cost", "what it says", box=None)
        for job in _looked_at(load(project)):
            begun = datetime.fromtimestamp(job.created_at).strftime("%Y-%m-%d %H:%M")
            cost = (
                f"at most {dollars(job.reserved)}" if job.reserved else "-" if job.spent is None else dollars(job.spent)
            )
            named = [begun, job.trainer, job.base, job.job or "-", job.state, cost, visible(job.words)]
            table.add_row(*map(escape, named))
        Console(width=160).print(table)


@app.command()
def cancel(project: Mine) -> None:
    """Have the service end the jobs of a project that are not over; what they cost until then stays counted."""
    with one_line_errors():
        from flows.project import load
        from tasks.errors import ProjectError
        from tasks.models.jobs import OVER
        from tasks.trainers import HostedTrainer, ended

        loaded = load(project)
        trainer, jobs = loaded.train, _looked_at(loaded)
        if not isinstance(trainer, HostedTrainer):
            raise ProjectError(f"{loaded.name}: train.trainer is {trainer.trainer}, which has no job at a service.")
        running = [job for job in jobs if job.state not in OVER and job.trainer == trainer.name]
        for job in running:
            now = ended(trainer, job)
            print(f"{job.trainer} job {job.job or '-'}: {now.state}: {visible(now.words)}")
        if not running:
            print(f"{loaded.name}: no job of {trainer.name} is at work")


def _looked_at(project: "Project") -> "list[Job]":
    """The project's jobs, those at its own service as they are now."""
    from tasks.models import Ledger
    from tasks.models.jobs import Jobs
    from tasks.trainers import HostedTrainer, refreshed

    jobs = Jobs(Ledger()).of(project.name)
    if not isinstance(project.train, HostedTrainer):
        return jobs
    return [refreshed(project.train, job) if job.trainer == project.train.name else job for job in jobs]
