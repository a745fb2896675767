"""Few images: which they are, what is tried on them, and what is claimed."""

import pytest
import torch

from alpha_bridge.data import digits
from alpha_bridge.recipe import Config, changed
from alpha_bridge.recipe.decided import dialled
from experiments import few_images
from experiments.pages import defaults


def test_few_images_are_always_the_same_training_images_and_a_tenth_is_held_out():
    whole = digits()
    sets = [few_images.few(whole, 20) for _ in range(2)]
    assert sets[0].fingerprint == sets[1].fingerprint
    mine = torch.cat([sets[0].training(20), sets[0].held_out(20)]).flatten(1).tolist()
    assert (sets[0].size, len(mine)) == (18, 20)
    there = whole.training(whole.size).flatten(1).tolist()
    assert all(image in there for image in mine)


def test_one_of_width_and_latent_is_tried_at_a_time(untrained):
    record = untrained.record(few_images, trials=2)
    tried = [(of["width"], of["latent"]) for of in record["summary"]]
    assert tried == [(32, 16), (8, 16), (16, 16), (48, 16), (32, 4), (32, 8)]
    assert len(untrained.plans) == 2 * len(tried)
    (claim,) = record["claims"]
    assert len(claim["found"][0]) == len(tried)
    first, *others = (of["frechet_distance"]["mean"] for of in record["summary"])
    assert claim["holds"] == (min(others) >= 0.9 * first)
    panels = few_images.draw(record).axes
    assert [len(axes.lines) for axes in panels] == [8, 6]
    (text,) = defaults.widths(record)
    assert all(f"| {width} | {latent} | " in text for width, latent in tried)


@pytest.mark.parametrize(("other", "holds"), [(8.9, False), (9.1, True)])
def test_the_claim_leaves_a_tenth(other, holds):
    found = [
        {"width": width, "latent": 32, "frechet_distance": {"mean": mean}}
        for width, mean in ((32, 10.0), (8, other), (16, 20.0))
    ]
    (claim,) = few_images.claims({"summary": found})
    assert claim.holds == holds


@pytest.mark.slow
@pytest.mark.usefixtures("quick_classifiers")
def test_few_images_are_trained_on_and_all_are_measured_against():
    config = changed(dialled(changed(Config(), few_images.QUICK)), {"model.width": 8})
    record = few_images.train(config).record
    assert record["decided"]["batch_size"] == 32
    assert "model.width" not in record["decided"]
    (row,) = record["evaluations"]
    ends = {name.split("/")[0]: name.split("/")[-1] for name in row}
    assert ends["frechet_distance"] == "200-train"
    assert ends["reconstruction_error"] == f"{len(digits().held_out(1000))}-held-out"
