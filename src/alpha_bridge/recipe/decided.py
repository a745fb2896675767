"""What is decided from the data and the dial where nothing is given: a rule for each setting.

Every number is ours. Those for vectors come from ``search25``, those for images from ``search5``
and the digits, those for rows from NLTCS and Adult; :mod:`experiments.untuned` holds them against
searched settings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..files.table_files import is_table
from ..settings import REALISM
from .config import DECIDED, Config, MethodName
from .methods import METHODS, SHARES, Shares
from .reading import changed, value_of
from .resuming import unchanged

FEW = 20
"""Updates of a first try, of which a tenth may be none."""

DIALLED: Mapping[str, Any] = {
    "gamma.kind": "realism",
    "optimization.schedule": "cosine",
    "optimization.average_grows": True,
    "watch.diverged": "roll-back",
}
"""What a run with a dial has, whatever its data, where nothing else is given."""


@dataclass(frozen=True)
class Facts:
    """What rules decide by.

    Attributes:
        realism: The dial, in [0, 1].
        shape: Of one sample, ``(D,)`` or ``(C, H, W)``.
        count: Training samples; None where they are drawn from a density.
        steps: Updates in all.
        spread: Root mean square of the standard deviations of the training samples' numbers.
        batch: Samples of an update.
        of_data: Whether the model alone is bridged to the data, whose reconstructions are measured.
        of_samples: Whether samples of the prior are held against the data, not reconstructions, and
            the networks are new.
        waits: Whether α can wait for the model.
        rows: Whether samples are rows of a table, with categories.
        latent: Size of a latent.
        processes: Those that divide a batch among them.
        method: Which steps of the path there are depends on it.
    """

    realism: float
    shape: tuple[int, ...]
    count: int | None
    steps: int
    spread: float
    batch: int
    of_data: bool
    of_samples: bool
    waits: bool
    rows: bool = False
    latent: int = 1
    processes: int = 1
    method: MethodName = "alpha-bridge"

    @property
    def images(self) -> bool:
        return len(self.shape) == 3

    @property
    def size(self) -> int:
        """Numbers of one sample."""
        return math.prod(self.shape)

    @property
    def usual(self) -> int:
        """The batch for which rates and penalties are known."""
        return 64 if self.images else 512 if self.rows else 128

    def rate(self) -> float:
        """A learning rate, which falls with the root of a smaller batch, as its noise grows."""
        return (4e-3 if self.rows else 3e-3) * math.sqrt(min(1.0, self.batch / self.usual))


def _batch(of: Facts) -> int:
    """As usual, or a power of two of which an epoch has two; an equal share for each process."""
    most = of.usual if of.count is None else of.count // 2
    batch = min(of.usual, 1 << max(0, most.bit_length() - 1))
    return max(batch // of.processes, 1) * of.processes


def _latent(of: Facts) -> int:
    """As many as the data, up to 8; of images the power of two next to √d / 2, in 16 … 128; of rows
    an eighth of their places, in 8 … 32."""
    if of.rows:
        return min(max(of.size // 8, 8), 32)
    if not of.images:
        return min(of.size, 8)
    return min(max(1 << round(math.log2(of.size) / 2 - 1), 16), 128)


def _shares(of: Facts) -> Shares:
    """Of the path of the method, from those of the α-Bridge."""
    return METHODS[of.method].shares(*_all_steps(of))


def _all_steps(of: Facts) -> Shares:
    """Of the path: for vectors Steps I and II have 600 and 250 updates, each in 2 to 20 %.

    What latents stand for is learnt in Step I, and what they keep is counted from its end: with 250
    of 3,000 updates .56 of those of the 25 Gaussians kept their component, with 600 of them .83.
    Of MNIST's .69 kept their label with 30 % of 1,000, .72 with 40, at distances of 40 and 47.
    """
    if of.steps < FEW:
        return 1 / 3, 1 / 3, 1 / 3
    if of.images:
        return 0.35, 0.1, 0.55
    if of.rows:
        return 0.2, 0.2, 0.6
    first, second = (round(min(max(n / of.steps, 0.02), 0.2), 3) for n in (600, 250))
    return first, second, round(1 - first - second, 3)


def _noise(of: Facts) -> float:
    """Of images up to 1, so that those of up to 28 pixels weigh their error alike: d / σ² = 784."""
    if of.images:
        return min(1.0, round(math.sqrt(of.size) / 28, 2))
    # that of rows, which is 1 in the units of each number, is learned in any case
    return 1.0 if of.rows else float(f"{of.spread / 5:.2g}") or 0.2


def _measurable(of: Facts) -> bool:
    """Whether σ follows the error; with as many latents as numbers the encoder's draws alone make
    an error of any σ."""
    return of.of_data and not of.rows and 2 * of.latent <= of.size


def _noise_decay(of: Facts) -> float:
    """An average over a twelfth of the updates, and over 100 at least.

    Adam takes larger steps while the likelihood's gradient grows. Where σ fell by half in 100 of
    10,000 updates of MNIST, after Step I, the encoder's rate went from 24 to 330 nats in 50.
    """
    return 1 - float(f"{min(0.01, 12 / of.steps):.3g}")


def _noise_rate(of: Facts) -> float | None:
    """Where samples of the prior are sharpened, Step I is to bring them near the data; an encoder
    that has learned elsewhere holds what it holds.

    On MNIST a number of a latent holds 2.3 nats after 350 updates and 3.3 after 4,000, of which .63
    of the labels are kept, and .70 with 1.25 nats in Step I. CIFAR-10 in grey, the digits and faces
    hold 1.1 to 1.4 after 250 to 420 updates.
    """
    return 1.25 if of.of_samples and _measurable(of) else None


def _always(value: object) -> Callable[[Facts], Any]:
    return lambda _: value


RULES: Mapping[str, Callable[[Facts], Any]] = {
    "batch_size": _batch,
    "path.kind": lambda of: "adaptive" if of.waits else "ramp",
    "path.end": lambda of: of.realism,
    "path.ml": lambda of: _shares(of)[0],
    "path.transfer": lambda of: _shares(of)[1],
    "path.adversarial": lambda of: _shares(of)[2],
    "model.latent": _latent,
    "model.hidden": lambda of: (256,) if of.images else (256, 256) if of.rows else (128,) * 3,
    "model.width": lambda of: 64 if of.images and of.shape[1] > 32 else 32,
    "model.noise": _noise,
    "model.noise_course": lambda of: "measured" if _measurable(of) else "fixed",
    "model.noise_decay": _noise_decay,
    "model.noise_rate": _noise_rate,
    "objective.normalized": lambda of: of.of_data and not of.rows,
    "control.every": lambda of: min(20, max(1, of.steps // 100)),
    "optimization.generator": Facts.rate,
    "optimization.encoder": Facts.rate,
    "optimization.discriminator": Facts.rate,
    "optimization.beta2": lambda of: 0.99 if of.images or of.rows else 0.9,
    "optimization.discriminator_steps": lambda of: 1 if of.images or of.rows else 2,
    # of images .2 was enough while Adam held the generator back; then one of two runs on faces
    # ended at a distance of 28, and with 1 the same seed at 3.8 and, rounded otherwise, 6.9
    "regularizer.weight": lambda of: 0.1 if of.rows else 1.0,
    "regularizer.every": lambda of: 4 if of.images or of.rows else 1,
    **{key: _always(value) for key, value in DIALLED.items()},
}
"""From the facts to the value of each setting; later ones know batch and latent."""

OF_FACTS = frozenset(
    {
        "realism",
        "steps",
        "batch_size",
        "snapshots",
        "method",
        "objective.kind",
        "path.start",
        "path.sweeps",
        "model.latent",
    }
)
"""Settings that rules decide by; where one is given anew, what was decided is decided again."""


def dialled(config: Config, realism: float = REALISM) -> Config:
    """The configuration whose settings follow from the data and the dial, but for the data's own.

    Example:
        >>> dialled(Config(), 0.8).gamma.kind
        'realism'
    """
    return changed(config, {**DIALLED, "realism": realism, DECIDED: tuple(RULES)})


def decide(
    config: Config,
    shape: tuple[int, ...],
    count: int | None,
    spread: float = 1.0,
    processes: int = 1,
) -> Config:
    """The configuration with a value for each key that it leaves to be decided.

    Arguments as the attributes of :class:`Facts`.

    Raises:
        ValueError: A key that is left to be decided has no rule.
    """
    if not config.decided:
        return config
    facts = _facts(config, shape, count, spread, processes)
    if "batch_size" in config.decided:
        facts = replace(facts, batch=_batch(facts))
    if "model.latent" in config.decided:
        facts = replace(facts, latent=_latent(facts))
    keys = config.decided
    if unruled := [key for key in keys if key not in RULES]:
        raise ValueError(f"{DECIDED} names {unruled[0]}, for which there is no rule: leave it out")
    if not {*SHARES} <= {*keys}:  # which add up to 1: some are given, so the others are as they are
        keys = tuple(key for key in keys if key not in SHARES)
    values = {key: RULES[key](facts) for key in keys}
    return changed(config, values).model_copy(update={DECIDED: keys})


def _facts(
    config: Config, shape: tuple[int, ...], count: int | None, spread: float, processes: int
) -> Facts:
    realism = REALISM if config.realism is None else config.realism
    data = (shape, count, config.steps, spread, config.batch_size)
    of = config.objective
    samples = of.kind == "data" and config.init is None
    kind = of.one_sided, samples, _can_wait(config), config.rows is not None
    return Facts(realism, *data, *kind, config.model.latent, processes, config.method)


def left_again(config: Config) -> Config:
    """The configuration of a run as it began, whose decisions are made again.

    Of what was changed on its way, what had the value of its rule is decided too: whether it had
    been is not recorded.
    """
    start, given = unchanged(config), {change.key for change in config.changes}
    facts = _facts(start, start.event_shape or (), None, 1.0, 1)
    of_rules = {key for key in given & {*RULES} if RULES[key](facts) == value_of(start, key)}
    left = tuple(key for key in RULES if key in of_rules or key in config.decided)
    return start.model_copy(update={DECIDED: left, "event_shape": None})


def _can_wait(config: Config) -> bool:
    """Whether α goes once from 0 to its end, not at once and without snapshots, between the model
    and samples that are no rows of a table."""
    once = (config.path.start, config.path.sweeps, config.snapshots) == (0.0, 1, 0)
    once = once and bool(config.path.transfer or SHARES[1] in config.decided)
    rows = config.rows is not None or is_table(config.data)
    return config.objective.kind == "data" and once and not rows


def adapts(config: Config) -> bool:
    """Whether α waits for the model, also where that will be decided.

    Example:
        >>> adapts(Config()), adapts(dialled(Config())), adapts(dialled(Config(data="a.csv")))
        (False, True, False)
    """
    return _can_wait(config) if "path.kind" in config.decided else config.path.kind == "adaptive"


def end_of(config: Config) -> float:
    """α at the end of the path, also where the dial will decide it.

    Example:
        >>> end_of(Config()), end_of(dialled(Config(), 0.3))
        (1.0, 0.3)
    """
    if "path.end" not in config.decided:
        return config.path.end
    return REALISM if config.realism is None else config.realism


def described(config: Config) -> tuple[str, ...]:
    """What was decided and has an effect, in a line; none where nothing was."""
    keys = [key for key in config.decided if key not in _unread(config)]
    values = ", ".join(_option(key, value_of(config, key)) for key in keys)
    return (f"decided, where you give nothing else: {values}",) if values else ()


def _unread(config: Config) -> set[str]:
    """Keys of rules that these data, or this path, have no use for."""
    images = config.event_shape is None or len(config.event_shape) == 3
    unread = {
        "model.width": not images,
        "model.hidden": config.any_size,
        "control.every": config.path.kind != "adaptive",
        "optimization.encoder": config.freeze == "encoder",
        "model.noise": config.rows is not None,  # each number has a σ of its own
        "model.noise_course": config.rows is not None,
        "model.noise_decay": config.model.noise_course != "measured",
        "model.noise_rate": config.model.noise_course != "measured",
    }
    return {key for key, idle in unread.items() if idle}


def _option(key: str, value: object) -> str:
    """A value of a key as the command line takes it."""
    part, dot, last = key.replace("_", "-").rpartition(".")
    if isinstance(value, bool):
        return f"--{part}{dot}{'' if value else 'no-'}{last}"
    return f"--{part}{dot}{last} {_text(value)}"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
