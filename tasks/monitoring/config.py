"""How a project's promoted student is watched."""

from pydantic import BaseModel, ConfigDict, Field


class MonitorConfig(BaseModel):
    """How much of the traffic is audited, and what counts as a drift. Nothing of it enters a run of the pipeline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = Field(default=200, ge=1, description="The rows that an audit asks the teacher about.")
    floor: int = Field(
        default=10,
        ge=0,
        description="The fewest rows of each slice beside those drawn from all, half of `rows` in all.",
    )
    metrics: list[str] = Field(
        default=[], description="The metrics that are watched; all of evaluate.scorers but `preference` if left out."
    )
    false_alarms: float = Field(
        default=0.05, gt=0, lt=1, description="The share of years without a drift in which a retrain may be asked for."
    )
    smallest_drop: float = Field(
        default=0.02, ge=0, lt=1, description="The smallest loss of agreement that matters, as a share of rows."
    )
    smallest_shift: float = Field(
        default=0.05, gt=0, lt=1, description="The smallest shift of the traffic that matters, as a share of its rows."
    )
    new_rows: int = Field(
        default=100, ge=1, description="The fewest rows that were gathered since the champion learned, for a retrain."
    )
    salt: str = Field(default="", description="Another salt draws other rows.")
