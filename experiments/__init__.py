"""One module for each figure or table of the paper: numbers from known seeds, then the picture."""

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from alpha_bridge.checks import at_least

__all__ = ["EXPERIMENTS", "reproduce"]

EXPERIMENTS = {
    "figure1": "what fixed latents keep of Step I, on the 25 Gaussians",
    "figure2": "variance of the gradient estimators",
    "figure3": "samples of the 25 Gaussians along training",
    "figure4": "scores on the 25 Gaussians along training, ten trials",
    "figure5": "what fixed latents keep of Step I, on MNIST",
    "figure6": "the inference arm: reconstructions and edits, on CelebA",
    "figure6-mnist": "the same on MNIST",
    "table-cifar10": "Inception scores and Fréchet distances on CIFAR-10",
    "bridge-vae": "ours, a trained VAE, bridged and switched to an adversarial loss at once",
    "generalisations": "ours, the bridge between marginals and joints beside ali, on MNIST",
    "translation2d": "ours, unpaired translation between mixtures that are known",
    "translation": "ours, unpaired translation of digits to inverted, turned and traced ones",
    "search25": "ours, the search that figures 3 and 4 take their settings from",
    "search5": "ours, what was tried for figure 5, one seed",
    "robustness25": "ours, the same methods over a grid of 36 settings",
    "mixtures": "ours, missed and invented mass on a ring, unequal weights and spirals",
    "gamma25": "ours, γ in training",
    "posterior": "ours, the encoder against a posterior that is known, for each objective",
    "reverse25": "ours, a collapsed GAN along the bridge in other directions",
}
"""What can be regenerated, each by the module of its name: figures of the paper, and ours."""


_INSTEAD = {"data": "data of its own", "jobs": "one run after the other"}
"""What an experiment has that does not take an option."""

_TAKES = {
    "data": (
        "figure5",
        "figure6",
        "figure6-mnist",
        "table-cifar10",
        "bridge-vae",
        "generalisations",
        "translation",
        "search5",
    ),
    "jobs": (
        "figure1",
        "figure3",
        "figure4",
        "figure5",
        "search25",
        "robustness25",
        "mixtures",
    ),
}
"""Which experiments take it, told without importing them."""


def reproduce(
    name: str,
    folder: str | Path,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    data: str | None = None,
    jobs: int = 1,
) -> Path:
    """Regenerate a result of the paper as ``NAME.json`` and ``NAME.png``.

    Args:
        name: One of :data:`EXPERIMENTS`.
        folder: Where to write; it is made if it is missing. An experiment that was interrupted
            there goes on.
        seed: Seed of all draws, zero or more.
        trials: Number of trials, one or more; None for the paper's.
        quick: A miniature of at most two minutes.
        tell: Told in a line of each run that ends.
        data: A hub id, a folder or a file of images, for an experiment that trains on images;
            None for its own.
        jobs: Runs that are trained at a time, each by a process of its own, one or more, for an
            experiment of many runs.

    Returns:
        The folder.

    Raises:
        ValueError: There is no such result, or a number is out of its range.
        FileExistsError: The folder has that result already.
        PermissionError: The folder cannot be written.
    """
    folder = Path(folder)
    if name not in EXPERIMENTS:
        near = get_close_matches(name, EXPERIMENTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(EXPERIMENTS)}"
        raise ValueError(f"there is no result {name!r} to reproduce: {hint}")
    at_least(0, "seed", seed)
    if trials is not None:
        at_least(1, "trials", trials)
    options: dict[str, object] = {} if data is None else {"data": data}
    if jobs != 1:
        options["jobs"] = at_least(1, "jobs", jobs)
    for option in options:
        if name not in _TAKES[option]:
            raise ValueError(
                f"{name} has {_INSTEAD[option]}, got --{option} {options[option]}: leave it out"
            )
    if (folder / f"{name}.json").exists():
        raise FileExistsError(f"{folder} has {name}.json already: choose another with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermissionError(
            f"cannot write to {folder} ({error.strerror}): choose another folder with --out"
        ) from error
    experiment = import_module(f".{name.replace('-', '_')}", __name__)
    experiment.reproduce(folder, seed=seed, trials=trials, quick=quick, tell=tell, **options)
    return folder
