#!/usr/bin/env bash
# SynthEval 1.7.3, h_dist: the Hellinger distance of numbers is always 0, and that of other categories too.
#
# 1. The report scales all numbers to 0..1 before, and h_dist then looks for the width of a bin. It takes the rule of
#    Scott upside down (more rows give wider bins) and rounds up to a whole number. A bin is so at least as wide as
#    the scale is long: there is one for all values, or none, and the distance is 0 whatever the synthetic numbers
#    are. Values 50 standard deviations off, none near a real one, have the best score, 1 of 1. (Only columns with
#    more than half of their values equal get other bins.)
# 2. Categories are put into bins between the lowest and the highest of each table by itself. Where the synthetic
#    table has three other categories than the three real ones, the distance is 0 as well. Where it lacks the last
#    of three, the second is taken for the third, and the distance is too small.
#
# Both are 1 by definition, where nothing is in common. ks_test of the same report sees it.
#
# Matters to whoever compares generators by this report: h_dist is in two of its three presets, and in its ranking.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q syntheval==1.7.3 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 \
  scikit-learn==1.9.1 lightgbm==4.7.0 matplotlib==3.11.2 seaborn==0.13.2 pcametric==1.2.0

cat > "$folder/zero.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from syntheval import SynthEval

warnings.simplefilter("ignore")
print("syntheval", version("syntheval"), "numpy", np.__version__, "pandas", pd.__version__)
ROWS = 600
draws = np.random.default_rng(0)


def report(real, fake, categories):
    evaluator = SynthEval(real, cat_cols=categories, verbose=False, console="off", enable_plots=False)
    rows = evaluator.evaluate(fake, h_dist={}, ks_test={"n_perms": 50}).set_index("metric")["val"]
    return float(rows["avg_h_dist"]), float(rows["ks_tvd_stat"])


def hellinger(p, q):
    return float(np.sqrt(((np.sqrt(p / p.sum()) - np.sqrt(q / q.sum())) ** 2).sum() / 2))


def of_numbers(real, fake):
    """Mean of the columns, with 20 bins from the lowest to the highest value of both tables."""
    found = []
    for name in real:
        edges = np.histogram_bin_edges(np.r_[real[name], fake[name]], 20)
        found.append(hellinger(*(np.histogram(each[name], edges)[0] for each in (real, fake))))
    return np.mean(found)


def of_categories(real, fake):
    both = pd.concat([real["c"].value_counts(), fake["c"].value_counts()], axis=1).fillna(0).to_numpy()
    return hellinger(both[:, 0], both[:, 1])


def say(what, found, right):
    print(f"{what}: h_dist {found[0]:.3f}, by definition {right:.3f}; ks_test {found[1]:.3f}")


shapes = {
    "normal": lambda: draws.normal(size=(ROWS, 3)),
    "uniform": lambda: draws.uniform(size=(ROWS, 3)),
    "with a long tail": lambda: draws.lognormal(size=(ROWS, 3)),
}
for name, shape in shapes.items():
    real, fake = (pd.DataFrame(shape(), columns=list("xyz")) for _ in range(2))
    fake = 50 + 3 * fake
    found, right = report(real, fake, []), of_numbers(real, fake)
    say(f"numbers, {name}, all out of range", found, right)
    assert found[0] == 0 and found[1] > 0.8 and right > 0.8, "numbers are told apart now"

real = pd.DataFrame({"c": ["a"] * 100 + ["b"] * 200 + ["c"] * 300, "d": ["n", "y"] * (ROWS // 2)})
others = real.assign(c=real["c"].map({"a": "u", "b": "v", "c": "w"}))
two = real.assign(c=real["c"].replace("c", "b"))
for what, fake in (("three other categories", others), ("b in place of c", two)):
    found, right = report(real, fake, ["c", "d"]), of_categories(real, fake) / 2
    say(f"two columns, one with {what}", found, right)
    if fake is others:
        assert found[0] == 0 and abs(found[1] - 0.5) < 1e-9 and abs(right - 0.5) < 1e-9, "categories are told apart now"
    else:
        assert abs(found[0] - right) > 0.05, "both tables have the same bins now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/zero.py"
