"""The evaluation: the right metrics, the same latents, and nothing left changed."""

import re
from functools import partial
from importlib.util import find_spec

import numpy as np
import pyarrow
import pytest
import torch

from alpha_bridge import chunks
from alpha_bridge.data import (
    DensitySource,
    ImageSource,
    from_array,
    ring,
    spirals,
    stream,
    unbalanced,
)
from alpha_bridge.data.tables import TableUnits, load_table
from alpha_bridge.metrics import comparison as comparison_module
from alpha_bridge.metrics.comparison import DensityComparison, TableComparison
from alpha_bridge.metrics.definition import parse
from alpha_bridge.metrics.evaluation import in_chunks
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.assembly import assemble, build_evaluation
from alpha_bridge.recipe.first_weights import build_model
from alpha_bridge.settings import EvaluationConfig, MixtureConfig, ModelConfig

SAMPLES, SHOWN = 50, 6


def config(data="gaussians25", **evaluation):
    return Config(
        data=data,
        steps=20,
        batch_size=8,
        model=ModelConfig(latent=2, hidden=(8,), width=4),
        evaluation=EvaluationConfig(samples=SAMPLES, shown=SHOWN, **evaluation),
        mixture=MixtureConfig(side=2),
    )


def built(data="gaussians25", **evaluation):
    """An evaluation and a model for it."""
    parts = assemble(config(data, **evaluation))
    return build_evaluation(parts.config, parts.source), parts.model


@pytest.fixture(scope="module")
def digits(quick_classifiers):  # noqa: ARG001
    return built("digits")


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "vectors.npy"
    np.save(path, 3 + 2 * np.random.default_rng(0).normal(size=(80, 5)))
    return str(path)


def legacy_state():
    return np.random.get_state()[1].tobytes()  # noqa: NPY002


def kinds(measured):
    return {(parse(name).metric, parse(name).protocol): value for name, value in measured.items()}


def test_a_known_density_is_measured_by_its_posterior_and_a_kernel():
    evaluation, model = built(bandwidth=0.25)
    metrics = evaluation(model, {}).metrics
    assert list(map(str, map(parse, metrics))) == [
        "inception_score/posterior/50",
        "log_likelihood/kde-0.25/50-held-out",
        "modes/3std/50",
        "high_quality/3std/50",
        "missed_mass/tenth/50",
        "invented_mass/tail-0.001/50",
        "reconstruction_error/mse/1000-held-out",
    ]


def test_labelled_images_are_measured_by_a_classifier(digits):
    evaluation, model = digits
    metrics = kinds(evaluation(model, {}).metrics)
    protocol = evaluation.comparison.protocol
    assert re.fullmatch("classifier-digits-seed0-acc9[0-9]", protocol)
    assert list(metrics) == [
        ("frechet_distance", protocol),
        ("kernel_distance", protocol),
        ("inception_score", f"{protocol}-splits5"),
        ("reconstruction_error", "mse"),
    ]


def test_names_say_with_what_samples_are_compared(digits):
    evaluation, model = digits
    names = map(parse, evaluation(model, {}).metrics)
    compared = {name.metric: (name.samples, name.split, name.reals) for name in names}
    assert compared == {
        "frechet_distance": (SAMPLES, "train", None),
        "kernel_distance": (SAMPLES, "train", None),
        "inception_score": (SAMPLES, None, None),
        "reconstruction_error": (359, "held-out", None),
    }


def test_a_second_domain_with_fewer_samples_says_both_sizes(vectors):
    parts = assemble(config(vectors))
    few = from_array(np.ones((60, 2), np.float32), np.arange(20, dtype=np.float32).reshape(10, 2))
    evaluation = build_evaluation(parts.config, parts.source, prior=few)
    metrics, _ = evaluation.comparison(evaluation.latents.repeat(1, 3)[:, :5])
    assert set(metrics) == {
        f"{metric}/vectors/10-train-{SAMPLES}" for metric in ("frechet_distance", "kernel_distance")
    }


@pytest.mark.parametrize("samples", [2, 9, 15, 35])
def test_few_samples_are_measured_in_few_parts(digits, samples):
    evaluation, _ = digits
    metrics, _ = evaluation.comparison(evaluation.held_out[:samples])
    (score,) = [name for name in metrics if name.startswith("inception_score")]
    assert parse(score).protocol.endswith(f"-splits{max(1, samples // 10)}")
    assert 1 <= metrics[score] <= min(samples, 10)


def test_vectors_are_measured_by_their_own_distances(vectors):
    evaluation, model = built(vectors)
    measured = evaluation(model, {"retention/labels": torch.zeros(SAMPLES)})
    assert list(kinds(measured.metrics)) == [
        ("frechet_distance", "vectors"),
        ("kernel_distance", "vectors"),
        ("reconstruction_error", "mse"),
    ]


def test_pixels_can_be_asked_for_where_there_are_labels():
    evaluation, model = built("digits", features="pixels")
    assert ("frechet_distance", "pixels") in kinds(evaluation(model, {}).metrics)


def test_images_without_labels_can_be_compared_by_which_way_up_they_are(monkeypatch):
    classifier = partial(comparison_module.cached_classifier, updates=60)
    monkeypatch.setattr(comparison_module, "cached_classifier", classifier)
    images = np.zeros((60, 8, 8, 1), np.uint8)
    images[:, :4] = 200
    source, lines = from_array(images[:40], images[40:]), []
    evaluation = build_evaluation(config("unused", features="rotations"), source, lines.append)
    assert lines == ["features of a classifier that tells 100.0% of the quarter turns of images"]
    same, labels = evaluation.comparison(source.units.normalize(source.held_out(20)))
    turned, _ = evaluation.comparison(source.units.normalize(source.held_out(20)).flip(-2))
    assert labels is None and not any("inception" in name for name in same)
    name = "frechet_distance/rotations-unused-seed0-acc100/20-train-40"
    assert same[name] < 1e-3 < turned[name]


def test_images_without_labels_fall_back_to_pixels_and_say_so():
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    source, lines = from_array(images[:40], images[40:]), []
    evaluation = build_evaluation(config("unused"), source, lines.append)
    assert evaluation.comparison.protocol == "pixels"
    (line,) = lines
    assert line.startswith("no labels: distances compare averaged pixels")


def test_unknown_labels_are_no_labels():
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    unknown = np.full(20, -1)
    labels = np.arange(40) % 2
    source = from_array(images[:40], images[40:], labels, unknown)
    assert build_evaluation(config("unused"), source).comparison.protocol == "pixels"


def noise(count):
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)


def one_way_up(count):
    images = noise(count) // 4
    images[:, :4] += 150
    return images


@pytest.mark.parametrize(
    ("images", "protocol", "end"),
    [
        (one_way_up, "rotations-unused-seed0-acc100", "100.0% of the quarter turns of images"),
        (
            noise,
            "pixels",
            "better than chance: distances compare averaged pixels, and retention is",
        ),
    ],
)
def test_a_classifier_no_better_than_chance_is_not_used(images, protocol, end, monkeypatch):
    classifier = partial(comparison_module.cached_classifier, updates=30)
    monkeypatch.setattr(comparison_module, "cached_classifier", classifier)
    images, labels, lines = images(60), np.random.default_rng(1).permutation(60) % 2, []
    source = from_array(images[:40], images[40:], labels[:40], labels[40:])
    evaluation = build_evaluation(config("unused"), source, lines.append)
    assert evaluation.comparison.protocol == protocol
    assert "of 20 images, not clearly better than naming the largest class: unused" in lines[0]
    assert end in lines[1]


@pytest.mark.parametrize(
    ("train", "held_out"), [([0, 1, 0], [1]), ([0, 1, 2, 2], [1, 0]), ([1, 1], [0]), ([0, 1], [-1])]
)
def test_a_handful_of_labelled_images_is_measured(train, held_out, monkeypatch):
    classifier = partial(comparison_module.cached_classifier, updates=2)
    monkeypatch.setattr(comparison_module, "cached_classifier", classifier)
    count = len(train)
    images = noise(count + len(held_out))
    source = from_array(images[:count], images[count:], np.array(train), np.array(held_out))
    model = build_model(config("digits").model_copy(update={"event_shape": (1, 8, 8)}))
    metrics = build_evaluation(config("unused"), source)(model, {}).metrics
    assert all(np.isfinite([*metrics.values()]))


def test_labelled_vectors_are_measured_by_their_own_distances():
    source = from_array(noise(9).reshape(9, -1), None, np.arange(9) % 2)
    assert build_evaluation(config("unused"), source).comparison.protocol == "vectors"


def test_a_second_domain_of_one_held_out_sample_is_refused_before_training(vectors):
    parts, one = assemble(config(vectors)), from_array(np.eye(3), np.eye(3)[:1])
    with pytest.raises(ValueError, match="of the second domain must be at least 2, got 1"):
        build_evaluation(parts.config, parts.source, prior=one)


def test_a_classifier_says_how_good_it_is():
    lines = []
    parts = assemble(config("digits"))
    build_evaluation(parts.config, parts.source, lines.append)
    (line,) = lines
    assert line.startswith("features of a classifier that is right on 9")
    assert line.endswith("% of 359 images")


def test_images_that_the_classifier_cannot_take_name_a_way_out():
    images = np.zeros((30, 96, 96, 1), dtype=np.uint8)
    labels = np.arange(30) % 2
    source = from_array(images[:20], images[20:], labels[:20], labels[20:])
    with pytest.raises(ValueError, match=r"got 96: .*--evaluation.features pixels"):
        build_evaluation(config("unused"), source)


def test_inception_that_is_not_installed_says_how_to_install_it():
    if find_spec("torch_fidelity"):
        pytest.skip("it is installed")
    with pytest.raises(ValueError, match=r"pip install 'alpha-bridge\[inception\]'"):
        built("digits", features="inception")


def test_all_latents_are_the_same_through_time():
    evaluation, model = built()
    first, again = evaluation(model, {}), evaluation(model, {})
    assert torch.equal(first.samples, again.samples)
    assert torch.equal(first.pairs, again.pairs)
    assert first.metrics == again.metrics


def test_latents_do_not_depend_on_the_seed_of_the_run():
    evaluation, model = built()
    other = assemble(config().model_copy(update={"seed": 7}))
    measured = build_evaluation(other.config, other.source)(model, {})
    assert torch.equal(measured.samples, evaluation(model, {}).samples)


def test_more_samples_begin_with_the_same_latents():
    evaluation, model = built()
    more = config().model_copy(update={"evaluation": EvaluationConfig(samples=400, shown=SHOWN)})
    measured = build_evaluation(more, evaluation.source)(model, {})
    # chunks of another size round differently
    torch.testing.assert_close(measured.samples, evaluation(model, {}).samples)


def test_what_is_shown_has_the_number_that_is_asked_for():
    evaluation, model = built()
    measured = evaluation(model, {})
    assert measured.samples.shape == (SHOWN, 2)
    assert measured.pairs.shape == (2, SHOWN, 2)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("data", ["gaussians25", "digits"])
def test_the_model_is_left_in_its_mode_and_unchanged(data, training):
    evaluation, model = built(data)
    model.train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluation(model, {})
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("data", ["gaussians25", "digits"])
def test_the_global_generators_are_left_as_they_were(data):
    parts = assemble(config(data))
    before, numpy_before = torch.get_rng_state(), legacy_state()
    build_evaluation(parts.config, parts.source)(parts.model, {})
    assert torch.equal(torch.get_rng_state(), before)
    assert legacy_state() == numpy_before


@pytest.mark.parametrize("data", ["gaussians25", "digits"])
def test_an_unchanged_generator_keeps_the_class_of_every_latent(data):
    evaluation, model = built(data)
    memory = {}
    first = evaluation(model, memory, reference=True)
    assert not any(name.startswith("retention") for name in first.metrics)
    later = kinds(evaluation(model, memory).metrics)
    assert later["retention", evaluation.comparison.protocol] == 1


def test_a_generator_that_moves_every_latent_keeps_no_class():
    evaluation, model = built()
    memory = {}
    evaluation(model, memory, reference=True)
    memory["retention/labels"] = (memory["retention/labels"] + 1) % 4
    metrics = kinds(evaluation(model, memory).metrics)
    assert metrics["retention", "posterior"] == 0


def test_without_a_first_step_there_is_no_retention():
    evaluation, model = built()
    metrics = evaluation(model, {}).metrics
    assert not any(name.startswith("retention") for name in metrics)


def test_the_data_itself_scores_best():
    evaluation, _ = built()
    points = evaluation.source.training(2000)
    metrics = kinds(evaluation.comparison(points)[0])
    assert metrics["modes", "3std"] == 4
    assert metrics["high_quality", "3std"] > 0.97
    assert metrics["missed_mass", "tenth"] == 0
    assert metrics["invented_mass", "tail-0.001"] < 0.005
    assert metrics["inception_score", "posterior"] == pytest.approx(4, abs=0.02)


@pytest.mark.parametrize("mixture", [unbalanced(), spirals(), ring()], ids=["9", "100", "8"])
def test_every_known_density_scores_best_by_its_own_samples(mixture):
    comparison = DensityComparison(DensitySource(mixture), samples=1000, bandwidth=0.1)
    x = mixture.sample(4000, stream(0, 1))
    own, moved = kinds(comparison(x)[0]), kinds(comparison(x + 0.6)[0])
    assert own["missed_mass", "tenth"] == 0 < moved["missed_mass", "tenth"]
    assert own["invented_mass", "tail-0.001"] < 0.005 < moved["invented_mass", "tail-0.001"]
    assert own["log_likelihood", "kde-0.1"] > moved["log_likelihood", "kde-0.1"]


def test_an_unbalanced_mixture_scores_its_number_of_modes():
    mixture = unbalanced()
    comparison = DensityComparison(DensitySource(mixture), samples=10, bandwidth=0.1)
    metrics = kinds(comparison(mixture.sample(10_000, stream(0, 1)))[0])
    assert metrics["inception_score", "posterior"] == pytest.approx(9, abs=0.05)


def test_images_without_labels_are_not_read_for_a_classifier():
    read = []

    class Watched(ImageSource):
        def training(self, count):
            read.append(count)
            return super().training(count)

    images = np.zeros((30, 8, 8, 1), dtype=np.uint8)
    build_evaluation(config("unused"), Watched(images[:20], images[20:]))
    assert max(read) == 20


def test_samples_are_measured_as_they_are_kept(digits):
    evaluation, model = digits
    samples = evaluation(model, {}).samples
    grey = (samples + 1) * 127.5
    torch.testing.assert_close(grey, grey.round(), atol=1e-4, rtol=0)


def test_no_more_samples_are_drawn_than_there_are_training_images(vectors):
    parts = assemble(config(vectors))
    more = parts.config.model_copy(update={"evaluation": EvaluationConfig(samples=500)})
    measured = build_evaluation(more, parts.source)(parts.model, {})
    assert {parse(name).samples for name in measured.metrics} == {72, 8}


def test_synthetic_rows_teach_in_the_number_of_the_real_ones():
    source = load_table(pyarrow.table({"a": ["x", "y"] * 60, "b": [*range(30)] * 4}))
    assert isinstance(source.units, TableUnits)
    parts = (source.units.normalize(x) for x in (source.training(99), source.held_out(99)))
    compared = TableComparison(source.rows, *parts, source.units.names)
    found, _ = compared(source.units.normalize(source.training(108)).repeat(9, 1))
    assert {name.split("/")[2] for name in found if name[1:4] in ("str", "rtr")} == {
        "99-held-out-12"
    }


@pytest.mark.parametrize("column", [[*range(30)] * 4, ["x", "y"] * 60, [None, 1.5, 2.5, 3.5] * 30])
def test_a_table_of_one_column_is_measured_and_has_none_to_learn_from(column):
    source = load_table(pyarrow.table({"a": column}))
    assert isinstance(source.units, TableUnits)
    parts = [source.units.normalize(x) for x in (source.training(99), source.held_out(99))]
    found, _ = TableComparison(source.rows, *parts, source.units.names)(parts[0])
    assert {name.split("/")[0] for name in found} >= {"marginals", "c2st", "closest_records"}
    assert not any(name.startswith(("tstr", "trtr", "associations")) for name in found)
    with pytest.raises(ValueError, match=r"evaluation.target 'a' is the only column .*: leave it"):
        TableComparison(source.rows, *parts, source.units.names, "a")


@pytest.mark.parametrize("turned", [False, True])
def test_a_network_sees_as_many_as_the_larger_of_what_it_takes_and_gives_allows(
    turned, monkeypatch
):
    monkeypatch.setattr(chunks, "NUMBERS", 4 * 6)
    seen, (few, many) = [], (2, 6)

    def network(x):
        seen.append(len(x))
        return x[:, :few] if turned else x.repeat(1, 3)

    x = torch.randn(10, many if turned else few)
    y = in_chunks(network, x)
    assert max(seen) == 4
    assert torch.equal(y, network(x))
