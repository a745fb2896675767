r"""Backpropagation of an update, written out for fully connected networks.

The gradients are those of :class:`~alpha_bridge.objective.DataBridge`, but the networks leave no
graph: that of the losses ends at the logits and the :math:`\log \tilde p_\theta(x|z)` of each
sample, and the bridge needs none, as its slopes there are the weights of (15) and (16). Data and
fakes go through the discriminator together, as latents of the prior and of data go through the
generator, and one pass back through each network serves all losses:

- the discriminator's begins with the gradient 1 at each logit. β weighs samples by the slope of its
  loss; R1 takes what arrives at the data, and θ what arrives at the fakes, times its own slope;
- the generator's begins with θ's gradient at the fakes and φ's at the reconstructions. θ weighs the
  latter by :math:`\kappa_\alpha e^{-\alpha f}`, and φ goes on to the encoder from there.

No slope is divided by another, so that this is exact at every logit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.modules.module import _has_any_global_hook

from ..adversarial import Bridge
from ..gamma import Gamma
from ..gaussian import kl_to_prior, log_likelihood
from ..model import AlphaBridge
from ..networks.rectifiers import ForwardPass, Layers, layers_of
from ..objective import DataBridge, Losses, Noise, Objective
from ..objective.backward import slopes
from ..objective.data import Numbers, Terms
from ..observation import WHOLE
from ..penalty import R1, Regularizer
from ..ratio import discriminator_slopes

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Backpropagation:
    """The losses of an update, whose gradients it gives to the parameters.

    Attributes:
        networks: Layers of the generator, the encoder and the discriminator.
    """

    model: AlphaBridge
    objective: DataBridge
    regularizer: Regularizer
    networks: tuple[Layers, Layers, Layers]

    @classmethod
    def of(
        cls,
        model: AlphaBridge,
        objective: Objective,
        regularizer: Regularizer,
        accelerator: Accelerator,
    ) -> Backpropagation | None:
        """That of an update; None where autograd is needed, or each loss is to have its passes.

        Whatever might look at a pass of autograd, or change it, is left to autograd.
        """
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
            and not torch.is_autocast_enabled(model.log_sigma.device.type)
            and not torch.is_inference_mode_enabled()
            and not _has_any_global_hook()
        ):
            return None
        networks = model.generator, model.encoder, model.discriminator
        found = [layers for network in networks if (layers := layers_of(network))]
        parameters = [*chain.from_iterable(chain.from_iterable(found))]
        dtypes = {p.dtype for p in (*parameters, model.log_sigma)}
        if len(found) < 3 or len({*map(id, parameters)}) < len(parameters) or len(dtypes) > 1:
            return None  # a network of another kind, a parameter that two have, two precisions
        generator, encoder, discriminator = found
        return cls(model, objective, regularizer, (generator, encoder, discriminator))

    @torch.no_grad()
    def __call__(
        self, x: Tensor, noise: Noise, alpha: float, gamma: Gamma, penalized: bool
    ) -> Losses:
        """Make all gradients; arguments as of :meth:`~alpha_bridge.objective.Objective.losses`.

        Returns:
            Values and diagnostics, and no losses to go back from.
        """
        model, objective, count = self.model, self.objective, x.shape[-2]
        generator, encoder, discriminator = self.networks
        data, encoded = x.mT, ForwardPass.of(encoder, x.mT)
        mean, log_variance = encoded.outputs.chunk(2, -2)
        spread = (log_variance / 2).exp() * noise.posterior.mT
        decoded = ForwardPass.of(generator, torch.cat([noise.prior.mT, mean + spread], -1))
        fakes, reconstructions = decoded.outputs.split(count, -1)
        scored = ForwardPass.of(discriminator, torch.cat([data, fakes], -1))

        f_data, f_model = scored.outputs.squeeze(-2).split(count, -1)
        log_p = log_likelihood(x, reconstructions.mT, model.sigma)
        numbers = Numbers(f_data, f_model, log_p, kl_to_prior(mean.mT, log_variance.mT))
        terms, of_log_p, of_fakes, of_beta = self._slopes(x, numbers, alpha, gamma)

        at_fakes = self._discriminate(scored, torch.cat(of_beta, -1), penalized)
        at_reconstructions = (reconstructions - data) / model.sigma.unsqueeze(-1).square()
        at_outputs = torch.cat([_row(of_fakes) * at_fakes, at_reconstructions], -1) / count
        at_z = self._generate(decoded, at_outputs, -of_log_p, *objective.adversarial.halves(alpha))
        share = objective.kl_weight / count
        at_log_variance = (at_z * spread + share * log_variance.expm1()) / 2
        encoded.back(torch.cat([at_z + share * mean, at_log_variance], -2)).set_gradients()
        return Losses({}, (), terms.values, objective.diagnostics(model, x, numbers, log_p, alpha))

    def _slopes(
        self, x: Tensor, numbers: Numbers, alpha: float, gamma: Gamma
    ) -> tuple[Terms, Tensor, Tensor, tuple[Tensor, ...]]:
        """The losses; θ's slopes in log p and in logits of fakes; β's in both logits.

        Those of the bridge are its weights, those of other adversarial losses are by autograd.
        """
        model, objective = self.model, self.objective
        f_data, f_model = numbers.f_data, numbers.f_model
        if type(objective.adversarial) is Bridge:
            terms = objective.terms(model, x, numbers, alpha, gamma)
            of_theta = objective.adversarial.slopes(f_data, f_model, alpha, gamma)
            of_log_p, of_fakes = (slope / terms.scale for slope in of_theta)
            return terms, of_log_p, of_fakes, discriminator_slopes(f_data, f_model)
        ends = Numbers(*(number.detach().requires_grad_() for number in vars(numbers).values()))
        with torch.enable_grad():
            terms = objective.terms(model, x, ends, alpha, gamma)
            of_log_p, of_fakes = slopes(terms.of_theta, ends.log_p, ends.f_model)
            of_beta = slopes(terms.values["discriminator"], ends.f_data, ends.f_model)
        return terms, of_log_p, of_fakes, of_beta

    def _discriminate(self, scored: ForwardPass, weights: Tensor, penalized: bool) -> Tensor:
        """Make β's gradients, with weights of all samples; gradients of the logits at the fakes."""
        count = weights.shape[-1] // 2
        data, fakes = slice(count), slice(count, None)
        back = scored.back(torch.ones_like(scored.outputs))
        back.set_gradients(_row(weights) / count)
        if penalized and isinstance(self.regularizer, R1):
            back.add_penalty(self.regularizer.penalty_gradient(back.at_input(data)) / count)
        return back.at_input(fakes)

    @staticmethod
    def _generate(
        decoded: ForwardPass, at_outputs: Tensor, weights: Tensor, forward: bool, reverse: bool
    ) -> Tensor:
        """Make θ's gradients, with weights of reconstructions; φ's gradients at their latents."""
        count = weights.shape[-1]
        fakes, reconstructions = slice(count), slice(count, None)
        if not reverse:
            decoded, at_outputs = decoded.part(reconstructions), at_outputs[..., reconstructions]
        back = decoded.back(at_outputs)
        if not forward and reverse:
            back.part(fakes).set_gradients()
        else:
            of_fakes = [torch.ones_like(weights)] if reverse else []
            back.set_gradients(_row(torch.cat([*of_fakes, weights], -1)))
        return back.at_input(slice(-count, None))


def _row(of_samples: Tensor) -> Tensor:
    """A number of each sample, ``(*trials, batch)``, beside columns: ``(*trials, 1, batch)``."""
    return of_samples.unsqueeze(-2)
