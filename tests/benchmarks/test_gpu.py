"""The benchmark of the accelerator, where there is none."""

import json
import sys
from argparse import Namespace
from dataclasses import replace

import pytest
import torch


@pytest.fixture
def gpu():
    import gpu

    precision = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    yield gpu
    torch.set_float32_matmul_precision(precision[0])
    torch.backends.cudnn.allow_tf32 = precision[1]


@pytest.fixture
def small(gpu, monkeypatch):
    model = replace(gpu.CIFAR10.model, width=2, hidden=(4,))
    config = gpu.CIFAR10.model_copy(update={"model": model, "batch_size": 2})
    monkeypatch.setattr(gpu, "SIZES", {"32×32": config})
    peak = gpu.matmul_peak
    monkeypatch.setattr(gpu, "matmul_peak", lambda _, dtype: peak(64, dtype=dtype))
    return gpu


@pytest.mark.slow
@pytest.mark.skipif(torch.accelerator.is_available(), reason="this is about its absence")
def test_without_an_accelerator_the_processors_are_measured(small, tmp_path, monkeypatch, capsys):
    out = tmp_path / "gpu.json"
    modes = ["eager", "CUDA graphs"]
    monkeypatch.setattr(
        sys, "argv", ["gpu.py", "--modes", *modes, "--seconds", "0.01", "--out", str(out)]
    )
    small.main()
    printed = capsys.readouterr().out
    assert printed.startswith("No accelerator was found")
    assert "| images | precision |" in printed
    results = json.loads(out.read_text())
    rows = [(row["precision"], row["mode"]) for row in results["rows"]]
    assert rows == [("bfloat16", "eager"), ("float32", "eager")]
    for row in results["rows"]:
        assert row["images_per_second"] == pytest.approx(2 * row["updates_per_second"])
        ceiling = results["ceilings"][f"{row['precision']}_operations_per_second"]
        assert row["share_of_ceiling"] == pytest.approx(row["operations_per_second"] / ceiling)


def test_rows_that_matter_most_come_first_and_compiled_ones_last(gpu):
    every = Namespace(modes=[*gpu.MODES], sizes=[*gpu.SIZES])
    rows = gpu.order(every, cuda=True)
    assert len({*rows}) == len(rows) == 24
    precisions = ["bfloat16", "TF32", "float32"]
    early = [(mode, precision) for mode, _, precision in rows[:12]]
    assert early == [
        (mode, precision) for precision in precisions for mode in ["eager", "CUDA graphs"] * 2
    ]
    assert rows[:2] == [(mode, "64×64", "bfloat16") for mode in ["eager", "CUDA graphs"]]
    assert [mode for mode, _, _ in rows[12:]] == ["contiguous"] * 6 + ["compiled"] * 6


def test_without_cuda_there_are_no_graphs_and_no_tf32(gpu):
    rows = gpu.order(Namespace(modes=["CUDA graphs", "eager"], sizes=["32×32"]), cuda=False)
    assert rows == [("eager", "32×32", precision) for precision in ("bfloat16", "float32")]


@pytest.fixture
def report(gpu, tmp_path):
    report = gpu.Report(tmp_path / "gpu.json", minutes=1)
    report.results["rows"] = []
    return report


def rows_of(report):
    return json.loads(report.out.read_text())["rows"]


def test_a_mode_that_fails_is_a_row_and_leaves_the_others(report):
    report.add({"mode": "eager"}, lambda: {"updates_per_second": 2})
    report.add({"mode": "compiled"}, lambda: 1 / 0)
    failed = {"mode": "compiled", "error": "ZeroDivisionError: division by zero"}
    assert rows_of(report) == [{"mode": "eager", "updates_per_second": 2}, failed]


def test_rows_leave_the_time_that_is_kept_for_what_follows(report):
    report.add({"mode": "eager"}, lambda: {"updates_per_second": 2}, keep=61)
    report.add({"run": "cifar10"}, lambda: {"updates": 4})
    first, second = rows_of(report)
    assert first == {"mode": "eager", "error": "no time was left"}
    assert second["updates"] == 4


@pytest.mark.slow
@pytest.mark.skipif(torch.accelerator.is_available(), reason="it would measure the accelerator")
def test_channels_first_are_a_mode_of_their_own(small, tmp_path, monkeypatch):
    out = tmp_path / "gpu.json"
    given = ["--modes", "contiguous", "eager", "--seconds", "0.01", "--quick", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *given])
    small.main()
    rows = json.loads(out.read_text())["rows"]
    assert [row["mode"] for row in rows] == ["eager"] * 2 + ["contiguous"] * 2
    assert all("error" not in row for row in rows)
