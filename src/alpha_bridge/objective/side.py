r"""One divergence between a network's distribution and another, as an update meets it.

With y the samples of the one that is to be met, y' those of the network, f the log ratio of both
and c a code from which the network makes y again, the network's loss is that of equation (16),

.. math:: -\kappa_\alpha w(f(y)) \log p(y|c) + \gamma_\alpha a(f(y'))

for the κ, w, γ and a of a game. Nothing here knows which network it is: for the generator y is
data and c its encoding; for the encoder y is a latent and c the sample made of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from ..adversarial import Game
from ..gamma import Gamma

__all__ = ["Side"]


@dataclass(frozen=True)
class Side:
    """What a network's half of an objective is made of.

    Attributes:
        f_real: f(y), shape ``(*trials, batch)``; used as a constant.
        f_fake: f(y'), the same shape, with the graph to the network.
        log_likelihood: Gives log p(y|c) in nats, the same shape, with the graph to the network. It
            takes a pass through the network, and is asked for only where κ is not zero.
    """

    f_real: Tensor
    f_fake: Tensor
    log_likelihood: Callable[[], Tensor]

    def loss(self, game: Game, alpha: float, gamma: Gamma) -> Tensor:
        """The network's loss of each sample, shape ``(*trials, batch)``.

        Args:
            game: What it plays for.
            alpha: α in [0, 1].
            gamma: The choice of γ.
        """
        kappa, share = game.shares(alpha, gamma)
        adversarial = share * self._reverse(game, alpha)
        return adversarial + kappa * self._forward(game, alpha) if kappa else adversarial

    def twins(self, game: Game, alpha: float) -> tuple[Tensor, Tensor]:
        """Both halves of the loss without their shares κ and γ, each ``(*trials, batch)``."""
        return self._forward(game, alpha), self._reverse(game, alpha)

    def _forward(self, game: Game, alpha: float) -> Tensor:
        return -game.likelihood_weight(self.f_real, alpha) * self.log_likelihood()

    def _reverse(self, game: Game, alpha: float) -> Tensor:
        return game.adversarial(self.f_fake, alpha)

    def diagnostics(self, game: Game, alpha: float) -> Mapping[str, Tensor]:
        """Numbers of the game to log, by name, each ``(*trials,)``."""
        weight = game.likelihood_weight(self.f_real, alpha)
        return game.diagnostics(weight, self.f_fake, alpha)
