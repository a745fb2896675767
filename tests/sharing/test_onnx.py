"""ONNX: onnxruntime gives what torch gives, for batches of any size, or there is no file.

Whatever exports is slow: torch's exporter and onnxruntime take seconds to be loaded.
"""

import numpy as np
import pytest
import torch
from torch import nn

from alpha_bridge import AlphaBridge
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
from alpha_bridge.sharing import onnx

pytest.importorskip("onnxruntime")


def mlp(features=3, **more):
    small = {"features": features, "hidden": (8,), **more}
    return MLPGenerator(2, **small), MLPEncoder(2, **small), MLPDiscriminator(**small)


def conv(size, channels=1, width=4, hidden=8):
    images = (size, channels, width, hidden)
    return ConvGenerator(2, *images), ConvEncoder(2, *images), ConvDiscriminator(*images)


def dcgan(size, channels=3, width=4):
    images = (size, channels, width)
    return DCGANGenerator(2, *images), DCGANEncoder(2, *images), DCGANDiscriminator(*images)


def assert_agreeing(differences, folder):
    assert sorted(path.name for path in folder.iterdir()) == ["encoder.onnx", "generator.onnx"]
    assert differences.keys() == {"generator", "encoder"}
    assert max(differences.values()) < 1e-5


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A model in training mode, and its two files."""
    folder = tmp_path_factory.mktemp("onnx") / "files"
    bridge = AlphaBridge(*mlp()).train()
    return bridge, folder, onnx.export(bridge, folder)


@pytest.mark.slow
def test_vectors_agree(exported):
    _, folder, differences = exported
    assert_agreeing(differences, folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "networks",
    [
        mlp(trials=3),
        [network.to(memory_format=torch.channels_last) for network in conv(28, channels=3)],
        dcgan(16),
    ],
    ids=["stacked", "conv, channels-last", "dcgan"],
)
def test_all_networks_of_the_package_agree(networks, tmp_path):
    differences = onnx.export(AlphaBridge(*networks), tmp_path / "files")
    assert_agreeing(differences, tmp_path / "files")


@pytest.mark.slow
def test_a_file_takes_batches_of_any_size_by_name(exported):
    import onnxruntime

    bridge, folder, _ = exported
    session = onnxruntime.InferenceSession(folder / "encoder.onnx")
    x = torch.randn(7, 3)
    mean, log_variance = session.run(["mean", "log_variance"], {"sample": x.numpy()})
    for ours, theirs in zip(bridge.posterior(x), (mean, log_variance), strict=True):
        assert np.allclose(ours.detach().numpy(), theirs, rtol=onnx.RTOL, atol=onnx.ATOL)


@pytest.mark.slow
def test_the_model_is_left_in_the_mode_it_is_in(exported):
    bridge, _, _ = exported
    assert bridge.generator.training
    assert bridge.encoder.training


@pytest.mark.slow
def test_one_file_holds_all_snapshots():
    import onnxruntime

    bridges = [AlphaBridge(*mlp()).eval() for _ in range(3)]
    for bridge in bridges:
        nn.utils.parametrizations.spectral_norm(bridge.discriminator[0])
    files = onnx.export_along([bridge.eval() for bridge in bridges])
    assert files.keys() == {"generator", "encoder", "discriminator"}
    session = onnxruntime.InferenceSession(files["discriminator"])
    x = torch.randn(4, 3)
    for number, bridge in enumerate(bridges):
        given = {"sample": x.numpy(), "snapshot": np.array([number])}
        (f,) = session.run(["log_ratio"], given)
        expected = bridge.log_ratio(x).detach().numpy()
        assert np.allclose(expected, f, rtol=onnx.RTOL, atol=onnx.ATOL)


class Other(nn.Module):
    """A network that is another one when it is exported."""

    latent_shape = (2,)

    def forward(self, z):
        return z + 1e-3 if torch.compiler.is_exporting() else z


@pytest.mark.slow
def test_files_that_differ_are_not_kept(tmp_path):
    bridge = AlphaBridge(Other(), *mlp(features=2)[1:])
    with pytest.raises(ValueError, match=r"differs from torch by 0\.001 in the sample of"):
        onnx.export(bridge, tmp_path)
    assert not list(tmp_path.iterdir())


class Affine(nn.Linear):
    """A network of latents that goes on in a way of torch's."""

    latent_shape = (2,)

    def __init__(self, way):
        super().__init__(2, 2)
        self.way = way

    def forward(self, z):
        return self.way(super().forward(z), z)


def of_any_size(y, z):
    """All ways of torch to ask for the size of the batch, one after the other."""
    y = y.reshape(len(z), 2) + torch.zeros(len(z), 2)
    y = y + 0.1 * y * len(z)
    return y - y.mean(0) / 2


OF_ONE_SIZE = {
    "loop": (lambda _, z: torch.stack([2 * row for row in z]), "cannot be exported to ONNX for"),
    "two": (lambda y, _: y.reshape(2, -1)[:, :2], "cannot be exported to ONNX for batches of any"),
    "branch": (lambda y, z: y if len(z) > 1 else 2 * y, "onnxruntime differs from torch by"),
}


@pytest.mark.slow
def test_a_network_may_ask_for_the_size_of_its_batch(tmp_path):
    import onnxruntime

    bridge = AlphaBridge(Affine(of_any_size), *mlp(features=2)[1:])
    onnx.export(bridge, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "generator.onnx")
    for size in (1, 2, 3, 7, 50):
        z = torch.randn(size, 2)
        (x,) = session.run(["sample"], {"latent": z.numpy()})
        assert np.allclose(bridge.decode(z).detach().numpy(), x, rtol=onnx.RTOL, atol=onnx.ATOL)


@pytest.mark.slow
@pytest.mark.parametrize("way", OF_ONE_SIZE)
def test_a_network_of_one_size_of_batch_is_refused(way, tmp_path, capfd):
    network, said = OF_ONE_SIZE[way]
    with pytest.raises(ValueError, match=said) as refusal:
        onnx.export(AlphaBridge(Affine(network), *mlp(features=2)[1:]), tmp_path / "files")
    assert "generator" in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "files").exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_file_that_takes_one_size_of_batch_only_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "_traced", lambda network, x, _: torch.export.export(network, x))
    with pytest.raises(ValueError, match="generator in ONNX does not take a batch of 1") as refusal:
        onnx.export(AlphaBridge(*mlp()), tmp_path)
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


class Unexportable(nn.Module):
    latent_shape = (2,)

    def forward(self, z):
        return z if z.sum() > 0 else -z  # which way depends on the numbers


@pytest.mark.slow
def test_a_network_that_cannot_be_exported_is_named(tmp_path):
    bridge = AlphaBridge(Unexportable(), *mlp(features=2)[1:])
    with pytest.raises(ValueError, match="the generator cannot be exported to ONNX") as caught:
        onnx.export(bridge, tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "encoder.onnx").write_text("keep me")
    with pytest.raises(FileExistsError, match=r"encoder\.onnx exists"):
        onnx.export(AlphaBridge(*mlp()), tmp_path)
    assert (tmp_path / "encoder.onnx").read_text() == "keep me"


def test_without_the_packages_one_line_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxruntime" else name)
    with pytest.raises(
        ValueError, match=r"needs onnxruntime: .*pip install 'alpha-bridge\[onnx\]'"
    ):
        onnx.export(AlphaBridge(*mlp()), tmp_path / "files")
    assert not (tmp_path / "files").exists()
