"""A rule of the gate, as it stands in the YAML."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.evidence import ALL

WORST, EACH = "worst", "each"

SystemName = Literal["student", "teacher", "base", "champion"]
Share = Annotated[float, Field(ge=0, le=1, strict=True)]  # true is no number


class GateRule(BaseModel):
    """What must hold of a metric: on the interval's bound, not on the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field(description="The name of a scorer's metric, or of one that a failure mode measures.")
    of: SystemName = Field(default="student", description="Who must hold to it; only the student is compared.")
    versus: Literal["teacher", "base", "champion"] | None = Field(
        default=None, description="Who it is compared with, row by row."
    )
    part: str = Field(default="holdout", description="The rows that decide: holdout, unseen, or a failure mode's own.")
    slice: str = Field(
        default=ALL,
        description="The slice that decides; all of them together where it is not set. With `worst` every slice must "
        "hold, and the reason names the one that is furthest from it; `each` gives a reason for every slice.",
    )
    at_least: Share | None = Field(default=None, description="The lower bound must reach this.")
    at_most: Share | None = Field(
        default=None, description="The upper bound must not pass this; a failed row counts as 1 here."
    )
    better_by: Share | None = Field(default=None, description="The lower bound must pass this.")
    not_worse_by: Share | None = Field(default=None, description="The lower bound must reach minus this.")

    @model_validator(mode="after")
    def _one_bound(self) -> "GateRule":
        absolute = [self.at_least, self.at_most]
        relative = [self.better_by, self.not_worse_by]
        wanted, others = (relative, absolute) if self.versus else (absolute, relative)
        if sum(bound is not None for bound in wanted) != 1 or any(bound is not None for bound in others):
            raise ValueError(
                "give one of at_least and at_most, or versus together with one of better_by and not_worse_by"
            )
        if self.versus and self.of != "student":
            raise ValueError(f"versus: only the student is compared row by row, not the {self.of}. Leave one out")
        return self

    @property
    def by_slice(self) -> bool:
        """Whether every slice must hold."""
        return self.slice in (WORST, EACH)

    @property
    def systems(self) -> set[str]:
        """Whose answers the rule needs."""
        return {self.of} | ({self.versus} if self.versus else set())
