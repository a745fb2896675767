#!/usr/bin/env bash
# anonymeter 1.1.0, InferenceEvaluator: below zero every guess of a number counts as right.
#
# 1. With regression=True a guess is documented to be correct if its relative difference from the secret is within
#    5%. The difference is divided by the guess with its sign, so that it is negative wherever the guess is, and
#    so within any limit: -1 is taken for the right guess of 10,000. Where the secrets are temperatures in
#    winter, losses, logarithms or standardized columns, an attack that draws guesses blindly is reported to succeed
#    always, or half of the time. The same numbers with the other sign have the share that chance gives.
# 2. The argument is documented as None by default, for which the type of the column decides. It is False by
#    default: numbers have to be met to the last bit, so that synthetic rows with every secret of the originals off
#    by a millionth have no risk at all.
#
# Matters to whoever reports this risk for tables with numbers: it is all or nothing, and either is made up.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q anonymeter==1.1.0 numpy==1.26.4 pandas==3.0.6 scipy==1.17.1 \
  scikit-learn==1.9.1 numba==0.68.1 llvmlite==0.50.0 polars==2.1.0 pyarrow==21.0.0 joblib==1.6.0

cat > "$folder/seen.py" <<'PYTHON'
import inspect
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from anonymeter.evaluators.inference_evaluator import InferenceEvaluator, evaluate_inference_guesses

warnings.simplefilter("ignore")
print("anonymeter", version("anonymeter"), "pandas", pd.__version__)
ROWS = 200
draws = np.random.default_rng(0)


def within(guesses, secrets):
    return np.abs(guesses - secrets) <= 0.05 * np.abs(guesses)


wild = evaluate_inference_guesses(pd.Series([-1.0]), pd.Series([10_000.0]), regression=True)[0]
print(f"the guess -1 of the secret 10,000 is called {'right' if wild else 'wrong'}")

secrets, guesses = (pd.Series(draws.uniform(100, 200, size=ROWS)) for _ in range(2))
normal = [pd.Series(draws.normal(size=ROWS)) for _ in range(2)]
shares = {}
for name, blind, truth in (
    ("from 100 to 200", guesses, secrets),
    ("from -200 to -100", -guesses, -secrets),
    ("standard normal", *normal),
):
    said = evaluate_inference_guesses(blind, truth, regression=True).mean()
    shares[name] = float(said), float(within(blind, truth).mean())
    print(f"blind guesses of numbers {name}: {said:.1%} right by anonymeter, {shares[name][1]:.1%} within 5%")


def risk(sign, **arguments):
    """The synthetic rows have the known column of the originals, and secrets that have nothing to do with theirs."""
    known = draws.normal(size=ROWS)
    rows = [pd.DataFrame({"known": known, "secret": sign * each}) for each in (secrets, guesses)]
    evaluator = InferenceEvaluator(*rows, aux_cols=["known"], secret="secret", n_attacks=ROWS, **arguments)
    return evaluator.evaluate(n_jobs=1).risk().value


risks = {sign: risk(sign, regression=True) for sign in (1, -1)}
print(f"risk of unrelated secrets: {risks[1]:.2f}; of the same with the other sign: {risks[-1]:.2f}")

default = inspect.signature(InferenceEvaluator.__init__).parameters["regression"].default
known = draws.normal(size=ROWS)
original = pd.DataFrame({"known": known, "secret": secrets})
leak = pd.DataFrame({"known": known, "secret": secrets * (1 + 1e-6)})
leaked = {}
for name, arguments in (("left out", {}), ("None, the documented default", {"regression": None})):
    attack = InferenceEvaluator(original, leak, aux_cols=["known"], secret="secret", n_attacks=ROWS, **arguments)
    leaked[name] = attack.evaluate(n_jobs=1).risk().value
    print(f"rows that leak every secret to a millionth, regression {name}: risk {leaked[name]:.2f}")

above, below, both = shares.values()
sys.exit(
    not (wild and below[0] == 1 and below[1] == above[1] == above[0] < 0.3)
    or not (both[0] > 0.4 and both[1] < 0.1)
    or not (risks[-1] > 0.95 and risks[1] < 0.3)
    or not (default is False and leaked["left out"] < 0.05 and min(leaked.values()) + 0.9 < max(leaked.values()))
)
PYTHON
# What is compiled is the search for neighbours: the same code without the wait for its compilation.
if NUMBA_DISABLE_JIT=1 OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/seen.py"; then
  echo "as described above"
else
  echo "the behaviour has changed" >&2
  exit 1
fi
