#!/usr/bin/env bash
# DataSynthesizer 0.1.13: most of the synthetic dates are the last one of the original, and a tenth is missing.
#
# Dates become seconds, and are counted in 20 bins as other numbers are. But of dates only the counts are kept, not
# the edges of the bins: the first and the last date are taken for them. In independent mode a date of the first
# bin is then drawn from the whole range, one of the second is missing although no original is, and those of the other
# 18 are all the last date. In correlated mode all dates are in one bin but the last one: they are drawn from the
# whole range alike, and have nothing to do with any other column. That is so with privacy turned off (epsilon=0).
# The same dates written as numbers of days come out right in both modes.
#
# Matters to whoever has dates in a table and takes this for the differentially private baseline of tables.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 scikit-learn==1.9.1 \
  python-dateutil==2.9.0.post0
# It requires tools for plots, too, which describing and generating do not import.
"$folder/venv/bin/python" -m pip install -q --no-deps DataSynthesizer==0.1.13

cat > "$folder/dates.py" <<'PYTHON'
import sys
import warnings
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from DataSynthesizer.DataDescriber import DataDescriber
from DataSynthesizer.DataGenerator import DataGenerator

ROWS, FIRST = 1000, pd.Timestamp("2020-01-01")


def synthetic(table, folder, mode):
    """As many rows as the table has, without any noise for privacy."""
    table.to_csv(folder / "table.csv", index=False)
    describer, generator = DataDescriber(), DataGenerator()
    with redirect_stdout(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if mode == "independent":
            describer.describe_dataset_in_independent_attribute_mode(folder / "table.csv", epsilon=0)
        else:
            describer.describe_dataset_in_correlated_attribute_mode(folder / "table.csv", epsilon=0, k=1)
        describer.save_dataset_description_to_file(folder / "description.json")
        name = {"independent": "independent_mode", "correlated": "correlated_attribute_mode"}[mode]
        getattr(generator, f"generate_dataset_in_{name}")(ROWS, folder / "description.json")
    return describer.data_description["attribute_description"], generator.synthetic_dataset


def main(folder):
    print("DataSynthesizer", version("DataSynthesizer"), "pandas", pd.__version__)
    draws = np.random.default_rng(0)
    days = (draws.beta(2, 5, ROWS) * 365).astype(int)
    dates = (FIRST + pd.to_timedelta(days, unit="D")).strftime("%Y-%m-%d")
    follows = days + draws.normal(size=ROWS)
    tables = {
        "dates": pd.DataFrame({"when": dates, "follows": follows}),
        "days": pd.DataFrame({"when": days, "follows": follows}),
    }
    found = {}
    for kind, table in tables.items():
        for mode in ("independent", "correlated"):
            described, made = synthetic(table, folder, mode)
            when = made["when"].astype(float)
            if kind == "dates":
                assert described["when"]["data_type"] == "DateTime", "dates are not seen as such"
                when = (when - FIRST.timestamp()) / 86400
            found[kind, mode] = {
                "missing": when.isna().mean(),
                "last": (when.round(6) == days.max()).mean(),
                "median": when.median(),
                "correlation": made["follows"].corr(when),
            }
            print(
                f"{kind}, {mode} mode: " + ", ".join(f"{name} {value:.2f}" for name, value in found[kind, mode].items())
            )
    print(f"original: missing 0, last {(days == days.max()).mean():.3f}, median {np.median(days):.0f}, correlation "
          f"{np.corrcoef(days, follows)[0, 1]:.2f}")

    independent, correlated = found["dates", "independent"], found["dates", "correlated"]
    assert independent["last"] > 0.8 and independent["missing"] > 0.05, "dates have bins now"
    assert abs(correlated["correlation"]) < 0.2 and correlated["median"] > np.median(days) + 40, "dates have bins now"
    for mode in ("independent", "correlated"):
        right = found["days", mode]
        assert right["missing"] == 0 and right["last"] < 0.05 and abs(right["median"] - np.median(days)) < 15
    assert found["days", "correlated"]["correlation"] > 0.9, "days do not follow either"


if __name__ == "__main__":  # it starts further processes
    main(Path(sys.argv[1]))
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/dates.py" "$folder"
