"""`stillhouse deploy`: a project's entries in prefect.yaml, written for its owner to read, edit and keep."""

import copy
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.operation.up import SHIPPED, place, register
from flows.project import check, load
from tasks.errors import OperationFailed, ProjectError
from tasks.files import describe
from tasks.store import write_whole

PREFECT_FILE = Path("prefect.yaml")
_DISTILL, _MONITOR = "flows.distill.distill", "flows.monitor.monitor"
_HEADER = """stillhouse up     (to a server elsewhere: prefect --no-prompt deploy --all)

What `stillhouse deploy FILE` wrote: it adds what a project lacks, and changes a schedule where --cron says so. The rest
is yours to edit. Run it in this folder: paths in the parameters are relative to it, and a worker on this machine, or
wherever the folder lies at the same path, runs what it deploys. Secrets stay in the worker's environment.
"""


class Schedule(NamedTuple):
    """When a project is distilled: a cron expression, and the time zone that it is meant in."""

    cron: str
    timezone: str

    def check(self) -> None:
        """Raises `ProjectError` where a server would not take it."""
        from prefect.client.schemas.schedules import CronSchedule

        try:
            CronSchedule(cron=self.cron, timezone=self.timezone)
        except ValidationError as error:
            raise ProjectError(
                f"schedule: {describe(error)}. Take five fields, as --cron '0 3 * * 1', and a zone, as Europe/Berlin."
            ) from error


def deploy(file: Path, schedule: Schedule | None = None) -> Iterator[str]:
    """Write or renew a project's entries in the folder's prefect.yaml, and register the file where a server is up.

    Raises `ProjectError` where the project is wrong, and `OperationFailed` where prefect.yaml cannot be used, holds
    another project of this name, or the server does not take it.
    """
    project = load(file)
    check(project, asks=False)
    if schedule:
        schedule.check()
    document = _read()
    before = _written(document)
    entries = document["deployments"]
    for entrypoint in (_DISTILL, _MONITOR):
        found = _find(entries, entrypoint, project.name)
        if found is None:
            found = _new(document, entrypoint, project.name, file)
            entries.append(found)
        _renew(found, file)
        if schedule and entrypoint == _DISTILL:
            _plan(found, schedule)
    after = _written(document)
    if changed := after != before or not PREFECT_FILE.is_file():
        write_whole(PREFECT_FILE, after)
    yield f"{PREFECT_FILE}: {project.name} ({'written' if changed else 'was there'})"
    yield f"schedule: {_scheduled(_find(entries, _DISTILL, project.name))}"
    yield _registered()


def _read() -> Any:
    """The folder's prefect.yaml, or one without entries, as the shipped one is beside them."""
    there = PREFECT_FILE.is_file()
    source = PREFECT_FILE if there else SHIPPED / PREFECT_FILE
    try:
        document = _yaml().load(source.read_text(encoding="utf-8"))
        if not isinstance(document["deployments"], list):
            raise TypeError("deployments is no list")
    except (OSError, YAMLError, KeyError, TypeError) as error:
        words = " ".join(str(error).split())
        raise OperationFailed(f"{source.absolute()}: no list of deployments: {words}. Mend it, or move it.") from error
    if not there:
        document["deployments"].clear()
        document.yaml_set_start_comment(_HEADER)
    return document


def _find(entries: Any, entrypoint: str, name: str) -> Any:
    return next((each for each in entries if each.get("entrypoint") == entrypoint and each.get("name") == name), None)


def _new(document: Any, entrypoint: str, name: str, file: Path) -> Any:
    """An entry as the example's is, with nothing of the example in it, and no schedule that is active."""
    shipped = _yaml().load((SHIPPED / PREFECT_FILE).read_text(encoding="utf-8"))["deployments"]
    entry = copy.deepcopy(next(each for each in shipped if each["entrypoint"] == entrypoint))
    entry["name"] = name
    entry["description"] = f"The student of {name}, {'distilled' if entrypoint == _DISTILL else 'audited on a log'}."
    entry["tags"][1] = name
    entry["parameters"]["project"] = _relative(file)
    entry["work_pool"] = (document.get("definitions") or {}).get("pool") or {"name": entry["work_pool"]["name"]}
    for trigger in entry.get("triggers", []):
        trigger["match"]["prefect.resource.id"] = f"stillhouse.project.{name}"
    if entrypoint == _DISTILL:
        entry["schedules"].clear()
    else:
        entry["parameters"]["traffic"] = _relative(file.with_name("traffic.jsonl"))
        entry["schedules"][0]["timezone"] = "UTC"
    return entry


def _renew(entry: Any, file: Path) -> None:
    """Have the entry run the file. Raises `OperationFailed` where it runs another that is there."""
    named = Path(entry["parameters"]["project"])
    if named.exists() and not named.samefile(file):
        raise OperationFailed(
            f"{PREFECT_FILE}: {entry['name']} is {named}, not {file}. Two projects of one name would share their "
            "versions: give one another `name`."
        )
    if not named.exists():
        entry["parameters"]["project"] = _relative(file)


def _plan(entry: Any, schedule: Schedule) -> None:
    wanted = {"cron": schedule.cron, "timezone": schedule.timezone, "active": True}
    if entry.get("schedules"):
        entry["schedules"][0].update(wanted)
    else:
        entry["schedules"] = [{**wanted, "slug": "scheduled"}]


def _scheduled(entry: Any) -> str:
    active = [each for each in entry.get("schedules") or [] if each.get("active", True)]
    if not active:
        return "none; --cron '0 3 * * 1' has it run each Monday at three"
    return ", ".join(f"{each.get('cron', 'as the file says')} ({each.get('timezone', 'UTC')})" for each in active)


def _registered() -> str:
    known = place().read()
    alive = known is not None and known.processes["server"].alive()
    api = os.environ.get("PREFECT_API_URL") or (f"{known.url}/api" if known and alive else "")
    if not api:
        return "no server is up: stillhouse up starts one, and deploys it there"
    url = api.removesuffix("/api")
    register(PREFECT_FILE, url)
    return f"deployed: {PREFECT_FILE} ({url}/deployments)"


def _relative(file: Path) -> str:
    """As prefect.yaml names it: from its folder, where it lies below it."""
    full = file.resolve()
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)


def _written(document: Any) -> str:
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    """YAML that keeps its comments, as this repository writes it."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.representer.add_representer(type(None), lambda own, _: own.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
