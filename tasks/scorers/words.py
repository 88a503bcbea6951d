"""Length in words."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.scorers.parsing import Score, part


class Words(BaseModel):
    """1 where the text has between `at_least` and `at_most` words, separated by white space, else 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["words"]
    name: str = Field(default="length", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the text; else the whole answer.")
    at_least: int = Field(default=1, ge=0, description="The fewest words.")
    at_most: int = Field(description="The most words.")

    @model_validator(mode="after")
    def _possible(self) -> "Words":
        if self.at_least > self.at_most:
            raise ValueError(f"at_least ({self.at_least}) is above at_most ({self.at_most})")
        return self

    def score(self, text: str, reference: str) -> Score:
        """Full marks within the bounds."""
        counted = part(text, self.field)
        if counted is None:
            return Score(0.0, f"no text in `{self.field}`")
        words = len(counted.split())
        return Score(1.0) if self.at_least <= words <= self.at_most else Score(0.0, f"{words} words")
