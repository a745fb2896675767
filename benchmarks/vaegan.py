"""pythae's VAEGAN with our networks: one of its training steps, driven by its own trainer."""

import logging

import torch
from pythae.data.datasets import BaseDataset, DatasetOutput
from pythae.models import VAEGAN, VAEGANConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder
from pythae.trainers import (
    CoupledOptimizerAdversarialTrainer,
    CoupledOptimizerAdversarialTrainerConfig,
)
from pythae.trainers.training_callbacks import CallbackHandler
from torch import Tensor, nn

from alpha_bridge.recipe import Config
from alpha_bridge.recipe.first_weights import build_model

logging.disable(logging.INFO)  # pythae's trainers greet on the console


class Encoder(BaseEncoder):
    """Ours, with pythae's output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> ModelOutput:
        mean, log_variance = self.network(x)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):
    """Our generator, with pythae's output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.network(z))


class Discriminator(BaseDiscriminator):
    """Ours, with a probability at the end and features in the middle, where it stops for them.

    Layer 1 is all convolutions, layer 2 the rest: VAEGAN compares images by features of depth 1.
    """

    depth = 2

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        layers = list(network)
        last = max(i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d))
        middle = last + 2  # after its rectifier
        self.features, self.head = nn.Sequential(*layers[:middle]), nn.Sequential(*layers[middle:])

    def forward(self, x: Tensor, output_layer_levels: list[int] | None = None) -> ModelOutput:
        features = self.features(x)
        if output_layer_levels == [1]:
            return ModelOutput(embedding_layer_1=features)
        return ModelOutput(embedding=torch.sigmoid(self.head(features)))


class Epoch(list):
    """Batches in memory, where pythae's trainer expects a loader."""

    @property
    def dataset(self) -> "Epoch":
        return self


class Steps:
    """``count`` training steps of VAEGAN, called without arguments.

    Its trainer's own loop with its own optimisers, without files, progress bars and loading. The
    margin is wide, so that no player sits a step out: ours train all three in each update.
    """

    def __init__(self, config: Config, count: int) -> None:
        """Take the networks of a configuration that has an ``event_shape``."""
        ours = build_model(config)
        model = VAEGAN(
            VAEGANConfig(
                input_dim=config.event_shape,
                latent_dim=config.model.latent,
                reconstruction_layer=1,
                margin=1e6,
            ),
            encoder=Encoder(ours.encoder),
            decoder=Decoder(ours.generator),
            discriminator=Discriminator(ours.discriminator),
        )
        assert config.event_shape is not None
        x = torch.randn(config.batch_size, *config.event_shape).clamp(-1, 1)
        settings = CoupledOptimizerAdversarialTrainerConfig(
            per_device_train_batch_size=config.batch_size
        )
        self.trainer = CoupledOptimizerAdversarialTrainer(
            model, BaseDataset(x, torch.zeros(len(x))), training_config=settings
        )
        self.trainer.set_encoder_optimizer()
        self.trainer.set_decoder_optimizer()
        self.trainer.set_discriminator_optimizer()
        self.trainer.callback_handler = CallbackHandler([], model)
        self.trainer.train_loader = Epoch([DatasetOutput(data=x.to(self.trainer.device))] * count)

    def __call__(self) -> None:
        self.trainer.train_step(epoch=1)
