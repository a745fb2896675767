"""The configuration: its JSON, its messages, and what it refuses."""

import json
import math
from itertools import pairwise

import pytest
from pydantic import ValidationError

from alpha_bridge.recipe import (
    CHANGEABLE,
    Config,
    changed,
    differences,
    known_keys,
    read_config,
    resumed,
    value_of,
)
from alpha_bridge.recipe.decided import decide, dialled
from alpha_bridge.recipe.presets import PRESETS
from alpha_bridge.settings import (
    EvaluationConfig,
    GammaConfig,
    ImagesConfig,
    ModelConfig,
    PathConfig,
)

SHARES = {"ml": 0.2, "transfer": 0.5, "adversarial": 0.3}


def write(folder, text):
    path = folder / "config.json"
    path.write_text(text)
    return path


def refusal(values):
    with pytest.raises(ValueError) as caught:
        read_config(values)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trip_gives_the_same_configuration(tmp_path, name):
    path = write(tmp_path, json.dumps(PRESETS[name].model_dump(mode="json")))
    assert read_config(path) == PRESETS[name]


def test_a_dictionary_and_its_file_read_the_same(tmp_path):
    values = {"steps": 30, "model": {"hidden": [8, 4]}, "event_shape": [1, 8, 8]}
    assert read_config(values) == read_config(write(tmp_path, json.dumps(values)))


@pytest.mark.parametrize(
    ("key", "remedy"),
    [("nonsense", "leave it out"), ("model.latnt", "did you mean 'model.latent'?")],
)
def test_what_is_decided_are_settings(tmp_path, key, remedy):
    values = {"decided": ["model.latent", key]}
    line = f"decided names an unknown key {key!r}: {remedy}"
    assert refusal(values) == line
    path = write(tmp_path, json.dumps(values))
    assert refusal(path) == f"{path}: {line}"


def test_a_setting_without_a_rule_is_not_decided():
    with pytest.raises(ValueError, match="decided names seed, for which there is no rule: leave"):
        decide(read_config({"decided": ["seed"]}), (5,), 100)


def test_what_is_not_given_takes_its_default():
    assert read_config({"seed": 3}) == Config(seed=3)


def test_a_configuration_cannot_be_changed_in_place():
    with pytest.raises(ValidationError):
        Config().seed = 1


def test_every_key_of_the_json_is_known():
    def keys(values, prefix=""):
        for key, value in values.items():
            if isinstance(value, dict):
                yield from keys(value, f"{prefix}{key}.")
            else:
                yield prefix + key

    assert list(keys(Config().model_dump())) == known_keys()


def test_equal_configurations_do_not_differ():
    assert differences(Config(), Config()) == []


def test_differences_name_nested_keys_with_both_values():
    other = Config(model=ModelConfig(noise=0.5), gamma=GammaConfig(c=20.0))
    assert differences(Config(), other) == ["gamma.c: 10.0 and 20.0", "model.noise: 0.4 and 0.5"]


def test_every_key_makes_a_difference():
    changed = {
        "data": "digits",
        "precision": "bf16",
        "event_shape": (3,),
        "path": PathConfig(ml=0.25, transfer=0.25, adversarial=0.5, start=0.1, end=0.9),
        "images": ImagesConfig(size=8),
    }
    for key, value in changed.items():
        found = differences(Config(), Config(**{key: value}))
        assert found
        assert all(line.split(":")[0].split(".")[0] == key for line in found)


def test_lengths_of_the_path_add_up_to_the_steps():
    path = PathConfig(ml=1 / 3, transfer=1 / 3, adversarial=1 / 3)
    for steps in range(3, 200):
        lengths = path.lengths(steps)
        assert sum(lengths) == steps
        assert max(lengths) - min(lengths) <= 1


def test_snapshots_lie_apart_within_step_two():
    for steps in range(20, 120):
        most = Config(steps=steps).path.lengths(steps)[1] - 1
        for snapshots in {1, 2, 5, most}:
            config = Config(steps=steps, snapshots=min(snapshots, most))
            first, second, _ = config.path.lengths(steps)
            found = config.snapshot_steps
            assert len(set(found)) == len(found) == config.snapshots
            assert first < min(found) and max(found) < first + second
            gaps = [after - before for before, after in pairwise((first, *found, first + second))]
            assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(("snapshots", "transfer"), [(10, 0.5), (11, 0.5), (1, 0.0)])
def test_more_snapshots_than_step_two_has_room_for_are_refused(snapshots, transfer):
    path = {"ml": 0.5, "transfer": transfer, "adversarial": 0.5 - transfer}
    with pytest.raises(ValueError, match=f"too few for {snapshots} snapshots"):
        read_config({"steps": 20, "snapshots": snapshots, "path": path})


def test_values_are_changed_by_key():
    config = changed(Config(seed=3), {"steps": 500, "path.end": 0.9, "model.latent": 8})
    assert differences(Config(seed=3), config) == [
        "steps: 10000 and 500",
        "path.end: 1.0 and 0.9",
        "model.latent: 2 and 8",
    ]


@pytest.mark.parametrize("key", ["stepz", "model.noize", "modle.noise"])
def test_a_key_to_change_that_is_unknown_is_named(key):
    with pytest.raises(ValueError, match=f"unknown key '{key.removesuffix('.noise')}'"):
        changed(Config(), {key: 1})


def test_a_share_of_zero_has_no_updates():
    path = PathConfig(ml=0, transfer=0, adversarial=1)
    assert Config(path=path, steps=1).path.lengths(1) == (0, 0, 1)


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"stepz": 3}, ["'stepz'", "did you mean 'steps'"]),
        ({"model": {"noize": 1}}, ["'model.noize'", "did you mean 'model.noise'"]),
        ({"path": SHARES | {"ml": -0.1}}, ["path: ", "-0.1", "add up to 1"]),
        ({"path": SHARES | {"ml": 0.5}}, ["path: ", "0.5 + 0.5 + 0.3 = 1.3"]),
        ({"path": SHARES | {"ml": math.nan}}, ["path: ", "nan"]),
        ({"path": {"start": 2}}, ["path.start must", "got 2"]),
        ({"path": {"end": -1}}, ["path.end must", "got -1"]),
        ({"path": {"end": math.nan}}, ["path.end must", "got nan"]),
        ({"seed": -1}, ["seed must be at least 0, got -1"]),
        ({"steps": 0}, ["steps must", "got 0"]),
        ({"steps": -5}, ["steps must", "got -5"]),
        ({"steps": 1, "path": SHARES}, ["1 steps", "0.2, 0.5, 0.3", "give more steps"]),
        ({"steps": "ten"}, ["steps: ", "'ten'"]),
        ({"steps": 2.5}, ["steps: ", "2.5"]),
        ({"batch_size": 0}, ["batch_size must", "got 0"]),
        ({"record_every": 0}, ["record_every must", "got 0"]),
        ({"checkpoint_every": 0}, ["checkpoint_every must", "got 0"]),
        ({"evaluation": {"every": 0}}, ["evaluation.every must", "got 0"]),
        ({"evaluation": {"samples": 1}}, ["evaluation.samples must", "got 1"]),
        ({"evaluation": {"shown": 0}}, ["evaluation.shown must", "got 0"]),
        ({"evaluation": {"bandwidth": 0}}, ["evaluation.bandwidth must", "got 0"]),
        ({"evaluation": {"bandwidth": math.inf}}, ["evaluation.bandwidth must", "got inf"]),
        ({"evaluation": {"features": "vgg"}}, ["evaluation.features: ", "'classifier'", "'vgg'"]),
        ({"gamma": {"c": -1}}, ["gamma.c must lie in [0.001, 200], got -1"]),
        ({"gamma": {"d": 500}}, ["gamma.d must lie in [-200, 200], got 500"]),
        ({"gamma": {"kind": "power", "exponent": 0}}, ["gamma.exponent must be", "got 0"]),
        ({"mixture": {"side": 0}}, ["mixture.side must be at least 1, got 0"]),
        ({"mixture": {"std": 0}}, ["mixture.std must be positive", "got 0"]),
        ({"objective": {"clip": 0}}, ["objective.clip must be", "got 0"]),
        ({"optimization": {"generator": 0}}, ["optimization.generator must be", "got 0"]),
        ({"optimization": {"encoder": -1}}, ["optimization.encoder must be", "got -1"]),
        ({"optimization": {"beta1": 1}}, ["optimization.beta1 must lie in [0, 1)", "got 1"]),
        ({"regularizer": {"every": 0}}, ["regularizer.every must", "got 0"]),
        ({"regularizer": {"weight": -1}}, ["regularizer.weight must be", "got -1"]),
        ({"model": {"noise": 0}}, ["model.noise must be positive and finite, got 0"]),
        ({"model": {"noise": -1}}, ["model.noise must be positive and finite, got -1"]),
        ({"model": {"hidden": []}}, ["model.hidden must", "at least 1"]),
        ({"model": {"hidden": [8, 0]}}, ["model.hidden.1 must", "got 0"]),
        ({"model": {"latent": 0}}, ["model.latent must", "got 0"]),
        ({"model": {"width": -1}}, ["model.width must", "got -1"]),
        ({"precision": "fp8"}, ["precision: ", "'bf16'", "'fp8'"]),
        ({"model": 3}, ["model: ", "got 3"]),
    ],
)
def test_a_refusal_names_the_key_the_value_and_the_remedy(values, parts):
    message = refusal(values)
    for part in parts:
        assert part in message


@pytest.mark.parametrize("text", ["{nope", "", "[]", "3", '{"steps": }', "\x00", "[" * 100_000])
def test_a_file_that_is_no_json_object_is_named(tmp_path, text):
    path = write(tmp_path, text)
    assert refusal(path).startswith(f"{path} is damaged (")


def test_a_message_about_a_broken_file_does_not_repeat_the_file(tmp_path):
    path = write(tmp_path, "{" + "x" * 10_000)
    assert len(refusal(path)) < len(str(path)) + 200


def test_an_unknown_key_of_a_file_is_named_with_the_file(tmp_path):
    path = write(tmp_path, '{"stepz": 3}')
    assert refusal(path) == f"{path}: unknown key 'stepz': did you mean 'steps'?"


def test_a_part_that_is_built_alone_explains_itself_by_its_whole_key():
    with pytest.raises(ValueError, match=r"^evaluation\.samples must be at least 2, got 0"):
        EvaluationConfig(samples=0)


@pytest.mark.parametrize(
    ("data", "idle"),
    [
        ("gaussians25", ("images",)),
        ("digits", ("mixture", "images")),
        ("my/vectors.npy", ("mixture", "images")),
        ("ylecun/mnist", ("mixture",)),
    ],
)
def test_parts_that_the_data_do_not_use_are_idle(data, idle):
    assert Config(data=data).idle == idle


def test_noise_without_a_value_needs_a_vae_to_measure():
    assert "model.noise must be a number without --from" in refusal({"model": {"noise": None}})
    assert read_config({"init": "somewhere", "model": {"noise": None}}).model.noise is None


def test_a_latent_scale_without_a_vae_is_refused():
    assert "latent_scale belongs to the VAE of --from" in refusal({"latent_scale": 0.5})


def test_the_architecture_of_a_vae_is_kept_as_it_is():
    values = {"init": "somewhere", "architecture": {"library": "a", "config": {"sizes": [1, 2]}}}
    config = read_config(values)
    assert read_config(json.loads(config.model_dump_json())) == config


# What a run may change when it goes on


BEGAN = Config(event_shape=(2,), batch_size=64)


def history(config):
    return [(of.step, of.key, of.before, of.after) for of in config.changes]


def test_a_run_that_goes_on_unchanged_has_no_history():
    assert resumed(BEGAN, BEGAN, 500) == BEGAN
    assert "changes" not in BEGAN.model_dump()


def test_what_the_data_decided_need_not_be_given_again():
    assert resumed(BEGAN, Config(batch_size=64), 500) == BEGAN


def test_the_latent_scale_that_a_vae_decided_need_not_be_given_again():
    began = changed(BEGAN, {"init": "vae", "latent_scale": 0.9})
    assert resumed(began, changed(began, {"latent_scale": None}), 500) == began
    with pytest.raises(ValueError, match="init: vae and None"):
        resumed(began, BEGAN, 500)


def test_what_was_decided_need_not_be_given_again():
    asked = changed(dialled(Config()), {"model.latent": 3})
    began = decide(asked, (16,), 100).model_copy(update={"event_shape": (16,)})
    assert resumed(began, asked, 500) == began
    later = resumed(began, changed(asked, {"optimization.generator": 1e-5}), 500)
    assert history(later) == [(500, "optimization.generator", 3e-3 * 32**0.5 / 128**0.5, 1e-5)]
    assert {*began.decided} - {*later.decided} == {"optimization.generator"}
    assert resumed(later, asked, 700).optimization.generator == 1e-5
    lower = {"path.end": 0.4, "gamma.end": 0.9}
    back = resumed(began, changed(began, lower), 500, also=lower)
    assert resumed(back, asked, 700) == back
    for values in ({"model.latent": 4}, {"model.width": 8}, {"realism": 0.5}):
        with pytest.raises(ValueError, match=f"{next(iter(values))}: "):
            resumed(began, changed(asked, values), 500)


def test_what_is_changed_is_kept_with_its_update_and_both_values(tmp_path):
    given = changed(BEGAN, {"optimization.generator": 1e-4, "regularizer.weight": 1.0})
    config = resumed(BEGAN, given, 500)
    assert value_of(config, "optimization.generator") == 1e-4
    assert history(config) == [
        (500, "regularizer.weight", 0.3, 1.0),
        (500, "optimization.generator", 1e-3, 1e-4),
    ]
    assert read_config(write(tmp_path, json.dumps(config.model_dump(mode="json")))) == config


def test_a_later_change_is_added_to_the_history():
    first = resumed(BEGAN, changed(BEGAN, {"optimization.generator": 1e-4}), 500)
    second = resumed(first, changed(first, {"optimization.generator": 1e-5}), 700)
    assert history(second) == [
        (500, "optimization.generator", 1e-3, 1e-4),
        (700, "optimization.generator", 1e-4, 1e-5),
    ]


@pytest.mark.parametrize("step", [500, 300])
def test_what_trained_nothing_that_stays_leaves_the_history(step):
    first = resumed(BEGAN, changed(BEGAN, {"optimization.generator": 1e-4}), 500)
    second = resumed(first, changed(first, {"optimization.generator": 1e-5}), step)
    assert history(second) == [(step, "optimization.generator", 1e-3, 1e-5)]
    back = resumed(first, changed(first, {"optimization.generator": 1e-3}), step)
    assert back == BEGAN


def test_the_history_of_what_is_given_is_not_the_runs():
    other = resumed(BEGAN, changed(BEGAN, {"optimization.generator": 1e-4}), 500)
    assert history(resumed(BEGAN, other, 100)) == [(100, "optimization.generator", 1e-3, 1e-4)]


OTHERWISE = {
    "batch_size": 32,
    "precision": "bf16",
    "compile": True,
    "record_every": 7,
    "checkpoint_every": 7,
    "keep": 5,
    "best": "modes",
    "objective.clip": 3.0,
    "objective.weight": 2.0,
    "objective.one_backward": False,
    "regularizer.kind": "gp",
    "regularizer.weight": 3.0,
    "regularizer.every": 4,
    "optimization.generator": 1e-5,
    "optimization.encoder": 1e-5,
    "optimization.discriminator": 1e-5,
    "optimization.schedule": "cosine",
    "optimization.warmup": 5,
    "optimization.beta1": 0.4,
    "optimization.beta2": 0.8,
    "optimization.hold": 0.5,
    "optimization.average": 0.9,
    "optimization.average_grows": True,
    "optimization.discriminator_steps": 2,
    "evaluation.every": 7,
    "track": (),
    "watch.answer": "stop",
    "watch.diverged": "roll-back",
    "watch.change": "alpha",
    "watch.rollbacks": 1,
    "watch.bundles": 1,
    "watch.every": 7,
    "watch.patience": 7,
    "watch.ess": 0.1,
    "watch.accuracy": 0.9,
    "watch.logit": 5.0,
    "watch.spread": 0.1,
}


def test_every_key_that_may_change_is_tried():
    tried = {key for key in known_keys() if {key, key.split(".")[0]} & set(CHANGEABLE)}
    assert tried == set(OTHERWISE)


@pytest.mark.parametrize(("key", "value"), OTHERWISE.items())
def test_rates_penalties_and_what_is_written_may_change(key, value):
    config = resumed(BEGAN, changed(BEGAN, {key: value}), 500)
    assert history(config) == [(500, key, value_of(BEGAN, key), value)]


@pytest.mark.parametrize(
    ("key", "value"),
    {
        "data": "ring8",
        "seed": 1,
        "steps": 500,
        "trials": 2,
        "snapshots": 3,
        "event_shape": (3,),
        "path.end": 0.9,
        "gamma.c": 20.0,
        "model.noise": 0.5,
        "model.latent": 3,
        "objective.game": "js",
        "regularizer.kind": "spectral",
        "evaluation.samples": 50,
        "mixture.std": 0.2,
    }.items(),
)
def test_data_networks_and_path_stay_as_they_are(key, value):
    with pytest.raises(ValueError, match=f"^{key}: .* and "):
        resumed(BEGAN, changed(BEGAN, {key: value}), 500)
