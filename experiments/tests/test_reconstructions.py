"""Autoencoders sharpened by the bridge and as usual: the grid, and what is read from the runs."""

import pytest

from alpha_bridge.recipe.presets import from_vae, of_data, of_reconstructions
from experiments import reconstructions


def run(method, distance, psnr, before=2.0):
    def row(distance):
        return {"reconstruction_distance/rotations/9-held-out": distance, "psnr/pixels/9": psnr}

    return {"method": method, "seed": 0, "evaluations": [row(before), row(distance)]}


def record(bridge=(1.0, 24.0), worst=1.0):
    ways = {
        "alpha-bridge": bridge,
        "hinge-bridge": (1.0, 24.0),
        "vqgan-adaptive": (3.0, 20.0),
        "vqgan-fixed": (1.5, 23.0),
        "ml": (2.0, 24.2),
    }
    runs = [run(f"a/{way}{end}", *of) for way, of in ways.items() for end in ("", ", frozen")]
    grid = [
        run("0/alpha-bridge", worst, 24.0),
        run("0/hinge-bridge", 1.0, 24.0),
        run("0/vqgan-fixed", 3.0, 20.0),
    ]
    return {"runs": runs, "unharmed": reconstructions.unharmed(grid)}


def test_a_bridge_that_is_closer_and_sharper_holds_every_claim():
    assert [claim.holds for claim in reconstructions.claims(record())] == [True] * 10


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({"bridge": (1.6, 24.0)}, [0, 1, 4, 5]),  # further than a recipe, and than 60 % of ml
        ({"bridge": (1.0, 23.6)}, [1, 5]),
        ({"bridge": (1.0, 23.4)}, [0, 1, 4, 5]),
        ({"worst": 2.1}, [8]),
    ],
)
def test_each_claim_can_fail(changed, fails):
    holds = [claim.holds for claim in reconstructions.claims(record(**changed))]
    assert holds == [index not in fails for index in range(10)]


def test_what_ends_further_than_it_began_is_counted_as_harm():
    assert record()["unharmed"] == {
        "alpha-bridge": {"settings": 1, "unharmed": 1, "worst": 0.5},
        "hinge-bridge": {"settings": 1, "unharmed": 1, "worst": 0.5},
        "vqgan-fixed": {"settings": 1, "unharmed": 0, "worst": 1.5},
    }


def test_a_push_multiplies_the_weight_or_the_odds_of_realism():
    start = of_reconstructions(from_vae(of_data("my/photos"), "my/vae"))
    pushed = {
        way: reconstructions._pushed(way, start, 4.0) for way in ("vqgan-fixed", "alpha-bridge")
    }
    assert pushed["vqgan-fixed"]["objective.weight"] == pytest.approx(0.4)
    realism = pushed["alpha-bridge"]["realism"]
    assert realism / (1 - realism) == pytest.approx(4 * start.realism / (1 - start.realism))
