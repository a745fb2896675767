"""The pages in docs/results of what the log ratio is, and of what is done with it."""

from .. import covariate_shift, outliers, ratio

PARTS = {
    "ratio": lambda record: [ratio.table(record).rstrip("\n")],
    "covariate-shift": lambda record: [covariate_shift.table(record).rstrip("\n")],
    "outliers": lambda record: [outliers.table(record).rstrip("\n")],
}
