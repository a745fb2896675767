r"""The bridge of rows of a table, whose categories cannot be reparameterised."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model import AlphaBridge
from ..settings import ObjectiveConfig
from .base import Noise
from .data import DataBridge, Passes, discriminator_outputs

__all__ = ["RowBridge"]


@dataclass(frozen=True)
class RowBridge(DataBridge):
    r"""What :class:`DataBridge` follows, for the paper's more general :math:`p_\theta(x)`.

    The likelihood is that of the columns, :class:`~alpha_bridge.observation.RowFamily`. The
    reverse twin is any gradient of :math:`E_{p_\theta}[w]` with w constant (section 3.2): numbers
    have it by reparameterisation, and categories by the GO gradient, for which the discriminator
    looks at every alternative of every column; or, with a temperature, by straight-through
    Gumbel-softmax, which is biased and asks nothing more of the discriminator. The generator is a
    :class:`~alpha_bridge.networks.RowGenerator`, or any module with ``rows`` that gives their
    parameters.

    Attributes:
        alternatives: At most so many of them for each generated row, likely ones most, and
            unbiased; None for all. A row of Adult has 118: with four of them the gradient's noise
            is 2.0 times that with all, and with four that are chosen evenly 5.2 times.
        temperature: Of the softmax; None for the GO gradient.

    Source:
        Cong et al., GO Gradient for Expectation-Based Objectives, ICLR 2019.
    """

    alternatives: int | None = ObjectiveConfig.alternatives
    temperature: float | None = ObjectiveConfig.temperature

    def fakes(self, model: AlphaBridge, x: Tensor, noise: Noise) -> Tensor:  # noqa: ARG002
        return model.draw(noise.prior, noise.columns).x

    def _pass(
        self, model: AlphaBridge, x: Tensor, noise: Noise, penalized: bool, reverse: bool
    ) -> Passes:
        with torch.set_grad_enabled(torch.is_grad_enabled() and reverse):
            drawn = model.draw(noise.prior, noise.columns)
            of = self.temperature
            fake = drawn.x if of is None or not reverse else drawn.straight_through(of)
        outputs = discriminator_outputs(model, x, fake, noise, penalized)
        z, kl = self._encode(model, x, noise.posterior)
        return Passes(outputs, kl, z, model.generator(z).to(z.dtype), drawn)

    def _log_likelihood(self, model: AlphaBridge, x: Tensor, decoded: Tensor) -> Tensor:
        assert model.rows is not None
        return model.rows.log_likelihood(x, decoded)

    def _of_categories(self, model: AlphaBridge, passes: Passes, alpha: float) -> Tensor | float:
        if self.temperature is not None:
            return 0.0
        assert passes.drawn is not None
        return passes.drawn.surrogate(lambda x: self._reverse(model, x, alpha), self.alternatives)

    def _reverse(self, model: AlphaBridge, x: Tensor, alpha: float) -> Tensor:
        """The reverse half of rows ``(alternatives, *trials, batch, D)``, asked for at once."""
        rows = x.movedim(0, -3)
        logits = model.logits(rows.flatten(-3, -2)).unflatten(-1, rows.shape[-3:-1])
        return self.adversarial.reverse(logits.movedim(-2, 0), alpha)
