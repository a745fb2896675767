"""What all experiments share: plans, the ledger of runs, claims and figures.

An experiment is a module with ``measure``, which plans runs and gives a record, and ``draw``, which
makes a figure of the record; ``claims`` of the record and a ``table`` of it are optional.
:func:`experiments.reproduce` does the rest.
"""

from .claims import Claim, trials_of, verdicts
from .evaluations import compare, configurations, due, ends, last, last_means, preset_on
from .plan import Outcome, Plan, Record, Samples
from .study import Study

__all__ = [
    "Claim",
    "Outcome",
    "Plan",
    "Record",
    "Samples",
    "Study",
    "compare",
    "configurations",
    "due",
    "ends",
    "last",
    "last_means",
    "preset_on",
    "trials_of",
    "verdicts",
]
