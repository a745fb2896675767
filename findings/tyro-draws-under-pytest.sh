#!/usr/bin/env bash
# tyro 1.0.17 draws from Python's global random generator while it parses, in a process where pytest is imported.
#
# A program that seeds random, reads its configuration and then shuffles is repeatable. Under pytest it shuffles
# otherwise than alone: wherever pytest is among the imported modules, each hit in tyro's caches of types draws
# a number, to decide whether the cached answer is checked against a fresh one. How many are drawn depends on the
# options that are declared, none for a flat list of them and more for nested or repeated groups: another
# option, or a second group, gives every later draw of the same seed. Parsing is not documented to draw at all.
#
# Matters to whoever tests by recorded numbers a training that uses random, or compares a test's with a run's.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q tyro==1.0.17 pytest==9.2.0

cat > "$folder/test_seen.py" <<'PYTHON'
import random
from dataclasses import dataclass, field

import tyro


@dataclass
class Adam:
    rate: float = 1e-3
    decay: float = 0.9


@dataclass
class One:
    steps: int = 10
    encoder: Adam = field(default_factory=Adam)


@dataclass
class Two(One):
    decoder: Adam = field(default_factory=Adam)


def shuffled(configuration):
    """The order of ten rows, and how often random was asked between the seed and the shuffle."""
    random.seed(0)
    states = [random.getstate()]
    for _ in range(1000):
        random.random()
        states.append(random.getstate())
    random.seed(0)
    tyro.cli(configuration, args=[])
    drawn = states.index(random.getstate())
    rows = list(range(10))
    random.shuffle(rows)
    return drawn, rows


def test_seen():
    for configuration in (Adam, One, Two):
        print(configuration.__name__, *shuffled(configuration))


if __name__ == "__main__":
    test_seen()
PYTHON
cd "$folder"
venv/bin/python -c "import importlib.metadata as m; print('tyro', m.version('tyro'), 'pytest', m.version('pytest'))"
venv/bin/python test_seen.py | tee alone
venv/bin/python -m pytest -q -s test_seen.py | grep -E '^\.?(Adam|One|Two) ' | tee tested
python3 - <<'PYTHON'
from pathlib import Path

alone, tested = (
    {line.split()[0]: line.split(maxsplit=2)[1:] for line in Path(name).read_text().splitlines()}
    for name in ("alone", "tested")
)
assert all(drawn == "0" for drawn, _ in alone.values()) and len({rows for _, rows in alone.values()}) == 1
assert tested["Adam"] == alone["Adam"]
assert 0 < int(tested["One"][0]) < int(tested["Two"][0]), "parsing draws nothing any more"
assert tested["One"][1] != alone["One"][1] and tested["Two"][1] != alone["Two"][1]
PYTHON
