"""Updates of autoencoders side by side, in miniature."""

import json

import pytest

SMALL = {"batch_size": 1, "model.width": 4, "model.halvings": 1, "regularizer.every": 2}
TIMES = {"other_seconds": 0.03, "ours_seconds": 0.02, "ratio": 1.6}
KEPT = {"other_kept_bytes": 2e6, "ours_kept_bytes": 3e6}


@pytest.fixture
def autoencoders():
    import autoencoders

    return autoencoders


def test_the_table_says_how_much_of_a_recipes_update_ours_takes(autoencoders):
    table = autoencoders.table_of({"both": {"vqgan-fixed": TIMES | KEPT}})
    *_, line = table.splitlines()
    assert line == "| both | `vqgan-fixed` | 30.0 | 20.0 | 0.62 | ≤ 1.0 | 2.0 | 3.0 | 1.50 |"


def test_the_table_takes_its_place_in_the_page(autoencoders, monkeypatch, tmp_path):
    page, out = tmp_path / "speed.md", tmp_path / "out.json"
    page.write_text(autoencoders.PAGE.read_text("utf-8"), "utf-8")
    found = {"both": {"vqgan-fixed": TIMES | KEPT}}
    monkeypatch.setattr(autoencoders, "measure", lambda _: found)
    autoencoders.main(["--out", str(out), "--page", str(page)])
    assert autoencoders.table_of(found) in page.read_text("utf-8")
    assert json.loads(out.read_text("utf-8"))["updates"] == found


@pytest.mark.slow
def test_all_sides_are_measured(autoencoders):
    found = autoencoders.measure(rounds=1, **SMALL)
    assert found.keys() == {"both", "the decoder"}
    for recipes in found.values():
        assert recipes.keys() == {"vqgan-adaptive", "vqgan-fixed"}
        for of in recipes.values():
            assert min(of.values()) > 0
    both, decoder = (of["vqgan-fixed"]["ours_kept_bytes"] for of in found.values())
    assert decoder < both
