import json
import sys
import types

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from alpha_bridge.metrics import classifier as module
from alpha_bridge.metrics.classifier import (
    Classifier,
    InceptionFeatures,
    cached_classifier,
    inception_features,
    inception_weights,
    train_classifier,
)


@pytest.fixture(scope="module")
def digits():
    """The 8×8 digits: 1437 to train on, 360 held out."""
    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))
    images = torch.from_numpy(np.rint(data.images * 255 / 16).astype(np.uint8))[order].unsqueeze(1)
    labels = torch.from_numpy(data.target)[order]
    return images[:1437], labels[:1437], images[1437:], labels[1437:]


@pytest.fixture
def few(digits):
    """So little of the digits that training is a matter of milliseconds."""
    return [part[:64] for part in digits]


def same(first, second):
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 9, 28, 32, 64])
def test_every_image_has_128_features_and_a_logit_for_each_class(channels, size):
    classifier = Classifier(channels, size, classes=7)
    images = torch.zeros(2, channels, size, size)
    assert classifier.features(images).shape == (2, 128)
    assert classifier(images).shape == (2, 7)


def test_the_forward_pass_is_the_logits_of_the_features():
    classifier = Classifier(channels=1, size=8, classes=3)
    images = torch.randn(4, 1, 8, 8)
    assert torch.equal(classifier.logits(classifier.features(images)), classifier(images))


@pytest.mark.parametrize("settings", [(2, 8, 10), (1, 7, 10), (1, 65, 10), (1, 8, 1)])
def test_a_classifier_out_of_its_range_is_refused(settings):
    with pytest.raises(ValueError, match=r"got \d+$"):
        Classifier(*settings)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"made for images \(1, 8, 8\), got \(1, 28, 28\)"):
        Classifier(channels=1, size=8, classes=3)(torch.zeros(1, 1, 28, 28))


def test_it_learns_the_digits(digits):
    classifier, accuracy = train_classifier(*digits, classes=10, updates=150)
    answers = classifier(digits[2].float() / 127.5 - 1).argmax(-1)
    assert accuracy >= 0.95
    assert accuracy == pytest.approx((answers == digits[3]).float().mean().item())


def test_the_seed_decides_the_classifier(few):
    first, again, other = (
        train_classifier(*few, classes=10, seed=seed, updates=3).classifier for seed in (1, 1, 2)
    )
    assert same(first, again)
    assert not same(first, other)


def test_training_leaves_the_global_generator_as_it_was(few):
    before = torch.get_rng_state()
    train_classifier(*few, classes=10, updates=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_training_works_where_gradients_are_off(few):
    with torch.no_grad():
        off = train_classifier(*few, classes=10, updates=3).classifier
    assert same(off, train_classifier(*few, classes=10, updates=3).classifier)


def test_a_trained_classifier_is_frozen(few):
    classifier, _ = train_classifier(*few, classes=10, updates=1)
    assert not classifier.training
    assert not any(parameter.requires_grad for parameter in classifier.parameters())


def test_images_may_lie_in_a_memory_map(few, tmp_path):
    stored = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (64, 8, 8, 1))
    stored[:] = few[0].permute(0, 2, 3, 1).numpy()
    # the same layout in both: another one is multiplied by another kernel, with other last bits
    mapped, copied = (torch.from_numpy(x).permute(0, 3, 1, 2) for x in (stored, stored.copy()))
    first = train_classifier(mapped, *few[1:], classes=10, updates=2).classifier
    assert same(first, train_classifier(copied, *few[1:], classes=10, updates=2).classifier)


@pytest.mark.parametrize(
    ("index", "wrong", "message"),
    [
        (0, lambda x: x.float(), "must be uint8"),
        (0, lambda x: x[:, 0], "must be uint8"),
        (0, lambda x: x[..., :7], "as high as wide"),
        (1, lambda y: y[:10], "one label for each image"),
        (1, lambda y: y + 1, "whole numbers from 0 to 9, got torch.int64 from 1 to 10"),
        (1, lambda y: y.float(), "whole numbers"),
        (3, lambda y: y - 1, "whole numbers"),
    ],
)
def test_images_and_labels_of_another_form_are_refused(few, index, wrong, message):
    few[index] = wrong(few[index])
    for train in (train_classifier, cached_classifier):
        with pytest.raises(ValueError, match=message):
            train(*few, classes=10)


@pytest.fixture
def trainings(monkeypatch):
    """How often a classifier was trained."""
    calls = []

    def counted(*args, **kwargs):
        calls.append(args)
        return train_classifier(*args, **kwargs)

    monkeypatch.setattr(module, "train_classifier", counted)
    return calls


def test_the_cache_gives_the_same_classifier_without_training(few, tmp_path, trainings):
    first, again = (cached_classifier(*few, 10, updates=2, folder=tmp_path) for _ in range(2))
    assert len(trainings) == 1
    assert first.accuracy == again.accuracy
    assert same(first.classifier, again.classifier)
    assert not again.classifier.training


def test_the_cache_follows_the_environment(few, tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))
    _, accuracy = cached_classifier(*few, 10, seed=5, updates=2)
    (summary,) = (tmp_path / "cache").glob("*.json")
    record = json.loads(summary.read_text())
    assert (record["seed"], record["classes"], record["accuracy"]) == (5, 10, accuracy)
    assert {path.suffix for path in summary.parent.iterdir()} == {".json", ".safetensors"}


@pytest.mark.parametrize(
    "change",
    [
        lambda few: (few, {"seed": 1}),
        lambda few: (few, {"updates": 3}),
        lambda few: ([few[0], few[1].flip(0), *few[2:]], {}),
        lambda few: ([255 - few[0], *few[1:]], {}),
        lambda few: ([*few[:2], few[2][:50], few[3][:50]], {}),
    ],
    ids=["seed", "updates", "labels", "images", "held_out"],
)
def test_other_content_or_settings_are_trained_anew(few, tmp_path, trainings, change):
    cached_classifier(*few, 10, **{"seed": 0, "updates": 2, "folder": tmp_path})
    content, settings = change(few)
    cached_classifier(*content, 10, **{"seed": 0, "updates": 2, "folder": tmp_path} | settings)
    assert len(trainings) == 2


@pytest.mark.parametrize("suffix", ["json", "safetensors"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x00"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text("{}"),
    ],
    ids=["missing", "empty", "cut", "flipped", "list", "object"],
)
def test_a_damaged_cache_is_trained_anew_and_mended(few, tmp_path, trainings, suffix, damage):
    first = cached_classifier(*few, 10, updates=2, folder=tmp_path).classifier
    (path,) = tmp_path.glob(f"*.{suffix}")
    damage(path)
    again = [cached_classifier(*few, 10, updates=2, folder=tmp_path) for _ in range(2)]
    assert len(trainings) == 2
    assert same(first, again[1].classifier)


def test_a_folder_that_cannot_be_written_costs_a_warning(few, tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="set ALPHA_BRIDGE_CACHE"):
        trained = cached_classifier(*few, 10, updates=1, folder=tmp_path / "file")
    assert 0 <= trained.accuracy <= 1


def test_a_write_that_fails_leaves_nothing(few, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.warns(UserWarning, match="no space left"):
        cached_classifier(*few, 10, updates=1, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_inception_without_torch_fidelity_tells_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    with pytest.raises(ValueError, match=r"pip install 'alpha-bridge\[inception\]'"):
        inception_features()


@pytest.fixture
def checkpoint(monkeypatch, tmp_path):
    """Where Inception's weights would lie if torch-fidelity were installed."""
    fidelity = types.ModuleType("torch_fidelity.feature_extractor_inceptionv3")
    fidelity.URL_INCEPTION_V3 = "https://host/weights-inception-2015-12-05-6726825d.pth"
    monkeypatch.setitem(sys.modules, "torch_fidelity", types.ModuleType("torch_fidelity"))
    monkeypatch.setitem(sys.modules, fidelity.__name__, fidelity)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"


def test_inception_without_weights_tells_where_they_belong(checkpoint):
    with pytest.raises(ValueError, match=f"not at {checkpoint}: download https://host/weights"):
        inception_features()


def test_weights_of_inception_that_are_not_the_published_ones_are_never_unpickled(checkpoint):
    checkpoint.write_bytes(b"anything")
    with pytest.raises(ValueError, match="are damaged: download"):
        inception_features()


def test_weights_of_inception_are_looked_for_without_the_network(checkpoint, monkeypatch):
    checkpoint.write_bytes(b"published")
    monkeypatch.setattr("alpha_bridge.metrics.classifier.sha256", lambda _: "6726825d" + "0" * 56)
    monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    assert inception_weights() == checkpoint


class Stub(torch.nn.Module):
    """Returns the pixels that it is given as features."""

    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)

    def forward(self, pixels):
        assert pixels.dtype == torch.uint8
        return pixels.flatten(1).float()


def test_inception_sees_three_channels_of_whole_numbers():
    features = InceptionFeatures(Stub()).features(
        torch.tensor([-1.0, 0.0, 1.0])[:, None, None, None]
    )
    assert features.tolist() == [[0.0] * 3, [128.0] * 3, [255.0] * 3]


def test_logits_of_inception_have_no_bias():
    network = Stub()
    logits = InceptionFeatures(network).logits(torch.eye(3))
    assert torch.equal(logits, network.fc.weight.T)
