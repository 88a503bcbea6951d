"""A number within a tolerance."""

import math
import re
from decimal import Decimal
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.scorers.parsing import Score, part, value_of

_MARKS = {  # between thousands, and before decimals
    "1234.5": ("", "."),
    "1,234.5": (",", "."),
    "1.234,5": (".", ","),
    "1 234,5": (" \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}", ","),
}


class Number(BaseModel):
    """1 where the answer's number lies within the tolerance of the reference's, else 0.

    The number is the whole text, or all of a field, which may hold it as a JSON number too; one within prose is not
    read. The greater of the two tolerances counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["number"]
    name: str = Field(default="number", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the number; else the whole answer.")
    absolute: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="How far off it may be.")
    relative: float = Field(
        default=0.0, ge=0, allow_inf_nan=False, description="How far off it may be, as a share of the reference's."
    )
    unit: str = Field(default="", description="What may stand before or after the number, as $, kg or %.")
    written: Literal["1234.5", "1,234.5", "1.234,5", "1 234,5"] = Field(
        default="1234.5", description="How numbers are written in text; marks between thousands may be left out."
    )

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own number."""
        given, wanted = self._number(text), self._number(reference)
        if given is None or wanted is None:
            read = text if given is None else reference
            return Score(0.0, f"{'' if given is None else 'the reference has '}no number: {read[:80]!r}")
        off = abs(given - wanted)
        if off <= max(_exactly(self.absolute), _exactly(self.relative) * abs(wanted)):
            return Score(1.0)
        return Score(0.0, f"{given:.12g}, not {wanted:.12g}: {off:.3g} off")

    def _number(self, text: str) -> Decimal | None:
        value = None if self.field is None else value_of(text, self.field)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _exactly(value)
        held = part(text, self.field)
        return None if held is None else self._read(held)

    def _read(self, text: str) -> Decimal | None:
        found = self._form.fullmatch(text.strip())
        if found is None:
            return None
        thousands, decimal = _MARKS[self.written]
        plain = "".join(found.groups()).translate(str.maketrans("", "", thousands)).replace(decimal, ".")
        return Decimal(plain) if math.isfinite(float(plain)) else None

    @cached_property
    def _form(self) -> re.Pattern[str]:
        thousands, decimal = map(re.escape, _MARKS[self.written])
        grouped = f"[0-9]{{1,3}}(?:[{thousands}][0-9]{{3}})+|" if thousands else ""
        unit = re.escape(self.unit)
        number = rf"((?:{grouped}[0-9]+)(?:{decimal}[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
        return re.compile(rf"([+-]?)(?:{unit}\s*)?{number}(?:\s*{unit})?")


def _exactly(number: float) -> Decimal:
    """The number as it was written: 0.1 is a tenth, which no float is."""
    return Decimal(str(number))
