"""A run that begins with a trained VAE: trained, used, resumed, and given back to its library."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alpha_bridge import commands, sharing
from alpha_bridge.cli import main
from alpha_bridge.data import digits
from alpha_bridge.recipe import changed, read_config
from alpha_bridge.recipe.presets import FROM_VAE, PRESETS, from_vae
from alpha_bridge.runs import mosaic
from alpha_bridge.runs.folder import Run
from alpha_bridge.runs.loading import before_bridge, load_model
from alpha_bridge.runs.opening import open_run
from alpha_bridge.vae import LIBRARIES, load, save
from experiments.bridge_vae import ARCHITECTURES, train_vae

pytestmark = pytest.mark.slow  # to import both libraries takes longer than most that is done here

SMALL = {
    "steps": 20,
    "batch_size": 8,
    "model.width": 4,
    "model.hidden": [8],
    "evaluation.samples": 40,
    "evaluation.shown": 6,
    "evaluation.features": "pixels",
    "checkpoint_every": 10,
}
WORDS = [
    word
    for key, value in SMALL.items()
    for word in (f"--{key.replace('_', '-')}", str(value).strip("[]"))
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a VAE of each library, and a run from each whose VAE is gone."""
    folder = tmp_path_factory.mktemp("restore")
    source = digits()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for library in LIBRARIES:
            train_vae(library, source, seed=0, updates=10).save(folder / library)
            shutil.copytree(library, f"{library}-kept")
            config = changed(from_vae(PRESETS["digits"], library), SMALL)
            commands.train(config, folder / f"{library}-run")
            shutil.rmtree(library)
        yield folder


@pytest.fixture(autouse=True)
def here(place, monkeypatch):
    monkeypatch.chdir(place)


@pytest.fixture(params=[*LIBRARIES])
def library(request):
    return request.param


@pytest.fixture
def run(library, place):
    return Run.open(place / f"{library}-run")


def arms(run, step=None):
    model = load_model(open_run(run, step))
    return {name: x for name, x in model.state_dict().items() if "discriminator" not in name}


def test_the_run_says_where_it_came_from(run, place, library):
    config = read_config(run.config_path)
    assert config.init == str(place / library)
    assert config.architecture["library"] == library
    assert config.model.noise is None


def test_it_begins_where_the_vae_ended(run, library):
    own = load(f"{library}-kept").model.state_dict()
    first = arms(run, step=1)
    moved = [
        (x - own[name.removeprefix(f"{arm}.network.")]).abs().max().item()
        for arm in ("generator", "encoder")
        for name, x in first.items()
        if name.startswith(f"{arm}.network.")
    ]
    assert 0 < max(moved) < 0.01
    assert len(moved) == len(own)


def test_the_noise_is_the_error_of_the_vae(run, library):
    source = digits()
    x = source.units.normalize(source.training(1000))
    model = load_model(open_run(run))
    kept = load(f"{library}-kept")
    model.generator.network.load_state_dict(kept.decoder.state_dict())
    model.encoder.network.load_state_dict(kept.encoder.state_dict())
    assert model.sigma.item() == pytest.approx(model.best_sigma(x), rel=1e-4)


def test_the_run_can_be_used_without_the_vae(run, capsys):
    folder = str(run.folder)
    assert main(["sample", folder, "-n", "4", "--out", f"{folder}/four.png"]) == 0
    pairs = ["--images", f"{folder}/four.png", "--out", f"{folder}/pairs.png"]
    assert main(["reconstruct", folder, *pairs]) == 0
    assert main(["report", folder]) == 0
    capsys.readouterr()
    assert main(["evaluate", folder, "--json"]) == 0
    assert any(name.startswith("frechet") for name in json.loads(capsys.readouterr().out))


@pytest.fixture
def back(library):
    """The VAE, where it lay when its run began."""
    yield Path(shutil.copytree(f"{library}-kept", library))
    shutil.rmtree(library)


@pytest.fixture
def drawn(place):
    """The file of some digits that were never trained on."""
    path = place / "drawn.npy"
    np.save(path, (digits().held_out(6).permute(0, 2, 3, 1)).numpy())
    return path


@pytest.fixture
def rows_drawn(monkeypatch):
    """What pictures of reconstructions show, by name, in place of the pictures."""
    seen = {}

    def save_rows(rows, path):
        seen.clear()
        seen.update(rows)
        path.touch()

    monkeypatch.setattr(mosaic, "save_rows", save_rows)
    return seen


def reconstructed(run, drawn, capsys, *words):
    """What the command gives as JSON, and the lines that it says beside."""
    capsys.readouterr()
    given = [str(run.folder), "--images", str(drawn), "--out", str(run.folder / "some.png")]
    assert main(["reconstruct", *given, "--json", *words]) == 0
    out, err = capsys.readouterr()
    (run.folder / "some.png").unlink()
    return json.loads(out), err


@pytest.mark.usefixtures("back")
def test_reconstructions_are_shown_below_those_of_the_vae_before(
    run, library, drawn, rows_drawn, read_by_its_library, capsys
):
    found, said = reconstructed(run, drawn, capsys)
    assert [*rows_drawn] == ["original", "VAE before", "reconstruction"]
    x = digits().units.normalize(digits().held_out(6))
    with torch.no_grad():
        own = read_by_its_library(library, library)(x)
    shown = torch.from_numpy(rows_drawn["VAE before"]).permute(0, 3, 1, 2)
    assert (digits().units.denormalize(own).int() - shown.int()).abs().max() <= 1
    assert found["vae_error"] == pytest.approx((x - own).square().mean().item(), rel=1e-4)
    assert found["vae_error"] != found["error"]
    assert "VAE" not in said


@pytest.mark.usefixtures("back")
def test_refined_reconstructions_and_the_vae_each_have_a_row(run, drawn, rows_drawn, capsys):
    reconstructed(run, drawn, capsys, "--refine", "2")
    assert [*rows_drawn] == ["original", "VAE before", "reconstruction", "refined"]


@pytest.mark.usefixtures("back")
def test_an_array_of_reconstructions_is_without_the_vae_and_both_errors_are_printed(
    run, drawn, place, capsys
):
    words = ["--images", str(drawn), "--out", str(place / "pairs.npy")]
    assert main(["reconstruct", str(run.folder), *words]) == 0
    assert re.search(r"squared error \S+, of the VAE before \S+; ", capsys.readouterr().out)
    assert len(np.load(place / "pairs.npy")) == 2
    (place / "pairs.npy").unlink()


def test_a_line_says_that_the_vae_is_gone(run, place, library, drawn, rows_drawn, capsys):
    found, said = reconstructed(run, drawn, capsys)
    assert [*rows_drawn] == ["original", "reconstruction"]
    assert found["vae_error"] is None
    (line,) = said.splitlines()
    assert "cannot be shown" in line and f"no VAE '{place / library}'" in line


def test_a_line_says_that_another_architecture_lies_there(
    run, library, back, drawn, rows_drawn, capsys
):
    config = ARCHITECTURES[library](1, 8)
    wider = {"diffusers": {"block_out_channels": [8, 8]}, "pythae": {"latent_dim": 3}}[library]
    shutil.rmtree(back)
    LIBRARIES[library](config | wider).save(back)
    found, said = reconstructed(run, drawn, capsys)
    assert [*rows_drawn] == ["original", "reconstruction"]
    assert found["vae_error"] is None
    assert f"{back.absolute()} has a VAE of another architecture now" in said


@pytest.mark.parametrize("library", ["diffusers"], indirect=True)
@pytest.mark.usefixtures("back")
def test_a_frozen_encoder_tells_that_the_vae_has_other_weights_now(run, library):
    config = read_config(run.config_path)
    model = load_model(open_run(run))
    before = before_bridge(config, model)
    frozen = changed(config, {"freeze": "encoder"})
    with pytest.raises(ValueError, match=f"{library} has a VAE with another encoder now"):
        before_bridge(frozen, model)
    x = digits().units.normalize(digits().held_out(6))
    same = before_bridge(frozen, model.with_arms(model.generator, before.encoder))
    assert torch.equal(same.reconstruct(x), before.reconstruct(x))


@pytest.mark.parametrize("library", ["diffusers"], indirect=True)
@pytest.mark.usefixtures("back")
def test_latents_that_are_scaled_by_channels_make_no_other_architecture(run):
    config = read_config(run.config_path)
    model = load_model(open_run(run))
    for arm in (model.encoder, model.generator):
        arm.scale, arm.shift = arm.scale.reshape(1, 1, 1), arm.shift.reshape(1, 1, 1)
    assert before_bridge(config, model).latent_shape == model.latent_shape


def test_the_run_goes_on_without_the_vae_as_if_it_had_not_stopped(run, place, library):
    copy = shutil.copytree(run.folder, place / f"{library}-resumed")
    shutil.rmtree(copy / "checkpoints" / "step-00000020")
    again = commands.train(read_config(copy / "config.json"), copy, resume=True).run
    whole, resumed = arms(run), arms(again)
    assert all(torch.equal(x, resumed[name]) for name, x in whole.items())


def test_another_run_needs_the_vae_itself(run, place, library, capsys):
    words = ["train", str(run.config_path), "--out", str(place / "new")]
    assert main(words) == 2
    assert f"no VAE '{place / library}'" in capsys.readouterr().err
    assert not (place / "new").exists()


def test_the_library_loads_what_is_given_back(run, place, library, read_by_its_library, capsys):
    out = place / f"{library}-restored"
    assert main(["restore", str(run.folder), "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    x = digits().units.normalize(digits().held_out(20))
    model = load_model(open_run(run))
    with torch.no_grad():
        decoded = read_by_its_library(library, out)(x)
    assert torch.allclose(decoded, model.reconstruct(x), atol=1e-5)


def test_an_exported_vae_is_loaded_without_trust_and_makes_the_same(run, place, library):
    out = place / f"{library}-exported"
    assert main(["export", str(run.folder), "--out", str(out), "--no-pictures"]) == 0
    x = digits().units.normalize(digits().held_out(20))
    model = load_model(open_run(run))
    again, units = sharing.load(out)
    assert torch.equal(again.reconstruct(x), model.reconstruct(x))
    assert torch.equal(again.log_ratio(x), model.log_ratio(x))
    assert units.denormalize(again.sample(3)).dtype == torch.uint8
    assert f"those of a VAE of {library}" in (out / "README.md").read_text()
    assert "trust" not in (out / "README.md").read_text().split("## Files")[0]


def test_an_exported_vae_is_also_one_of_its_library(run, place, library):
    commands.export(run, place / f"{library}-both", pictures=False)
    vae, (model, _) = load(place / f"{library}-both"), sharing.load(place / f"{library}-both")
    arms = {**model.encoder.network.state_dict(), **model.generator.network.state_dict()}
    assert vae.library == library
    assert all(torch.equal(x, arms[name]) for name, x in vae.model.state_dict().items())
    assert {of.name for of in save(model, place / f"{library}-twice").iterdir()} == {
        of.name for of in (place / f"{library}-both" / "vae").iterdir()
    }


def refused(words, capsys, place):
    capsys.readouterr()
    before = sorted(place.rglob("*"))
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert sorted(place.rglob("*")) == before
    return line


def train(*words):
    return ["train", "digits", *WORDS, "--out", "new", *words]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (train("--from", "missing"), ["no VAE 'missing'", "give a folder"]),
        (train("--from=missing"), ["no VAE 'missing'"]),
        (train("--from", "diffusers-run"), ["diffusers-run has no VAE", "AutoencoderKL"]),
        (train("--from"), ["--from"]),
        (
            train("--from", "pythae-kept", "--latent-scale", "0"),
            ["latent_scale must be positive", "got 0.0"],
        ),
        (
            train("--from", "pythae-kept", "--latent-scale", "9"),
            ["root mean square of", "give a latent scale of", "--latent-scale"],
        ),
        (train("--from", "pythae-kept", "--trials", "2"), ["one trial at a time", "trials=2"]),
        (train("--from", "pythae-kept", "--model.noise", "0"), ["noise must be", "got 0.0"]),
        (train("--latent-scale", "2"), ["latent_scale", "leave it out"]),
        (
            ["train", "gaussians25", "--from", "pythae-kept", "--out", "new"],
            ["takes images", "--data"],
        ),
        (["restore", "missing", "--out", "new"], ["missing is not a run"]),
        (["restore", "pythae-run"], ["--out"]),
        (["restore", "pythae-run", "--out", "pythae-kept"], ["pythae-kept is not empty"]),
        (["restore", "pythae-run", "--out", "pythae-run/config.json/x"], ["cannot write"]),
        (["restore", "pythae-run", "--out", "new", "--step", "7"], ["after update 7"]),
    ],
)
def test_wrong_words_get_one_line(words, parts, capsys, place):
    line = refused(words, capsys, place)
    assert all(part in line for part in parts), line


def test_words_change_what_the_vae_suggests():
    from alpha_bridge.cli.parsing import parse

    plain = parse(["train", "digits", "--from", "somewhere"]).arguments["config"]
    assert (plain.init, plain.path.ml) == ("somewhere", FROM_VAE["path.ml"])
    assert plain.path.end == FROM_VAE["path.end"] < 1
    assert plain.model.noise is None
    options = ["--from=somewhere", "--path.end", "1", "--model.noise=0.3"]
    own = parse(["train", "digits", *options]).arguments["config"]
    assert (own.path.end, own.model.noise) == (1.0, 0.3)
    assert own.path.ml == FROM_VAE["path.ml"]


def test_a_method_can_begin_with_a_vae():
    from alpha_bridge.cli.parsing import parse

    config = parse(["train", "digits", "--method", "rkl-gp", "--from", "somewhere"]).arguments[
        "config"
    ]
    assert (config.method, config.init, config.path.adversarial) == ("rkl-gp", "somewhere", 1.0)


def test_a_configuration_that_begins_with_the_vae_stays_as_it_is():
    config = changed(from_vae(PRESETS["digits"], "somewhere"), {"path.end": 0.5})
    assert from_vae(config, "somewhere") == config
    assert from_vae(config, "elsewhere").path.end == FROM_VAE["path.end"]


@pytest.fixture(scope="module")
def colour(tmp_path_factory):
    """A colour VAE of 32 pixels as diffusers makes it, and 40 photographs of mixed sizes."""
    from diffusers import AutoencoderKL

    folder = tmp_path_factory.mktemp("colour")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    for index in range(40):
        height, width = rng.integers(8, 48, 2)
        ramp = np.linspace(rng.integers(0, 256, 3), rng.integers(0, 256, 3), width)
        pixels = np.broadcast_to(ramp, (height, width, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{index}.png")
    torch.manual_seed(0)
    AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[8, 8],
        norm_num_groups=4,
        mid_block_add_attention=False,
    ).save_pretrained(folder / "vae")
    return folder


DOCUMENTED = ["train", "mnist", "--data", "images", "--from", "vae"]


def test_the_documented_line_takes_a_colour_vae_and_gives_it_back(colour, monkeypatch, capsys):
    from diffusers import AutoencoderKL

    monkeypatch.chdir(colour)
    assert main([*DOCUMENTED, *WORDS, "--out", "bridged"]) == 0
    printed = capsys.readouterr().out
    assert f"images become 32×32 in colour, as the VAE {colour / 'vae'} takes them" in printed
    assert re.search(r"latent scale \S+, measured: the VAE's own, 0.18215, would give", printed)
    run = Run.open(colour / "bridged")
    config = read_config(run.config_path)
    assert config.event_shape == (3, 32, 32)
    assert f"latent scale {config.latent_scale:g}," in printed
    assert main(["restore", "bridged", "--out", "restored"]) == 0
    model = load_model(open_run(run))
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        decoded = AutoencoderKL.from_pretrained("restored", local_files_only=True).eval()(x).sample
    assert torch.allclose(decoded, model.reconstruct(x), atol=1e-5)
    assert main(["evaluate", "bridged", "--json"]) == 0


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--images.channels", "1"], ["takes 3 channel(s)", "--images.channels 3"]),
        (["--images.size", "9"], ["images of 9 pixels"]),
        (["--images.size", "128"], ["images of 128 pixels are larger than 64"]),
        (["--data", "ring8"], ["takes images"]),
    ],
)
def test_what_a_user_says_of_the_images_binds_before_the_vae(
    colour, words, parts, monkeypatch, capsys
):
    monkeypatch.chdir(colour)
    line = refused([*DOCUMENTED, *WORDS, "--out", "new", *words], capsys, colour)
    assert all(part in line for part in parts), line


def test_a_vae_of_images_too_large_for_a_discriminator_is_refused(colour, monkeypatch, capsys):
    large = shutil.copytree(colour / "vae", colour / "large")
    own = json.loads((large / "config.json").read_text())
    (large / "config.json").write_text(json.dumps(own | {"sample_size": 256}))
    monkeypatch.chdir(colour)
    line = refused([*DOCUMENTED[:-1], "large", *WORDS, "--out", "new"], capsys, colour)
    assert f"by the files of the VAE {large}, images of 256 pixels are larger than 64" in line
    assert "--images.size 32" in line
