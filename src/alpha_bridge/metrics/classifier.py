"""Networks whose features images are compared in: a classifier of the same domain, Inception."""

import hashlib
import json
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checks import at_least, classified
from ..data import PixelUnits
from ..data.rng import isolated_seed
from ..files import cache_folder, sha256, writing
from ..networks.adam import Adam
from .reporting import Report, silent

FEATURES = 128
WIDTHS = (32, 64, 128, 128)
UNITS = PixelUnits()
TRAINING = "training a classifier for the metrics"
SAMPLE = 512
"""Images that the key of the cache looks at, evenly spaced."""


class Classifier(nn.Module):
    """A small convolutional classifier of square images, and the features before its last layer.

    Each layer of stride two halves the image, of 8 to 64 pixels, until at most 4 are left.
    """

    def __init__(self, channels: int, size: int, classes: int) -> None:
        super().__init__()
        self.shape = require_shape((channels, size, size))
        at_least(2, "classes", classes)
        layers: list[nn.Module] = []
        for width in WIDTHS:
            if size <= 4:
                break
            layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.ReLU()]
            channels, size = width, (size + 1) // 2
        body = nn.Linear(channels * size**2, FEATURES)
        self.body = nn.Sequential(*layers, nn.Flatten(), body, nn.ReLU())
        self.head = nn.Linear(FEATURES, classes)

    def features(self, x: Tensor) -> Tensor:
        """Non-negative features ``(N, 128)`` of images ``(N, C, H, W)`` in [−1, 1]."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"the classifier was made for images {self.shape}, got {tuple(x.shape[1:])}"
            )
        features: Tensor = self.body(x)
        return features

    def logits(self, features: Tensor) -> Tensor:
        """Logits ``(N, classes)`` of features ``(N, 128)``."""
        logits: Tensor = self.head(features)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(N, classes)`` of images ``(N, C, H, W)`` in [−1, 1]."""
        return self.logits(self.features(x))


class ClassifierLayers(nn.Module):
    """The features of each convolution of a classifier, of images of any size."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        convolutions = [*classifier.body.children()][:-3]
        pairs = zip(convolutions[::2], convolutions[1::2], strict=True)
        self.layers = nn.ModuleList(nn.Sequential(*pair) for pair in pairs)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Features ``(N, F, h, w)`` of images ``(N, C, H, W)`` in [−1, 1], the largest first."""
        return [x := layer(x) for layer in self.layers]


def require_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return ``shape`` if it is ``(C, H, W)`` as the classifier takes it; else ``ValueError``."""
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"the classifier takes images as high as wide, got {shape}")
    channels, size, _ = shape
    if channels not in (1, 3):
        raise ValueError(f"the classifier takes images of 1 or 3 channels, got {channels}")
    classified(size)
    return shape


class TrainedClassifier(NamedTuple):
    """A classifier, frozen, on the CPU, and its accuracy on held-out images, in [0, 1]."""

    classifier: Classifier
    accuracy: float


def train_classifier(
    images: Tensor,
    labels: Tensor,
    held_out_images: Tensor,
    held_out_labels: Tensor,
    classes: int,
    seed: int = 0,
    updates: int = 600,
    batch_size: int = 128,
    progress: Report = silent,
) -> TrainedClassifier:
    """Train a classifier whose features are used by the metrics; Adam with a one-cycle rate.

    The same seed gives the same classifier on the same machine, and torch's global generator is
    left as it was. Images, uint8 ``(N, C, H, W)``, are read one batch at a time, drawn with
    replacement, so they may lie in a memory map; labels are whole numbers below ``classes``, two
    or more. The accuracy is measured on the images that are held out.

    Source:
        Kingma and Ba, Adam, ICLR 2015; Smith and Topin, Super-Convergence, 2018.
    """
    _check_images(images, labels, classes)
    _check_images(held_out_images, held_out_labels, classes)
    at_least(1, "updates", updates)
    at_least(1, "batch_size", batch_size)
    with isolated_seed(seed), torch.enable_grad():
        classifier = Classifier(images.shape[1], images.shape[2], classes)
        optimizer = Adam(classifier.parameters())
        rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=updates + 1)
        for update in range(updates):
            progress(TRAINING, update, updates)
            batch = torch.randint(len(images), (batch_size,))
            loss = F.cross_entropy(classifier(UNITS.normalize(images[batch])), labels[batch].long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
        progress(TRAINING, updates, updates)
    classifier.eval().requires_grad_(False)
    return TrainedClassifier(classifier, _accuracy(classifier, held_out_images, held_out_labels))


def cached_classifier(
    images: Tensor,
    labels: Tensor,
    held_out_images: Tensor,
    held_out_labels: Tensor,
    classes: int,
    seed: int = 0,
    updates: int = 600,
    folder: Path | None = None,
    progress: Report = silent,
) -> TrainedClassifier:
    """Train a classifier the first time, and read it from the cache from then on.

    It is found by the content of the labels, a sample of the images and the settings, which are
    those of :func:`train_classifier`. What was damaged on disk is trained again. The cache
    is ``folder``, or else that of :func:`~alpha_bridge.files.cache_folder`.

    Raises:
        ValueError: Images or labels are not of the form that is asked for.
    """
    _check_images(images, labels, classes)
    _check_images(held_out_images, held_out_labels, classes)
    record: dict[str, object] = {
        "widths": [*WIDTHS, FEATURES],
        "shape": list(images.shape),
        "held_out_shape": list(held_out_images.shape),
        "classes": classes,
        "seed": seed,
        "updates": updates,
    }
    content = (images, labels, held_out_images, held_out_labels)
    stem = (folder or cache_folder()) / f"classifier-{_key(record, content)}"
    weights, summary = stem.with_suffix(".safetensors"), stem.with_suffix(".json")
    with isolated_seed(seed):
        blank = Classifier(images.shape[1], images.shape[2], classes)
    stored = _load(blank, weights, summary)
    if stored is not None:
        return stored
    trained = train_classifier(*content, classes, seed, updates, progress=progress)
    try:
        _store(trained, weights, summary, record)
    except OSError as error:
        warnings.warn(
            f"the classifier is not cached ({error}): "
            "set ALPHA_BRIDGE_CACHE to a folder that can be written",
            stacklevel=2,
        )
    return trained


class InceptionFeatures(nn.Module):
    """torch-fidelity's Inception network as a network of features, for images in [−1, 1].

    Images of one channel are repeated to three; each is rounded to whole numbers in [0, 255], as
    the published distances are computed.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def features(self, x: Tensor) -> Tensor:
        """Features ``(N, 2048)`` of images ``(N, 1 or 3, H, W)`` in [−1, 1]."""
        features: Tensor = self.network(UNITS.denormalize(x).expand(-1, 3, -1, -1))
        return features

    def logits(self, features: Tensor) -> Tensor:
        """Logits without bias ``(N, 1008)`` of features ``(N, 2048)``."""
        weight: Tensor = self.network.get_submodule("fc").get_parameter("weight")
        return features @ weight.mT.to(features)


def inception_features() -> InceptionFeatures:
    """Inception network of the published Fréchet distances and Inception scores, frozen.

    Its weights are those of :func:`inception_weights`.

    Raises:
        ValueError: torch-fidelity is not installed, or the weights are missing or damaged.

    Source:
        Szegedy et al., Rethinking the Inception Architecture, CVPR 2016; Obukhov et al.,
        torch-fidelity, 2020.
    """
    path = inception_weights()
    from torchmetrics.image.fid import NoTrainInceptionV3

    network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(path), antialias=False)
    return InceptionFeatures(network.requires_grad_(False)).eval()


def inception_weights() -> Path:
    """Where the weights of :func:`inception_features` lie, once nothing is missing for these.

    Nothing is downloaded here, and only the published file is taken: torch-fidelity unpickles it,
    so its SHA-256 sum must begin as its name says.

    Raises:
        ValueError: torch-fidelity is not installed, or the weights are missing or damaged.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import (  # type: ignore[import-not-found]
            URL_INCEPTION_V3,
        )
    except ImportError as error:
        raise ValueError(
            f"Inception features need torch-fidelity ({error}): "
            "pip install 'alpha-bridge[inception]'"
        ) from error
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(URL_INCEPTION_V3).name
    if not path.is_file():
        raise ValueError(
            f"Inception's weights are not at {path}: download {URL_INCEPTION_V3} to that place"
        )
    if not sha256(path).startswith(path.stem.rsplit("-")[-1]):
        raise ValueError(
            f"Inception's weights at {path} are damaged: download {URL_INCEPTION_V3} again"
        )
    return path


def _check_images(images: Tensor, labels: Tensor, classes: int) -> None:
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[2] != images.shape[3]:
        raise ValueError(
            "images must be uint8 of shape (N, C, H, W), as high as wide, "
            f"got {images.dtype} {tuple(images.shape)}"
        )
    if labels.shape != images.shape[:1] or len(labels) == 0:
        raise ValueError(
            f"there must be one label for each image, got {tuple(labels.shape)} labels "
            f"for {len(images)} images"
        )
    if labels.is_floating_point() or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels must be whole numbers from 0 to {classes - 1}, "
            f"got {labels.dtype} from {labels.min()} to {labels.max()}"
        )


@torch.no_grad()
def _accuracy(classifier: Classifier, images: Tensor, labels: Tensor) -> float:
    right = [
        classifier(UNITS.normalize(batch)).argmax(-1) == answers
        for batch, answers in zip(images.split(500), labels.split(500), strict=True)
    ]
    return torch.cat(right).float().mean().item()


def _key(record: dict[str, object], content: tuple[Tensor, Tensor, Tensor, Tensor]) -> str:
    images, labels, held_out_images, held_out_labels = content
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for tensor in (labels.long(), held_out_labels.long(), _few(images), _few(held_out_images)):
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:24]


def _few(images: Tensor) -> Tensor:
    return images[np.linspace(0, len(images) - 1, min(len(images), SAMPLE)).astype(int)]


def _load(classifier: Classifier, weights: Path, summary: Path) -> TrainedClassifier | None:
    """What the cache holds, unless it is missing or damaged."""
    from safetensors.torch import load

    try:
        record = json.loads(summary.read_text(encoding="utf-8"))
        data = weights.read_bytes()
        if hashlib.sha256(data).hexdigest() != record["sha256"]:
            return None
        accuracy = float(record["accuracy"])
        classifier.load_state_dict(load(data))
    except (OSError, ValueError, TypeError, LookupError, RuntimeError):
        return None
    return TrainedClassifier(classifier.eval().requires_grad_(False), accuracy)


def _store(
    trained: TrainedClassifier, weights: Path, summary: Path, record: dict[str, object]
) -> None:
    from safetensors.torch import save

    data = save(trained.classifier.state_dict())
    sums = {"accuracy": trained.accuracy, "sha256": hashlib.sha256(data).hexdigest()}
    with writing(weights) as file:
        file.write(data)
    with writing(summary) as file:
        file.write((json.dumps(record | sums, indent=2) + "\n").encode())
