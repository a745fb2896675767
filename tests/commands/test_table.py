"""A table from a file to rows and back, by the command line."""

import csv
import json
import re

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest

from alpha_bridge import sharing
from alpha_bridge.cli import main
from alpha_bridge.data.tables import load_table
from alpha_bridge.metrics.definition import metrics_of
from alpha_bridge.recipe import read_config
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import load_model
from alpha_bridge.runs.opening import open_run

SMALL = [
    *("--steps", "24", "--batch-size", "16", "--model.latent", "2", "--model.hidden", "8"),
    *("--evaluation.samples", "60", "--checkpoint-every", "8"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A table of 200 people with a gap, a spike and an identifier, and a run of 24 updates."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    with (folder / "people.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "age", "job", "gain", "member"])
        for row in range(200):
            job = rng.choice(["cook", "=SUM(A1)", ""], p=[0.6, 0.3, 0.1])
            gain = 0 if rng.random() < 0.8 else round(float(rng.gamma(2.0, 900.0)), 2)
            writer.writerow([f"p{row:04}", rng.integers(18, 90), job, gain, rng.random() < 0.3])
    (folder / "empty.csv").write_text("")
    (folder / "other.csv").write_text("id,years\np1,3\n")
    assert main(["train", str(folder / "people.csv"), *SMALL, "--out", str(folder / "run")]) == 0
    return folder


def test_a_run_of_a_table_is_measured_as_rows(place):
    config = read_config(place / "run" / "config.json")
    assert config.rows is not None and config.columns is not None
    last = Run.open(place / "run").records[-1]
    assert "sigma" not in last  # each number of a row has its own
    metrics = {name.split("/")[0] for name in metrics_of(last)}
    assert {"marginals", "associations", "c2st", "closest_records", "rare_categories"} <= metrics


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_samples_have_the_columns_of_the_table(place, ending):
    out = place / f"rows.{ending}"
    assert main(["sample", str(place / "run"), "-n", "30", "--out", str(out)]) == 0
    read = pyarrow.csv.read_csv if ending == "csv" else pyarrow.parquet.read_table
    table, given = read(out), pyarrow.csv.read_csv(place / "people.csv")
    assert table.schema.names == given.schema.names and len(table) == 30
    assert set(table["age"].to_pylist()) <= set(range(18, 90))
    assert not set(table["id"].to_pylist()) & set(given["id"].to_pylist())


def test_the_same_seed_draws_the_same_rows(place):
    files = [place / f"again-{number}.parquet" for number in range(3)]
    for file, seed in zip(files, ("5", "5", "6"), strict=True):
        assert main(["sample", str(place / "run"), "--seed", seed, "--out", str(file)]) == 0
    one, two, other = (pyarrow.parquet.read_table(file) for file in files)
    assert one.equals(two) and not one.equals(other)


@pytest.mark.slow
def test_training_twice_gives_the_same_rows(place, capsys):
    words = ["train", str(place / "people.csv"), *SMALL, "--out", str(place / "twin")]
    assert main(words) == 0
    capsys.readouterr()
    rows = [place / f"of-{name}.parquet" for name in ("run", "twin")]
    for name, out in zip(("run", "twin"), rows, strict=True):
        assert main(["sample", str(place / name), "--out", str(out)]) == 0
    one, two = (pyarrow.parquet.read_table(out) for out in rows)
    assert one.equals(two)


def test_gaps_are_filled_in_a_file_for_each_draw(place, capsys):
    given = place / "gaps.csv"
    head, *lines = (place / "people.csv").read_text().splitlines()
    lines = [re.sub(r",[0-9]+,", ",,", line, count=1) for line in lines[:9]]
    given.write_text("\n".join([head, *lines]) + "\n")
    words = ["impute", str(place / "run"), "--data", str(given), "--draws", "2"]
    assert main([*words, "--out", str(place / "filled.csv")]) == 0
    printed = capsys.readouterr().out
    assert "9 rows have gaps; of 128 weighted latents for each, " in printed
    one, two = (pyarrow.csv.read_csv(place / f"filled-{draw}.csv") for draw in (1, 2))
    known = pyarrow.csv.read_csv(place / "people.csv").slice(0, 9)
    assert one["age"].null_count == 0 and one["age"].type == "int64" and one["age"] != two["age"]
    others = ["id", "gain", "member"]
    assert one.select(others).equals(known.select(others)) and one.schema == known.schema
    assert main([*words[:-2], "--seed", "1"]) == 0
    assert (place / "run" / "gaps-imputed-seed-1.csv").is_file()


def test_rows_meet_the_conditions_and_their_share_is_printed(place, capsys):
    out = place / "cooks.parquet"
    words = ["sample", str(place / "run"), "-n", "50", "--out", str(out)]
    assert main([*words, "--where", "job=cook", "member=true"]) == 0
    rows = pyarrow.parquet.read_table(out)
    assert len(rows) == 50
    assert set(rows["job"].to_pylist()) == {"cook"} and set(rows["member"].to_pylist()) == {True}
    assert "% of the model's; of 4,096 weighted latents" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["missed", "run", "--images", "people.csv"], "give --data people.csv"),
        (["missed", "run", "--out", "missed.png"], "let missed.png end in .csv"),
        (["edit", "run", "--attribute", "job=cook", "--refine", "2"], "no --between, --images"),
        (["edit", "run", "--attribute", "jbo=cook"], "no column 'jbo': did you mean 'job'?"),
        (["edit", "run", "--attribute", "job"], "'job' is a category: give one of its values"),
        (["edit", "run", "--attribute", "job=pilot"], "no training row has 'pilot' in column"),
        (["edit", "run", "--attribute", "id"], "column 'id' identifies rows and is made anew"),
        (["edit", "run", "--attribute", "age=30"], "a number, and '30' is not set apart"),
        (["edit", "run", "--attribute", "age", "--data", "no.csv"], "no.csv does not exist"),
        (["edit", "run", "--attribute", "age", "--samples", "--data", "people.csv"], "not both"),
        (["reconstruct", "run", "--images", "people.csv"], "give --data FILE, and no --images"),
        (["reconstruct", "run", "--data", "nobody.csv"], "nobody.csv does not exist: give a table"),
        (["sample", "run", "--where", "jbo=cook"], "no column 'jbo': did you mean 'job'?"),
        (["sample", "run", "--where", "job"], "--where takes column=value, got 'job'"),
        (["sample", "run", "--where", "job=pilot"], "no training row has 'pilot' in column"),
        (
            ["train", "people.csv", "--trials", "2", "--objective.temperature", "1"],
            "is drawn for one trial at a time, got trials=2",
        ),
        (["train", "people.csv", "--objective", "joint"], "need --objective data, got joint"),
        (["train", "people.csv", "--path.kind", "adaptive"], "--path.kind ramp, got adaptive"),
        (["train", "people.csv", "--model.noise-course", "learned"], "a σ of its own"),
        (["export", "run", "--out", "new", "--onnx"], "leave out --onnx"),
        (["sample", "run", "--out", "rows.png"], "the run's samples are rows"),
        (["impute", "run", "--data", "people.csv", "--draws", "0"], "--draws must be at least 1"),
        (["impute", "run", "--data", "none.csv"], "none.csv does not exist: give a table"),
        (["impute", "run", "--data", "run/config.json"], "config.json' is no table: give a file"),
        (["impute", "run", "--data", "empty.csv"], "'empty.csv' is empty"),
        (
            ["impute", "run", "--data", "other.csv"],
            "lacks 'age', 'job', 'gain', 'member' and has 'years'",
        ),
    ],
)
def test_what_is_not_for_tables_is_refused_in_a_line(place, monkeypatch, capsys, words, says):
    monkeypatch.chdir(place)
    assert main(words) == 2
    line = capsys.readouterr().err
    assert says in line and line.count("\n") == 1


def test_rows_that_are_missed_come_first_with_their_row_and_ratio(place, capsys):
    out = place / "missed.parquet"
    assert main(["missed", str(place / "run"), "-n", "3", "--out", str(out), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found, given = pyarrow.parquet.read_table(out), pyarrow.csv.read_csv(place / "people.csv")
    assert found.schema.names == ["row", "log_ratio", "age", "job", "gain", "member"]
    assert len(found) == 20 and printed["ranked"] == 20 and len(printed["rows"]) == 3
    ratios = found["log_ratio"].to_pylist()
    assert ratios == sorted(ratios, reverse=True)
    assert printed["rows"][0]["row"] == found["row"][0].as_py()
    of_file = given.take(found["row"]).drop_columns("id").to_pylist()
    rows = found.drop_columns(["row", "log_ratio"]).to_pylist()
    assert rows == [row | {"job": row["job"] or None} for row in of_file]
    assert main(["missed", str(place / "run"), "-n", "2"]) == 0
    assert "of 20 rows, by log q − log p" in capsys.readouterr().out


def test_rows_are_encoded_and_decoded_in_their_order(place, capsys):
    out = place / "again.parquet"
    words = ["reconstruct", str(place / "run"), "--data", str(place / "people.csv")]
    assert main([*words, "--out", str(out)]) == 0
    found = pyarrow.parquet.read_table(out)
    assert len(found) == 200 and found.schema.names == ["id", "age", "job", "gain", "member"]
    printed = capsys.readouterr().out
    assert "of the categories come back" in printed and "error of numbers" in printed


def test_an_exported_table_draws_the_same_rows_and_says_what_it_holds(place, capsys):
    folder = place / "shared"
    assert main(["export", str(place / "run"), "--out", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    files = [place / f"drawn-by-{name}.parquet" for name in ("run", "shared")]
    for name, file in zip(("run", "shared"), files, strict=True):
        assert main(["sample", str(place / name), "--seed", "3", "--out", str(file)]) == 0
    one, other = map(pyarrow.parquet.read_table, files)
    model, units = sharing.load(folder)
    assert one.equals(other) and units.rows_of(one).shape == (64, model.rows.size)
    for words, says in ((["evaluate"], "no run: give"), (["sample", "--weights"], "needs a run")):
        assert main([words[0], str(folder), *words[1:]]) == 2
        assert says in capsys.readouterr().err
    card = (folder / "README.md").read_text()
    assert "| job | category of 2 values, with gaps |" in card
    assert "No differential privacy" in card and "| c2st | boosted-trees |" in card


def test_columns_of_another_table_are_refused(place, tmp_path):
    model = load_model(open_run(place / "run"))
    units = load_table(pyarrow.table({"a": [1.5, 2, 4, 5], "b": ["x", "y", "x", "y"]})).units
    sharing.save(model, tmp_path / "mixed", units)
    with pytest.raises(ValueError, match=r"^the columns in .* cannot be used \(they are not"):
        sharing.load(tmp_path / "mixed")


@pytest.mark.slow
def test_rows_are_moved_along_values_and_numbers_of_their_columns(place, capsys):
    words = ["edit", str(place / "run"), "-n", "5", "--columns", "3", "--json"]
    along = [word for name in ("job=cook", "age", "gain=0") for word in ("--attribute", name)]
    files = [place / f"moved-{at}.parquet" for at in range(2)]
    given = ["--data", str(place / "people.csv"), "--against", "member"]
    for file in files:
        assert main([*words, *along, *given, "--out", str(file)]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    one, two = map(pyarrow.parquet.read_table, files)
    assert one.equals(two) and len(one) == 3 * 5 * 3
    own = load_table(place / "people.csv").units.coding.schema
    assert pyarrow.schema([*one.schema][3:]).equals(own)
    assert one.schema.names[:3] == ["attribute", "row", "strength"]
    assert one["strength"].to_pylist()[:3] == [-2, 0, 2]
    for of, column in zip(found["directions"], ("job", "age", "gain"), strict=True):
        assert {*of["moved"]} == {"age", "job", "gain", "member"} - {column}
        assert all(0 <= far <= 1 for far in of["moved"].values())
    assert main([*words[:-1], "--attribute", "age", "--samples"]) == 0
    assert "have it at -2 and" in capsys.readouterr().out


@pytest.mark.slow
def test_another_table_is_measured_as_rows_of_the_run(place, capsys):
    """Also where it has another range, other commonest values and no gap."""
    lines = (place / "people.csv").read_text().splitlines()
    kept = [line for line in lines if ",cook," in line or line.startswith("id")]
    (place / "cooks.csv").write_text("\n".join(kept).replace(",cook,", ",baker,", 3) + "\n")
    assert main(["evaluate", str(place / "run"), "--data", str(place / "cooks.csv")]) == 0
    printed = capsys.readouterr()
    assert "has other samples" in printed.out + printed.err
    assert "first 'baker' in row 0: they are kept as unseen" in printed.out + printed.err
    assert printed.out.count("imputation_error/") == 2
