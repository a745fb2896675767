"""Names of metrics, each of which states the protocol: ``metric/protocol/samples``."""

from typing import Literal, NamedTuple

from ..checks import at_least

__all__ = ["METRICS", "Metric", "MetricName", "is_metric", "name", "parse"]


class Metric(NamedTuple):
    """What people are told of a metric.

    Attributes:
        label: Its name for people.
        better: Which direction is better.
    """

    label: str
    better: Literal["higher", "lower"]


class MetricName(NamedTuple):
    """The three parts of a name.

    Attributes:
        metric: A key of :data:`METRICS`.
        protocol: The features or the settings that the number depends on.
        samples: How many samples it was computed from.
    """

    metric: str
    protocol: str
    samples: int

    def __str__(self) -> str:
        return f"{self.metric}/{self.protocol}/{self.samples}"


METRICS: dict[str, Metric] = {
    "frechet_distance": Metric("Fréchet distance", "lower"),
    "kernel_distance": Metric("Kernel distance", "lower"),
    "inception_score": Metric("Inception score", "higher"),
    "log_likelihood": Metric("Log-likelihood", "higher"),
    "modes": Metric("Modes", "higher"),
    "high_quality": Metric("High quality", "higher"),
    "missed_mass": Metric("Missed mass", "lower"),
    "invented_mass": Metric("Invented mass", "lower"),
    "reconstruction_error": Metric("Reconstruction error", "lower"),
    "retention": Metric("Retention", "higher"),
    "ess": Metric("Effective sample size", "higher"),
}
"""The metrics, in the order in which they are shown."""


def is_metric(key: str) -> bool:
    """Whether a key of a record names a metric under its protocol, and not a loss or the like.

    Example:
        >>> is_metric("modes/3std/10000"), is_metric("ess/forward")
        (True, False)
    """
    return key.split("/")[0] in METRICS and key.count("/") == 2


def name(metric: str, protocol: str, samples: int) -> str:
    """Name of a metric under its protocol.

    Args:
        metric: A key of :data:`METRICS`.
        protocol: The features or the settings that the number depends on, without a slash.
        samples: How many samples it is computed from, one or more.

    Returns:
        ``metric/protocol/samples``.

    Raises:
        ValueError: There is no such metric, or the protocol is empty or has a slash, or there are
            no samples.

    Example:
        >>> name("frechet_distance", "classifier", 5000)
        'frechet_distance/classifier/5000'
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    if not protocol or "/" in protocol:
        raise ValueError(f"protocol must be a word without a slash, got {protocol!r}")
    at_least(1, "samples", samples)
    return str(MetricName(metric, protocol, samples))


def parse(text: str) -> MetricName:
    """Take a name apart.

    Args:
        text: What :func:`name` returned.

    Returns:
        Its three parts.

    Raises:
        ValueError: ``text`` is not the name of a metric.

    Example:
        >>> parse("modes/3std/10000")
        MetricName(metric='modes', protocol='3std', samples=10000)
    """
    parts = text.split("/")
    if len(parts) != 3 or parts[0] not in METRICS or not parts[1] or not _is_number(parts[2]):
        raise ValueError(
            f"a metric's name is metric/protocol/samples, such as modes/3std/10000, got {text!r}"
        )
    return MetricName(parts[0], parts[1], int(parts[2]))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and text[0] != "0"
