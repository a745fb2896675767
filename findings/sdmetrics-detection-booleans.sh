#!/usr/bin/env bash
# sdmetrics 0.32.0, LogisticDetection and SVCDetection: wrong boolean columns cannot be detected.
#
# The documentation of the two says that they turn boolean columns into 0 and 1. They drop them before the classifier
# sees anything, without a word, wherever the table's metadata calls the column "boolean", which is the name that
# the documentation has for it: only numerical, datetime and categorical columns are kept. Synthetic rows
# that have every flag the other way round score as well as perfect ones. The same columns under the name
# "categorical", or as the integers 0 and 1, are told apart at once.
#
# Matters to whoever tables the score of synthetic tables with flags in them: the more flags, the better it looks.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q sdmetrics==0.32.0 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 \
  scikit-learn==1.9.1 copulas==0.14.1 plotly==7.1.0

cat > "$folder/seen.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from sdmetrics.single_table import LogisticDetection, SVCDetection

warnings.simplefilter("ignore")
print("sdmetrics", version("sdmetrics"), "pandas", pd.__version__)
ROWS, FLAGS = 600, 5
draws = np.random.default_rng(0)


def table(share):
    """A column of numbers, and five flags that are true with this chance."""
    flags = {f"flag {number}": draws.random(ROWS) < share for number in range(FLAGS)}
    return pd.DataFrame({"number": draws.normal(size=ROWS), **flags})


def metadata(name):
    flags = {f"flag {number}": {"sdtype": name} for number in range(FLAGS)}
    return {"columns": {"number": {"sdtype": "numerical"}, **flags}}


real, perfect, wrong = table(0.9), table(0.9), table(0.1)
seen = {}
for metric in (LogisticDetection, SVCDetection):
    for name in ("boolean", "categorical"):
        np.random.seed(0)
        scores = [metric.compute(real, each, metadata(name)) for each in (perfect, wrong)]
        seen[metric, name] = scores
        print(
            f"{metric.__name__}, columns called {name}: perfect flags {scores[0]:.2f}, "
            f"opposite flags {scores[1]:.2f}"
        )

for (metric, name), (perfect, wrong) in seen.items():
    assert perfect > 0.7, "perfect rows pass"
    assert (wrong > 0.7) == (name == "boolean"), "boolean columns are seen now"
    assert name == "boolean" or wrong < 0.1, "opposite flags are detected"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
