"""What can be done with a run, a function each: the command line reads their signatures.

Importing this loads no torch. Each function checks its arguments and opens the run before it
imports what needs torch, so that what is wrong is refused within a second.
"""

from .compare import Compared, compare
from .compare_methods import ComparedMethods, compare_methods
from .density_ratio import Ratio, ratio
from .doctor import Check, Diagnosis, doctor
from .edit import edit
from .edit_images import Edited
from .edit_rows import EditedRows
from .frontier import Frontier, frontier
from .impute import impute
from .missed import missed
from .missed_rows import MissedRows
from .missed_samples import Missed
from .outliers import Outliers, outliers
from .overview import Overview, overview
from .reconstruct import Reconstructed, ReconstructedRows, reconstruct
from .release import export, push, restore
from .replay import Replayed, replay
from .review import evaluate, report
from .run_list import RunList, runs
from .sample import sample
from .train import Trained, train
from .translate import translate
from .verify import Verified, verify

__all__ = [
    "Check",
    "Compared",
    "ComparedMethods",
    "Diagnosis",
    "Edited",
    "EditedRows",
    "Frontier",
    "Missed",
    "MissedRows",
    "Outliers",
    "Overview",
    "Ratio",
    "Reconstructed",
    "ReconstructedRows",
    "Replayed",
    "RunList",
    "Trained",
    "Verified",
    "compare",
    "compare_methods",
    "doctor",
    "edit",
    "evaluate",
    "export",
    "frontier",
    "impute",
    "missed",
    "outliers",
    "overview",
    "push",
    "ratio",
    "reconstruct",
    "replay",
    "report",
    "restore",
    "runs",
    "sample",
    "train",
    "translate",
    "verify",
]
