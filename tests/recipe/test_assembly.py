"""From the configuration to the objects that it names."""

from dataclasses import replace
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from PIL import Image

from alpha_bridge.adversarial import Bridge, FixedSum, JensenShannon, Wasserstein
from alpha_bridge.data import DensitySource, ImageSource, VectorSource
from alpha_bridge.gamma import CosineGamma, LinearGamma, PowerGamma, SigmoidGamma
from alpha_bridge.networks import ConvGenerator, DCGANGenerator
from alpha_bridge.objective import DataBridge, JointBridge, MarginalBridge
from alpha_bridge.penalty import R1, R1R2, GradientPenalty, Regularizer, SpectralNorm
from alpha_bridge.recipe import DENSITIES, Config, changed
from alpha_bridge.recipe.architecture import NETWORKS
from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.recipe.decided import dialled
from alpha_bridge.recipe.domains import SOURCES, build_source
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.slots import ADVERSARIAL_LOSSES, GAMMAS, OBJECTIVES, REGULARIZERS
from alpha_bridge.settings import (
    GammaConfig,
    MixtureConfig,
    ModelConfig,
    ObjectiveConfig,
    Optimization,
    PathConfig,
    RegularizerConfig,
)

SMALL = ModelConfig(latent=3, hidden=(8,), width=4)


def config(**changes):
    return Config(**{"steps": 20, "batch_size": 8, "model": SMALL, **changes})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHA_BRIDGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def vectors(tmp_path):
    path = tmp_path / "vectors.npy"
    np.save(path, np.random.default_rng(0).normal(size=(50, 5)))
    return str(path)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sigmoid", SigmoidGamma(20.0, -8.0)),
        ("linear", LinearGamma()),
        ("power", PowerGamma(3.0)),
        ("cosine", CosineGamma()),
    ],
)
def test_gamma_is_the_kind_that_is_named_with_its_settings(kind, expected):
    gamma = assemble(config(gamma=GammaConfig(kind=kind, c=20.0, d=-8.0, exponent=3.0))).gamma
    assert gamma == expected
    assert type(gamma) is type(expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("r1", R1(0.7, 3)),
        ("r1r2", R1R2(0.7, 3)),
        ("gp", GradientPenalty(0.7, 3)),
        ("spectral", SpectralNorm()),
        ("none", Regularizer()),
    ],
)
def test_the_regularizer_is_the_kind_that_is_named(kind, expected):
    parts = assemble(config(regularizer=RegularizerConfig(kind=kind, weight=0.7, every=3)))
    assert type(parts.regularizer) is type(expected)
    assert vars(parts.regularizer) == vars(expected)


@pytest.mark.parametrize(
    ("method", "expected"),
    [("vaegan-sum", FixedSum(0.2)), ("js-gan", JensenShannon()), ("wgan-gp", Wasserstein())],
)
def test_the_adversarial_loss_is_that_of_the_method_with_its_settings(method, expected):
    made = METHODS[method].apply(config())
    objective = replace(made.objective, weight=0.2)
    adversarial = assemble(made.model_copy(update={"objective": objective})).objective.adversarial
    assert adversarial == expected


def test_every_kind_that_the_configuration_allows_has_an_entry():
    def kinds(part, key="kind"):
        return set(get_args(get_type_hints(part)[key]))

    assert set(GAMMAS) == kinds(GammaConfig)
    assert set(DENSITIES) <= set(SOURCES)
    for name, modes in DENSITIES.items():
        config = Config(data=name)
        assert modes(config.mixture) == len(SOURCES[name](config).mixture.means)
    assert set(REGULARIZERS) == kinds(RegularizerConfig)
    assert set(ADVERSARIAL_LOSSES) == kinds(ObjectiveConfig, "game")
    assert set(NETWORKS) == kinds(ModelConfig)
    assert set(OBJECTIVES) == kinds(ObjectiveConfig)


@pytest.mark.parametrize(("kind", "network"), [("conv", ConvGenerator), ("dcgan", DCGANGenerator)])
def test_the_networks_of_images_are_the_kind_that_is_named(kind, network):
    model = replace(SMALL, kind=kind)
    assert isinstance(assemble(config(data="digits", model=model)).model.generator, network)


@pytest.mark.parametrize(
    ("data", "trials"),
    [("gaussians25", 1), ("gaussians25", 2), pytest.param("digits", 1, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(
    ("kind", "objective"), [("marginal", MarginalBridge), ("joint", JointBridge)]
)
def test_the_generalisations_are_trained_like_the_bridge(kind, objective, data, trials):
    if data == "digits" and trials > 1:
        pytest.skip("convolutional networks have no stacked trials")
    parts = assemble(config(data=data, objective=ObjectiveConfig(kind=kind), trials=trials))
    assert parts.objective == objective()
    assert parts.fit().step == 20


def test_an_objective_takes_the_adversarial_loss_and_the_cycle_that_are_named():
    made = METHODS["cyclegan"].apply(config())
    assert assemble(made).objective == MarginalBridge(FixedSum(), False, True)


MARGINAL = ObjectiveConfig(kind="marginal")


@pytest.mark.parametrize("second", ["unbalanced", pytest.param("digits", marks=pytest.mark.slow)])
def test_a_second_domain_takes_the_place_of_the_prior(second):
    data = "digits" if second == "digits" else "gaussians25"
    parts = assemble(config(data=data, prior=second, objective=MARGINAL))
    assert parts.objective == MarginalBridge(implicit=True)
    assert parts.config.prior_shape == parts.prior.event_shape == parts.model.latent_shape
    state = parts.fit()
    z = parts.prior.units.normalize(parts.prior.held_out(3))
    assert parts.model.decode(z).shape == (3, *parts.source.event_shape)
    assert parts.model.encode(parts.model.decode(z)).shape == z.shape
    again = build_model(parts.config)
    again.load_state_dict(state.model.state_dict())


def test_domains_that_do_not_fit_each_other_are_refused():
    with pytest.raises(ValueError, match="no translation between samples of shape"):
        assemble(config(data="digits", prior="ring8", objective=MARGINAL))


def test_pairs_of_images_are_refused():
    joint = ObjectiveConfig(kind="joint")
    with pytest.raises(ValueError, match="no discriminator of pairs of images: give --objective"):
        assemble(config(data="digits", prior="digits", objective=joint))


def test_a_second_domain_needs_another_objective():
    with pytest.raises(ValueError, match="prior=ring8, needs an objective with two bridges: give"):
        config(prior="ring8")


def test_snapshots_of_stacked_trials_are_refused():
    with pytest.raises(ValueError, match="one trial at a time, got trials=3"):
        assemble(config(snapshots=2, trials=3))


def test_the_path_follows_the_shares_and_the_ends():
    path = PathConfig(ml=0.25, transfer=0.5, adversarial=0.25, start=0.1, end=0.9)
    parts = assemble(config(path=path))
    assert parts.path.boundaries == (5, 15, 20)
    assert (parts.path(0), parts.path(19)) == (0.1, 0.9)
    assert 0.1 < parts.path(5) < parts.path(14) < 0.9


def test_settings_of_the_objective_and_of_adam_arrive():
    parts = assemble(
        config(
            objective=ObjectiveConfig(clip=2.0, one_backward=False),
            optimization=Optimization(generator=1e-4, average=0.0, discriminator_steps=3),
        )
    )
    assert parts.objective == DataBridge(Bridge(clip=2.0), one_backward=False)
    rates = Optimization(generator=1e-4, average=0.0, discriminator_steps=3)
    assert parts.config.optimization == rates


def test_the_shape_of_the_data_is_kept_in_the_configuration(vectors):
    assert assemble(config()).config.event_shape == (2,)
    assert assemble(config(data=vectors)).config.event_shape == (5,)
    assert assemble(config(data="digits")).config.event_shape == (1, 8, 8)


def test_a_shape_of_other_data_is_refused(vectors):
    with pytest.raises(ValueError, match=r"shape \(7,\), but .*vectors.npy has \(5,\)"):
        assemble(config(data=vectors, event_shape=(7,)))


def test_sources_are_what_the_data_are(vectors):
    assert isinstance(build_source(config()), DensitySource)
    assert isinstance(build_source(config(data="digits")), ImageSource)
    assert isinstance(build_source(config(data=vectors)), VectorSource)


def test_the_shape_of_images_is_decided_once_and_said(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for index, mode in enumerate(("L", "RGB", "L")):
        Image.new(mode, (40, 30)).save(photos / f"{index}.png")
    first = assemble(config(data=str(photos), batch_size=2))
    line = "images become 28×28 in colour: --images.size, --images.channels"
    assert (first.config.event_shape, first.source.notes[-1]) == ((3, 28, 28), line)
    again = build_source(config(data=str(photos), event_shape=(1, 16, 16)))
    assert again.event_shape == (1, 16, 16)
    assert again.notes[-1] == "some images are in colour: all are read in grey"


def test_what_is_white_in_deep_images_is_kept(tmp_path):
    for index in range(3):
        Image.fromarray(np.full((8, 8), 900, np.uint16)).save(tmp_path / f"{index}.png")
    assert assemble(config(data=str(tmp_path), batch_size=2)).config.white == 1023


def test_the_mixture_has_the_grid_that_is_asked_for():
    source = build_source(config(mixture=MixtureConfig(side=2, spacing=6.0, std=0.5)))
    assert source.mixture.means.tolist() == [[-3, -3], [-3, 3], [3, -3], [3, 3]]
    assert source.mixture.std == 0.5


@pytest.mark.parametrize("trials", [1, 2])
def test_learned_noise_of_two_domains_is_learned_in_both_directions(trials):
    model = ModelConfig(hidden=(8,), noise=0.3, noise_course="learned")
    parts = assemble(config(prior="unbalanced", objective=MARGINAL, model=model, trials=trials))
    surrogates = {"generator": parts.model.log_sigma}
    surrogates["encoder"] = parts.model.encoder.learned["log_sigma"]
    for player, log_sigma in surrogates.items():
        assert any(log_sigma is own for own in parts.model.network_parameters(player))
    begin = {player: log_sigma.detach().clone() for player, log_sigma in surrogates.items()}
    state = parts.fit()
    assert all((log_sigma != begin[player]).all() for player, log_sigma in surrogates.items())
    again = build_model(parts.config)
    again.load_state_dict(state.model.state_dict())
    z = torch.randn_like(again.encode(torch.zeros(*again.trial_shape, 4, 2)))
    for part, other in zip(again.posterior(z), state.model.posterior(z), strict=True):
        assert torch.equal(part, other)


def test_the_seed_decides_the_first_weights():
    first, again, other = (
        build_model(config(seed=seed, event_shape=(2,))).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["generator.0.weight"], other["generator.0.weight"])


def test_building_a_model_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    build_model(config(event_shape=(1, 8, 8)))
    assert torch.equal(torch.get_rng_state(), before)


def test_learned_noise_is_a_parameter_that_starts_where_it_is_told():
    for course, learn in (("fixed", False), ("measured", False), ("learned", True)):
        model = ModelConfig(latent=3, hidden=(8,), noise=0.3, noise_course=course)
        built = build_model(config(model=model, event_shape=(2,)))
        assert built.sigma.item() == pytest.approx(0.3)
        assert ("log_sigma" in dict(built.named_parameters())) is learn


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"noise": 0}}, r"^model\.noise must be positive and finite, got 0.0"),
        ({"model": {"noise": -1}}, r"^model\.noise must be positive and finite, got -1.0"),
        ({"gamma": {"c": -1}}, r"^gamma\.c must lie in \[0.001, 200\], got -1"),
        ({"gamma": {"exponent": 0}}, r"^gamma\.exponent must be positive and finite, got 0"),
        ({"regularizer": {"weight": -1}}, r"^regularizer\.weight must be at least 0, got -1"),
        ({"objective": {"clip": 0}}, r"^objective\.clip must be positive, got 0"),
        (
            {"optimization": {"encoder": 0}},
            r"^optimization\.encoder must be positive and finite, got 0",
        ),
        ({"optimization": {"beta2": 1}}, r"^optimization\.beta2 must lie in \[0, 1\), got 1"),
        ({"mixture": {"side": 0}}, r"^mixture\.side must be at least 1, got 0"),
        ({"seed": -1}, "^seed must be at least 0, got -1"),
        ({"seed": 2**64}, r"^seed must lie in \[0, .* got"),
        ({"data": "digits", "batch_size": 1439}, "batch_size 1439 is larger than .* 1438 samples"),
    ],
)
def test_a_value_out_of_its_range_is_refused_before_anything_is_trained(changes, message):
    with pytest.raises(ValueError, match=message):
        assemble(changed(config(), changes))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"watch.answer": "stop", "control.accuracy": 0.985}, "lets α move on above"),
        ({"watch.answer": "roll-back", "control.ess": 0.01}, "lets α move on below"),
        ({"control.every": 20}, "in one jump"),
        ({"control.every": 101}, "no measurement falls"),
    ],
    ids=str,
)
def test_limits_are_looked_at_when_the_dial_has_decided_the_path(given, why):
    config = dialled(changed(Config(), {"data": "gaussians25", "steps": 100}))
    with pytest.raises(ValueError, match=why):
        assemble(changed(config, given))
