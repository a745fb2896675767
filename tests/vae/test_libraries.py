"""VAEs of diffusers and of pythae: read, judged and written as their own libraries do it."""

import json
import math
import pickle
import re
import shutil

import huggingface_hub
import pytest
import torch
from huggingface_hub.utils import filter_repo_objects
from safetensors.torch import load_file, save_file

from alpha_bridge import AlphaBridge
from alpha_bridge.files.vae_folder import CONFIGS, USUAL, find_vae
from alpha_bridge.networks import ConvDiscriminator
from alpha_bridge.networks.blueprint import Blueprint
from alpha_bridge.vae import LIBRARIES, TrainedVAE, bridge, build, load, save
from alpha_bridge.vae.trained import imported

pytestmark = pytest.mark.slow  # to import both libraries takes longer than all that is done here


def bridge_of(vae, source):
    x = source.units.normalize(source.training(200))
    discriminator = ConvDiscriminator(8, 1, width=4, hidden=8)
    return bridge(vae.encoder, vae.decoder, discriminator, x, None, False, vae.scale, vae.shift)


@pytest.fixture
def x(source):
    return source.units.normalize(source.held_out(20))


@pytest.fixture
def copied(folders, library, tmp_path):
    """A folder of the library that a test may spoil."""
    return shutil.copytree(folders / library, tmp_path / library)


def test_a_bridge_makes_the_reconstructions_of_the_library(
    folders, library, source, x, read_by_its_library
):
    bridge = bridge_of(load(folders / library), source).eval()
    with torch.no_grad():
        own = read_by_its_library(library, folders / library)(x)
    assert torch.allclose(bridge.reconstruct(x), own, atol=1e-5)


def test_what_is_written_is_what_was_read(
    folders, library, source, x, tmp_path, read_by_its_library
):
    bridge = bridge_of(load(folders / library), source)
    again = save(bridge, tmp_path / "new" / "again")
    with torch.no_grad():
        before, after = (
            read_by_its_library(library, place)(x) for place in (folders / library, again)
        )
    assert torch.equal(before, after)
    assert {file.name for file in again.iterdir()} == {
        file.name for file in (folders / library).iterdir()
    }
    assert [path.name for path in again.parent.iterdir()] == ["again"]


def test_the_configuration_stays_what_it_was(folders, library, source, tmp_path):
    save(bridge_of(load(folders / library), source), tmp_path / "again")
    name = CONFIGS[library]
    before, after = (
        json.loads((place / name).read_text(encoding="utf-8"))
        for place in (folders / library, tmp_path / "again")
    )
    assert before == after


def test_a_trained_bridge_is_written_with_its_new_weights(
    folders, library, source, x, tmp_path, read_by_its_library
):
    bridge = bridge_of(load(folders / library), source).eval()
    with torch.no_grad():
        for parameter in bridge.generator.parameters():
            parameter.mul_(1.1)
    save(bridge, tmp_path / "again")
    with torch.no_grad():
        after = read_by_its_library(library, tmp_path / "again")(x)
    assert torch.allclose(bridge.reconstruct(x), after, atol=1e-5)


def test_a_vae_is_built_from_its_configuration_alone(folders, library):
    vae = load(folders / library)
    again = build(json.loads(json.dumps(vae.origin)))
    assert again.origin == vae.origin
    shapes = [{k: v.shape for k, v in side.model.state_dict().items()} for side in (vae, again)]
    assert shapes[0] == shapes[1]


def test_the_latents_have_the_shape_that_the_encoder_gives(folders, library, source):
    vae = load(folders / library)
    assert bridge_of(vae, source).latent_shape == vae.latent_shape(8, 8)


@pytest.mark.parametrize(
    ("options", "dtype", "said"),
    [
        ({"variant": "fp16"}, torch.float16, ["are read from .*fp16", "is of float16: .*float32"]),
        (
            {},
            torch.bfloat16,
            ["is of bfloat16: its VAE is trained in float32, and restored as it came"],
        ),
        ({"max_shard_size": "8KB"}, torch.float32, [r"are read from .*index\.json"]),
        (
            {"max_shard_size": "8KB", "variant": "fp16"},
            torch.float16,
            ["index.fp16.json", "float16"],
        ),
        ({"safe_serialization": False}, torch.float32, [r"are read from .*model\.bin"]),
    ],
    ids=["variant", "half", "sharded", "sharded variant", "pickle"],
)
def test_weights_are_read_however_diffusers_wrote_them(
    folders, x, tmp_path, capfd, options, dtype, said
):
    own = load(folders / "diffusers").model
    with torch.no_grad():
        before = own(x).sample
    own.to(dtype).save_pretrained(tmp_path, **options)
    vae = load(tmp_path)
    assert {tensor.dtype for tensor in vae.model.state_dict().values()} == {torch.float32}
    with torch.no_grad():
        assert torch.allclose(
            vae.model(x).sample, before, atol={torch.float32: 1e-6}.get(dtype, 0.1)
        )
    assert [bool(re.search(*pair)) for pair in zip(said, vae.notes, strict=True)] == [True] * len(
        said
    )
    assert capfd.readouterr() == ("", "")


INDEX = "diffusion_pytorch_model.safetensors.index.fp16.json"


def test_the_index_of_a_variant_may_have_the_name_of_older_versions(folders, tmp_path, capfd):
    """It may lie beside the present one, which then counts, as it does for diffusers."""
    older = tmp_path / "diffusion_pytorch_model.safetensors.fp16.index.json"
    load(folders / "diffusers").model.half().save_pretrained(
        tmp_path, variant="fp16", max_shard_size="8KB"
    )
    shutil.copy(tmp_path / INDEX, older)
    assert find_vae(tmp_path).weights.name == INDEX
    (tmp_path / INDEX).unlink()
    found = find_vae(tmp_path)
    assert (found.weights, found.variant) == (older, "fp16")
    assert any("is of float16" in note for note in load(tmp_path).notes)
    assert capfd.readouterr() == ("", "")


def test_a_name_that_diffusers_never_reads_is_none_of_its_weights(folders, tmp_path):
    load(folders / "diffusers").model.save_pretrained(
        tmp_path, variant="fp16", max_shard_size="8KB"
    )
    (tmp_path / INDEX).rename(tmp_path / "diffusion_pytorch_model.fp16.safetensors.index.json")
    with pytest.raises(FileNotFoundError, match=r"has a config.json and no"):
        find_vae(tmp_path)


def test_the_parts_of_a_pickle_are_fetched_where_the_hub_has_no_other_weights(
    folders, tmp_path, monkeypatch
):
    hub, here = tmp_path / "hub", tmp_path / "here"
    parts = {"safe_serialization": False, "max_shard_size": "8KB"}
    load(folders / "diffusers").model.save_pretrained(hub, **parts)
    here.mkdir()

    def fetch(_, allow_patterns, **__):
        names = [file.name for file in hub.iterdir()]
        for name in filter_repo_objects(names, allow_patterns=allow_patterns):
            shutil.copy(hub / name, here)
        return str(here)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    load("someone/something")
    assert {file.name for file in here.iterdir()} == {file.name for file in hub.iterdir()}


def test_a_scale_that_the_files_do_not_have_is_taken_for_one(configuration_of_diffusers):
    vae = build(origin(configuration_of_diffusers | {"scaling_factor": None}))
    assert (vae.scale, vae.notes) == (
        1.0,
        ("the VAE's scaling_factor is null, which is taken for 1",),
    )


@pytest.mark.parametrize(
    ("stated", "size"),
    [
        ({"sample_size": 32}, 32),
        ({"sample_size": 31}, 32),
        ({"sample_size": [16, 16]}, 16),
        ({}, None),
    ],
)
def test_the_size_of_images_is_that_of_the_file_if_it_has_one(
    configuration_of_diffusers, stated, size
):
    del configuration_of_diffusers["sample_size"]
    assert build(origin(configuration_of_diffusers | stated)).size == size


def test_where_a_vae_lay_is_not_handed_on(configuration_of_diffusers):
    vae = build(origin(configuration_of_diffusers | {"_name_or_path": "/home/me/secret"}))
    assert "/home/me/secret" not in str(vae.origin)


def test_the_scale_of_the_pipelines_is_the_latents_scale(configuration_of_diffusers):
    given = {"scaling_factor": 0.5, "shift_factor": 0.1}
    vae = build(origin(configuration_of_diffusers | given))
    assert (vae.scale, vae.shift) == (0.5, 0.1)


def test_means_and_deviations_of_channels_are_the_latents_units(configuration_of_diffusers):
    given = {"latents_mean": [2.0], "latents_std": [4.0], "scaling_factor": 0.5}
    vae = build(origin(configuration_of_diffusers | given))
    assert vae.scale.shape == (1, 1, 1)
    assert (vae.scale.item(), vae.shift.item()) == (0.125, 2.0)


@pytest.fixture
def configuration_of_diffusers(folders):
    return json.loads((folders / "diffusers" / "config.json").read_text(encoding="utf-8"))


def origin(config):
    return {"library": "diffusers", "config": config}


@pytest.mark.parametrize(
    ("library", "config", "said"),
    [
        ("os", {}, "there are no VAEs of 'os'"),
        ("diffusers", "somebody/model", "the configuration of a VAE is a dictionary"),
        ("diffusers", {"_class_name": "UNet2DModel"}, "a model of UNet2DModel cannot be bridged"),
        ("pythae", {"name": "VAEConfig", "uses_default_encoder": False}, "keeps as pickles"),
    ],
)
def test_a_shared_file_can_ask_for_nothing_but_a_vae(library, config, said):
    plan = Blueprint(
        "alpha_bridge.vae.library:LibraryDecoder", {"library": library, "config": config}
    )
    with pytest.raises(ValueError, match=said):
        plan.build()


# what cannot be bridged


def test_a_folder_without_a_vae_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no VAE, known by .*: give a folder"):
        load(tmp_path)


@pytest.mark.parametrize("source", ["missing", "./missing", "missing/there/deep"])
def test_what_is_not_there_is_refused(source):
    with pytest.raises(FileNotFoundError, match=f"no VAE '{source}'"):
        load(source)


def test_an_id_that_cannot_be_fetched_is_refused():
    with pytest.raises(FileNotFoundError, match="'someone/something' is no folder and could not"):
        load("someone/something")


def test_missing_weights_are_named(copied, library):
    weights = USUAL[library]
    (copied / weights).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {weights}: give one with both"):
        load(copied)


def test_damaged_weights_are_named(copied, library):
    weights = copied / USUAL[library]
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match=f"{weights.name} cannot be read"):
        load(copied)


def test_weights_that_are_not_finite_are_named(copied, library):
    vae = load(copied)
    with torch.no_grad():
        next(vae.model.parameters()).fill_(torch.nan)
    broken = copied.with_name("broken")
    vae.save(broken)
    with pytest.raises(ValueError, match=rf"in .*{USUAL[library]} is not finite"):
        load(broken)


@pytest.mark.parametrize("kept", [0, -1])
def test_a_tensor_too_few_is_named_and_nothing_logged(folders, tmp_path, capfd, kept):
    copied = shutil.copytree(folders / "diffusers", tmp_path / "diffusers")
    weights = copied / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    save_file({name: tensors[name] for name in sorted(tensors)[:kept]}, weights)
    with pytest.raises(ValueError, match=rf"{weights.name} cannot be read \(it has no "):
        load(copied)
    assert capfd.readouterr() == ("", "")


def test_a_damaged_configuration_is_named(copied, library):
    name = CONFIGS[library]
    (copied / name).write_text("{nope")
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        load(copied)


@pytest.mark.parametrize(
    "content",
    [b"5", b"[]", b'"VAE"', b"null", b'{"a": "\xff"}', b"", 100_000 * b"[", 100_000 * b'{"a":'],
    ids=["number", "list", "string", "null", "not UTF-8", "empty", "deep list", "deep object"],
)
def test_a_configuration_that_is_no_object_is_named(copied, library, content):
    name = CONFIGS[library]
    (copied / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} is damaged"):
        load(copied)


@pytest.mark.parametrize("library", ["diffusers"])
@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("scaling_factor", 0.0, "scaling_factor must be positive, got 0.0"),
        ("scaling_factor", "big", "scaling_factor must be a finite number, got 'big'"),
        ("scaling_factor", math.nan, "scaling_factor must be a finite number, got nan"),
        ("scaling_factor", True, "scaling_factor must be a finite number, got True"),
        ("scaling_factor", 10**400, "scaling_factor must be a finite number"),
        ("shift_factor", [1.0], r"shift_factor must be a finite number, got \[1.0\]"),
        ("latents_mean", [1.0, 2.0], "a number for each of the 1 channels of the latents, got 2"),
        ("latents_mean", [], "a number for each of the 1 channels of the latents, got 0"),
        ("latents_mean", 1.0, "latents_mean must be finite numbers, got 1.0"),
        ("latents_mean", [math.inf], r"latents_mean must be finite numbers, got \[inf\]"),
        ("latents_std", [[1.0]], r"latents_std must be finite numbers, got \[\[1.0\]\]"),
        ("latents_std", [0.0], r"latents_std must be positive, got \[0.0\]"),
        ("latents_std", [1.0, 1.0], "a number for each of the 1 channels of the latents, got 2"),
    ],
)
def test_units_of_latents_that_cannot_be_are_refused_and_their_file_named(
    copied, key, value, message
):
    path = copied / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ValueError, match=message) as caught:
        load(copied)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_configuration_that_cannot_be_built_is_named(copied, library):
    path = copied / CONFIGS[library]
    key = {"diffusers": "norm_num_groups", "pythae": "input_dim"}[library]
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: 7}))
    with pytest.raises(ValueError, match=f"{library} cannot build"):
        load(copied)


@pytest.mark.parametrize(
    ("library", "key", "kind"),
    [("diffusers", "_class_name", "AutoencoderRAE"), ("pythae", "name", "AE")],
)
def test_another_kind_of_model_is_refused(copied, library, key, kind):
    path = copied / CONFIGS[library]
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: kind}))
    with pytest.raises(ValueError, match=f"{kind}.* cannot be bridged"):
        load(copied)


@pytest.mark.parametrize("library", ["pythae"])
def test_pickled_networks_are_not_read(copied):
    path = copied / "model_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"uses_default_encoder": False}))
    (copied / "encoder.pkl").write_bytes(b"anything")
    with pytest.raises(ValueError, match=r"pickles: these are not read.*vae.bridge"):
        load(copied)


class Spoiler:
    """What would run when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("the file was executed",)


def test_a_pickle_of_diffusers_that_would_run_something_runs_nothing(folders, tmp_path):
    shutil.copy(folders / "diffusers" / "config.json", tmp_path)
    torch.save({"encoder.conv_in.weight": Spoiler()}, tmp_path / "diffusion_pytorch_model.bin")
    with pytest.raises(ValueError, match=r"model\.bin cannot be read .*no pickle of tensors alone"):
        load(tmp_path)


@pytest.mark.parametrize("library", ["pythae"])
def test_weights_that_would_run_something_run_nothing(copied):
    torch.save({"model_state_dict": Spoiler()}, copied / "model.pt")
    with pytest.raises(ValueError, match=r"model\.pt is no pickle of tensors alone"):
        load(copied)
    with (copied / "model.pt").open("wb") as file:
        pickle.dump(Spoiler(), file)
    with pytest.raises(ValueError, match=r"model\.pt is no pickle of tensors alone"):
        load(copied)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 8, 8), r"takes 1 channel\(s\), and the data have 3: give --images.channels 1"),
        ((1, 9, 9), "does not take images of 9 pixels: give --images.size 8"),
        ((64,), "takes images, and the data have samples of shape"),
    ],
)
def test_data_that_do_not_fit_are_refused(folders, library, shape, message):
    with pytest.raises(ValueError, match=message):
        load(folders / library).require(shape)


def test_a_model_from_elsewhere_has_no_format_to_go_back_to(tmp_path):
    networks = (torch.nn.Linear(2, 2), torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    with pytest.raises(ValueError, match="did not come from a VAE of diffusers or pythae"):
        save(AlphaBridge(*networks), tmp_path / "new")


def test_nothing_is_overwritten(folders, library, source, copied):
    bridge = bridge_of(load(folders / library), source)
    with pytest.raises(FileExistsError, match="is not empty"):
        save(bridge, copied)


def test_a_missing_library_is_told_how_to_install():
    with pytest.raises(ValueError, match=r"pip install 'alpha-bridge\[vae\]'"):
        imported("diffusers", "diffusers_that_is_not_there")


@pytest.mark.parametrize("kind", LIBRARIES.values())
def test_every_library_fills_the_slot(kind):
    assert issubclass(kind, TrainedVAE)
