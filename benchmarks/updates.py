"""One update of Algorithm 1 on a batch that stays the same: what it computes, and nothing else."""

from collections.abc import Iterable
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from alpha_bridge.gamma import SigmoidGamma
from alpha_bridge.objective import Noise
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import PRESETS, from_vae, of_reconstructions
from alpha_bridge.recipe.slots import REGULARIZERS, build_slots
from alpha_bridge.training import TrainState, available_accelerator
from alpha_bridge.training.machine import compile_networks
from alpha_bridge.training.update import update


class Updates:
    """Updates at one α, called without arguments.

    Attributes:
        cycle: Updates from one that pays the gradient penalty to the next: measure whole cycles.
        images: Samples of one update.
    """

    def __init__(
        self,
        config: Config,
        alpha: float = 0.5,
        precision: str = "no",
        compiled: bool = False,
        channels_last: bool = True,
    ) -> None:
        """Build the model of a configuration that has an ``event_shape``.

        Images have their channels last, as in training, or else first.
        """
        assert config.event_shape is not None
        self.alpha, self.accelerator = alpha, accelerator(precision)
        self.regularizer = REGULARIZERS[config.regularizer.kind](config.regularizer)
        model = build_model(config).to(self.accelerator.device).train()
        model.discriminator = self.regularizer.prepare(model.discriminator)
        images = len(config.event_shape) == 3
        if images and channels_last:
            model.to(memory_format=torch.channels_last)
        self.state = TrainState.start(model, config.optimization)
        if compiled:
            compile_networks(model)
        leading = (*model.trial_shape, config.batch_size)
        self.x = self._normal(*leading, *config.event_shape).clamp(-1, 1)
        if images and channels_last:
            self.x = self.x.to(memory_format=torch.channels_last)
        assert model.latent_shape is not None
        latents = (*leading, *model.latent_shape)
        self.noise = Noise(self._normal(*latents), self._normal(*latents))
        _, self.objective, _ = build_slots(config)
        self.cycle = max(1, self.regularizer.every)
        self.images = self.x[..., 0].numel() if not images else config.batch_size

    def _normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(shape, device=self.accelerator.device)

    def __call__(self) -> None:
        update(
            self.state,
            self.x,
            self.noise,
            self.alpha,
            SigmoidGamma(),
            self.objective,
            self.regularizer,
            self.accelerator,
        )

    def kept_bytes(self) -> int:
        """Bytes that an update's graphs keep for their backward passes, networks and data aside."""
        parts = (*self.state.model.parameters(), self.x, *vars(self.noise).values())
        known = {part.untyped_storage().data_ptr() for part in parts if part is not None}
        kept: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in known:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            self()
        return sum(kept.values())

    def operations(self) -> float:
        """Floating point operations of the products and convolutions of one update, on average."""
        with Operations() as counted:
            for _ in range(self.cycle):
                self()
        return counted.total / self.cycle


class Operations(TorchDispatchMode):
    """Counts by torch's own formulas, two for a product and its sum.

    ``FlopCounterMode`` would too, but it follows modules by hooks that ``torch.autograd.grad`` to
    a leaf, as a gradient penalty needs it, does not bear.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func._overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


def accelerator(precision: str) -> Accelerator:
    """The machine's accelerator, in another precision than before in the same process."""
    AcceleratorState._reset_state(reset_partial_state=True)  # it is one for the whole process
    return available_accelerator(precision)


def preset(name: str, shape: Iterable[int], **changes: object) -> Config:
    """A preset for samples of a shape, without its data."""
    return PRESETS[name].model_copy(update={"event_shape": tuple(shape), **changes})


def autoencoder(method: str, pixels: int, **changes: object) -> Config:
    """What a method does with a small ``AutoencoderKL`` of images in colour, without its data."""
    from experiments.bridge_vae import ARCHITECTURES

    blocks = ("DownEncoderBlock2D",) * 3, ("UpDecoderBlock2D",) * 3
    architecture = ARCHITECTURES["diffusers"](3, pixels) | {
        "down_block_types": [*blocks[0]],
        "up_block_types": [*blocks[1]],
        "block_out_channels": [16, 32, 32],
        "latent_channels": 4,
    }
    config = METHODS[method].apply(of_reconstructions(from_vae(PRESETS["cifar10"], "a VAE")))
    own = {"model.noise": 0.1, "batch_size": 16, **changes}
    built = {
        "event_shape": (3, pixels, pixels),
        "architecture": {"library": "diffusers", "config": architecture},
    }
    return changed(config, own).model_copy(update=built)


MNIST = preset("mnist", (1, 28, 28))
CIFAR10 = preset("cifar10", (3, 32, 32))
CELEBA = preset("celeba", (3, 64, 64))
GAUSSIANS = preset("gaussians25", (2,))
