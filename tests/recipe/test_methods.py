"""One suite for every row of the table: each method is made, trained, resumed and stacked alike."""

import json
import math
from functools import cache
from types import SimpleNamespace

import pyarrow
import pyarrow.parquet
import pytest
import torch

from alpha_bridge.adversarial import Bridge, FixedSum, Hinge, JensenShannon, Wasserstein
from alpha_bridge.model import NETWORKS
from alpha_bridge.penalty import R1, GradientPenalty, SpectralNorm
from alpha_bridge.recipe import Config, MethodName, differences, known_keys, read_config
from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.recipe.decided import dialled
from alpha_bridge.recipe.methods import METHODS, NO_RATIO, undialled
from alpha_bridge.recipe.presets import PRESETS, of_data
from alpha_bridge.recipe.slots import ADVERSARIAL_LOSSES
from alpha_bridge.runs.folder import Run
from alpha_bridge.settings import ModelConfig, ObjectiveConfig, PathConfig, RegularizerConfig
from alpha_bridge.training import Callback
from alpha_bridge.training.state import of_trial
from tests.saving import SaveAfter

STEPS = 20
SHORT = 8
TRIALS = 2
every_method = pytest.mark.parametrize("name", METHODS)
UNLIKE = ("alpha-bridge", "wgan-gp", "ali", "vqgan-adaptive")
"""Methods between them of every kind of loss, regulariser and discriminator."""


def case(name, *others):
    """A case of a method, which is slow where one like it is not."""
    return pytest.param(name, *others, marks=[] if name in UNLIKE else pytest.mark.slow)


every_method_and_preset = pytest.mark.parametrize(
    ("name", "preset"),
    [
        *((name, preset) for name in METHODS for preset in ("gaussians25", "mnist")),
        *(("naive", preset) for preset in PRESETS if preset not in ("gaussians25", "mnist")),
    ],
)

# adversarial loss, regulariser where the method decides it,
# and α of 20 updates of the shares .2, .5, .3
ROWS = {
    "ml": (Bridge, None, [0.0] * 20),
    "rkl-gp": (Bridge, R1, [1.0] * 20),
    "rkl-sn": (Bridge, SpectralNorm, [1.0] * 20),
    "js-gan": (JensenShannon, None, [1.0] * 20),
    "hinge-gan": (Hinge, None, [1.0] * 20),
    "wgan-gp": (Wasserstein, GradientPenalty, [1.0] * 20),
    "naive": (Bridge, None, [0.0] * 4 + [1.0] * 16),
    "vaegan-sum": (FixedSum, None, [0.5] * 20),
    "ali": (JensenShannon, None, [1.0] * 20),
    "cyclegan": (FixedSum, None, [0.5] * 20),
    "vqgan-adaptive": (None, None, [0.0] * 4 + [1.0] * 16),
    "vqgan-fixed": (None, None, [0.0] * 4 + [1.0] * 16),
    "hinge-bridge": (Hinge, None, [0.0] * 4 + [k / 11 for k in range(1, 11)] + [1.0] * 6),
    "alpha-bridge": (Bridge, None, [0.0] * 4 + [k / 11 for k in range(1, 11)] + [1.0] * 6),
}


def config(name, preset="gaussians25", **changes):
    """A preset made small, with a method of the table."""
    small = {
        "steps": STEPS,
        "batch_size": 16,
        "path": PathConfig(ml=0.2, transfer=0.5, adversarial=0.3),
        "model": ModelConfig(latent=2, hidden=(8,), width=4),
        **changes,
    }
    return METHODS[name].apply(PRESETS[preset].model_copy(update=small))


def short(name, preset="gaussians25", **changes):
    """The same with a few updates of each step of the path."""
    return config(name, preset, steps=SHORT, **changes)


def fitted(config, double=False, **options):
    parts = assemble(config)
    if double:
        parts.model.double()
    return parts.fit(**options)


def resumed(config, checkpoint):
    """From other weights, so that every one has to come from the checkpoint."""
    parts = assemble(config)
    for value in parts.model.state_dict().values():
        value.add_(1)
    return parts.fit(checkpoint=checkpoint)


def everything(state):
    """All tensors of a state by one name each, but for torch's own random numbers."""
    return {
        (file, name): value
        for file, tensors in state.tensors().items()
        for name, value in tensors.items()
    }


def differing(one, other):
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]


def values(model, player):
    return torch.cat([p.detach().flatten().clone() for p in model.network_parameters(player)])


# The table


def test_every_method_that_the_configuration_allows_has_a_row():
    assert tuple(METHODS) == MethodName.__args__
    assert all(METHODS[name].name == name for name in METHODS)
    assert set(METHODS) == set(ROWS)


def test_a_configuration_is_of_the_papers_method_if_nothing_else_is_said():
    assert Config().method == "alpha-bridge"
    assert all(config.method == "alpha-bridge" for config in PRESETS.values())


@every_method
def test_the_keys_of_a_row_are_those_of_the_configuration(name):
    row = METHODS[name]
    assert {*row.defines, *row.suggests} <= set(known_keys())
    assert not {*row.defines} & {*row.suggests}
    assert "\n" not in row.summary


@every_method_and_preset
def test_a_method_of_a_preset_is_valid_and_survives_json(name, preset):
    made = METHODS[name].apply(PRESETS[preset])
    METHODS[name].require(made)
    assert read_config(json.loads(json.dumps(made.model_dump(mode="json")))) == made


@every_method_and_preset
def test_a_method_changes_what_its_row_says_and_nothing_else(name, preset):
    row = METHODS[name]
    made = METHODS[name].apply(PRESETS[preset])
    changed = {line.split(":")[0] for line in differences(PRESETS[preset], made)}
    shares = {"path.ml", "path.transfer", "path.adversarial"}
    assert changed <= {"method", *shares, *row.defines, *row.suggests}
    for key, value in {**row.defines, **row.suggests, "method": name}.items():
        *parts, last = key.split(".")
        part = getattr(made, parts[0]) if parts else made
        assert getattr(part, last) == value


def test_what_estimates_no_ratio_is_known_without_torch():
    losses = {name: build(ObjectiveConfig()) for name, build in ADVERSARIAL_LOSSES.items()}
    assert {*NO_RATIO} == {name for name, loss in losses.items() if not loss.estimates_ratio}


@every_method
def test_a_method_is_applied_once(name):
    once = config(name)
    assert METHODS[name].apply(once) is once


@every_method
def test_a_baseline_does_not_turn_into_another(name):
    other = next(other for other in METHODS if other not in (name, "alpha-bridge"))
    made = config(other)
    with pytest.raises(ValueError, match=f"of the method {other} cannot be .* of {name}: start"):
        METHODS[name].apply(made)


@every_method
def test_the_path_is_what_the_table_says(name):
    path = assemble(config(name)).path
    assert [path(step) for step in range(len(path))] == pytest.approx(ROWS[name][2])


@every_method
def test_the_adversarial_loss_and_the_regulariser_are_what_the_table_says(name):
    adversarial, regularizer, _ = ROWS[name]
    parts = assemble(config(name, regularizer=RegularizerConfig(weight=0.7, every=3)))
    assert type(getattr(parts.objective, "adversarial", None)) is (adversarial or type(None))
    assert type(parts.regularizer) is (regularizer or R1)
    if type(parts.regularizer) is R1:
        assert parts.regularizer == R1(weight=0.7, every=3)


def test_the_settings_of_wgan_gp_are_those_of_its_paper_at_the_rates_of_the_preset():
    made = METHODS["wgan-gp"].apply(PRESETS["mnist"])
    assert made.regularizer == RegularizerConfig(kind="gp", weight=10.0, every=1)
    rates = made.optimization
    assert (rates.beta1, rates.beta2, rates.discriminator_steps) == (0.0, 0.9, 5)
    assert rates.generator == PRESETS["mnist"].optimization.generator


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("ml", "path", {"ml": 0.5, "transfer": 0.5, "adversarial": 0.0}),
        ("rkl-gp", "path", {"ml": 0.0, "transfer": 0.0, "adversarial": 1.0, "end": 0.9}),
        ("rkl-gp", "regularizer", {"kind": "gp"}),
        ("rkl-sn", "regularizer", {"kind": "r1"}),
        ("js-gan", "objective", {"game": "bridge"}),
        ("wgan-gp", "regularizer", {"kind": "none"}),
        ("naive", "path", {"ml": 0.2, "transfer": 0.5, "adversarial": 0.3}),
        ("vaegan-sum", "path", {"ml": 0.0, "transfer": 0.0, "adversarial": 1.0}),
        ("alpha-bridge", "objective", {"game": "js"}),
    ],
)
def test_what_defines_a_method_cannot_be_changed_under_its_name(name, key, value):
    made = read_config({**config(name).model_dump(), key: value})
    with pytest.raises(ValueError, match=rf"{key}\.\w+ is .* in the method {name}, got .* leave"):
        assemble(made)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("wgan-gp", "regularizer", {"kind": "gp", "weight": 1.0}),
        ("wgan-gp", "optimization", {"discriminator_steps": 2}),
        ("js-gan", "regularizer", {"kind": "spectral"}),
        ("naive", "path", {"ml": 0.7, "transfer": 0.0, "adversarial": 0.3}),
        ("vaegan-sum", "objective", {"game": "sum", "weight": 0.1}),
        ("alpha-bridge", "path", {"ml": 0.2, "transfer": 0.5, "adversarial": 0.3, "end": 0.9}),
    ],
)
def test_what_does_not_define_a_method_may_be_changed(name, key, value):
    made = read_config({**config(name).model_dump(), key: value})
    METHODS[name].require(made)


# Training


class Watch(Callback):
    """Keeps the numbers of the last update."""

    def after(self, event):
        self.numbers = dict(event.numbers)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of a method on a preset, saved on its way; trained once."""

    @cache
    def run(name, preset="gaussians25"):
        parts, saved, watch = (
            assemble(short(name, preset)),
            tmp_path_factory.mktemp("saved"),
            Watch(),
        )
        before = {player: values(parts.model, player) for player in NETWORKS}
        state = parts.fit(callbacks=[SaveAfter(SHORT // 2 + 1, saved / "saved"), watch])
        return SimpleNamespace(
            before=before, state=state, saved=saved / "saved", numbers=watch.numbers
        )

    return run


@every_method
def test_a_method_trains_all_three_players(name, trained):
    run = trained(name)
    for player in NETWORKS:
        after = values(run.state.model, player)
        assert after.isfinite().all()
        assert not torch.equal(after, run.before[player])


# of images, the loop's own tests say it for the bridge and each kind of network
@pytest.mark.parametrize(
    ("name", "preset"),
    [
        *(case(name, "gaussians25") for name in METHODS),
        case("ali", "digits"),
        *(
            pytest.param(name, "digits", marks=pytest.mark.slow)
            for name in ("rkl-sn", "wgan-gp", "cyclegan")
        ),
    ],
)
def test_a_method_resumes_to_the_same_bits(name, preset, trained):
    run = trained(name, preset)
    again = resumed(short(name, preset), run.saved)
    assert not differing(everything(run.state), everything(again))


OTHERS = {
    "marginal": {"objective": ObjectiveConfig(kind="marginal")},
    "joint": {"objective": ObjectiveConfig(kind="joint")},
    "two domains": {"objective": ObjectiveConfig(kind="marginal"), "prior": "ring8"},
    "to and fro": {"path": PathConfig(ml=0.2, transfer=0.5, adversarial=0.3, sweeps=3)},
    "backwards": {"path": PathConfig(ml=0.2, transfer=0.5, adversarial=0.3, start=1, end=0)},
}
"""What else the method of the paper may be given."""


@pytest.mark.parametrize("other", OTHERS)
def test_the_bridge_resumes_to_the_same_bits_whatever_it_bridges(other, tmp_path):
    settings = short("alpha-bridge", **OTHERS[other])
    whole = fitted(settings, callbacks=[SaveAfter(SHORT // 2 + 1, tmp_path / "saved")])
    again = resumed(settings, tmp_path / "saved")
    assert not differing(everything(whole), everything(again))


@pytest.mark.parametrize(
    ("name", "changes"),
    [*(case(name, {}) for name in METHODS), *(("alpha-bridge", of) for of in OTHERS.values())],
)
def test_a_stacked_trial_of_a_method_is_its_single_run(name, changes):
    the_last_trial_is_its_single_run(short(name, **changes))


def test_a_stacked_trial_of_a_table_is_its_single_run(tmp_path):
    jobs, gains = ["cook", "clerk", "nurse", None] * 30, [0.0, 0.0, 1.5, 2.5, 7.0] * 24
    table = pyarrow.table({"job": jobs, "gain": gains, "age": [*range(20, 80)] * 2})
    pyarrow.parquet.write_table(table, tmp_path / "people.parquet")
    settings = of_data(str(tmp_path / "people.parquet")).model_copy(
        update={
            "steps": SHORT,
            "batch_size": 16,
            "model": ModelConfig(latent=2, hidden=(8,)),
            "objective": ObjectiveConfig(alternatives=2),
        }
    )
    the_last_trial_is_its_single_run(METHODS["alpha-bridge"].apply(settings))


def the_last_trial_is_its_single_run(settings):
    together, last = settings.model_copy(update={"seed": 7, "trials": TRIALS}), TRIALS - 1
    single = settings.model_copy(update={"seed": 7 + last})
    together, alone = (fitted(of, double=True).tensors() for of in (together, single))
    mine = of_trial(together, last)
    for file in ("model", "average", "optimizers"):
        assert mine[file].keys() == alone[file].keys()
        for key, value in alone[file].items():
            # singular vectors are known up to their common sign
            error = min((mine[file][key] - sign * value).abs().max() for sign in (1, -1))
            assert error < 1e-9, (file, key)


@every_method
def test_the_records_of_a_method_have_a_loss_for_each_player(name, trained):
    seen = trained(name).numbers
    players = {
        player
        for key in seen
        if key.startswith("loss/")
        for player in key.removeprefix("loss/").split("+")
    }
    assert players == set(NETWORKS)
    assert all(math.isfinite(number) for number in seen.values())
    assert ("ess/forward" in seen) == (ROWS[name][0] in (Bridge, Hinge))


def at(name, step, tmp_path, **changes):
    """All tensors of a method's run after ``step`` of its ten updates, of which two are Step I."""
    folder = tmp_path / f"{name}-{step}"
    fitted(config(name, **{"steps": 10, **changes}), callbacks=[SaveAfter(step, folder)])
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


@pytest.mark.parametrize("name", ["naive", "ml"])
def test_maximum_likelihood_is_the_first_step_of_the_bridge_bit_for_bit(name, tmp_path):
    assert at(name, 2, tmp_path) == at("alpha-bridge", 2, tmp_path)


def test_maximum_likelihood_goes_on_where_the_others_leave_it(tmp_path):
    ml, naive, bridge = (at(name, 3, tmp_path) for name in ("ml", "naive", "alpha-bridge"))
    assert ml != naive != bridge


def test_the_reverse_kl_gan_is_the_end_of_the_bridge_alone(tmp_path):
    end = PathConfig(ml=0.0, transfer=0.0, adversarial=1.0)
    assert at("rkl-gp", 10, tmp_path) == at("alpha-bridge", 10, tmp_path, path=end)


def test_the_losses_of_the_gans_differ(tmp_path):
    names = ("rkl-gp", "rkl-sn", "js-gan", "wgan-gp")
    ends = [at(name, 3, tmp_path, steps=3) for name in names]
    generators = [end["average.safetensors"] for end in ends]
    assert len(set(generators)) == len(generators)


# By command


@pytest.fixture
def small(tmp_path, monkeypatch, pages_without_figures):  # noqa: ARG001
    """Words for a run of a second."""
    monkeypatch.chdir(tmp_path)
    sizes = ["--model.hidden", "8", "--steps=20", "--batch-size=8"]
    return [*sizes, "--evaluation.samples=40", "--evaluation.shown=6"]


@pytest.mark.parametrize(
    "name",
    [
        name if name == "alpha-bridge" else pytest.param(name, marks=pytest.mark.slow)
        for name in METHODS
    ],
)
def test_a_method_is_trained_and_told_by_its_command(name, small, capsys):
    from alpha_bridge.cli import main

    assert main(["train", "gaussians25", "--method", name, *small]) == 0
    assert "reconstruction_error/mse/" in capsys.readouterr().out
    folder = f"gaussians25-{name}-seed-0".replace("-alpha-bridge", "")
    run = Run.open(f"runs/{folder}")
    assert run.config["method"] == name
    read_config(run.config_path)
    retention = any(key.startswith("retention") for record in run.records for key in record)
    assert retention == (name in ("naive", "alpha-bridge", "hinge-bridge"))
    assert run.report_path.exists()
    again = ["train", str(run.config_path), "--method", name, "--out", str(run.folder), "--resume"]
    assert main(again) == 0


@pytest.mark.slow
def test_an_option_of_the_user_wins_over_the_row(small):
    from alpha_bridge.cli import main

    words = ["train", "gaussians25", "--regularizer.weight=3", "--method=wgan-gp", *small]
    assert main([*words, "--out", "run"]) == 0
    settings = Run.open("run").config
    assert settings["regularizer"] == {"kind": "gp", "weight": 3.0, "every": 1}
    assert settings["optimization"]["discriminator_steps"] == 5


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--method", "wgan"], ["no method 'wgan'", "did you mean wgan-gp"]),
        (["--method=jsgan"], ["no method 'jsgan'", "did you mean js-gan?"]),
        (["--method", "diffusion"], ["no method 'diffusion'", "ml, rkl-gp, rkl-sn, js-gan"]),
        (["--method"], ["--method"]),
        (["--method", "ml", "--method", "naive"], ["of the method ml", "one of naive"]),
        (["--method", "rkl-sn", "--regularizer.kind", "r1"], ["regularizer.kind", "rkl-sn", "r1"]),
        (["--objective.game", "js"], ["objective.game", "alpha-bridge", "--method"]),
    ],
)
def test_a_method_that_is_not_there_is_refused_in_one_line(words, parts, capsys):
    from alpha_bridge.cli import main

    assert main(["train", "gaussians25", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    for part in parts:
        assert part in line


@every_method
def test_methods_whose_alpha_moves_are_those_that_follow_a_dial(name):
    for start in (Config(), dialled(Config())):
        followed = undialled(METHODS[name].apply(start)) is None
        assert followed == (name in ("alpha-bridge", "hinge-bridge"))
