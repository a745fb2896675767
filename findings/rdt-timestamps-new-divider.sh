#!/usr/bin/env bash
# rdt 2.0.0, OptimizedTimestampEncoder: every table that is transformed changes what the numbers of the others mean.
#
# The encoder divides dates by the largest unit that all dates are whole multiples of, and is documented to find it
# on the training dates. It finds it anew in every call of transform, and keeps the last one for the way back. Fitted
# to days, 2020-01-01 is 18,262. After one table with a time of day, of seconds, 18,262 is read as seconds: all days
# that were transformed before come back as the first of January 1970. The other way round all dates of a
# table of seconds come back as missing. With enforce_min_max_values all dates come back as one and the same, since
# the limits are still in the unit of fit. And the numbers of two tables, say of training and of test rows, cannot be
# compared: the same date is 18,264 in one and 86,400 times as much in the other.
# UnixTimestampEncoder, which is documented to behave exactly the same otherwise, does none of this.
#
# Matters to whoever fits to training rows, transforms other rows too, and turns generated numbers back into dates.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q rdt==2.0.0 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 scikit-learn==1.9.1 \
  Faker==40.63.0

cat > "$folder/divider.py" <<'PYTHON'
import warnings
from importlib.metadata import version

import pandas as pd
from rdt.transformers import OptimizedTimestampEncoder, UnixTimestampEncoder

warnings.simplefilter("ignore")  # of pandas, of numbers too large for a date
print("rdt", version("rdt"), "pandas", pd.__version__)
days = pd.DataFrame({"date": pd.date_range("2020-01-01", periods=5, freq="D")})
seconds = pd.DataFrame({"date": pd.to_datetime(["2020-01-03 00:00:00", "2020-01-06 10:20:30"])})


def seen(encoder):
    """Days as numbers and back, before and after a table of seconds is transformed; and the same date in both."""
    encoder.fit(days, "date")
    numbers = encoder.transform(days)
    before = encoder.reverse_transform(numbers)["date"]
    other = encoder.transform(seconds)
    after = encoder.reverse_transform(numbers)["date"]
    return before, after, float(numbers["date"][2]), float(other["date"][0])


for kind in (UnixTimestampEncoder, OptimizedTimestampEncoder):
    before, after, day, same_day = seen(kind())
    print(f"{kind.__name__}: 2020-01-03 is {day:.0f} among days, {same_day:.0f} among seconds")
    print(f"  days and back: {before.iloc[0]} to {before.iloc[-1]}")
    print(f"  days and back, when seconds were transformed between: {after.iloc[0]} to {after.iloc[-1]}")
    assert (before == days["date"]).all(), "days do not come back at all"
    if kind is UnixTimestampEncoder:
        assert (after == days["date"]).all() and day == same_day, "the other encoder has it, too"
    else:
        assert (after.dt.year == 1970).all() and same_day == 86400 * day, "the divider is that of the fit now"

encoder = OptimizedTimestampEncoder()
encoder.fit(seconds, "date")
numbers = encoder.transform(seconds)
encoder.transform(days)
missing = encoder.reverse_transform(numbers)["date"]
print("seconds and back, when days were transformed between:", *missing)
assert missing.isna().all(), "dates are not lost any more"

encoder = OptimizedTimestampEncoder(enforce_min_max_values=True)
encoder.fit(days, "date")
clipped = encoder.reverse_transform(encoder.transform(seconds))["date"]
print("with enforce_min_max_values, seconds and back:", *clipped)
assert clipped.nunique() == 1 and (clipped.dt.year == 1970).all(), "limits are in the unit of the data now"
PYTHON
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$folder/divider.py"
