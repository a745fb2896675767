"""The slot that an objective fills."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ..gamma import Gamma
from ..model import AlphaBridge, NetworkName
from ..penalty import DiscriminatorOutputs


@dataclass(frozen=True)
class Noise:
    """Independent draws of one update.

    Attributes:
        prior: Latents of the generated samples, standard normal or samples of a second domain,
            shape ``(*trials, batch, *latent_shape)``.
        posterior: ε of the encoder's draws, standard normal, the same shape.
        penalty: Uniform draws in [0, 1) for the discriminator's regulariser, shape
            ``(*trials, batch)``; None for one that needs none.
        columns: Uniform draws in [0, 1) for the columns of generated rows, shape
            ``(batch, columns)``; None where samples are no rows of a table.
    """

    prior: Tensor
    posterior: Tensor
    penalty: Tensor | None = None
    columns: Tensor | None = None


@dataclass(frozen=True)
class Losses:
    """Losses of one update.

    Attributes:
        of_networks: The networks that a backward pass serves, and the sum of each sample that it
            starts from, ``(*trials, batch)``. It gives each of them the gradient of its own loss,
            and the parameters of no other network take one.
        outputs: Of each discriminator: where its regulariser applies, to
            :meth:`~alpha_bridge.penalty.DiscriminatorOutputs.detached`.
        values: Each network's own loss of each sample, ``(*trials, batch)``, to log.
        diagnostics: Numbers to log, without a graph, each ``(*trials,)``.
    """

    of_networks: Mapping[tuple[NetworkName, ...], Tensor]
    outputs: tuple[DiscriminatorOutputs, ...]
    values: Mapping[NetworkName, Tensor] = field(default_factory=dict)
    diagnostics: Mapping[str, Tensor] = field(default_factory=dict)


class Objective(ABC):
    """A divergence between model and data, and the losses that follow its gradient at α."""

    @abstractmethod
    def losses(
        self,
        model: AlphaBridge,
        x: Tensor,
        noise: Noise,
        alpha: float,
        gamma: Gamma,
        penalized: bool = False,
    ) -> Losses:
        """Losses of one update, all of them at the parameters before it.

        Args:
            model: The networks.
            x: Data samples, shape ``(*trials, batch, *event)``.
            noise: The update's random draws.
            alpha: α in [0, 1].
            gamma: The choice of γ.
            penalized: Whether the discriminator's regulariser needs gradients to ``x``.
        """

    @abstractmethod
    def discrimination(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool = False
    ) -> Losses:
        """Losses of the discriminators alone, for an update in which only they take a step."""

    def fakes(self, model: AlphaBridge, x: Tensor, noise: Noise) -> Tensor:  # noqa: ARG002
        """Samples of the model, the shape of ``x``: of the prior, unless a subclass says other."""
        return model.decode(noise.prior)

    @abstractmethod
    def twins(
        self, model: AlphaBridge, x: Tensor, noise: Noise, alpha: float
    ) -> tuple[Tensor, Tensor]:
        """Both halves of θ's loss without the shares κ and γ, each ``(*trials, batch)``.

        The first is the forward twin times 1 − α, so that it is finite at α = 1.
        """
