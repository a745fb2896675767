"""The definition of every metric: its label, its direction, and the name that states its protocol.

A name is ``metric/protocol/samples``::

    modes/3std/10000                                           of 10,000 samples
    frechet_distance/classifier-mnist-seed0-acc99/5000-train   of 5000, to as many training samples
    frechet_distance/pixels/64-train-1438                      of 64, to 1438 training samples
    log_likelihood/kde-0.1/10000-held-out                      of 10,000 held-out, under as many

The protocol of a classifier is the last part of its data's name, its seed, and its accuracy on
held-out samples, in whole percent. Older names, without the data that samples are compared with,
can be read. Records hold losses and diagnostics as well, under keys such as ``loss/generator``,
``ess/forward``, ``twins/cosine`` and ``sigma``.
"""

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple, cast

from ..checks import at_least, between_zero_and_one
from ..errors import printable

Split = Literal["train", "held-out"]
"""Which part of the data samples are compared with."""

SAMPLES = re.compile(r"([1-9][0-9]*)(?:-(train|held-out)(?:-([1-9][0-9]*))?)?")


class Metric(NamedTuple):
    """A metric, whatever its protocol.

    Attributes:
        label: Its name in a text.
        better: Which direction is better, or at which value it is best.
        good: From where on a value is good whatever the data are; None where that depends on them.
    """

    label: str
    better: Literal["higher", "lower"] | float
    good: float | None = None

    @property
    def direction(self) -> str:
        """Which values are better, in a word or two."""
        return self.better if isinstance(self.better, str) else f"near {self.better:g}"

    def score(self, value: float) -> float:
        """How good a value is: higher is better.

        Example:
            >>> METRICS["frechet_distance"].score(2.5), METRICS["c2st"].score(0.75)
            (-2.5, -0.25)
        """
        if isinstance(self.better, str):
            return value if self.better == "higher" else -value
        return -abs(value - self.better)

    def improved(self, before: float, after: float) -> bool:
        """Whether ``after`` is better than ``before``."""
        return self.score(after) > self.score(before)

    def is_good(self, value: float) -> bool:
        """Whether a value is good by itself, and not only better than another.

        Example:
            >>> METRICS["high_quality"].is_good(0.9), METRICS["frechet_distance"].is_good(0.0)
            (True, False)
        """
        return self.good is not None and not self.improved(value, self.good)


METRICS: dict[str, Metric] = {
    "frechet_distance": Metric("Fréchet distance", "lower"),
    "kernel_distance": Metric("Kernel distance", "lower"),
    "inception_score": Metric("Inception score", "higher"),
    "log_likelihood": Metric("Log-likelihood", "higher"),
    "modes": Metric("Modes", "higher"),
    # fresh samples of the data have .989, 0 and .001
    "high_quality": Metric("High quality", "higher", good=0.75),
    "missed_mass": Metric("Missed mass", "lower", good=0.05),
    "invented_mass": Metric("Invented mass", "lower", good=0.25),
    "reconstruction_error": Metric("Reconstruction error", "lower"),
    "reconstruction_distance": Metric("Fréchet distance of reconstructions", "lower"),
    "psnr": Metric("PSNR of reconstructions", "higher"),
    "ssim": Metric("SSIM of reconstructions", "higher"),
    "sharpness": Metric("Sharpness of reconstructions", "higher"),
    "marginals": Metric("Marginals of columns", "higher"),
    "associations": Metric("Associations of pairs", "higher"),
    "rare_categories": Metric("Rare categories", "higher", good=0.95),
    "c2st": Metric("Classifier two-sample test", 0.5),
    "closest_records": Metric("Closest records", 0.5),
    "tstr": Metric("Train on synthetic, test on real", "higher"),
    "trtr": Metric("Train on real, test on real", "higher"),
    "imputation_error": Metric("Imputation error", "lower"),
    "kl": Metric("KL divergence from the data", "lower"),
    "total_variation": Metric("Total variation", "lower"),
    "retention": Metric("Retention", "higher", good=0.75),
    "ess": Metric("Effective sample size", "higher"),
}
"""The metrics, in the order in which they are shown."""

DIAGNOSTICS = {
    "sigma": "Decoder noise σ",
    "ess": METRICS["ess"].label,
    "control": "Adaptive path",
    "twins": "Twin gradients",
}
"""Labels of what explains why a bridge succeeds or fails."""


class MetricName(NamedTuple):
    """The parts of a name."""

    metric: str
    protocol: str
    samples: int
    split: Split | None = None
    reals: int | None = None

    def __str__(self) -> str:
        compared = (part for part in (self.samples, self.split, self.reals) if part is not None)
        return f"{self.metric}/{self.protocol}/{'-'.join(map(str, compared))}"


def name(
    metric: str, protocol: str, samples: int, split: Split | None = None, reals: int | None = None
) -> str:
    """Name of a metric, a key of :data:`METRICS`, under its protocol, a text without a slash.

    It is computed from ``samples``, and compared with as many of a part of the data, or ``reals``.

    Raises:
        ValueError: There is no such metric, or an argument is out of its range.

    Example:
        >>> name("frechet_distance", "pixels", 64, "train", 1438)
        'frechet_distance/pixels/64-train-1438'
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    if not protocol or "/" in protocol:
        raise ValueError(f"protocol must be a word without a slash, got {protocol!r}")
    at_least(1, "samples", samples)
    if reals is not None:
        at_least(1, "reals", reals)
    return str(MetricName(metric, protocol, samples, split, None if reals == samples else reals))


def parse(text: str) -> MetricName:
    """Take a name apart.

    Raises:
        ValueError: ``text`` is not the name of a metric.

    Example:
        >>> parse("modes/3std/10000")
        MetricName(metric='modes', protocol='3std', samples=10000, split=None, reals=None)
    """
    metric, _, rest = text.partition("/")
    protocol, _, numbers = rest.partition("/")
    found = SAMPLES.fullmatch(numbers)
    if metric not in METRICS or not protocol or found is None:
        raise ValueError(
            f"a metric's name is metric/protocol/samples, such as modes/3std/10000, got {text!r}"
        )
    samples, split, reals = found.groups()
    split = cast(Split | None, split)
    return MetricName(metric, protocol, int(samples), split, int(reals) if reals else None)


def classifier_protocol(kind: str, data: str, seed: int, accuracy: float) -> str:
    """Protocol of features of a classifier of a ``kind``, such as ``classifier`` or ``rotations``.

    Of data that are a path the last name counts. The accuracy is on held-out samples, in [0, 1].

    Example:
        >>> classifier_protocol("classifier", "~/data/mnist", seed=0, accuracy=0.987)
        'classifier-mnist-seed0-acc99'
    """
    between_zero_and_one("accuracy", accuracy)
    trained_on = re.sub(r"[^\w.]+", "-", Path(data).absolute().name).strip("-") or "data"
    return f"{kind}-{trained_on}-seed{seed}-acc{100 * accuracy:.0f}"


def is_metric(key: str) -> bool:
    """Whether a key of a record is the name of a metric; losses and diagnostics are none.

    Metrics that this version does not know, of runs of another one, are metrics too.

    Example:
        >>> [*map(is_metric, ("modes/3std/10000", "ess/forward", "loss/encoder", "step"))]
        [True, False, False, False]
    """
    return "/" in key and not key.startswith("loss/") and not is_diagnostic(key)


def metrics_of(record: Mapping[str, float | None]) -> dict[str, float]:
    """Metrics of a record, without its losses and diagnostics; NaN for one that is null."""
    return {
        name: math.nan if value is None else value
        for name, value in record.items()
        if is_metric(name)
    }


def require_measured(setting: str, beginning: str, names: Iterable[str] = ()) -> None:
    """Refuse what is not the beginning of a metric's name.

    Args:
        setting: Where it was given.
        beginning: Of a name, its metric at least.
        names: Those that a run has, where they are known.

    Raises:
        ValueError: It is not; one line with the names that there are.

    Example:
        >>> require_measured("best", "mode")
        Traceback (most recent call last):
            ...
        ValueError: best must be the name of a metric, or how it begins: frechet_distance, ...
    """
    known = [metric for metric in METRICS if not is_diagnostic(metric)]
    names = [*names]
    if beginning.split("/")[0] not in known:
        raise ValueError(
            f"{setting} must be the name of a metric, or how it begins: {', '.join(known)}; got "
            f"{printable(beginning)!r}"
        )
    # retention is measured after Step I
    if names and not any(name.startswith(beginning) for name in (*names, "retention/")):
        raise ValueError(
            f"{setting} must be what this run measures, or how it begins: {', '.join(names)}; got "
            f"{printable(beginning)!r}"
        )


def is_diagnostic(key: str) -> bool:
    """Whether a key of a record is that of a diagnostic, such as ``twins/cosine``."""
    return key.split("/")[0] in DIAGNOSTICS


def definition(key: str) -> Metric | None:
    """The metric that a key of a record names; None for one that this version does not know."""
    return METRICS.get(key.split("/")[0])


def title(key: str) -> list[str]:
    """The label of a key of a record, and the parts of its protocol.

    Example:
        >>> title("frechet_distance/pixels/64"), title("twins/norm_ratio")
        (['Fréchet distance', 'pixels', '64'], ['Twin gradients', 'norm ratio'])
    """
    first, *protocol = printable(key).split("/")
    if first in DIAGNOSTICS:  # our own names, where a metric's may be those of columns
        protocol = [part.replace("_", " ") for part in protocol]
    known = DIAGNOSTICS | {metric: found.label for metric, found in METRICS.items()}
    other = first.replace("_", " ")
    return [known.get(first, other[:1].upper() + other[1:]), *protocol]


def label(key: str) -> str:
    """The label of a key of a record, with its protocol in brackets.

    Example:
        >>> label("frechet_distance/classifier/5000")
        'Fréchet distance (classifier, 5000)'
    """
    first, *protocol = title(key)
    return f"{first} ({', '.join(protocol)})" if protocol else first


def formatted(value: float, figures: int = 4) -> str:
    """A value with so many significant figures, and no exponent where it is large.

    Example:
        >>> formatted(-2.80004), formatted(12345.6)
        ('-2.8', '12,346')
    """
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.{figures}g}"


def with_deviation(mean: float, deviation: float | None) -> str:
    """A mean, and the deviation around it if there is one.

    Example:
        >>> with_deviation(2.5, 0.123), with_deviation(2.5, None)
        ('2.5 ± 0.12', '2.5')
    """
    return formatted(mean) + ("" if deviation is None else f" ± {formatted(deviation, 2)}")
