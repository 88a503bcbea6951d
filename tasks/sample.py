"""sample: raw inputs → inputs. Which inputs represent the work, edge cases included?"""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from prefect import task
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from tasks.artifacts import Dataset, Made, Result, Tally
from tasks.caching import BY_CONTENT
from tasks.errors import ProjectError
from tasks.evidence import Coverage
from tasks.files import File
from tasks.gathered import NOTHING, Gathered, NothingGathered
from tasks.inputs import Fields, Malformed, Survey, read_inputs, survey
from tasks.reviews import row_key
from tasks.rows import Input, Unpicked, conversation
from tasks.similarity import Encoder, Tfidf, kinds, spread
from tasks.store import Store

VERSION = "3"
NOT_DRAWN = "not_drawn"

_ENCODED_CHARACTERS = 2_000
_SHOWN = 3

logger = logging.getLogger("stillhouse.sample")


class SampleConfig(BaseModel):
    """Which inputs are taken, and how many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: File = Field(description="JSON lines, CSV or Parquet, conversations or logs: a path, or a URL.")
    fields: Fields = Field(default=Fields(), description="Where in a row what stands, where the names differ.")
    instructions: Literal["keep", "drop"] = Field(
        default="keep", description="The conversations' own system messages: drop where teach.prompt stands for them."
    )
    rows: int | None = Field(default=None, ge=1, description="How many rows to take; all of them where it is not set.")
    floors: dict[str, NonNegativeInt] = Field(
        default={}, description="The fewest rows to take of a slice, where it has as many: for edge cases."
    )
    encoder: Encoder = Field(default=Tfidf(), description="By what rows of a slice are alike or different.")
    unusable: float = Field(
        default=0.01, ge=0, le=1, description="The share of rows that may be unusable; above it the stage stops."
    )
    salt: str = Field(default="", description="Another salt draws another sample.")


class Sampled(Result):
    """The inputs that were taken, those that were not with the reason, and what is covered of each slice."""

    inputs: Dataset
    unpicked: Dataset
    coverage: list[Coverage]


class Picked(NamedTuple):
    """The positions of the rows that are taken, and what is covered of each slice."""

    positions: frozenset[int]
    coverage: list[Coverage]


def entries(config: SampleConfig) -> Iterator[Input | Malformed]:
    """What the inputs hold, in their order."""
    for entry in read_inputs(config.inputs, config.fields):
        yield entry if isinstance(entry, Malformed) else instructed(entry, config)


def instructed(row: Input, config: SampleConfig) -> Input:
    """A row with its own system messages, or without them where the config drops those."""
    if config.instructions == "keep":
        return row
    asked = [message for message in row["messages"] if message["role"] != "system"]
    return Input(id=row["id"], messages=asked, slice=row["slice"], group=row["group"])


def look(config: SampleConfig) -> Survey:
    """A survey of the inputs. Raises `ProjectError` where no row or too few are usable, or a floor names no slice."""
    found = survey(entries(config), config.salt, config.rows or 0)
    unusable, path = found.unusable(), config.inputs.path
    if len(unusable) > config.unusable * found.rows:
        named = "; ".join(f"{row['id']}: {row['evidence']}" for row in unusable[:_SHOWN])
        raise ProjectError(
            f"{path}: {len(unusable)} of {found.rows} rows cannot be used, more than sample.unusable allows "
            f"({config.unusable:.1%}): {named}. Mend or remove them."
        )
    if not found.fresh:
        raise ProjectError(f"{path}: no rows. Give it a conversation or a text a row.")
    unknown = set(config.floors) - set(found.slices())
    if unknown:
        raise ProjectError(f"sample.floors: no row of {path} has slice {sorted(unknown)}. Correct the name.")
    return found


def pick(found: Survey, config: SampleConfig) -> Picked:
    """The rows to take: by slice, and within a slice spread over the variety that its pool holds.

    A slice gets its floor, and of what remains its natural share. More rows move few of those taken.
    """
    available = found.slices()
    wanted = min(config.rows or len(found.fresh), len(found.fresh))
    shares = quotas(available, wanted, config.floors)
    pooled = sorted(each for pool in found.pools.values() for each in pool)
    if not pooled:
        return Picked(frozenset(), [])
    vectors = config.encoder.encode([conversation(each.row)[:_ENCODED_CHARACTERS] for each in pooled])
    where = {each.position: at for at, each in enumerate(pooled)}
    taken, coverage = set[int](), list[Coverage]()
    for name, pool in found.pools.items():
        own = vectors[[where[each.position] for each in pool]]
        chosen = spread(own, shares[name])
        taken |= {pool[at].position for at in chosen}
        kind = kinds(own)
        covered = [len(set(each.tolist())) for each in (kind, kind[chosen])]
        counts = {"available": available[name], "picked": shares[name], "kinds": covered[0], "kinds_picked": covered[1]}
        coverage.append(Coverage(slice=name, **counts))
    return Picked(frozenset(found.fresh if wanted == len(found.fresh) else taken), coverage)


def rows_at(config: SampleConfig, positions: frozenset[int]) -> Iterator[Input]:
    """The rows at these positions, in the inputs' order."""
    for position, entry in enumerate(entries(config)):
        if position in positions and not isinstance(entry, Malformed):
            yield entry


def quotas(available: Mapping[str, int], rows: int, floors: Mapping[str, int]) -> dict[str, int]:
    """Rows a slice: floors first, then largest remainders of the natural shares, never more than there are."""
    least = {name: min(count, floors.get(name, 0)) for name, count in available.items()}
    if sum(least.values()) > rows:
        raise ProjectError(
            f"sample.floors ask for {sum(least.values())} rows and sample.rows allows {rows}. Raise rows."
        )
    left = rows - sum(least.values())
    room = {name: available[name] - least[name] for name in available}
    shares = {name: left * count / max(1, sum(room.values())) for name, count in room.items()}
    ranked = sorted(shares, key=lambda name: (int(shares[name]) - shares[name], name))
    spare = left - sum(int(share) for share in shares.values())
    return {name: least[name] + int(shares[name]) + (name in ranked[:spare]) for name in available}


def beside(
    config: SampleConfig, positions: frozenset[int], gathered: list[Input]
) -> tuple[list[Input], list[Unpicked]]:
    """The gathered rows that say what no row at these positions says, and the others; `rows` limits none of them."""
    if not gathered:
        return [], []
    said = {row_key(row): row["id"] for row in rows_at(config, positions)}
    repeats = [
        Unpicked(id=row["id"], slice=row["slice"], reason="exact_duplicate", evidence=f"repeats {said[row_key(row)]}")
        for row in gathered
        if row_key(row) in said
    ]
    return [row for row in gathered if row_key(row) not in said], repeats


def _covered(coverage: list[Coverage], more: Sequence[Input]) -> list[Coverage]:
    """What is covered with the gathered rows, whose kinds are not looked at."""
    counts = Counter(row["slice"] for row in more)
    named = {each.slice: each for each in coverage}
    new = {name: Coverage(slice=name, available=0, picked=0, kinds=0, kinds_picked=0) for name in counts}
    return [
        each.model_copy(update={"available": each.available + counts[name], "picked": each.picked + counts[name]})
        for name, each in (new | named).items()
    ]


def _say(coverage: list[Coverage], floors: Mapping[str, int]) -> None:
    """Name the slices that have too little to learn from, and the floors that cannot be kept."""
    thin = [f"{each.slice} {each.picked}" for each in coverage if each.thin]
    if thin:
        logger.info("sample: thin slices, of which little can be learned: %s", ", ".join(thin))
    short = [each for each in coverage if each.available < floors.get(each.slice, 0)]
    for each in short:
        logger.info("sample: %s has %d of the %d rows of its floor", each.slice, each.available, floors[each.slice])


@task(name="sample", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def sample(config: SampleConfig, gathered: Gathered | NothingGathered = NOTHING) -> Sampled:
    """Take the inputs that represent the work, and what was gathered of the traffic since they were written."""
    started = time.monotonic()
    found = look(config)
    picked = pick(found, config)
    more, repeats = beside(config, picked.positions, gathered.rows())
    coverage = _covered(picked.coverage, more) if more else picked.coverage
    _say(coverage, config.floors)
    made = Made(
        stage="sample",
        version=VERSION,
        config=config.model_dump(mode="json"),
        parents={"inputs": config.inputs.fingerprint}
        | ({"gathered": gathered.fingerprint} if isinstance(gathered, Gathered) else {}),
    )
    not_drawn = (
        Unpicked(id=id, slice=name, reason=NOT_DRAWN, evidence="")
        for position, (id, name) in found.fresh.items()
        if position not in picked.positions
    )
    outcomes = {
        "picked": len(picked.positions),
        NOT_DRAWN: len(found.fresh) - len(picked.positions),
        "gathered": len(more),
    }
    return Sampled(
        inputs=Store().write_rows(chain(rows_at(config, picked.positions), more), Input, made),
        unpicked=Store().write_rows(chain(found.left_out, not_drawn, repeats), Unpicked, made),
        coverage=coverage,
        tally=Tally(
            rows_in=found.rows + len(more) + len(repeats),
            outcomes={name: count for name, count in outcomes.items() if count}
            | Counter(row["reason"] for row in (*found.left_out, *repeats)),
        ),
        seconds=time.monotonic() - started,
    )
