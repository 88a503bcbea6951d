"""The commands about versions of a student: what was judged, what is on stage, and what it was made from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from flows.shell import one_line_errors, visible

if TYPE_CHECKING:
    from flows.versions.compare import Figures, Versions
    from tasks.evidence import Measure
    from tasks.registry import Move

app = typer.Typer()

ProjectFile = Annotated[Path, typer.Argument(help="The project's YAML, as deployments/support.yaml.")]
Number = Annotated[int, typer.Argument(min=1, help="A version, as `stillhouse history` numbers them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")]
Note = Annotated[str, typer.Option(help="Why; it stays in the history.")]
Which = Annotated[int | None, typer.Option("--version", help="Which version; the only one that waits if left out.")]


@app.command()
def history(project: ProjectFile) -> None:
    """List every student that was judged, which is on stage, and every change of champion."""
    with one_line_errors():
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        from flows.naming import named
        from tasks.registry import Approvals, Registry
        from tasks.store import Store

        name, registry = named(project).name, Registry()
        champion, entries = registry.champion(name), registry.history(name)
        table = Table("version", "judged", "verdict", "holdout", "stage", "decided by", "student", box=None)
        for entry in entries:
            asked = Approvals().find(name, entry.student)
            table.add_row(
                f"v{entry.version}",
                _moment(entry.entered_at),
                entry.verdict,
                f"{entry.holdout.rows} rows" if entry.holdout else "-",
                "on stage" if entry.student == champion else "-",
                escape(f"{asked.decision} {asked.who}".strip() if asked.decision else "waits") if asked else "-",
                entry.student.fingerprint[:12] + ("" if Store().path(entry.student).exists() else " (removed)"),
            )
        Console(width=140).print(table)
        numbers = {entry.student.fingerprint: f"v{entry.version}" for entry in entries}
        for move in registry.moves(name):
            print(_told(move, numbers))


@app.command()
def promote(project: ProjectFile, version: Number, reason: Note = "") -> None:
    """Put a judged version on stage by hand; one that the gate did not promote needs a reason."""
    with one_line_errors():
        from getpass import getuser

        from flows.naming import named
        from tasks.registry import Registry

        found = named(project)
        entry = Registry().promote(found.name, version, getuser(), reason)
        print(f"{found.name}: version {version} ({entry.student.fingerprint[:12]}) is on stage")
        _show(project)


@app.command()
def rollback(
    project: ProjectFile,
    to: Annotated[int | None, typer.Option(min=1, help="The version to return to; the one before if left out.")] = None,
) -> None:
    """Put an earlier champion back on stage: no training, no network."""
    with one_line_errors():
        from getpass import getuser

        from flows.naming import named
        from tasks.registry import Registry

        name, registry = named(project).name, Registry()
        before = registry.rollback(name, to, getuser())
        print(f"{name}: {before.fingerprint[:12]} is on stage" if before else f"{name}: nobody is on stage")
        if passed := registry.moves(name)[-1].reason:
            print(passed)
        _show(project)


@app.command()
def approve(project: ProjectFile, version: Which = None, note: Note = "") -> None:
    """Let a version that waits for approval go on stage."""
    with one_line_errors():
        from flows.naming import named
        from flows.versions.deciding import answer

        print(answer(named(project).name, version, "approved", note))
        _show(project)


@app.command()
def reject(project: ProjectFile, version: Which = None, note: Note = "") -> None:
    """Keep a version that waits for approval off the stage."""
    with one_line_errors():
        from flows.naming import named
        from flows.versions.deciding import answer

        print(answer(named(project).name, version, "rejected", note))


@app.command()
def compare(
    project: ProjectFile,
    first: Number,
    second: Number,
    page: Annotated[Path | None, typer.Option(help="Write the two side by side as an HTML page, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show two versions beside each other: verdicts, figures on the rows both were judged on, and settings."""
    with one_line_errors():
        from flows.naming import named
        from flows.versions.compare import compare as beside
        from flows.versions.compare import judged, write_page

        name = named(project).name
        both = judged(name, first), judged(name, second)
        compared = beside(*both)
        if page:
            write_page(*both, compared, page)
        if as_json:
            print(compared.model_dump_json(indent=1))
        else:
            _print_compared(compared)


@app.command()
def lineage(
    project: ProjectFile,
    version: Annotated[int | None, typer.Argument(help="Which version; the one on stage where left out.")] = None,
    rows: Annotated[Path | None, typer.Option(help="Write each training row and its answer's source here.")] = None,
) -> None:
    """Show what a student was made from, down to every training row and the request that answered it."""
    with one_line_errors():
        from flows.evidence.runs import version_or_champion
        from flows.naming import named
        from flows.versions.lineage import lineage as tree
        from flows.versions.lineage import training_rows
        from tasks.store import write_lines

        name = named(project).name
        entry = version_or_champion(name, version)
        print(f"{name} version {entry.version}")
        for line in tree(entry.student).lines(1):
            print(line)
        if rows:
            count = write_lines(rows, (row.model_dump_json() for row in training_rows(name, entry.student)))
            print(f"{count} training rows: {rows}")


@app.command()
def export(
    project: ProjectFile,
    to: Annotated[Path | None, typer.Option(help="The folder to write; it must not be there yet.")] = None,
    version: Annotated[int | None, typer.Option(help="Which version; the one on stage where left out.")] = None,
    gguf: Annotated[bool, typer.Option("--gguf", help="Write GGUF beside the safetensors, for llama.cpp.")] = False,
    mlflow: Annotated[str, typer.Option(help="An MLflow server's URI: register the version there.")] = "",
    hub: Annotated[str, typer.Option(help="owner/name on the Hugging Face hub: upload the folder, private.")] = "",
    examples: Annotated[
        Literal["openai", "together", "fireworks", "messages"] | None,
        typer.Option("--format", help="Write the training rows as a file for this service instead."),
    ] = None,
) -> None:
    """Write a student, with a model card, into a folder, into MLflow's model registry, or onto the hub."""
    with one_line_errors():
        if examples:
            from flows.project import load
            from flows.versions.training_file import write_examples

            if to is None or version or gguf or mlflow or hub:
                raise typer.BadParameter("--format goes with --to FILE, and with nothing else.")
            print("\n".join(write_examples(load(project), examples, to)))
            return
        from flows.naming import named
        from flows.versions.export import export as write

        name = named(project).name
        if not (to or mlflow or hub):
            raise typer.BadParameter("say where to: --to FOLDER, --mlflow URI or --hub OWNER/NAME.")
        if to:
            print(write(name, to, version, gguf))
        if mlflow:
            from flows.versions.mlflow_registry import register

            print(register(name, mlflow, version))
        if hub:
            from flows.versions.hub import upload

            print(upload(name, hub, version, gguf))


@app.command()
def prune(
    project: Annotated[Path | None, typer.Argument(help="A project's YAML; every project where left out.")] = None,
    keep: Annotated[int, typer.Option(min=1, help="How many versions, and champions before the one on stage.")] = 5,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; else it is only told.")] = False,
) -> None:
    """Tell which old runs and artefacts nothing needs any more, and with --yes remove them.

    What is on stage or waits to be, what was ever held out, all that those were made from, the ledger, the registry
    and reviews stay.
    """
    with one_line_errors():
        from rich.filesize import decimal

        from flows.naming import named
        from flows.versions.prune import plan, remove

        planned = plan(keep, named(project).name if project else None)
        for line in planned.lines():
            print(line)
        if yes:
            print(f"removed: {decimal(sum(each.bytes for each in remove(planned.removals)))}")
        else:
            print("nothing was removed; --yes removes it" if planned.removals else "there is nothing to remove")


def _show(project: Path) -> None:
    """Tell where the champion is published that it changed; what is on stage has moved whatever comes of that."""
    from flows.naming import named

    found = named(project)
    if found.publish:
        from flows.versions.mlflow_registry import show

        print(show(found.name, found.publish.mlflow))


def _moment(seconds: float) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _told(move: "Move", numbers: dict[str, str]) -> str:
    came, left = (
        numbers.get(student.fingerprint, student.fingerprint[:12]) if student else "nobody"
        for student in (move.champion, move.before)
    )
    by = f" by {move.who}" if move.who else ""
    return f"  {_moment(move.moved_at)}  {move.why}{by}: {left} -> {came}" + (
        f" ({move.reason})" if move.reason else ""
    )


def _print_compared(compared: "Versions") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    first, second = compared.first, compared.second
    for side in (first, second):
        stage = ", on stage" if side.on_stage else ""
        print(
            f"version {side.version}: {side.verdict}, {_moment(side.entered_at)}{stage}; learned {side.trained_rows} "
            f"rows, judged on {side.holdout_rows}"
        )
    print(f"both were judged on {compared.common} rows that are the same")
    table = Table("metric", "part", "slice", f"v{first.version}", f"v{second.version}", "difference", box=None)
    for figures in compared.figures:
        named = [escape(visible(name)) for name in (figures.metric, figures.part, figures.slice)]
        table.add_row(*named, *_shown(figures))
    Console(width=140).print(table)
    print("settings that differ:" if compared.changed else "no setting differs")
    for changed in compared.changed:
        print(f"  {changed.name}: {changed.first} -> {changed.second}")


def _shown(figures: "Figures") -> list[str]:
    def share(measure: "Measure | None") -> str:
        return f"{measure.mean:.1%} [{measure.low:.1%}, {measure.high:.1%}] of {measure.n}" if measure else "-"

    moved = figures.difference
    points = f"{100 * moved.mean:+.1f} points [{100 * moved.low:+.1f}, {100 * moved.high:+.1f}]" if moved else "-"
    unjudged = f", {moved.unjudged} unjudged" if moved and moved.unjudged else ""
    return [share(figures.first), share(figures.second), points + unjudged]
