"""The slot that an objective fills."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ..gamma import Gamma
from ..model import AlphaBridge, Player

__all__ = ["Losses", "Noise", "Objective"]


@dataclass(frozen=True)
class Noise:
    """Standard normal draws of one update, each ``(*trials, batch, *latent_shape)``.

    Attributes:
        prior: Latents of the generated samples.
        posterior: ε of the encoder's draws.
    """

    prior: Tensor
    posterior: Tensor


@dataclass(frozen=True)
class Losses:
    """What one update minimises.

    Attributes:
        of_players: The players that a loss trains, and the loss of each sample,
            ``(*trials, batch)``. A player's parameters take no gradient from another's loss.
        real: Inputs of a discriminator that came from the data, and their logits: where its
            regulariser applies.
        diagnostics: Numbers to log, without a graph, each ``(*trials,)``.
    """

    of_players: Mapping[tuple[Player, ...], Tensor]
    real: tuple[tuple[Tensor, Tensor], ...]
    diagnostics: Mapping[str, Tensor] = field(default_factory=dict)


class Objective(ABC):
    """A divergence between the two sides, and the losses that follow its gradient at α."""

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
            model: The players.
            x: Data samples, shape ``(*trials, batch, *event)``.
            noise: The update's random draws.
            alpha: α in [0, 1].
            gamma: The choice of γ.
            penalized: Whether the discriminator's regulariser needs gradients to ``x``.
        """

    @abstractmethod
    def twins(
        self, model: AlphaBridge, x: Tensor, noise: Noise, alpha: float
    ) -> tuple[Tensor, Tensor]:
        """The two halves of θ's loss by themselves, without κ and γ.

        Args:
            model: The players.
            x: Data samples, shape ``(*trials, batch, *event)``.
            noise: Random draws for them.
            alpha: α in [0, 1].

        Returns:
            Surrogates of each sample, ``(*trials, batch)``: the forward twin times 1 − α, and the
            reverse twin.
        """
