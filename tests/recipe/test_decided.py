"""What is decided from the data and the dial."""

from types import SimpleNamespace

import pytest

from alpha_bridge.cli.start import keys_of
from alpha_bridge.recipe import changed, read_config, resumed
from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.recipe.config import Config
from alpha_bridge.recipe.decided import (
    DIALLED,
    RULES,
    decide,
    described,
    dialled,
    left_again,
)
from alpha_bridge.recipe.methods import METHODS, SHARES
from alpha_bridge.recipe.presets import from_vae, left_open, of_data, of_reconstructions
from alpha_bridge.recipe.reading import value_of
from alpha_bridge.recipe.soundness import require_sound
from alpha_bridge.settings import ranges
from tests.looping import at_each

OF_MEASURED = {"model.noise_decay", "model.noise_rate"}
NO_DIAL = [name for name in METHODS if name not in ("alpha-bridge", "hinge-bridge")]
"""Those whose α does not move."""
SHAPES = [(1,), (2,), (50,), (1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("count", "realism"), [(None, 0.9), (2, 0.0), (20, 0.5), (497, 1.0), (60_000, 0.9)]
)
def test_whatever_the_data_the_decision_is_a_sound_configuration(shape, count, realism):
    config = decide(dialled(Config(), realism), shape, count)
    require_sound(config)
    assert config.batch_size <= (count or config.batch_size)
    assert config.path.end == realism


@pytest.mark.parametrize("key", [key for key in RULES if key not in SHARES])
def test_what_is_given_is_not_decided(key):
    config = dialled(Config())
    decided = decide(config, (3, 32, 32), 497)
    given = changed(config, {key: value_of(decided, key)})
    assert key not in given.decided
    assert {*given.decided} == {*RULES} - {key}


def test_shares_of_the_path_are_given_together():
    config = changed(dialled(Config()), {"path.ml": 0.3, "path.adversarial": 0.2})
    decided = decide(config, (2,), None)
    assert [value_of(decided, key) for key in SHARES] == [0.3, 0.5, 0.2]
    assert not {*SHARES} & {*decided.decided}


def test_a_given_value_stays():
    config = changed(dialled(Config()), {"model.latent": 7, "batch_size": 10})
    decided = decide(config, (1, 28, 28), 1000)
    assert (decided.model.latent, decided.batch_size) == (7, 10)


@pytest.mark.parametrize(
    ("shape", "course"),
    [((2,), "fixed"), ((10,), "fixed"), ((16,), "measured"), ((1, 8, 8), "measured")],
)
def test_sigma_is_measured_where_the_latents_leave_an_error(shape, course):
    assert decide(dialled(Config()), shape, None).model.noise_course == course


@pytest.mark.parametrize(
    ("shape", "latent", "course"),
    [
        ((1, 8, 8), 48, "fixed"),
        ((1, 8, 8), 32, "measured"),
        ((10,), 2, "measured"),
        ((10,), 6, "fixed"),
    ],
)
def test_of_latents_that_are_given_it_is_these_that_count(shape, latent, course):
    config = changed(dialled(Config()), {"model.latent": latent})
    assert decide(config, shape, None).model.noise_course == course


@pytest.mark.parametrize(
    "values",
    [
        {"objective.kind": "joint"},
        {"objective.kind": "reconstruction"},
        {"path.start": 0.5},
        {"path.sweeps": 2},
        {"snapshots": 2},
    ],
)
def test_alpha_follows_a_ramp_where_nothing_else_is_possible(values):
    config = decide(changed(dialled(Config()), values), (16,), None)
    require_sound(config)
    assert config.path.kind == "ramp"
    assert config.model.noise_course == ("measured" if config.objective.one_sided else "fixed")
    assert config.model.noise_rate == (1.25 if config.objective.kind == "data" else None)
    assert config.objective.normalized == config.objective.one_sided


def test_alpha_that_moves_at_once_waits_for_nothing():
    shares = {"path.ml": 0.5, "path.transfer": 0.0, "path.adversarial": 0.5}
    at_once = dialled(Config()).model_copy(update={"decided": ("path.kind",)})
    assert decide(changed(at_once, shares), (3, 32, 32), 1000).path.kind == "ramp"
    assert decide(at_once, (3, 32, 32), 1000).path.kind == "adaptive"


def test_short_runs_are_measured_more_often():
    few, many = (decide(changed(dialled(Config()), {"steps": n}), (2,), None) for n in (20, 9000))
    assert (few.control.every, many.control.every) == (1, 20)


@pytest.mark.parametrize(
    ("steps", "decay"), [(100, 0.99), (1200, 0.99), (10_000, 0.9988), (2_500_000, 1 - 4.8e-6)]
)
def test_sigma_is_averaged_over_a_share_of_the_updates(steps, decay):
    config = decide(changed(dialled(Config()), {"steps": steps}), (1, 8, 8), None)
    assert config.model.noise_decay == pytest.approx(decay, abs=1e-9)


def test_an_encoder_that_learned_elsewhere_has_no_rate_to_keep():
    config = changed(dialled(Config(init="my/vae")), {"freeze": "encoder"})
    assert decide(config, (1, 8, 8), None).model.noise_rate is None


@pytest.mark.parametrize(
    ("shape", "sigma"), [((1, 8, 8), 0.29), ((1, 16, 16), 0.57), ((1, 28, 28), 1), ((3, 64, 64), 1)]
)
def test_sigma_of_images_weighs_small_ones_alike(shape, sigma):
    assert decide(dialled(Config()), shape, None).model.noise == sigma


def test_sigma_of_vectors_begins_at_a_fifth_of_their_spread():
    assert decide(dialled(Config()), (2,), None, spread=2.84).model.noise == 0.57


def test_rates_fall_with_the_root_of_a_smaller_batch():
    usual, small = (decide(dialled(Config()), (1, 8, 8), count) for count in (1000, 40))
    assert (usual.batch_size, small.batch_size) == (64, 16)
    assert small.optimization.generator == pytest.approx(usual.optimization.generator / 2)


@pytest.mark.parametrize(
    ("count", "processes", "batch"),
    [(None, 2, 64), (None, 3, 63), (None, 6, 60), (3, 2, 2), (40, 3, 15), (None, 1, 64)],
)
def test_a_batch_has_an_equal_share_for_each_process(count, processes, batch):
    config = decide(dialled(Config()), (1, 8, 8), count, processes=processes)
    assert config.batch_size == batch
    assert config.optimization.encoder == pytest.approx(3e-3 * (batch / 64) ** 0.5)


def test_the_processes_of_a_run_are_those_that_its_batch_is_decided_for():
    config = changed(dialled(Config(data="digits", steps=100)), {"evaluation.samples": 100})
    assert assemble(config, accelerator=SimpleNamespace(num_processes=3)).config.batch_size == 63


def test_every_decision_is_said_and_recorded():
    config = decide(dialled(Config()), (2,), None)
    (line,) = described(config)
    assert line.startswith("decided, where you give nothing else: --batch-size 128, --path.kind ")
    assert "--model.hidden 128 128 128, " in line
    assert keys_of(line.replace(",", "").split()) == {*RULES} - OF_MEASURED
    assert read_config(config.model_dump(mode="json")) == config


def test_what_every_run_with_a_dial_has_is_decided_too():
    config = decide(dialled(Config()), (2,), None)
    assert {*DIALLED} < {*config.decided}
    assert {key: value_of(config, key) for key in DIALLED} == DIALLED
    assert "--gamma.kind realism, --optimization.schedule cosine, " in described(config)[0]
    given = changed(dialled(Config()), {"watch.diverged": "end"})
    assert decide(given, (2,), None).watch.diverged == "end"


@pytest.mark.parametrize(
    ("shape", "rows", "unread"),
    [
        ((2,), None, {"model.width"} | OF_MEASURED),
        (
            (4,),
            (((0, 3),), ((3, None),)),
            {"model.width", "control.every", "model.noise", "model.noise_course"} | OF_MEASURED,
        ),
        ((1, 8, 8), None, set()),
    ],
)
def test_what_nothing_reads_is_not_said(shape, rows, unread):
    asked = dialled(Config()).model_copy(update={"event_shape": shape, "rows": rows})
    (line,) = described(decide(asked, shape, 400))
    assert keys_of(line.replace(",", "").split()) == {*RULES} - unread


def test_nothing_is_said_where_nothing_is_decided():
    assert described(Config()) == ()
    assert decide(Config(), (2,), None) == Config()


def test_what_was_decided_is_not_decided_again_when_the_run_goes_on():
    config = changed(dialled(Config(data="digits", steps=100)), {"evaluation.samples": 100})
    first = assemble(config).config
    kept = first.model_copy(update={"model": changed(first, {"model.latent": 5}).model})
    assert assemble(kept).config.model.latent == 5


@pytest.mark.parametrize("method", [name for name in METHODS if name != "alpha-bridge"])
def test_a_baseline_has_the_path_that_defines_it(method):
    config = decide(METHODS[method].apply(dialled(Config())), (2,), None)
    METHODS[method].require(config)
    assert config.path.kind == "ramp"


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
@pytest.mark.parametrize("method", METHODS)
def test_the_steps_of_a_method_are_made_of_those_of_the_bridge(method, shape):
    asked = changed(dialled(Config()), {"steps": 3000})
    bridge, other = (decide(METHODS[m].apply(asked), shape, 400) for m in ("alpha-bridge", method))
    found, steps = ([value_of(of, key) for key in SHARES] for of in (other, bridge))
    assert found == [*METHODS[method].shares(*steps)]
    depend = ("naive", "vqgan-adaptive", "vqgan-fixed", "hinge-bridge", "alpha-bridge")
    assert ({*SHARES} <= {*other.decided}) == (method in depend)


def test_data_of_the_user_have_a_dial():
    config = of_data("my/photos")
    assert (config.realism, config.gamma.kind) == (0.9, "realism")
    assert {*config.decided} == {*RULES}


def test_every_rule_is_for_a_setting():
    for key in RULES:
        part, *rest = key.split(".")
        owner = type(value_of(Config(), part)) if rest else Config
        assert rest == [] or rest[0] in ranges(owner) or hasattr(owner, rest[0])


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8)])
@at_each("steps", [*range(3, 60), 100, 999, 3000, 10_000, 123_457])
def test_every_step_of_a_path_that_is_decided_has_an_update(shape, steps):
    config = decide(changed(dialled(Config()), {"steps": steps}), shape, 400)
    assert min(config.path.lengths(steps)) >= 1


def test_the_shares_are_those_that_were_measured():
    def shares(shape, steps):
        path = decide(changed(dialled(Config()), {"steps": steps}), shape, 400).path
        return path.lengths(steps)

    assert shares((1, 28, 28), 1000) == (350, 100, 550)
    assert shares((2,), 1000) == (200, 200, 600)
    assert shares((2,), 3000) == (600, 249, 2151)
    assert shares((2,), 10_000) == (600, 250, 9150)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"objective.kind": "joint", "model.noise_course": "measured"},
            "σ is measured on reconstructions of the data, got the obj",
        ),
        (
            {"objective.kind": "joint", "model.noise_course": "learned"},
            "an adaptive path needs the objective data or reconstruction, got joint",
        ),
        ({"path.start": 0.5}, "goes once from 0 to its end, got path.start 0.5 and path.sweeps 1"),
        ({"path.sweeps": 2}, "got path.start 0 and path.sweeps 2"),
        (
            {"path.ml": 0.5, "path.transfer": 0.0, "path.adversarial": 0.5},
            "an adaptive path needs path.transfer above 0",
        ),
        ({"snapshots": 3}, "snapshots lie evenly along a ramp, got snapshots=3"),
        ({"control.every": 10_000}, "no measurement .* the last of 10000 updates, got .* 10000"),
    ],
)
def test_a_path_that_cannot_be_followed_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        require_sound(changed(dialled(Config()), {"path.kind": "adaptive"} | values))


def test_the_dial_of_a_file_decides_what_the_file_leaves_out():
    content = {"realism": 0.5, "batch_size": 9, "model": {"latent": 7}, "gamma": {"kind": "linear"}}
    config = left_open(read_config(content), content)
    given = {"batch_size", "model.latent", "gamma.kind"}
    assert {*config.decided} == {*RULES} - given
    decided = decide(config, (1, 8, 8), 400)
    assert (decided.batch_size, decided.model.latent, decided.gamma.kind) == (9, 7, "linear")
    assert (decided.path.end, decided.optimization.schedule) == (0.5, "cosine")


def test_a_run_that_went_back_is_decided_again_as_it_began():
    asked = changed(dialled(Config()), {"regularizer.weight": 3.0})
    shape = {"event_shape": (1, 8, 8)}
    run = decide(asked, (1, 8, 8), 1000).model_copy(update=shape)
    later = {"path.end": 0.3, "gamma.end": 0.9, "optimization.encoder": 1e-4, "keep": 5}
    back = resumed(run, changed(run, later), 500, also=later)
    back = resumed(back, changed(back, {"regularizer.weight": 1.0}), 700)
    found = decide(changed(left_again(back), {"realism": 0.5}), (1, 8, 8), 1000)
    wanted = decide(changed(asked, {"realism": 0.5}), (1, 8, 8), 1000)
    assert found == wanted
    assert (found.path.end, found.gamma.end, found.regularizer.weight) == (0.5, None, 3.0)


def test_a_dial_of_which_nothing_follows_is_refused():
    with pytest.raises(ValueError, match=r"realism, got 0.5, has no effect .*--gamma.kind realism"):
        require_sound(Config(realism=0.5))


AUTOENCODER = from_vae(of_data("my/photos"), "my/vae")
ONE_SIDED = [name for name in NO_DIAL if name not in ("ali", "cyclegan")]
FIXED = [(of, method) for of in (of_data("my/photos"), AUTOENCODER) for method in ONE_SIDED]


@pytest.mark.parametrize(("start", "method"), FIXED)
def test_a_dial_that_a_method_has_no_use_for_is_refused_where_it_is_given(start, method):
    config = METHODS[method].apply(of_reconstructions(start))
    require_sound(config)
    assert config.realism == 0.9
    given = changed(config, {"realism": 0.2})
    with pytest.raises(ValueError, match=r"realism, got 0.2, has no effect where .*: leave it out"):
        require_sound(given)
    run = given.model_copy(update={"event_shape": (3, 32, 32)})  # as earlier versions left it
    require_sound(read_config(run.model_dump(mode="json")))


def test_the_run_of_a_method_without_a_dial_is_read_and_repeated():
    config = METHODS["ml"].apply(dialled(Config(data="digits")))
    run = decide(config, (1, 8, 8), 1000).model_copy(update={"event_shape": (1, 8, 8)})
    found = read_config(run.model_dump(mode="json"))
    assert found == run
    require_sound(changed(left_again(found), {"steps": 500}))


@pytest.mark.parametrize("method", METHODS)
def test_a_dial_stays_where_a_method_follows_it(method):
    config = METHODS[method].apply(dialled(Config(), 0.2))
    assert config.realism == (0.9 if method in NO_DIAL else 0.2)
    require_sound(config)
