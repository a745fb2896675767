"""Sets with outliers that are known: vectors, images and tables, each mixed by a seed.

What is trained on holds a twentieth of outliers, as data of one's own may. In sets of classes one
class is the outliers, another one with each seed; rows of a table are corrupted by shuffling every
column among them, so that each cell is usual and the row is not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow.parquet
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn import datasets

from alpha_bridge.data import GaussianMixture, grid, spirals

__all__ = ["OWN", "SETS", "OutlierSet", "mixed"]

Array = NDArray[Any]
Rows: TypeAlias = Any
"""An array or a data frame."""

TRAINED, TESTED, SHARE = 500, 500, 0.05
"""Usual samples to train on and usual ones to test, at most, and the outliers among the former."""
READ = 4000
"""Images or rows of a file that are looked at."""
SIZE = 16
"""Of images, in pixels, all in grey."""


@dataclass(frozen=True)
class OutlierSet:
    """Samples to train on, and others of which it is known whether they are outliers.

    Attributes:
        training: Samples, of which some are outliers.
        tested: Others.
        outlier: Whether each of those is one.
        log_q: Log density of usual samples at those, where it is known.
    """

    training: Rows
    tested: Rows
    outlier: NDArray[np.bool_]
    log_q: Array | None = None


def mixed(name: str, seed: int, data: str | None = None) -> OutlierSet:
    """A set by its name, one of :data:`SETS`.

    Args:
        name: Of the set.
        seed: Of the choice of samples, and of the class that is the outliers.
        data: Folder of folders with Parquet files, for sets that are read from there.
    """
    rng = np.random.default_rng(seed)
    rows, outlier = SETS[name](seed, rng, Path(data or "."))
    usual, unusual = (rng.permutation(np.flatnonzero(of)) for of in (~outlier, outlier))
    count = min(TRAINED, round(0.6 * len(usual)))
    among = min(round(SHARE / (1 - SHARE) * count), len(unusual) // 2)
    training = rng.permutation(np.concatenate([usual[:count], unusual[:among]]))
    tested = np.concatenate([usual[count:][:TESTED], unusual[among:][:TESTED]])
    known = DENSITIES.get(name)
    log_q = None if known is None else known().log_prob(torch.from_numpy(rows[tested])).numpy()
    return OutlierSet(_taken(rows, training), _taken(rows, tested), outlier[tested], log_q)


def _taken(rows: Rows, places: Array) -> Rows:
    if isinstance(rows, pd.DataFrame):
        return rows.iloc[places].reset_index(drop=True)
    return rows[places]


Made = tuple[Any, NDArray[np.bool_]]
"""Rows, and which of them are outliers."""


def _cancer(_seed: int, _rng: np.random.Generator, _data: Path) -> Made:
    x, benign = datasets.load_breast_cancer(return_X_y=True)
    return x, benign == 0


def _wine(seed: int, _rng: np.random.Generator, _data: Path) -> Made:
    x, label = datasets.load_wine(return_X_y=True)
    return x, label == seed % 3


def _digits(seed: int, _rng: np.random.Generator, _data: Path) -> Made:
    found = datasets.load_digits()
    return (found.images * (255 / 16)).round().astype(np.uint8), found.target == seed % 10


def _mixture(mixture: GaussianMixture, rng: np.random.Generator) -> Made:
    """Samples of a density, and outliers that are uniform in the square around them."""
    count = TRAINED + TESTED
    usual = mixture.sample(count, rng).double().numpy()
    half = 1.1 * np.abs(usual).max()
    unusual = rng.uniform(-half, half, (count, 2))
    return np.concatenate([usual, unusual]), np.arange(2 * count) >= count


def _mnist(seed: int, rng: np.random.Generator, data: Path) -> Made:
    found = _read(data / "mnist", rng)
    return _grey(found["image"]), found["label"].to_numpy() == seed % 10


def _faces(_seed: int, rng: np.random.Generator, data: Path) -> Made:
    """Faces, and photos of other things."""
    return _joined(_read(data / "celeba", rng)["image"], _read(data / "cifar10", rng)["img"])


def _photos(_seed: int, rng: np.random.Generator, data: Path) -> Made:
    """Photos, and handwritten digits, which are simpler."""
    return _joined(_read(data / "cifar10", rng)["img"], _read(data / "mnist", rng)["image"])


def _joined(usual: pd.Series, unusual: pd.Series) -> Made:
    count = TRAINED + TESTED
    images = np.concatenate([_grey(usual[:count]), _grey(unusual[:count])])
    return images, np.arange(2 * count) >= count


def _rows_of(folder: str) -> Callable[[int, np.random.Generator, Path], Made]:
    def made(_seed: int, rng: np.random.Generator, data: Path) -> Made:
        """Rows, and rows whose columns were shuffled among them."""
        count = TRAINED + TESTED
        frame = _read(data / folder, rng)[: 2 * count].copy()
        for name in frame:
            shuffled = rng.permutation(np.arange(count, 2 * count))
            frame[name] = frame[name].take(np.concatenate([np.arange(count), shuffled])).array
        return frame, np.arange(2 * count) >= count

    return made


def _read(folder: Path, rng: np.random.Generator) -> pd.DataFrame:
    """Rows of the training part of a data set, in a random order."""
    files = sorted(folder.glob("train*.parquet"))
    if not files:
        raise ValueError(f"{folder} has no train*.parquet: give --data, a folder with such folders")
    with pyarrow.parquet.ParquetFile(files[0]) as file:
        first = next(file.iter_batches(READ)).to_pandas()
    return first.iloc[rng.permutation(len(first))].reset_index(drop=True)


def _grey(images: pd.Series) -> Array:
    """Encoded images as squares of grey pixels, ``(N, 16, 16)``."""

    def decoded(encoded: Mapping[str, bytes]) -> Array:
        with Image.open(BytesIO(encoded["bytes"])) as image:
            short = min(image.size)
            left, top = ((side - short) // 2 for side in image.size)
            square = image.convert("L").crop((left, top, left + short, top + short))
            return np.asarray(square.resize((SIZE, SIZE), Image.Resampling.BOX))

    return np.stack([decoded(encoded) for encoded in images])


DENSITIES: Mapping[str, Callable[[], GaussianMixture]] = {"gaussians25": grid, "spirals": spirals}

OWN: Mapping[str, Callable[[int, np.random.Generator, Path], Made]] = {
    "breast cancer": _cancer,
    "wine": _wine,
    "gaussians25": lambda _seed, rng, _data: _mixture(grid(), rng),
    "spirals": lambda _seed, rng, _data: _mixture(spirals(), rng),
    "digits": _digits,
}
"""Sets that need no files."""

SETS = {
    **OWN,
    "mnist": _mnist,
    "faces": _faces,
    "photos": _photos,
    "adult": _rows_of("adult"),
    "nltcs": _rows_of("nltcs"),
}
