"""The paper's method and its baselines: each a row in a table, never another trainer.

A method takes a preset's shares of the three steps, says which of them it has and which adversarial
loss, and leaves the networks, the rates and all else as they are, so that methods compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..settings import REALISM
from . import DECIDED, Config, MethodName, changed, value_of

Shares = tuple[float, float, float]
SHARES = ("path.ml", "path.transfer", "path.adversarial")
SOME: Shares = 1 / 3, 1 / 3, 1 / 3
"""Shares of all steps, to ask a method which of them it has."""


@dataclass(frozen=True)
class Method:
    """What makes a method, and what goes with it.

    Attributes:
        name: As ``--method`` takes it.
        summary: What it is, in a line.
        shares: From a preset's shares of Steps I, II and III to the method's. It changes nothing
            in what it gives itself.
        defines: Keys without whose values it would be another method.
        suggests: Keys that it sets and that may be set otherwise.

    Example:
        >>> config = METHODS["js-gan"].apply(Config())
        >>> config.path.adversarial, config.objective.game
        (1.0, 'js')
    """

    name: MethodName
    summary: str
    shares: Callable[[float, float, float], Shares]
    defines: Mapping[str, Any] = field(default_factory=dict)
    suggests: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reconstructs(self) -> bool:
        """Whether it is one for autoencoders, whose discriminator sees reconstructions."""
        return self.defines.get("objective.kind") == "vqgan"

    @property
    def keys(self) -> frozenset[str]:
        """Keys that it gives, so that no rule decides them.

        Shares that depend on those of a preset depend likewise on those that are decided.
        """
        kind = () if self.name == "alpha-bridge" else ("path.kind",)
        fixed = self.shares(1.0, 0.0, 0.0) == self.shares(0.0, 0.0, 1.0)
        return frozenset((*self.defines, *self.suggests, *kind, *(SHARES if fixed else ())))

    def apply(self, config: Config) -> Config:
        """The configuration that trains this method where ``config`` trains the α-Bridge.

        A dial of which nothing follows here becomes the usual one, as a comparison's does.

        Raises:
            ValueError: ``config`` is one of another method.

        Example:
            >>> METHODS["naive"].apply(Config(decided=SHARES)).decided
            ('path.ml', 'path.transfer', 'path.adversarial')
        """
        if config.method == self.name:
            return config
        if config.method != "alpha-bridge":  # it has left out steps that this one may need
            raise ValueError(
                f"a configuration of the method {config.method} cannot be turned into one of "
                f"{self.name}: start from a preset or from a run of alpha-bridge"
            )
        given = {"method": self.name, **self._path(config), **self.defines, **self.suggests}
        left = tuple(key for key in config.decided if key not in self.keys)
        made = changed(config, given).model_copy(update={DECIDED: left})
        idle = made.realism is not None and undialled(made) is not None
        return made.model_copy(update={"realism": REALISM}) if idle else made

    def rest(self, given: Mapping[str, float]) -> dict[str, float]:
        """The other share, by key, of a path of two steps of which one is given.

        Example:
            >>> METHODS["naive"].rest({"path.ml": 0.5}), METHODS["ml"].rest({"path.ml": 0.5})
            ({'path.adversarial': 0.5}, {})
        """
        steps = [key for key, share in zip(SHARES, self.shares(1, 1, 1), strict=True) if share]
        others = [key for key in steps if key not in given]
        return {others[0]: 1 - sum(given.values())} if (len(steps), len(others)) == (2, 1) else {}

    def require(self, config: Config) -> None:
        """Refuse a value that makes ``config`` one of another method."""
        for key, value in {**self.defines, **self._path(config)}.items():
            found = value_of(config, key)
            if found != value:
                raise ValueError(
                    f"{key} is {value} in the method {self.name}, got {found}: leave it out, or "
                    "choose another --method"
                )

    def _path(self, config: Config) -> dict[str, Any]:
        path = config.path
        shares = self.shares(path.ml, path.transfer, path.adversarial)
        found: dict[str, Any] = dict(zip(SHARES, shares, strict=True))
        return found if self.name == "alpha-bridge" else found | {"path.kind": "ramp"}


def _at_once(ml: float, transfer: float, adversarial: float) -> Shares:
    """Step I, and then Step III without any way there."""
    return ml, 0.0, transfer + adversarial


_VQGAN = {"objective.kind": "vqgan", "path.start": 0.0, "path.end": 1.0}

_ROWS = (
    Method(
        "ml",
        "maximum likelihood by the evidence lower bound: the VAE (Kingma and Welling, 2014); the "
        "discriminator learns the ratio and trains nothing else",
        lambda *_: (1.0, 0.0, 0.0),
        {"objective.game": "bridge", "path.start": 0.0},
    ),
    Method(
        "rkl-gp",
        "the reverse-KL GAN with a gradient penalty; the paper cites that of Mescheder et al. "
        "(2018) and leaves the details to its missing appendix: R1 and its weight are ours",
        lambda *_: (0.0, 0.0, 1.0),
        {"objective.game": "bridge", "path.end": 1.0, "regularizer.kind": "r1"},
    ),
    Method(
        "rkl-sn",
        "the reverse-KL GAN with spectral normalisation (Miyato et al., 2018)",
        lambda *_: (0.0, 0.0, 1.0),
        {"objective.game": "bridge", "path.end": 1.0, "regularizer.kind": "spectral"},
    ),
    Method(
        "js-gan",
        "the non-saturating GAN of Goodfellow et al. (2014); the preset's regulariser is ours",
        lambda *_: (0.0, 0.0, 1.0),
        {"objective.game": "js", "path.end": 1.0},
    ),
    Method(
        "hinge-gan",
        "the GAN with the hinge loss (Lim and Ye, 2017; Miyato et al., 2018); the preset's "
        "regulariser is ours",
        lambda *_: (0.0, 0.0, 1.0),
        {"objective.game": "hinge", "path.end": 1.0},
    ),
    Method(
        "wgan-gp",
        "the Wasserstein GAN with the settings of Gulrajani et al. (2017), but for the learning "
        "rates, which stay the preset's",
        lambda *_: (0.0, 0.0, 1.0),
        {"objective.game": "wasserstein", "path.end": 1.0, "regularizer.kind": "gp"},
        {
            "regularizer.weight": 10.0,
            "regularizer.every": 1,
            "optimization.discriminator_steps": 5,
            "optimization.beta1": 0.0,
            "optimization.beta2": 0.9,
        },
    ),
    Method(
        "naive",
        "maximum likelihood, and then the reverse-KL GAN at once, which forgets (Figure 1)",
        _at_once,
        {"objective.game": "bridge", "path.start": 0.0, "path.end": 1.0},
    ),
    Method(
        "vaegan-sum",
        "a fixed sum of both losses, which the paper's introduction says does not work well",
        lambda *_: (0.0, 1.0, 0.0),
        {"objective.game": "sum", "path.start": 0.5, "path.end": 0.5},
        {"objective.weight": 1.0},
    ),
    Method(
        "ali",
        "adversarially learned inference (Dumoulin et al., 2017; Donahue et al., 2017): encoder "
        "and generator against one discriminator of pairs, in the form that does not saturate",
        lambda *_: (0.0, 0.0, 1.0),
        {"objective.kind": "joint", "objective.game": "js", "path.end": 1.0},
    ),
    Method(
        "cyclegan",
        "like CycleGAN (Zhu et al., 2017): reverse-KL losses in both domains and a squared cycle "
        "error, at fixed weights",
        lambda *_: (0.0, 1.0, 0.0),
        {
            "objective.kind": "marginal",
            "objective.game": "sum",
            "objective.full_cycle": True,
            "path.start": 0.5,
            "path.end": 0.5,
        },
        {"objective.weight": 1.0},
    ),
    Method(
        "vqgan-adaptive",
        "what autoencoders of latent diffusion are trained by (Esser et al., 2021; Rombach et al., "
        "2022): L1, KL and a hinge loss on reconstructions, weighed by the norms of gradients",
        _at_once,
        {**_VQGAN, "objective.adaptive": True},
        {"objective.weight": 0.5},
    ),
    Method(
        "vqgan-fixed",
        "the same with a fixed weight",
        _at_once,
        {**_VQGAN, "objective.adaptive": False},
        {"objective.weight": 0.1},
    ),
    Method(
        "hinge-bridge",
        "the path of the α-Bridge with a discriminator that has the hinge loss, and so estimates "
        "no ratio; for reconstructions that must be sharp",
        lambda *shares: shares,
        {"objective.game": "hinge"},
    ),
    Method(
        "alpha-bridge",
        "from maximum likelihood to the reverse-KL GAN along the α-divergence (Algorithm 1)",
        lambda *shares: shares,
        {"objective.game": "bridge"},
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _ROWS}
"""The methods by name."""

NO_RATIO = {"hinge": "its sign", "wasserstein": "a potential of Wasserstein's distance"}
"""Adversarial losses whose discriminator estimates no log ratio, and what it gives."""


def undialled(config: Config) -> str | None:
    """Where ``config`` leaves the dial no effect, as it goes by neither γ nor the end of its path;
    None where it has one.

    Example:
        >>> [undialled(METHODS[name].apply(Config())) for name in ("ml", "alpha-bridge")]
        ['α stays at 0', None]
    """
    path, decided = config.path, config.decided
    if config.objective.kind == "vqgan":
        return "the adversarial loss has a weight, --objective.weight"
    if config.objective.game == "sum":
        return "the likelihood has a weight, --objective.weight"
    if (path.ml, path.start) == (1.0, 0.0):
        return "α stays at 0"
    moves = METHODS[config.method].shares(*SOME)[1] if SHARES[1] in decided else path.transfer
    if moves or "path.end" in decided or {path.start, path.end} - {0.0, 1.0}:
        return None
    return "α is 1, or first 0 and then 1"


def given_for_ratio(config: Config) -> str | None:
    """What the discriminator gives in place of a log ratio; None where it gives one."""
    return NO_RATIO.get(config.objective.game)
