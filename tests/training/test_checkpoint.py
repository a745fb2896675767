"""Checkpoints: whole or not at all, verified when they are read, and without pickle."""

import errno
import json
import math
import os
import shutil
import subprocess

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from safetensors.torch import save as serialized

from alpha_bridge.data.units import StandardUnits, Units
from alpha_bridge.errors import Diverged, NotWritten
from alpha_bridge.files import sha256
from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.model import AlphaBridge
from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from alpha_bridge.objective import DataBridge, Noise
from alpha_bridge.penalty import R1, Regularizer, SpectralNorm
from alpha_bridge.runs.folder import Run
from alpha_bridge.training import Optimization, TrainState, checkpoint
from alpha_bridge.training.checkpoint import read_tensors, read_units, restore, save, write
from alpha_bridge.training.update import update

LATENT, FEATURES, BATCH = 2, 3, 4


def mlp(hidden=(6,), trials=None, **options):
    sizes = {"hidden": hidden, "trials": trials}
    return AlphaBridge(
        MLPGenerator(LATENT, FEATURES, **sizes),
        MLPEncoder(LATENT, FEATURES, **sizes),
        MLPDiscriminator(FEATURES, **sizes),
        **options,
    )


def conv():
    sizes = {"size": 8, "channels": 3, "width": 4, "hidden": 4}
    generator, encoder = ConvGenerator(LATENT, **sizes), ConvEncoder(LATENT, **sizes)
    model = AlphaBridge(generator, encoder, ConvDiscriminator(**sizes))
    return model.to(memory_format=torch.channels_last)


def spectral():
    model = mlp()
    model.discriminator = SpectralNorm().prepare(model.discriminator)
    return model


MODELS = {
    "mlp": mlp,
    "trials": lambda: mlp(trials=3),
    "learned noise": lambda: mlp(learn_noise=True),
    "spectral": spectral,
    "conv": conv,
}
every_model = pytest.mark.parametrize("kind", MODELS)


def started(kind="mlp"):
    return TrainState.start(MODELS[kind](), Optimization())


def trained(kind="mlp", steps=3):
    """A state after a few updates, so that the optimisers have something to remember."""
    state = started(kind)
    event = (3, 8, 8) if kind == "conv" else (FEATURES,)
    leading = (*state.model.trial_shape, BATCH)
    for _ in range(steps):
        noise = Noise(torch.randn(*leading, LATENT), torch.randn(*leading, LATENT))
        x, regularizer = torch.randn(*leading, *event), Regularizer() if kind == "conv" else R1()
        update(state, x, noise, 0.5, SigmoidGamma(), DataBridge(), regularizer, Accelerator())
    state.memory["labels"] = torch.arange(4)
    return state


def tensors(state):
    return {
        (file, name): value.clone()
        for file, values in state.tensors().items()
        for name, value in values.items()
    }


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A checkpoint after three updates."""
    torch.manual_seed(0)
    return save(trained(), tmp_path_factory.mktemp("whole") / "step-00000003")


@pytest.fixture
def folder(whole, tmp_path):
    """A copy of it, to be harmed."""
    return shutil.copytree(whole, tmp_path / "checkpoints" / whole.name)


# There and back


@every_model
def test_everything_comes_back(kind, tmp_path):
    state, other = trained(kind), started(kind)
    before = tensors(state)
    restore(other, save(state, tmp_path / "state"))
    after = tensors(other)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert value.dtype == after[name].dtype
        assert torch.equal(value, after[name]), name
    assert other.step == 3


@every_model
def test_there_are_two_moments_and_a_count_for_each_parameter(kind, tmp_path):
    state = trained(kind)
    saved, _ = read_tensors(save(state, tmp_path / "state"))
    moments = {name for name in saved["optimizers"] if name.count(".") == 2}
    assert len(moments) == 3 * len(list(state.model.parameters()))


def test_a_checkpoint_of_an_earlier_version_is_read(folder):
    tensors, step = read_tensors(folder)
    old = {name: value for name, value in tensors["optimizers"].items() if name.count(".") == 2}
    memory = tensors["memory"] | {"torch_rng": torch.get_rng_state()}
    state = started()
    restore(state, write(tensors | {"optimizers": old, "memory": memory}, step, folder))
    assert state.memory.keys() == {"labels"}
    assert state.optimizers["encoder"].param_groups[0]["lr"] == state.optimization.encoder
    moments = _moments_of(state)
    assert moments.keys() == old.keys()
    assert all(torch.equal(value, old[name]) for name, value in moments.items())


def _moments_of(state):
    return {n: v for n, v in state.tensors()["optimizers"].items() if n.count(".") == 2}


def test_moments_keep_the_layout_of_their_parameters(tmp_path):
    state, other = trained("conv"), started("conv")
    restore(other, save(state, tmp_path / "state"))
    moments = {
        parameter: of
        for optimizer in other.optimizers.values()
        for parameter, of in optimizer.state.items()
    }
    assert moments.keys() == set(other.model.parameters())
    for parameter, of in moments.items():
        for name in ("exp_avg", "exp_avg_sq"):
            assert of[name].stride() == parameter.stride()


def test_parameters_keep_their_layout(tmp_path):
    state, other = trained("conv"), started("conv")
    restore(other, save(state, tmp_path / "state"))
    pairs = zip(state.model.parameters(), other.model.parameters(), strict=True)
    assert all(one.stride() == two.stride() for one, two in pairs)


def rates(state):
    return {name: state.optimizers[name].param_groups[0]["lr"] for name in state.optimizers}


def test_a_rate_that_was_changed_in_training_comes_back(tmp_path):
    state, other = trained(), started()
    state.optimizers["encoder"].param_groups[0]["lr"] = 0.1 + 0.2
    restore(other, save(state, tmp_path / "state"))
    assert rates(other) == rates(state)


def test_the_settings_of_the_optimisers_are_the_callers(folder):
    state = TrainState.start(mlp(), Optimization(generator=0.5))
    restore(state, folder)
    state.pace(0.5)
    assert rates(state) == {"generator": 0.5, "encoder": 1e-3, "discriminator": 1e-3}


def test_other_settings_scale_a_rate_that_was_changed_in_training(tmp_path):
    state = trained()
    state.optimizers["generator"].param_groups[0]["lr"] /= 4
    saved = save(state, tmp_path / "state")
    other = TrainState.start(mlp(), Optimization(generator=2e-3))
    restore(other, saved)
    other.pace(0.5)
    assert rates(other)["generator"] == pytest.approx(2e-3 / 4)


def test_saving_changes_nothing(tmp_path):
    state = trained()
    before = tensors(state)
    save(state, tmp_path / "state")
    assert all(torch.equal(value, before[name]) for name, value in tensors(state).items())


def test_a_state_before_the_first_update_comes_back(tmp_path):
    state, other = started(), started()
    restore(other, save(state, tmp_path / "state"))
    assert other.step == 0
    assert torch.equal(other.model.generator[0].weight, state.model.generator[0].weight)


# The folder


def test_there_is_no_pickle(folder):
    assert {file.suffix for file in folder.iterdir()} == {".safetensors", ".json"}
    for name, written in content(folder).items():
        if name.endswith(".json"):
            json.loads(written)


def test_the_manifest_sums_up_every_other_file(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest.keys() == content(folder).keys() - {"manifest.json"}


def test_a_checkpoint_is_replaced_whole(folder):
    (folder / "leftover.json").write_text("{}")
    before = content(folder).keys() - {"leftover.json"}
    other = trained()
    save(other, folder)
    assert content(folder).keys() == before
    after = read_tensors(folder)[0]["model"]
    assert torch.equal(after["generator.0.weight"], other.model.state_dict()["generator.0.weight"])


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    killed = subprocess.Popen(["true"])
    killed.wait()
    partial = tmp_path / f".state.{killed.pid}.partial"
    partial.mkdir()
    (partial / "stale.safetensors").write_bytes(b"half")
    saved = save(trained(), tmp_path / "state")
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert "stale.safetensors" not in content(saved)


@pytest.mark.parametrize("failing", [0, 1, 2, 3])
def test_a_checkpoint_that_cannot_be_finished_does_not_appear(tmp_path, monkeypatch, failing):
    written = []

    def full(_, stream):
        if len(written) == failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(stream.name)

    monkeypatch.setattr(checkpoint, "write_tensors", full)
    with pytest.raises(NotWritten, match=r"cannot write .*state \(No space left"):
        save(trained(), tmp_path / "state")
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_that_cannot_be_finished_leaves_the_one_before(folder, monkeypatch):
    before = content(folder)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint, "write_tensors", full)
    with pytest.raises(NotWritten, match="No space left"):
        save(trained(), folder)
    assert content(folder) == before


@pytest.mark.parametrize("player", ["generator", "encoder", "discriminator"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_state_that_is_not_finite_is_not_saved(tmp_path, player, value):
    state = trained()
    with torch.no_grad():
        next(state.model.network_parameters(player)).view(-1)[0] = value
    with pytest.raises(Diverged, match=rf"by update 3: {player}\.0\.weight is not finite"):
        save(state, tmp_path / "state")
    assert not list(tmp_path.iterdir())


# Damage


def refused(folder):
    with pytest.raises(ValueError, match="checkpoint") as refusal:
        restore(started(), folder)
    assert folder.name in str(refusal.value)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


FILES = [
    "model.safetensors",
    "average.safetensors",
    "optimizers.safetensors",
    "memory.safetensors",
    "units.safetensors",
    "state.json",
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0, 0.5, 1])
def test_a_flipped_bit_is_found(folder, name, place):
    file = folder / name
    written = bytearray(file.read_bytes())
    written[round(place * (len(written) - 1))] ^= 1
    file.write_bytes(written)
    assert f"{name} is damaged (its SHA-256 sum" in refused(folder)


@pytest.mark.parametrize("bit", [0, 7])
def test_a_flipped_bit_of_the_manifest_is_found_wherever_it_is(folder, bit):
    manifest = folder / "manifest.json"
    written = manifest.read_bytes()
    blank = {place for place, byte in enumerate(written) if byte in b" \n"}
    for place in set(range(0, len(written), 5)) - blank:
        damaged = bytearray(written)
        damaged[place] ^= 1 << bit
        manifest.write_bytes(damaged)
        refused(folder)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_found(folder, name):
    (folder / name).unlink()
    assert "is not a whole checkpoint" in refused(folder)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_truncated_file_is_found(folder, name):
    file = folder / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    refused(folder)


def test_an_empty_manifest_is_found(folder):
    (folder / "manifest.json").write_text("")
    assert "is not a whole checkpoint" in refused(folder)


def test_a_manifest_without_files_is_found(folder):
    (folder / "manifest.json").write_text("{}")
    refused(folder)


def test_a_file_that_the_manifest_does_not_name_is_not_read(folder):
    (folder / "._model.safetensors").write_bytes(b"left by another system")
    assert read_tensors(folder)[0].keys() == {
        "model",
        "average",
        "optimizers",
        "memory",
        "units",
    }


def test_a_missing_folder_is_found(folder):
    shutil.rmtree(folder)
    assert "is not a whole checkpoint" in refused(folder)


def rewritten(folder, name, content):
    """A checkpoint with another file and the right sum of it."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[name] = sha256(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".safetensors")])
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 9, (2**60).to_bytes(8, "little")])
def test_unreadable_tensors_with_a_right_sum_are_refused(folder, name, content):
    rewritten(folder, name, content)
    assert f"{name} is damaged" in refused(folder)


@pytest.mark.parametrize("name", ["model", "average", "optimizers", "memory", "units"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(folder, name, value):
    rewritten(folder, f"{name}.safetensors", serialized({"x": torch.tensor([1.0, value])}))
    assert f"{name}.safetensors is damaged (x is not finite)" in refused(folder)


@pytest.mark.parametrize("name", ["model", "average", "optimizers"])
def test_a_file_without_tensors_is_refused(folder, name):
    rewritten(folder, f"{name}.safetensors", serialized({}))
    refused(folder)


def test_a_moment_of_another_shape_is_not_spread_out(folder):
    tensors = load_file(folder / "optimizers.safetensors")
    tensors["generator.0.exp_avg"] = torch.ones(1)
    rewritten(folder, "optimizers.safetensors", serialized(tensors))
    assert (
        "generator.0.exp_avg is torch.float32 of shape (1,), not torch.float32 of shape (6, 2)"
        in refused(folder)
    )


DAMAGED = {
    "too few": lambda all_: dict(list(all_.items())[1:]),
    "too many": lambda all_: {**all_, "another": torch.zeros(2)},
    "another kind": lambda all_: {name: value.to(torch.complex64) for name, value in all_.items()},
}


@pytest.mark.parametrize("name", ["model", "average", "optimizers", "units"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_tensors_that_are_not_those_of_the_state_are_refused(tmp_path, name, damage):
    def begun():
        state = started()
        state.units = StandardUnits(*torch.ones(2, 3, dtype=torch.float64))
        return state

    state = trained()
    state.units = begun().units
    folder = save(state, tmp_path / "step-00000003")
    found = load_file(folder / f"{name}.safetensors")
    rewritten(folder, f"{name}.safetensors", serialized(DAMAGED[damage](found)))
    with pytest.raises(ValueError, match="step-00000003"):
        restore(begun(), folder)


@pytest.mark.parametrize(
    "content",
    [b"5", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"step": "ten"}', b'{"step": -1}', b"{"],
    ids=["number", "list", "empty", "not UTF-8", "nested", "word", "negative", "cut off"],
)
@pytest.mark.parametrize("name", ["state.json", "manifest.json"])
def test_json_that_says_something_else_is_refused(folder, name, content):
    if name == "state.json":
        rewritten(folder, name, content)
    else:
        (folder / name).write_bytes(content)
    refused(folder)


@pytest.mark.parametrize("name", ["/etc/passwd", "../model.safetensors", "sub/a.safetensors", ".."])
def test_a_manifest_that_names_a_file_elsewhere_is_refused(folder, name):
    (folder / "manifest.json").write_text(json.dumps({name: ""}))
    assert f"names {name!r}, which is not in its folder" in refused(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
def test_a_file_that_leads_outside_is_refused(folder, tmp_path, name):
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    assert "leads out of" in refused(folder)


def test_a_checkpoint_under_the_name_of_another_update_is_refused(folder):
    other = folder.rename(folder.with_name("step-00000004"))
    assert "state.json is damaged (it is that of update 3)" in refused(other)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    runs = [Run.create(tmp_path / name, {}) for name in ("one", "other")]
    saved = save(trained(), runs[0].checkpoint_folder(3))
    assert read_tensors(saved)[1] == 3
    moved = shutil.copytree(saved, runs[1].checkpoint_folder(3))
    assert "state.json is damaged (it is that of another run)" in refused(moved)


def test_a_checkpoint_that_is_older_than_identities_is_read(tmp_path):
    run = Run.create(tmp_path / "run", {})
    saved = save(trained(), run.checkpoint_folder(3))
    rewritten(saved, "state.json", b'{"step": 3}')
    assert read_tensors(saved)[1] == 3


def test_the_units_of_the_data_come_back_in_float64(tmp_path):
    state = trained()
    state.units = StandardUnits(*torch.tensor([[1e9 + 1 / 3], [0.1]], dtype=torch.float64))
    units = read_units(save(state, tmp_path / "state"))
    assert (units.mean.item(), units.std.item()) == (state.units.mean.item(), 0.1)


def test_units_that_scale_nothing_are_known_from_units_that_are_missing(folder):
    assert type(read_units(folder)) is Units
    (folder / "units.safetensors").unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["units.safetensors"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert read_units(folder) is None
    restore(started(), folder)


@pytest.mark.parametrize(
    "model",
    [
        lambda: mlp(hidden=(7,)),
        lambda: mlp(hidden=(6, 6)),
        lambda: mlp(trials=3),
        spectral,
        conv,
    ],
    ids=["wider", "deeper", "trials", "spectral", "conv"],
)
def test_another_architecture_is_refused(folder, model):
    other = TrainState.start(model(), Optimization())
    with pytest.raises(ValueError, match="is a checkpoint of another configuration") as refusal:
        restore(other, folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_memory_that_runs_out_is_not_taken_for_another_configuration(folder, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("no room on the device")

    monkeypatch.setattr(TrainState, "load", full)
    with pytest.raises(torch.OutOfMemoryError):
        restore(started(), folder)


def test_a_learned_noise_is_not_taken_for_a_fixed_one(tmp_path):
    saved = save(trained("learned noise"), tmp_path / "state")
    with pytest.raises(ValueError, match="is a checkpoint of another configuration"):
        restore(started(), saved)
