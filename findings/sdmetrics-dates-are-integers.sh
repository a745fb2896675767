#!/usr/bin/env bash
# sdmetrics 0.32.0 compares dates as the integers that pandas stores, in whatever unit and from 1970 on.
#
# 1. pandas keeps dates as seconds, milliseconds, microseconds or nanoseconds: a Parquet file of milliseconds is
#    read as datetime64[ms], date_range gives datetime64[ns]. The two compare as equal. But KSComplement,
#    BoundaryAdherence, LogisticDetection and NewRowSynthesis take the integers of the real and of the synthetic
#    column as they are: dates against themselves, in another unit, have the worst score for quality and for
#    detection, and the best for novelty. Nothing is said.
# 2. NewRowSynthesis is documented to scale numbers and dates by the minimum and the range of the real column, and
#    to call a value a match that is then within 1%. It does not scale: the limit is 1% of the value itself, for a
#    date of 2020 half a year. The 15th of each month counts as a copy where the real dates are the first, 4% of the
#    range away; in 1970 it does not. Numbers around 1,000 that lie 5% of the range off are copies, around 50 not.
#
# Matters to whoever reads real and synthetic tables by different ways, or reports novelty of rows with dates.
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
from sdmetrics.reports import DiagnosticReport, QualityReport
from sdmetrics.single_column import BoundaryAdherence, KSComplement
from sdmetrics.single_table import LogisticDetection, NewRowSynthesis

warnings.simplefilter("ignore")
print("sdmetrics", version("sdmetrics"), "pandas", pd.__version__)
METADATA = {"columns": {"date": {"sdtype": "datetime"}, "number": {"sdtype": "numerical"}}}
ROWS = 500
draws = np.random.default_rng(0)


def table(start, unit="ns"):
    seconds = pd.to_timedelta(draws.integers(365 * 24 * 3600, size=ROWS), unit="s")
    date = pd.Series(pd.Timestamp(start) + seconds).astype(f"datetime64[{unit}]")
    return pd.DataFrame({"date": date, "number": draws.normal(size=ROWS) + 100})


def report(kind, real, synthetic):
    made = kind()
    made.generate({"rows": real}, {"rows": synthetic}, {"tables": {"rows": METADATA}}, verbose=False)
    return made.get_score()


def scores(real, synthetic):
    return {
        "KSComplement": KSComplement.compute(real["date"], synthetic["date"]),
        "BoundaryAdherence": BoundaryAdherence.compute(real["date"], synthetic["date"]),
        "LogisticDetection": LogisticDetection.compute(real, synthetic, METADATA),
        "NewRowSynthesis": NewRowSynthesis.compute(real, synthetic, METADATA),
        "quality report": report(QualityReport, real, synthetic),
        "diagnostic report": report(DiagnosticReport, real, synthetic),
    }


real = table("2020-01-01", "ms")
other = real.astype({"date": "datetime64[ns]"})
assert (real == other).all(axis=None), "pandas calls the tables equal"
same, another = scores(real, real), scores(real, other)
for name, score in same.items():
    print(f"{name}: a table against itself {score:.2f}, in another unit of time {another[name]:.2f}")



def novelty(kind, values, offset):
    """Share of new rows where each lies 4% of the real range, or more, from every real one."""
    real = pd.DataFrame({"value": values})
    synthetic = real + offset
    return NewRowSynthesis.compute(real, synthetic, {"columns": {"value": {"sdtype": kind}}})


novel = {}
for year in ("2020", "1970"):
    months = pd.date_range(f"{year}-01-01", periods=12, freq="MS")
    novel[year] = novelty("datetime", months, pd.Timedelta(days=14))
    print(f"the 15th of every month of {year}, where the real dates are the first: {novel[year]:.2f} are new")
for start in (1000, 0):
    novel[start] = novelty("numerical", np.arange(start, start + 110, 10), 5)
    print(
        f"numbers {start + 5}, {start + 15} and on, where the real ones are {start}, {start + 10} and on: "
        f"{novel[start]:.2f} are new"
    )

best = {"LogisticDetection": 0.9, "KSComplement": 1, "BoundaryAdherence": 1, "quality report": 1}
assert all(same[name] >= score for name, score in best.items()) and same["NewRowSynthesis"] == 0
assert another["KSComplement"] == another["BoundaryAdherence"] == 0, "units do not matter any more"
assert another["LogisticDetection"] < 0.01 and another["NewRowSynthesis"] == 1, "units do not matter any more"
assert max(another["quality report"], another["diagnostic report"]) < 0.7, "units do not matter any more"
assert novel["2020"] == 0 and novel["1970"] > 0.9, "dates are scaled now"
assert novel[1000] == 0 and novel[0] > 0.9, "numbers are scaled now"
PYTHON
"$folder/venv/bin/python" "$folder/seen.py"
