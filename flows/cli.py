"""The `stillhouse` command. What is heavy is imported where it is used, so that help answers at once."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import batches, jobs, ledger, review, versions
from flows.shell import importing, leaving_at_once, one_line_errors, visible

app = typer.Typer(
    help="Distil a frontier model into a small one that you own, and promote it on evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(batches.app, name="batches")
app.add_typer(jobs.app, name="jobs")
app.add_typer(ledger.app, name="ledger")
app.add_typer(review.app, name="review")
app.add_typer(versions.app)

ProjectFile = Annotated[Path, typer.Argument(help="The project's YAML, as deployments/support.yaml.")]
_LEVELS = {"fine": "+", "doubt": "?", "stop": "-"}
_CAUSES = 3
_VERDICTS = {
    "fine": "nothing speaks against a run",
    "doubt": "look at what is marked with ? before a run",
    "stop": "not to be run before what is marked with - is mended",
}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")]


@app.command()
def run(
    project: ProjectFile,
    budget_usd: Annotated[
        float | None, typer.Option(min=0, help="The most that this run may spend, in US dollars.")
    ] = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="Have the project's deployment run by a worker, instead of running here.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the pipeline; stages whose inputs have not changed are not done again."""
    with one_line_errors():
        if remote:
            from flows.operation.remote import trigger
            from flows.project import load

            print(trigger(load(project).name, project, budget_usd))
            return
        with importing():
            from rich.console import Console

            from flows.console import ConsoleHandler
            from flows.distill import distill
            from flows.project import check, load

        console = Console(stderr=as_json)
        loaded = load(project)
        check(loaded, budget_usd)
        with leaving_at_once(), ConsoleHandler(console) as shown:
            console.print(f"{loaded.name}: {project}", highlight=False, markup=False)
            folder = distill(project.resolve(), budget_usd)
            if not shown.worked:
                console.print("  nothing has changed: no stage was done again")
        evidence = _evidence(folder)
        if as_json:
            print(json.dumps(evidence, indent=1))
        else:
            _print_decision(evidence, folder)


@app.command()
def check(
    file: Annotated[
        str, typer.Argument(help="A project's YAML, or inputs: JSON lines, CSV, Parquet, a log; or a URL.")
    ],
    text: Annotated[str, typer.Option(help="For inputs: the column that holds the user's text.")] = "",
    teacher: Annotated[str, typer.Option(help="For a file: whose price to estimate, as openai/gpt-5-mini.")] = "",
    prompt: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="With --teacher: the prompt that it would get.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option(help="A file of held-out rows: look for them in FILE instead.")
    ] = None,
    probe: Annotated[int, typer.Option(min=0, help="Ask the project's base so many rows, with the prompt.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Look at inputs before any money is spent: exit code 0 fine, 3 worth a look, 4 not to be run."""
    with one_line_errors():
        with importing():
            from flows.planning.check import check_file, check_holdout, check_project, worst
            from flows.project import load

        is_project = file.lower().endswith((".yaml", ".yml"))
        _refuse_idle_options(is_project, bool(teacher or prompt), bool(probe), holdout is not None)
        if holdout:
            found = [check_holdout(file, holdout, text)]
        else:
            found = list(
                check_project(load(Path(file)), probe) if is_project else check_file(file, text, teacher, prompt)
            )
        level = worst(found)
        if as_json:
            print(json.dumps({"level": level, "findings": [each._asdict() for each in found]}, indent=1))
        else:
            for each in found:
                print(f"  {_LEVELS[each.level]} {each.about:<9} {each.words}")
            print(f"{file}: {_VERDICTS[level]}")
    raise typer.Exit({"fine": 0, "doubt": 3, "stop": 4}[level])


def _refuse_idle_options(is_project: bool, priced: bool, probed: bool, held: bool) -> None:
    if (is_project and (priced or held)) or (not is_project and probed) or (held and priced):
        raise typer.BadParameter("--teacher and --prompt, or --holdout, go with a file; --probe goes with a project.")


@app.command()
def plan(project: ProjectFile, as_json: AsJson = False) -> None:
    """Say what a run would do now: what is cached, and what the teacher would be asked."""
    with one_line_errors():
        with importing():
            from flows.planning.plan import plan as look
            from flows.planning.shutdowns import shutdowns
            from flows.project import check, load

        loaded = load(project)
        check(loaded, asks=False)
        planned = look(loaded)
        if as_json:
            print(json.dumps([stage._asdict() for stage in planned], indent=1))
            return
        for stage in planned:
            print(f"  {stage.stage:<9} {'cached' if stage.cached else 'would run':<10} {stage.words}".rstrip())
        for words in shutdowns(loaded):
            print(f"  ! {words}")


@app.command()
def curve(
    project: ProjectFile,
    shares: Annotated[str, typer.Option(help="Percentages of the training rows to learn from.")] = "25,50,100",
    as_json: AsJson = False,
) -> None:
    """Train on shares of the last run's training rows, and say whether more data would help."""
    with one_line_errors():
        from rich.console import Console

        from flows.console import ConsoleHandler, curve_table
        from tasks.evidence import LearningCurve
        from tasks.learning_curve import read_shares

        read_shares(shares)
        console = Console(stderr=as_json)
        with leaving_at_once(), ConsoleHandler(console):
            from flows.curve import curve as draw

            file = draw(project.resolve(), shares)
        drawn = LearningCurve.model_validate_json(file.read_bytes())
        if as_json:
            print(drawn.model_dump_json(indent=1))
        else:
            Console(width=140).print(curve_table(drawn))
            print(f"{drawn.words}\ncurve: {file}")


@app.command()
def monitor(
    project: ProjectFile,
    traffic: Annotated[
        str, typer.Argument(help="A log of what the student was asked: JSON lines, CSV, Parquet; a URL.")
    ],
    budget_usd: Annotated[
        float | None, typer.Option(min=0, help="The most that this audit may spend, in US dollars.")
    ] = None,
    at: Annotated[datetime | None, typer.Option(help="When the traffic came in (UTC), for logs of the past.")] = None,
    as_json: AsJson = False,
) -> None:
    """Audit the student on stage on its traffic: exit code 0 healthy, 3 to be watched, 4 to be trained anew."""
    with one_line_errors():
        from rich.console import Console

        from flows.console import ConsoleHandler
        from tasks.evidence import Monitored

        with leaving_at_once(), ConsoleHandler(Console(stderr=True)):
            from flows.monitor import monitor as audit

            folder = audit(project.resolve(), _absolute(traffic), budget_usd, at.replace(tzinfo=UTC) if at else None)
        monitored = Monitored.model_validate_json((folder / "monitor.json").read_bytes())
        if as_json:
            print(monitored.model_dump_json(indent=1))
        else:
            print(f"{monitored.state.upper()}: {monitored.project} version {monitored.version}")
            for reason in monitored.reasons:
                print(f"  {visible(reason)}")
            print(f"report: {folder / 'report.html'}")
    raise typer.Exit({"healthy": 0, "watch": 3, "retrain": 4}[monitored.state])


def _absolute(traffic: str) -> str:
    from tasks.downloads import is_url

    return traffic if is_url(traffic) else str(Path(traffic).resolve())


@app.command()
def report(
    project: Annotated[Path | None, typer.Argument(help="The project's YAML, as deployments/support.yaml.")] = None,
    version: Annotated[int | None, typer.Option(help="Which version; the last run where left out.")] = None,
    rows: Annotated[
        Path | None, typer.Option(help="Write every held-out row with all answers and scores into this CSV as well.")
    ] = None,
    opens: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of evidence.json instead.")] = False,
) -> None:
    """Rebuild the page of the project's last run, or of a version, from its evidence."""
    with one_line_errors():
        from flows.evidence.answers import write_answers
        from flows.evidence.gathering import rebuild
        from flows.evidence.runs import read_evidence, run_folder
        from flows.naming import named
        from tasks.evidence import Evidence

        if schema:
            print(json.dumps(Evidence.model_json_schema(), indent=1))
            return
        if project is None:
            raise typer.BadParameter("name a project's YAML, or ask for --schema.")
        folder = run_folder(named(project).name, version)
        if rows:
            print(f"{rows}: {write_answers(read_evidence(folder), rows)} rows")
        page = rebuild(folder)
        print(page)
        if opens:
            typer.launch(page.absolute().as_uri())


@app.command()
def deploy(
    project: ProjectFile,
    cron: Annotated[str, typer.Option(help="When it runs, as '0 3 * * 1': each Monday at three.")] = "",
    timezone: Annotated[str, typer.Option(help="With --cron: the time zone, as Europe/Berlin.")] = "UTC",
) -> None:
    """Write the project into prefect.yaml here, on a schedule where --cron gives one, and register it with a server."""
    with one_line_errors():
        from flows.operation.deploying import Schedule
        from flows.operation.deploying import deploy as write

        for line in write(project, Schedule(cron, timezone) if cron else None):
            print(line, flush=True)


@app.command()
def up(
    file: Annotated[Path | None, typer.Option(help="What to deploy: prefect.yaml here, where left out.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the server listens, on this machine alone: 4200.")
    ] = None,
) -> None:
    """Start a Prefect server with its UI, a worker, deployments and automations, on this machine; what is up stays."""
    with one_line_errors():
        from flows.operation.up import up as start

        for line in start(file, port):
            print(line, flush=True)


@app.command()
def down() -> None:
    """Stop what `stillhouse up` started."""
    with one_line_errors():
        from flows.operation.up import down as stop

        for line in stop():
            print(line)


@app.command()
def automations(
    file: Annotated[
        Path | None, typer.Option(help="Which: those of deployments/automations.yaml, where left out.")
    ] = None,
) -> None:
    """Put notifications, and what else a server does by itself, into that of PREFECT_API_URL, or the one that is up."""
    with one_line_errors():
        from flows.operation.remote import server

        server()
        from flows.operation.automations import create
        from flows.operation.up import SHIPPED

        for line in create(file or SHIPPED / "automations.yaml"):
            print(line, flush=True)


def _evidence(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "evidence.json").read_text(encoding="utf-8"))


def _print_decision(evidence: dict[str, Any], folder: Path) -> None:
    stage = "it is on stage" if evidence["on_stage"] else "it is not on stage"
    print(f"\n{evidence['verdict'].upper()}: {evidence['project']} version {evidence['version']}; {stage}")
    marks = {"yes": "+", "no": "-", "unsettled": "?"}
    for reason in evidence["reasons"]:
        print(f"  {marks[reason['holds']]} {visible(reason['words'])}")
    for cause in evidence["causes"][:_CAUSES] if evidence["verdict"] != "promote" else ():
        print(f"  why: {cause['cause'].replace('_', ' ')}: {visible(cause['words'])}")
    read = {usage["system"]: usage["input_tokens"] for usage in evidence["usage"]}
    words = f"\ntokens read a row: student {read['student']:.0f}"
    if read.get("base"):
        words += f", base with the prompt {read['base']:.0f} ({read['student'] / read['base']:.0%})"
    print(words)
    print(evidence["economics"]["words"])
    print(f"report: {folder / 'report.html'}")


if __name__ == "__main__":
    app()
