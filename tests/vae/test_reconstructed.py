"""A VAE whose reconstructions are sharpened: what is decided, what stays, what is measured."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from alpha_bridge import chunks
from alpha_bridge.cli.parsing import parse
from alpha_bridge.commands.train import train
from alpha_bridge.data import from_array
from alpha_bridge.metrics.comparison import FEATURES, require_features
from alpha_bridge.metrics.evaluation import ReconstructionEvaluation
from alpha_bridge.metrics.reporting import silent
from alpha_bridge.networks import PatchDiscriminator
from alpha_bridge.objective import ReconstructionBridge, VQGANSum
from alpha_bridge.recipe import assembly, changed, first_weights
from alpha_bridge.recipe.assembly import assemble, build_evaluation, build_features
from alpha_bridge.recipe.decided import decide
from alpha_bridge.recipe.methods import METHODS
from alpha_bridge.recipe.presets import FROM_VAE, PRESETS, from_vae, of_reconstructions
from alpha_bridge.recipe.soundness import require_sound
from alpha_bridge.runs.loading import inverted
from alpha_bridge.runs.opening import require_plain, require_ratio
from alpha_bridge.settings import RegularizerConfig
from alpha_bridge.training import available_accelerator
from alpha_bridge.vae import load

SMALL = {"steps": 20, "batch_size": 8, "model.width": 4, "model.halvings": 1}


@pytest.fixture
def config(folders):
    begun = from_vae(PRESETS["digits"], str(folders / "diffusers"))
    return changed(of_reconstructions(begun), SMALL)


def latents(vae, x):
    return vae.encoder(x)[0]


@pytest.mark.slow
def test_a_frozen_encoder_is_the_same_bit_for_bit_in_the_restored_vae(
    config, folders, source, tmp_path
):
    from alpha_bridge.vae import save

    parts = assemble(changed(config, {"freeze": "encoder"}))
    state = parts.fit()
    before, after = load(folders / "diffusers"), load(save(state.averaged(), tmp_path / "restored"))
    x = source.units.normalize(source.held_out(20))
    with torch.no_grad():
        assert torch.equal(latents(before, x), latents(after, x))
        assert not torch.equal(before.decoder(latents(before, x)), after.decoder(latents(after, x)))


def test_images_that_are_large_are_seen_few_at_a_time(config, monkeypatch):
    """Before the first update, which has a batch of its own, and where the model is measured."""
    monkeypatch.setattr(chunks, "NUMBERS", 4 * 64)
    seen, forward = [], torch.nn.Conv2d.forward

    def counted(layer, x):
        seen.append(len(x))
        return forward(layer, x)

    monkeypatch.setattr(torch.nn.Conv2d, "forward", counted)
    parts = assemble(changed(config, {"evaluation.features": "pixels", "evaluation.samples": 10}))
    assert max(seen) == 4
    seen.clear()
    build_evaluation(parts.config, parts.source)(parts.model, {})
    assert max(seen) == 4


@pytest.mark.parametrize(
    ("size", "count"), [(32, 1000), (64, 1000), (128, 250), (256, 64), (1024, 64)]
)
def test_a_vae_is_measured_on_fewer_images_where_they_are_large(size, count):
    assert first_weights._measured_on((3, size, size)) == count


def test_a_line_says_on_how_few_images_a_vae_was_measured(config, monkeypatch):
    monkeypatch.setattr(first_weights, "_measured_on", lambda _: 70)
    told = []
    parts = assemble(config, measuring=lambda *done: told.append(done))
    assert parts.notes[-1].endswith(", on 70 training images and not 1000, as they are large")
    assert told == [("measuring the VAE", done, 2) for done in range(3)]


def test_a_vae_is_measured_where_it_trains_and_with_progress(config, monkeypatch, tmp_path):
    class Measured(Exception):
        pass

    def begin(*given):
        raise Measured(*given[3:])

    monkeypatch.setattr(assembly, "begin_from_vae", begin)
    with pytest.raises(Measured) as caught:
        train(config, tmp_path / "run")
    device, progress = caught.value.args
    assert device == available_accelerator().device
    assert progress is not silent


@pytest.mark.parametrize(
    ("inputs", "rate", "said"),
    [(144, 1e-3, False), (512, 1e-3, False), (4608, 1e-3, True), (4608, 1e-5, False)],
)
def test_a_rate_that_is_high_for_the_width_of_a_decoder_is_said(inputs, rate, said):
    """144 and 512 are those of VAEs that were bridged at 1e-3, 4,608 that of Stable Diffusion's."""
    vae = SimpleNamespace(decoder=torch.nn.Linear(inputs, 2))
    notes = first_weights._rate_notes(rate, vae)
    assert ["--optimization.generator 1e-05" in note for note in notes] == [True] * said


def test_the_inputs_of_a_transposed_convolution_are_those_of_one_output():
    layer = torch.nn.ConvTranspose2d(3, 2, 4, stride=2, bias=False)
    torch.nn.init.ones_(layer.weight)
    assert layer(torch.ones(1, 3, 9, 9)).max() == first_weights._inputs(layer) == 12
    wide = SimpleNamespace(decoder=torch.nn.ConvTranspose2d(3, 512, 4))
    assert first_weights._rate_notes(1e-3, wide) == ()


@pytest.mark.parametrize(
    ("features", "of", "remedy"),
    [
        ("classifier", "none", "--evaluation.features pixels"),
        ("rotations", "none", "--evaluation.features pixels"),
        ("pixels", "rotations", "leave out --objective.features"),
    ],
)
def test_large_images_are_refused_before_the_vae_is_measured(
    config, features, of, remedy, monkeypatch
):
    images, labels = np.zeros((40, 72, 72, 1), np.uint8), np.arange(40) % 2
    source = from_array(images[:20], images[20:], labels[:20], labels[20:])
    shape = {"event_shape": None, "images.size": 72}
    asked = changed(config, {**shape, "evaluation.features": features, "objective.features": of})
    monkeypatch.setattr(assembly, "begin_from_vae", lambda *_: pytest.fail("it was measured"))
    with pytest.raises(ValueError, match=remedy):
        assemble(asked, source=source)


@pytest.mark.parametrize("features", ["classifier", "rotations"])
def test_vectors_are_refused_by_the_vae_and_not_by_features(config, features):
    points, labels = np.zeros((40, 2), np.float32), np.arange(40) % 2
    source = from_array(points, points, labels, labels)
    asked = changed(config, {"event_shape": None, "evaluation.features": features})
    with pytest.raises(ValueError, match=r"the VAE takes images, .*: give images with"):
        assemble(asked, source=source)
    require_features(source, "classifier")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["alpha-bridge", "vqgan-adaptive", "ml"])
def test_every_method_of_autoencoders_is_measured_by_reconstructions_alone(config, method):
    parts = assemble(METHODS[method].apply(config))
    evaluation = build_evaluation(parts.config, parts.source)
    assert isinstance(evaluation, ReconstructionEvaluation)
    metrics = {name.split("/")[0] for name in evaluation(parts.model, {}).metrics}
    assert metrics == {"reconstruction_distance", "reconstruction_error", "psnr", "sharpness"}
    kind = VQGANSum if method == "vqgan-adaptive" else ReconstructionBridge
    assert type(parts.objective) is kind
    assert isinstance(parts.model.discriminator, PatchDiscriminator)


@pytest.mark.slow
def test_features_of_a_classifier_join_and_a_line_says_so(config):
    parts = assemble(changed(config, {"objective.features": "classifier"}))
    assert parts.objective.features is not None
    assert parts.notes[-1].startswith("reconstructed too: features of a classifier that is right")
    assert parts.fit().step == SMALL["steps"]


@pytest.mark.parametrize("shape", [(5,), (3, 80, 80)])
def test_features_of_other_data_than_small_images_are_refused(config, shape):
    asked = changed(config, {"objective.features": "rotations"})
    with pytest.raises(ValueError, match=r"takes images .*: .*leave out --objective.features"):
        build_features(asked, SimpleNamespace(event_shape=shape))


@pytest.mark.slow
def test_features_of_large_images_are_learned_from_squares_that_updates_see(config):
    rng = np.random.default_rng(0)
    ramps = np.linspace(0, 255, 72, dtype=np.uint8)[:, None, None] * np.ones((1, 72, 1), np.uint8)
    images = ramps // rng.integers(1, 4, (200, 1, 1, 1), dtype=np.uint8)
    source = from_array(images[:150], images[150:])
    crop = {"event_shape": None, "images.size": 72, "images.crop": 16}
    asked = changed(config, {**crop, "objective.features": "rotations"})
    likelihood, (line,) = build_features(asked, source)
    assert "tells 100.0% of the quarter turns" in line
    assert likelihood(*torch.zeros(2, 3, 1, 16, 16)).shape == (3, 16, 16)


@pytest.mark.parametrize("images", [{"size": 72}, {"size": 128, "crop": 72}, {"crop": 72}])
def test_features_of_large_images_are_refused_before_data_are_read(config, images):
    own = {f"images.{key}": value for key, value in images.items()}
    asked = {"data": "my/photos", "event_shape": None, "objective.features": "rotations", **own}
    with pytest.raises(ValueError, match=r"to 64 pixels, got (72|128): resize .*--images.crop 64"):
        require_sound(changed(config, asked))


def test_a_line_says_why_there_are_no_features_and_nothing_of_metrics(config, monkeypatch):
    def nothing(*given):
        _, _, log, _ = given
        log("a classifier is not better than chance: distances compare averaged pixels")
        return None, "pixels", False

    monkeypatch.setitem(FEATURES, "rotations", nothing)
    asked = changed(config, {"objective.features": "rotations"})
    with pytest.raises(ValueError, match=r"\(a classifier is not better than chance\): leave out"):
        build_features(asked, SimpleNamespace(event_shape=(1, 8, 8)))


def test_latents_of_data_are_not_refined_towards_a_prior(config):
    with pytest.raises(ValueError, match=r"--refine 5 descends towards .* those of data alone"):
        inverted(config, None, None, 5)


@pytest.mark.parametrize("require", [require_plain, lambda config: require_ratio(config, step=9)])
def test_there_is_no_prior_to_draw_from(config, require):
    with pytest.raises(ValueError, match="no prior to draw from: use alpha-bridge reconstruct"):
        require(config)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["--objective", "reconstruction"], "reconstruction"),
        (["--objective=reconstruction", "--realism", "0.7"], "reconstruction"),
        (["--method", "vqgan-fixed"], "vqgan"),
    ],
)
def test_the_words_that_ask_for_reconstructions_decide_the_rest(words, kind):
    config = parse(["train", "digits", "--from", "somewhere", *words]).arguments["config"]
    assert config.objective.kind == kind
    assert (config.objective.kl_weight, config.model.discriminator) == (1e-6, "patches")
    assert config.model.noise_course == "measured"
    if "--realism" in words:
        assert config.realism == 0.7


@pytest.mark.parametrize("method", ["vqgan-adaptive", "vqgan-fixed"])
def test_the_usual_recipes_have_the_penalty_of_the_preset_unless_it_is_left_out(method):
    words = ["train", "digits", "--from", "somewhere", "--method", method]
    config = parse(words).arguments["config"]
    assert config.regularizer == RegularizerConfig("r1", weight=1.0, every=8)
    assert config.objective.features == "none"
    without = parse([*words, "--regularizer.kind", "none"]).arguments["config"]
    assert without.regularizer.kind == "none"


@pytest.mark.parametrize(
    ("words", "end"),
    [(["--realism", "0"], 0.0), (["--realism=0.5"], 0.5), ([], 0.9), (["--path.end=0.7"], 0.7)],
)
def test_the_dial_decides_where_the_path_of_a_vae_ends(folders, words, end):
    words = ["--from", str(folders / "diffusers"), "--objective", "reconstruction", *words]
    for data in ("digits", "my/photos"):
        config = parse(["train", data, *words]).arguments["config"]
        assert config.path.kind == "ramp"
        path = decide(config, (1, 8, 8), 1000).path
        assert (path.end, path.ml) == (end, FROM_VAE["path.ml"])


def test_at_realism_0_reconstructions_are_those_of_the_autoencoder(config):
    parts = assemble(changed(config, {"realism": 0.0}))
    assert {parts.path(step) for step in range(20)} == {0.0}
    assert any("--path.end 0" in note for note in parts.notes)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"freeze": "encoder", "init": None, "model.noise": 0.4}, "give one with --from"),
        ({"objective.kind": "marginal"}, "is not bridged with the objective marginal"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(config, values, says):
    with pytest.raises(ValueError, match=says) as error:
        changed(config, values)
    assert "\n" not in str(error.value)
