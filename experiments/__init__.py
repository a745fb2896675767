"""The paper's figures and tables, and experiments of ours: numbers from known seeds, and pictures.

Each is a module of its name with two functions that :func:`reproduce` calls: ``measure``, whose
parameters say what the experiment takes, and ``draw``. How they train is in
:mod:`experiments.framework`.
"""

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from inspect import signature
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
    "translation": "ours, unpaired translation of digits to their outlines",
    "search25": "ours, the search that figures 3 and 4 take their settings from",
    "robustness25": "ours, the same methods over a grid of 36 settings",
    "reconstructions": "ours, autoencoders sharpened by the bridge of reconstructions and as usual",
    "tables": "ours, rows of two tables, beside CTGAN, TVAE and a Gaussian copula",
    "categories": "ours, the gradient of categories: exact, and by straight-through Gumbel-softmax",
    "untuned": "ours, the defaults beside searched ramps on six sets, and settings made wrong",
    "few-images": "ours, widths and latents beside those that the dial decides, of a hundred faces",
    "mixtures": "ours, missed and invented mass on a ring, unequal weights and spirals",
    "ratio": "ours, the log ratio against a known one along α, calibrated, and rejection by it",
    "covariate-shift": "ours, a classifier of data trained on a model's samples, with weights",
    "outliers": "ours, outliers of ten sets by the scores of a bridge, beside the usual detectors",
    "posterior": "ours, the encoder against a posterior that is known, for each objective",
}
"""What can be regenerated, each by the module of its name: figures of the paper, and ours."""


def reproduce(
    name: str,
    folder: str | Path,
    *,
    seed: int = 0,
    trials: int | None = None,
    quick: bool = False,
    data: str | None = None,
    python: str | None = None,
    jobs: int = 1,
    cluster: str | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Path:
    """Regenerate a result as ``NAME.json`` and ``NAME.png``.

    Args:
        name: One of :data:`EXPERIMENTS`.
        folder: Where to write; it is made if it is missing. Runs that an interrupted experiment
            has ended there are not trained again.
        seed: Seed of all draws, zero or more; each further trial adds 1.
        trials: Number of trials, one or more; None for the experiment's own.
        quick: A miniature of at most two minutes, labelled so.
        data: A hub id, a folder or a file of images, for an experiment that trains on images;
            None for its own.
        python: That of an environment which has what an experiment compares with.
        jobs: Runs that are trained at a time, each by a process of its own, one or more.
        cluster: Address of a Dask scheduler, whose workers train in place of processes here.
        report: Takes a line for each run that ends.

    Returns:
        The folder.

    Raises:
        ValueError: There is no such result, a number is out of its range, or the experiment does
            not take an option.
        FileExistsError: The folder has that result already.
        PermissionError: The folder cannot be written.
    """
    folder = Path(folder)
    if name not in EXPERIMENTS:
        near = get_close_matches(name, EXPERIMENTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(EXPERIMENTS)}"
        raise ValueError(f"there is no result {name!r} to reproduce: {hint}")
    at_least(0, "seed", seed)
    at_least(1, "jobs", jobs)
    if trials is not None:
        at_least(1, "trials", trials)
    experiment = import_module(f".{name.replace('-', '_')}", __name__)
    takes = signature(experiment.measure).parameters
    trains = "study" in takes
    _refuse(name, "data", data, None, "data" in takes, "data of its own")
    _refuse(name, "python", python, None, "python" in takes, "nothing from other environments")
    _refuse(name, "jobs", jobs, 1, trains, "no runs to spread")
    _refuse(name, "cluster", cluster, None, trains, "no runs to spread")
    if (folder / f"{name}.json").exists():
        raise FileExistsError(f"{folder} has {name}.json already: choose another with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermissionError(
            f"cannot write to {folder} ({error.strerror}): choose another folder with --out"
        ) from error

    from .framework import Study, verdicts

    study = Study(name, folder, report, jobs, cluster)
    given = {"study": study, "seed": seed, "trials": trials, "quick": quick, "data": data}
    given["python"] = python
    record = experiment.measure(**{key: given[key] for key in takes})
    if hasattr(experiment, "claims"):
        record["claims"] = verdicts(experiment.claims(record), record)
    if hasattr(experiment, "table"):
        (folder / f"{name}.md").write_text(experiment.table(record), encoding="utf-8")
    with_samples = "samples" in signature(experiment.draw).parameters
    drawn = (record, study.samples) if with_samples else (record,)
    study.publish(record, experiment.draw(*drawn))
    return folder


def _refuse(name: str, option: str, value: object, default: object, takes: bool, has: str) -> None:
    if value != default and not takes:
        raise ValueError(f"{name} has {has}, got --{option} {value}: leave it out")
