"""The paper's numbers on CIFAR-10: the α-Bridge against the DCGAN with the same networks.

The paper reports an Inception score of 7.225 and a Fréchet distance of 28.083, against 6.558 and
33.707 of the vanilla DCGAN. Networks, rates and updates are those of the preset, which are ours:
the paper's appendix is lost. So is the number of samples behind its scores.

Time: with batches of 128, an update of the bridge is about 0.3 · 10¹² operations: a network has 70
million products for each image, five passes go forward, and five or six backward at twice the
cost. Two runs of 50,000 updates in fifty minutes leave 30 ms for each, which an accelerator keeps
that does ten TFLOP/s. Ten minutes are left for evaluations. A core needs some seconds for such an
update: without an accelerator both methods train narrower networks, on smaller batches and for
fewer updates, as far as two cores go in twenty minutes. That is no reproduction of the table, and
its numbers are not comparable with the paper's.
"""

from functools import cache, partial
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch

from alpha_bridge.metrics.classifier import inception_weights
from alpha_bridge.metrics.definition import definition
from alpha_bridge.metrics.evaluation import Evaluation
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.assembly import build_evaluation
from alpha_bridge.recipe.domains import build_source
from alpha_bridge.runs.plots import TEXT, WIDTH

from .framework import Outcome, Record, Samples, Study, compare, configurations, due, preset_on
from .framework.drawing import show_grid
from .framework.evaluations import Evaluations, chosen

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw", "measure", "table"]

SETTINGS: dict[str, dict[str, Any]] = {"js-gan": {}, "alpha-bridge": {}}
"""What each method changes in the preset; the DCGAN has the losses of js-gan."""

PROCESSORS: dict[str, Any] = {
    "steps": 3000,
    "batch_size": 64,
    "model.width": 32,
    "evaluation.every": 500,
}
"""What both methods change where there is no accelerator."""

QUICK: dict[str, Any] = {
    "steps": 40,
    "batch_size": 16,
    "model.width": 8,
    "evaluation.every": 20,
    "evaluation.samples": 200,
}
"""What both methods change in the miniature as well."""

INCEPTION = 10_000
"""Samples that Inception looks at, of the data and of each model; fewer give larger distances."""

PAPER = {
    "js-gan": {"inception_score": 6.558, "frechet_distance": 33.707},
    "alpha-bridge": {"inception_score": 7.225, "frechet_distance": 28.083},
}
"""What the paper reports, in Inception's features."""

CPU = "processors"
"""The device where there is no accelerator."""

OURS = "all settings are ours: the paper's are not published"
NARROWED = f"{OURS}; narrower networks, for processors: not comparable with the paper's numbers"

SHOWN = 40


def measure(
    study: Study, seed: int, trials: int | None, quick: bool, data: str | None = None
) -> Record:
    """Train both methods, one trial: an hour on an accelerator, 20 minutes on two cores.

    The features are those of a classifier of the same data in any case, and Inception's at the end
    of each run where torch-fidelity and its weights are there. Without an accelerator both methods
    are cut down to :data:`PROCESSORS`, which the settings say.
    """
    preset = preset_on("cifar10", data)
    device = _device()
    cut = cut_down(device, quick)
    settings = {name: own | cut for name, own in SETTINGS.items()}
    configs = [*configurations(preset, settings, seed, trials or 1)]
    samples = None
    try:
        inception_weights()
        samples = 200 if quick else INCEPTION
    except ValueError as error:
        study.report(f"scores in the classifier's features alone: {error}")
    steps = due(*(config for _, config in configs))
    return {
        "table": "CIFAR-10",
        "settings": {
            "seed": seed,
            "trials": trials or 1,
            "quick": quick,
            "data": preset.data,
            "preset": "cifar10",
            "methods": settings,
            "inception": "torch-fidelity's" if samples else "not to be had",
            "device": device,
            "note": NARROWED if cut is PROCESSORS else OURS,
        },
        "paper": PAPER,
        **compare(study, configs, steps, partial(_finish, config=configs[0][1], samples=samples)),
    }


def _finish(evaluations: Evaluations, config: Config, samples: int | None) -> Outcome:
    """The last samples, and scores in Inception's features of ``samples`` of them if not None."""
    shown = chosen(evaluations, [max(evaluations.samples)], SHOWN).samples
    if samples is None:
        return Outcome({}, shown)
    values = {"evaluation.features": "inception", "evaluation.samples": samples}
    evaluation = _inception(changed(config, values).model_dump_json())
    assert evaluations.model is not None
    return Outcome({"metrics": evaluation(evaluations.model, {}).metrics}, shown)


@cache
def _inception(text: str) -> Evaluation:
    """The evaluation of a configuration; its features of the data take as long as a model's."""
    config = Config.model_validate_json(text)
    return build_evaluation(config, build_source(config))


def cut_down(device: str, quick: bool) -> dict[str, Any]:
    """What both methods change in the preset for the machine at hand.

    Args:
        device: What they train on, :data:`CPU` where there is no accelerator.
        quick: Whether it is the miniature, which is the same anywhere.

    Example:
        >>> cut_down("an accelerator", quick=False)
        {}
    """
    if quick:
        return QUICK
    return PROCESSORS if device == CPU else {}


def _device() -> str:
    """What the numbers were made on."""
    if not torch.accelerator.is_available():
        return CPU
    known = torch.cuda.is_available()
    return torch.cuda.get_device_name() if known else str(torch.accelerator.current_accelerator())


def table(record: Record) -> str:
    """The table in Markdown: means over trials at the end, and what the paper reports."""
    settings = record["settings"]
    names = dict.fromkeys(
        name for run in record["runs"] for name in run["evaluations"][-1] if definition(name)
    )
    methods = dict.fromkeys(run["method"] for run in record["runs"])
    title = "A miniature, whose numbers mean nothing. " if settings["quick"] else ""
    lines = [
        f"{title}Data: {settings['data']}. {settings['trials']} trial(s) from seed "
        f"{settings['seed']}, on {settings['device']}; {settings['note']}.",
        "",
        "| metric | " + " | ".join(methods) + " |",
        "|---" * (len(methods) + 1) + "|",
    ]
    ours = [_row(name, [_mean(record, method, name) for method in methods]) for name in names]
    theirs = [
        _row(f"{metric}, the paper's", [PAPER[method][metric] for method in methods])
        for metric in ("inception_score", "frechet_distance")
    ]
    return "\n".join([*lines, *ours, *theirs]) + "\n"


def _row(name: str, values: list[float]) -> str:
    return f"| {name} | " + " | ".join(f"{value:.4g}" for value in values).replace("nan", "") + " |"


def _mean(record: Record, method: str, name: str) -> float:
    rows = [run["evaluations"][-1] for run in record["runs"] if run["method"] == method]
    return fmean(row[name] if name in row else float("nan") for row in rows)


def draw(record: Record, samples: Samples) -> "Figure":
    """Samples of each method at the end of the first trial.

    Args:
        record: As :func:`measure` gives it.
        samples: By method and number of updates, uint8 ``(N, H, W, C)``; the last are drawn.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, WIDTH * 0.7), layout="constrained")
    panels = figure.subplots(1, len(samples), squeeze=False)[0]
    for axes, (name, of) in zip(panels, samples.items(), strict=True):
        show_grid(axes, of[max(of)], 5)
        axes.set_title(name, loc="left", fontsize=TEXT)
    if record["settings"]["quick"]:
        figure.suptitle("a miniature: these samples mean nothing", fontsize=TEXT)
    return figure
