"""One configuration for each experiment. Every value is ours: the paper's appendix is lost."""

from .config import (
    Config,
    EvaluationConfig,
    ImagesConfig,
    ModelConfig,
    PathConfig,
    RegularizerConfig,
)

__all__ = ["PRESETS"]

PRESETS: dict[str, Config] = {
    "gaussians25": Config(
        data="gaussians25",
        path=PathConfig(ml=0.05, transfer=0.15, adversarial=0.8),
        model=ModelConfig(latent=2, noise=0.6),
        regularizer=RegularizerConfig(weight=0.3),
        evaluation=EvaluationConfig(every=1000, samples=10_000, shown=2000),
    ),
    "digits": Config(
        data="digits",
        steps=2000,
        batch_size=64,
        model=ModelConfig(latent=16, hidden=(256,), width=32, noise=0.5),
        regularizer=RegularizerConfig(weight=0.2),
        evaluation=EvaluationConfig(every=500, samples=1000),
    ),
    "mnist": Config(
        data="ylecun/mnist",
        steps=3000,
        batch_size=64,
        model=ModelConfig(latent=16, hidden=(256,), width=32, noise=0.5),
        regularizer=RegularizerConfig(weight=0.2),
        evaluation=EvaluationConfig(every=500),
        images=ImagesConfig(size=28, channels=1),
    ),
    "cifar10": Config(
        data="uoft-cs/cifar10",
        steps=50_000,
        batch_size=64,
        model=ModelConfig(latent=64, hidden=(512,), width=64, noise=0.5),
        regularizer=RegularizerConfig(weight=0.2),
        evaluation=EvaluationConfig(every=5000),
        images=ImagesConfig(size=32, channels=3),
    ),
    "celeba": Config(
        data="flwrlabs/celeba",
        steps=50_000,
        batch_size=64,
        model=ModelConfig(latent=64, hidden=(512,), width=64, noise=0.5),
        regularizer=RegularizerConfig(weight=0.2),
        evaluation=EvaluationConfig(every=5000),
        images=ImagesConfig(size=64, channels=3),
    ),
}
