"""What a student is held to: rules, the bounds that they are held on, and how often one holdout may decide.

No Prefect in here, and no knowledge of models, scorers or stores: evidence in, reasons out.
"""

from tasks.gate.judging import judge
from tasks.gate.rules import EACH, WORST, GateRule
from tasks.gate.wear import Earlier, wear

__all__ = ["EACH", "WORST", "Earlier", "GateRule", "judge", "wear"]
