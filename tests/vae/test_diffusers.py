"""Every class of diffusers that can be bridged: read, decoded and written as diffusers does it."""

import json
import re

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file

from alpha_bridge import AlphaBridge, sharing
from alpha_bridge.networks import ConvDiscriminator
from alpha_bridge.networks.blueprint import Blueprint
from alpha_bridge.recipe import Config
from alpha_bridge.recipe.assembly import assemble
from alpha_bridge.training import available_accelerator
from alpha_bridge.vae import VAEEncoder, VAEGenerator, build, load, save
from alpha_bridge.vae.diffusers import KINDS
from alpha_bridge.vae.form import Form
from tests.saving import SaveAfter

pytestmark = pytest.mark.slow  # to import diffusers takes longer than all that is done here

DOWN, UP = ("DownEncoderBlock2D",) * 2, ("UpDecoderBlock2D",) * 2
PLAIN = {"down_block_types": DOWN, "up_block_types": UP, "norm_num_groups": 2}
KL = PLAIN | {"block_out_channels": (4, 8), "latent_channels": 3}

MODELS = {
    "kl": ("AutoencoderKL", KL),
    "kl without quant convolutions": (
        "AutoencoderKL",
        KL
        | {"use_quant_conv": False, "use_post_quant_conv": False, "mid_block_add_attention": False}
        | {"scaling_factor": 0.36, "shift_factor": 0.12},
    ),
    "kl with means of channels": (
        "AutoencoderKL",
        KL | {"latents_mean": [0.1, 0.2, -0.3], "latents_std": [0.5, 1.5, 2.0]},
    ),
    "asymmetric": (
        "AsymmetricAutoencoderKL",
        PLAIN | {"down_block_out_channels": (4, 8), "up_block_out_channels": (8, 12)},
    ),
    "tiny": (
        "AutoencoderTiny",
        {"encoder_block_out_channels": (4, 4), "decoder_block_out_channels": (4, 4)}
        | {"num_encoder_blocks": (1, 1), "num_decoder_blocks": (1, 1), "shift_factor": 0.5},
    ),
    "dc": (
        "AutoencoderDC",
        {"encoder_block_out_channels": (8, 16), "decoder_block_out_channels": (8, 16)}
        | {"encoder_layers_per_block": (1, 1), "decoder_layers_per_block": (1, 1)}
        | {"encoder_block_types": ("ResBlock", "EfficientViTBlock"), "attention_head_dim": 4}
        | {"decoder_block_types": ("ResBlock", "EfficientViTBlock"), "latent_channels": 4}
        | {"encoder_qkv_multiscales": ((), (5,)), "decoder_qkv_multiscales": ((), (5,))}
        | {"scaling_factor": 0.41407},
    ),
    "vq": ("VQModel", PLAIN | {"block_out_channels": (4, 8), "num_vq_embeddings": 16}),
    "vq with spatial norms": (
        "VQModel",
        PLAIN | {"block_out_channels": (32, 32), "norm_type": "spatial", "vq_embed_dim": 3},
    ),
}


def model_of(kind):
    """A model of diffusers' own, with random weights."""
    from diffusers.models import autoencoders

    name, config = MODELS[kind]
    torch.manual_seed(0)
    return getattr(autoencoders, name)(**config).eval()


@pytest.fixture(scope="module", params=MODELS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def model(kind):
    return model_of(kind)


@pytest.fixture(scope="module")
def vae(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vae")
    model.save_pretrained(folder)
    return load(folder)


@pytest.fixture
def x():
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def bridge_of(vae, size=8):
    units = vae.scale, vae.shift
    return AlphaBridge(
        VAEGenerator(vae.decoder, vae.latent_shape(size, size), *units),
        VAEEncoder(vae.encoder, *units),
        ConvDiscriminator(size, vae.channels, width=4, hidden=8),
    ).eval()


def latents_of_pipelines(model, x):
    """What a pipeline diffuses: as their code has it, class by class."""
    out = model.encode(x)
    z = out.latent_dist.mode() if "latent_dist" in out else next(iter(out.values()))
    config = {"latents_mean": None, "latents_std": None, "shift_factor": None} | dict(model.config)
    if config["latents_mean"]:
        mean, std = (
            torch.tensor(config[f"latents_{name}"]).reshape(1, -1, 1, 1) for name in ("mean", "std")
        )
        return (z - mean) * config["scaling_factor"] / std
    return (z - (config["shift_factor"] or 0)) * config["scaling_factor"]


@torch.no_grad()
def test_it_encodes_to_the_latents_that_pipelines_diffuse(model, vae, x):
    bridge = bridge_of(vae)
    expected = latents_of_pipelines(model, x)
    assert torch.allclose(bridge.encode(x), expected, atol=1e-5)
    assert bridge.latent_shape == expected.shape[1:]


@torch.no_grad()
def test_it_decodes_as_the_library_does(model, vae, kind, x):
    """With spatial norms as the pipelines of Kandinsky, which quantise nothing."""
    out = model.encode(x)
    z = out.latent_dist.mode() if "latent_dist" in out else next(iter(out.values()))
    as_they_are = {"force_not_quantize": True} if kind == "vq with spatial norms" else {}
    expected = model.decode(z, **as_they_are).sample
    assert torch.allclose(bridge_of(vae).reconstruct(x), expected, atol=1e-5)
    assert any("Kandinsky" in note for note in vae.notes) == bool(as_they_are)


@torch.no_grad()
def test_the_variance_is_that_of_the_encoder_or_next_to_none(model, vae, x):
    _, log_variance = vae.encoder(x)
    out = model.encode(x)
    if "latent_dist" in out:
        assert torch.equal(log_variance, out.latent_dist.logvar)
        assert vae.notes == ()
    else:
        assert log_variance.exp().max() < 1e-12
        assert sum("no variance" in note for note in vae.notes) == 1


def test_what_was_never_trained_comes_back_as_it_was(model, vae, tmp_path):
    save(bridge_of(vae), tmp_path / "again")
    model.save_pretrained(tmp_path / "once")
    once, again = (
        {file.name: file.read_bytes() for file in (tmp_path / place).iterdir()}
        for place in ("once", "again")
    )
    assert json.loads(once.pop("config.json")) == json.loads(again.pop("config.json"))
    assert once == again


def test_both_arms_are_built_of_their_blueprints(vae, x):
    for arm in (vae.encoder, vae.decoder):
        plan = Blueprint.of(arm)
        again = plan.build().eval()
        again.load_state_dict(arm.state_dict())
        given = x if arm is vae.encoder else torch.zeros(1, *vae.latent_shape(8, 8))
        one, other = (torch.stack([*module(given)]) for module in (arm, again))
        assert torch.equal(one, other)


def test_every_parameter_that_is_trained_has_a_gradient(vae, x):
    bridge = bridge_of(vae)
    error = (bridge.decode(bridge.encode(x)) - x).square().mean()
    trained = [*bridge.network_parameters("generator")]
    assert trained
    error.backward(inputs=trained)
    assert [p.grad is None for p in trained] == [False] * len(trained)


def test_images_of_sides_that_do_not_fit_are_refused(vae):
    with pytest.raises(
        ValueError, match=r"does not take images of 9 pixels: give --images\.size 8"
    ):
        vae.require((3, 9, 9))


def test_images_of_any_size_that_fits_are_taken(vae):
    vae.require((3, 12, 20))
    assert bridge_of(vae).decode(torch.zeros(1, *vae.latent_shape(12, 20))).shape[1:] == (3, 12, 20)


FORMS = {
    "variant": ({"variant": "fp16"}, torch.float16),
    "half": ({}, torch.bfloat16),
    "sharded": ({"max_shard_size": "8KB"}, torch.float32),
    "sharded variant": ({"max_shard_size": "8KB", "variant": "fp16"}, torch.float16),
    "pickle": ({"safe_serialization": False}, torch.float32),
    "pickled half": ({"safe_serialization": False, "variant": "fp16"}, torch.float16),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["kl", "tiny"])
def test_it_goes_back_in_the_form_it_came_in(kind, form, tmp_path, capfd):
    options, dtype = FORMS[form]
    model_of(kind).to(dtype).save_pretrained(tmp_path / "once", **options)
    capfd.readouterr()  # diffusers may warn whoever casts a model
    plain = json.loads((tmp_path / "once" / "config.json").read_text())
    (tmp_path / "once" / "config.json").write_text(
        json.dumps(plain | {"_diffusers_version": "0.1"})
    )
    vae = load(tmp_path / "once")
    save(bridge_of(build(json.loads(json.dumps(vae.origin)))), tmp_path / "untrained")
    save(bridge_of(vae), tmp_path / "again")
    once, again, built = (
        {file.name: file for file in (tmp_path / place).iterdir()}
        for place in ("once", "again", "untrained")
    )
    assert once.keys() == again.keys() == built.keys()
    for name, file in once.items():
        if name.endswith(".json"):
            assert json.loads(file.read_text()) == json.loads(again[name].read_text())
        elif name.endswith(".safetensors"):
            assert file.read_bytes() == again[name].read_bytes()
        else:
            one, other = (torch.load(path, weights_only=True) for path in (file, again[name]))
            assert [(k, v.dtype) for k, v in one.items()] == [
                (k, v.dtype) for k, v in other.items()
            ]
            assert all(torch.equal(one[k], other[k]) for k in one)
    assert {x.dtype for x in vae.model.state_dict().values()} == {torch.float32}
    assert capfd.readouterr() == ("", "")


def test_tensors_of_several_precisions_keep_theirs(tmp_path):
    model_of("kl").save_pretrained(tmp_path / "once")
    weights = tmp_path / "once" / "diffusion_pytorch_model.safetensors"
    mixed = {name: x.half() if "conv" in name else x for name, x in load_file(weights).items()}
    save_file(mixed, weights, metadata={"format": "pt"})
    save(bridge_of(load(tmp_path / "once")), tmp_path / "again")
    assert (tmp_path / "again" / weights.name).read_bytes() == weights.read_bytes()


def test_tensors_that_are_none_of_the_model_are_said(tmp_path):
    model_of("kl").save_pretrained(tmp_path)
    weights = tmp_path / "diffusion_pytorch_model.safetensors"
    save_file(load_file(weights) | {"loss.logvar": torch.zeros(1)}, weights)
    (note,) = load(tmp_path).notes
    assert re.match(r"1 of the tensors, such as loss.logvar, are not of this version", note)


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        (
            "kl",
            {"_class_name": "AutoencoderKLWan"},
            "a model of AutoencoderKLWan cannot be bridged",
        ),
        (
            "kl",
            {"out_channels": 4},
            r"of images of shape \(3, 4, 4\), and images of shape \(4, 4, 4\) of",
        ),
        ("kl", {"act_fn": "none"}, "cannot build this AutoencoderKL"),
        ("kl", {"block_out_channels": 8}, "cannot build this AutoencoderKL"),
        ("tiny", {"upsampling_scaling_factor": 4}, r"and images of shape \(3, 8, 8\) of them"),
        ("tiny", {"num_encoder_blocks": [1]}, "cannot build this AutoencoderTiny"),
        ("dc", {"encoder_block_types": "Block"}, "cannot build this AutoencoderDC"),
        ("vq", {"up_block_types": ["Block", "Block"]}, "cannot build this VQModel"),
        ("asymmetric", {"scaling_factor": 0}, "scaling_factor must be positive, got 0"),
    ],
)
def test_a_configuration_that_cannot_be_bridged_is_refused_in_a_line(kind, change, said, tmp_path):
    model_of(kind).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=said) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "form",
    [{"variant": "../../x"}, {"dtype": "load"}, {"largest": 0}, {"others": {"a": "nn"}}, [5], 5],
)
def test_a_shared_file_can_ask_for_no_other_form(form):
    config = {"_class_name": "AutoencoderKL", **KL}
    with pytest.raises(ValueError, match="no VAE has files of the form"):
        build({"library": "diffusers", "config": config, "form": form})


def test_the_usual_form_is_not_written_down():
    assert Form().as_json() == {}


def test_every_class_is_tried():
    assert {name for name, _ in MODELS.values()} == KINDS.keys()


# memory and precision


@pytest.mark.parametrize("kind", ["kl", "tiny"])
def test_checkpointing_changes_neither_latents_nor_gradients(kind, x, tmp_path):
    model_of(kind).save_pretrained(tmp_path)
    plain, saving = load(tmp_path), load(tmp_path)
    saving.checkpoint()
    assert saving.decoder.decoder.gradient_checkpointing
    found = []
    for vae in (plain, saving):
        bridge = bridge_of(vae).train()
        mean = bridge.encode(x)
        arms = [*bridge.generator.parameters(), *bridge.encoder.parameters()]
        error = (bridge.decode(mean) - x).square().sum()
        found.append([mean, *torch.autograd.grad(error, arms)])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_where_the_library_has_no_checkpointing_a_line_says_so(kind, vae):
    if kind.startswith("kl") or kind == "tiny":
        return
    with pytest.raises(ValueError, match=r"diffusers has no gradient checkpointing for its \w+: "):
        vae.checkpoint()


def test_bfloat16_ends_at_the_networks(vae, x):
    bridge = bridge_of(vae)
    with torch.autocast("cpu", torch.bfloat16):
        mean, log_variance = bridge.posterior(x)
        fakes = bridge.decode(mean)
        logits = bridge.log_ratio(fakes)
    assert {y.dtype for y in (mean, log_variance, fakes, logits)} == {torch.float32}
    assert (fakes - bridge.reconstruct(x)).abs().max() < 0.1


# runs


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with images of 24 pixels, which no network here takes but a VAE's."""
    folder = tmp_path_factory.mktemp("runs")
    images = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), dtype=np.uint8)
    np.save(folder / "images.npy", images)
    return folder


def config_of(kind, place, **options):
    """A run of four updates on crops of reconstructions' patches."""
    if not (place / kind).exists():
        model_of(kind).half().save_pretrained(place / kind, variant="fp16")
    options = {"model": {"discriminator": "patches", "width": 4, "noise": None}} | options
    return Config(
        data=str(place / "images.npy"),
        init=str(place / kind),
        steps=4,
        batch_size=2,
        objective={"kind": "reconstruction"},
        path={"ml": 0.5, "transfer": 0.5, "adversarial": 0.0},
        **{"images": {"crop": 8, "size": 24}, "freeze": "encoder"} | options,
    )


@pytest.mark.parametrize("kind", ["kl", "tiny", "vq"])
def test_a_run_on_crops_resumes_exactly_and_leaves_the_latents_alone(kind, place, tmp_path):
    config = config_of(kind, place)
    parts = assemble(config)
    assert parts.model.latent_shape[1:] == (12, 12)
    state = parts.fit([SaveAfter(2, tmp_path / "half")])
    again = assemble(config).fit(checkpoint=tmp_path / "half")
    before = load(place / kind)
    tensors, others = (each.model.state_dict() for each in (state, again))
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)
    save(state.averaged(), tmp_path / "restored")
    after = load(tmp_path / "restored")
    assert after.form == before.form
    moved = {
        name.split(".")[0]
        for name, tensor in before.model.state_dict().items()
        if not torch.equal(tensor, after.model.state_dict()[name])
    }
    assert moved <= {"decoder", "post_quant_conv"}
    assert "decoder" in moved


@pytest.fixture(params=["no", "bf16"])
def precision(request):
    """A precision of which accelerate, which has one for each process, knows nothing before."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield request.param
    AcceleratorState._reset_state(reset_partial_state=True)


def test_checkpointing_leaves_a_run_as_it_is_in_any_precision(precision, place):
    model = {"discriminator": "patches", "width": 4, "noise": None}
    events, found = [], []
    for checkpointing in (False, True):
        own = {"model": model | {"checkpointing": checkpointing}, "freeze": "none"}
        parts = assemble(config_of("kl", place, precision=precision, **own))
        found.append(parts.fit([events.append], accelerator=available_accelerator(precision)))
    tensors, others = (each.model.state_dict() for each in found)
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert {value.dtype for event in events for value in event.numbers.values()} == {torch.float32}


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (
            "kl",
            {"images": {"crop": 9, "size": 24}},
            "does not take images of 9 pixels: give --images.crop 8",
        ),
        ("kl", {"images": {"crop": 26, "size": 24}}, "of 24 pixels|24×24 .* no crop of 26"),
        ("vq", {"freeze": "none"}, "its decoder alone can be trained: give --freeze encoder"),
        (
            "dc",
            {"model": {"discriminator": "patches", "noise": None, "checkpointing": True}},
            "no gradient checkpointing for its AutoencoderDC: leave out --model.checkpointing",
        ),
    ],
)
def test_what_a_vae_cannot_do_is_refused_before_training(kind, options, said, place):
    with pytest.raises(ValueError, match=said):
        assemble(config_of(kind, place, **options))


def test_numbers_beyond_the_precision_of_the_files_are_refused(tmp_path):
    model_of("kl").half().save_pretrained(tmp_path / "once")
    vae = load(tmp_path / "once")
    with torch.no_grad():
        next(vae.decoder.parameters()).fill_(1e6)
    with pytest.raises(ValueError, match=r"conv\.weight has numbers beyond torch\.float16, in"):
        save(bridge_of(vae), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_what_is_shared_has_the_vae_in_its_form_and_says_how_to_load_it(place, x, tmp_path):
    config_of("vq", place)
    bridge = bridge_of(load(place / "vq"))
    sharing.save(bridge, tmp_path / "shared")
    shared = sharing.load(tmp_path / "shared").model
    assert torch.equal(shared.reconstruct(x), bridge.reconstruct(x))
    weights = "diffusion_pytorch_model.fp16.safetensors"
    before, after = (load_file(of / weights) for of in (place / "vq", tmp_path / "shared" / "vae"))
    assert all(torch.equal(before[name], after[name]) for name in before)
    page = (tmp_path / "shared" / "README.md").read_text("utf-8")
    assert '`VQModel.from_pretrained(…, subfolder="vae", variant="fp16")`' in page
