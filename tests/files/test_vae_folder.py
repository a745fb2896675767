"""Where the files of a trained VAE lie: found by their names, before anything reads them."""

import json

import pytest

from alpha_bridge.files.vae_folder import find_vae

KL = '{"_class_name": "AutoencoderKL"}'
STEM = "diffusion_pytorch_model"
WHOLE = f"{STEM}.safetensors"
SHARDS = [f"{STEM}-{part:05}-of-00002.safetensors" for part in (1, 2)]
INDEX = json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1], "c": SHARDS[0]}})


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.mark.parametrize(
    ("files", "chosen", "variant"),
    [
        ([WHOLE, f"{STEM}.fp16.safetensors", f"{STEM}.bin"], WHOLE, None),
        ([f"{STEM}.fp16.safetensors"], f"{STEM}.fp16.safetensors", "fp16"),
        ([f"{STEM}.bin", f"{STEM}.fp16.safetensors"], f"{STEM}.bin", None),
        ([f"{STEM}.fp16.bin", "model.onnx"], f"{STEM}.fp16.bin", "fp16"),
        ([f"{WHOLE}.index.json", *SHARDS], f"{WHOLE}.index.json", None),
        ([f"{WHOLE}.index.fp16.json", *SHARDS], f"{WHOLE}.index.fp16.json", "fp16"),
    ],
)
def test_weights_are_found_under_any_name_of_diffusers(tmp_path, files, chosen, variant):
    write(tmp_path, {"config.json": KL, **dict.fromkeys(files, INDEX)})
    found = find_vae(tmp_path)
    assert (found.library, found.weights.name, found.variant) == ("diffusers", chosen, variant)
    parts = SHARDS if chosen.endswith("json") else [chosen]
    assert [part.name for part in found.parts] == parts
    left_out = [file for file in files if file.startswith(STEM) and file not in [chosen, *parts]]
    assert (found.notes == ()) == (chosen == WHOLE and not left_out)
    assert all(file in found.notes[0] for file in left_out)


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"model_index.json": "{}", "vae/config.json": KL, f"vae/{WHOLE}": ""}, "vae"),
        ({"config.json": "{}", "vae/config.json": KL, f"vae/{WHOLE}": ""}, "vae"),
        (
            {
                "training_config.json": "{}",
                "checkpoint_epoch_9/model_config.json": "{}",
                "final_model/model_config.json": "{}",
                "final_model/model.pt": "",
            },
            "final_model",
        ),
    ],
    ids=["pipeline", "exported", "training of pythae"],
)
def test_a_vae_is_found_where_its_library_puts_it(tmp_path, files, place):
    write(tmp_path, files)
    found = find_vae(tmp_path)
    assert found.config.parent == tmp_path / place
    assert found.notes == (f"the VAE of {tmp_path} is in {place}",)


@pytest.mark.parametrize(
    ("files", "kind", "said"),
    [
        ({"readme": ""}, FileNotFoundError, "has no VAE, known by .*: give a folder"),
        ({"config.json": "{}"}, FileNotFoundError, "has no VAE"),
        (
            {"old/model_config.json": "{}", "old/model.pt": ""},
            FileNotFoundError,
            "has no VAE.*old has one",
        ),
        ({"config.json": KL}, FileNotFoundError, f"has a config.json and no {WHOLE}: give one"),
        ({"config.json": "{", WHOLE: ""}, ValueError, "config.json is damaged"),
        (
            {"config.json": KL, f"{STEM}.fp16.safetensors": "", f"{STEM}.bf16.safetensors": ""},
            ValueError,
            "has weights of the variants bf16 and fp16, and none without one: give a folder",
        ),
        (
            {"config.json": KL, f"{WHOLE}.index.json": INDEX, SHARDS[0]: ""},
            FileNotFoundError,
            f"index.json names {SHARDS[1]}, which is not there",
        ),
        *(
            ({"config.json": KL, f"{WHOLE}.index.json": index}, ValueError, "names no files beside")
            for index in ("{}", '{"weight_map": {"a": "../a"}}', '{"weight_map": [1]}')
        ),
    ],
)
def test_what_is_not_whole_is_named(tmp_path, files, kind, said):
    write(tmp_path, files)
    with pytest.raises(kind, match=said):
        find_vae(tmp_path)
