"""The page of the log ratio in docs/results."""

from .. import ratio

PARTS = {"ratio": lambda record: [ratio.table(record).rstrip("\n")]}
