r"""σ of the semi-implicit model (13) along training, if neither fixed nor learned with θ."""

import math
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from ..checks import at_least, positive
from ..control import RealismGamma
from ..objective.data import MSE, RATE
from ..settings import ControlConfig, ModelConfig, require
from .events import Callback, Event
from .processes import mean_over_processes
from .state import TrainState

__all__ = ["AnnealedNoise", "GammaOfNoise", "MeasuredNoise"]


class MeasuredNoise(Callback):
    r"""σ follows the root mean squared error of the reconstructions.

    .. math:: \sigma^2 \leftarrow \lambda \sigma^2 + (1 - \lambda)\, \|x - G_\theta(z)\|^2 / d,
        \qquad x \sim q, \ z \sim q_\phi(z|x)

    averaged over the batch. At the error itself the bound (3) is largest in σ, so that nothing has
    to be chosen. The average is the model's σ, which checkpoints keep.

    The smaller σ is, the more a latent says of its x, and the less do latents lie as the prior
    does. So σ may be held in Step I, whose samples of the prior are what later steps sharpen: with
    the rate :math:`R = E\, KL[q_\phi(z|x) \| p(z)]` of latents of d numbers, it is then at least

    .. math:: \sigma^2 \, (R / r d)^{1 - \lambda}

    which rises while R is above r d.

    Attributes:
        decay: λ, in [0, 1).
        rate: r, positive, in nats; None where σ only follows the error. Ours.

    Raises:
        ValueError: ``decay`` or ``rate`` is out of its range.

    Source:
        Rybkin, Daniilidis and Levine, Simple and Effective VAE Training with Calibrated Decoders,
        ICML 2021, for σ at its optimum; Alemi et al., Fixing a Broken ELBO, ICML 2018, for the
        rate.
    """

    def __init__(
        self,
        decay: float = ModelConfig.noise_decay,
        rate: float | None = ModelConfig.noise_rate,
    ) -> None:
        require(ModelConfig, noise_decay=decay, noise_rate=rate)
        self.decay, self.rate = decay, rate

    @torch.no_grad()
    def after(self, event: Event) -> None:
        model = event.state.model
        if MSE not in event.numbers:
            raise ValueError(
                "σ is measured on reconstructions of the data, which this objective does not give: "
                "use the objective data, or a fixed or learned σ"
            )
        error = mean_over_processes(event.numbers[MSE], event.updates.accelerator)
        variance = model.sigma.square().lerp(error.unsqueeze(-1), 1 - self.decay)
        # a path that ends with Step I has nothing to sharpen
        if self.rate is not None and event.in_step_one and event.step_one < event.steps:
            variance = torch.maximum(variance, self._held(event, self.rate))
        model.log_sigma.copy_(variance.log() / 2)

    def _held(self, event: Event, rate: float) -> Tensor:
        """What σ² is at least, ``(*trials, 1)``."""
        model = event.state.model
        if RATE not in event.numbers:
            raise ValueError(
                f"σ is held by the encoder's rate, got rate={rate:g} and an objective that gives "
                "none: use the objective data, or no rate"
            )
        nats = mean_over_processes(event.numbers[RATE], event.updates.accelerator)
        share = nats / (rate * math.prod(model.latent_shape or ()))
        return model.sigma.square() * share.unsqueeze(-1) ** (1 - self.decay)


class AnnealedNoise(Callback):
    r"""σ falls geometrically over the updates, from where it is at the first to ``end``.

    .. math:: \sigma_t = \sigma_0^{1 - t/T} \, \sigma_T^{t/T}

    Attributes:
        start: :math:`\sigma_0`, positive, in model units.
        end: :math:`\sigma_T`, likewise.

    Raises:
        ValueError: One of them is not positive.
    """

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = positive("start", start), positive("end", end)

    @torch.no_grad()
    def after(self, event: Event) -> None:
        share = event.step / event.steps
        log_sigma = (1 - share) * math.log(self.start) + share * math.log(self.end)
        event.state.model.log_sigma.fill_(log_sigma)


class GammaOfNoise(Callback):
    """Lets a γ that follows from σ know the present one, now and then.

    Args:
        gamma: The γ of the run.
        every: Updates between; each waits for the device once.
    """

    def __init__(self, gamma: RealismGamma, every: int = ControlConfig.every) -> None:
        self.gamma, self.every = gamma, at_least(1, "every", every)

    def during(self, state: TrainState) -> AbstractContextManager[object]:
        if not state.step:
            self._follow(state)
        return nullcontext()

    def after(self, event: Event) -> None:
        if event.step % self.every == 0:
            self._follow(event.state)

    def _follow(self, state: TrainState) -> None:
        # of stacked trials, which have one path, the geometric mean
        sigma = float(state.model.log_sigma.detach().mean().exp())
        if math.isfinite(sigma):  # else training has diverged, which others recognise
            self.gamma.follow(sigma)
        state.memory.update(self.gamma.memory())
