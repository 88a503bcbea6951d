"""`stillhouse batches`: what is out at the services, and an end to it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.shell import one_line_errors

if TYPE_CHECKING:
    from tasks.models import Ledger
    from tasks.models.batches.records import Batch

app = typer.Typer(help="Batches that are out: list them, or cancel them.", invoke_without_command=True)

_LOOK_SECONDS = 5.0


@app.callback()
def batches(
    context: typer.Context,
    project: Annotated[str | None, typer.Option("--project", help="Only of the project with this name.")] = None,
) -> None:
    """List the batches that are out: project, rows, state, age, expected cost."""
    if context.invoked_subcommand:
        return
    with one_line_errors():
        from rich.console import Console
        from rich.table import Table

        from tasks.models import Ledger
        from tasks.models.batches.records import Records

        ledger = Ledger()
        out = Records(ledger.database).open(project)
        if not out:
            typer.echo("no batch is out")
            return
        table = Table("project", "stage", "service", "model", "state", box=None)
        for column in ("rows", "done", "age", "expected", "at most"):
            table.add_column(column, justify="right")
        for batch in out:
            table.add_row(*_cells(ledger, batch))
        Console(width=140).print(table)


@app.command()
def cancel(
    file: Annotated[Path, typer.Argument(help="The project's YAML, as deployments/support.yaml.")],
) -> None:
    """Cancel a project's batches, and take in what they have answered; a later run asks the rest."""
    with one_line_errors():
        from flows.project import load
        from tasks.models import Ledger
        from tasks.models.batches.asking import Batching

        project, ledger = load(file), Ledger()
        hands = [Batching(service, ledger, project.budget("cancel"), "cancel") for service in project.services()]
        for hand in hands:
            hand.cancel()
        while out := [batch for hand in hands for batch in hand.harvest()]:
            for words in dict.fromkeys(words for hand in hands for words in hand.later):
                typer.echo(words)
            typer.echo(f"{len(out)} still to be over; wait, or stop: the next run takes in what they have answered")
            time.sleep(_LOOK_SECONDS)
        typer.echo("no batch is out")


def _cells(ledger: "Ledger", batch: "Batch") -> list[str]:
    from tasks.models.batches.records import Records
    from tasks.models.prices import dollars

    bought = [cost for cost in ledger.costs(batch.project) if cost.model.startswith(batch.model) and cost.answers]
    answers = sum(cost.answers for cost in bought)
    held = Records(ledger.database).held(batch)
    mean = sum(cost.nanodollars for cost in bought) / answers if answers else None
    return [
        *(batch.project, batch.stage, batch.service, batch.model, batch.said or batch.state),
        *(f"{batch.rows:,}", f"{batch.done:,}", f"{batch.age_seconds / 3600:.1f} h"),
        "-" if mean is None else dollars(round(mean * held.rows)),
        dollars(held.nanodollars),
    ]
