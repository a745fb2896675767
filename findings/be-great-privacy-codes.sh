#!/usr/bin/env bash
# be-great 0.0.14 (GReaT), its metrics: copies count as private where a category is rare, and half of the pairs unseen.
#
# 1. DeltaPresence, IdentifiabilityScore and MembershipInference number the categories of each table by itself. Where
#    the synthetic table is made of exact copies but lacks the first category, all numbers are off by one: no row
#    is "present", and the attack is as good as a coin. Where all its categories are other ones, every row is
#    present. DistanceToClosestRecord, in the same package, compares the values themselves and sees both.
# 2. MembershipInference takes the nearer half of all rows for members, and reports the share that it got right. With
#    ten members to one other row, as after a split of 10:1, it cannot come near to 1: where every member is told
#    from every other row, it is 0.59, and saying "member" of all rows would be right in 0.91.
# 3. DistanceToClosestRecord leaves missing numbers out of the sum. One real row whose numbers are missing is at
#    distance 0 of all rows, and all of them are counted as copies.
# 4. ColumnPairTrends is documented to take the correlation ratio for pairs of a number and a category. It leaves these
#    pairs out: a category that fixes a number, and shuffled in the synthetic table, has the score 1.
#
# Matters to whoever reports the privacy of generated tables by these scores, or compares generators by the last.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 scikit-learn==1.9.1
# The metrics need none of torch, transformers and what else the language model of the package does.
"$folder/venv/bin/python" -m pip install -q --no-deps be-great==0.0.14

cat > "$folder/codes.py" <<'PYTHON'
import sys
import types
from importlib.metadata import distribution, version

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

# The package without its __init__, which loads the language model.
package = types.ModuleType("be_great")
package.__path__ = [str(distribution("be-great").locate_file("be_great"))]
sys.modules["be_great"] = package

from be_great.metrics import (  # noqa: E402
    ColumnPairTrends,
    DeltaPresence,
    DistanceToClosestRecord,
    IdentifiabilityScore,
    MembershipInference,
)

print("be-great", version("be-great"), "pandas", pd.__version__)
ROWS = 400
draws = np.random.default_rng(0)


def table(rows=ROWS):
    numbers = pd.DataFrame(draws.normal(size=(rows, 2)), columns=["x", "y"])
    return numbers.assign(kind=draws.choice(list("abcd"), rows, p=[0.04, 0.32, 0.32, 0.32]))


def scores(real, synthetic, others):
    return (
        DeltaPresence().compute(real, synthetic)["delta_presence"],
        IdentifiabilityScore().compute(real, synthetic)["identifiability_score"],
        MembershipInference().compute(real, synthetic, others)["membership_inference_score"],
        DistanceToClosestRecord().compute(real, synthetic)["ratio_copies"],
    )


real, others = table(), table()
copies = real[real["kind"] != "a"].reset_index(drop=True)
renamed = real.assign(kind=real["kind"].map(dict(zip("abcd", "stuv"))))
found = {}
for name, synthetic in (("the real rows", real), ("those that are not a", copies), ("other kinds", renamed)):
    present = real.merge(synthetic.drop_duplicates(), how="inner").shape[0] / ROWS
    found[name] = scores(real, synthetic, others)
    print(
        f"{name}: {present:.2f} of the real rows are in the synthetic table, DeltaPresence {found[name][0]:.2f}; "
        f"IdentifiabilityScore {found[name][1]:.2f}, MembershipInference {found[name][2]:.2f}, "
        f"copies by DistanceToClosestRecord {found[name][3]:.2f}"
    )

numbers, few = real[["x", "y"]], table(ROWS // 10)[["x", "y"]]
nearly = numbers + draws.uniform(0, 1e-3, numbers.shape)
attack = MembershipInference().compute(numbers, nearly, few)["membership_inference_score"]
near = [cdist(rows, nearly).min(axis=1) < 2e-3 for rows in (numbers, few)]
right = (near[0].sum() + (~near[1]).sum()) / (ROWS + len(few))
guess = ROWS / (ROWS + len(few))
print(f"{ROWS} members and {len(few)} others: MembershipInference {attack:.2f}, with a limit of 0.002 {right:.2f} are "
      f"right, with 'member' for all {guess:.2f}")

far = others[["x", "y"]] + 1000
hole = pd.concat([numbers, pd.DataFrame({"x": [np.nan], "y": [np.nan]})], ignore_index=True)
without, with_hole = (DistanceToClosestRecord().compute(each, far)["ratio_copies"] for each in (numbers, hole))
print(f"rows far from all real ones: {without:.2f} are copies, with one real row of missing numbers {with_hole:.2f}")

fixed = real[["x", "kind"]].assign(x=real["kind"].map({"a": 0, "b": 10, "c": 20, "d": 30}) + real["x"] / 10)
loose = fixed.assign(kind=draws.permutation(fixed["kind"]))


def ratio(rows):
    means = rows.groupby("kind")["x"].transform("mean")
    return float(np.sqrt(means.var() / rows["x"].var()))


trends = ColumnPairTrends().compute(fixed, loose)["column_pair_trends_mean"]
print(f"correlation ratio {ratio(fixed):.2f} in the real, {ratio(loose):.2f} in the synthetic: trends {trends:.2f}")

assert found["the real rows"] == (1, 1, 1, 1), "exact copies are not seen at all"
assert found["those that are not a"][0] < 0.05 and found["those that are not a"][2] < 0.6, "copies are seen now"
assert found["those that are not a"][1] < 0.4 and found["those that are not a"][3] == 1, "copies are seen now"
assert found["other kinds"][0] == 1 and found["other kinds"][3] == 0, "other kinds are told apart now"
assert attack < 0.65 and right > 0.99 and guess > 0.9, "the attack takes the shares into account now"
assert without == 0 and with_hole == 1, "missing numbers are no copies now"
assert trends == 1 and ratio(fixed) > 0.95 and ratio(loose) < 0.3, "pairs of both kinds are compared now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/codes.py"
