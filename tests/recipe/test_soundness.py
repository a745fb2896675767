"""Which configurations could not be trained with any data."""

from dataclasses import replace

import pytest

from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.architecture import build_networks
from alpha_bridge.recipe.decided import decide, dialled
from alpha_bridge.recipe.soundness import require_sound
from tests.looping import at_each


@at_each("size", range(1, 80))
def test_the_sizes_between_domains_are_those_that_no_translator_takes(size):
    shapes = {"event_shape": (1, size, size), "prior_shape": (1, size, size)}
    config = Config(
        data="photos",
        prior="drawings",
        objective={"kind": "marginal"},
        images={"size": size},
        model={"width": 1, "hidden": (1,)},
        **shapes,
    )
    try:
        build_networks(config)
    except ValueError:
        with pytest.raises(ValueError, match="images"):
            require_sound(config)
    else:
        require_sound(config)


@at_each("size", range(1, 80))
def test_the_sizes_that_are_refused_are_those_that_no_network_takes(size):
    config = Config(data="photos", images={"size": size}, event_shape=(1, size, size))
    small = config.model_copy(update={"model": replace(config.model, width=1, hidden=(1,))})
    try:
        build_networks(small)
    except ValueError as error:
        with pytest.raises(ValueError, match="images of"):
            require_sound(config)
        assert "images of" in str(error)
    else:
        require_sound(config)


def test_crops_are_refused_where_a_network_takes_one_size():
    config = Config(data="photos", init="my/vae", images={"size": 32, "crop": 16})
    with pytest.raises(ValueError, match=r"got --images.crop 16, need networks .*: give a VAE"):
        require_sound(config)


def test_a_size_that_a_discriminator_does_not_take_has_two_remedies_with_a_vae():
    config = Config(data="photos", init="my/vae", images={"size": 96})
    with pytest.raises(ValueError, match=r"of 96 pixels .*, or give --model.discriminator patches"):
        require_sound(config)


def test_a_sigma_that_a_vae_decides_has_no_beginning_to_anneal_from():
    config = Config(init="my/vae", model={"noise": None, "noise_course": "annealed"})
    with pytest.raises(ValueError, match=r"annealed σ begins where it is given.*--model.noise,"):
        require_sound(config)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model.noise_course": "fixed"}, "of a measured σ, and this one is fixed: give"),
        ({"objective.kind": "reconstruction"}, "encoder that is trained, got reconstruction: "),
        ({"init": "my/vae", "freeze": "encoder"}, "encoder that is trained, got --freeze encoder"),
    ],
)
def test_a_rate_is_refused_where_no_encoder_could_come_back_to_it(values, message):
    held = {"model.noise_course": "measured", "model.noise_rate": 1.25}
    require_sound(changed(Config(), held))
    with pytest.raises(ValueError, match=f"model.noise_rate, got 1.25, .*{message}"):
        require_sound(changed(Config(), held | values))


def test_what_a_run_has_recorded_of_readings_and_limits_goes_on():
    adaptive = {"path.kind": "adaptive", "steps": 30, "control.every": 20}
    limits = {"watch.answer": "stop", "control.accuracy": 0.995}
    config = changed(Config(), adaptive | limits)
    with pytest.raises(ValueError, match=r"give a lower --control.every"):
        require_sound(config)
    require_sound(config.model_copy(update={"event_shape": (2,)}))


@pytest.mark.parametrize("images", [{"size": 4}, {"size": 32, "crop": 4}])
def test_images_that_patches_cannot_halve_are_refused(images):
    model = {"discriminator": "patches", "halvings": 3}
    config = Config(data="photos", init="my/vae", images=images, model=model)
    with pytest.raises(ValueError, match=r"3 halvings takes images, .* at least 8 pixels, got 4"):
        require_sound(config)


def test_images_whose_size_is_found_later_are_held_to_the_halvings_of_patches():
    config = Config(data="photos", event_shape=(1, 8, 8))
    model = replace(config.model, discriminator="patches", halvings=4)
    with pytest.raises(ValueError, match=r"at least 16 pixels, got 8: .* --model.halvings"):
        build_networks(config.model_copy(update={"model": model}))


def test_checkpointing_without_a_vae_is_refused():
    with pytest.raises(ValueError, match=r"model.checkpointing is for .*: without --from, leave"):
        Config(model={"checkpointing": True})


def adaptive(every, steps=30, ml=0.5, transfer=0.2, **parts):
    shares = {"ml": ml, "transfer": transfer, "adversarial": 1 - ml - transfer}
    path = {"kind": "adaptive", **shares}
    return Config(steps=steps, path=path, control={"every": every}, **parts)


@pytest.mark.parametrize(("every", "ml"), [(16, 0.6), (20, 0.7), (30, 0.5), (40, 0.5)])
def test_a_path_that_no_measurement_decides_in_time_is_refused(every, ml):
    line = f"I, update {30 * ml:.0f}, and the last of 30 updates, got control.every {every}, "
    with pytest.raises(ValueError, match=line):
        require_sound(adaptive(every, ml=ml))


@pytest.mark.parametrize("every", [6, 20])
def test_measurements_as_rare_as_step_two_is_long_are_refused(every):
    with pytest.raises(
        ValueError, match=f"one jump, as control.every {every} .* 6 updates of Step"
    ):
        require_sound(adaptive(every))


@pytest.mark.parametrize("every", [1, 5])
def test_measurements_within_step_two_are_taken(every):
    require_sound(adaptive(every))


@at_each("steps", [5, 20, 99, 100, 101, 1000, 12_345])
def test_what_is_decided_has_measurements_within_step_two(steps):
    for shape in ((2,), (1, 8, 8)):
        config = dialled(Config(steps=steps))
        require_sound(changed(config, {"path.kind": "adaptive"}))
        config = decide(config, shape, 1000).model_copy(update={"event_shape": shape})
        assert config.path.kind == "adaptive"
        require_sound(config)


def with_answer(answer, control, watch, **path):
    path = {"kind": "adaptive", **path}
    return Config(path=path, control=control, watch={"answer": answer, **watch})


@pytest.mark.parametrize("answer", ["stop", "roll-back"])
@pytest.mark.parametrize(
    ("control", "watch", "line"),
    [
        ({"accuracy": 0.985}, {}, "control.accuracy 0.985 .* above watch.accuracy 0.98, where"),
        ({}, {"accuracy": 0.9}, "control.accuracy 0.99 lets α move on above watch.accuracy 0.9,"),
        ({}, {"ess": 0.2}, "control.ess 0.1 lets α move on below watch.ess 0.2, where"),
        ({"ess": 0.01}, {}, "control.ess 0.01 lets α move on below watch.ess 0.02, where"),
    ],
)
def test_limits_of_alpha_that_the_recorder_contradicts_are_refused(answer, control, watch, line):
    with pytest.raises(ValueError, match=f"{line}.* the answer is to {answer}: give one value"):
        require_sound(with_answer(answer, control, watch))
    require_sound(with_answer("say", control, watch))
    require_sound(with_answer(answer, control, watch, kind="ramp"))


@pytest.mark.parametrize(
    "limits", [{}, {"accuracy": 0.98}, {"accuracy": 0.9}, {"ess": 0.02}, {"ess": 0.5}]
)
def test_the_defaults_and_limits_of_alpha_within_the_recorders_are_taken(limits):
    require_sound(with_answer("stop", limits, {}))
