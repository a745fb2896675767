#!/usr/bin/env bash
# vendi-score 0.0.3: the order q is not heard by score_X, and a sparse matrix of different items counts as one item.
#
# 1. score_K, score_X and score_dual are three ways to the same number, from similarities or from features, and take
#    the same order q. score_X hands the order 1 on whatever it is given: of a set with one common and nine rare items
#    it says 1.65 for each order, where the two others say from 3.44 (q = 1/2, rare items count more) to 1.10 ("inf").
# 2. score_K has a branch of its own for sparse matrices, which asks SciPy for eigenvalues without saying how many.
#    SciPy gives the six largest. The rest, in a diverse set nearly all, is taken for zero: of 10 items that are all
#    different it says 4.0, of 50 items 1.6, of 1000 items 1.04. The more there are, the fewer it counts. Sparse
#    features given to score_X end there too.
#
# Matters to whoever measures the diversity of samples with rare kinds, or in a matrix with many zeros.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q vendi-score==0.0.3 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1

cat > "$folder/seen.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import numpy as np
from scipy.sparse import csr_matrix
from vendi_score import vendi

warnings.simplefilter("ignore")  # the name by which it knows sparse matrices is an old one
print("vendi-score", version("vendi-score"), "numpy", np.__version__)

shares = np.array([91] + [1] * 9) / 100
items = np.eye(10)[np.repeat(np.arange(10), (100 * shares).astype(int))]
right = {
    0.5: np.sqrt(shares).sum() ** 2,
    1: np.exp(-(shares * np.log(shares)).sum()),
    2: 1 / (shares**2).sum(),
    "inf": 1 / shares.max(),
}
for order, number in right.items():
    features, similarities, dual = (
        vendi.score_X(items, q=order),
        vendi.score_K(items @ items.T, q=order),
        vendi.score_dual(items, q=order),
    )
    print(f"q={order}: Hill number {number:.3f}, score_K {similarities:.3f}, score_dual {dual:.3f}, "
          f"score_X {features:.3f}")
    assert abs(similarities - number) < 1e-4 and abs(dual - number) < 1e-4, "the two others are right"
    assert abs(features - right[1]) < 1e-4, "score_X hears the order now"

for count in (10, 50, 1000):
    dense, sparse = (vendi.score_K(kind(np.eye(count))) for kind in (np.array, csr_matrix))
    features = vendi.score_X(csr_matrix(np.eye(count)))
    print(f"{count} different items: {dense:.2f}; as a sparse matrix {sparse:.2f}, as sparse features {features:.2f}")
    assert abs(dense / count - 1) < 1e-6, "as a dense matrix it is right"
    six = count ** (6 / count)  # exp of -6/n log(1/n)
    assert abs(sparse - six) < 1e-3 and abs(features - six) < 1e-3, "more than six eigenvalues count now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"
