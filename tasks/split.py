"""split: kept → train, validation, holdout, unseen. What is learned, and what is kept apart to judge by?"""

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from prefect import task
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from tasks.artifacts import Dataset, Made, Result, Tally, canonical, digest
from tasks.caching import BY_CONTENT
from tasks.errors import StageFailed
from tasks.registry import Registry
from tasks.rows import Kept, conversation
from tasks.sample import quotas
from tasks.similarity import Encoder, Leak, Tfidf, clusters, leaks
from tasks.store import Store

VERSION = "4"

Part = Literal["train", "validation", "holdout", "unseen"]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Rows = Annotated[int, Field(strict=True, ge=1)]
PARTS: tuple[Part, ...] = ("train", "validation", "holdout", "unseen")
LEARNED: tuple[Part, ...] = ("train", "validation")
_ROUNDS, _SHOWN = 5, 5


class Tie(NamedTuple):
    """Two positions that must not straddle parts."""

    learned: int
    held: int


class SplitConfig(BaseModel):
    """What is held apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holdout: Literal["approved"] | Rows | Share = Field(
        default=0.2,
        description="`approved`: the rows of the gold file; or a share of all rows; or how many, by slice. No row is "
        "held out for being reviewed: it was picked for its faults, and a champion may have trained on it.",
    )
    floor: NonNegativeInt = Field(
        default=3, description="The fewest rows to hold out of each slice that is drawn from, but half of it at most."
    )
    approved_to_train: Share = Field(
        default=0.0, description="Of the holdout `approved`, the share that trains instead, where such rows are rare."
    )
    validation_fraction: Share = Field(default=0.1, description="The share of the rest that is watched.")
    unseen: list[str] = Field(
        default=[], description="Slices kept wholly out of training, to judge behaviour next to the task."
    )
    similarity: float = Field(
        default=0.6, gt=0, le=1, description="Jaccard similarity from which two rows never straddle parts."
    )
    encoder: Encoder = Field(default=Tfidf(), description="By what rows are compared once more after the split.")
    salt: str = Field(default="", description="Another salt draws other rows; those held out before stay held out.")


class HeldBefore(BaseModel):
    """What a project held out in earlier runs, of other rows or by another config: none of it trains again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str
    datasets: list[Dataset] = []


class Parts(BaseModel):
    """The four parts; every kept row is in exactly one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: Dataset
    validation: Dataset
    holdout: Dataset
    unseen: Dataset


class SplitRows(Parts, Result):
    """What `split` gives."""

    def parts(self) -> Parts:
        """The parts alone, which are the same however long the work took."""
        return Parts(train=self.train, validation=self.validation, holdout=self.holdout, unseen=self.unseen)


def assign(
    rows: Sequence[Kept], config: SplitConfig, before: Sequence[Kept] = (), ties: Sequence[Tie] = ()
) -> list[Part]:
    """Each row's part, which is that of its cluster.

    A cluster joins rows of one group, near-duplicates, what was held out before, and by `ties`, which count through
    `rows` and `before`, whatever else must not straddle. It is unseen or held out where any of its rows must be. Else
    one of its rows draws for all, by a hash of its conversation and the salt, never by its position, so that the same
    rows draw the same in every run, and clusters of many rows are held out no more often than others. Slices that fall
    short of their floor, or of how many are asked for, hold out the clusters that drew lowest.
    """
    every = [*rows, *before]
    return _assign(rows, config, _connected(len(every), [*_ties(every, config.similarity), *ties]))


def _assign(rows: Sequence[Kept], config: SplitConfig, clusters: Sequence[int]) -> list[Part]:
    """The parts by cluster; clusters that go on beyond the rows were held out before."""
    drawing = _drawing(rows, clusters, config.salt)
    parts: dict[int, Part] = {cluster: _drawn(row, config) for cluster, row in drawing.items()}
    for cluster in clusters[len(rows) :]:
        parts[cluster] = "holdout"
    for cluster, row in zip(clusters, rows, strict=False):
        fixed = _fixed(row, config)
        if fixed is not None and parts[cluster] != "unseen":
            parts[cluster] = fixed
    if config.holdout != "approved":
        _fill(parts, Counter(clusters[: len(rows)]), drawing, config)
    return [parts[cluster] for cluster in clusters[: len(rows)]]


def _drawing(rows: Sequence[Kept], clusters: Sequence[int], salt: str) -> dict[int, Kept]:
    """The row of each cluster that draws for all of them."""
    lowest: dict[int, tuple[float, Kept]] = {}
    for cluster, row in zip(clusters, rows, strict=False):
        own = _uniform(row, salt, "cluster"), row
        lowest[cluster] = min(lowest.get(cluster, own), own, key=lambda each: each[0])
    return {cluster: row for cluster, (_, row) in lowest.items()}


def _fixed(row: Kept, config: SplitConfig) -> Part | None:
    """The part that a row has whatever it draws, and its cluster with it."""
    if row["slice"] in config.unseen:
        return "unseen"
    judges = config.holdout == "approved" and row["approved"] and not row["reviewed"]
    return "holdout" if judges and _uniform(row, config.salt, "approved") >= config.approved_to_train else None


def _drawn(row: Kept, config: SplitConfig) -> Part:
    if isinstance(config.holdout, float) and _uniform(row, config.salt, "holdout") < config.holdout:
        return "holdout"
    return "validation" if _uniform(row, config.salt, "validation") < config.validation_fraction else "train"


def _fill(parts: dict[int, Part], sizes: Counter[int], drawing: dict[int, Kept], config: SplitConfig) -> None:
    """Hold out more clusters of the slices that have too few; one stays to learn from."""
    there, held = Counter[str](), Counter[str]()
    seen = {cluster: row for cluster, row in drawing.items() if parts[cluster] != "unseen"}
    for cluster, row in seen.items():
        there[row["slice"]] += sizes[cluster]
        held[row["slice"]] += sizes[cluster] * (parts[cluster] == "holdout")
    wanted = {name: min(config.floor, count // 2) for name, count in there.items()}
    if isinstance(config.holdout, int):
        wanted = quotas(there, min(max(config.holdout, sum(wanted.values())), there.total()), wanted)
    for cluster in sorted(seen, key=lambda each: _uniform(seen[each], config.salt, "holdout")):
        name, size = seen[cluster]["slice"], sizes[cluster]
        if parts[cluster] != "holdout" and held[name] < wanted[name] and held[name] + size < there[name]:
            parts[cluster] = "holdout"
            held[name] += size


def _uniform(row: Kept, salt: str, purpose: str) -> float:
    said = hashlib.sha256(canonical([purpose, salt, row["messages"]]).encode("utf-8", "surrogatepass"))
    return int.from_bytes(said.digest()[:8]) / 2**64


def _ties(rows: Sequence[Kept], similarity: float) -> list[Tie]:
    """What rows of one group, and near-duplicates, are tied by."""
    first: dict[tuple[str, str | int], int] = {}
    ties = [Tie(first.setdefault(("group", row["group"]), position), position) for position, row in enumerate(rows)]
    alike = clusters([conversation(row) for row in rows], similarity)
    return ties + [
        Tie(first.setdefault(("alike", cluster), position), position) for position, cluster in enumerate(alike)
    ]


def _connected(rows: int, ties: Sequence[Tie]) -> list[int]:
    """The number of each position's cluster."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not rows:
        return []
    starts, ends = zip(*ties, strict=True)
    graph = coo_array(([1] * len(ties), (starts, ends)), shape=(rows, rows))
    return connected_components(graph, directed=False)[1].tolist()


class Straddling(NamedTuple):
    """Two positions of which one trains and one is held out, though they say nearly the same."""

    tie: Tie
    leak: Leak


def assign_apart(rows: Sequence[Kept], config: SplitConfig, before: Sequence[Kept]) -> list[Part]:
    """Each row's part, rows that a leak check finds joined until it finds none.

    Raises `StageFailed` naming pairs where it still finds some.
    """
    found: list[Straddling] = []
    every = [*rows, *before]
    texts = [conversation(row) for row in every]
    ties = _ties(every, config.similarity)
    for _ in range(_ROUNDS):
        parts = _assign(rows, config, _connected(len(every), ties))
        found = _straddling(texts, parts, config.encoder)
        if not found:
            return parts
        ties += [each.tie for each in found]
    pairs = [
        f"{every[tie.held]['id']} and {every[tie.learned]['id']} ({leak.how} {leak.similarity:.2f})"
        for tie, leak in found[:_SHOWN]
    ]
    raise StageFailed(
        f"split: {len(found)} held-out rows stand nearly the same among what trains: {', '.join(pairs)}. Give such "
        "rows one `group`, or leave one of each pair out."
    )


def _straddling(texts: Sequence[str], parts: Sequence[Part], encoder: Encoder) -> list[Straddling]:
    """What leaks between parts; texts without a part were held out before."""
    learned = [position for position, part in enumerate(parts) if part in LEARNED]
    held = [position for position in range(len(texts)) if position >= len(parts) or parts[position] not in LEARNED]
    found = leaks([texts[position] for position in learned], [texts[position] for position in held], encoder)
    return [Straddling(Tie(learned[leak.learned], held[leak.held]), leak) for leak in found]


def held_before(project: str, config: SplitConfig, kept: Dataset) -> HeldBefore:
    """What the project ever held out, but for what this very split did where it was the last one."""
    return HeldBefore(project=project, datasets=Registry().held_out(project, again=drawn_from(config, kept)))


def drawn_from(config: SplitConfig, kept: Dataset) -> str:
    """What a split is known by: its version, its config and its rows."""
    return digest([VERSION, config.model_dump(mode="json"), kept.fingerprint])


@task(name="split", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def split(config: SplitConfig, kept: Dataset, held_before: HeldBefore) -> SplitRows:
    """Set apart what the student is judged by, and remember it."""
    started = time.monotonic()
    rows: list[Kept] = list(Store().read_rows(kept))
    parts = assign_apart(rows, config, [row for dataset in held_before.datasets for row in Store().read_rows(dataset)])
    counts = Counter(parts)
    for part in ("train", "holdout"):
        if not counts[part]:
            raise StageFailed(
                f"split: no row of {len(rows)} fell to {part} ({dict(counts)}). Change split.holdout or split.unseen, "
                "give rows groups of their own where many share one, or add rows."
            )
    made = Made(
        stage="split", version=VERSION, config=config.model_dump(mode="json"), parents={"kept": kept.fingerprint}
    )
    datasets = {
        part: Store().write_rows([row for row, own in zip(rows, parts, strict=True) if own == part], Kept, made)
        for part in PARTS
    }
    outcomes = {part: counts[part] for part in PARTS}
    for part in ("holdout", "unseen"):  # what the registry remembers must be there for every host
        Store().share(datasets[part])
    Registry().hold_out(held_before.project, drawn_from(config, kept), [datasets["holdout"], datasets["unseen"]])
    return SplitRows(
        **datasets,
        tally=Tally(rows_in=len(rows), outcomes=outcomes),
        seconds=time.monotonic() - started,
    )
