"""`stillhouse ledger`: what was answered and paid for."""

from pathlib import Path
from typing import Annotated

import typer

from flows.shell import one_line_errors

app = typer.Typer(help="Every answer that was given and paid for: export, import, costs, forget.", no_args_is_help=True)

OfProject = Annotated[str | None, typer.Option("--project", help="Only of the project with this name.")]


@app.command()
def export(project: OfProject = None) -> None:
    """Print the answers as JSON lines, which `ledger import` and the `recorded` teacher read."""
    with one_line_errors():
        from tasks.models import Ledger

        for line in Ledger().lines(project):
            print(line)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="What `ledger export` printed.", exists=True, dir_okay=False)],
) -> None:
    """Take answers in; those to requests that have one stay out."""
    with one_line_errors():
        from tasks.models import Ledger

        new, known = Ledger().import_lines(file)
        print(f"{new} answers taken in, {known} were known")


@app.command()
def costs(project: OfProject = None) -> None:
    """Say what was paid, by project, stage and model, and what may have been lost."""
    with one_line_errors():
        from rich.console import Console
        from rich.table import Table

        from tasks.models import Ledger
        from tasks.models.jobs import Jobs
        from tasks.models.prices import dollars

        bought, lost = Ledger().costs(project), Ledger().lost(project)
        table = Table("project", "stage", "model", box=None)
        for column in ("answers", "tokens read", "of them cached", "written", "paid", "saved by caching"):
            table.add_column(column, justify="right")
        for cost in bought:
            counts = cost.answers, cost.input_tokens, cost.cached_tokens, cost.output_tokens
            table.add_row(
                *(name or "-" for name in (cost.project, cost.stage, cost.model)),
                *(f"{count:,}" for count in counts),
                dollars(cost.nanodollars) if cost.unpriced < cost.answers else "no price",
                dollars(cost.saved_nanodollars),
            )
        Console(width=140).print(table)
        for tries in lost:
            at_most = f", at most {dollars(tries.nanodollars)}" if tries.nanodollars else ""
            print(f"{tries.project}: {tries.tries:,} tries without an answer: {tries.kind}{at_most}")
        trained = Jobs(Ledger()).of(project)
        for job in trained:
            cost = "no price" if job.spent is None else dollars(job.spent)
            print(f"{job.project}: training {job.base} at {job.trainer}: {job.state}, {cost}")
        paid = sum(cost.nanodollars for cost in bought) + sum(job.spent or 0 for job in trained)
        gone = sum(tries.nanodollars for tries in lost)
        print(f"paid {dollars(paid)}" + (f", and at most {dollars(gone)} for answers that were lost" if gone else ""))


@app.command()
def forget(
    project: Annotated[str, typer.Option("--project", help="The project's name.")],
    row: Annotated[str | None, typer.Option("--row", help="Only what this row's id led to.")] = None,
) -> None:
    """Remove the answers that a project, or one row of it, led to, and what was gathered of its traffic.

    What they cost stays counted. A gathered row has an id of its own, traffic-..., beside the one in its log.
    """
    with one_line_errors():
        from tasks.gathered import Gathering
        from tasks.models import Ledger

        gone, asked = Ledger().forget(project, row), Ledger().being_asked(project, row)
        rows = Gathering().forget(project, row)
        print(f"{gone} answers are forgotten by the ledger, and {rows} gathered rows")
        if asked:
            print(
                f"{asked} more are still to come, from a run or a batch: forget again once they are there, or cancel "
                "the batch first: stillhouse batches cancel"
            )
        print(
            "Data sets and reviews in the store, logs and recorded files may still hold them: "
            "remove what a person asked you to."
        )
