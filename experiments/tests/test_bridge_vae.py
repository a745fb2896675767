"""A trained VAE, bridged and switched, in a miniature of the miniature."""

import json

import pytest

from alpha_bridge.recipe import changed
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.vae import LIBRARIES, load
from experiments import bridge_vae, reproduce
from experiments.framework.ledger import read_samples

WAYS = ["alpha-bridge", "naive"]


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        changes = {"steps": 20, "evaluation.every": 10, "evaluation.samples": 60}
        for key, value in {**changes, "model.width": 4, "batch_size": 8}.items():
            patch.setitem(bridge_vae.QUICK, key, value)
        patch.setattr(bridge_vae, "QUICK_VAE_UPDATES", 20)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bridge-vae")
    reproduce("bridge-vae", folder, seed=3, trials=1, quick=True)
    return folder


@pytest.fixture(scope="module")
def record(folder):
    return json.loads((folder / "bridge-vae.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_every_vae_goes_on_in_both_ways(record):
    found = [(run["method"], run["seed"]) for run in record["runs"]]
    assert found == [(f"{library}/{way}", 3) for library in LIBRARIES for way in WAYS]


@pytest.mark.slow
def test_the_vae_itself_is_measured_first_and_the_same_for_both(record):
    for bridge, switch in (record["runs"][:2], record["runs"][2:]):
        assert bridge["evaluations"][0]["step"] == switch["evaluations"][0]["step"] == 0
        for metric in bridge_vae.METRICS:
            name = next(name for name in bridge["evaluations"][0] if name.startswith(metric))
            assert bridge["evaluations"][0][name] == switch["evaluations"][0][name]


@pytest.mark.slow
def test_both_ways_have_as_many_updates_and_the_switch_has_no_likelihood(record):
    bridge, switch = record["runs"][:2]
    assert [row["step"] for row in bridge["evaluations"]] == [0, 1, 4, 10, 20]
    assert [row["step"] for row in switch["evaluations"]] == [0, 1, 4, 10, 20]
    assert {row["alpha"] for row in switch["evaluations"][1:]} == {1.0}
    assert bridge["evaluations"][-1]["alpha"] == 0.9


@pytest.mark.slow
def test_the_vaes_are_in_their_own_formats(folder):
    for library in LIBRARIES:
        assert load(folder / "vaes" / f"{library}-seed-3").library == library


@pytest.mark.slow
def test_the_claims_are_held_to_the_numbers(record):
    assert len(record["claims"]) == 3 * len(LIBRARIES)
    for claim in record["claims"]:
        for numbers in claim["found"]:
            assert {"VAE", *WAYS} <= set(numbers)


def with_numbers(vae, bridge, switch):
    """A record with a distance and an error for the VAE and for the end of both ways."""
    names = ("frechet_distance/classifier/60", "reconstruction_error/mse/60")
    rows = [dict(zip(names, of, strict=True)) for of in (vae, bridge, switch)]
    runs = [
        {"method": f"diffusers/{way}", "seconds": 1.0, "evaluations": [rows[0], row]}
        for way, row in zip(WAYS, rows[1:], strict=True)
    ]
    return {"runs": runs}


@pytest.mark.parametrize(
    ("bridge", "switch", "held"),
    [
        ((6.9, 1.09), (8.0, 2.0), [True, True, True]),
        ((7.1, 1.09), (8.0, 2.0), [False, True, True]),
        ((6.9, 1.11), (8.0, 2.0), [True, False, True]),
        ((6.9, 1.09), (6.0, 2.0), [True, True, False]),
        ((6.9, 1.09), (8.0, 1.0), [True, True, False]),
    ],
)
def test_a_claim_holds_where_its_numbers_do(bridge, switch, held):
    claims = bridge_vae.claims(with_numbers((10.0, 1.0), bridge, switch))
    assert [claim.holds for claim in claims] == held


@pytest.mark.slow
def test_the_picture_can_be_drawn_again(folder, record):
    samples = read_samples(folder / "bridge-vae.npz")
    assert all([*of] == [0, 20] for of in samples.values())
    figure = bridge_vae.draw(record, samples)
    assert len(figure.axes) == len(LIBRARIES) * (3 + 2)
    assert (folder / "bridge-vae.png").read_bytes().startswith(b"\x89PNG")


def test_a_vae_that_is_there_is_not_trained_again(tmp_path, untrained, monkeypatch):
    untrained.folder = tmp_path
    for library in LIBRARIES:
        (tmp_path / "vaes" / f"{library}-seed-3").mkdir(parents=True)
    monkeypatch.setattr(bridge_vae, "train_vae", pytest.fail)
    monkeypatch.setattr(bridge_vae, "_way", lambda *of: of[1:])
    shared = changed(PRESETS["digits"], bridge_vae.SHARED | bridge_vae.QUICK)
    found = [*bridge_vae._from_vaes(untrained, shared, 9, range(3, 4))]
    assert [name for name, _ in found] == [f"{lib}/{way}" for lib in LIBRARIES for way in WAYS]
    assert untrained.lines == []
