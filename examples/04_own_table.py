"""Train on a table: draw rows, rows of one kind, and fill gaps.

python examples/04_own_table.py [UPDATES]
"""

import sys

import numpy as np
from sklearn.datasets import load_diabetes

from alpha_bridge import TableBridge

updates = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000

people = load_diabetes(as_frame=True, scaled=False).frame[["age", "sex", "bmi", "bp", "target"]]
people["sex"] = people["sex"].map({1: "first", 2: "second"})  # the data do not say which is which

bridge = TableBridge(steps=updates, random_state=0).fit(people)

print(bridge.sample(5))
print(bridge.sample(5, where={"sex": "second"}))

gaps = people.head(5).copy()
gaps.loc[0, "bmi"] = np.nan
gaps.loc[1, "sex"] = None
print(bridge.impute(gaps))

bridge.save("runs/people")  # a run: alpha-bridge report runs/people, or TableBridge.load
