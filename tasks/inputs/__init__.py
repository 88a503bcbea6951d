"""How inputs are read and surveyed: JSON lines, CSV and Parquet; texts, conversations and logs. No Prefect in here."""

from tasks.inputs.fields import Fields
from tasks.inputs.reading import read_answered, read_inputs
from tasks.inputs.records import Malformed
from tasks.inputs.survey import Pooled, Survey, survey

__all__ = ["Fields", "Malformed", "Pooled", "Survey", "read_answered", "read_inputs", "survey"]
