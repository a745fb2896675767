"""The page of a model: what it says, and what the hub reads in its head."""

import math

import pytest
from huggingface_hub import ModelCard

from alpha_bridge.model import NETWORKS
from alpha_bridge.sharing import Card, Picture, save
from alpha_bridge.sharing.card import render

FULL = Card(
    title="alpha-bridge on someone/digits",
    data="someone/digits",
    dataset="someone/digits",
    training={"Step I": "10 updates at α = 0", "odd | name": "two\nlines"},
    measured="after 30 updates",
    metrics={"frechet_distance/classifier/5000": 40.43, "modes/3std/10000": math.nan},
    pictures=(Picture("samples.png", "Samples after 30 updates", b""),),
)


def page(bridge, card, source="path/to/this/folder"):
    networks = {name: bridge.get_submodule(name) for name in NETWORKS}
    return render(card, networks, source)


def test_it_says_what_it_is_given(bridge):
    text = page(bridge, FULL).content
    assert "# alpha-bridge on someone/digits" in text
    assert "| data | someone/digits |" in text
    assert "| Step I | 10 updates at α = 0 |" in text
    assert "Measured after 30 updates." in text
    assert "| frechet_distance | classifier | 5000 | 40.43 |" in text
    assert "![Samples after 30 updates](samples.png)" in text


def test_words_stay_in_their_cells(bridge):
    assert "| odd \\| name | two lines |" in page(bridge, FULL).content


def test_it_names_the_networks(bridge):
    size = sum(parameter.numel() for parameter in bridge.generator.parameters())
    expected = f"| generator | `alpha_bridge.networks.mlp:MLPGenerator` | {size:,} |"
    assert expected in page(bridge, Card()).content


@pytest.mark.parametrize("draws", [True, False])
def test_it_draws_samples_where_there_is_a_prior_to_draw_from(bridge, draws):
    assert ("model.sample(" in page(bridge, Card(draws=draws)).content) is draws


def test_it_leaves_out_what_is_not_known(bridge):
    text = page(bridge, Card()).content
    for heading in ("## Training", "## Metrics", "!["):
        assert heading not in text


def test_the_hub_finds_data_and_metrics_in_its_head(bridge):
    head = ModelCard(page(bridge, FULL).content).data
    assert head.library_name == "alpha_bridge"
    assert head.datasets == ["someone/digits"]
    (result,) = head.eval_results
    assert result.metric_name == "frechet_distance/classifier/5000"
    assert result.metric_value == 40.43


def test_it_has_no_licence_which_is_the_sharers_to_choose(bridge):
    assert ModelCard(page(bridge, FULL).content).data.license is None


def test_its_code_loads_the_model(bridge, tmp_path):
    folder = tmp_path / "shared"
    save(bridge, folder)
    text = page(bridge, FULL, source=str(folder)).content
    code = text.split("```python\n")[1].split("```")[0]
    names = {}
    exec(code, names)
    assert names["x"].shape == (16, 3)
    assert names["z"].shape == (16, 2)


@pytest.mark.parametrize("name", ["accuracy", "modes/3std"])
def test_a_metric_without_a_protocol_is_refused(name):
    with pytest.raises(ValueError, match="metric/protocol/samples"):
        Card(metrics={name: 1.0})
