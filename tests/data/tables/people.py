"""A small table of every kind of column."""

import datetime

import numpy as np
import pyarrow

ROWS = 400


def people(rows=ROWS):
    rng = np.random.default_rng(0)
    gain = np.where(rng.random(rows) < 0.8, 0, rng.integers(100, 90_000, rows))
    weight = rng.normal(70, 12, rows).round(1)
    begin = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    seen = [begin + datetime.timedelta(minutes=int(m)) for m in rng.integers(0, 500_000, rows)]
    born = [
        datetime.date(1960, 1, 1) + datetime.timedelta(int(d)) for d in rng.integers(0, 9000, rows)
    ]
    town = rng.choice(["Ulm", "Köln", '=cmd|"/c calc"!A1', "a\x1b[2J\r\nb,c"], rows).tolist()
    columns = {
        "key": [f"P{row:05}" for row in range(rows)],
        "number": pyarrow.array(range(1000, 1000 + rows), "int32"),
        "age": pyarrow.array(rng.integers(17, 91, rows), "uint8"),
        "weight": [
            None if lost else w
            for w, lost in zip(weight.tolist(), rng.random(rows) < 0.1, strict=True)
        ],
        "height": rng.normal(1.7, 0.1, rows),
        "gain": gain,
        "town": [None if row % 9 == 0 else name for row, name in enumerate(town)],
        "sex": pyarrow.array(rng.choice(["f", "m"], rows)).dictionary_encode(),
        "member": rng.random(rows) < 0.3,
        "seen": pyarrow.array(seen, pyarrow.timestamp("us", "Europe/Berlin")),
        "born": born,
        "country": ["DE"] * rows,
        "price": pyarrow.array([f"{p:.2f}" for p in rng.gamma(2, 50, rows)]).cast(
            pyarrow.decimal128(12, 2)
        ),
    }
    return pyarrow.table(columns)


def without_keys(table):
    return table.drop_columns(["key", "number"])
