"""The table of CIFAR-10 in a miniature of the miniature, on noise in place of images."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from experiments import reproduce, table_cifar10

TINY = {
    "steps": 8,
    "batch_size": 4,
    "model.width": 2,
    "evaluation.every": 4,
    "evaluation.samples": 60,
}


@pytest.fixture(scope="module")
def lines():
    return []


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    images = np.random.default_rng(0).integers(0, 256, (60, 32, 32, 3), dtype=np.uint8)
    np.save(folder / "images.npy", images)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHA_BRIDGE_CACHE", str(folder / "cache"))
        yield str(folder / "images.npy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, lines, data):
    out = tmp_path_factory.mktemp("cifar10") / "out"
    with pytest.MonkeyPatch.context() as patch:
        for key, value in TINY.items():
            patch.setitem(table_cifar10.QUICK, key, value)
        reproduce("table-cifar10", out, quick=True, report=lines.append, data=data)
    return out


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "table-cifar10.json").read_text(encoding="utf-8"))


def test_both_methods_train_the_same_networks_for_as_many_updates(record):
    assert [run["method"] for run in record["runs"]] == ["js-gan", "alpha-bridge"]
    gan, bridge = (run["config"] for run in record["runs"])
    assert gan["model"] == bridge["model"] and gan["model"]["kind"] == "dcgan"
    assert (gan["steps"], gan["optimization"]) == (bridge["steps"], bridge["optimization"])


@pytest.mark.skipif(find_spec("torch_fidelity") is not None, reason="Inception may be there")
def test_without_inception_the_table_says_so(record, lines):
    assert record["settings"]["inception"] == "not to be had"
    assert "torch-fidelity" in lines[0]


def test_the_table_has_a_column_for_each_method_and_the_papers_numbers(folder):
    lines = (folder / "table-cifar10.md").read_text(encoding="utf-8").splitlines()
    assert "| metric | js-gan | alpha-bridge |" in lines
    assert "| frechet_distance, the paper's | 33.71 | 28.08 |" in lines
    assert "| inception_score, the paper's | 6.558 | 7.225 |" in lines
    (ours,) = [line for line in lines if line.startswith("| frechet_distance/pixels/")]
    assert "nan" not in ours


def test_a_miniature_is_labelled_so(folder):
    text = (folder / "table-cifar10.md").read_text(encoding="utf-8")
    assert text.startswith("A miniature, whose numbers mean nothing.")


def test_without_an_accelerator_both_methods_are_cut_down_and_the_table_says_so(
    untrained, monkeypatch
):
    monkeypatch.setattr(table_cifar10.torch.accelerator, "is_available", lambda: False)
    record = untrained.record(table_cifar10, quick=False)
    assert all(run["config"]["model"]["width"] == 32 for run in record["runs"])
    assert record["settings"]["methods"]["js-gan"] == table_cifar10.PROCESSORS
    assert "not comparable with the paper's" in table_cifar10.table(record)


def test_the_samples_are_drawn(folder):
    assert (folder / "table-cifar10.png").read_bytes().startswith(b"\x89PNG")


def test_a_row_without_a_number_has_none():
    row = {"step": 1, "retention/classifier/9": 0.5}
    runs = [
        {"method": "js-gan", "evaluations": [{"step": 1}]},
        {"method": "alpha-bridge", "evaluations": [row]},
    ]
    settings = {"quick": False, "data": "x", "trials": 1, "seed": 0}
    settings |= {"device": "processors", "note": "ours"}
    text = table_cifar10.table({"runs": runs, "settings": settings})
    assert "| retention/classifier/9 |  | 0.5 |" in text
