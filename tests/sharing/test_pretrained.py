"""Models in folders: what comes back is what was saved, and a hostile folder runs nothing."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from alpha_bridge import AlphaBridge, SpectralNorm
from alpha_bridge.data import PixelUnits, StandardUnits, Units
from alpha_bridge.errors import NotWritten
from alpha_bridge.networks import (
    ConvDiscriminator,
    ConvEncoder,
    ConvGenerator,
    DCGANDiscriminator,
    DCGANEncoder,
    DCGANGenerator,
    MLPDiscriminator,
    MLPEncoder,
    MLPGenerator,
)
from alpha_bridge.sharing import Card, Picture, load, save
from alpha_bridge.vae import VAEEncoder, VAEGenerator

SMALL = {"hidden": (8,)}
IMAGES = {"size": 8, "channels": 1, "width": 4}

KINDS = {
    "mlp": lambda: (
        MLPGenerator(2, 3, **SMALL),
        MLPEncoder(2, 3, **SMALL),
        MLPDiscriminator(3, **SMALL),
    ),
    "stacked": lambda: (
        MLPGenerator(2, 3, **SMALL, trials=3),
        MLPEncoder(2, 3, **SMALL, trials=3),
        MLPDiscriminator(3, **SMALL, trials=3),
    ),
    "conv": lambda: (
        ConvGenerator(2, **IMAGES, hidden=8),
        ConvEncoder(2, **IMAGES, hidden=8),
        ConvDiscriminator(**IMAGES, hidden=8),
    ),
    "dcgan": lambda: (
        DCGANGenerator(2, **IMAGES),
        DCGANEncoder(2, **IMAGES),
        DCGANDiscriminator(**IMAGES),
    ),
}

NETS = """
from alpha_bridge.sharing import shareable

@shareable
class Generator(nn.Sequential):
    def __init__(self, width):
        super().__init__(nn.Linear(2, width), nn.Linear(width, 3))
        self.latent_shape = (2,)

@shareable
class Critic(nn.Sequential):
    def __init__(self):
        super().__init__(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 1)))
"""


VAE = """
from alpha_bridge.sharing import shareable

@shareable
class Decoder(nn.Linear):
    def __init__(self):
        super().__init__(2, 3)

@shareable
class Encoder(nn.Linear):
    def __init__(self):
        super().__init__(3, 4)
"""


FLAT = """
from alpha_bridge.sharing import shareable

@shareable
class Flat(nn.Linear):
    def __init__(self):
        super().__init__(2, 3)

    def forward(self, z):
        return super().forward(z.flatten(1))
"""


@pytest.fixture
def folder(bridge, tmp_path):
    save(bridge, tmp_path / "shared")
    return tmp_path / "shared"


def change(folder, **values):
    """The same folder with other values in its config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def refused(folder, kind=ValueError, **more):
    """The line that a folder is refused with."""
    with pytest.raises(kind) as caught:
        load(folder, **more)
    line = str(caught.value)
    assert line
    assert "\n" not in line
    assert len(line) < 600
    return line


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_back_is_what_was_saved(kind, tmp_path, same):
    bridge = AlphaBridge(*KINDS[kind](), noise=0.3).eval()
    save(bridge, tmp_path / "shared")
    again = load(tmp_path / "shared").model
    same(bridge, again)
    assert not again.training


def test_what_came_back_can_be_saved_again(folder, tmp_path, same):
    save(load(folder).model, tmp_path / "again")
    same(load(folder).model, load(tmp_path / "again").model)


def test_a_folder_has_json_weights_and_a_page_and_no_pickle(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]


def test_loading_leaves_the_random_numbers_of_the_caller_alone(folder):
    before = torch.get_rng_state()
    load(folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_saving_leaves_the_model_as_it_is(bridge, tmp_path):
    SpectralNorm().prepare(bridge.discriminator)
    before = {name: value.clone() for name, value in bridge.train().state_dict().items()}
    save(bridge, tmp_path / "shared")
    after = bridge.state_dict()
    assert bridge.training
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert bridge.log_ratio(torch.zeros(4, 3)).shape == (4,)


def test_a_learned_noise_is_still_learned(tmp_path):
    bridge = AlphaBridge(*KINDS["mlp"](), noise=0.3, learn_noise=True)
    save(bridge, tmp_path / "shared")
    again = load(tmp_path / "shared").model
    assert isinstance(again.log_sigma, nn.Parameter)
    assert again.sigma.item() == pytest.approx(0.3)


def test_precision_is_kept(tmp_path, same):
    bridge = AlphaBridge(*KINDS["mlp"]()).double().eval()
    save(bridge, tmp_path / "shared")
    again = load(tmp_path / "shared").model
    assert again.sample(1).dtype == torch.float64
    same(bridge, again)


def test_what_comes_back_can_be_trained(folder):
    again = load(folder).model.train()
    again.log_ratio(again.decode(again.prior(4))).sum().backward()
    assert all(parameter.grad is not None for parameter in again.network_parameters("generator"))


def test_units_of_vectors_are_kept(bridge, tmp_path):
    units = StandardUnits(torch.tensor([1.1, 2, 3]), torch.tensor([0.1, 1, 10]))
    save(bridge, tmp_path / "shared", units)
    x = torch.randn(4, 3)
    assert torch.equal(load(tmp_path / "shared").units.normalize(x), units.normalize(x))


def test_units_of_images_are_kept(bridge, tmp_path):
    save(bridge, tmp_path / "shared", PixelUnits())
    assert type(load(tmp_path / "shared").units) is PixelUnits


def test_without_units_the_model_sees_the_data_as_they_are(folder):
    assert type(load(folder).units) is Units


def test_units_that_a_file_cannot_have_are_refused(bridge, tmp_path):
    class Metres(Units):
        pass

    with pytest.raises(ValueError, match="units must be Units"):
        save(bridge, tmp_path / "shared", Metres())
    assert not list(tmp_path.iterdir())


def test_what_training_put_on_the_layers_becomes_part_of_the_weights(bridge, tmp_path, same):
    SpectralNorm().prepare(bridge.discriminator)
    save(bridge, tmp_path / "shared")
    again = load(tmp_path / "shared").model
    assert {*dict(again.discriminator.named_parameters())} == {
        *dict(MLPDiscriminator(3, **SMALL).named_parameters())
    }
    same(bridge, again)


def test_custom_networks_come_back_if_their_package_is_trusted(package, tmp_path, same):
    package("my_nets", NETS)
    import my_nets

    networks = (my_nets.Generator(width=4), MLPEncoder(2, 3, **SMALL), my_nets.Critic())
    bridge = AlphaBridge(*networks).eval()
    save(bridge, tmp_path / "shared")
    assert "trust=['my_nets']" in (tmp_path / "shared" / "README.md").read_text()
    same(bridge, load(tmp_path / "shared", trust=["my_nets"]).model)


def test_networks_within_a_vae_of_ones_own_need_trust_too(package, tmp_path, same):
    package("my_nets", VAE)
    import my_nets

    arms = (
        VAEGenerator(my_nets.Decoder(), (2,), torch.tensor([2.0, 3.0])),
        VAEEncoder(my_nets.Encoder()),
    )
    bridge = AlphaBridge(*arms, MLPDiscriminator(3, **SMALL)).eval()
    save(bridge, tmp_path / "shared")
    assert "trust=['my_nets']" in (tmp_path / "shared" / "README.md").read_text()
    assert "trust=['my_nets']" in refused(tmp_path / "shared")
    same(bridge, load(tmp_path / "shared", trust=["my_nets"]).model)


def test_custom_networks_of_a_stranger_are_not_imported(package, folder):
    trace = package("strange_nets", "os.system('true')\nclass Net(nn.Module): pass")
    change(folder, encoder={"path": "strange_nets:Net", "arguments": {}})
    line = refused(folder)
    assert "strange_nets:Net" in line
    assert "trust=['strange_nets']" in line
    assert not trace.exists()


@pytest.mark.parametrize("path", ["os:system", "builtins:exec", "alpha_bridge.cli:main"])
def test_what_is_no_network_is_not_called(folder, path):
    change(folder, generator={"path": path, "arguments": {"command": "touch ran"}})
    assert path in refused(folder)


def test_a_pickle_in_the_place_of_the_weights_is_not_read(folder, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save(Evil(), folder / "model.safetensors")
    assert "is damaged" in refused(folder)
    shutil.move(folder / "model.safetensors", folder / "pytorch_model.bin")
    assert "has no model.safetensors" in refused(folder, FileNotFoundError)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{nope", "is damaged"),
        ("[]", "is damaged"),
        ("{}", "generator: Field required"),
        ('{"seed": 0}', "is damaged, or not that of a shared model"),
        ("\x00\xff", "is damaged"),
    ],
)
def test_a_config_that_is_none_is_refused_in_one_line(folder, content, said):
    (folder / "config.json").write_bytes(content.encode("latin1"))
    assert said in refused(folder)


@pytest.mark.parametrize(
    "values",
    [
        {"format": "alpha_bridge/2"},
        {"more": 1},
        {"latent_shape": [0]},
        {"units": {"mean": [0.0], "std": [0.0]}},
        {"units": "metres"},
        {"generator": {"path": 3, "arguments": {}}},
        {"generator": {"path": "a.b:C", "arguments": {}, "more": 1}},
        {"generator": {"path": "a.b:C", "arguments": [1]}},
        {"generator": {"path": "__main__:C", "arguments": {}}},
    ],
)
def test_a_config_with_other_values_is_refused_in_one_line(folder, values):
    change(folder, **values)
    refused(folder)


def test_weights_that_are_cut_short_are_refused(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    assert "model.safetensors is damaged" in refused(folder)


def test_weights_that_are_changed_are_refused(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(bytes(content))
    assert "its SHA-256 sum is not the one" in refused(folder)


def test_weights_of_other_networks_are_refused(folder):
    plan = {"latent": 2, "features": 3, "hidden": [9]}
    path = "alpha_bridge.networks.mlp:MLPGenerator"
    change(folder, generator={"path": path, "arguments": plan})
    assert "do not fit" in refused(folder)


@pytest.mark.parametrize("shape", [[1], [3], [2, 1], [1, 2]])
def test_a_shape_of_latents_that_its_networks_do_not_take_is_refused(folder, shape):
    change(folder, latent_shape=shape)
    line = refused(folder)
    assert f"{folder / 'config.json'} states latents of shape ({shape[0]}," in line


def test_a_shape_of_latents_that_its_encoder_does_not_give_is_refused(package, tmp_path):
    package("flat_nets", FLAT)
    import flat_nets

    bridge = AlphaBridge(flat_nets.Flat(), *KINDS["mlp"]()[1:], latent_shape=(2,))
    save(bridge, tmp_path / "shared")
    change(tmp_path / "shared", latent_shape=[1, 2])
    line = refused(tmp_path / "shared", trust=["flat_nets"])
    assert "states latents of shape (1, 2), but its encoder gives (2,)" in line


@pytest.mark.parametrize("count", [1, 2, 4])
def test_units_of_other_features_than_the_networks_have_are_refused(folder, count):
    change(folder, units={"mean": count * [0.0], "std": count * [1.0]})
    line = refused(folder)
    assert (
        f"config.json states units of {count} means and {count} deviations, but its networks"
        in line
    )


def test_units_of_vectors_do_not_fit_images(tmp_path):
    bridge = AlphaBridge(*KINDS["conv"]())
    save(bridge, tmp_path / "shared", StandardUnits(torch.zeros(8), torch.ones(8)))
    assert "make samples of shape (1, 8, 8)" in refused(tmp_path / "shared")


def test_units_with_more_means_than_deviations_are_refused(folder):
    change(folder, units={"mean": [0.0] * 3, "std": [1.0] * 2})
    assert "3 means and 2 deviations" in refused(folder)


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(bridge, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(NotWritten, match="No space left on device") as refusal:
        save(bridge, tmp_path / "shared")
    assert str(tmp_path / "shared") in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_network_that_was_changed_after_it_was_built_is_not_saved(bridge, tmp_path):
    bridge.generator.append(nn.Linear(3, 3))
    with pytest.raises(ValueError, match="changed after it was built"):
        save(bridge, tmp_path / "shared")
    assert not list(tmp_path.iterdir())


def test_a_network_that_does_not_say_how_it_is_built_is_not_saved(bridge, tmp_path):
    bridge.encoder = nn.Linear(3, 4)
    with pytest.raises(ValueError, match="does not say how it is built"):
        save(bridge, tmp_path / "shared")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("existing", ["folder", "file"])
def test_nothing_is_overwritten(bridge, tmp_path, existing):
    taken = tmp_path / "taken"
    mine = taken / "mine.txt" if existing == "folder" else taken
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("keep me")
    with pytest.raises(FileExistsError, match="is not empty: choose another folder"):
        save(bridge, taken)
    assert mine.read_text() == "keep me"


def test_an_empty_folder_is_filled(bridge, tmp_path):
    (tmp_path / "empty").mkdir()
    save(bridge, tmp_path / "empty")
    assert load(tmp_path / "empty").model.latent_shape == (2,)


def test_a_folder_without_a_model_is_refused(tmp_path):
    assert "is not a shared model" in refused(tmp_path, FileNotFoundError)


def test_a_file_is_refused(folder):
    assert "is a file" in refused(folder / "config.json", FileNotFoundError)


@pytest.mark.parametrize("name", ["no/such/folder", "/no", "./no", "no such", "a--b"])
def test_what_is_neither_a_folder_nor_an_id_is_refused(name):
    assert "there is no folder" in refused(name)


def test_a_model_of_the_hub_without_a_network_is_refused():
    line = refused("someone/nothing", ConnectionError)
    assert "there is no folder someone/nothing, and the hub cannot be reached" in line


def test_pictures_lie_beside_the_page(bridge, tmp_path):
    picture = Picture("samples.png", "Samples", b"\x89PNG")
    save(bridge, tmp_path / "shared", card=Card(pictures=[picture]))
    assert (tmp_path / "shared" / "samples.png").read_bytes() == b"\x89PNG"
    assert "![Samples](samples.png)" in (tmp_path / "shared" / "README.md").read_text()


def test_the_model_of_a_moving_average_can_be_saved(bridge, tmp_path, same):
    other = bridge.with_arms(KINDS["mlp"]()[0], KINDS["mlp"]()[1]).eval()
    save(other, Path(tmp_path / "shared"))
    same(other, load(tmp_path / "shared").model)
