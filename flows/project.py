"""Project: the stages' configs, loaded from one YAML and checked before any work."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ConfigDict, Field, ValidationError, model_validator

from flows.gate import check_measured, check_slices
from flows.naming import Named, read
from flows.versions import mlflow_registry
from tasks.caching import finished
from tasks.economics import EconomicsConfig
from tasks.errors import ProjectError
from tasks.evaluate import EvaluateConfig, metric_names
from tasks.files import describe
from tasks.filter import FilterConfig, read_gold
from tasks.gathered import gathered
from tasks.judges import PreferenceScorer, RubricScorer, called
from tasks.models import AnyModel, Budget, Recorded, Service
from tasks.monitoring import MonitorConfig
from tasks.objects import check_shared
from tasks.promote import PromoteConfig
from tasks.rows import Input
from tasks.rules import Agreement, Contradiction, Judged
from tasks.sample import SampleConfig, beside, look, pick, rows_at, sample
from tasks.scorers import Chrf, Fields, Similarity
from tasks.split import SplitConfig
from tasks.store import Store
from tasks.teach import TeachConfig, questions, teach
from tasks.trainers import HostedTrainer, Trainer


class Project(Named):
    """One narrow task to distil: a name, and a config for each stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget_usd: float | None = Field(
        default=None,
        ge=0,
        le=1e9,
        description="The most that all runs of the project may spend; null, said outright, for no limit.",
    )
    sample: SampleConfig
    teach: TeachConfig
    filter: FilterConfig
    split: SplitConfig = SplitConfig()
    train: Trainer
    evaluate: EvaluateConfig
    promote: PromoteConfig
    economics: EconomicsConfig = EconomicsConfig()
    monitor: MonitorConfig = MonitorConfig()

    @model_validator(mode="after")
    def _measured(self) -> "Project":
        names = self.evaluate.metrics()
        if len(set(names)) < len(names) or "" in names:
            raise ValueError(f"evaluate.scorers: the metrics {sorted(names)} are not all different, or have no name")
        measured = metric_names(self.evaluate)
        if not self.split.unseen:
            measured.pop("unseen", None)
        unknown = sorted(set(self.monitor.metrics) - set(self.evaluate.of_each_answer()))
        if unknown:
            raise ValueError(f"monitor.metrics: no {unknown} to watch; there are {self.evaluate.of_each_answer()}")
        has_base = self.train.base_model() is not None
        check_measured(self.promote.rules, measured, set(names), self.evaluate.opponents(), has_base)
        return self

    @model_validator(mode="after")
    def _priced_once(self) -> "Project":
        if self.economics.teacher_priced_as is not None and not isinstance(self.teach.model, Recorded):
            raise ValueError(
                "economics.teacher_priced_as: this teacher is not recorded and has a cost of its own; leave it out"
            )
        return self

    def budget(self, run: str, run_usd: float | None = None) -> Budget:
        """What a run of this name may spend."""
        return Budget(project=self.name, run=run, project_usd=self.budget_usd, run_usd=run_usd)

    def services(self) -> list[Service]:
        """Every model that is asked for money: teachers, judges, base and student."""
        rules = [rule for rule in self.filter.rules if isinstance(rule, Judged)]
        judges = [*(rule.rubric.model for rule in rules), *(judge.model for judge in self.evaluate.judges())]
        models = [*self.teach.teachers, *judges, *self.train.asked()]
        return [model for model in models if isinstance(model, Service)]


def load(path: Path) -> Project:
    """The project in a YAML file; the paths in it are relative to it.

    Raises `ProjectError` naming file and field, all problems at once, where the YAML or a file that it names is wrong.
    """
    try:
        return Project.model_validate(read(path), context={"folder": path.resolve().parent})
    except ValidationError as error:
        raise ProjectError(f"{path}: {describe(error)}") from error


def check(project: Project, run_usd: float | None = None, asks: bool = True) -> None:
    """Fail before any work: read every input and every stored answer, try the store, ask for keys and prices."""
    if run_usd is not None and not 0 <= run_usd <= 1e9:
        raise ProjectError(f"--budget-usd: {run_usd} is no sum. Give US dollars, from 0 to 1,000,000,000.")
    Store().check_writable()
    check_shared()
    if project.publish:
        mlflow_registry.check()
    project.train.check()
    project.economics.check()
    known = _known(project)
    missing = set(project.split.unseen) - known.slices
    if missing:
        raise ProjectError(f"split.unseen: no row has slice {sorted(missing)}; there are {sorted(known.slices)}")
    check_slices(project.promote.rules, known.slices, set(project.split.unseen))
    _check_split(project, read_gold(project.filter, known.ids), known)
    _check_fields(project)
    for teacher in project.teach.teachers:
        if isinstance(teacher, Recorded):
            _check_recorded(project, teacher)
    for scorer in project.evaluate.scorers:
        if isinstance(scorer, Chrf | Similarity):
            scorer.check()
    rules = [rule for rule in project.filter.rules if isinstance(rule, Judged)]
    for judge in [*rules, *project.evaluate.judges()]:
        _check_judge(judge, project.teach.teachers)
    for service in project.services():
        _check_paid(project, service, run_usd)
        if asks:
            service.check()
    if isinstance(project.train, HostedTrainer) and not (project.budget_usd is None and run_usd is None):
        project.train.check_priced()


def _check_fields(project: Project) -> None:
    """Raises `ProjectError` where a rule or a scorer compares fields that the answers' schema does not name."""
    known = (project.teach.schema_asked_for or {}).get("properties") or {}
    compared = [
        (f"filter.rules: {r.rule}", r.fields) for r in project.filter.rules if isinstance(r, Agreement | Contradiction)
    ]
    scored = [(f"evaluate.scorers: {s.name}", s.fields) for s in project.evaluate.scorers if isinstance(s, Fields)]
    for where, fields in [*compared, *scored]:
        if known and not known.keys() >= set(fields):
            unknown = sorted(set(fields) - known.keys())
            raise ProjectError(f"{where}: fields: teach.output_schema has no {unknown}; there are {sorted(known)}")


def _check_split(project: Project, gold: dict[str, str], known: "_Known") -> None:
    """Raises `ProjectError` where it is plain now that nothing could be held out, or nothing learned."""
    holdout = project.split.holdout
    if holdout == "approved" and not gold:
        raise ProjectError("split.holdout: approved, and filter.gold has no answer. Approve some, or give a share.")
    if isinstance(holdout, int) and holdout >= len(known.ids):
        raise ProjectError(f"split.holdout: {holdout} of {len(known.ids)} rows leaves none to learn from. Lower it.")
    if known.slices <= set(project.split.unseen):
        raise ProjectError("split.unseen names every slice, which leaves no row to learn from. Leave some out.")


class _Known(NamedTuple):
    slices: set[str]
    ids: set[str]


def _known(project: Project) -> _Known:
    """The names that stand in the inputs and in what was gathered: as the stage wrote them down, or by reading all."""
    known = gathered(project.name)
    done = finished(sample, project.sample, known)
    if done is None:
        found, more = look(project.sample), known.rows()
        fresh = {id for id, _ in found.fresh.values()} | {row["id"] for row in more}
        slices = {*found.slices(), *(row["slice"] for row in more)}
        return _Known(slices, fresh | {row["id"] for row in found.left_out})
    rows = [row for dataset in (done.inputs, done.unpicked) for row in Store().read_rows(dataset, ["id"])]
    return _Known({each.slice for each in done.coverage}, {row["id"] for row in rows})


def chosen(project: Project) -> list[Input]:
    """The rows that a run would ask of the teacher: as the stage wrote them down, or picked now."""
    config, traffic = project.sample, gathered(project.name)
    done = finished(sample, config, traffic)
    if done is not None:
        return list(Store().read_rows(done.inputs))
    found = look(config)
    everything = config.rows is None  # what is alike need not be known where nothing is left out
    positions = frozenset(found.fresh) if everything else pick(found, config).positions
    return [*rows_at(config, positions), *beside(config, positions, traffic.rows())[0]]


def _check_recorded(project: Project, teacher: Recorded) -> None:
    sampled = finished(sample, project.sample, gathered(project.name))
    if sampled and finished(teach, project.teach, sampled.inputs, project.budget("check")):
        return  # what was taught is asked for no more
    asked = list(questions(chosen(project), project.teach))
    teacher.check([each.request for each in asked], [f"row {each.row!r}" for each in asked])


def _check_judge(judge: Judged | RubricScorer | PreferenceScorer, teachers: Sequence[AnyModel]) -> None:
    model, where = (
        (judge.rubric.model, "filter.rules") if isinstance(judge, Judged) else (judge.model, "evaluate.scorers")
    )
    name = called(model)
    same = name in map(called, teachers)
    if same and not judge.same_as_teacher:
        raise ProjectError(
            f"{where}: {name} would judge its own answers, and models favour those. Name another judge, or "
            "insist with same_as_teacher: true; the evidence then says so."
        )
    if judge.same_as_teacher and not same:
        raise ProjectError(f"{where}: same_as_teacher is set, and {name} is no teacher. Leave it out.")


def _check_paid(project: Project, service: Service, run_usd: float | None) -> None:
    if "budget_usd" not in project.model_fields_set:
        raise ProjectError(
            f"budget_usd: required, because {service.model} costs money. Set the most that all runs of "
            f"{project.name} may spend, in US dollars, or budget_usd: null for no limit."
        )
    if not (project.budget_usd is None and run_usd is None):
        service.check_priced()
