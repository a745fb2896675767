r"""The gradients of an update in closed form, where all networks are of leaky rectifiers.

They are those of :class:`~alpha_bridge.objective.DataBridge`, but networks leave no graph: autograd
goes from the losses of each sample back to its logits and its :math:`\log \tilde p_\theta(x|z)`,
and no further. Data and fakes go through the discriminator together, as latents of the prior and of
data go through the generator, and one pass back through each serves all losses:

- the discriminator's begins with slope 1 at each logit. β weighs samples by the slope of its loss,
  R1 takes the slope at the data, and θ that at the fakes, times the slope of its own loss;
- the generator's begins with θ's slope at the fakes and with φ's at the reconstructions. θ weighs
  the latter by :math:`\kappa_\alpha e^{-\alpha f}`, and φ goes on to the encoder from there.

Nothing is divided, so that this is exact at every logit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..gamma import Gamma
from ..gaussian import kl_to_prior, log_likelihood, reparameterize
from ..model import AlphaBridge
from ..networks.rectifiers import ForwardPass, Layers, layers_of, part
from ..objective import DataBridge, Losses, Noise, Objective
from ..objective.backward import slopes
from ..objective.data import Numbers
from ..observation import WHOLE
from ..penalty import R1, Regularizer

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class ClosedForm:
    """The losses of an update, whose gradients are left with the parameters."""

    model: AlphaBridge
    objective: DataBridge
    regularizer: Regularizer
    generator: Layers
    encoder: Layers
    discriminator: Layers

    @classmethod
    def of(
        cls,
        model: AlphaBridge,
        objective: Objective,
        regularizer: Regularizer,
        accelerator: Accelerator,
    ) -> ClosedForm | None:
        """That of an update; None where there is none, or each loss is to have its own passes."""
        if not (
            type(model) is AlphaBridge
            and type(objective) is DataBridge
            and objective.one_backward
            and objective.features is None
            and type(regularizer) in (Regularizer, R1)
            and model.scope is WHOLE
            and not model.log_sigma.requires_grad
            and accelerator.mixed_precision == "no"
            and accelerator.num_processes == 1
        ):
            return None
        networks = model.generator, model.encoder, model.discriminator
        found = [layers for network in networks if (layers := layers_of(network))]
        parameters = [p for layers in found for layer in layers for p in (layer.weight, layer.bias)]
        if len(found) < len(networks) or len(set(map(id, parameters))) < len(parameters):
            return None  # a network of another kind, or a parameter of two
        return cls(model, objective, regularizer, *found)

    @torch.no_grad()
    def __call__(
        self, x: Tensor, noise: Noise, alpha: float, gamma: Gamma, penalized: bool
    ) -> Losses:
        """Make all gradients; arguments as of :meth:`~alpha_bridge.objective.Objective.losses`.

        Returns:
            Values and diagnostics, and nothing to go back from.
        """
        model, objective, count = self.model, self.objective, x.shape[-2]
        data, variance = x.mT, model.sigma.unsqueeze(-1).square()
        encoded = ForwardPass.of(self.encoder, data)
        mean, log_variance = encoded.outputs.chunk(2, -2)
        z = reparameterize(mean, log_variance, noise.posterior.mT)
        decoded = ForwardPass.of(self.generator, torch.cat([noise.prior.mT, z], -1))
        fakes, reconstructions = decoded.outputs.split(count, -1)
        scored = ForwardPass.of(self.discriminator, torch.cat([data, fakes], -1))

        f_data, f_model = map(_end, scored.outputs.squeeze(-2).split(count, -1))
        log_p = _end(log_likelihood(x, reconstructions.mT, model.sigma))
        numbers = Numbers(f_data, f_model, log_p, kl_to_prior(mean.mT, log_variance.mT))
        with torch.enable_grad():
            terms = objective.terms(model, x, numbers, alpha, gamma)
            of_beta = slopes(terms.values["discriminator"], f_data, f_model)
            of_fakes, of_log_p = slopes(terms.of_theta, f_model, log_p)

        at_logits = scored.back(torch.ones_like(scored.outputs))
        at_logits.leave(_weights(*of_beta) / count)
        at_data, at_fakes = at_logits.at_input().split(count, -1)
        if penalized and isinstance(self.regularizer, R1):
            at_logits.part(0, count).add_penalty(self.regularizer.slope(at_data) / count)

        forward, reverse = objective.adversarial.halves(alpha)
        begin = 0 if reverse else count
        at_samples = torch.cat(
            [_weights(of_fakes) * at_fakes, (reconstructions - data) / variance], -1
        )
        at_decoded = decoded.part(begin, 2 * count).back(part(at_samples, begin, 2 * count) / count)
        if forward:
            at_decoded.leave(part(_weights(torch.ones_like(of_log_p), -of_log_p), begin, 2 * count))
        else:
            at_decoded.part(0, count).leave()

        at_z = part(at_decoded.at_input(), count - begin, 2 * count - begin)
        share = objective.kl_weight / count
        at_log_variance = (at_z * (z - mean) + share * log_variance.expm1()) / 2
        encoded.back(torch.cat([at_z + share * mean, at_log_variance], -2)).leave()
        return Losses({}, (), terms.values, objective.diagnostics(model, x, numbers, log_p, alpha))


def _end(number: Tensor) -> Tensor:
    """A number of each sample at which the graph of the losses ends."""
    return number.detach().requires_grad_()


def _weights(*of_samples: Tensor) -> Tensor:
    """Numbers of samples ``(*trials, batch)`` as weights of columns, ``(*trials, 1, batch)``."""
    return torch.cat(of_samples, -1).unsqueeze(-2)
